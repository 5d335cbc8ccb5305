//! The judgement over a switch: what the application was promised, against what the two servers hold.

use super::ledger::{Entry, Ledger};
use super::moves::Moves;
use super::shop::{BALANCE, DATABASE, TABLES};
use super::ticks::Ticks;
use crate::domain::Sql;
use crate::effects::Session;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// Longest time for one statement.
const LIMIT: Duration = Duration::from_mins(2);
/// Keys fetched at once.
const CHUNK: usize = 20_000;
/// "Unknown database" and "table does not exist": it holds no rows, then.
const NOT_THERE: [u16; 2] = [1049, 1146];

/// What came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Writes whose commit was acknowledged to the application.
    pub acknowledged: u64,
    /// Acknowledged writes that are not on the target.
    pub lost: u64,
    /// Writes whose fate the application does not know.
    pub unknown: u64,
    /// Of those, how many are on the target.
    pub unknown_on_target: u64,
    /// Writes that the source took and the target never got, or that a server acknowledged after it had been left.
    pub on_source_after_fence: u64,
    /// Longest time without an acknowledged write around the last move; `None` when the application did not make it.
    pub downtime_ms: Option<f64>,
    /// The same around every move, in their order.
    pub downtimes: Vec<Option<f64>>,
    /// Rows on the target that the application did not write there itself.
    pub rows_copied: u64,
    /// Whether the sum of all balances on the target is what it was at the start.
    pub balance_kept: bool,
    /// What the event that writes a row a second has left on the target; `None` when its table is not there.
    pub ticks: Option<Ticks>,
}

impl Verdict {
    /// Whether every promise was kept.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let twice = self.ticks.as_ref().is_some_and(|ticks| ticks.too_many > 0);
        self.lost == 0 && self.on_source_after_fence == 0 && self.balance_kept && !twice
    }
}

/// One of the two servers.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// A connection to it; `None` when it is out of reach: it then counts as holding no rows.
    pub session: Option<&'a Session>,
    /// Its address, as the application's configuration gives it.
    pub endpoint: &'a str,
}

/// Compares the ledger with both servers, chunk by chunk in the order of the keys. The application must have stopped.
///
/// # Errors
/// When a server cannot be read.
pub async fn judge(ledger: &Ledger, source: Side<'_>, target: Side<'_>) -> Result<Verdict> {
    let from = ledger.endpoint(source.endpoint);
    let to = ledger.endpoint(target.endpoint).filter(|to| Some(*to) != from);
    let moves = Moves::of(ledger, [from, to]);
    let downtimes = moves.downtimes();

    let mut acks: Vec<Entry> = ledger.acknowledged.clone();
    acks.sort_unstable_by_key(key);
    let mut unknown: Vec<Key> = ledger.unknown.iter().map(key).collect();
    unknown.sort_unstable();
    let mut verdict = Verdict {
        acknowledged: acks.len() as u64,
        lost: 0,
        unknown: unknown.len() as u64,
        unknown_on_target: 0,
        on_source_after_fence: 0,
        downtime_ms: downtimes.last().copied().flatten(),
        downtimes,
        rows_copied: 0,
        balance_kept: true,
        ticks: None,
    };
    let (mut acks, mut unknown) = (acks.into_iter().peekable(), unknown.into_iter().peekable());
    let (mut on_source, mut on_target) = (Keys::of(source.session), Keys::of(target.session));
    loop {
        let (left, right) = (on_source.peek().await?, on_target.peek().await?);
        let Some(least) = [acks.peek().map(key), left, right].into_iter().flatten().min() else { break };
        let ack = acks.next_if(|ack| key(ack) == least);
        let (left, right) = (on_source.take_if(least), on_target.take_if(least));
        while unknown.next_if(|key| *key < least).is_some() {}
        let is_unknown = unknown.next_if_eq(&least).is_some();
        verdict.lost += u64::from(ack.is_some() && !right);
        verdict.unknown_on_target += u64::from(is_unknown && right);
        verdict.on_source_after_fence +=
            u64::from((left && !right) || ack.as_ref().is_some_and(|ack| moves.is_late(ack)));
        let written_there = ack.is_some_and(|ack| Some(ack.endpoint) == to);
        verdict.rows_copied += u64::from(right && !written_there);
    }
    if let Some(target) = target.session {
        let (rows, balance_kept) = others(target).await?;
        verdict.rows_copied += rows;
        verdict.balance_kept = balance_kept;
        verdict.ticks = Ticks::on(target).await?;
    }
    Ok(verdict)
}

