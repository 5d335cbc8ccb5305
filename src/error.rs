//! Failures at run time, worded so that a tired operator can act on them.
//!
//! May be used from every module; depends on `domain` alone. Faults of a *document* are in `playbook::fault`.

use crate::domain::visible;
use miette::{Diagnostic, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Process exit codes, as docs/commands.md promises.
pub mod exit {
    /// The run is done.
    pub const DONE: u8 = 0;
    /// Invalid playbook, inventory or command line; nothing was touched.
    pub const INVALID: u8 = 2;
    /// The run failed and was rolled back: everything, or everything after its checkpoints.
    pub const ROLLED_BACK: u8 = 3;
    /// Stuck, or failed past the point of no return: a person must decide.
    pub const STUCK: u8 = 4;
    /// Refused by a gate, a check or a policy; nothing was touched since.
    pub const REFUSED: u8 = 5;
    /// Another run holds the state directory or one of the servers.
    pub const LOCKED: u8 = 6;
    /// A check after a switch: replication to the old server is broken, or a server could not be checked.
    pub const NOT_WELL: u8 = 7;
    /// Interrupted; the run can be resumed.
    pub const INTERRUPTED: u8 = 130;
}

/// How a failure is to be treated by the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// May go away by itself (a lost connection, a busy server): is retried.
    Transient,
    /// A condition is not met yet, and nothing was touched: tried again later, from the start of its block.
    NotYet,
    /// Will fail the same way again.
    Permanent,
    /// Refused by a gate, check or policy. Never retried, and a resume keeps the refusal.
    Refused,
    /// A gate got no answer in time. Nobody refused: the run is put off, and a resume asks again.
    Lapsed,
    /// Another run holds a resource that is needed.
    Locked,
    /// The runner was asked to stop, and the step stopped at a safe point.
    Cancelled,
    /// Work was cancelled, but it does not end. Nothing else of its step may start meanwhile: the run stops.
    StillRunning,
    /// An action that is not in the plan. It was not done: the run stops.
    Unplanned,
}

/// A failure at run time: what was attempted, where, what answered, what is true now, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// How the engine treats it.
    pub class: Class,
    /// What was attempted, as a clause: "start replication".
    pub attempted: String,
    /// Server or host, as named in the inventory.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<String>,
    /// The answer, in the server's or host's own words if there was one.
    pub answer: String,
    /// The state at that moment, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub now: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub help: Option<String>,
}

/// Makes control characters visible: text from servers, hosts and files must not control the terminal.
fn seen(text: impl Into<String>) -> String {
    visible(&text.into()).into_owned()
}

/// The answer of work that was asked to stop, when no reason is known.
pub const STOPPED: &str = "stopped on request";

/// Result of work at run time.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    fn new(class: Class, attempted: impl Into<String>, answer: impl Into<String>) -> Self {
        let (attempted, answer) = (seen(attempted), seen(answer));
        Self { class, attempted, place: None, answer, now: None, help: None }
    }
    /// Worth a retry.
    pub fn transient(attempted: impl Into<String>, answer: impl Into<String>) -> Self {
        Self::new(Class::Transient, attempted, answer)
    }
    /// Not in the plan, and not done.
    pub fn unplanned(attempted: impl Into<String>) -> Self {
        Self::new(Class::Unplanned, attempted, "it is not in the plan, and was not done")
    }
    /// Worth a later attempt: nothing was touched.
    pub fn not_yet(attempted: impl Into<String>, answer: impl Into<String>) -> Self {
        Self::new(Class::NotYet, attempted, answer)
    }
    /// Will fail the same way again.
    pub fn permanent(attempted: impl Into<String>, answer: impl Into<String>) -> Self {
        Self::new(Class::Permanent, attempted, answer)
    }
    /// Refused by a gate, check or policy.
    pub fn refused(attempted: impl Into<String>, answer: impl Into<String>) -> Self {
        Self::new(Class::Refused, attempted, answer)
    }
    /// A gate got no answer in time.
    pub fn lapsed(attempted: impl Into<String>, answer: impl Into<String>) -> Self {
        Self::new(Class::Lapsed, attempted, answer)
    }
    /// Held by another run.
    pub fn locked(attempted: impl Into<String>, answer: impl Into<String>) -> Self {
        Self::new(Class::Locked, attempted, answer)
    }
    /// Cancelled, but still running.
    pub fn still_running(attempted: impl Into<String>, answer: impl Into<String>) -> Self {
        Self::new(Class::StillRunning, attempted, answer)
    }
    /// Stopped on request.
    pub fn cancelled(attempted: impl Into<String>) -> Self {
        Self::new(Class::Cancelled, attempted, STOPPED)
    }
    /// Names the server or host.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(seen(place));
        self
    }
    /// Adds the state now.
    #[must_use]
    pub fn now(mut self, now: impl Into<String>) -> Self {
        self.now = Some(seen(now));
        self
    }
    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(seen(help));
        self
    }
    /// The same failure for a later reader: the state at that moment may have changed since.
    #[must_use]
    pub fn in_the_past(&self) -> Self {
        let mut past = self.clone();
        if let Some(then) = past.now.take() {
            past.answer = format!("{}\nthen: {then}", past.answer);
        }
        past
    }
    /// Whether it may go away by itself.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.class == Class::Transient
    }
    /// The exit code of a command that ends with this failure before anything was touched.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.class {
            Class::Locked => exit::LOCKED,
            Class::Cancelled => exit::INTERRUPTED,
            Class::StillRunning | Class::Unplanned => exit::STUCK,
            Class::Transient | Class::NotYet | Class::Permanent | Class::Refused | Class::Lapsed => exit::REFUSED,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}", self.attempted)?;
        if let Some(place) = &self.place {
            write!(f, " on {place}")?;
        }
        write!(f, ": {}", self.answer)?;
        if let Some(now) = &self.now {
            write!(f, "\nnow: {now}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(match self.class {
            Class::Transient | Class::NotYet | Class::Permanent | Class::StillRunning | Class::Unplanned => {
                "cutover::failed"
            }
            Class::Refused | Class::Lapsed => "cutover::refused",
            Class::Locked => "cutover::locked",
            Class::Cancelled => "cutover::interrupted",
        }))
    }
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
}
