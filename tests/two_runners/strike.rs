//! What happens to the first runner in a trial, and when, drawn from the trial's seed.

use std::time::Duration;

/// Longer than the lease of a runner, about 10 s.
pub const AWAY: Duration = Duration::from_secs(15);

/// What happens to the first runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// SIGKILL.
    Killed,
    /// SIGSTOP, and SIGCONT after [`AWAY`].
    Frozen,
    /// Every ssh connection of it ends, and new ones come to nothing for [`AWAY`].
    CutOff,
    /// Its ssh connections stand still for [`AWAY`], and what is on its way comes through afterwards.
    Stalled,
    /// Nothing: it goes on living.
    Spared,
}

/// The course of a trial.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    pub strike: Strike,
    /// From the trial's beginning to the strike.
    pub strike_after: Duration,
    /// From the trial's beginning to the copy of the state directory; no later than the strike.
    pub copy_after: Duration,
}

impl Course {
    /// The course of `seed`; the strike comes before `end`. Half of the copies are made at the very moment of the
    /// strike, the others at any moment before it.
    pub fn of(seed: u64, end: Duration) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let strikes = [Strike::Killed, Strike::Frozen, Strike::CutOff, Strike::Stalled, Strike::Spared];
        let strike = strikes[dice.usize(..strikes.len())];
        let strike_after = end.mul_f64(dice.f64());
        let copy_after = if dice.bool() { strike_after } else { strike_after.mul_f64(dice.f64()) };
        Self { strike, strike_after, copy_after }
    }

    /// Whether the copy knows all that the first runner did before the strike.
    pub fn copy_is_fresh(&self) -> bool {
        self.copy_after == self.strike_after
    }
}
