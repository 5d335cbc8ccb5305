//! Whole swaps on a shared store, under an application that writes, while the store's primary or the runner is lost.
//!
//! `CUTOVER_TRIALS=30 cargo test --test store swap -- --nocapture` plays that many rounds of each, one when missing;
//! `CUTOVER_SEED=n` chooses the moments.

#[path = "../stage/mod.rs"]
mod stage;

use crate::cluster::Cluster;
use crate::machines::ended;
use cutover::engine::Home;
use cutover::store::{Event, Journal, Outcome, Store};
use fastrand::Rng;
use rustix::process::{Pid, Signal, kill_process};
use stage::{PLAYBOOK, Stage};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Steps before whose beginning something is lost: from the copy to the end, most of them in the switch.
const MOMENTS: [&str; 12] =
    ["import", "durable", "verify", "go", "fence", "fence", "fence", "fence", "events", "forget", "reverse", "tidy"];
/// Longest time for a step to come about, on a machine that is busy.
const SOON: Duration = Duration::from_mins(4);

/// A swap on a store of its own.
struct Round {
    cluster: Cluster,
    stage: Stage,
    store: Store,
    run: String,
    /// The first runner.
    first: Option<Child>,
}

impl Round {
    async fn begin(name: &str) -> Self {
        let (cluster, stage) = (Cluster::start(), Stage::new().await);
        let store = Home::at(Path::new(&cluster.address())).unwrap().store;
        // hosts remember a run by its id
        let run = format!("{name}-{}", crate::machines::millis());
        let mut round = Self { cluster, stage, store, run, first: None };
        round.first = Some(round.swap_on("one"));
        round
    }

    /// The program on a machine of that name: nothing but the store is shared.
    fn on(&self, machine: &str, command: tokio::process::Command) -> Child {
        let mut command = command.into_std();
        command
            .env("CUTOVER_STATE", self.cluster.address())
            .env("XDG_STATE_HOME", self.stage.sandbox.dir().join(machine));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn swap_on(&self, machine: &str) -> Child {
        self.on(machine, self.stage.on_playbook(&["run", "--yes", "--run-id", &self.run], Path::new(PLAYBOOK)))
    }

    fn events(&self) -> Vec<Event> {
        self.store.entries(&self.run).unwrap_or_default().into_iter().map(|entry| entry.event).collect()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.events().iter().rev().find_map(|event| match event {
            Event::RunFinished { outcome } => Some(*outcome),
            _ => None,
        })
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&[Event]) -> bool) {
        let begun = Instant::now();
        while !is_so(&self.events()) {
            let code = self.first.as_mut().unwrap().try_wait().unwrap().and_then(|status| status.code());
            let over = code.is_some_and(|code| code != 6); // one that woke late leaves with 6, and the others go on
            if over || begun.elapsed() > SOON {
                let (code, said) = ended(self.first.take().unwrap());
                panic!("{}: {what} did not come about, exit code {code:?}: {said}", self.run);
            }
            sleep(Duration::from_millis(3)).await;
        }
    }

    async fn until_begun(&mut self, step: &str) {
        self.until(step, |events| {
            events.iter().any(|event| matches!(event, Event::StepIntent { step: begun, .. } if begun == step))
        })
        .await;
    }

    /// What a person does at nine in the morning, until it is done or taken back.
    async fn go_on(&self) -> Outcome {
        for _ in 0..3 {
            match self.outcome() {
                Some(over @ (Outcome::Done | Outcome::RolledBack)) => return over,
                left => println!("{}: {left:?}, resumed", self.run),
            }
            let resumed = self.on("morning", self.stage.cutover(&["resume", &self.run, "--yes"]));
            let (code, said) = in_background(resumed).await;
            println!("resumed: {code:?} {}", said.lines().last().unwrap_or_default());
        }
        self.outcome().unwrap()
    }

