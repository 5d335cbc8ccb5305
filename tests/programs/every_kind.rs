//! The property: whatever servers and hosts answer, nothing is asked of them that the step's plan does not state.

use super::answers::Chance;
use super::steps::{Sample, samples};
use async_trait::async_trait;
use cutover::domain::{Action, Permits};
use cutover::effects::stand_in::StandIn;
use cutover::effects::{Activity, Answer, Approvals, Effects, Rule, Secrets};
use cutover::error::Result;
use cutover::kinds::{Ctx, Memo, Outputs, Probe, Progress, Step};
use cutover::playbook::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;

/// Each sample is played so often, and after every edit only once with each product; `CUTOVER_PLAYS` states another number.
const PLAYS: u64 = 12;
/// Set, it makes the test print why steps ended: to see what keeps a kind from going on.
const WHY: &str = "CUTOVER_WHY";
/// Longest time for one part of a step, on a clock that stands still while anything is done.
const LIMIT: Duration = Duration::from_secs(90);
/// What servers say that they are, and the inventory with them.
const PRODUCTS: [(&str, &str, &str); 4] = [
    ("mariadb", "10.6", "5.5.5-10.6.18-MariaDB-log"),
    ("mariadb", "11.8", "5.5.5-11.8.2-MariaDB-log"),
    ("mysql", "8.0", "8.0.36"),
    ("mysql", "9.7", "9.7.0"),
];

struct Yes;

#[async_trait]
impl Approvals for Yes {
    async fn answer(&self, _: &str, _: &str, _: &Rule) -> Result<Answer> {
        Ok(Answer::Approved(vec!["anna".into()]))
    }
}

#[derive(Default)]
struct Notes(Mutex<HashMap<String, Value>>);

#[async_trait]
impl Memo for Notes {
    fn get(&self, key: &str) -> Option<Value> {
        self.0.lock().unwrap().get(key).cloned()
    }
    async fn set(&self, key: &str, value: Value) -> Result<()> {
        self.0.lock().unwrap().insert(key.into(), value);
        Ok(())
    }
}

/// What one play came to.
struct Played {
    stated: Vec<Action>,
    asked: Vec<Action>,
    refused: Vec<String>,
}

fn product(world: &World, (family, version, _): (&str, &str, &str)) -> World {
    let mut inventory = serde_json::to_value(&world.inventory).unwrap();
    for server in inventory["servers"].as_object_mut().unwrap().values_mut() {
        server["family"] = family.into();
        server["version"] = version.into();
    }
    World { inventory: serde_json::from_value(inventory).unwrap(), ..world.clone() }
}

async fn play(sample: &Sample, seed: u64) -> Option<Played> {
    let product = PRODUCTS[usize::try_from(seed).unwrap() % PRODUCTS.len()];
    let world = self::product(&sample.world, product);
    let step = (sample.kind.decode)(&sample.with).unwrap();
    let mut stated = step.preview(&world).ok()?; // a kind may not fit a product
    stated.extend(step.questions(&world));
    stated.extend(step.preview_undo(&world));
    let permits = Arc::new(Permits::new(&stated));
    let secrets = world.inventory.secrets().into_iter().map(|secret| (secret.clone(), "s3cret".to_owned()));
    let stand_in = StandIn::new(Chance::new(seed, product.2));
    let inventory = Arc::new(world.inventory.clone());
    let fx = Effects::with_stand_in(inventory, Arc::new(Secrets::known(secrets)), Arc::new(Yes), stand_in.clone());
    let cancel = CancellationToken::new();
    let fx = fx.for_work(Activity::new("it", cancel.clone()).permitted(permits.clone()));
    parts(&*step, (&world, &fx, &cancel)).await;
    cancel.cancel();
    Some(Played { stated, asked: stand_in.asked(), refused: permits.refused() })
}

/// Everything that an engine may ask of a step, one after the other, whatever came of the part before.
async fn parts(step: &dyn Step, (world, fx, cancel): (&World, &Effects, &CancellationToken)) {
    let (tell, _told) = unbounded_channel();
    let (notes, progress, foreseen) = (Notes::default(), Progress::new("it", tell), BTreeSet::new());
    let mut outputs = Outputs::new();
    for part in ["inspect", "survey", "prepare", "execute", "probe", "execute", "undo", "execute", "probe", "undo"] {
        let now = outputs.clone();
        let cx = Ctx {
            step: "it",
            run: "r1",
            world,
            fx,
            progress: &progress,
            cancel,
            memo: &notes,
            outputs: &now,
            foreseen: &foreseen,
        };
        let work = async {
            match part {
                "inspect" => drop(step.inspect(&cx, &BTreeSet::new()).await),
                "survey" => drop(step.survey(&cx).await),
                "prepare" => drop(step.prepare(&cx).await),
                "probe" => {
                    if let Ok(Probe::Done(done)) = step.probe(&cx).await {
                        outputs = done;
                    }
                }
                "execute" => match step.execute(&cx).await {
                    Ok(done) => outputs = done,
                    Err(failure) if std::env::var_os(WHY).is_some() => println!("WHY {step:?} {failure}"),
                    Err(_) => {}
                },
                _ => {
                    drop(step.undo(&cx).await);
                    outputs = Outputs::new();
                }
            }
        };
        let _ = timeout(LIMIT, work).await;
    }
}

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
            let Some(played) = play(&sample, seed).await else { continue };
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
