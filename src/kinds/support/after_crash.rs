//! What lets a `MariaDB` replica survive a crash of its server, when it started at a position in the source's binary
//! log.
//!
//! Such a replica keeps its position in a file, which is written after the transaction: after a crash in between, the
//! transaction is applied a second time. A duplicate key stops the applier then; in a table without a key, a row exists
//! twice, without any error. The table `mysql.gtid_slave_pos` is written in the same transaction, whichever way the
//! replica follows (rulebook J), so from the first applied transaction on it can go by that.

use crate::domain::Sql;
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::Result;
use crate::kinds::support::answer::value;
use crate::kinds::support::channel::Channel;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;

/// What the source has written and what the replica has applied, where both are asked.
fn questions(channel: Channel<'_>, world: &World) -> Option<(Sql, Sql)> {
    let (from, to) = (dialect(world, channel.source), dialect(world, channel.replica));
    let both = from.is_mariadb() && to.is_mariadb();
    both.then(|| (from.gtid_position().into(), to.read_variable(to.applied_gtids())))
}

/// What [`go_on`] asks and sends.
pub fn actions(channel: Channel<'_>, world: &World) -> Vec<Action> {
    let dialect = dialect(world, channel.replica);
    let start = Action::sql(channel.replica, dialect.start_replica());
    let Some((written, applied)) = questions(channel, world) else { return vec![start] };
    vec![
        Action::sql(channel.source, written),
        Action::sql(channel.replica, applied),
        Action::note("if both are in the same domain, and it has applied something from this channel:"),
        Action::sql(channel.replica, dialect.stop_replica()),
        Action::sql(channel.replica, dialect.go_by_gtid()),
        Action::note("in any case:"),
        start,
    ]
}

/// Starts a channel that has run before. It goes by what the replica has applied, if that tells where it is: `before` is
/// what it remembered before this channel.
///
/// # Errors
/// When a server cannot be asked, or refuses it.
pub async fn go_on(channel: Channel<'_>, cx: &Ctx<'_>, session: &Session, before: Option<&str>) -> Result<()> {
    let dialect = dialect(cx.world, channel.replica);
    if let Some((written, applied)) = questions(channel, cx.world) {
        let applied = value(session, &applied).await?;
        let written = value(&*cx.fx.sql(channel.source).await?, &written).await?;
        if before != Some(applied.as_str()) && of_one_domain(&written, &applied) {
            session.query(&dialect.stop_replica(), LOOK).await?;
            session.query(dialect.go_by_gtid(), LOOK).await?;
        }
    }
    session.query(&dialect.start_replica(), LOOK).await.map(drop)
}

/// Whether both states are one transaction of the same domain. Of a second domain that the source has written in, the
/// replica might not know the place, and would be sent all of it.
fn of_one_domain(written: &str, applied: &str) -> bool {
    let domain = |state: &str| {
        let parts: Vec<&str> = state.trim().split('-').collect();
        matches!(parts[..], [_, _, _] if !state.contains(',')).then(|| parts[0].to_owned())
    };
    domain(written).is_some_and(|written| domain(applied) == Some(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_one_domain_alone_tells_where_a_replica_is() {
        for (written, applied, tells) in [
            ("0-1-900", "0-1-870", true),
            ("0-2-901", "0-1-900", true),
            ("0-1-900,7-1-3", "0-1-870", false),
            ("0-1-900", "0-1-870,7-1-3", false),
            ("7-1-900", "0-1-870", false),
            ("0-1-900", "", false),
            ("", "", false),
        ] {
            assert_eq!(of_one_domain(written, applied), tells, "{written} {applied}");
        }
    }
}
