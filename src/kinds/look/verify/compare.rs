//! The comparison of rows: workers that take pieces of tables, each with a session on either server.

use super::cursor::{Cursor, Subject};
use super::findings::{Findings, InTable};
use super::memory::Memory;
use super::reached::Reached;
use super::sides::Sides;
use super::tables::{Part, Table};
use super::{ATTEMPTED, Verify};
use crate::dialect::Dialect;
use crate::dialect::checksum::TABLE;
use crate::dialect::key::{Range, everything};
use crate::domain::Sql;
use crate::effects::{Session, SqlError};
use crate::error::{Failure, Result};
use crate::kinds::support::answer;
use crate::kinds::{Ctx, Progress, Update};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// A piece that cannot be cut, a table without a key, may take this long.
const LONGEST: Duration = Duration::from_hours(24);
/// How often it is noted how far the tables are: a dead runner costs no more than this.
const NOTED: Duration = Duration::from_secs(5);
/// The table was altered or dropped after the snapshot was taken.
const ALTERED: [u16; 3] = [1412, 1146, 1054];

/// What was compared.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub tables: u64,
    pub rows: u64,
    pub chunks: u64,
    /// When the oldest snapshots were taken in which something of it was read, where an attempt before took them.
    pub since: Option<jiff::Timestamp>,
}

/// One worker's hands: a session on either server.
#[derive(Clone)]
pub(super) struct Pair {
    pub source: Arc<Session>,
    pub replica: Arc<Session>,
}

/// A table under comparison.
pub(super) struct Piecework {
    pub table: Table,
    cursor: Mutex<Cursor>,
    taken: AtomicBool,
    pub found: Mutex<InTable>,
    pub reached: Mutex<Reached>,
}

impl Piecework {
    fn new(table: Table, memory: &Memory) -> Self {
        let reached = memory
            .of(&table)
            .map_or_else(Reached::default, |entry| Reached::before(entry.up_to.clone(), entry.whole, entry.rows));
        Self {
            table,
            cursor: Mutex::new(Cursor::new(reached.up_to.clone())),
            taken: AtomicBool::new(reached.whole),
            found: Mutex::default(),
            reached: Mutex::new(reached),
        }
    }
}

/// What the workers share.
pub(super) struct Job {
    pub from: Dialect,
    pub to: Dialect,
    pub replica: String,
    tables: Vec<Piecework>,
    chunk: Duration,
    cancel: CancellationToken,
    paused: watch::Receiver<bool>,
    progress: Progress,
    rows: AtomicU64,
    chunks: AtomicU64,
    expected: u64,
}

/// How many rows there are in a piece, and their checksum.
pub(super) type Digest = (u64, String);

impl Verify {
    /// Compares every row of `tables` that no attempt before has compared.
    pub(super) async fn rows(
        &self,
        cx: &Ctx<'_>,
        sides: &Sides,
        tables: Vec<Table>,
        memory: &mut Memory,
        findings: &mut Findings,
    ) -> Result<Done> {
        let (pause, paused) = watch::channel(false);
        let known: u64 = tables.iter().filter_map(|table| memory.of(table)).map(|entry| entry.rows).sum();
        let job = Arc::new(Job {
            from: sides.source.dialect,
            to: sides.replica.dialect,
            replica: self.replica.clone(),
            expected: tables.iter().map(|table| table.rows).sum(),
            tables: tables.into_iter().map(|table| Piecework::new(table, memory)).collect(),
            chunk: self.chunk.0,
            cancel: cx.cancel.clone(),
            paused,
            progress: cx.progress.clone(),
            rows: AtomicU64::new(known),
            chunks: AtomicU64::new(0),
        });
        let pairs = sides.source.readers.iter().zip(&sides.replica.readers);
        let mut workers = JoinSet::new();
        for (source, replica) in pairs {
            let (job, pair) = (job.clone(), Pair { source: source.clone(), replica: replica.clone() });
            workers.spawn(async move { job.work(&pair).await });
        }
        let done = CancellationToken::new();
        let beside = first(self.pace(cx, sides, &pause, &done), noting(cx, &job.tables, memory));
        let worked = unless(beside, all(&mut workers), &done).await;
        let noted = memory.note(cx, &job.tables).await; // also of an attempt that has failed
        worked.and(noted)?;
        for one in &job.tables {
            let found = std::mem::take(&mut *one.found.lock().await);
            if !found.is_empty() {
                findings.table(&one.table.name, found);
            }
        }
        let (rows, chunks) = (job.rows.load(Ordering::Relaxed), job.chunks.load(Ordering::Relaxed));
        let tables = job.tables.iter().filter(|one| one.table.part == Part::Rows).count() as u64;
        let since = memory.oldest(job.tables.iter().map(|one| &one.table));
        Ok(Done { tables, rows, chunks, since })
    }
}

/// Notes again and again how far the tables are. Ends only with a failure.
async fn noting(cx: &Ctx<'_>, tables: &[Piecework], memory: &mut Memory) -> Failure {
    loop {
        tokio::time::sleep(NOTED).await;
        if let Err(failure) = memory.note(cx, tables).await {
            return failure;
        }
    }
}

