//! Steps that do what a script says, and what they need to be run.

use async_trait::async_trait;
use cutover::domain::Script;
use cutover::domain::units::Span;
use cutover::effects::{Answer, Approvals, Effects, Rule, Secrets};
use cutover::engine::clock::Wall;
use cutover::engine::{Decode, Runner, Setup};
use cutover::error::{Failure, Result};
use cutover::kinds::{Action, Complaint, Ctx, Outputs, Probe, Reversibility, Step};
use cutover::plan::{FORMAT, Plan, PlannedBlock, PlannedHook, PlannedStep};
use cutover::playbook::inventory::Inventory;
use cutover::playbook::model::{Backoff, Occasions, OnFailure, Retry};
use cutover::playbook::world::World;
use cutover::report::fold::Summary;
use cutover::store::{Dated, Entry, Event, Journal, Outcome, RunHead, RunRecord, Store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Duration, Instant, sleep};
use tokio_util::sync::CancellationToken;

/// What a fake does when it is executed.
#[derive(Debug, Clone)]
pub enum Act {
    Fail(Failure),
    /// Works until it is asked to stop.
    UntilCancelled,
    /// Works so long, whatever it is asked.
    Take(Duration),
    Note(&'static str, Value),
    Put(Value),
}

/// What the fakes of one test share: their script, and what they did.
#[derive(Debug, Default)]
pub struct Stage {
    pub acts: Mutex<HashMap<String, VecDeque<Act>>>,
    pub undos: Mutex<HashMap<String, VecDeque<Failure>>>,
    pub probes: Mutex<HashMap<String, Probe>>,
    pub refusals: Mutex<HashMap<String, Failure>>,
    pub unreachable: Mutex<BTreeSet<String>>,
    pub unprepared: Mutex<HashMap<String, VecDeque<Failure>>>,
    pub log: Mutex<Vec<String>>,
}

impl Stage {
    pub fn act(&self, step: &str, acts: &[Act]) {
        self.acts.lock().unwrap().entry(step.into()).or_default().extend(acts.iter().cloned());
    }
    pub fn probe(&self, step: &str, probe: Probe) {
        self.probes.lock().unwrap().insert(step.into(), probe);
    }
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
    pub fn did(&self, what: &str) -> bool {
        self.log().iter().any(|line| line == what)
    }
    fn write(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }
    fn next(&self, step: &str) -> Option<Act> {
        self.acts.lock().unwrap().get_mut(step).and_then(VecDeque::pop_front)
    }
}

#[derive(Debug)]
struct Fake {
    name: String,
    with: Value,
    stage: Arc<Stage>,
}

#[async_trait]
impl Step for Fake {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }
    fn preview(&self, _: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        Ok(Vec::new())
    }
    async fn inspect(&self, _: &Ctx<'_>, settled: &BTreeSet<String>) -> Vec<Failure> {
        if !settled.is_empty() {
            self.stage.write(format!("inspect {} {settled:?}", self.name));
        }
        self.stage.refusals.lock().unwrap().get(&self.name).cloned().into_iter().collect()
    }
    async fn prepare(&self, _: &Ctx<'_>) -> Result<()> {
        let failure = self.stage.unprepared.lock().unwrap().get_mut(&self.name).and_then(VecDeque::pop_front);
        self.stage.write(format!("prepare {}", self.name));
        failure.map_or(Ok(()), Err)
    }
    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        assert!(cx.memo.set("probe", json!(1)).await.is_err(), "a probe may not write");
        self.stage.write(format!("probe {}", self.name));
        if self.stage.unreachable.lock().unwrap().contains(&self.name) {
            return Err(Failure::transient("look", "no route to host"));
        }
        Ok(self.stage.probes.lock().unwrap().get(&self.name).cloned().unwrap_or(Probe::Done(cx.outputs.clone())))
    }
    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        self.stage.write(format!("start {}", self.name));
        if let Some(x) = self.with.get("x") {
            self.stage.write(format!("{} got {x}", self.name));
        }
        let mut outputs = Outputs::new();
        loop {
            match self.stage.next(&self.name) {
                None => break,
                Some(Act::Fail(failure)) => return Err(failure),
                Some(Act::UntilCancelled) => {
                    cx.pause(Duration::from_secs(1_000_000), "work").await?;
                }
                Some(Act::Take(time)) => sleep(time).await,
                Some(Act::Note(key, value)) => cx.memo.set(key, value).await?,
                Some(Act::Put(value)) => outputs.clone_from(value.as_object().unwrap()),
            }
        }
        self.stage.write(format!("end {}", self.name));
        Ok(outputs)
    }
    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let failure = self.stage.undos.lock().unwrap().get_mut(&self.name).and_then(VecDeque::pop_front);
        let old = cx.memo.read::<Value>("old")?.map(|old| format!(" {old}")).unwrap_or_default();
        self.stage.write(format!("undo {}{old}", self.name));
        failure.map_or(Ok(()), Err)
    }
}

