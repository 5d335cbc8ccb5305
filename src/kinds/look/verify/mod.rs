//! `verify`: proves that a replica holds the same data as its source, row by row, at one common position.
//!
//! Both servers keep working meanwhile. The applier is stopped for a moment and brought to the exact position at which
//! snapshots were taken on the source; from then on everything is read in snapshots (rulebook section 4 and M13).

mod catalog;
mod compare;
mod cursor;
mod definitions;
mod findings;
mod ground;
mod memory;
mod moment;
mod narrow;
mod pace;
mod point;
mod preview;
mod reached;
mod scope;
mod sequences;
mod sides;
mod tables;

use crate::domain::units::Span;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::role::{ProvesEquality, Role};
use crate::kinds::support::place::dialect;
use crate::kinds::support::privileges::require;
use crate::kinds::{Action, Complaint, Ctx, Need, Needs, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use async_trait::async_trait;
use memory::Memory;
use schemars::JsonSchema;
use scope::Scope;
use serde::{Deserialize, Serialize};
use sides::Sides;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    Output { name: "tables", kind: OutputType::Integer, about: "Number of tables that were compared." },
    Output {
        name: "rows",
        kind: OutputType::Integer,
        about: "Number of rows that were compared, counted on the source.",
    },
    Output { name: "chunks", kind: OutputType::Integer, about: "Number of chunks in which they were compared." },
    Output {
        name: "at",
        kind: OutputType::Position,
        about: "Position in the source's binary log at which both servers hold the same data.",
    },
    Output { name: "seconds", kind: OutputType::Number, about: "Duration in seconds." },
    Output {
        name: "finished",
        kind: OutputType::Text,
        about: "Time of the proof on the runner's clock, for the `verified` of a `promote` step: the end of the \
                comparison, or, if results of an earlier attempt were reused, the time of the oldest snapshots.",
    },
];

/// What a step attempts, as a clause.
const ATTEMPTED: &str = "prove that both servers hold the same data";

/// Proves that a replica holds the same data as its source while both keep working: every row and every definition, at
/// one position in the source's binary log. Refuses on any difference, and names the rows. After a resume, rows that an
/// earlier attempt compared are not read again, as long as only replication can have changed them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "Replication continues by itself; if the runner died while the applier was stopped, the applier is \
                started again.",
    "examples" = [{ "source": "source", "replica": "target" }]
))]
pub struct Verify {
    /// Source.
    #[serde(default = "source")]
    #[schemars(extend("format" = "server"))]
    source: String,
    /// Replica, which must hold the same data.
    #[schemars(extend("format" = "server"))]
    replica: String,
    /// Databases to compare; empty means every user database.
    #[serde(default)]
    databases: Vec<String>,
    /// Tables to compare, as `database.table`, with `*` as a wildcard. Empty means all tables.
    #[serde(default)]
    tables: Vec<String>,
    /// Tables to leave out, in the same form.
    #[serde(default)]
    exclude: Vec<String>,
    /// Number of sessions on each server that compare in parallel.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 64))]
    threads: u8,
    /// Lag of the replica above which the comparison pauses until the replica has caught up.
    #[serde(default = "ten_seconds")]
    max_lag: Span,
    /// Target time for comparing one chunk of a table; the chunk size is adapted to it.
    #[serde(default = "half_a_second")]
    chunk: Span,
    /// How exactly `FLOAT` columns must match.
    #[serde(default)]
    floats: Floats,
    /// How exactly `JSON` documents must match.
    #[serde(default)]
    documents: Documents,
    /// Whether the history of system-versioned tables must match too.
    #[serde(default)]
    history: History,
    /// Longest age of results of an earlier attempt that are reused.
    #[serde(default = "twelve_hours")]
    kept_for: Span,
}

/// How exactly `FLOAT` columns must match. `DOUBLE` columns must always match in every digit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Floats {
    /// In every digit.
    #[default]
    Exact,
    /// In the six digits that servers show: for copies that contain no more digits.
    Shown,
}

/// How exactly `JSON` documents must match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Documents {
    /// In their text and in the types of all values inside: `MySQL` distinguishes the decimal 1.5 from the double 1.5.
    #[default]
    Typed,
    /// In their text: for dumps, which contain no types.
    Text,
}

/// Whether the history of system-versioned tables must match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum History {
    /// In every row, with its period of validity.
    #[default]
    Exact,
    /// Not compared: for copies without history.
    Ignored,
}

fn source() -> String {
    "source".into()
}
fn two() -> u8 {
    2
}
fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}
fn twelve_hours() -> Span {
    Span(Duration::from_hours(12))
}
fn half_a_second() -> Span {
    Span(Duration::from_millis(500))
}

