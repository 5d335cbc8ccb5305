//! Servers and hosts that are not there: a test decides what they answer, and everything that they are asked for is kept.
//!
//! With it every kind is tried without a server. What a plan does not state is refused here as it is on real ones.

mod host;

pub(super) use host::StandInHost;

use super::mysql::{Rows, ServerError};
use super::{JobState, Ran};
use crate::domain::{Action, Sql};
use std::sync::{Arc, Mutex, PoisonError};

/// Answers in place of servers and hosts.
pub trait Answers: Send + Sync {
    /// Of a server to a statement.
    ///
    /// # Errors
    /// The answer of a server that refuses it.
    fn sql(&self, server: &str, statement: &Sql) -> Result<Rows, ServerError>;
    /// What a program, or a script, leaves behind on a host; `command` is all of its words.
    fn run(&self, host: &str, command: &str) -> Ran;
    /// What is in a file; `None` when there is none.
    fn file(&self, host: &str, path: &str) -> Option<Vec<u8>>;
    /// How a job stands; `None` when there is none in the folder.
    fn job(&self, host: &str, folder: &str) -> Option<JobState>;
    /// What comes back from a socket.
    fn socket(&self, host: &str, path: &str, line: &str) -> String;
    /// Which account lets `user` in.
    ///
    /// # Errors
    /// The answer of a server that refuses every login.
    fn login(&self, server: &str, user: &str) -> Result<String, ServerError>;
}

/// Keeps what was asked for, in order.
pub struct StandIn {
    /// The stand-in that answers.
    pub(super) answers: Box<dyn Answers>,
    asked: Mutex<Vec<Action>>,
}

impl StandIn {
    /// Of these answers.
    #[must_use]
    pub fn new(answers: impl Answers + 'static) -> Arc<Self> {
        Arc::new(Self { answers: Box::new(answers), asked: Mutex::default() })
    }
    /// Everything that was asked for, in order, as actions of which every value is known.
    #[must_use]
    pub fn asked(&self) -> Vec<Action> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub(super) fn note(&self, action: Action) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(action);
    }
}
