//! Two runners on copies of one state directory, on the same servers and hosts: at every moment at most one acts.
//!
//! `CUTOVER_TRIALS=50 cargo test --test two_runners` holds 50 trials, and every fifth of them behind the fence as well.
//! `CUTOVER_SEED=n` is the seed of the first one; a trial's seed is printed, and with it the trial can be held again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod contest;
mod fence;
mod judge;
mod lane;
#[path = "../stage/process.rs"]
mod process;
#[path = "../stage/mod.rs"]
mod stage;
mod strike;
mod trace;
mod trial;

use lane::Lane;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

/// Trials held at the same time.
const LANES: usize = 2;
/// How many there are unless the environment says otherwise.
const TRIALS: u64 = 2;

#[derive(Clone, Copy)]
enum Kind {
    /// On effects of every kind.
    Effects,
    /// On the shipped switch, behind the fence.
    Fence,
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Holds trials until none is left: what is wrong with them.
fn hold_all(queue: &Mutex<VecDeque<(Kind, u64)>>) -> Vec<String> {
    let (mut lane, mut wrong) = (None, Vec::new());
    loop {
        let Some((kind, seed)) = queue.lock().unwrap().pop_front() else { return wrong };
        let begin = Instant::now();
        let (name, (told, faults)) = match kind {
            Kind::Effects => ("effects", trial::hold(lane.get_or_insert_with(Lane::new), seed)),
            Kind::Fence => ("behind the fence", fence::hold(seed)),
        };
        let verdict = if faults.is_empty() { "fine".to_owned() } else { format!("WRONG: {}", faults.join("\n    ")) };
        println!("{name}, CUTOVER_SEED={seed}, {:.1} s, {told}: {verdict}", begin.elapsed().as_secs_f64());
        if !faults.is_empty() {
            wrong.push(format!("{name}, CUTOVER_SEED={seed}: {}", faults.join("\n    ")));
        }
    }
}

#[test]
fn at_every_moment_at_most_one_acts() {
    let trials = number("CUTOVER_TRIALS").unwrap_or(TRIALS);
    let first = number("CUTOVER_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    let fenced = (first..first + trials.div_ceil(5)).map(|seed| (Kind::Fence, seed));
    let queue = Mutex::new(fenced.chain((first..first + trials).map(|seed| (Kind::Effects, seed))).collect());
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(|| hold_all(&queue))).collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} trials went wrong:\n{}", wrong.len(), wrong.join("\n"));
}
