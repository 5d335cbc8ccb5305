//! When a window opens and closes on the line of time.
//!
//! A time that the clocks jump over is the moment of the jump. A time that comes twice is its first coming, for both
//! ends: so a night on which the clocks are set back makes a window that holds the hour between longer.

use super::{Day, Window};
use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Days that are searched for the next opening: every day of the week comes at least twice, so that one which a jump of
/// the clocks swallows is not the only one.
const AHEAD: i8 = 16;

/// One opening, in milliseconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// When it opens.
    pub opens: i64,
    /// When it closes.
    pub closes: i64,
}

/// A window whose time zone is known.
#[derive(Debug, Clone)]
pub struct Calendar {
    window: Window,
    zone: TimeZone,
}

impl Calendar {
    /// The calendar of a window; `None` when there is no such time zone.
    #[must_use]
    pub fn new(window: &Window) -> Option<Self> {
        Some(Self { window: window.clone(), zone: TimeZone::get(&window.time_zone).ok()? })
    }

    /// What was written.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The opening at `now` (milliseconds since 1970), or else the next one. `None` when it never opens.
    #[must_use]
    pub fn opening(&self, now: i64) -> Option<Opening> {
        let today = Timestamp::from_millisecond(now).ok()?.to_zoned(self.zone.clone()).date();
        let yesterday = today.yesterday().ok()?; // its window may reach into today
        let mut day = Some(yesterday);
        for _ in 0..AHEAD {
            let date = day?;
            if self.opens_on(date)
                && let Some(opening) = self.of(date).filter(|opening| opening.closes > now)
            {
                return Some(opening);
            }
            day = date.tomorrow().ok();
        }
        None
    }

    fn opens_on(&self, date: Date) -> bool {
        let day = match date.weekday() {
            Weekday::Monday => Day::Mon,
            Weekday::Tuesday => Day::Tue,
            Weekday::Wednesday => Day::Wed,
            Weekday::Thursday => Day::Thu,
            Weekday::Friday => Day::Fri,
            Weekday::Saturday => Day::Sat,
            Weekday::Sunday => Day::Sun,
        };
        self.window.days.is_empty() || self.window.days.contains(&day)
    }

    /// The opening that begins on `date`; `None` where the clocks jump over all of it.
    fn of(&self, date: Date) -> Option<Opening> {
        let Window { from, to, .. } = self.window;
        let last = if to < from { date.tomorrow().ok()? } else { date };
        let opening = Opening { opens: self.moment(date, from.seconds())?, closes: self.moment(last, to.seconds())? };
        (opening.opens < opening.closes).then_some(opening)
    }

