//! Change windows: the times at which a step or a block may begin, as clocks on the wall show them somewhere.
//!
//! Pure. Time comes in as a number; the rules of time zones come with the program.

mod opening;
mod wall_time;

pub use opening::{Calendar, Opening};
pub use wall_time::WallTime;

use crate::domain::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// When a step or a block may start. Once started, it is finished even after the window closes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "days": ["Sun"], "from": "02:00", "to": "04:00", "time_zone": "Europe/Oslo" }]))]
pub struct Window {
    /// Days on which it opens. Default: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// When it opens, in local time.
    pub from: WallTime,
    /// When it closes. A time before `from` is on the next day.
    pub to: WallTime,
    /// IANA time zone.
    #[schemars(extend("format" = "time-zone", "examples" = ["Europe/Oslo"]))]
    pub time_zone: String,
    /// Longest time that the run waits for it to open. If it opens later, the run ends and can be resumed. Default: no
    /// limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_wait: Option<Span>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "days need no explanation")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Window {
    /// How long it is open where no clock is changed. Zero for one that never opens.
    #[must_use]
    pub fn length(&self) -> Duration {
        let (from, to) = (self.from.seconds(), self.to.seconds());
        let day = if to < from { 24 * 60 * 60 } else { 0 };
        Duration::from_secs(u64::from(to + day - from))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days.is_empty() {
            f.write_str("every day")?;
        } else {
            let days: Vec<String> = self.days.iter().map(|day| format!("{day:?}")).collect();
            write!(f, "on {}", days.join(", "))?;
        }
        write!(f, " from {} to {} in {}", self.from, self.to, self.time_zone)?;
        match self.longest_wait {
            Some(longest) => write!(f, "; the run waits for at most {longest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn reads_what_people_write_and_says_it() {
        let json =
            r#"{"days":["Sat","Sun"],"from":"22:00","to":"04:00","time_zone":"Europe/Oslo","longest_wait":"8h"}"#;
        let window: Window = serde_json::from_str(json).unwrap();
        assert_eq!(window.length().as_secs(), 6 * 3600);
        assert_eq!(window.to_string(), "on Sat, Sun from 22:00 to 04:00 in Europe/Oslo; the run waits for at most 8h");
        assert_eq!(serde_json::to_string(&window).unwrap(), json);
    }
}
