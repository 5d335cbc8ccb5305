//! A time of the day, as a clock on the wall shows it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A time of the day in 24 hours: `02:00`, `23:59:30`; `24:00` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime(u32);

impl WallTime {
    /// Seconds that the clock shows since midnight, up to 86400.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl FromStr for WallTime {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a time of day such as \"02:00\"");
        let two = |part: &str| {
            let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u32>().ok().filter(|_| plain)
        };
        let numbers: Option<Vec<u32>> = text.split(':').map(two).collect();
        let (hours, minutes, seconds) = match numbers.as_deref() {
            Some([hours, minutes]) => (*hours, *minutes, 0),
            Some([hours, minutes, seconds]) => (*hours, *minutes, *seconds),
            _ => return Err(wrong()),
        };
        let time = hours * 3600 + minutes * 60 + seconds;
        if minutes > 59 || seconds > 59 || time > 24 * 3600 { Err(wrong()) } else { Ok(Self(time)) }
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hours:02}:{minutes:02}")?;
        if seconds == 0 { Ok(()) } else { write!(f, ":{seconds:02}") }
    }
}

impl Serialize for WallTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WallTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for WallTime {
    fn schema_name() -> Cow<'static, str> {
        "WallTime".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "wall-time", "examples": ["02:00"] })
    }
}

#[cfg(test)]
mod tests {
    use super::WallTime;

    #[test]
    fn only_times_of_a_day_are_read() {
        for (text, seconds) in [("00:00", 0), ("02:00", 7200), ("23:59:30", 86_370), ("24:00", 86_400)] {
            let time: WallTime = text.parse().unwrap();
            assert_eq!((time.seconds(), time.to_string().as_str()), (seconds, text));
        }
        for text in ["", "2", "2:00", "02:60", "24:01", "02:00:60", "02-00", "+2:00", "02:00:00:00", "noon"] {
            assert!(text.parse::<WallTime>().unwrap_err().contains(text));
        }
    }
}
