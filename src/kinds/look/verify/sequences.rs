//! Sequences: made alike, and on the replica never behind, so that no value is given a second time after a switch.

use super::sides::Side;
use super::{ATTEMPTED, Verify};
use crate::domain::sql::table;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use std::collections::BTreeMap;

/// How a sequence is made, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub definition: String,
    /// Whether its values grow.
    rising: bool,
    /// How often it began anew.
    round: i128,
    /// From here on values were never given.
    next: i128,
}

/// Every sequence of a server, by `sequence database.name`.
pub(super) type Sequences = BTreeMap<String, State>;

impl State {
    /// Whether it would give values that `other` may have given.
    fn is_behind(&self, other: &Self) -> bool {
        let toward = if self.rising { 1 } else { -1 };
        (self.round, toward * self.next) < (other.round, toward * other.next)
    }
}

/// Sequences that are behind on the replica: name, the next value here and there. The replica is asked later than the
/// source, and has applied all that the source had written: it is never behind by that.
pub(super) fn behind(ours: &Sequences, theirs: &Sequences) -> Vec<(String, String, String)> {
    let pair = |(name, one): (&String, &State)| {
        let other = theirs.get(name).filter(|other| other.is_behind(one))?;
        Some((name.clone(), one.next.to_string(), other.next.to_string()))
    };
    ours.iter().filter_map(pair).collect()
}

impl Verify {
    pub(super) async fn sequences(&self, side: &Side, apart: bool) -> Result<Sequences> {
        let mut found = Sequences::new();
        let Some(question) = side.dialect.sequences(&side.spelt(&self.databases)) else { return Ok(found) };
        let scope = self.scope();
        for row in side.control.query(&question, LOOK).await?.iter() {
            let word = |name: &str| row.get(name).unwrap_or_default().to_owned();
            let (database, name) = (word("in_database"), word("name"));
            let full = format!("{database}.{name}");
            if !scope.includes_spelt(&full, apart) {
                continue;
            }
            let question = side.dialect.sequence_state(Some(table(&database, &name)));
            let rows = side.control.query(&question, LOOK).await?;
            let text = |name: &str| rows.first().and_then(|row| row.get(name)).unwrap_or_default().to_owned();
            let unread = |_| Failure::permanent(ATTEMPTED, format!("`{full}` returned nothing")).at(&side.name);
            let full = if apart { full.to_lowercase() } else { full.clone() };
            let state = State {
                definition: text("definition"),
                rising: text("rising") != "0",
                round: text("round").parse().map_err(unread)?,
                next: text("next").parse().map_err(unread)?,
            };
            found.insert(format!("sequence {full}"), state);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::{Sequences, State, behind};

    #[test]
    fn a_replica_may_be_ahead_and_never_behind() {
        let all = |rising, round, next| {
            let state = State { definition: String::new(), rising, round, next };
            Sequences::from([("sequence a.s".to_owned(), state)])
        };
        assert!(behind(&all(true, 0, 1001), &all(true, 0, 1001)).is_empty());
        assert!(behind(&all(true, 0, 1001), &all(true, 0, 2001)).is_empty());
        assert_eq!(behind(&all(true, 0, 1001), &all(true, 0, 1)).len(), 1);
        assert!(behind(&all(false, 0, -9), &all(false, 0, -10)).is_empty());
        assert_eq!(behind(&all(false, 0, -9), &all(false, 0, -1)).len(), 1);
        assert!(behind(&all(true, 0, 99), &all(true, 1, 1)).is_empty(), "it began anew");
    }
}
