//! A moment of a run: just before or just after an entry of its journal, named so that it can be typed.

use crate::store::{Halt, Side};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Written `after:step_intent:dump`, or `before:step_noted:fence#2` for the second of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Moment {
    /// On which side of the entry.
    pub side: Side,
    /// Name of the event.
    pub event: String,
    /// The step it is about; empty for none.
    pub step: String,
    /// Which of the entries with these names, from 1.
    pub nth: usize,
}

impl Moment {
    /// The first such entry.
    #[must_use]
    pub fn new(side: Side, event: &str, step: &str) -> Self {
        Self { side, event: event.to_owned(), step: step.to_owned(), nth: 1 }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.side == Side::Before { "before" } else { "after" };
        write!(f, "{side}:{}", self.event)?;
        if !self.step.is_empty() {
            write!(f, ":{}", self.step)?;
        }
        if self.nth > 1 { write!(f, "#{}", self.nth) } else { Ok(()) }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not a moment: write before|after:EVENT[:STEP][#N], as in after:step_intent:dump");
        let (text, nth) = match text.split_once('#') {
            Some((text, nth)) => (text, nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(wrong)?),
            None => (text, 1),
        };
        let mut parts = text.split(':');
        let side = match parts.next() {
            Some("before") => Side::Before,
            Some("after") => Side::After,
            _ => return Err(wrong()),
        };
        let event = parts.next().filter(|event| !event.is_empty()).ok_or_else(wrong)?.to_owned();
        let step = parts.next().unwrap_or_default().to_owned();
        if parts.next().is_some() { Err(wrong()) } else { Ok(Self { side, event, step, nth }) }
    }
}

/// Counts the halts of a run, and returns the moments that each one is.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Vec<Moment>,
}

impl Watch {
    /// The moments that this halt is: one an event.
    pub fn moments(&mut self, halt: &Halt) -> Vec<Moment> {
        let mut now = Vec::new();
        for (event, step) in &halt.events {
            let mut moment = Moment::new(halt.side, event, step);
            moment.nth += self.seen.iter().filter(|seen| Moment { nth: 1, ..(*seen).clone() } == moment).count();
            self.seen.push(moment.clone());
            moment.nth = moment.nth.max(1);
            now.push(moment);
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, Watch};
    use crate::store::{Halt, Side};

    #[test]
    fn reads_what_it_writes() {
        for text in ["after:step_intent:dump", "before:step_noted:fence#2", "after:run_started"] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        for wrong in ["", "after", "during:step_intent:dump", "after:a:b:c", "after:a#0", "after:"] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn counts_entries_of_the_same_names() {
        let (mut watch, event) = (Watch::default(), ("step_noted".to_owned(), "fence".to_owned()));
        let halt = Halt { side: Side::After, events: vec![event.clone(), event] };
        let names: Vec<String> = watch.moments(&halt).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["after:step_noted:fence", "after:step_noted:fence#2"]);
        let third: Vec<usize> = watch.moments(&halt).iter().map(|moment| moment.nth).collect();
        assert_eq!(third, [3, 4]);
    }
}
