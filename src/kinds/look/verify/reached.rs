//! How far a table is known to be the same: workers finish its pieces in any order, and only what has no gap below counts.
//! Pure.

use crate::dialect::key::{KeyValues, Range};
use std::collections::BTreeMap;

/// Where a comparison of a table stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reached {
    /// Up to this row, nothing when not even the first piece is done.
    pub up_to: Option<KeyValues>,
    /// To its end.
    pub whole: bool,
    /// Rows in there.
    pub rows: u64,
    /// Whether it has moved since it was noted.
    moved: bool,
    next: u64,
    ahead: BTreeMap<u64, (Option<KeyValues>, u64)>,
}

impl Reached {
    /// What an attempt before had reached.
    pub fn before(up_to: Option<KeyValues>, whole: bool, rows: u64) -> Self {
        Self { up_to, whole, rows, ..Self::default() }
    }

    /// A piece, the `number`th that was given out, is the same on both servers.
    pub fn piece(&mut self, number: u64, range: &Range, rows: u64) {
        self.ahead.insert(number, (range.up_to.clone(), rows));
        while let Some((up_to, rows)) = self.ahead.remove(&self.next) {
            self.whole = up_to.is_none();
            self.up_to = up_to.or(self.up_to.take());
            (self.rows, self.next, self.moved) = (self.rows + rows, self.next + 1, true);
        }
    }

    /// Whether there is something new to note; asked once.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }
}

#[cfg(test)]
mod tests {
    use super::Reached;
    use crate::dialect::key::Range;

    #[test]
    fn only_what_has_no_gap_below_counts() {
        let to = |end: Option<&str>| Range { after: None, up_to: end.map(|end| vec![end.to_owned()]) };
        let mut reached = Reached::default();
        reached.piece(1, &to(Some("20")), 10);
        assert_eq!((reached.up_to.clone(), reached.take_news()), (None, false), "the first piece is still out");
        reached.piece(0, &to(Some("10")), 10);
        assert_eq!((reached.up_to.clone(), reached.rows), (Some(vec!["20".to_owned()]), 20));
        assert!(reached.take_news() && !reached.take_news());
        reached.piece(3, &to(None), 1);
        assert!(!reached.whole);
        reached.piece(2, &to(Some("30")), 5);
        assert!(reached.whole && reached.rows == 26);
    }
}
