//! Times as people read them.

/// A moment in UTC: `2026-11-23 02:00:01.250`.
pub(super) fn moment(millis: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(millis);
    at.map_or_else(|_| millis.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

/// A duration, as exact as its length asks for: `7 ms`, `1.25 s`, `3 min 05 s`, `2 h 10 min`.
pub(super) fn duration(millis: i64) -> String {
    let seconds = millis / 1_000;
    match millis {
        ..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{seconds}.{:02} s", millis % 1_000 / 10),
        60_000..3_600_000 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, moment};

    #[test]
    fn as_exact_as_they_are_long() {
        let said = [7, 1_250, 185_000, 7_800_000].map(duration);
        assert_eq!(said, ["7 ms", "1.25 s", "3 min 05 s", "2 h 10 min"]);
        assert_eq!(moment(0), "1970-01-01 00:00:00.000");
    }
}