impl Verify {
    fn scope(&self) -> Scope<'_> {
        Scope { tables: &self.tables, exclude: &self.exclude }
    }

    async fn compare(&self, cx: &Ctx<'_>, sides: &Sides) -> Result<Outputs> {
        let (begin, moment) = (Instant::now(), jiff::Timestamp::now());
        let ground = self.ground(sides).await?;
        let at = self.meet(cx, sides).await?;
        let holds = self.still_holds(cx, sides, ground.as_ref()).await?;
        let mut memory = Memory::load(cx, holds, ground.is_some(), moment).await?;
        memory.leave_out_older(moment - self.kept_for.0);
        let mut findings = findings::Findings::new(&self.source, &self.replica);
        let definitions::Definitions { tables, cascades } = self.definitions(cx, sides, &mut findings).await?;
        memory.reads_again(cascades);
        self.tell_kept(cx, &memory, &tables);
        let done = self.rows(cx, sides, tables, &mut memory, &mut findings).await?;
        if !findings.is_empty() {
            memory.forget(cx).await?; // somebody has written past replication: what was the same may not be any more
            return Err(findings.refusal(&at));
        }
        if done.tables == 0 {
            return Err(Failure::refused(ATTEMPTED, "there is no table to compare")
                .at(&self.source)
                .help("check `databases`, `tables` and `exclude`"));
        }
        let seconds = begin.elapsed().as_secs_f64();
        cx.progress.note(format!("all rows are the same at {at} (rows: {}, tables: {})", done.rows, done.tables));
        let mut outputs = Outputs::new();
        outputs.insert("tables".into(), done.tables.into());
        outputs.insert("rows".into(), done.rows.into());
        outputs.insert("chunks".into(), done.chunks.into());
        outputs.insert("at".into(), serde_json::to_value(&at).unwrap_or_default());
        outputs.insert("seconds".into(), seconds.into());
        outputs.insert("finished".into(), done.since.unwrap_or_else(jiff::Timestamp::now).to_string().into());
        Ok(outputs)
    }
}

#[async_trait]
impl Step for Verify {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }

    fn roles(&self) -> Vec<Role> {
        vec![ProvesEquality { source: self.source.clone(), replica: self.replica.clone() }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        self.actions(world)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.replica);
        vec![
            Action::note("only if the runner died while the applier was stopped:"),
            Action::sql(&self.replica, dialect.start_applier()),
            Action::sql(&self.replica, dialect.replica_status()),
        ]
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let (from, to) = (dialect(world, &self.source), dialect(world, &self.replica));
        let purpose = "compare every row of both servers";
        let mut needs = Vec::from(Needs::on(&self.source, purpose).everywhere(from.snapshot_privileges()));
        needs.extend(Vec::from(Needs::on(&self.replica, purpose).everywhere(to.applier_privileges())));
        needs
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let from = dialect(world, &self.source);
        vec![
            Action::sql(&self.source, from.own_privileges()),
            Action::sql(&self.source, from.tables_outside_snapshot(&self.databases)),
            Action::sql(&self.replica, dialect(world, &self.replica).own_privileges()),
        ]
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![
            format!("how long it takes, and that `{}` can keep its snapshots for that long", self.source),
            "how long writers wait while the snapshots are taken: milliseconds, unless a long statement is running"
                .into(),
        ]
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let mut failures = require(cx, &self.needs(cx.world), "compare the servers later in this run").await;
        failures.extend(self.within_snapshots(cx).await.err());
        failures
    }

    /// A proof stays valid, with its age, which `promote` checks, as long as nothing but replicated rows has changed
    /// either server. A valid proof is not made again: after a fence whose runner died, people are waiting.
    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        if cx.outputs.is_empty() {
            return Ok(Probe::NotDone);
        }
        let sides = Sides::open(self, cx).await?;
        let holds = self.proof_holds(cx, &sides).await;
        sides.close(cx).await;
        Ok(if holds? { Probe::Done(cx.outputs.clone()) } else { Probe::NotDone })
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        self.release_applier(cx).await?; // an earlier attempt may have died while it was halted
        let sides = Sides::open(self, cx).await?;
        let compared = self.compare(cx, &sides).await;
        sides.close(cx).await;
        compared
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        self.release_applier(cx).await
    }
}

impl Verify {
    /// Tables that no snapshot covers, found before the run touches anything.
    async fn within_snapshots(&self, cx: &Ctx<'_>) -> Result<()> {
        let session = cx.fx.sql(&self.source).await?;
        let dialect = dialect(cx.world, &self.source);
        let rows = session.query(&dialect.tables_outside_snapshot(&self.databases), LOOK).await?;
        let scope = self.scope();
        let name = |row: crate::effects::Row<'_>| {
            let (name, engine) = (row.get("name")?, row.get("engine").unwrap_or("no engine"));
            scope.includes(name).then(|| format!("{name} ({engine})"))
        };
        let outside: Vec<String> = rows.iter().filter_map(name).collect();
        if outside.is_empty() {
            return Ok(());
        }
        Err(Failure::refused(ATTEMPTED, format!("consistent snapshots do not cover {}", outside.join(", ")))
            .at(&self.source)
            .now("nothing was touched")
            .help("convert them to InnoDB, or leave them out with `exclude` and compare them by hand"))
    }
}
