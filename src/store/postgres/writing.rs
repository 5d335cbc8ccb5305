//! Makes a unit of work durable exactly once, however often the connection to the database breaks meanwhile.
//!
//! Each writer numbers its work. The first statement of the work's own transaction writes the number into `receipt`. If an
//! earlier attempt is still committing, this statement waits for its row; if it has committed, the number is there already,
//! and nothing is repeated.

use crate::store::database::{Append, Session, Work};
use crate::store::trouble::Trouble;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A connection that is used for one unit of work at a time.
pub(super) trait Line: Session {
    /// Statements without values, such as the end of a transaction.
    fn batch(&mut self, statements: &str) -> Result<(), Trouble>;
    /// Starts a transaction with this statement, and returns whether it changed anything.
    fn begin(&mut self, statement: &str) -> Result<bool, Trouble>;
    /// The unit of work `number` of `writer`: all of `append` in one transaction; false when it does not fit: then nothing was
    /// written.
    fn append(&mut self, writer: &str, number: i64, append: &Append<'_>) -> Result<bool, Trouble>;
}

/// A source of connections.
pub(super) trait Lines {
    /// What they are.
    type Line: Line;
    /// One that is open; a new one where there is none.
    fn line(&self) -> Result<Self::Line, Trouble>;
    /// Takes an idle connection back.
    fn keep(&self, line: Self::Line);
    /// Waits before the next attempt.
    fn pause(&self);
}

/// A writer of one unit of work after the other.
pub(super) struct Pen {
    writer: String,
    number: i64,
}

impl Default for Pen {
    fn default() -> Self {
        Self { writer: Uuid::now_v7().to_string(), number: 0 }
    }
}

/// How an attempt went wrong.
enum Setback {
    /// Nothing of it was stored.
    Undone(Trouble),
    /// Its end was sent, and no answer came.
    Unknown(Trouble),
}

/// Runs `work` in one transaction, which is durable on return; waits at most `patience` when the database is away.
pub(super) fn write<L: Lines>(
    lines: &L,
    pen: &mut Pen,
    patience: Duration,
    work: &mut Work<'_>,
) -> Result<(), Trouble> {
    persist(lines, pen, patience, |line, pen| attempt(line, pen, work))
}

/// Writes entries in one step: false when they do not follow the end of their run, or their runner was replaced.
pub(super) fn append<L: Lines>(
    lines: &L,
    pen: &mut Pen,
    patience: Duration,
    append: &Append<'_>,
) -> Result<bool, Trouble> {
    let mut written = false;
    persist(lines, pen, patience, |line, pen| {
        written = line.append(&pen.writer, pen.number, append).map_err(at_the_end)?;
        Ok(())
    })?;
    Ok(written)
}

fn persist<L: Lines>(
    lines: &L,
    pen: &mut Pen,
    patience: Duration,
    mut attempt: impl FnMut(&mut L::Line, &Pen) -> Result<(), Setback>,
) -> Result<(), Trouble> {
    pen.number += 1;
    let (begun, mut unknown) = (Instant::now(), false);
    loop {
        let setback = match lines.line() {
            Ok(mut line) => match attempt(&mut line, pen) {
                Ok(()) => {
                    lines.keep(line);
                    return Ok(());
                }
                Err(setback) => setback, // the connection is in an unknown state: it is not kept
            },
            Err(trouble) => Setback::Undone(trouble),
        };
        let trouble = match setback {
            Setback::Undone(trouble) => trouble,
            Setback::Unknown(trouble) => {
                unknown = true;
                trouble
            }
        };
        if !trouble.may_pass() || begun.elapsed() >= patience {
            return Err(if unknown { Trouble::Unknown(Box::new(trouble)) } else { trouble });
        }
        lines.pause();
    }
}

fn attempt(line: &mut impl Line, pen: &Pen, work: &mut Work<'_>) -> Result<(), Setback> {
    // both are made here, and contain nothing that needs quoting
    let receipt = format!(
        "INSERT INTO receipt (writer, number) VALUES ('{}', {}) ON CONFLICT (writer) DO UPDATE
         SET number = excluded.number, at = excluded.at WHERE receipt.number < excluded.number",
        pen.writer, pen.number
    );
    let prepared = line.begin(&receipt).and_then(|is_new| if is_new { work(line).map(|()| true) } else { Ok(false) });
    let is_new = prepared.map_err(Setback::Undone)?;
    line.batch(if is_new { "COMMIT" } else { "ROLLBACK" }).map_err(if is_new { at_the_end } else { Setback::Undone })
}

/// A server that goes away or is shut down may still have committed.
fn at_the_end(trouble: Trouble) -> Setback {
    if trouble.may_pass() { Setback::Unknown(trouble) } else { Setback::Undone(trouble) }
}

#[cfg(test)]
mod model;
