//! The moves of an application from one server to the other, according to its ledger: one between two turns of the
//! rehearsal, there and back.

use super::ledger::{Entry, Ledger};
use std::time::Duration;

/// How far around a move the longest pause is looked for, in nanoseconds.
const AROUND: u64 = 2_000_000_000;

/// The time between two turns, in which the application moves once or not at all.
#[derive(Debug)]
struct Phase {
    /// From here on, in nanoseconds.
    begins: u64,
    from: Option<u32>,
    to: Option<u32>,
    /// When the new server acknowledged its first write.
    opened: Option<u64>,
    downtime_ms: Option<f64>,
}

/// All phases of a ledger.
#[derive(Debug)]
pub struct Moves(Vec<Phase>);

impl Moves {
    /// Of the moves between two endpoints. The application begins at the one it wrote to first.
    #[must_use]
    pub fn of(ledger: &Ledger, endpoints: [Option<u32>; 2]) -> Self {
        let first = ledger.acknowledged.iter().min_by_key(|ack| ack.at).map(|ack| ack.endpoint);
        let second = endpoints.into_iter().find(|endpoint| endpoint.is_some() && *endpoint != first).flatten();
        let mut acks = ledger.acknowledged.clone();
        acks.sort_unstable_by_key(|ack| ack.at);
        let begins: Vec<u64> = std::iter::once(0).chain(ledger.turns.iter().copied()).collect();
        let phase = |(number, &begins): (usize, &u64)| {
            let (from, to) = if number % 2 == 0 { (first, second) } else { (second, first) };
            let ends = ledger.turns.get(number).copied().unwrap_or(u64::MAX);
            let (start, end) = (before(&acks, begins), before(&acks, ends));
            let acks = &acks[start..end];
            let opened = to.and_then(|to| acks.iter().find(|ack| ack.endpoint == to)).map(|ack| ack.at);
            Phase { begins, from, to, opened, downtime_ms: downtime(acks, from, to) }
        };
        Self(begins.iter().enumerate().map(phase).collect())
    }

    /// The longest pause around each move, in milliseconds; `None` where the application did not move.
    #[must_use]
    pub fn downtimes(&self) -> Vec<Option<f64>> {
        self.0.iter().map(|phase| phase.downtime_ms).collect()
    }

    /// Whether a server acknowledged it that the application had left: one that was fenced by then.
    #[must_use]
    pub fn is_late(&self, ack: &Entry) -> bool {
        let phase = self.0.iter().rev().find(|phase| phase.begins <= ack.at);
        phase.is_some_and(|phase| {
            phase.to.is_some() && Some(ack.endpoint) == phase.from && phase.opened.is_some_and(|opened| ack.at > opened)
        })
    }
}

/// How many were acknowledged before that moment.
fn before(acks: &[Entry], moment: u64) -> usize {
    acks.partition_point(|ack| ack.at < moment)
}

/// The longest pause between acknowledged writes, in the order of their time, around the move from one endpoint to
/// another, in milliseconds.
fn downtime(acks: &[Entry], from: Option<u32>, to: Option<u32>) -> Option<f64> {
    let last = acks.iter().filter(|ack| Some(ack.endpoint) == from).map(|ack| ack.at).max()?;
    let first = acks.iter().filter(|ack| Some(ack.endpoint) == to).map(|ack| ack.at).min()?;
    let window = last.min(first).saturating_sub(AROUND)..=last.max(first).saturating_add(AROUND);
    let times: Vec<u64> = acks.iter().map(|ack| ack.at).filter(|at| window.contains(at)).collect();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max()?;
    Some(Duration::from_nanos(longest).as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::{Entry, Ledger, Moves};

    fn ack(millis: u64, endpoint: u32) -> Entry {
        Entry { writer: 1, endpoint, seq: millis, at: millis * 1_000_000 }
    }

    fn ledger(acknowledged: Vec<Entry>, turns: &[u64]) -> Ledger {
        let endpoints = vec!["a:1".to_owned(), "b:2".to_owned()];
        let turns = turns.iter().map(|millis| millis * 1_000_000).collect();
        Ledger { endpoints, acknowledged, unknown: Vec::new(), turns }
    }

    #[test]
    fn downtime_is_the_longest_pause_around_the_move() {
        // A pause of 3 s long before the move does not count, one of 40 ms right after it does.
        let acks = [0, 3000, 6000, 6010, 6020].map(|at| ack(at, 0)).into_iter();
        let acks: Vec<Entry> = acks.chain([6045, 6085, 6086].map(|at| ack(at, 1))).collect();
        let downtimes = |acks: &[Entry], second| Moves::of(&ledger(acks.to_vec(), &[]), [Some(0), second]).downtimes();
        assert_eq!(downtimes(&acks, Some(1)), [Some(40.0)]);
        assert_eq!(downtimes(&acks[..5], Some(1)), [None]);
        assert_eq!(downtimes(&acks, None), [None]);
    }

    #[test]
    fn there_and_back_are_two_moves_and_each_closes_one_server() {
        let mut acks: Vec<Entry> = [10, 20].map(|at| ack(at, 0)).to_vec();
        acks.extend([50, 60, 70, 110].map(|at| ack(at, 1)));
        acks.extend([130, 140].map(|at| ack(at, 0)));
        let both = [Some(0), Some(1)];
        let moves = Moves::of(&ledger(acks.clone(), &[100]), both);
        assert_eq!(moves.downtimes(), [Some(30.0), Some(20.0)]);
        assert!(!acks.iter().any(|ack| moves.is_late(ack)));

        // the old one, closed by the first switch; the new one, closed by the second
        for late in [ack(65, 0), ack(135, 1)] {
            let mut acks = acks.clone();
            acks.push(late);
            let moves = Moves::of(&ledger(acks.clone(), &[100]), both);
            assert_eq!(acks.iter().filter(|ack| moves.is_late(ack)).count(), 1, "{late:?}");
        }
        // the old one once more, before it was opened again: from then on the other one is in the wrong
        acks.push(ack(105, 0));
        let moves = Moves::of(&ledger(acks.clone(), &[100]), both);
        assert!(acks.iter().any(|ack| moves.is_late(ack)));
        assert_eq!(Moves::of(&ledger(acks[..6].to_vec(), &[100]), both).downtimes(), [Some(30.0), None]);
    }
}
