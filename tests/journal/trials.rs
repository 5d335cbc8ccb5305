//! Trials: another program opens and closes the journal at random moments of a run with webhooks, beside `serve` every
//! other time; then everything is killed. `CUTOVER_TRIALS` is their number.

use crate::desk::{Desk, ended};
use crate::reader::{desk, entries, look};
use cutover::store::{Entry, Event};
use fastrand::Rng;
use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STEPS: usize = 14;
/// How long a run of all the steps takes at least, in milliseconds.
const LENGTH: u64 = STEPS as u64 * 60;

/// `cutover serve` on the state directory.
fn serve(desk: &Desk) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--state"]).arg(desk.path("state")).current_dir(desk.path(""));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// What happened: each effect is a line with its step's name.
fn effects(desk: &Desk) -> BTreeSet<String> {
    let text = std::fs::read_to_string(desk.path("effects")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The steps that a journal says this of.
fn of<'entry>(
    entries: &'entry [Entry],
    is: impl Fn(&'entry Event) -> Option<&'entry String>,
) -> BTreeSet<&'entry String> {
    entries.iter().filter_map(|entry| is(&entry.event)).collect()
}

/// One trial; gives back how many effects there were, and whether the run came to its end before it was killed.
fn trial(number: u64, rng: &mut Rng) -> (usize, bool) {
    let steps: Vec<_> = (0..STEPS).map(|n| (format!("s{n}"), format!("echo s{n} >> effects; sleep 0.06"))).collect();
    let steps: Vec<_> = steps.iter().map(|(id, words)| (id.as_str(), words.as_str())).collect();
    let desk = desk(&steps);
    let mut server = number.is_multiple_of(2).then(|| serve(&desk));
    let mut run = desk.begin(&[]);
    desk.until("effects");
    let begin = Instant::now();
    let mut moments: Vec<u64> = (0..rng.u64(1..4)).map(|_| rng.u64(0..LENGTH)).collect();
    moments.sort_unstable();
    let end = moments.last().unwrap() + rng.u64(0..LENGTH / 2);
    for moment in moments {
        std::thread::sleep(Duration::from_millis(moment).saturating_sub(begin.elapsed()));
        look(&desk);
    }
    std::thread::sleep(Duration::from_millis(end).saturating_sub(begin.elapsed()));
    let ended_before = run.try_wait().unwrap().is_some();
    run.kill().unwrap(); // SIGKILL
    if let Some(server) = &mut server {
        server.kill().unwrap();
        server.wait().unwrap();
    }
    let end = ended(run);
    std::thread::sleep(Duration::from_millis(50)); // a step's own shell outlives its runner
    let (entries, effects) = (entries(&desk), effects(&desk));
    let begun = of(&entries, |event| if let Event::StepIntent { step, .. } = event { Some(step) } else { None });
    let done = of(&entries, |event| if let Event::StepDone { step, .. } = event { Some(step) } else { None });
    for effect in &effects {
        assert!(begun.contains(effect), "trial {number}: {effect} happened and is not in the journal: {end:?}");
    }
    // a step begins only when the journal holds that the one before it is done
    for n in 1..STEPS {
        let before = format!("s{}", n - 1);
        assert!(
            !effects.contains(&format!("s{n}")) || done.contains(&before),
            "trial {number}: {before} is lost: {end:?}"
        );
    }
    let refused = end.said.contains("removed or replaced");
    assert!(!refused, "trial {number}: a reader took the journal away: {end:?}");
    (effects.len(), ended_before)
}

#[test]
fn the_journal_holds_every_effect_whoever_reads_it_and_whenever_all_is_killed() {
    let trials: u64 = std::env::var("CUTOVER_TRIALS").ok().map_or(3, |number| number.parse().unwrap());
    let seed = std::env::var("CUTOVER_SEED").ok().map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("CUTOVER_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let (mut effects, mut whole) = (0, 0);
    for number in 0..trials {
        let (happened, ended) = trial(number, &mut rng);
        effects += happened;
        whole += u64::from(ended);
    }
    println!("{trials} trials, {effects} effects, all in the journal; {whole} runs ended before they were killed");
}
