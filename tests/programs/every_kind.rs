//! The property: whatever servers and hosts answer, nothing is asked of them that the step's plan does not state.

use super::answers::Chance;
use super::play::{PRODUCTS, play};
use super::steps::samples;
use cutover::domain::{Action, Permits};
use std::collections::BTreeMap;

/// Each sample is played so often, and after every edit only once with each product; `CUTOVER_PLAYS` states another number.
const PLAYS: u64 = 12;

/// How many of a plan's actions were asked for.
#[derive(Default)]
struct Seen {
    of: usize,
    asked: usize,
}

#[tokio::test(start_paused = true)]
async fn whatever_is_answered_nothing_is_asked_that_the_plan_does_not_state() {
    let usual = if std::env::var_os("CUTOVER_QUICK").is_some() { PRODUCTS.len() as u64 } else { PLAYS };
    let plays = std::env::var("CUTOVER_PLAYS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let mut seen: BTreeMap<&str, Seen> = BTreeMap::new();
    let mut refused: BTreeMap<(&str, String), (String, u32)> = BTreeMap::new();
    for sample in samples() {
        let mut met: Vec<(Action, bool)> = Vec::new();
        for seed in 0..plays {
            let product = PRODUCTS[usize::try_from(seed).unwrap() % PRODUCTS.len()];
            let Some(played) = play(&sample, product, Chance::new(seed, product.2)).await else { continue };
            let name = sample.kind.name;
            for asked in played.refused {
                let times: &mut (String, u32) = refused.entry((name, asked)).or_default();
                *times = (format!("seed {seed}, {}", sample.with), times.1 + 1);
            }
            let whole = Permits::new(&played.stated);
            for asked in &played.asked {
                assert!(whole.admits(asked), "{name} asked for `{asked}`, seed {seed}");
            }
            for stated in played.stated.into_iter().filter(|action| !matches!(action, Action::Note { .. })) {
                let one = Permits::new([&stated]);
                let was_asked = played.asked.iter().any(|asked| one.admits(asked));
                match met.iter_mut().find(|(known, _)| *known == stated) {
                    Some((_, known)) => *known |= was_asked,
                    None => met.push((stated, was_asked)),
                }
            }
        }
        let seen = seen.entry(sample.kind.name).or_default();
        seen.of += met.len();
        seen.asked += met.iter().filter(|(_, was_asked)| *was_asked).count();
    }
    assert!(refused.is_empty(), "asked for, and not stated:\n{refused:#?}");
    let (of, asked) = seen.values().fold((0, 0), |(of, asked), seen| (of + seen.of, asked + seen.asked));
    for (kind, seen) in &seen {
        println!("{kind}: {} of {} actions were asked for", seen.asked, seen.of);
        assert!(seen.of == 0 || seen.asked > 0, "nothing of {kind} was ever asked for");
    }
    println!("all: {asked} of {of}");
    assert!(plays < PLAYS || asked * 2 > of, "only {asked} of {of} actions were ever asked for");
}
