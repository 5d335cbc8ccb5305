//! Documents and journals with small damage, thousands of them: none may make the program panic. The same checks as
//! the fuzz targets in `fuzz/`, for every day; `CUTOVER_FUZZ_SECONDS` says for how long each (2 by default, 0.3 in `make quick`).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[allow(dead_code, missing_docs, reason = "shared with the fuzz targets")]
#[path = "../../fuzz/src/lib.rs"]
mod checks;
mod mutate;

use mutate::Mutator;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

const JOURNALS: [&str; 5] = [
    include_str!("../../fuzz/seeds/journal/far"),
    include_str!("../../fuzz/seeds/journal/done"),
    include_str!("../../fuzz/seeds/journal/rolled_back"),
    include_str!("../../fuzz/seeds/journal/stuck"),
    include_str!("../../fuzz/seeds/journal/resumed"),
];

fn torture(name: &str, seeds: &[&str], check: fn(&[u8])) {
    let seconds = std::env::var("CUTOVER_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2.0);
    let (begin, time) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut mutator = Mutator::new();
    for seed in seeds {
        check(seed.as_bytes());
    }
    let mut rounds = 0;
    while begin.elapsed() < time {
        let input = mutator.mutate(seeds);
        let failed = catch_unwind(AssertUnwindSafe(|| check(&input))).is_err();
        assert!(!failed, "{name}, seed {}, round {rounds}:\n{}", mutator.seed, String::from_utf8_lossy(&input));
        rounds += 1;
    }
    println!("{name}: {rounds} inputs");
}

#[test]
fn playbooks() {
    let sample = include_str!("../plan/design_sample.yaml");
    torture("playbook", &[sample, checks::PLAYBOOK], checks::playbook);
}

#[test]
fn inventories() {
    torture("inventory", &[checks::INVENTORY], checks::inventory);
}

#[test]
fn journals() {
    torture("journal", &JOURNALS, checks::journal);
}
