//! `gtid_mode` of two `MySQL` servers that are to be replica and source: a pair that refuses each other is helped by one
//! step of the replica.
//!
//! The receiver of a replica with `ON` refuses a source that writes without GTIDs, and one with `OFF` a source that
//! writes with them; both halfway modes take either (rulebook 1.4, from the server's own handshake).

use crate::domain::Sql;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::answer::value;
use crate::kinds::support::channel::Channel;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;

/// Key of the memo: the replica's mode before.
const BEFORE: &str = "gtid_mode";

/// What the mode is called in a plan that makes the replica fit.
const STEP: &str = "one step towards the source's value";
/// What the mode is called that it gets back.
const BACK: &str = "its value before";
/// Every mode there is.
const MODES: [&str; 4] = ["OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"];

/// The mode that the replica is to have, if the one that it has does not fit its source's.
fn step(source: &str, replica: &str) -> Option<&'static str> {
    let with_gtids = matches!(source, "ON" | "ON_PERMISSIVE");
    match replica {
        "ON" if !with_gtids => Some("ON_PERMISSIVE"),
        "OFF" if with_gtids => Some("OFF_PERMISSIVE"),
        _ => None,
    }
}

/// The statements of [`fit`].
pub fn actions(channel: Channel<'_>, world: &World) -> Vec<Action> {
    let (from, to) = (dialect(world, channel.source), dialect(world, channel.replica));
    let (Some(ask), Some(_)) = (to.gtid_mode(), from.gtid_mode()) else { return Vec::new() };
    let set = to.set_gtid_mode(Sql::late(STEP));
    vec![
        Action::sql(channel.source, ask),
        Action::sql(channel.replica, ask),
        Action::note("if the replica's mode does not take what its source writes:"),
        Action::sql(channel.replica, set),
    ]
}

/// Makes the replica's mode fit its source's; a `gtid` channel needs `ON` on both, and there nothing is to be done.
pub async fn fit(channel: Channel<'_>, cx: &Ctx<'_>) -> Result<()> {
    let (from, to) = (dialect(cx.world, channel.source), dialect(cx.world, channel.replica));
    let (Some(ask), Some(_)) = (to.gtid_mode(), from.gtid_mode()) else { return Ok(()) };
    let replica = cx.fx.sql(channel.replica).await?;
    let source = value(&*cx.fx.sql(channel.source).await?, ask).await?;
    let now = value(&replica, ask).await?;
    let Some(mode) = step(&source, &now) else { return Ok(()) };
    cx.memo.keep(BEFORE, now.clone()).await?;
    replica.query(&to.set_gtid_mode(Sql::found(STEP, &mode.into())), LOOK).await?;
    cx.progress.note(format!("gtid_mode of {} is now {mode} (was {now}): its source has {source}", channel.replica));
    Ok(())
}

/// The statement of [`restore`].
pub fn undo_actions(channel: Channel<'_>, world: &World) -> Vec<Action> {
    let (from, to) = (dialect(world, channel.source), dialect(world, channel.replica));
    if from.gtid_mode().is_none() || to.gtid_mode().is_none() {
        return Vec::new();
    }
    let set = to.set_gtid_mode(Sql::late(BACK));
    vec![Action::note("if gtid_mode was changed:"), Action::sql(channel.replica, set)]
}

/// The replica's mode before [`fit`] changed it; `None` when it did not.
pub fn noted(cx: &Ctx<'_>) -> Result<Option<String>> {
    cx.memo.read(BEFORE)
}

/// Restores the replica's previous mode, once its channel is removed.
pub async fn restore(channel: Channel<'_>, cx: &Ctx<'_>, before: Option<String>) -> Result<()> {
    let Some(before) = before else { return Ok(()) };
    let Some(before) = MODES.into_iter().find(|mode| *mode == before) else {
        let answer = format!("`{before}` is not a value of gtid_mode");
        return Err(Failure::permanent("restore gtid_mode", answer).at(channel.replica));
    };
    let set = dialect(cx.world, channel.replica).set_gtid_mode(Sql::found(BACK, &before.into()));
    cx.fx.sql(channel.replica).await?.query(&set, LOOK).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::{MODES, step};

    #[test]
    fn one_step_of_the_replica_is_enough_for_every_pair() {
        let number = |mode: &str| MODES.iter().position(|other| *other == mode).unwrap();
        // the receiver's own test, as in the server's source
        let refused = |source: usize, replica: usize| (replica == 0 && source >= 2) || (replica == 3 && source <= 1);
        for source in MODES {
            for replica in MODES {
                let stepped = step(source, replica);
                assert_eq!(stepped.is_some(), refused(number(source), number(replica)), "{source} -> {replica}");
                let now = number(stepped.unwrap_or(replica));
                assert!(!refused(number(source), now) && now.abs_diff(number(replica)) <= 1, "{source} -> {replica}");
            }
        }
    }
}
