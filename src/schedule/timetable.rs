//! The due times of a cron expression in a time zone. Pure.
//!
//! A library gives the expression's times on a calendar; this module decides which instants they are when clocks change, so
//! that no start is lost or happens twice:
//! - An expression with fixed minutes and hours means a time of day. One that does not exist starts at the first instant
//!   after the gap, once; one that exists twice starts at its first, once.
//! - An expression whose minute, hour or second begins with `*` means an interval. It counts instants: nothing happens
//!   at times that do not exist, and what exists twice starts twice.

use crate::playbook::suggest;
use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, CronComponent};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use std::fmt;
use std::str::FromStr;

/// A cron expression that has due times.
#[derive(Debug, Clone)]
pub struct Expression {
    cron: Cron,
    text: String,
}

/// A fault in a text, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: String,
}

/// A field of an expression: its name, its range, and its words.
struct Field {
    name: &'static str,
    range: &'static str,
    words: &'static [&'static str],
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIELDS: [Field; 6] = [
    Field { name: "second", range: "0 to 59", words: &[] },
    Field { name: "minute", range: "0 to 59", words: &[] },
    Field { name: "hour", range: "0 to 23", words: &[] },
    Field { name: "day of the month", range: "1 to 31", words: &[] },
    Field { name: "month", range: "1 to 12, or Jan to Dec", words: &MONTHS },
    Field { name: "day of the week", range: "0 to 7, or Sun to Sat", words: &DAYS },
];

impl FromStr for Expression {
    type Err = Wrong;
    /// Accepts only what the schedulers of exported files understand too, and seconds.
    fn from_str(text: &str) -> Result<Self, Wrong> {
        let written: Vec<&str> = text.split_whitespace().collect();
        if !matches!(written.len(), 5 | 6) {
            let message = format!("`{text}` is not a cron expression: it has {} fields", written.len());
            let help = "write five: minute, hour, day of the month, month, day of the week, as \"30 2 * * Sun\"; \
                or six, the first one for seconds";
            return Err(Wrong { message, help: help.into() });
        }
        for (at, (part, field)) in written.iter().zip(&FIELDS[6 - written.len()..]).enumerate() {
            if !field.takes(part) || !is_valid_alone(&written, at) {
                let message = format!("`{part}` is not a valid {} of a cron expression", field.name);
                let help = format!(
                    "write {}: a single value, or a list or range such as `1,3`, `1-5`, `*` or `*/2`",
                    field.range
                );
                return Err(Wrong { message, help });
            }
        }
        let never = |_| Wrong { message: format!("`{text}` is never due"), help: "no month has such a day".into() };
        let cron = parser().parse(text).map_err(never)?;
        cron.find_next_occurrence(&DateTime::constant(2024, 1, 1, 0, 0, 0, 0), true).map_err(never)?;
        Ok(Self { cron, text: written.join(" ") })
    }
}

impl Field {
    fn takes(&self, part: &str) -> bool {
        let known = |word: &str| self.words.contains(&word.to_ascii_uppercase().as_str());
        part.chars().all(|c| c.is_ascii_alphanumeric() || "*,-/".contains(c))
            && part.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).all(known)
            && part
                .split(|c: char| !c.is_ascii_alphanumeric())
                .all(|word| word.chars().all(|c| c.is_ascii_digit()) || word.chars().all(|c| c.is_ascii_alphabetic()))
    }
}

/// Whether the library accepts the part at `at` with `*` for all others: its errors do not name the faulty part.
fn is_valid_alone(parts: &[&str], at: usize) -> bool {
    let alone: Vec<&str> =
        parts.iter().enumerate().map(|(other, part)| if other == at { *part } else { "*" }).collect();
    parser().parse(&alone.join(" ")).is_ok()
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build()
}

impl Expression {
    /// The parts from the second on; the second is `0` where none is written.
    #[must_use]
    pub fn parts(&self) -> Vec<&str> {
        let written = self.text.split(' ');
        if self.has_seconds() { written.collect() } else { std::iter::once("0").chain(written).collect() }
    }
    /// Whether seconds are written.
    #[must_use]
    pub fn has_seconds(&self) -> bool {
        self.text.split(' ').count() == 6
    }
    /// The numbers that each part stands for, from the second to the day of the week; 0 is Sunday.
    #[must_use]
    pub fn values(&self) -> [Vec<u16>; 6] {
        let pattern = &self.cron.pattern;
        [&pattern.seconds, &pattern.minutes, &pattern.hours, &pattern.days, &pattern.months, &pattern.days_of_week]
            .map(CronComponent::values)
    }
    /// Whether it means times of day, and no interval.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.parts()[..3].iter().all(|part| !part.starts_with('*'))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The time zone of a name of the IANA database.
///
/// # Errors
/// When there is none of that name.
pub fn zone(name: &str) -> Result<TimeZone, Wrong> {
    TimeZone::get(name).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        Wrong {
            message: format!("there is no time zone `{name}`"),
            help: match suggest::nearest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write an IANA time zone, such as Europe/Oslo or UTC".into(),
            },
        }
    })
}

