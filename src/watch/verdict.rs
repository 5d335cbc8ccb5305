//! The result of one check of a pair of servers, and its verdict. Pure.

use crate::domain::units::Span;
use crate::effects::own_transactions::{OwnTransactions, Wrote};
use crate::error::exit;
use crate::playbook::position::Position;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// One check of the two servers of a switch. Values without an answer are missing, which is not a sign of health.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Look {
    /// When, in milliseconds since 1970 (UTC).
    pub at: i64,
    /// The run that made the switch.
    pub run: String,
    /// The server that was closed.
    pub old: String,
    /// The server that was opened.
    pub new: String,
    /// Whether the old one is closed to writes.
    pub old_closed: Option<bool>,
    /// Whether the new one takes writes.
    pub new_open: Option<bool>,
    /// The old server's own transactions since the fence.
    pub own: OwnTransactions,
    /// Replication to the old server; missing where the run made none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_back: Option<WayBack>,
    /// Accounts of the old server that `read_only` does not stop; missing where that was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub past_read_only: Option<Vec<String>>,
    /// Servers that could not be checked, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
}

/// Replication from the new server to the old one.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct WayBack {
    /// Whether writes of the new server are received and applied; missing without an answer.
    pub applies: Option<bool>,
    /// Why not, in the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Replication lag in seconds, if known.
    pub lag_seconds: Option<u64>,
    /// The position in the new server's log that it has applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<Position>,
    /// The end of the new server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Position>,
    /// When it was first seen not to apply, in milliseconds since 1970 (UTC), if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_since: Option<i64>,
}

/// The verdict of a check, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum Verdict {
    /// The old server is closed, has written nothing itself, and replicates.
    Well,
    /// A server could not be checked, or the new server accepts no writes either.
    Unclear,
    /// Replication to the old server is broken.
    #[strum(to_string = "way back broken")]
    WayBackBroken,
    /// The servers differ: the old server has transactions of its own, or accepts writes.
    #[strum(to_string = "SPLIT")]
    Split,
}

impl Verdict {
    /// The exit code of a command that found it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Well => exit::DONE,
            Self::Unclear | Self::WayBackBroken => exit::NOT_WELL,
            Self::Split => exit::STUCK,
        }
    }
}

impl Look {
    /// The verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let applies = self.way_back.as_ref().map_or(Some(true), |way_back| way_back.applies);
        let all_seen = self.old_closed == Some(true) && self.new_open == Some(true) && self.unseen.is_empty();
        if self.own.wrote() == Wrote::Rows || self.old_closed == Some(false) {
            Verdict::Split
        } else if applies == Some(false) {
            Verdict::WayBackBroken
        } else if !all_seen || applies.is_none() || self.own.wrote() == Wrote::Unknown {
            Verdict::Unclear
        } else {
            Verdict::Well
        }
    }

    /// All problems, in words; empty when all is well.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let Self { old, new, .. } = self;
        let mut troubles = Vec::new();
        if self.old_closed == Some(false) {
            let beside =
                if self.new_open == Some(true) { format!(" at the same time as `{new}`") } else { String::new() };
            troubles.push(format!("`{old}` ACCEPTS WRITES{beside}"));
        }
        if self.own.wrote() != Wrote::Nothing {
            troubles.push(format!("`{old}` since the fence: {}", self.own));
        }
        if self.new_open == Some(false) {
            troubles.push(format!("`{new}` is closed to writes"));
        }
        if let Some(way_back) = self.way_back.as_ref().filter(|way_back| way_back.applies == Some(false)) {
            let since = way_back.broken_since.map_or(String::new(), |since| format!(" for {}", lasted(since, self.at)));
            let why = way_back.why.as_deref().unwrap_or("no reason was reported");
            troubles.push(format!("`{old}` has not applied writes of `{new}`{since}: {why}"));
        }
        troubles.extend(self.unseen.iter().cloned());
        troubles
    }
}

fn lasted(since: i64, at: i64) -> Span {
    Span(Duration::from_secs(at.saturating_sub(since).max(0).unsigned_abs() / 1000))
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let troubles = self.troubles();
        write!(f, "{}: ", self.verdict())?;
        if !troubles.is_empty() {
            return f.write_str(&troubles.join("; "));
        }
        write!(f, "`{}` is closed and has written nothing itself", self.old)?;
        match self.way_back.as_ref().map(|way_back| way_back.lag_seconds) {
            None => f.write_str("; there is no way back"),
            Some(None) => f.write_str("; it replicates"),
            Some(Some(0)) => f.write_str("; it replicates without lag"),
            Some(Some(lag)) => write!(f, "; it replicates, {} behind", Span(Duration::from_secs(lag))),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Look, Verdict, WayBack};
    use crate::effects::own_transactions::OwnTransactions;

    pub fn well() -> Look {
        Look {
            at: 90_000,
            run: "r".into(),
            old: "source".into(),
            new: "target".into(),
            old_closed: Some(true),
            new_open: Some(true),
            own: OwnTransactions::default(),
            way_back: Some(WayBack { applies: Some(true), lag_seconds: Some(2), ..WayBack::default() }),
            past_read_only: None,
            unseen: Vec::new(),
        }
    }

    /// Makes a check worse.
    type Change = fn(&mut Look);

    #[test]
    fn every_single_thing_that_is_wrong_or_unknown_shows() {
        assert_eq!((well().verdict(), well().troubles().len()), (Verdict::Well, 0));
        assert!(well().to_string().ends_with("it replicates, 2s behind"), "{}", well());
        let wrong: [(Change, Verdict); 8] = [
            (|look| look.old_closed = Some(false), Verdict::Split),
            (|look| look.own.count = 1, Verdict::Split),
            (|look| look.way_back.as_mut().unwrap().applies = Some(false), Verdict::WayBackBroken),
            (|look| look.new_open = Some(false), Verdict::Unclear),
            (|look| look.own = OwnTransactions::unknown("purged"), Verdict::Unclear),
            (|look| look.unseen = vec!["source: refused".into()], Verdict::Unclear),
            (|look| look.old_closed = None, Verdict::Unclear),
            (|look| look.way_back.as_mut().unwrap().applies = None, Verdict::Unclear),
        ];
        for (number, (change, verdict)) in wrong.iter().enumerate() {
            let mut look = well();
            change(&mut look);
            assert_eq!(look.verdict(), *verdict, "{number}");
            assert_ne!(look.verdict().exit_code(), 0);
        }
        let flushed = OwnTransactions { count: 1, harmless: 1, ..OwnTransactions::default() };
        assert_eq!(Look { own: flushed, ..well() }.verdict(), Verdict::Well);
        assert_eq!(Look { way_back: None, ..well() }.verdict(), Verdict::Well);
    }

    #[test]
    fn it_says_for_how_long_the_way_back_has_not_applied() {
        let way_back = WayBack { applies: Some(false), broken_since: Some(30_000), ..WayBack::default() };
        let look = Look { way_back: Some(way_back), ..well() };
        assert!(look.to_string().contains("has not applied writes of `target` for 1m"), "{look}");
    }
}
