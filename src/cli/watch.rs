//! `cutover watch`: checks the servers of a switch at intervals.

use super::live::Nobody;
use super::output;
use super::state::State;
use crate::domain::units::Span;
use crate::effects::Effects;
use crate::engine::clock::wall;
use crate::error::{Failure, Result, exit};
use crate::notify::{self, Postman, Watched};
use crate::watch::{Chosen, Look, Memory, Switch, Verdict, Watcher, choose, metrics};
use clap::ValueEnum;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the run that made the switch. Default: always the newest switch.
    run: Option<String>,
    #[command(flatten)]
    state: State,
    /// Time between two checks.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    every: Span,
    /// Stop after this time. Default: at Ctrl-C. The exit code is that of the worst check.
    #[arg(long = "for", value_name = "TIME", value_parser = time, conflicts_with = "once")]
    lasts: Option<Span>,
    /// Check once.
    #[arg(long)]
    once: bool,
    /// Output format: one line, or one JSON object, per check.
    #[arg(long, value_enum, default_value_t)]
    format: LineFormat,
    /// Write the last check to this file in the Prometheus text format, for the textfile collector of the node exporter.
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

/// How checks are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum LineFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A duration as documents have it: `10s`, `1h`.
pub fn time(text: &str) -> Result<Span, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// Watches. Returns the exit code.
pub fn run(args: &Args) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return super::conduct::give_up(&Failure::permanent("watch", error.to_string())),
    };
    runtime.block_on(async {
        match Rounds::new(args).go().await {
            Ok(code) => code,
            Err(failure) => {
                output::complain(&failure);
                exit::INVALID
            }
        }
    })
}

/// Connections to the servers of a switch, without a lease.
///
/// # Errors
/// When a secret is missing.
pub fn watcher(switch: Switch, state: &State, asks_accounts: bool) -> Result<Watcher> {
    let secrets = switch.secrets().map_err(|failures| {
        let answers: Vec<String> = failures.iter().map(ToString::to_string).collect();
        Failure::permanent("read the secrets of the run", answers.join("; "))
            .help("set the same environment variables and files as for `cutover run`")
    })?;
    let inventory = Arc::new(switch.plan.world.inventory.clone());
    let fx = Effects::new(inventory, Arc::new(secrets), Arc::new(Nobody), state.dir().join("ssh"));
    Ok(Watcher::new(switch, fx, asks_accounts))
}

/// A running watch.
struct Rounds<'a> {
    args: &'a Args,
    watched: Option<(Switch, Watcher, Memory, Option<Postman>)>,
    worst: Verdict,
    last: Verdict,
}

impl<'a> Rounds<'a> {
    fn new(args: &'a Args) -> Self {
        Self { args, watched: None, worst: Verdict::Well, last: Verdict::Well }
    }

    async fn go(mut self) -> Result<u8> {
        let begin = Instant::now();
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .map_err(|error| Failure::permanent("watch", error.to_string()))?;
        let code = loop {
            let ended = tokio::select! {
                round = self.round() => { round?; false }
                _ = tokio::signal::ctrl_c() => true,
                _ = terminate.recv() => true,
            };
            let left = self.args.lasts.map(|lasts| lasts.0.saturating_sub(begin.elapsed()));
            if ended || self.args.once {
                break self.last.exit_code();
            }
            if left.is_some_and(|left| left.is_zero()) {
                break self.worst.exit_code();
            }
            tokio::select! {
                () = tokio::time::sleep(self.args.every.0.min(left.unwrap_or(Duration::MAX))) => {}
                _ = tokio::signal::ctrl_c() => break self.last.exit_code(),
                _ = terminate.recv() => break self.last.exit_code(),
            }
        };
        self.leave().await;
        Ok(code)
    }