/// Due times.
#[derive(Debug, Clone)]
pub struct Timetable {
    /// What is written.
    pub expression: Expression,
    /// Its time zone.
    pub zone: TimeZone,
}

impl Timetable {
    /// The first due time after `after`; none when the calendar ends.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after_there = after.to_zoned(self.zone.clone());
        if !self.expression.is_fixed() {
            let next: Zoned = self.expression.cron.find_next_occurrence(&after_there, false).ok()?;
            return Some(next.timestamp());
        }
        let mut civil = after_there.datetime();
        loop {
            civil = self.expression.cron.find_next_occurrence(&civil, false).ok()?;
            // 02:30 of the second time round is not after its first
            if let Some(instant) = self.instant(civil).filter(|instant| *instant > after) {
                return Some(instant);
            }
        }
    }

    /// All due times after `after`.
    pub fn after(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.next(after), |last| self.next(*last))
    }

    /// Due times within `period` after `after` that stand for a time of day that does not exist.
    #[must_use]
    pub fn moved(&self, after: Timestamp, period: SignedDuration) -> Vec<Timestamp> {
        let until = after.checked_add(period).unwrap_or(Timestamp::MAX);
        let changes = self.zone.following(after).map(|change| change.timestamp()).take_while(|change| *change <= until);
        changes.filter(|change| self.expression.is_fixed() && self.stands_for_another(*change)).collect()
    }

    /// Whether an instant is due without being a time of the expression.
    fn stands_for_another(&self, at: Timestamp) -> bool {
        let is_due = at.checked_sub(1.millisecond()).is_ok_and(|before| self.next(before) == Some(at));
        let there = at.to_zoned(self.zone.clone());
        is_due && self.expression.cron.is_time_matching(&there).is_ok_and(|matching| !matching)
    }

    /// When a time of day is.
    fn instant(&self, civil: DateTime) -> Option<Timestamp> {
        let times = self.zone.to_ambiguous_timestamp(civil);
        let offset = times.offset();
        let earlier = times.earlier().ok()?;
        match offset {
            AmbiguousOffset::Gap { .. } => self.zone.following(earlier).next().map(|change| change.timestamp()),
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => Some(earlier),
        }
    }
}