    /// Nothing that was acknowledged is lost, and the journal is whole.
    async fn judge(mut self) {
        let outcome = self.go_on().await;
        let done = outcome == Outcome::Done;
        assert!(done || outcome == Outcome::RolledBack, "{}: {outcome:?}", self.run);
        let sandbox = &self.stage.sandbox;
        let home = if done { sandbox.target.address() } else { sandbox.source.address() };
        let verdict = self.stage.verdict(&home).await;
        let (lost, left) = (verdict.lost, verdict.on_source_after_fence);
        println!(
            "{}: {outcome}, {} acknowledged, {lost} lost, {:?} ms",
            self.run, verdict.acknowledged, verdict.downtimes
        );
        assert_eq!((lost, left), (0, 0), "{}: {verdict:?}", self.run);
        self.store.check().unwrap();
    }
}

async fn in_background(child: Child) -> (Option<i32>, String) {
    tokio::task::spawn_blocking(|| ended(child)).await.unwrap()
}

fn signal_to(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn rounds() -> impl Iterator<Item = Rng> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("CUTOVER_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    (first..first + number("CUTOVER_TRIALS").unwrap_or(1)).map(|seed| {
        println!("CUTOVER_SEED={seed}");
        Rng::with_seed(seed)
    })
}

async fn a_while(random: &mut Rng, millis: std::ops::Range<u64>) {
    sleep(Duration::from_millis(random.u64(millis))).await;
}

async fn primary_dies(mut random: Rng) {
    let mut round = Round::begin("primary").await;
    let step = *random.choice(&MOMENTS).unwrap();
    round.until_begun(step).await;
    a_while(&mut random, 0..150).await;
    let [one, two] = &round.cluster.nodes;
    one.kill();
    a_while(&mut random, 100..3_000).await;
    two.promote();
    a_while(&mut random, 100..4_000).await;
    one.start_server(); // it is writable too
    let (code, said) = in_background(round.first.take().unwrap()).await;
    println!(
        "{}: killed after `{step}` began, exit code {code:?} {}",
        round.run,
        said.lines().last().unwrap_or_default()
    );
    assert!(matches!(code, Some(0 | 3 | 4 | 130)), "{code:?}: {said}");
    round.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_dies_in_a_swap_costs_no_write_and_no_entry() {
    for random in rounds() {
        primary_dies(random).await;
    }
}

/// Another machine takes over from one that is lost. One that was only frozen wakes up in the middle of that or after it.
async fn runner_is_lost(mut random: Rng) {
    let mut round = Round::begin("runner").await;
    let step = *random.choice(&MOMENTS).unwrap();
    round.until_begun(step).await;
    let other = round.on("two", round.stage.cutover(&["runner"]));
    a_while(&mut random, 0..150).await;
    let (frozen, wakes_late) = (random.bool(), random.bool());
    signal_to(round.first.as_ref().unwrap(), if frozen { Signal::STOP } else { Signal::KILL });
    round.until("another runner", |events| events.iter().any(|event| matches!(event, Event::RunResumed { .. }))).await;
    if frozen && !wakes_late {
        a_while(&mut random, 0..2_000).await;
        signal_to(round.first.as_ref().unwrap(), Signal::CONT);
    }
    if !round.events().iter().any(|event| matches!(event, Event::Decided { .. })) {
        // the one that is lost said yes to everything; the other waits for a person
        round.until("the question", |events| matches!(events.last(), Some(Event::StepWaiting { .. }))).await;
        in_background(round.on("desk", round.stage.cutover(&["approve", &round.run]))).await;
    }
    round.until("the end", |events| matches!(events.last(), Some(Event::RunFinished { .. }))).await;
    let written = round.events().len();
    if frozen && wakes_late {
        signal_to(round.first.as_ref().unwrap(), Signal::CONT);
    }
    let (code, said) = in_background(round.first.take().unwrap()).await;
    let last = said.lines().last().unwrap_or_default();
    println!("{}: `{step}`, frozen {frozen}, wakes late {wakes_late}: {code:?} {last}", round.run);
    assert!(!frozen || code == Some(6) && said.contains("another runner has"), "{code:?}: {said}");
    assert_eq!(round.events().len(), written, "the one that was lost has written something");
    signal_to(&other, Signal::TERM);
    in_background(other).await;
    round.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_is_lost_in_a_swap_is_taken_over_from_and_costs_no_write() {
    for random in rounds() {
        runner_is_lost(random).await;
    }
}
