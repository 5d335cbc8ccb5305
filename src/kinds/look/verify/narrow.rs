//! From a piece of a table that differs to the rows that do.

use super::compare::{Digest, Job, Pair, Piecework};
use super::cursor::{SEEK, piece_end, values};
use super::findings::Wrong;
use super::tables::{Part, Table};
use crate::dialect::Dialect;
use crate::dialect::key::{Key, KeyValues, Range};
use crate::domain::Sql;
use crate::effects::{Row, Session};
use crate::error::Result;
use crate::kinds::support::answer;
use std::collections::BTreeMap;

/// Rows of the source in a piece whose rows are compared one by one.
const FEW: i128 = 1000;
/// Rows that are fetched of one server in such a piece; only one that has many more than the other reaches it.
pub(super) const MOST: usize = 20_000;

impl Job {
    /// Finds the rows that differ within `range`.
    pub(super) async fn narrow(
        &self,
        one: &Piecework,
        pair: &Pair,
        range: &Range,
        ours: &Digest,
        theirs: &Digest,
    ) -> Result<()> {
        let table = &one.table;
        let Some(key) = &table.key else {
            let rows = format!("rows: {} on the source, {} on the replica", ours.0, theirs.0);
            let note = match table.part {
                Part::Rows => {
                    format!(
                        "its rows differ ({rows}); the differing rows cannot be named, because the table has no \
                         unique key"
                    )
                }
                Part::History => format!("the history of its rows differs ({rows}, including the current rows)"),
            };
            one.found.lock().await.note(note);
            return Ok(());
        };
        one.found.lock().await.chunk(&bounds(key, range));
        let mut rest = range.clone();
        while !one.found.lock().await.is_full() {
            self.safe_point().await?;
            let question = piece_end(self.from, &table.here, key, &rest, FEW);
            let end = self.unless_cancelled(pair.source.query(&question, SEEK)).await?;
            let end = end.first().map(|row| values(row, key, 0));
            let piece = Range { after: rest.after.clone(), up_to: end.clone().or_else(|| rest.up_to.clone()) };
            let (ours, theirs) = self.digests(table, pair, &piece).await?;
            if ours != theirs {
                self.name_rows(one, key, pair, &piece).await?;
            }
            let Some(end) = end else { break };
            rest.after = Some(end);
        }
        Ok(())
    }

    async fn name_rows(&self, one: &Piecework, key: &Key, pair: &Pair, piece: &Range) -> Result<()> {
        let both = async {
            tokio::try_join!(
                rows(&one.table, &one.table.here, key, (&pair.source, self.from), piece),
                rows(&one.table, &one.table.there, key, (&pair.replica, self.to), piece)
            )
        };
        let (ours, mut theirs) = self.unless_cancelled(both).await?;
        let mut found = one.found.lock().await;
        for (values, digest) in &ours {
            match theirs.remove(values) {
                Some(other) if other == *digest => {}
                Some(_) => found.row(&key.shown(values), Wrong::Differs, &self.replica),
                None => found.row(&key.shown(values), Wrong::Missing, &self.replica),
            }
        }
        for values in theirs.keys() {
            found.row(&key.shown(values), Wrong::Extra, &self.replica);
        }
        Ok(())
    }
}

/// The digests of a piece's rows, by key.
async fn rows(
    table: &Table,
    place: &Sql,
    key: &Key,
    (session, dialect): (&Session, Dialect),
    piece: &Range,
) -> Result<BTreeMap<KeyValues, String>> {
    let question = dialect.row_digests(&key.words(place), &table.row, &key.condition(piece), MOST);
    let rows = session.query(&question, SEEK).await?;
    let digest = |row: Row<'_>| {
        let digest = row.at(0).ok_or_else(|| answer::unreadable(session, &question, "a row has no checksum"))?;
        Ok((values(row, key, 1), digest.to_owned()))
    };
    rows.iter().map(digest).collect()
}

/// A range in words.
fn bounds(key: &Key, range: &Range) -> String {
    match (&range.after, &range.up_to) {
        (None, None) => "the whole table".to_owned(),
        (Some(after), None) => format!("after ({})", key.shown(after)),
        (None, Some(end)) => format!("up to ({})", key.shown(end)),
        (Some(after), Some(end)) => format!("after ({}) up to ({})", key.shown(after), key.shown(end)),
    }
}
