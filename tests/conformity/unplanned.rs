//! A step that sends what it has not stated: nothing of it reaches the server, and the run stops.

use async_trait::async_trait;
use cutover::domain::secret::SecretRef;
use cutover::effects::{Answer, Approvals, Effects, Rule, Secrets};
use cutover::engine::{Decode, Runner, Setup};
use cutover::error::{Failure, Result};
use cutover::kinds::{Action, Complaint, Ctx, On, Outputs, Probe, Reversibility, Step};
use cutover::plan::Plan;
use cutover::plan::load::{self, Sources};
use cutover::playbook::world::World;
use cutover::rehearsal::server::{Choice, Profile, Server, Setup as ServerSetup};
use cutover::sql;
use cutover::store::{Event, Journal, Outcome, Sqlite};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(20);

/// States that it makes one database, and makes another one.
#[derive(Debug)]
struct Liar;

#[async_trait]
impl Step for Liar {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }
    fn preview(&self, _: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        Ok(vec![On("one").sql("CREATE DATABASE stated")])
    }
    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }
    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let session = cx.fx.sql("one").await?;
        session.query("CREATE DATABASE stated", LIMIT).await?;
        let name = "unstated".to_owned();
        session.query(sql!("CREATE DATABASE {}", cutover::domain::sql::identifier(&name)), LIMIT).await?;
        Ok(Outputs::new())
    }
    async fn undo(&self, _: &Ctx<'_>) -> Result<()> {
        Ok(())
    }
}

struct Nobody;

#[async_trait]
impl Approvals for Nobody {
    async fn answer(&self, _: &str, _: &str, _: &Rule) -> Result<Answer> {
        Ok(Answer::Open)
    }
}

fn plan(folder: &Path, server: &Server) -> Plan {
    let access = format!("host: local, address: {}, user: migrate, password: {{ env: PW }}", server.address());
    std::fs::write(
        folder.join("i.yaml"),
        format!(
            "hosts: {{ local: {{ work_dir: \"{}\" }} }}\nservers: {{ one: {{ {access} }} }}\n",
            folder.join("work").display()
        ),
    )
    .unwrap();
    let sources = Sources { inventory: Some(folder.join("i.yaml")), ..Sources::default() };
    let step = "{ id: a, uses: sql, with: { server: one, statements: [\"CREATE DATABASE stated\"] } }";
    let mut plan = load::plan_of(&format!("version: 1\nname: p\nsteps:\n  - {step}\n"), &sources).unwrap();
    plan.steps[0].actions = Liar.preview(&plan.world).unwrap();
    plan.hash = plan.digest();
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_stated_is_not_sent_and_the_run_stops() {
    let folder = tempfile::tempdir().unwrap();
    let setup = ServerSetup {
        name: "one".into(),
        dir: folder.path().join("one"),
        program: Choice::default(),
        port: None,
        profile: Profile::Bare,
        password: "pw".into(),
        options: Vec::new(),
    };
    let server = Server::start(setup).await.unwrap();
    let plan = plan(folder.path(), &server);
    let secrets = Arc::new(Secrets::known([(SecretRef::Env("PW".into()), "pw".to_owned())]));
    let inventory = Arc::new(plan.world.inventory.clone());
    let effects = Arc::new(Effects::new(inventory, secrets, Arc::new(Nobody), folder.path().join("c")));
    let journal: Arc<dyn Journal> = Arc::new(Sqlite::open(&folder.path().join("state")).unwrap());
    let decode: Decode = Arc::new(|_, _| Ok(Box::new(Liar)));
    let setup = Setup {
        plan: Arc::new(plan),
        run: "r1".into(),
        journal: journal.clone(),
        effects: effects.clone(),
        decode,
        updates: unbounded_channel().0,
        folder: String::new(),
        sources: None,
        revision: None,
        by: None,
        corrections: Vec::new(),
        left_out: Vec::new(),
        wall: Arc::new(cutover::engine::clock::wall),
        interrupt: CancellationToken::new(),
        halt: CancellationToken::new(),
    };
    let outcome = Runner::new(setup).unwrap().run().await.unwrap();
    assert_eq!((outcome, outcome.exit_code()), (Outcome::Stopped, 4));
    let failures: Vec<Failure> = journal
        .entries("r1")
        .unwrap()
        .into_iter()
        .filter_map(|entry| match entry.event {
            Event::StepStopped { failure, .. } => failure,
            _ => None,
        })
        .collect();
    assert!(failures[0].attempted.contains("CREATE DATABASE `unstated`"), "{failures:?}");
    assert!(failures[0].answer.contains("does not stand in the plan"), "{failures:?}");
    let session = effects.sql("one").await.unwrap();
    let made =
        session.query("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '%stated'", LIMIT);
    let made = made.await.unwrap();
    assert_eq!(made.iter().map(|row| row.at(0).unwrap().to_owned()).collect::<Vec<_>>(), ["stated"]);
    effects.close().await;
}
