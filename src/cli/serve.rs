//! `cutover serve`: the process that stays, with its signals.

use super::conduct::give_up;
use super::inputs;
use super::schedule::log_line;
use super::state::State;
use crate::error::{Failure, exit};
use crate::schedule::Schedules;
use crate::schedule::daemon::{Daemon, News, Refusal};
use crate::schedule::overview::with_offset;
use crate::schedule::work;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "SIGTERM or Ctrl-C: nothing more is started; what is at work goes on by itself.\n\
    Exit codes:  0 stopped on request, 2 the file of schedules is not valid, 5 the state directory cannot be used")]
pub struct Args {
    /// The file of schedules; read again when it changes.
    #[arg(long, value_name = "FILE", env = "CUTOVER_SCHEDULES", default_value = "schedules.yaml")]
    schedules: PathBuf,
    #[command(flatten)]
    state: State,
}

/// Serves until it is told to stop.
pub fn run(args: &Args) -> u8 {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return give_up(&Failure::permanent("find this program", error.to_string())),
    };
    let daemon = match Daemon::new(&args.schedules, args.state.dir(), program) {
        Ok(daemon) => daemon,
        Err(Refusal::Faults(faults)) => {
            inputs::complain(vec![faults]);
            return exit::INVALID;
        }
        Err(Refusal::Failure(failure)) => return give_up(&failure),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return give_up(&Failure::permanent("start to serve", error.to_string())),
    };
    let state_dir = args.state.dir().to_path_buf();
    runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(watch_signals(stop.clone()));
        daemon.serve(stop, |news| tell(news, &state_dir)).await;
    });
    exit::DONE
}

async fn watch_signals(stop: CancellationToken) {
    // without a handler the signal ends the process, which loses nothing
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    stop.cancel();
}

fn tell(news: News, state_dir: &Path) {
    match news {
        News::Schedules(schedules) => eprint!("{}", coming(&schedules)),
        News::Broken(faults) => {
            inputs::complain(vec![faults]);
            eprintln!("the schedules as they were before stay in use");
        }
        News::Decided(start) => eprint!("{}", log_line(&start)),
        News::Launched(start) => {
            let run = start.run.as_deref().unwrap_or("?");
            eprintln!("launched {run} of {}: {}", start.schedule, work::log(state_dir, run).display());
        }
        News::Trouble(failure) => super::output::complain(&failure),
        News::Stopped(at_work) => {
            for start in &at_work {
                eprintln!("{} of {} goes on by itself", start.run.as_deref().unwrap_or("?"), start.schedule);
            }
            eprintln!("stopped; nothing more is started");
        }
    }
}

/// What it will do next.
fn coming(schedules: &Schedules) -> String {
    let now = Timestamp::now();
    let line = |schedule: &crate::schedule::Schedule| {
        let next = schedule.timetable.next(now).map(|next| with_offset(schedule, next));
        format!("  {:<20} next {}\n", schedule.name, next.as_deref().unwrap_or("never"))
    };
    let lines: String = schedules.all.iter().map(line).collect();
    format!("{} schedules:\n{lines}", schedules.all.len())
}
