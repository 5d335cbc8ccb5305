//! A cron expression as systemd calendar events.

use crate::schedule::timetable::Expression;

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// The lines of `OnCalendar=`, without a time zone. Two, where cron means a day of the month or a day of the week.
#[must_use]
pub fn lines(expression: &Expression) -> Vec<String> {
    let values = expression.values();
    let parts = expression.parts();
    let number = |at: usize, all: usize| {
        let values = &values[at];
        if values.len() == all { "*".to_owned() } else { list(values.iter().map(|value| format!("{value:02}"))) }
    };
    let (month, time) = (number(4, 12), format!("{}:{}:{}", number(2, 24), number(1, 60), number(0, 60)));
    let day = number(3, 31);
    let weekdays: Vec<u16> = values[5].iter().copied().filter(|day| *day < 7).collect();
    let weekday = list(weekdays.iter().map(|day| DAYS[usize::from(*day)].to_owned()));
    let any_weekday = weekdays.len() == 7;
    let on_days = format!("*-{month}-{day} {time}");
    let on_weekdays = format!("{weekday} *-{month}-* {time}");
    match (parts[3] == "*", parts[5] == "*" || any_weekday) {
        (_, true) => vec![on_days],
        (true, false) => vec![on_weekdays],
        (false, false) => vec![on_days, on_weekdays],
    }
}

fn list(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn every_part_is_kept() {
        for (expression, expected) in [
            ("30 2 * * Sun", &["Sun *-*-* 02:30:00"][..]),
            ("*/15 * * * *", &["*-*-* *:00,15,30,45:00"]),
            ("0 4 1 1,7 *", &["*-01,07-01 04:00:00"]),
            ("0 0 13 * Fri", &["*-*-13 00:00:00", "Fri *-*-* 00:00:00"]),
            ("*/30 0 1-3 * * 1-5", &["Mon,Tue,Wed,Thu,Fri *-*-* 01,02,03:00:00,30"]),
            ("0 5 * * 7", &["Sun *-*-* 05:00:00"]),
        ] {
            assert_eq!(lines(&expression.parse().unwrap()), expected, "{expression}");
        }
    }
}
