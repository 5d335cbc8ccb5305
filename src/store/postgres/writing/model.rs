//! A model: two runners and other writers, with a database whose connections break at any moment, before a commit, or after
//! it and before its answer. `CUTOVER_CASES=100000` sets the number of cases; the seed of a failed one is printed.

use super::{Line, Lines, Pen, append, write};
use crate::store::database::{Append, Database, Row, Session, Value, Work, values};
use crate::store::sqlite::{Lite, in_memory};
use crate::store::trouble::Trouble;
use crate::store::{Backup, Dated, Event, Journal, Outcome, RunHead, RunRecord, Store};
use fastrand::Rng;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Where a connection breaks next.
#[derive(Clone, Copy, PartialEq)]
enum Break {
    Never,
    AtOpening,
    BeforeCommit,
    AfterCommit,
}

struct World {
    database: Connection,
    chance: Rng,
}

impl World {
    fn next_break(&mut self) -> Break {
        match self.chance.u8(0..10) {
            0 => Break::AtOpening,
            1 | 2 => Break::BeforeCommit,
            3 | 4 => Break::AfterCommit,
            _ => Break::Never,
        }
    }
}

#[derive(Clone)]
struct Shaky(Arc<Mutex<World>>, Arc<Mutex<Vec<Pen>>>);

struct ShakyLine {
    world: Arc<Mutex<World>>,
    breaks: Break,
}

fn lost() -> Trouble {
    Trouble::Lost("the model took it away".to_owned())
}

impl Shaky {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

impl Session for ShakyLine {
    fn rows(&mut self, statement: &str, values: &[Value]) -> Result<Vec<Row>, Trouble> {
        Lite(&self.world.lock().unwrap().database).rows(statement, values)
    }
    fn change(&mut self, statement: &str, values: &[Value]) -> Result<u64, Trouble> {
        Lite(&self.world.lock().unwrap().database).change(statement, values)
    }
    fn is_chained(&mut self) -> Result<bool, Trouble> {
        Ok(true)
    }
    fn to_hold(&self) -> &'static str {
        ""
    }
    fn clock(&self) -> &'static str {
        "0"
    }
}

impl Line for ShakyLine {
    fn batch(&mut self, statements: &str) -> Result<(), Trouble> {
        let world = self.world.lock().unwrap();
        if statements == "COMMIT" && self.breaks == Break::BeforeCommit {
            world.database.execute_batch("ROLLBACK")?;
            return Err(lost());
        }
        world.database.execute_batch(statements)?;
        if statements == "COMMIT" && self.breaks == Break::AfterCommit { Err(lost()) } else { Ok(()) }
    }
    fn append(&mut self, writer: &str, number: i64, append: &Append<'_>) -> Result<bool, Trouble> {
        let receipt = format!(
            "INSERT INTO receipt (writer, number) VALUES ('{writer}', {number}) ON CONFLICT (writer) DO UPDATE
             SET number = excluded.number WHERE receipt.number < excluded.number"
        );
        if !self.begin(&receipt)? {
            self.batch("ROLLBACK")?;
            return Ok(true);
        }
        let Append { run, epoch, after: (seq, hash), times, events, hashes } = append;
        let fits = "SELECT 1 FROM overview WHERE run = $1 AND last_seq = $2 AND last_hash = $3 AND coalesce($4, epoch) = epoch";
        if self.row(fits, values![*run, *seq, *hash, *epoch])?.is_none() {
            self.batch("ROLLBACK")?;
            return Ok(false);
        }
        for (((at, data), hash), seq) in times.iter().zip(events).zip(hashes).zip(seq + 1..) {
            let insert = "INSERT INTO event (run, seq, at, data, hash) VALUES ($1, $2, $3, $4, $5)";
            self.change(insert, values![*run, seq, *at, data, hash])?;
        }
        self.batch("COMMIT")?;
        Ok(true)
    }
    fn begin(&mut self, statement: &str) -> Result<bool, Trouble> {
        self.batch("BEGIN")?;
        Ok(self.change(statement, &[])? > 0)
    }
}

impl Drop for ShakyLine {
    fn drop(&mut self) {
        let world = self.world.lock().unwrap();
        if !world.database.is_autocommit() {
            world.database.execute_batch("ROLLBACK").unwrap();
        }
    }
}

