//! `cutover runner`: a machine that runs the due starts for its labels, beside other machines on one store.

use super::conduct::give_up;
use super::output;
use super::serve::stop_on_signal;
use super::state::State;
use crate::error::{Failure, exit};
use crate::schedule::machine::{Machine, Told, looked};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Arguments of `runner`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A label of this machine: `--labels site=oslo`; can be repeated. The machine takes only runs whose `runs-on` labels
    /// (in the inventory) it has.
    #[arg(long = "labels", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Most runs at a time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    most: u16,
    /// File of people whose answers count in the runs of this machine.
    #[arg(long, value_name = "FILE", env = "CUTOVER_PEOPLE")]
    people: Option<PathBuf>,
    /// When asked to stop, wait until the runs started here have ended. Needed where the end of this process ends all others,
    /// as in a container.
    #[arg(long)]
    drain: bool,
    /// Only check whether the runner on this machine still looks for work.
    #[arg(long, conflicts_with_all = ["labels", "drain", "people"])]
    check: bool,
    #[command(flatten)]
    state: State,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it like `site=oslo`".to_owned()),
    }
}

/// Works until it is asked to stop.
pub fn run(args: Args) -> u8 {
    match serve(args) {
        Ok(()) => exit::DONE,
        Err(failure) => give_up(&failure),
    }
}

fn serve(args: Args) -> Result<(), Failure> {
    if args.check {
        let ago = looked(args.state.dir())?.as_secs();
        output::text(&format!("it looked for work {ago} s ago\n"));
        return Ok(());
    }
    let attempted = "run what is due for this machine";
    let home = args.state.home()?;
    if !home.is_shared() {
        let answer = format!("{} is a directory of this machine", home.dir().display());
        return Err(Failure::refused(attempted, answer)
            .help("name a store that machines share: --state postgres://…; on a single machine, use `cutover serve`"));
    }
    let failed = |error: std::io::Error| Failure::permanent(attempted, error.to_string());
    let absolute = |file: PathBuf| std::path::absolute(&file).unwrap_or(file);
    let labels: BTreeMap<String, String> = args.labels.into_iter().collect();
    let program = std::env::current_exe().map_err(failed)?;
    let words = labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
    let what = if words.is_empty() { "without labels".to_owned() } else { format!("as {words}") };
    let machine = Machine {
        home,
        labels,
        program,
        people: args.people.map(absolute),
        most: usize::from(args.most),
        drain: args.drain,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(stop_on_signal(stop.clone()));
        output::say(&format!("running what is due, {what}"));
        machine.serve(stop, tell).await;
        output::say(if args.drain { "stopped" } else { "stopped; started runs continue by themselves" });
    });
    Ok(())
}

fn tell(told: Told) {
    match told {
        Told::Launched(start) => {
            output::say(&format!("launched {} of {}", start.run.as_deref().unwrap_or("?"), start.schedule));
        }
        Told::TakenUp(run, who) => {
            output::say(&format!("resumes {run}, whose runner is no longer seen: {who}"));
        }
        Told::Trouble(failure) => output::complain(&failure),
    }
}
