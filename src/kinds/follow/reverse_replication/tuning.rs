//! Settings that let an old server keep up with a new one, and report its position without delay.
//!
//! An applier of one thread makes every commit durable by itself, where the new server's clients share that: at 500
//! commits a second it fell behind by a second in nine (measured on `MariaDB` 10.11, whose default it is). And a
//! parallel one records its position only every 300 ms, which a switch back would wait for (rulebook M14, `MySQL`).

use crate::dialect::Dialect;
use crate::domain::{Sql, Words};
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::Result;
use crate::kinds::Ctx;
use crate::kinds::support::answer;

/// Threads that apply, at least.
const WORKERS: u32 = 4;
/// Milliseconds after which a parallel applier records its position.
const CHECKPOINT: u32 = 1;

/// The better one of two values: the larger or the smaller.
type Better = fn(u32, u32) -> u32;

/// Variables with what they must be at least, or at most. Workers only where they commit in the source's order
/// whatever else is set.
fn wanted(dialect: Dialect) -> Vec<(&'static str, u32, Better)> {
    let workers = dialect.is_mariadb().then(|| (dialect.replica_workers(), WORKERS, u32::max as Better));
    let period = dialect.checkpoint_period().map(|name| (name, CHECKPOINT, u32::min as Better));
    workers.into_iter().chain(period).collect()
}

/// The statements of [`tune`].
pub fn actions(dialect: Dialect) -> Vec<Sql> {
    let pair = |(name, _, _): (&'static str, _, _)| {
        [dialect.read_variable(name), dialect.set_variable(name, Words::late("what it needs"))]
    };
    wanted(dialect).into_iter().flat_map(pair).collect()
}

/// Sets what is not so yet, and remembers what was. The channel must stand still.
///
/// # Errors
/// When the server refuses it.
pub async fn tune(cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<()> {
    for (name, value, better) in wanted(dialect) {
        let now: u32 = answer::number(session, &dialect.read_variable(name)).await?;
        cx.memo.keep(name, now.to_string()).await?;
        if better(now, value) != now {
            session.query(&dialect.set_variable(name, value), LOOK).await?;
        }
    }
    Ok(())
}

/// The statements of [`undo`].
pub fn undo_actions(dialect: Dialect) -> Vec<Sql> {
    let before = Words::late("its value before");
    wanted(dialect).into_iter().map(|(name, _, _)| dialect.set_variable(name, &before)).collect()
}

/// What [`tune`] has noted: variables with their values before.
///
/// # Errors
/// When a note is damaged.
pub fn noted(cx: &Ctx<'_>, dialect: Dialect) -> Result<Vec<(&'static str, String)>> {
    let note = |(name, _, _): (&'static str, u32, Better)| {
        cx.memo.read::<String>(name).map(|before| before.map(|before| (name, before)))
    };
    wanted(dialect).into_iter().filter_map(|one| note(one).transpose()).collect()
}

/// Sets everything as it was.
///
/// # Errors
/// When the server refuses it.
pub async fn undo(session: &Session, dialect: Dialect, noted: &[(&'static str, String)]) -> Result<()> {
    for (name, before) in noted {
        session.query(&dialect.set_variable(*name, before), LOOK).await?;
    }
    Ok(())
}
