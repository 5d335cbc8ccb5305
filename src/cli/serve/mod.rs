//! `cutover serve`: runs the scheduler and the web page.

mod post;
mod scheduled;

use super::output;
use super::schedule::log_line;
use super::state::State;
use super::{conduct::give_up, inputs};
use crate::engine::Home;
use crate::error::{Failure, Result, exit};
use crate::schedule::daemon::{Daemon, News, Refusal};
use crate::schedule::overview::with_offset;
use crate::schedule::{Schedules, work};
use crate::web::listen::{self, Door};
use crate::web::{Keys, Page, Parts, Reach, Rehearsals, descriptors, is_loopback};
use jiff::Timestamp;
use post::LateStarts;
use scheduled::Scheduled;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "SIGTERM or Ctrl-C: nothing more is started; started runs continue by themselves.\n\
    Exit codes:  0 stopped on request, 2 the file of schedules or of people is not valid, 5 the state directory or the \
    address cannot be used")]
pub struct Args {
    /// The file of schedules; read again when it changes. Default: `schedules.yaml` if it exists; otherwise only the page
    /// runs.
    #[arg(long, value_name = "FILE", env = "CUTOVER_SCHEDULES")]
    schedules: Option<PathBuf>,
    /// Address and port of the page. An address that other machines can reach needs TLS, or a proxy in front.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Certificate chain of the page, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of that certificate, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy with TLS is in front of the page; its headers about the client are trusted.
    #[arg(long, conflicts_with = "tls_cert")]
    behind_proxy: bool,
    /// People who may approve and start, with hashes of their tokens. Without it the page is read-only.
    #[arg(long, value_name = "FILE", env = "CUTOVER_PEOPLE")]
    people: Option<PathBuf>,
    /// Folder with playbooks that can be rehearsed from the page.
    #[arg(long, value_name = "DIR")]
    playbooks: Option<PathBuf>,
    #[command(flatten)]
    state: State,
}

/// The default file of the other schedule commands.
const USUAL: &str = "schedules.yaml";

/// Serves until it is asked to stop.
pub fn run(args: &Args) -> u8 {
    if let Err(failure) = descriptors::prepare() {
        return give_up(&failure);
    }
    let keys = match args.people.clone().map(Keys::open).transpose() {
        Ok(keys) => keys,
        Err(faults) => {
            inputs::complain(vec![faults]);
            return exit::INVALID;
        }
    };
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return give_up(&Failure::permanent("find this program", error.to_string())),
    };
    let usual = || Some(PathBuf::from(USUAL)).filter(|file| file.exists());
    let file = args.schedules.clone().or_else(usual);
    // before anything is made
    if let Some(Err(faults)) = file.as_deref().map(Schedules::open) {
        inputs::complain(vec![faults]);
        return exit::INVALID;
    }
    let home = match args.state.home() {
        Ok(home) => home,
        Err(failure) => return give_up(&failure),
    };
    let daemon = file.as_ref().map(|file| Daemon::new(file, home.clone(), program.clone()));
    let daemon = daemon.map(|made| made.map(|daemon| daemon.with_people(args.people.as_deref())));
    let daemon = match daemon.transpose() {
        Ok(daemon) => daemon,
        Err(Refusal::Faults(faults)) => {
            inputs::complain(vec![faults]);
            return exit::INVALID;
        }
        Err(Refusal::Failure(failure)) => return give_up(&failure),
    };
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::permanent("start to serve", error.to_string()))
        .and_then(|runtime| runtime.block_on(serve(args, home, keys, file.zip(daemon), program)));
    match served {
        Ok(()) => exit::DONE,
        Err(failure) => give_up(&failure),
    }
}

