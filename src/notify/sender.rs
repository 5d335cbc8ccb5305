//! Sends the messages in the outbox, with retries that survive a restart.

use super::http;
use super::letters::collect;
use super::message::{Message, Target};
use crate::error::Result;
use crate::store::{Letter, Store};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use ureq::Agent;

/// How long a message is reserved for one attempt: longer than any attempt takes.
const HELD: i64 = 15_000;
/// Pause after the first attempt; each further one is twice as long.
const PAUSE: i64 = 500;
/// Longest pause.
const LONGEST_PAUSE: i64 = 5 * 60_000;
/// A message older than this is tried again only at a person's request.
const OLD: i64 = 3 * 24 * 60 * 60_000;

/// The result of one round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Messages that were sent in it.
    pub sent: usize,
    /// Messages that are still to be sent.
    pub left: usize,
}

/// Sends the messages of one run, or all.
pub struct Sender {
    journal: Store,
    origin: Option<String>,
    agent: Agent,
    /// Entries that were read, by run: nothing is written for an entry without a message.
    seen: HashMap<String, u32>,
}

impl Sender {
    /// Sends all messages in `journal`.
    #[must_use]
    pub fn new(journal: Store) -> Self {
        Self { journal, origin: None, agent: http::agent(), seen: HashMap::new() }
    }

    /// Sends only the messages of `run`: its process has its secrets.
    #[must_use]
    pub fn of_run(journal: Store, run: &str) -> Self {
        Self { origin: Some(run.to_owned()), ..Self::new(journal) }
    }

    /// Collects new messages and sends those due at `now` (milliseconds since 1970); with `all` also those that are not due
    /// yet, or too old. Each webhook gets its messages in order: after one that it does not accept the others wait.
    ///
    /// # Errors
    /// When the journal cannot be read or written. A receiver that does not answer is not an error: it is noted with the
    /// message.
    pub fn round(&mut self, now: i64, all: bool) -> Result<Round> {
        self.collect()?;
        let letters = self.journal.letters(self.origin.as_deref(), true)?;
        let mut round = Round { sent: 0, left: letters.len() };
        let mut silent: BTreeSet<&str> = BTreeSet::new();
        for letter in &letters {
            let due = all || (letter.due <= now && letter.at.saturating_add(OLD) > now);
            if silent.contains(letter.target.as_str()) {
                continue;
            }
            if due && self.send(letter, now)? {
                round.sent += 1;
                round.left -= 1;
            } else if letter.at.saturating_add(OLD) > now {
                silent.insert(&letter.target);
            }
        }
        Ok(round)
    }

    fn collect(&mut self) -> Result<()> {
        for (run, told) in self.journal.untold()? {
            let ours = self.origin.as_ref().is_none_or(|origin| *origin == run);
            if ours {
                let after = self.seen.get(&run).map_or(told, |seen| told.max(*seen));
                let last = collect(&self.journal, &run, after)?;
                self.seen.insert(run, last);
            }
        }
        Ok(())
    }

    /// Makes one attempt, unless another process is making one. Returns whether the message was accepted.
    fn send(&self, letter: &Letter, now: i64) -> Result<bool> {
        let Some(tries) = self.journal.take(letter, now, now.saturating_add(HELD))? else { return Ok(false) };
        let key = format!("{}/{}/{}", letter.origin, letter.seq, letter.webhook);
        let parts = (serde_json::from_str::<Target>(&letter.target), serde_json::from_str::<Message>(&letter.message));
        let sent = match parts {
            (Ok(target), Ok(message)) => http::send(&self.agent, &target, &message, &key),
            _ => Err("its record in the outbox cannot be read".to_owned()),
        };
        let failed = sent.as_ref().err().map(|error| (error.as_str(), now.saturating_add(pause(tries))));
        self.journal.put_back(letter, now, failed)?;
        Ok(sent.is_ok())
    }
}

/// The pause after attempt number `tries`, in milliseconds.
fn pause(tries: u32) -> i64 {
    let grown = PAUSE.saturating_mul(1_i64.checked_shl(tries.saturating_sub(1).min(20)).unwrap_or(i64::MAX));
    grown.min(LONGEST_PAUSE)
}

/// How long a loop that calls [`Sender::round`] may sleep in between.
pub const REST: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        assert_eq!([1, 2, 3, 5, 10, 11, 40].map(pause), [500, 1_000, 2_000, 8_000, 256_000, 300_000, 300_000]);
    }
}
