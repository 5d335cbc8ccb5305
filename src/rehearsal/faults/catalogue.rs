//! The faults by name: what is done, at which moment, and how a run may end after it.

use super::blow::{
    Blow,
    Side::{Source, Target},
};
use super::moment::Moment;
use crate::kinds;
use crate::kinds::RoleName::{self, Closes, CopiesFrom, CopiesTo, Opens, SetsVariables, WaitsForLag, WaitsForPosition};
use crate::playbook::model::Playbook;
use crate::store::{Outcome, Side};
use Outcome::{Done, RolledBack, Stopped};
use std::fmt;
use std::time::Duration;

/// One fault, ready to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// What is done.
    pub blow: Blow,
    /// When: the run is held there.
    pub moment: Option<Moment>,
    /// How long after the moment; the run is let go for that time.
    pub delay: Duration,
    /// How the run may end.
    pub expected: Vec<Outcome>,
}

impl Fault {
    /// The runner killed at `moment`.
    #[must_use]
    pub fn kill(moment: Moment) -> Self {
        let (blow, delay) = (Blow::KillRunner, Duration::ZERO);
        Self { name: "kill".into(), blow, moment: Some(moment), delay, expected: vec![Done] }
    }
    /// The runner killed at `moment`, and the run then rolled back by hand.
    #[must_use]
    pub fn rollback(moment: Moment) -> Self {
        let (blow, delay) = (Blow::TakeBack, Duration::ZERO);
        Self { name: "rollback".into(), blow, moment: Some(moment), delay, expected: vec![RolledBack] }
    }
    /// Where it strikes, in words.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.moment {
            Some(moment) if self.delay.is_zero() => moment.to_string(),
            Some(moment) => format!("{moment} +{} ms", self.delay.as_millis()),
            None => "from the start".to_owned(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.moment {
            Some(moment) => write!(f, "{}@{moment}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A fault of the list, before it is known what the playbook calls its steps.
struct Entry {
    name: &'static str,
    blow: Blow,
    /// Side, event, and role of the step; none for what is so from the start.
    at: Option<(Side, &'static str, RoleName)>,
    delay_ms: u64,
    expected: &'static [Outcome],
}

const fn entry(
    name: &'static str,
    blow: Blow,
    at: (Side, &'static str, RoleName),
    delay_ms: u64,
    expected: &'static [Outcome],
) -> Entry {
    Entry { name, blow, at: Some(at), delay_ms, expected }
}

const BEGINS: &str = "step_intent";
const DONE: &str = "step_done";
const EITHER: &[Outcome] = &[Done, RolledBack];

const LIST: &[Entry] = &[
    entry("tunnel-killed", Blow::KillTunnel, (Side::After, BEGINS, WaitsForLag), 300, &[Done]),
    entry("tunnel-frozen", Blow::FreezeTunnel, (Side::After, BEGINS, WaitsForLag), 300, &[Done]),
    entry("tunnel-frozen-in-switch", Blow::FreezeTunnel, (Side::After, BEGINS, Closes), 0, EITHER),
    entry("source-crash-in-dump", Blow::Crash(Source), (Side::After, BEGINS, CopiesFrom), 60, EITHER),
    entry("source-crash-in-catch-up", Blow::Crash(Source), (Side::After, BEGINS, WaitsForLag), 500, EITHER),
    entry("source-crash-in-switch", Blow::Crash(Source), (Side::After, DONE, Closes), 0, EITHER),
    entry("target-crash-in-import", Blow::Crash(Target), (Side::After, BEGINS, CopiesTo), 60, EITHER),
    entry("target-crash-in-catch-up", Blow::Crash(Target), (Side::After, BEGINS, WaitsForLag), 500, EITHER),
    entry("target-crash-before-promote", Blow::Crash(Target), (Side::Before, BEGINS, Opens), 0, EITHER),
    entry(
        "target-frozen-in-switch",
        Blow::Freeze(Target),
        (Side::After, BEGINS, Opens),
        0,
        &[Done, RolledBack, Stopped],
    ),
    entry("source-frozen-in-switch", Blow::Freeze(Source), (Side::After, BEGINS, Closes), 0, EITHER),
    entry(
        "target-cut-off-in-switch",
        Blow::CutOff(Target),
        (Side::After, BEGINS, WaitsForPosition),
        0,
        &[Done, RolledBack, Stopped],
    ),
    entry(
        "source-cut-off-in-switch",
        Blow::CutOff(Source),
        (Side::After, DONE, Closes),
        0,
        &[Done, RolledBack, Stopped],
    ),
    entry("write-past-fence", Blow::WritePastFence, (Side::After, DONE, Closes), 0, EITHER),
    entry("long-transaction-before-switch", Blow::LongTransaction, (Side::After, DONE, CopiesTo), 0, EITHER),
    entry("long-transaction-at-fence", Blow::LongTransaction, (Side::After, BEGINS, Closes), 0, EITHER),
    entry("lock-tables-at-fence", Blow::LockTables, (Side::After, BEGINS, Closes), 0, EITHER),
    entry("target-down-in-import", Blow::Down(Target), (Side::After, BEGINS, CopiesTo), 30, &[Done]),
    entry("target-down-in-catch-up", Blow::Down(Target), (Side::After, BEGINS, WaitsForLag), 300, &[Done]),
    entry("target-down-in-durable", Blow::Down(Target), (Side::Before, BEGINS, SetsVariables), 0, &[Done]),
    entry("target-down-in-fence", Blow::Down(Target), (Side::After, BEGINS, Closes), 0, &[Done]),
    entry("target-down-in-promote", Blow::Down(Target), (Side::After, BEGINS, Opens), 0, &[Done]),
    entry("ssh-away-in-import", Blow::SshAway(Target), (Side::After, BEGINS, CopiesTo), 30, &[Done]),
    entry("ssh-away-in-catch-up", Blow::SshAway(Target), (Side::After, BEGINS, WaitsForLag), 300, &[Done]),
    entry("ssh-away-in-durable", Blow::SshAway(Target), (Side::Before, BEGINS, SetsVariables), 0, &[Done]),
    entry("ssh-away-in-fence", Blow::SshAway(Target), (Side::After, BEGINS, Closes), 0, &[Done]),
    entry("ssh-away-in-promote", Blow::SshAway(Target), (Side::After, BEGINS, Opens), 0, &[Done]),
    entry("disk-full-in-import", Blow::FillDisk, (Side::After, BEGINS, CopiesTo), 0, &[RolledBack, Done]),
    entry("copy-killed", Blow::KillCopy, (Side::After, BEGINS, CopiesFrom), 1, EITHER),
    entry("load-killed", Blow::KillLoad, (Side::After, BEGINS, CopiesTo), 1, EITHER),
    entry("state-full", Blow::FillState, (Side::After, BEGINS, CopiesTo), 0, &[Done]),
    entry("state-full-in-switch", Blow::FillState, (Side::After, BEGINS, Closes), 0, &[Done]),
    entry("binlog-purged", Blow::PurgeBinlog, (Side::After, DONE, CopiesFrom), 0, &[RolledBack]),
    entry("binlog-reset", Blow::ResetBinlog, (Side::After, DONE, CopiesFrom), 0, &[RolledBack]),
    entry("clock-set-back", Blow::ClockBack, (Side::After, BEGINS, WaitsForLag), 0, &[Done]),
    Entry { name: "deaf-application", blow: Blow::Deaf, at: None, delay_ms: 0, expected: &[Stopped] },
];

/// The names of all faults that are not kills.
#[must_use]
pub fn names() -> Vec<&'static str> {
    LIST.iter().map(|entry| entry.name).collect()
}

/// All faults of the list that this playbook has the steps for.
#[must_use]
pub fn all(playbook: &Playbook) -> Vec<Fault> {
    LIST.iter().filter_map(|entry| resolve(entry, playbook)).collect()
}

/// A fault from its name, or from `NAME@MOMENT`; `kill` and `rollback` need the moment.
///
/// # Errors
/// What is wrong with it, in words.
pub fn named(spec: &str, playbook: &Playbook) -> Result<Fault, String> {
    let (name, moment) = match spec.split_once('@') {
        Some((name, moment)) => (name, Some(moment.parse::<Moment>()?)),
        None => (spec, None),
    };
    match (name, moment) {
        ("kill", Some(moment)) => Ok(Fault::kill(moment)),
        ("rollback", Some(moment)) => Ok(Fault::rollback(moment)),
        ("kill" | "rollback", None) => Err(format!("`{name}` needs a moment: {name}@after:step_intent:STEP")),
        (name, moment) => {
            let entry = LIST.iter().find(|entry| entry.name == name);
            let entry = entry.ok_or_else(|| format!("there is no fault `{name}`; known: {}", names().join(", ")))?;
            let fault = resolve(entry, playbook);
            let fault = fault.ok_or_else(|| format!("the playbook has no step for the fault `{name}`"))?;
            Ok(Fault { moment: moment.or(fault.moment.clone()), ..fault })
        }
    }
}

fn resolve(entry: &Entry, playbook: &Playbook) -> Option<Fault> {
    let has_tunnel = playbook.steps.iter().any(|step| kinds::plays(&step.uses, RoleName::Tunnels));
    if entry.blow.needs_tunnel() && !has_tunnel {
        return None;
    }
    let moment = match entry.at {
        Some((side, event, role)) => {
            let step = playbook.steps.iter().find(|step| kinds::plays(&step.uses, role))?;
            Some(Moment::new(side, event, &step.id))
        }
        None => None,
    };
    let (name, delay) = (entry.name.to_owned(), Duration::from_millis(entry.delay_ms));
    Some(Fault { name, blow: entry.blow, moment, delay, expected: entry.expected.to_vec() })
}
