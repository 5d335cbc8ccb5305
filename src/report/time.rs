//! Times and amounts, as pages and reports write them.

use crate::domain::units::Bytes;
use maud::{Markup, html};

/// A length of time in milliseconds.
#[must_use]
pub fn span(millis: i64) -> String {
    let millis = millis.max(0);
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A moment, in milliseconds since 1970: the day and the second in UTC.
#[must_use]
pub fn moment(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| at.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A moment to the millisecond: `2026-11-23 05:32:19.123 UTC`.
#[must_use]
pub fn exact_moment(at: i64) -> String {
    let known = jiff::Timestamp::from_millisecond(at);
    known.map_or_else(|_| at.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S%.3f UTC").to_string())
}

/// The second of a day, in UTC, with milliseconds and the zone: `05:32:19.123 UTC`.
#[must_use]
pub fn clock(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| at.to_string(), |at| at.strftime("%H:%M:%S%.3f UTC").to_string())
}

/// A running time since `since`, counted by the browser; without a script it shows the time when the page was made.
#[must_use]
pub fn running(since: i64, now: i64) -> Markup {
    // a text that differs every second would be sent every second: the browser counts by itself
    let coarse = (now - since) / 60_000 * 60_000;
    html! { span.running data-since=(since) { (span(if coarse > 0 { coarse } else { 0 })) } }
}

/// An amount of bytes.
#[must_use]
pub fn bytes(count: u64) -> String {
    Bytes(count).to_string()
}

#[cfg(test)]
mod tests {
    use super::{clock, exact_moment, moment, span};

    #[test]
    fn lengths_of_time_are_as_exact_as_they_are_short() {
        let shown = [320, 12_440, 200_000, 3_725_000, -5].map(span);
        assert_eq!(shown, ["320 ms", "12.4 s", "3 min 20 s", "1 h 02 min", "0 ms"]);
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(moment(1_795_411_939_123), "2026-11-23 05:32:19 UTC");
        assert_eq!(exact_moment(1_795_411_939_123), "2026-11-23 05:32:19.123 UTC");
        assert_eq!(clock(1_795_411_939_123), "05:32:19.123 UTC");
    }
}