async fn serve(
    args: &Args,
    home: Home,
    keys: Option<Keys>,
    schedules: Option<(PathBuf, Daemon)>,
    program: PathBuf,
) -> Result<()> {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificates), Some(key)) => Some(listen::tls(certificates, key)?),
        _ => None,
    };
    if tls.is_none() && !args.behind_proxy && !is_loopback(&args.listen) {
        return Err(Failure::refused("serve the page", format!("{} is reached from other machines", args.listen))
            .now("nothing listens")
            .help("give a certificate with --tls-cert and --tls-key, or use --behind-proxy if a proxy does TLS"));
    }
    let rehearsals = args.playbooks.clone().map(|folder| Rehearsals::of(folder, program)).transpose()?;
    let over = CancellationToken::new();
    let outbox = home.store.clone();
    let scheduled = schedules.as_ref().map(|(file, _)| Scheduled::new(file, home.clone()));
    let page = Page::new(Parts {
        home: home.clone(),
        reach: Reach { by_tls: tls.is_some() || args.behind_proxy, behind_proxy: args.behind_proxy },
        keys,
        rehearsals,
        schedules: scheduled.map(|scheduled| Arc::new(scheduled) as Arc<dyn crate::web::Schedules>),
        outbox_depth: Some(Box::new(move || outbox.outbox_depth().map(|depth| depth as u64))),
        over: over.clone(),
    });
    let scheme = if tls.is_some() { "https" } else { "http" };
    let door = Door::open(args.listen, tls)?;
    output::text(&format!("{scheme}://{} shows {}\n", door.address(), home.argument().display()));
    tokio::spawn(stop_on_signal(over.clone()));
    tokio::spawn(post::deliver(home.store.clone(), over.clone()));
    let late = schedules.as_ref().map(|(file, _)| LateStarts::new(home.store.clone(), file));
    let tell = move |news: News| {
        if let Some(late) = &late {
            match &news {
                News::Schedules(_) => late.catch_up(),
                News::Decided(start) => late.tell(start),
                _ => {}
            }
        }
        tell(news, home.dir());
    };
    let scheduler = schedules.map(|(_, daemon)| beside(daemon, over, tell)).transpose()?;
    page.serve(door).await;
    if let Some(scheduler) = scheduler {
        let _ = tokio::task::spawn_blocking(|| scheduler.join()).await; // it reports its own failures
    }
    Ok(())
}

/// The scheduler in threads of its own, so that a busy page does not delay due times.
fn beside(daemon: Daemon, over: CancellationToken, tell: impl Fn(News) + Send + 'static) -> Result<JoinHandle<()>> {
    let failed = |error: std::io::Error| Failure::permanent("start the scheduler", error.to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
    let thread = std::thread::Builder::new().name("scheduler".to_owned());
    thread.spawn(move || runtime.block_on(daemon.serve(over, tell))).map_err(failed)
}

/// Ends `over` when the process is asked to end.
pub(super) async fn stop_on_signal(over: CancellationToken) {
    // without a handler the signal ends the process, which loses nothing
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    over.cancel();
}

fn tell(news: News, state_dir: &Path) {
    match news {
        News::Schedules(schedules) => output::tell(&coming(&schedules)),
        News::Broken(faults) => {
            inputs::complain(vec![faults]);
            output::say("the previous schedules remain in use");
        }
        News::Decided(start) => output::tell(&log_line(&start)),
        News::Launched(start) => {
            let run = start.run.as_deref().unwrap_or("?");
            output::say(&format!("launched {run} of {}: {}", start.schedule, work::log(state_dir, run).display()));
        }
        News::Trouble(failure) => super::output::complain(&failure),
        News::Stopped(at_work) => {
            for start in &at_work {
                output::say(&format!(
                    "{} of {} continues by itself",
                    start.run.as_deref().unwrap_or("?"),
                    start.schedule
                ));
            }
            output::say("stopped; nothing more is started");
        }
    }
}

/// The next due times.
fn coming(schedules: &Schedules) -> String {
    let now = Timestamp::now();
    let line = |schedule: &crate::schedule::Schedule| {
        let next = schedule.timetable.next(now).map(|next| with_offset(schedule, next));
        format!("  {:<20} next {}\n", schedule.name, next.as_deref().unwrap_or("never"))
    };
    let lines: String = schedules.all.iter().map(line).collect();
    let count = schedules.all.len();
    format!("{count} {}:\n{lines}", if count == 1 { "schedule" } else { "schedules" })
}
