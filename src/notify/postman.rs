//! Sends the messages of a run while it runs, in a thread of its own with its own connection to the journal: the
//! runner never waits for it.

use super::sender::{REST, Round, Sender};
use crate::error::{Failure, Result};
use crate::store::Store;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender as Bell, channel};
use std::time::{Duration, Instant};

/// How long unsent messages are tried after the end of a run.
const PATIENCE: Duration = Duration::from_secs(5);

/// The thread, and the means to end it.
pub struct Postman {
    end: Bell<Instant>,
    ended: Receiver<Round>,
}

impl Postman {
    /// Starts to send the messages of `run`. `wall` is the machine's clock, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the thread cannot be made, or the run cannot be recorded as one with notifications.
    pub fn begin(journal: Store, run: &str, wall: fn() -> i64) -> Result<Self> {
        journal.follow(run)?;
        Self::carry(journal, run, wall)
    }

    /// Starts to send the messages of `origin` in the outbox. `wall` is the machine's clock, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn carry(journal: Store, origin: &str, wall: fn() -> i64) -> Result<Self> {
        let (end, ends) = channel();
        let (tell, ended) = channel();
        let mut sender = Sender::of_run(journal, origin);
        let work = move || {
            let round = go_round(&mut sender, &ends, wall);
            drop(sender); // before the process may end: a journal that is closed leaves no log behind
            let _ = tell.send(round); // the receiver may be gone
        };
        std::thread::Builder::new()
            .name("postman".into())
            .spawn(work)
            .map_err(|error| Failure::permanent("send notifications", error.to_string()))?;
        Ok(Self { end, ended })
    }

    /// The run has ended: unsent messages are tried for a short while. Returns how many are not sent then; they remain in the
    /// outbox.
    #[must_use]
    pub fn end(self) -> usize {
        let limit = Instant::now() + PATIENCE;
        let _ = self.end.send(limit);
        // a running attempt may take longer than that; it is left to itself
        self.ended.recv_timeout(PATIENCE + REST).map_or(1, |round| round.left)
    }
}

/// Round after round until the run has ended and everything is sent, or the time for that is up.
fn go_round(sender: &mut Sender, ends: &Receiver<Instant>, wall: fn() -> i64) -> Round {
    let mut limit: Option<Instant> = None;
    loop {
        let ending = limit.is_some();
        let round = sender.round(wall(), false).unwrap_or_else(|failure| {
            tracing::warn!("notifications: {failure}");
            Round { sent: 0, left: 1 }
        });
        if ending && (round.left == 0 || limit.is_some_and(|limit| limit <= Instant::now())) {
            return round;
        }
        match ends.recv_timeout(REST) {
            Ok(end) => limit = Some(end),
            Err(RecvTimeoutError::Timeout) => {}
            // the bell is gone with its owner, or was rung before: the pace is kept all the same
            Err(RecvTimeoutError::Disconnected) if ending => std::thread::sleep(REST),
            Err(RecvTimeoutError::Disconnected) => return round,
        }
    }
}
