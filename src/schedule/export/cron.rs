//! A table for cron.

use super::{Exported, Place, beyond_minutes, five_fields, heading, zone};
use crate::schedule::file::{CatchUp, Schedules};
use std::fmt::Write as _;

/// `cutover.cron`, one line a schedule, for `/etc/cron.d`.
#[must_use]
pub fn file(schedules: &Schedules, place: &Place) -> Exported {
    let mut text = String::from(
        "# For /etc/cron.d/cutover. CRON_TZ is cronie's: the cron of Debian and Ubuntu does not know it, and takes all times\n\
         # for the machine's own. The command starts nothing that is not due in its schedule's own time zone, refuses what is\n\
         # later than latest_start, and starts no due time twice; so a wrong time zone delays or loses a start, no more.\n\
         # Secrets: set the variables that the inventory names in a wrapper; cron passes none on.\n",
    );
    for schedule in &schedules.all {
        let _ = write!(text, "\n# {}\n", heading(schedule));
        if schedule.rules.catch_up == CatchUp::Last {
            text += "# catch_up: last cannot be expressed: cron forgets what was due while the machine was off\n";
        }
        if let Some(why) = beyond_minutes(schedule) {
            let _ = writeln!(text, "# left out: {why}");
            continue;
        }
        let command = escaped(&place.shell(&schedule.name));
        let _ = write!(text, "CRON_TZ={}\n{} root {command}\n", zone(schedule), five_fields(schedule));
    }
    Exported { name: "cutover.cron".into(), text }
}

/// A command line as cron takes it: a per cent sign ends it, unless a backslash stands before it, which cron takes away. One
/// that belongs to the text, and so stands within quotes, is kept apart from the sign.
fn escaped(command: &str) -> String {
    command.replace("\\%", "\\''%").replace('%', "\\%")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_per_cent_sign_ends_no_command() {
        assert_eq!(escaped("run 'a%b'"), "run 'a\\%b'");
        assert_eq!(escaped("run 'a\\%b'"), "run 'a\\''\\%b'");
    }
}
