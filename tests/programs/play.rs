//! A step that is played with servers and hosts that are not there: all that an engine may ask of it, one after the other.

use async_trait::async_trait;
use cutover::domain::{Action, Permits};
use cutover::effects::stand_in::{Answers, StandIn};
use cutover::effects::{Activity, Answer, Approvals, Effects, Rule, Secrets};
use cutover::error::Result;
use cutover::kinds::{Ctx, Kind, Memo, Outputs, Probe, Progress, Step};
use cutover::playbook::world::World;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;

/// Set, it makes the test print why steps ended: to see what keeps a kind from going on.
const WHY: &str = "CUTOVER_WHY";
/// Longest time for one part of a step, on a clock that stands still while anything is done.
const LIMIT: Duration = Duration::from_secs(90);

/// What a server says that it is, and the inventory with it: family, version, and the words of `VERSION()`.
pub type Product = (&'static str, &'static str, &'static str);
/// One of each dialect.
pub const PRODUCTS: [Product; 4] = [
    ("mariadb", "10.6", "5.5.5-10.6.18-MariaDB-log"),
    ("mariadb", "11.8", "5.5.5-11.8.2-MariaDB-log"),
    ("mysql", "8.0", "8.0.36"),
    ("mysql", "9.7", "9.7.0"),
];

/// A step whose parameters are all known.
pub struct Sample {
    pub kind: &'static Kind,
    pub with: Value,
    pub world: World,
}

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
pub struct Played {
    pub stated: Vec<Action>,
    pub asked: Vec<Action>,
    pub refused: Vec<String>,
}

fn product(world: &World, (family, version, _): Product) -> World {
    let mut inventory = serde_json::to_value(&world.inventory).unwrap();
    for server in inventory["servers"].as_object_mut().unwrap().values_mut() {
        server["family"] = family.into();
        server["version"] = version.into();
    }
    World { inventory: serde_json::from_value(inventory).unwrap(), ..world.clone() }
}

/// Plays a step; `None` where its kind does not fit the product.
pub async fn play(sample: &Sample, product: Product, answers: impl Answers + 'static) -> Option<Played> {
    let world = self::product(&sample.world, product);
    let step = (sample.kind.decode)(&sample.with).unwrap();
    let mut stated = step.preview(&world).ok()?; // a kind may not fit a product
    stated.extend(step.questions(&world));
    stated.extend(step.preview_undo(&world));
    let permits = Arc::new(Permits::new(&stated));
    let secrets = world.inventory.secrets().into_iter().map(|secret| (secret.clone(), "s3cret".to_owned()));
    let stand_in = StandIn::new(answers);
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
            needs: &[],
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
