//! What the effects of a trial have left behind, in the order in which it happened.

use std::collections::BTreeMap;

/// One line of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Microseconds since 1970; programs and servers share the machine's clock.
    pub at: u64,
    /// The step it belongs to.
    pub step: String,
    /// Which execution of the step: a process, or a connection of a server.
    pub by: String,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Begin,
    /// Still at work.
    Beat,
    End,
}

/// Everything a trial has left behind.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Programs and statements together, sorted by time.
    pub lines: Vec<Line>,
    /// How often each step's effect happened.
    pub effects: BTreeMap<String, usize>,
    /// The file that one step writes and a later one adds a line to.
    pub file: String,
}

impl Line {
    /// `at step by what`, with the time in microseconds, or nanoseconds as `date` gives them.
    pub fn read(text: &str) -> Option<Self> {
        let [at, step, by, what] = text.split_whitespace().collect::<Vec<_>>().try_into().ok()?;
        let at: u64 = at.parse().ok()?;
        let what = match what {
            "begin" => What::Begin,
            "beat" => What::Beat,
            "end" => What::End,
            _ => return None,
        };
        let at = if at > 10_u64.pow(17) { at / 1000 } else { at };
        Some(Self { at, step: step.into(), by: by.into(), what })
    }
}

impl Trace {
    /// Adds lines; the order of `lines` is made right.
    pub fn add(&mut self, text: &str) {
        let lines: Vec<Line> = text.lines().map(|line| Line::read(line).unwrap_or_else(|| panic!("{line}"))).collect();
        self.lines.extend(lines);
        self.lines.sort_by_key(|line| line.at);
    }
}