/// Rows in the tables besides the ledger, and whether the balances still add up.
async fn others(session: &Session) -> Result<(u64, bool)> {
    let mut all = 0;
    for table in TABLES {
        all += number(session, &Sql::verbatim(format!("SELECT COUNT(*) FROM {DATABASE}.{table}"))).await?.unwrap_or(0);
    }
    let off = format!("SELECT COALESCE(ABS(SUM(balance - {BALANCE})), 0) FROM {DATABASE}.accounts");
    Ok((all, number(session, &Sql::verbatim(&off)).await?.is_none_or(|off| off == 0)))
}

/// One number, or `None` when the table is not there.
async fn number(session: &Session, sql: &Sql) -> Result<Option<u64>> {
    match session.try_query(sql, LIMIT).await {
        Ok(rows) => Ok(rows.value().and_then(|value| value.parse().ok())),
        Err(error) if error.code.is_some_and(|code| NOT_THERE.contains(&code)) => Ok(None),
        Err(error) => Err(error.failure(session.server(), sql)),
    }
}

/// The longest pause between any two acknowledged writes, in milliseconds.
#[must_use]
pub fn longest_pause(ledger: &Ledger) -> Option<f64> {
    let mut times: Vec<u64> = ledger.acknowledged.iter().map(|ack| ack.at).collect();
    times.sort_unstable();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max()?;
    Some(Duration::from_nanos(longest).as_secs_f64() * 1000.0)
}

/// Writer and number: the ledger table's primary key.
type Key = (u32, u64);

fn key(entry: &Entry) -> Key {
    (entry.writer, entry.seq)
}

/// The keys of a server's ledger table in order, a chunk at a time.
struct Keys<'a> {
    session: Option<&'a Session>,
    chunk: VecDeque<Key>,
    last: Option<Key>,
}

impl<'a> Keys<'a> {
    fn of(session: Option<&'a Session>) -> Self {
        Self { session, chunk: VecDeque::new(), last: None }
    }

    async fn peek(&mut self) -> Result<Option<Key>> {
        if self.chunk.is_empty()
            && let Some(session) = self.session
        {
            self.chunk = fetch(session, self.last).await?;
            self.last = self.chunk.back().copied();
            if self.chunk.len() < CHUNK {
                self.session = None;
            }
        }
        Ok(self.chunk.front().copied())
    }

    fn take_if(&mut self, key: Key) -> bool {
        let same = self.chunk.front() == Some(&key);
        if same {
            self.chunk.pop_front();
        }
        same
    }
}

async fn fetch(session: &Session, after: Option<Key>) -> Result<VecDeque<Key>> {
    let place = match after {
        Some((writer, seq)) => format!("WHERE writer > {writer} OR (writer = {writer} AND seq > {seq})"),
        None => String::new(),
    };
    let sql = format!("SELECT writer, seq FROM {DATABASE}.ledger {place} ORDER BY writer, seq LIMIT {CHUNK}");
    match session.try_query(Sql::verbatim(&sql), LIMIT).await {
        Ok(rows) => {
            Ok(rows.iter().filter_map(|row| Some((row.at(0)?.parse().ok()?, row.at(1)?.parse().ok()?))).collect())
        }
        Err(error) if error.code.is_some_and(|code| NOT_THERE.contains(&code)) => Ok(VecDeque::new()),
        Err(error) => Err(error.failure(session.server(), &Sql::verbatim(&sql))),
    }
}
