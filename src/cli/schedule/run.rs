//! `cutover schedule run`, and the process of a start that was decided elsewhere.

use super::File;
use crate::cli::conduct::{StartedBy, give_up};
use crate::cli::state::State;
use crate::cli::{self, output};
use crate::error::{Result, exit};
use crate::schedule::Schedule;
use crate::schedule::look::{Scheduler, instant};
use crate::schedule::now::{self, Called, due_now, find, start_here};
use crate::schedule::overview::with_offset;
use crate::schedule::work::{self, Work};
use crate::store::{Start, Verdict};
use jiff::Timestamp;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `schedule run`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes:  those of the started command; with --due also 0 when nothing is due or the start is skipped, \
    and 5 when it is refused or too late"
)]
pub struct Args {
    /// The schedule.
    name: String,
    /// Start only if it is due: for other schedulers. Each due time starts at most once, however often this is called, and
    /// never after `latest_start`.
    #[arg(long)]
    due: bool,
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    state: State,
}

/// Arguments of `schedule carry-out`.
#[derive(Debug, clap::Args)]
pub struct CarryOut {
    /// The run's id.
    run: String,
    /// The file of people of the scheduler's page.
    #[arg(long, value_name = "FILE")]
    people: Option<PathBuf>,
    #[command(flatten)]
    state: State,
}

/// Starts.
pub fn run(args: &Args) -> u8 {
    let schedules = match args.file.open() {
        Ok(schedules) => schedules,
        Err(code) => return code,
    };
    let schedule = match find(&schedules, &args.name) {
        Ok(schedule) => schedule,
        Err(failure) => {
            output::complain(&failure);
            return exit::INVALID;
        }
    };
    let begun = if args.due { call(args, schedule) } else { here(args, schedule) };
    begun.unwrap_or_else(|failure| give_up(&failure))
}

fn here(args: &Args, schedule: &Schedule) -> Result<u8> {
    let scheduler = Scheduler::new(args.state.home()?);
    let (start, work) = start_here(&scheduler, schedule)?;
    finish(&scheduler, &start, work, None) // the account that typed it
}

fn call(args: &Args, schedule: &Schedule) -> Result<u8> {
    let scheduler = Scheduler::new(args.state.home()?);
    let mut called = due_now(&scheduler, schedule)?;
    if let Called::Waits(start, _) = &called {
        output::say(&reason(start));
    }
    loop {
        match called {
            Called::Ours(start, work) => {
                let by = started_by(&start, None);
                return finish(&scheduler, &start, work, Some(by));
            }
            Called::Nothing => {
                let next = schedule.timetable.next(Timestamp::now()).map(|next| with_offset(schedule, next));
                let next = next.as_deref().unwrap_or("never");
                output::say(&format!(
                    "nothing to do for {}: every due time has a decision; next: {next}",
                    schedule.name
                ));
                return Ok(exit::DONE);
            }
            Called::Waits(start, work) => {
                std::thread::sleep(Duration::from_secs(1));
                called = now::still_waiting(&scheduler, schedule, start, work)?;
            }
            Called::Decided(start) => {
                output::say(&format!("{} of {}: {}", start.verdict, schedule.name, reason(&start)));
                let refused = matches!(start.verdict, Verdict::Refused | Verdict::Late);
                return Ok(if refused { exit::REFUSED } else { exit::DONE });
            }
        }
    }
}

fn reason(start: &Start) -> String {
    let due = instant(start.due);
    format!("due {due}, {}", start.reason.as_deref().unwrap_or("no reason was written"))
}

fn finish(scheduler: &Scheduler, start: &Start, work: Work, by: Option<StartedBy>) -> Result<u8> {
    output::say(&format!(
        "start {} of {}, due {}",
        start.run.as_deref().unwrap_or("?"),
        start.schedule,
        instant(start.due)
    ));
    work::finish(&scheduler.journal, work, start, |start| cli::carry_out(&start.command, by))
}

/// Who asked for the start, from the journal: the schedule, or the person on the page.
fn started_by(start: &Start, people: Option<PathBuf>) -> StartedBy {
    let who = if start.on_demand { start.by.clone() } else { format!("schedule {}", start.schedule) };
    StartedBy { who, people }
}

/// Runs a start that was decided, unless another process does.
pub fn carry_out(args: &CarryOut) -> u8 {
    let begin = |start: &Start| cli::carry_out(&start.command, Some(started_by(start, args.people.clone())));
    match args.state.home().and_then(|home| work::carry_out(&home, &args.run, begin)) {
        Ok(Some(code)) => code,
        Ok(None) => {
            output::say(&format!("another process has started {}, or it must not be started any more", args.run));
            exit::DONE
        }
        Err(failure) => give_up(&failure),
    }
}