/// A step of a plan; change its fields as needed.
pub fn step(id: &str, needs: &[&str]) -> PlannedStep {
    PlannedStep {
        id: id.into(),
        uses: "fake".into(),
        needs: needs.iter().map(|&need| need.into()).collect(),
        block: None,
        when: None,
        skip: None,
        with: json!({ "name": id }),
        timeout_ms: 60_000,
        retry: retry(1),
        on_failure: OnFailure::Rollback,
        keep: false,
        reversibility: Reversibility::Reversible,
        roles: Vec::new(),
        actions: Vec::new(),
        undo: vec![Action::command("here", Script::words(["undo", id]))],
        rollback: Vec::new(),
        unproved: Vec::new(),
        settles: Vec::new(),
        window: None,
    }
}

/// Makes a fake step stand for one of a real kind: its name, its parameters, and the roles that the kind itself says.
pub fn pose(step: &mut PlannedStep, uses: &str, with: &Value) {
    step.uses = uses.into();
    step.roles = (cutover::kinds::find(uses).unwrap().decode)(with).unwrap().roles();
    step.with.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
}

pub fn retry(attempts: u32) -> Retry {
    let seconds = |s| Span(Duration::from_secs(s));
    Retry { attempts, time: None, delay: seconds(5), backoff: Backoff::Exponential, max_delay: seconds(60) }
}

pub fn hook(name: &str) -> PlannedHook {
    let actions = vec![Action::command("here", Script::words(["hook", name]))];
    PlannedHook { uses: "fake".into(), with: json!({ "name": name }), roles: Vec::new(), actions }
}

pub fn plan(steps: Vec<PlannedStep>, blocks: Vec<PlannedBlock>) -> Plan {
    let (inputs, world) = (serde_json::Map::from_iter([("most".to_owned(), 3.into())]), World::default());
    let (description, hash, opening, scripts) = (None, String::new(), Vec::new(), BTreeMap::new());
    let (format, name, on) = (FORMAT, "p".into(), Occasions::default());
    let mut plan = Plan { format, name, description, hash, inputs, opening, scripts, steps, blocks, on, world };
    plan.hash = plan.digest();
    plan
}

/// A chain of steps in one block.
pub fn block(id: &str, steps: &mut [PlannedStep], deadline_ms: Option<u64>) -> PlannedBlock {
    for ix in 0..steps.len() {
        steps[ix].block = Some(id.into());
        if ix > 0 {
            steps[ix].needs = vec![steps[ix - 1].id.clone()];
        }
    }
    PlannedBlock { id: id.into(), deadline_ms, steps: steps.iter().map(|step| step.id.clone()).collect(), window: None }
}

struct NoApprovals;

#[async_trait]
impl Approvals for NoApprovals {
    async fn answer(&self, _: &str, _: &str, _: &Rule) -> Result<Answer> {
        Ok(Answer::Open)
    }
}

/// A plan with fakes, a journal in a folder of its own, and a runner's strings to pull.
pub struct Lab {
    pub dir: TempDir,
    pub plan: Arc<Plan>,
    pub stage: Arc<Stage>,
    pub journal: Arc<dyn Journal>,
    pub interrupt: CancellationToken,
    pub halt: CancellationToken,
    /// Steps that a person leaves out, with the reason.
    pub left_out: Vec<(String, String)>,
    /// What the machine's clock shows; it goes on with the paused time of a test.
    pub wall: Wall,
}

/// The 24th of November 2026, 12:00 UTC: a Tuesday.
pub const NOON: i64 = 1_795_521_600_000;

