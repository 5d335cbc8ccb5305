//! A table for cron.

use super::{Exported, Place, beyond_minutes, five_fields, heading, zone};
use crate::schedule::file::{CatchUp, Schedules};
use std::fmt::Write as _;

/// `cutover.cron`, one line a schedule, for `/etc/cron.d`.
#[must_use]
pub fn file(schedules: &Schedules, place: &Place) -> Exported {
    let mut text = String::from(
        "# For /etc/cron.d/cutover. Only cronie supports CRON_TZ: cron of Debian and Ubuntu ignores it and uses the machine's\n\
         # time zone. The command starts only what is due in the schedule's own time zone, refuses starts later than\n\
         # latest_start, and starts no due time twice; so a wrong time zone can only delay or lose a start.\n\
         # Secrets: set the variables that the inventory names in a wrapper script; cron passes none on.\n",
    );
    for schedule in &schedules.all {
        let _ = write!(text, "\n# {}\n", heading(schedule));
        if schedule.rules.catch_up == CatchUp::Last {
            text += "# catch_up: last is not possible: cron forgets due times while the machine is off\n";
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

/// A command line for cron. A percent sign ends it unless a backslash precedes it, which cron removes. A backslash of the
/// text itself, inside quotes, is kept apart from the sign.
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