/// Whichever ends first: with a failure, or because all is done.
async fn first(pace: impl Future<Output = Option<Failure>>, noting: impl Future<Output = Failure>) -> Option<Failure> {
    tokio::select! {
        failure = pace => failure,
        failure = noting => Some(failure),
    }
}

/// The workers' end, or what put an end to them: they stop when they are dropped. What goes on beside them finishes the
/// question that it is at.
async fn unless(
    beside: impl Future<Output = Option<Failure>>,
    work: impl Future<Output = Result<()>>,
    done: &CancellationToken,
) -> Result<()> {
    tokio::pin!(beside, work);
    tokio::select! {
        worked = &mut work => {
            done.cancel();
            beside.await;
            worked
        }
        failure = &mut beside => match failure {
            Some(failure) => Err(failure),
            None => work.await,
        },
    }
}

/// Waits for every worker; the first failure ends the others.
async fn all(workers: &mut JoinSet<Result<()>>) -> Result<()> {
    while let Some(ended) = workers.join_next().await {
        let ended = ended.unwrap_or_else(|error: JoinError| Err(Failure::permanent(ATTEMPTED, error.to_string())));
        if let Err(failure) = ended {
            workers.shutdown().await;
            return Err(failure);
        }
    }
    Ok(())
}

impl Job {
    /// First a table of one's own after the other, then a hand for those that are not finished.
    async fn work(&self, pair: &Pair) -> Result<()> {
        for own in [true, false] {
            for one in &self.tables {
                if own && one.taken.swap(true, Ordering::Relaxed) {
                    continue;
                }
                while !one.reached.lock().await.whole && self.piece(one, pair).await? {}
            }
        }
        Ok(())
    }

    /// Compares the next piece of a table; false when there is none.
    async fn piece(&self, one: &Piecework, pair: &Pair) -> Result<bool> {
        self.safe_point().await?;
        let table = &one.table;
        let subject = Subject { table: &table.here, key: table.key.as_ref(), rows: table.rows };
        let next = {
            let mut cursor = one.cursor.lock().await;
            self.unless_cancelled(cursor.next(&subject, &pair.source, self.from)).await?
        };
        let Some((number, range)) = next else { return Ok(false) };
        let begin = Instant::now();
        let (ours, theirs) = self.digests(table, pair, &range).await?;
        one.cursor.lock().await.learn(begin.elapsed(), self.chunk);
        if ours == theirs {
            one.reached.lock().await.piece(number, &range, ours.0);
        } else {
            self.narrow(one, pair, &range, &ours, &theirs).await?;
        }
        self.chunks.fetch_add(1, Ordering::Relaxed);
        let counted = if table.part == Part::Rows { ours.0 } else { 0 };
        let done = self.rows.fetch_add(counted, Ordering::Relaxed) + counted;
        self.progress.tell(Update::Rows { done, total: Some(self.expected.max(done)), now: table.name.clone() });
        Ok(true)
    }

    /// Both servers' checksum of a range, asked side by side.
    pub(super) async fn digests(&self, table: &Table, pair: &Pair, range: &Range) -> Result<(Digest, Digest)> {
        let ask = async |session: &Session, dialect: Dialect, place: &Sql| {
            let (from, condition) = match &table.key {
                Some(key) => (key.words(place).from, key.condition(range)),
                None => (place.clone(), everything()),
            };
            let question = dialect.range_digest(table.sum, &Sql::found(TABLE, &from), &table.row, &condition);
            let rows = session.try_query(&question, LONGEST).await.map_err(|error| lost(session, &question, &error))?;
            // two answers that cannot be read would look like two that are equal
            let unread =
                || answer::unreadable(session, &question, "the answer is not a number of rows with their checksum");
            let row = rows.first().ok_or_else(unread)?;
            let count: u64 = row.get("row_count").and_then(|count| count.parse().ok()).ok_or_else(unread)?;
            match row.get("digest") {
                Some(digest) => Ok((count, digest.to_owned())),
                None if count == 0 => Ok((count, String::new())), // no rows have no checksum on some servers
                None => Err(unread()),
            }
        };
        let both = async {
            tokio::try_join!(ask(&pair.source, self.from, &table.here), ask(&pair.replica, self.to, &table.there))
        };
        self.unless_cancelled(both).await
    }

    /// Waits while the replica lags, and stops when the runner wants to.
    pub(super) async fn safe_point(&self) -> Result<()> {
        let mut paused = self.paused.clone();
        let go_on = async { paused.wait_for(|paused| !paused).await.map(drop).or(Ok(())) };
        self.unless_cancelled(go_on).await
    }

    /// Ends the statement at once when the runner wants to stop: nothing was changed that would have to be finished.
    pub(super) async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Failure::cancelled(ATTEMPTED)),
            done = work => done,
        }
    }
}

/// A table whose definition changes is no difference: the comparison starts again.
fn lost(session: &Session, question: &Sql, error: &SqlError) -> Failure {
    match error.code {
        Some(code) if ALTERED.contains(&code) => {
            Failure::transient(ATTEMPTED, format!("a table was altered meanwhile: {error}")).at(session.server())
        }
        _ => error.failure(session.server(), question),
    }
}
