//! `cutover schedule next`

use super::{File, Format};
use crate::cli::conduct::give_up;
use crate::cli::output;
use crate::error::exit;
use crate::schedule::Schedule;
use crate::schedule::now::find;
use crate::schedule::overview::with_offset;
use jiff::Timestamp;
use serde_json::json;

/// Arguments of `schedule next`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this schedule.
    name: Option<String>,
    /// Number of times.
    #[arg(short = 'n', long, default_value_t = 5)]
    count: usize,
    /// Start from this time instead of now, such as 2027-03-27T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    after: Option<Timestamp>,
    #[command(flatten)]
    file: File,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Shows the next due times of all schedules, in order.
pub fn run(args: &Args) -> Result<u8, u8> {
    let schedules = args.file.open()?;
    let chosen: Vec<&Schedule> = match &args.name {
        Some(name) => vec![find(&schedules, name).map_err(|failure| {
            give_up(&failure);
            exit::INVALID
        })?],
        None => schedules.all.iter().collect(),
    };
    let after = args.after.unwrap_or_else(Timestamp::now);
    let times = |schedule: &&Schedule| {
        let times: Vec<Timestamp> = schedule.timetable.after(after).take(args.count).collect();
        times
    };
    let mut coming: Vec<(Timestamp, &Schedule)> =
        chosen.iter().flat_map(|schedule| times(schedule).into_iter().map(|at| (at, *schedule))).collect();
    coming.sort_by(|one, other| (one.0, &one.1.name).cmp(&(other.0, &other.1.name)));
    coming.truncate(args.count);
    match args.format {
        Format::Json => {
            let row = |(at, schedule): &(Timestamp, &Schedule)| {
                let due = with_offset(schedule, *at);
                json!({ "schedule": schedule.name, "due": due, "at": at.as_millisecond(), "utc": at.to_string() })
            };
            output::json(&coming.iter().map(row).collect::<Vec<_>>());
        }
        Format::Text => {
            let line = |(at, schedule): &(Timestamp, &Schedule)| {
                let zone = schedule.timetable.zone.clone();
                let shown = at.to_zoned(zone).strftime("%a %F %H:%M:%S %:z %Z").to_string();
                format!("{shown:<36} {}\n", schedule.name)
            };
            output::text(&coming.iter().map(line).collect::<String>());
        }
    }
    Ok(exit::DONE)
}
