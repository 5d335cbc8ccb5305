//! Whether both servers were found to hold the same data, and not too long ago.

use super::Promote;
use crate::domain::units::Span;
use crate::error::{Failure, Result};
use crate::kinds::{Action, Complaint, Ctx};
use std::time::Duration;

/// The value of `verified` when the servers are not compared: reviewers see it, and `check` reports it.
const NONE: &str = "none";
/// Key of the memo: that the proof of equality was checked.
const FRESH: &str = "proof_is_fresh";
const WHERE_FROM: &str = "add a `verify` step before the switch, and give `promote` its output: `verified: \"{{ \
                          steps.ID.finished }}\"`; if you compare them by other means: `verified: none`, which \
                          `cutover check` reports (C021)";

/// How old a proof is; `None` for a time in the future. Clocks of two runners may differ a little.
fn age_of(finished: jiff::Timestamp, now: jiff::Timestamp) -> Option<Duration> {
    let skew = Duration::from_secs(5);
    let age = now.duration_since(finished);
    if age.is_negative() && age.unsigned_abs() > skew {
        None
    } else {
        Some(Duration::try_from(age).unwrap_or_default())
    }
}

impl Promote {
    /// The time of the proof; `None` if the playbook states that there is none.
    pub(super) fn proof(&self) -> Option<&str> {
        self.verified.as_deref().filter(|verified| *verified != NONE)
    }

    /// A promotion must state how equality is proved, or that it is not.
    pub(super) fn says_how_proved(&self) -> Result<(), Vec<Complaint>> {
        if self.verified.is_some() {
            return Ok(());
        }
        let message = "nothing proves that both servers hold the same data: `verified` is missing";
        Err(vec![Complaint::new("", message).help(WHERE_FROM)])
    }

    /// The check, for the plan.
    pub(super) fn proof_action(&self) -> Option<Action> {
        let (time, limit) = (self.proof()?, self.max_age);
        Some(Action::note(format!("refuse if the proof of {time} is older than {limit}, before anything is closed")))
    }

    /// The same, unless it was checked before the old server was closed.
    pub(super) async fn was_fresh(&self, cx: &Ctx<'_>) -> Result<()> {
        if cx.memo.flag(FRESH)? { Ok(()) } else { self.fresh(cx).await }
    }

    /// The proof that both servers hold the same is young enough.
    pub(super) async fn fresh(&self, cx: &Ctx<'_>) -> Result<()> {
        let Some(verified) = self.proof() else { return Ok(()) };
        let Ok(finished) = verified.parse::<jiff::Timestamp>() else {
            let help = "name the output of a `verify` step: `verified: \"{{ steps.ID.finished }}\"`";
            return Err(self.refuse(format!("`{verified}` is not a time"), help));
        };
        let Some(age) = age_of(finished, jiff::Timestamp::now()) else {
            let help = "correct the clock of the runner's machine, and run the `verify` step again";
            let what = "the proof that both servers hold the same data has the time";
            return Err(self.refuse(format!("{what} {finished}, which is in the future"), help));
        };
        if age > self.max_age.0 {
            let (age, limit) = (Span(Duration::from_secs(age.as_secs())), self.max_age);
            let answer = format!("the proof that both servers hold the same data is {age} old; the limit is {limit}");
            return Err(Failure::refused("promote", answer)
                .at(&self.server)
                .now("no server was closed")
                .help("run `cutover resume RUN` to compare the servers again, or allow more with `max_age`"));
        }
        cx.memo.set(FRESH, true.into()).await
    }
}

#[cfg(test)]
mod tests {
    use super::age_of;
    use std::time::Duration;

    #[test]
    fn a_proof_from_the_future_has_no_age() {
        let now = jiff::Timestamp::now();
        let at = |seconds| now + jiff::SignedDuration::from_secs(seconds);
        assert_eq!(age_of(at(-60), now), Some(Duration::from_mins(1)));
        assert_eq!(age_of(at(3), now), Some(Duration::ZERO), "clocks of two machines differ a little");
        assert_eq!(age_of(at(60), now), None);
    }
}
