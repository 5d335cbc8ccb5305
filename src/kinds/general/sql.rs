//! `sql`: runs statements of the user's on a server.

use crate::domain::units::Span;
use crate::domain::{Private, Sql as Statement};
use crate::effects::Session;
use crate::error::Result;
use crate::kinds::role::{Role, RunsUsersStatements};
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Complaint, Ctx, Need, Needs, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[Output {
    name: "value",
    kind: OutputType::Text,
    about: "First column of the first row of the last statement, up to 64 KiB; empty when there is none.",
}];

/// Parameters in which markers are read.
pub const READ: &[&str] = &["statements", "undo"];

/// Runs statements on a server, one after the other, on one connection with the server's own settings (`sql_mode`,
/// `time_zone` and others), except that `autocommit` is on. The statements must be idempotent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The statements of `undo` are run, if there are any.",
    "examples" = [{ "server": "target", "statements": ["CREATE DATABASE IF NOT EXISTS audit"], "undo": ["DROP DATABASE IF EXISTS audit"] }]
))]
pub struct Sql {
    /// Server that the statements run on.
    #[schemars(extend("format" = "server"))]
    server: String,
    /// The statements.
    statements: Vec<String>,
    /// Statements that undo them.
    #[serde(default)]
    undo: Vec<String>,
    /// Whether the statements are written to the server's binary log, and so replicated.
    #[serde(default = "yes")]
    binlog: bool,
    /// Longest time for one statement; after that, it is killed on the server.
    #[serde(default = "ten_minutes")]
    limit: Span,
}

/// Statements that begin with these words only read, or change their own connection. `SET GLOBAL` and `SET PERSIST` do
/// more.
const LOOKS: [&str; 8] = ["SELECT", "SHOW", "EXPLAIN", "DESCRIBE", "DESC", "DO", "USE", "CHECKSUM"];
/// What a `SET` begins with that does more.
const SETS: [&str; 6] = ["GLOBAL", "PERSIST", "PERSIST_ONLY", "PASSWORD", "DEFAULT", "@@GLOBAL"];

/// Whether a statement changes something on its server.
fn changes(statement: &str) -> bool {
    let mut words = statement.split_whitespace().map(str::to_ascii_uppercase);
    let Some(first) = words.next() else { return false };
    match first.trim_end_matches(';') {
        "SET" => words.next().is_some_and(|target| SETS.iter().any(|global| target.starts_with(global))),
        first => !LOOKS.contains(&first),
    }
}

fn yes() -> bool {
    true
}
fn ten_minutes() -> Span {
    Span(Duration::from_mins(10))
}

/// A statement of the user's own. Its markers are read; what a step put out has none ([`READ`]).
fn written(text: &str) -> Statement {
    Statement::verbatim(Private::of_document(text))
}

impl Sql {
    /// What is really sent before the user's statements: the server's own settings, and the binary log switched off
    /// where asked.
    fn before(&self, world: &World) -> Vec<Statement> {
        let dialect = dialect(world, &self.server);
        let off = (!self.binlog).then(|| dialect.without_binlog().into());
        [dialect.servers_own_settings()].into_iter().chain(off).collect()
    }
    fn preview_all(&self, world: &World, statements: &[String]) -> Vec<Action> {
        let all = self.before(world).into_iter().chain(statements.iter().map(|text| written(text)));
        all.map(|text| Action::sql(&self.server, text)).collect()
    }
    /// Runs them, and returns the first value of the last one.
    async fn run(&self, cx: &Ctx<'_>, statements: &[String]) -> Result<String> {
        // an attempt before this one may have left a transaction, locks or settings behind
        cx.fx.close_session(&self.server, cx.step).await;
        let value = self.run_on(&*cx.fx.session(&self.server, cx.step).await?, cx, statements).await;
        cx.fx.close_session(&self.server, cx.step).await;
        value
    }
    async fn run_on(&self, session: &Session, cx: &Ctx<'_>, statements: &[String]) -> Result<String> {
        for statement in self.before(cx.world) {
            session.exec(&statement, self.limit.0).await?;
        }
        let Some((last, others)) = statements.split_last() else { return Ok(String::new()) };
        for statement in others {
            cx.safe_point("run the statements")?;
            session.exec(&written(statement), self.limit.0).await?;
        }
        cx.safe_point("run the statements")?;
        Ok(session.first_value(&written(last), self.limit.0).await?.unwrap_or_default())
    }
}

#[async_trait]
impl Step for Sql {
    fn reversibility(&self) -> Reversibility {
        if self.undo.is_empty() { Reversibility::NothingToUndo } else { Reversibility::Reversible }
    }

    fn roles(&self) -> Vec<Role> {
        let (server, changes) = (self.server.clone(), self.statements.iter().any(|text| changes(text)));
        vec![RunsUsersStatements { server, changes, logged: self.binlog, has_undo: !self.undo.is_empty() }.into()]
    }
    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        if self.statements.is_empty() {
            return Err(vec![Complaint::new("statements", "there is no statement").help("statements: [\"SELECT 1\"]")]);
        }
        Ok(self.preview_all(world, &self.statements))
    }
    fn preview_undo(&self, world: &World) -> Vec<Action> {
        if self.undo.is_empty() {
            return Vec::new();
        }
        self.preview_all(world, &self.undo)
    }
    fn needs(&self, world: &World) -> Vec<Need> {
        let dialect = dialect(world, &self.server);
        let silent = Needs::on(&self.server, "keep the playbook's statements out of the binary log");
        if self.binlog { Vec::new() } else { silent.everywhere([dialect.leaves_log_out()]).into() }
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        let mut unproved = vec!["what the statements change, and how long they hold locks".to_owned()];
        if self.undo.is_empty() {
            unproved.push("this step declares no `undo`".to_owned());
        }
        unproved
    }
    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }
    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let value = self.run(cx, &self.statements).await?;
        Ok(Outputs::from_iter([("value".to_owned(), value.into())]))
    }
    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        if self.undo.is_empty() { Ok(()) } else { self.run(cx, &self.undo).await.map(drop) }
    }
}
