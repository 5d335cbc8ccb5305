//! What attempts before have compared, as the memo keeps it, so that a dead runner costs seconds and not hours.
//!
//! A table that was equal at one position of the source's log is still equal at a later one if only replicated rows
//! changed it meanwhile. `ground.rs` asks whether that holds; what does not rest on it (tables without a key, tables
//! that a foreign key changes without a word in the log, histories) is read again in any case.

use super::Verify;
use super::compare::Piecework;
use super::tables::{Part, Table};
use crate::dialect::key::KeyValues;
use crate::error::Result;
use crate::kinds::Ctx;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// The memo's entry that says which notes count: those from this number on.
const COUNTS_FROM: &str = "compared_counts_from";

/// How far one table was compared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub table: String,
    /// What it was made as, on both servers.
    made: String,
    pub up_to: Option<KeyValues>,
    pub whole: bool,
    pub rows: u64,
    /// When the oldest snapshots were taken in which a piece of it was read.
    #[serde(with = "super::moment")]
    pub since: jiff::Timestamp,
}

/// What is known of attempts before, and what this one adds.
pub(super) struct Memory {
    entries: HashMap<String, Entry>,
    next: u32,
    /// When this attempt's snapshots were taken.
    now: jiff::Timestamp,
    /// Tables whose rows the server changes by itself.
    cascades: BTreeSet<String>,
    /// Whether anything can be kept: whether this server can be asked later what it wrote itself.
    keeps: bool,
}

fn key(number: u32) -> String {
    format!("compared {number}")
}

impl Memory {
    /// What counts of earlier attempts: nothing, unless their ground still holds (`holds`).
    pub async fn load(cx: &Ctx<'_>, holds: bool, keeps: bool, now: jiff::Timestamp) -> Result<Self> {
        let mut memory = Self { entries: HashMap::new(), next: 0, now, cascades: BTreeSet::new(), keeps };
        memory.next = cx.memo.read(COUNTS_FROM)?.unwrap_or(0);
        while let Some(batch) = cx.memo.read::<Vec<Entry>>(&key(memory.next))? {
            memory.entries.extend(batch.into_iter().map(|entry| (entry.table.clone(), entry)));
            memory.next += 1;
        }
        if !holds && !memory.entries.is_empty() {
            memory.forget(cx).await?;
        }
        Ok(memory)
    }

    /// Leaves aside what was compared before `oldest`, which is too long ago.
    pub fn leave_out_older(&mut self, oldest: jiff::Timestamp) {
        self.entries.retain(|_, entry| entry.since >= oldest);
    }

    /// Nothing that was compared counts any more.
    pub async fn forget(&mut self, cx: &Ctx<'_>) -> Result<()> {
        self.entries.clear();
        cx.memo.set(COUNTS_FROM, self.next.into()).await
    }

    /// Tables whose rows other tables' rows change are always read again.
    pub fn reads_again(&mut self, cascades: BTreeSet<String>) {
        self.cascades = cascades;
    }

    fn may_keep(&self, table: &Table) -> bool {
        self.keeps
            && table.part == Part::Rows
            && table.key.is_some()
            && !self.cascades.contains(&table.name)
            && !self.cascades.contains(&table.name.to_lowercase())
    }

    /// How far an attempt before has come in this table.
    pub fn of(&self, table: &Table) -> Option<&Entry> {
        self.entries.get(&table.name).filter(|entry| entry.made == table.made && self.may_keep(table))
    }

    /// Notes how far the tables are now.
    pub async fn note(&mut self, cx: &Ctx<'_>, tables: &[Piecework]) -> Result<()> {
        let mut news = Vec::new();
        for one in tables.iter().filter(|one| self.may_keep(&one.table)) {
            if !one.found.lock().await.is_empty() {
                continue;
            }
            let mut reached = one.reached.lock().await;
            if reached.take_news() {
                news.push(Entry {
                    table: one.table.name.clone(),
                    made: one.table.made.clone(),
                    up_to: reached.up_to.clone(),
                    whole: reached.whole,
                    rows: reached.rows,
                    since: self.of(&one.table).map_or(self.now, |entry| entry.since),
                });
            }
        }
        if news.is_empty() {
            return Ok(());
        }
        cx.memo.set(&key(self.next), serde_json::json!(news)).await?;
        self.next += 1;
        Ok(())
    }

    /// When the oldest snapshots were taken that the proof of these tables rests on; none but this attempt's: `None`.
    pub fn oldest<'a>(&self, tables: impl Iterator<Item = &'a Table>) -> Option<jiff::Timestamp> {
        tables.filter_map(|table| self.of(table).map(|entry| entry.since)).min()
    }
}

impl Verify {
    /// Says what is not read again.
    pub(super) fn tell_kept(&self, cx: &Ctx<'_>, memory: &Memory, tables: &[Table]) {
        let kept: Vec<&Entry> = tables.iter().filter_map(|table| memory.of(table)).collect();
        let Some(oldest) = kept.iter().map(|entry| entry.since).min() else { return };
        let rows: u64 = kept.iter().map(|entry| entry.rows).sum();
        let whole = kept.iter().filter(|entry| entry.whole).count();
        cx.progress.note(format!(
            "not read again: {rows} rows (complete tables: {whole}), compared since {oldest}; since then only \
             replicated changes of `{}` reached them",
            self.source
        ));
    }
}