impl fmt::Display for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.expression, self.zone.iana_name().unwrap_or("UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Expression, Timetable, zone};

    /// Due times after `after` on 24 hours' clocks, as `29T02:30+01`.
    fn table(expression: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
        let table = Timetable { expression: expression.parse().unwrap(), zone: zone(zone_name).unwrap() };
        let shown = |at: jiff::Timestamp| at.to_zoned(table.zone.clone()).strftime("%F %H:%M:%S %:z").to_string();
        table.after(after.parse().unwrap()).take(count).map(shown).collect()
    }

    #[test]
    fn a_time_of_day_that_does_not_exist_is_the_first_instant_after_the_gap_once() {
        assert_eq!(
            table("30 2 * * *", "Europe/Oslo", "2027-03-27T00:00:00Z", 3),
            ["2027-03-27 02:30:00 +01:00", "2027-03-28 03:00:00 +02:00", "2027-03-29 02:30:00 +02:00"]
        );
        assert_eq!(
            table("0,30 2,3 * * *", "Europe/Oslo", "2027-03-27T23:00:00Z", 3),
            ["2027-03-28 03:00:00 +02:00", "2027-03-28 03:30:00 +02:00", "2027-03-29 02:00:00 +02:00"],
            "four times of day are two instants"
        );
        assert_eq!(
            table("30 2 * * *", "Australia/Lord_Howe", "2026-10-02T12:00:00Z", 2),
            ["2026-10-03 02:30:00 +10:30", "2026-10-04 02:30:00 +11:00"],
            "a gap of half an hour, which ends just there"
        );
        assert_eq!(
            table("0 0 30 12 *", "Pacific/Apia", "2011-01-01T00:00:00Z", 2),
            ["2011-12-31 00:00:00 +14:00", "2012-12-30 00:00:00 +14:00"],
            "a day that was left out"
        );
    }

    #[test]
    fn a_time_of_day_that_exists_twice_is_the_first_of_both_once() {
        let days = ["2026-10-24 02:30:00 +02:00", "2026-10-25 02:30:00 +02:00", "2026-10-26 02:30:00 +01:00"];
        assert_eq!(table("30 2 * * *", "Europe/Oslo", "2026-10-24T00:00:00Z", 3), days);
        // asked within the second time round, before and after the half hour
        assert_eq!(table("30 2 * * *", "Europe/Oslo", "2026-10-25T01:15:00Z", 1), days[2..]);
        assert_eq!(table("30 2 * * *", "Europe/Oslo", "2026-10-25T01:45:00Z", 1), days[2..]);
    }

    #[test]
    fn an_interval_goes_on_by_instants() {
        assert_eq!(
            table("*/30 * * * *", "Europe/Oslo", "2027-03-28T00:29:00Z", 3),
            ["2027-03-28 01:30:00 +01:00", "2027-03-28 03:00:00 +02:00", "2027-03-28 03:30:00 +02:00"]
        );
        assert_eq!(
            table("*/30 * * * *", "Europe/Oslo", "2026-10-25T00:00:00Z", 4),
            [
                "2026-10-25 02:30:00 +02:00",
                "2026-10-25 02:00:00 +01:00",
                "2026-10-25 02:30:00 +01:00",
                "2026-10-25 03:00:00 +01:00"
            ]
        );
    }

    #[test]
    fn leap_days_and_ends_of_years() {
        assert_eq!(
            table("0 12 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2),
            ["2028-02-29 12:00:00 +00:00", "2032-02-29 12:00:00 +00:00"]
        );
        assert_eq!(
            table("59 23 31 12 *", "Europe/Oslo", "2026-12-31T22:00:00Z", 2),
            ["2026-12-31 23:59:00 +01:00", "2027-12-31 23:59:00 +01:00"]
        );
        assert_eq!(
            table("*/2 * * * * *", "UTC", "2026-12-31T23:59:57Z", 2),
            ["2026-12-31 23:59:58 +00:00", "2027-01-01 00:00:00 +00:00"]
        );
        assert_eq!(
            table("0 0 13 * Fri", "UTC", "2026-11-10T00:00:00Z", 2),
            ["2026-11-13 00:00:00 +00:00", "2026-11-20 00:00:00 +00:00"],
            "either of both days, as everywhere"
        );
    }

    #[test]
    fn moved_times_are_those_after_a_gap_that_no_other_time_falls_on() {
        let moved = |expression: &str| {
            let table = Timetable { expression: expression.parse().unwrap(), zone: zone("Europe/Oslo").unwrap() };
            let after = "2026-11-01T00:00:00Z".parse().unwrap();
            let moved = table.moved(after, jiff::SignedDuration::from_hours(2 * 366 * 24));
            moved.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(moved("30 2 * * *"), ["2027-03-28T01:00:00Z", "2028-03-26T01:00:00Z"]);
        assert_eq!(moved("0 2,3 * * *"), [""; 0], "it is called for at three anyway");
        assert_eq!(moved("*/10 * * * * *"), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let said = |text: &str| text.parse::<Expression>().unwrap_err().message;
        assert!(said("* * *").contains("it has 3 fields"));
        assert!(said("61 2 * * *").contains("`61` is not a valid minute"));
        assert!(said("0 2 * * Someday").contains("`Someday` is not a valid day of the week"));
        assert!(said("0 2 L * *").contains("`L` is not a valid day of the month"));
        assert!(said("0 2 * * Fri#2").contains("not a valid day of the week"));
        assert!(said("*/5 0 24 * * *").contains("`24` is not a valid hour"));
        assert!(said("0 2 30 2 *").contains("is never due"));
        assert!(said("@daily").contains("1 fields"));
        for good in ["0 2 * * sun", "*/5 * * * *", "0 2 1-7 Jan,JUL *", "5,10 2-4/2 * * 7", "0 */2 * * * *"] {
            assert_eq!(good.parse::<Expression>().unwrap().to_string(), good);
        }
        assert_eq!(zone("Europe/Olso").unwrap_err().help, "did you mean `Europe/Oslo`?");
    }
}
