//! Files for other schedulers: they call `cutover schedule run NAME --due`, which keeps `latest_start`, `overlap` and "each
//! due time once", whoever calls it and whenever.

mod calendar;
mod command;
mod cron;
mod github;
mod gitlab;
mod kubernetes;
mod systemd;

pub use command::Place;

use super::file::{Action, Schedule, Schedules};
use crate::domain::secret::SecretRef;
use crate::playbook::document::Document;
use jiff::{SignedDuration, Timestamp};

/// For which scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A service and a timer of systemd for each schedule.
    Systemd,
    /// One table for cron.
    Cron,
    /// A `CronJob` for each schedule, and on a shared store a Deployment of runners.
    Kubernetes,
    /// A workflow of GitHub for each schedule.
    Github,
    /// One file of jobs for GitLab's pipeline schedules.
    Gitlab,
}

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Its name, without a folder.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The files of a format.
#[must_use]
pub fn files(schedules: &Schedules, format: Format, place: &Place) -> Vec<Exported> {
    let each = |write: fn(&Schedule, &Place) -> Vec<Exported>| {
        schedules.all.iter().flat_map(|schedule| write(schedule, place)).collect()
    };
    match format {
        Format::Systemd => each(systemd::files),
        Format::Cron => vec![cron::file(schedules, place)],
        Format::Kubernetes => kubernetes::files(schedules, place),
        Format::Github => each(github::files),
        Format::Gitlab => vec![gitlab::file(schedules, place)],
    }
}

/// The variables of the environment in which a schedule's inventory looks for secrets.
fn secret_variables(schedule: &Schedule) -> Vec<String> {
    let inventory = schedule.sources.inventory.as_ref().and_then(|path| Document::open(path).ok());
    let inventory = inventory.and_then(|document| crate::plan::load::inventory(&document).ok());
    let secrets = inventory.map(|inventory| inventory.secrets().into_iter().cloned().collect()).unwrap_or_default();
    let names = |secrets: Vec<SecretRef>| {
        secrets.into_iter().filter_map(|secret| match secret {
            SecretRef::Env(name) => Some(name),
            SecretRef::File(_) | SecretRef::Command(_) => None,
        })
    };
    names(secrets).collect()
}

/// Why a scheduler with minutes as its smallest unit cannot run a schedule, if so.
fn beyond_minutes(schedule: &Schedule) -> Option<String> {
    let expression = &schedule.timetable.expression;
    let whole = !expression.has_seconds() || expression.parts()[0] == "0";
    (!whole).then(|| format!("\"{expression}\" has seconds, which this scheduler does not support: use cutover serve"))
}

/// The five fields that every cron understands.
fn five_fields(schedule: &Schedule) -> String {
    schedule.timetable.expression.parts()[1..].join(" ")
}

fn zone(schedule: &Schedule) -> &str {
    schedule.timetable.zone.iana_name().unwrap_or("UTC")
}

/// Due times of the next five years that replace a time of day that clocks skip, such as `2027-03-28 03:00:00`.
fn moved(schedule: &Schedule, place: &Place) -> Vec<String> {
    let years = SignedDuration::from_hours(5 * 366 * 24);
    let table = &schedule.timetable;
    let shown = |due: Timestamp| due.to_zoned(table.zone.clone()).strftime("%F %H:%M:%S").to_string();
    table.moved(place.now, years).into_iter().map(shown).collect()
}

/// A comment for schedulers that do not call when clocks skip a time of day.
fn left_out_by_clocks(schedule: &Schedule, place: &Place, who: &str) -> String {
    let moved = moved(schedule, place);
    if moved.is_empty() {
        return String::new();
    }
    format!(
        "# {who} when clocks skip the time: on these days call the command by hand, or use cutover serve:\n#   {}\n",
        moved.join(", ")
    )
}

/// What it does, as a heading.
fn heading(schedule: &Schedule) -> String {
    let verb = match schedule.action {
        Action::Rehearse => "rehearses",
        Action::Plan => "plans",
        Action::Run => "runs",
    };
    let playbook = schedule.sources.playbook.file_name().unwrap_or_default().to_string_lossy().into_owned();
    format!("cutover: {} {verb} {playbook}, {} {}", schedule.name, schedule.timetable.expression, zone(schedule))
}