pub const RUN: &str = "r1";

impl Lab {
    pub fn new(steps: Vec<PlannedStep>) -> Self {
        Self::with_blocks(steps, Vec::new())
    }
    pub fn with_blocks(steps: Vec<PlannedStep>, blocks: Vec<PlannedBlock>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(Store::open(dir.path()).unwrap());
        let (interrupt, halt) = (CancellationToken::new(), CancellationToken::new());
        let begin = Instant::now();
        let wall: Wall = Arc::new(move || NOON + i64::try_from(begin.elapsed().as_millis()).unwrap());
        Self {
            dir,
            plan: Arc::new(plan(steps, blocks)),
            stage: Arc::default(),
            journal,
            interrupt,
            halt,
            left_out: Vec::new(),
            wall,
        }
    }

    pub fn runner(&self) -> Runner {
        let stage = self.stage.clone();
        let decode: Decode = Arc::new(move |_, with| {
            let name = with["name"].as_str().ok_or_else(|| Failure::permanent("decode", "no name"))?.to_owned();
            Ok(Box::new(Fake { name, with: with.clone(), stage: stage.clone() }))
        });
        let inventory = Arc::new(Inventory::default());
        let effects =
            Effects::new(inventory, Arc::new(Secrets::default()), Arc::new(NoApprovals), self.dir.path().into());
        let setup = Setup {
            plan: self.plan.clone(),
            run: RUN.into(),
            journal: self.journal.clone(),
            effects: Arc::new(effects),
            decode,
            updates: unbounded_channel().0,
            folder: String::new(),
            sources: None,
            revision: None,
            by: None,
            people: None,
            corrections: Vec::new(),
            left_out: self.left_out.clone(),
            wall: self.wall.clone(),
            interrupt: self.interrupt.clone(),
            halt: self.halt.clone(),
        };
        Runner::new(setup).unwrap()
    }
    pub async fn run(&self) -> Outcome {
        self.runner().run().await.unwrap()
    }
    pub async fn resume(&self) -> Outcome {
        self.runner().resume().await.unwrap()
    }
    /// A journal as a runner left it that died after these events.
    pub fn died_after(&self, events: &[Event]) {
        self.journal.create_run(&RunRecord::new(RUN, &self.plan, 1).unwrap()).unwrap();
        let begin = [
            Event::RunStarted {
                epoch: 1,
                runner: "dead".into(),
                by: None,
                folder: String::new(),
                sources: None,
                revision: None,
            },
            Event::RunAdmitted,
        ];
        self.journal.append(RUN, 1, &begin).unwrap();
        self.journal.append(RUN, 2, events).unwrap();
    }
    pub fn entries(&self) -> Vec<Entry> {
        self.journal.entries(RUN).unwrap()
    }
    pub fn summary(&self) -> Summary {
        Summary::new(RUN, &self.plan, &self.entries()).unwrap()
    }
    pub fn status(&self, id: &str) -> String {
        self.summary().step(id).unwrap().status.to_string()
    }
}

pub fn intent(step: &str) -> Event {
    Event::StepIntent { step: step.into(), attempt: 1 }
}

pub fn done(step: &str, outputs: &Value) -> Event {
    Event::StepDone { step: step.into(), outputs: outputs.as_object().unwrap().clone() }
}

/// What is asked before an append.
pub type Before = Box<dyn Fn(&[Dated]) -> Result<()> + Send + Sync>;

/// A journal that asks before every append.
pub struct Asking {
    pub inner: Arc<dyn Journal>,
    pub before: Before,
}

impl Journal for Asking {
    fn create_run(&self, record: &RunRecord) -> Result<()> {
        self.inner.create_run(record)
    }
    fn append_as(&self, run: &str, epoch: Option<u32>, news: &[Dated]) -> Result<Vec<Entry>> {
        (self.before)(news)?;
        self.inner.append_as(run, epoch, news)
    }
    fn entries_after(&self, run: &str, seq: u32) -> Result<Vec<Entry>> {
        self.inner.entries_after(run, seq)
    }
    fn run(&self, run: &str) -> Result<RunRecord> {
        self.inner.run(run)
    }
    fn runs(&self) -> Result<Vec<RunHead>> {
        self.inner.runs()
    }
}