    /// One check of each pair of the current switch.
    async fn round(&mut self) -> Result<()> {
        let chosen = match choose(&self.args.state.open()?, self.args.run.as_deref()) {
            Ok(chosen) => chosen,
            // a journal that is unreadable for a moment does not end the watch
            Err(failure) if self.watched.is_some() => {
                self.judge(Verdict::Unclear);
                tracing::warn!("{failure}");
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        let switch = match chosen {
            Chosen::Switch(switch) => *switch,
            Chosen::Switching(run) => {
                self.judge(Verdict::Unclear);
                self.say_switching(&run);
                return Ok(());
            }
        };
        self.turn_to(switch).await?;
        let Some((switch, watcher, memory, _)) = &mut self.watched else { return Ok(()) };
        let mut looks = watcher.look(wall()).await;
        for look in &mut looks {
            memory.complete(look);
            if memory.is_news(look) && !switch.plan.on.watch.is_empty() {
                bear(tell(&self.args.state, switch, look));
            }
        }
        bear(memory.write());
        bear(self.args.metrics.as_ref().map_or(Ok(()), |path| metrics::write(path, &looks)));
        for look in &looks {
            self.say(look);
        }
        self.judge(looks.iter().map(Look::verdict).max().unwrap_or(Verdict::Unclear));
        Ok(())
    }

    /// Continues with the same switch, or changes to a newer one. Writes accepted since then count from now on.
    async fn turn_to(&mut self, switch: Switch) -> Result<()> {
        if self.watched.as_ref().is_some_and(|(now, ..)| now.is_same(&switch)) {
            return Ok(());
        }
        self.leave().await;
        let state = &self.args.state;
        let (memory, watcher) = (Memory::read(state.dir(), &switch.run), watcher(switch.clone(), state, false)?);
        let tells = !switch.plan.on.watch.is_empty();
        let carry = || Postman::carry(state.store()?, &notify::origin(&switch.run), wall);
        let postman = tells.then(carry).transpose()?;
        self.watched = Some((switch, watcher, memory, postman));
        Ok(())
    }

    async fn leave(&mut self) {
        let Some((_, watcher, _, postman)) = self.watched.take() else { return };
        watcher.close().await;
        let unsent = tokio::task::spawn_blocking(|| postman.map_or(0, Postman::end)).await.unwrap_or(0);
        if unsent > 0 {
            tracing::warn!("some notifications are not sent yet: `cutover outbox list` lists them");
        }
    }

    fn judge(&mut self, verdict: Verdict) {
        self.last = verdict;
        self.worst = self.worst.max(verdict);
    }

    fn say(&self, look: &Look) {
        match self.args.format {
            LineFormat::Json => line(&serde_json::json!(Judged { verdict: look.verdict(), look }).to_string()),
            LineFormat::Text => line(&format!("{}  {}  {look}", clock(look.at), look.run)),
        }
    }

    fn say_switching(&self, run: &str) {
        match self.args.format {
            LineFormat::Json => line(&serde_json::json!({ "at": wall(), "switching": run }).to_string()),
            LineFormat::Text => line(&format!("{}  {run} is switching right now; not checked", clock(wall()))),
        }
    }
}

/// A check with its verdict.
#[derive(serde::Serialize)]
pub struct Judged<'a> {
    /// The verdict.
    pub verdict: Verdict,
    /// The check.
    #[serde(flatten)]
    pub look: &'a Look,
}

fn tell(state: &State, switch: &Switch, look: &Look) -> Result<()> {
    let text = look.to_string();
    let folder = switch.folder.display().to_string();
    let (run, old, at, plan) = (&switch.run, &look.old, look.at, &switch.plan);
    notify::watched(&state.store()?, &Watched { run, old, at, text: &text, plan, folder: &folder })
}

/// A full disk does not end a watch: the next check tries again, and the age of the metrics file shows the problem.
fn bear(written: Result<()>) {
    if let Err(failure) = written {
        tracing::warn!("{failure}");
    }
}

fn clock(at: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at);
    at.map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A closed pipe is not a failure.
fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
