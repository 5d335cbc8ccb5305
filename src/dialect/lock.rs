//! The words of the lease on a server: named locks, which end with the connection that holds them. The same in both
//! families and all versions.
//!
//! Every connection of a runner holds `cutover session ID`; the one that holds the lease holds one of [`NAMES`] as
//! well, and `cutover RUN` and `cutover RUN epoch N`. So another runner can distinguish a runner's connections from all
//! others, whose they are, and how old.

use crate::domain::sql::{literal, number};
use crate::domain::{Sql, Words};
use crate::sql;

/// Names of the lock that keeps other runs off a server: the first that no stranger holds. A program that is not
/// cutover may use one of them by chance, and must not keep a server from being moved.
pub const NAMES: [&str; 3] = ["cutover", "cutover 2", "cutover 3"];
/// The connections that hold them, one column each.
pub const HOLDERS: &str = "SELECT IS_USED_LOCK('cutover'), IS_USED_LOCK('cutover 2'), IS_USED_LOCK('cutover 3')";
/// Connections of runners: column `id`.
pub const RUNNERS: &str = "SELECT ID AS id FROM information_schema.PROCESSLIST \
                           WHERE IS_USED_LOCK(CONCAT('cutover session ', ID)) = ID ORDER BY ID";

/// Takes the mark of a runner off this connection: what it does then outlives its runner, and a later one finds it
/// again.
pub const UNMARK: &str = "SELECT RELEASE_LOCK(CONCAT('cutover session ', CONNECTION_ID()))";

/// Takes the server by one of [`NAMES`], without waiting: 1 when it was free.
#[must_use]
pub fn take(name: impl Into<Words>) -> Sql {
    sql!("SELECT GET_LOCK({}, 0)", literal(name.into()))
}

/// Gives back what was taken.
#[must_use]
pub fn give_back(name: impl Into<Words>) -> Sql {
    sql!("SELECT RELEASE_LOCK({})", literal(name.into()))
}

/// Returns whether this connection holds the lease of `run` in its `epoch`.
#[must_use]
pub fn is_ours(run: impl Into<Words>, epoch: impl Into<Words>) -> Sql {
    sql!("SELECT IS_USED_LOCK({}) = CONNECTION_ID()", literal(epoch_name(run, epoch)))
}

/// Marks this connection as the holder of `run`'s lease, in its `epoch`.
#[must_use]
pub fn mark(run: impl Into<Words>, epoch: impl Into<Words>) -> Sql {
    let run = run.into();
    let (of_run, of_epoch) = (literal(run_name(&run)), literal(epoch_name(run, epoch)));
    sql!(
        "SELECT GET_LOCK({}, 0), GET_LOCK({}, 0), GET_LOCK(CONCAT('cutover session ', CONNECTION_ID()), 0)",
        of_run,
        of_epoch
    )
}

/// Marks this connection as one of the runner whose lease is held by connection `lease`: 1 while that holds it.
#[must_use]
pub fn register(lease: impl Into<Words>, run: impl Into<Words>, epoch: impl Into<Words>) -> Sql {
    sql!(
        "SELECT GET_LOCK(CONCAT('cutover session ', CONNECTION_ID()), 0) AND IS_USED_LOCK({}) = {}",
        literal(epoch_name(run, epoch)),
        number(lease)
    )
}

/// Describes a connection: `account`, `command`, `idle` (seconds since its last statement), whether it is a runner's
/// (`runner`), and whether it is one of `run` (`same_run`).
#[must_use]
pub fn who(connection: impl Into<Words>, run: impl Into<Words>) -> Sql {
    sql!(
        "SELECT CONCAT(USER, '@', HOST) AS account, COMMAND AS command, TIME AS idle, \
         IS_USED_LOCK(CONCAT('cutover session ', ID)) = ID AS runner, IS_USED_LOCK({}) = ID AS same_run \
         FROM information_schema.PROCESSLIST WHERE ID = {}",
        literal(run_name(run)),
        number(connection)
    )
}

/// Ends a connection of a runner that was displaced.
#[must_use]
pub fn end(connection: impl Into<Words>) -> Sql {
    sql!("KILL CONNECTION {}", number(connection))
}

/// The connection that holds the lease of `run` in its `epoch`.
#[must_use]
pub fn holds(run: impl Into<Words>, epoch: impl Into<Words>) -> Sql {
    sql!("SELECT IS_USED_LOCK({})", literal(epoch_name(run, epoch)))
}

/// Whether a connection is a runner's: 1 when it is.
#[must_use]
pub fn is_runner(connection: impl Into<Words>) -> Sql {
    let id = number(connection);
    sql!("SELECT IS_USED_LOCK(CONCAT('cutover session ', {})) = {}", &id, &id)
}

/// Whether a connection is there: a count.
#[must_use]
pub fn is_there(connection: impl Into<Words>) -> Sql {
    sql!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {}", number(connection))
}

fn run_name(run: impl Into<Words>) -> Words {
    Words::from("cutover ").then(run)
}

fn epoch_name(run: impl Into<Words>, epoch: impl Into<Words>) -> Words {
    run_name(run).then(" epoch ").then(epoch)
}