    /// When the clock shows this many seconds since midnight, in milliseconds since 1970.
    fn moment(&self, date: Date, seconds: u32) -> Option<i64> {
        let date = if seconds == 24 * 3600 { date.tomorrow().ok()? } else { date };
        let part = |number: u32| i8::try_from(number).ok();
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let shown = date.to_datetime(Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()?);
        let moment = match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(shown).ok()?,
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(shown).ok()?,
            AmbiguousOffset::Gap { after, .. } => {
                // with the later offset the moment lies before the jump, however long that is
                let before = after.to_timestamp(shown).ok()?;
                self.zone.following(before).next()?.timestamp()
            }
        };
        Some(moment.as_millisecond())
    }

    /// `at` (milliseconds since 1970) as the window's clock shows it: `Sun 2026-11-29 02:00:00 +01:00`.
    #[must_use]
    pub fn show(&self, at: i64) -> String {
        match Timestamp::from_millisecond(at) {
            Ok(at) => at.to_zoned(self.zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string(),
            Err(_) => at.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Calendar, Window};
    use jiff::Timestamp;

    fn opening(days: &str, from: &str, to: &str, now: &str) -> Option<(String, String)> {
        let json = format!(r#"{{"days":[{days}],"from":"{from}","to":"{to}","time_zone":"Europe/Oslo"}}"#);
        let window: Window = serde_json::from_str(&json).unwrap();
        let now: Timestamp = now.parse().unwrap();
        let opening = Calendar::new(&window).unwrap().opening(now.as_millisecond())?;
        let text = |at| Timestamp::from_millisecond(at).unwrap().to_string();
        Some((text(opening.opens), text(opening.closes)))
    }

    #[test]
    fn windows_open_where_their_clock_hangs() {
        for (days, from, to, now, opens, closes) in [
            // Sunday in winter: from before, from within, and from after, which means the Sunday that follows
            (r#""Sun""#, "02:00", "04:00", "2026-11-27T12:00:00Z", "2026-11-29T01:00:00Z", "2026-11-29T03:00:00Z"),
            (r#""Sun""#, "02:00", "04:00", "2026-11-29T02:59:59Z", "2026-11-29T01:00:00Z", "2026-11-29T03:00:00Z"),
            (r#""Sun""#, "02:00", "04:00", "2026-11-29T03:00:00Z", "2026-12-06T01:00:00Z", "2026-12-06T03:00:00Z"),
            // past midnight the day is the one on which it opens
            (r#""Sat""#, "22:00", "04:00", "2026-11-29T02:00:00Z", "2026-11-28T21:00:00Z", "2026-11-29T03:00:00Z"),
            (r#""Sun""#, "22:00", "04:00", "2026-11-29T02:00:00Z", "2026-11-29T21:00:00Z", "2026-11-30T03:00:00Z"),
            // every day, whole days, the end of a year, the 29th of February
            ("", "00:00", "24:00", "2026-12-31T22:59:59Z", "2026-12-30T23:00:00Z", "2026-12-31T23:00:00Z"),
            ("", "23:30", "00:30", "2026-12-31T22:59:59Z", "2026-12-31T22:30:00Z", "2026-12-31T23:30:00Z"),
            ("", "02:00", "04:00", "2028-02-28T20:00:00Z", "2028-02-29T01:00:00Z", "2028-02-29T03:00:00Z"),
        ] {
            let found = opening(days, from, to, now).unwrap();
            assert_eq!(found, (opens.into(), closes.into()), "{days} {from} {to} at {now}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_jump_over_is_the_moment_of_the_jump() {
        let sunday = |from, to| opening(r#""Sun""#, from, to, "2027-03-27T12:00:00Z");
        // at 01:00 UTC the clocks go from 02:00 to 03:00
        assert_eq!(sunday("02:00", "04:00"), Some(("2027-03-28T01:00:00Z".into(), "2027-03-28T02:00:00Z".into())));
        assert_eq!(sunday("02:30", "04:00"), Some(("2027-03-28T01:00:00Z".into(), "2027-03-28T02:00:00Z".into())));
        assert_eq!(sunday("01:30", "02:30"), Some(("2027-03-28T00:30:00Z".into(), "2027-03-28T01:00:00Z".into())));
        // nothing of this one is left, so the next Sunday's is the next
        assert_eq!(sunday("02:00", "02:45"), Some(("2027-04-04T00:00:00Z".into(), "2027-04-04T00:45:00Z".into())));
    }

    #[test]
    fn a_time_that_comes_twice_is_its_first_coming() {
        let sunday = |from, to| opening(r#""Sun""#, from, to, "2026-10-24T12:00:00Z");
        // at 01:00 UTC the clocks go back from 03:00 to 02:00
        assert_eq!(sunday("02:00", "04:00"), Some(("2026-10-25T00:00:00Z".into(), "2026-10-25T03:00:00Z".into())));
        assert_eq!(sunday("02:30", "04:00"), Some(("2026-10-25T00:30:00Z".into(), "2026-10-25T03:00:00Z".into())));
        assert_eq!(sunday("01:30", "02:30"), Some(("2026-10-24T23:30:00Z".into(), "2026-10-25T00:30:00Z".into())));
    }

    #[test]
    fn what_never_opens_says_so() {
        assert_eq!(opening("", "02:00", "02:00", "2026-10-24T12:00:00Z"), None);
        let json = r#"{"from":"02:00","to":"03:00","time_zone":"Europe/Olso"}"#;
        assert!(Calendar::new(&serde_json::from_str::<Window>(json).unwrap()).is_none());
    }
}
