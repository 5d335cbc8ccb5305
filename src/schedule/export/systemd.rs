//! A service and a timer.

use super::{Exported, Place, calendar, heading, moved, secret_variables, zone};
use crate::schedule::file::{CatchUp, Schedule};
use std::fmt::Write as _;

/// `cutover-NAME.service` and `cutover-NAME.timer`.
#[must_use]
pub fn files(schedule: &Schedule, place: &Place) -> Vec<Exported> {
    let unit = |ending: &str, text| Exported { name: format!("cutover-{}.{ending}", schedule.name), text };
    vec![unit("service", service(schedule, place)), unit("timer", timer(schedule, place))]
}

fn service(schedule: &Schedule, place: &Place) -> String {
    let (name, heading) = (&schedule.name, heading(schedule));
    let description = heading.replace('%', "%%");
    let command = place.words(name).iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let secrets = match secret_variables(schedule).join(", ") {
        none if none.is_empty() => "variables that the inventory names".to_owned(),
        names => names,
    };
    format!(
        "# {heading}\n\
         # The command refuses starts later than latest_start, and starts no due time twice.\n\
         [Unit]\n\
         Description={description}\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         # the account whose ssh keys reach the hosts\n\
         User=root\n\
         # one `NAME=value` a line, mode 0600: {secrets}\n\
         EnvironmentFile=-/etc/cutover/{name}.env\n\
         ExecStart={command}\n\
         # a stop works like Ctrl-C: the run continues to its next safe point, and can be resumed\n\
         TimeoutStopSec=1h\n"
    )
}

fn timer(schedule: &Schedule, place: &Place) -> String {
    let heading = heading(schedule);
    let persistent = schedule.rules.catch_up == CatchUp::Last;
    let mut text = format!("# {heading}\n[Unit]\nDescription={}\n\n[Timer]\n", heading.replace('%', "%%"));
    for line in calendar::lines(&schedule.timetable.expression) {
        let _ = writeln!(text, "OnCalendar={line} {}", zone(schedule));
    }
    let moved = moved(schedule, place);
    if !moved.is_empty() {
        text += "# systemd skips times that clocks skip; for the next five years these lines replace them\n";
    }
    for due in moved {
        let _ = writeln!(text, "OnCalendar={due} {}", zone(schedule));
    }
    let _ = write!(text, "AccuracySec=1s\nPersistent={persistent}\n\n[Install]\nWantedBy=timers.target\n");
    text
}

/// A word, quoted for systemd.
fn quoted(word: &str) -> String {
    let plain = word.replace('%', "%%").replace('$', "$$");
    if word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:=@+,%$".contains(c)) {
        return plain;
    }
    format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
}