impl Lines for Shaky {
    type Line = ShakyLine;
    fn line(&self) -> Result<ShakyLine, Trouble> {
        let breaks = self.world().next_break();
        if breaks == Break::AtOpening { Err(lost()) } else { Ok(ShakyLine { world: self.0.clone(), breaks }) }
    }
    fn keep(&self, _: ShakyLine) {}
    fn pause(&self) {}
}

impl Database for Shaky {
    fn read(&self, work: &mut Work<'_>) -> Result<(), Trouble> {
        work(&mut ShakyLine { world: self.0.clone(), breaks: Break::Never })
    }
    fn write(&self, work: &mut Work<'_>) -> Result<(), Trouble> {
        let mut pen = self.1.lock().unwrap().pop().unwrap_or_default();
        let written = write(self, &mut pen, Duration::from_mins(1), work);
        self.1.lock().unwrap().push(pen);
        written
    }
    fn append(&self, entries: &Append<'_>) -> Result<bool, Trouble> {
        let mut pen = self.1.lock().unwrap().pop().unwrap_or_default();
        let written = append(self, &mut pen, Duration::from_mins(1), entries);
        self.1.lock().unwrap().push(pen);
        written
    }
    fn sound(&self) -> Result<u32, Trouble> {
        Ok(0)
    }
    fn back_up(&self, _: &Path) -> crate::error::Result<Backup> {
        Err(self.failure(String::new(), lost()))
    }
    fn failure(&self, attempted: String, trouble: Trouble) -> crate::error::Failure {
        crate::error::Failure::permanent(attempted, trouble.to_string())
    }
}

fn resumed(epoch: u32) -> Event {
    Event::RunResumed { runner: format!("runner {epoch}"), epoch, by: None }
}

/// The tables, once for all cases: each has a run of its own.
fn database() -> Connection {
    let database = in_memory();
    database
        .execute_batch("CREATE TABLE receipt (writer TEXT PRIMARY KEY, number INTEGER NOT NULL, at INTEGER DEFAULT 0)")
        .unwrap();
    database
}

/// One case: who writes is drawn, and afterwards exactly what was acknowledged is there, once, in order.
fn play(shaky: &Shaky, seed: u64) {
    let mut chance = Rng::with_seed(seed);
    shaky.world().chance = chance.fork();
    // two processes: each knows what it has written itself
    let (stores, run) = ([(); 2].map(|()| Store::of(shaky.clone())), format!("r{seed}"));
    let head = RunHead { id: run.clone(), playbook: "p".into(), hash: "h".into(), created: 1 };
    stores[0].create_run(&RunRecord { head, plan: "{}".into() }).unwrap();
    let (mut newest, mut acknowledged) = (0, Vec::new());
    let mut epochs = [0_u32; 2];
    for at in 0..chance.i64(1..12) {
        let runner = chance.usize(0..2);
        let noted = |number: i64| Event::StepNoted { step: "a".into(), key: format!("{at}"), value: number.into() };
        let (epoch, events) = match chance.u8(0..6) {
            0 => {
                // it takes the run over: one more than the epoch in the journal, or than an earlier epoch
                let known = if chance.bool() { newest } else { epochs[runner] };
                epochs[runner] = known + 1;
                (Some(known + 1), vec![resumed(known + 1)])
            }
            1 => (None, vec![Event::Interrupted]),
            2 => (Some(epochs[runner]), vec![Event::RunFinished { outcome: Outcome::Stopped }, noted(1)]),
            _ => (Some(epochs[runner]), vec![noted(0); chance.usize(1..4)]),
        };
        let comes = matches!(events[0], Event::RunResumed { .. });
        let allowed = epoch.is_none_or(|epoch| if comes { epoch > newest } else { epoch == newest });
        let news: Vec<Dated> = events.into_iter().map(|event| (at, event)).collect();
        let written = stores[runner].append_as(&run, epoch, &news);
        assert_eq!(written.is_ok(), allowed, "seed {seed}, entry {at}: {written:?}");
        if allowed {
            newest = if comes { epoch.unwrap() } else { newest };
            acknowledged.extend(written.unwrap());
        }
    }
    assert_eq!(stores[0].entries(&run).unwrap(), acknowledged, "seed {seed}");
}

#[test]
fn what_is_acknowledged_is_there_once_and_a_displaced_runner_writes_nothing() {
    let cases = std::env::var("CUTOVER_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500);
    let world = World { database: database(), chance: Rng::with_seed(0) };
    let shaky = Shaky(Arc::new(Mutex::new(world)), Arc::default());
    (0..cases).for_each(|seed| play(&shaky, seed));
}
