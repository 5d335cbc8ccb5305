//! What a server has written *itself* since a moment, apart from what it applied as a replica: after a fence that must be
//! nothing. Transactions that were kept out of the binary log (`sql_log_bin = 0`) leave no trace that could be found.
//!
//! Reading is `read.rs`'s; everything it decides by is pure: sets of GTIDs (`gtids.rs`) and events of the log
//! (`events.rs`).

mod events;
mod gtids;
mod read;
mod statement;

pub use events::OwnTransaction;
pub use read::{Budget, Scan, at_fence, marks, since};

use crate::playbook::position::Position;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Transactions that are shown; the rest is counted.
pub const SHOWN: usize = 20;

/// What marks a server's own transactions, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Marks {
    /// All GTIDs in its log: `gtid_binlog_state` of `MariaDB`, `gtid_executed` of `MySQL`.
    pub gtids: String,
    /// `ON` where every transaction has a GTID.
    pub gtid_mode: String,
    /// Its number.
    pub server_id: u32,
    /// Its UUID; `MariaDB` has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_uuid: Option<String>,
    /// Whether what it applies stands in its log too.
    pub logs_applied: bool,
}

/// How far a server's log had come at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnLog {
    /// The end of its log.
    pub position: Position,
    /// What marks its own transactions.
    #[serde(flatten)]
    pub marks: Marks,
}

/// What a server wrote itself since a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnTransactions {
    /// Number found; a minimum, if `untold` states what is missing.
    pub count: u64,
    /// Those among them that change no rows, such as `FLUSH` and `ANALYZE`.
    pub harmless: u64,
    /// Which, by GTID, where no event of them was read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gtids: Option<String>,
    /// The first of them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub shown: Vec<OwnTransaction>,
    /// What is unknown, and why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub untold: Option<String>,
}

/// What follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wrote {
    /// Nothing that changes a row.
    Nothing,
    /// Unknown.
    Unknown,
    /// Transactions that may change rows, which no other server has.
    Rows,
}

impl OwnTransactions {
    /// Unknown, with the reason.
    #[must_use]
    pub fn unknown(why: impl Into<String>) -> Self {
        Self { untold: Some(why.into()), ..Self::default() }
    }

    /// The conclusion. Unknown is not the same as nothing.
    #[must_use]
    pub fn wrote(&self) -> Wrote {
        match (self.count > self.harmless, &self.untold) {
            (true, _) => Wrote::Rows,
            (false, Some(_)) => Wrote::Unknown,
            (false, None) => Wrote::Nothing,
        }
    }
}

impl fmt::Display for OwnTransactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, harmless, gtids, shown, untold } = self;
        let least = if untold.is_some() { "at least " } else { "" };
        let transactions = if *count == 1 { "transaction" } else { "transactions" };
        match (count, untold) {
            (0, None) => return f.write_str("no transactions of its own"),
            (0, Some(why)) => return write!(f, "unknown ({why})"),
            _ => write!(f, "{least}{count} {transactions} of its own")?,
        }
        if *harmless > 0 {
            write!(f, ", {harmless} of them without row changes (such as FLUSH)")?;
        }
        if let Some(gtids) = gtids {
            write!(f, ", up to GTID {gtids}")?;
        }
        let told: Vec<String> = shown.iter().map(ToString::to_string).collect();
        if !told.is_empty() {
            write!(f, ": {}", told.join("; "))?;
        }
        if count.saturating_sub(shown.len() as u64) > 0 && !shown.is_empty() {
            f.write_str("; …")?;
        }
        untold.iter().try_for_each(|why| write!(f, " ({why})"))
    }
}

#[cfg(test)]
mod tests {
    use super::{OwnTransactions, Wrote};

    #[test]
    fn what_cannot_be_told_is_not_nothing() {
        let found = |count, harmless, untold: Option<&str>| OwnTransactions {
            count,
            harmless,
            untold: untold.map(str::to_owned),
            ..OwnTransactions::default()
        };
        assert_eq!(found(0, 0, None).wrote(), Wrote::Nothing);
        assert_eq!(found(3, 3, None).wrote(), Wrote::Nothing);
        assert_eq!(found(3, 3, Some("the rest was not read")).wrote(), Wrote::Unknown);
        assert_eq!(found(0, 0, Some("the log was purged")).wrote(), Wrote::Unknown);
        assert_eq!(found(3, 2, Some("the rest was not read")).wrote(), Wrote::Rows);
        assert_eq!(found(1, 0, None).to_string(), "1 transaction of its own");
        assert_eq!(found(0, 0, Some("purged")).to_string(), "unknown (purged)");
    }
}
