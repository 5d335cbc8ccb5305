//! `wait_for_lag`: waits until a replica keeps up, measured with rows of our own and on one clock.

use crate::dialect::{Dialect, OwnDatabase};
use crate::domain::marker;
use crate::domain::units::Span;
use crate::effects::Session;
use crate::effects::replica::{LOOK, binlog_position, wait_until_applied};
use crate::error::{Failure, Result};
use crate::kinds::role::{Role, WaitsForLag};
use crate::kinds::support::account_statements;
use crate::kinds::support::own_database;
use crate::kinds::support::place::dialect;
use crate::kinds::support::privileges::swap;
use crate::kinds::{Action, Complaint, Ctx, Need, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[Output {
    name: "lag_ms",
    kind: OutputType::Integer,
    about: "Longest lag during the required time, in milliseconds.",
}];

/// How often a token row is written; the server's own lag in seconds does not include transactions that it has not
/// received.
const EVERY: Duration = Duration::from_millis(200);
/// How often the replica is asked for it.
const ASK: Duration = Duration::from_millis(15);
/// A replica that has lost its source reconnects by itself; after this time it is an error.
const PATIENCE: Duration = Duration::from_mins(5);
/// The purpose of the rows in the token table.
const PURPOSE: &str = "lag";

/// Waits until the replica keeps up with its source. The step writes rows on the source and measures, on the runner's
/// clock, how long each takes to appear on the replica. So neither a wrong server clock nor a silent connection can
/// look like "no lag".
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The database with the runner's own rows is dropped on the source, if this step created it.",
    "examples" = [{ "replica": "target", "source": "source", "max_lag": "250ms", "for": "10s" }]
))]
pub struct WaitForLag {
    /// Replica.
    #[schemars(extend("format" = "server"))]
    replica: String,
    /// Source server; the rows are written there.
    #[serde(default = "source")]
    #[schemars(extend("format" = "server"))]
    source: String,
    /// Longest acceptable lag.
    #[serde(default = "quarter_second")]
    max_lag: Span,
    /// How long the lag must stay within it.
    #[serde(default = "ten_seconds", rename = "for")]
    lasting: Span,
}

fn source() -> String {
    "source".into()
}
fn quarter_second() -> Span {
    Span(Duration::from_millis(250))
}
fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

/// Rows on their way, and how long every row has arrived in time.
struct Watch {
    sent: VecDeque<(u64, Instant)>,
    good_since: Option<Instant>,
    longest: Duration,
}

impl Watch {
    /// Notes that every row up to `seen` has arrived. Returns the lag as far as it is known now.
    fn arrived(&mut self, seen: u64, limit: Duration) -> Duration {
        let now = Instant::now();
        let mut lag = Duration::ZERO;
        while let Some((_, at)) = self.sent.pop_front_if(|(token, _)| *token <= seen) {
            lag = lag.max(now - at);
        }
        if let Some((_, oldest)) = self.sent.front() {
            lag = lag.max(now - *oldest);
        }
        if lag > limit {
            (self.good_since, self.longest) = (None, Duration::ZERO);
        } else {
            self.good_since.get_or_insert(now);
            self.longest = self.longest.max(lag);
        }
        lag
    }
}

impl WaitForLag {
    async fn make_table(&self, cx: &Ctx<'_>, source: &Session, dialect: Dialect) -> Result<()> {
        own_database::is_ours(source, dialect, OwnDatabase::Tokens).await?;
        let is_there = own_database::is_there(source, dialect, OwnDatabase::Tokens).await?;
        cx.memo.keep("made_database", !is_there).await?;
        for statement in dialect.create_token_table() {
            source.query(&statement, LOOK).await?;
        }
        Ok(())
    }
    /// Number of the first row of an attempt, which must not mistake an earlier one's rows for its own.
    async fn first_row(&self, cx: &Ctx<'_>) -> Result<u64> {
        let first = cx.memo.read::<u64>("token")?.unwrap_or(0) + 1_000_000;
        cx.memo.set("token", first.into()).await?;
        Ok(first)
    }
    /// The newest row that has arrived; none while the table itself is still on its way.
    async fn newest(&self, cx: &Ctx<'_>, replica: &Session, dialect: Dialect) -> Result<u64> {
        match replica.try_query(&dialect.read_token(cx.run, PURPOSE), LOOK).await {
            Ok(rows) => Ok(rows.value().and_then(|text| text.parse().ok()).unwrap_or(0)),
            Err(error) if matches!(error.code, Some(1146 | 1049)) => Ok(0),
            Err(error) => Err(Failure::transient("measure the lag", error.to_string()).at(&self.replica)),
        }
    }
    /// Replication runs, or has been looking for its source since `lost` and not for too long.
    async fn alive(&self, cx: &Ctx<'_>, replica: &Session, lost: &mut Option<Instant>) -> Result<()> {
        let Some(status) = account_statements::status(cx, &self.replica, replica).await? else {
            return Err(Failure::permanent("catch up", "it does not replicate from any server").at(&self.replica));
        };
        if !status.connecting {
            *lost = None;
        } else if lost.get_or_insert_with(Instant::now).elapsed() < PATIENCE {
            return status.alive(&self.replica, "catch up");
        }
        status.healthy(&self.replica, "catch up")
    }
}

#[async_trait]
impl Step for WaitForLag {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        vec![WaitsForLag { replica: self.replica.clone(), source: self.source.clone() }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        if world.inventory.server(&self.source).is_none() {
            let message = format!("the inventory has no server `{}` to write rows on", self.source);
            return Err(vec![Complaint::new("source", message).help("name the source: `source: NAME`")]);
        }
        let (from, to) = (dialect(world, &self.source), dialect(world, &self.replica));
        let run = crate::kinds::support::place::run_marker();
        let mut actions = own_database::look_actions(&self.source, from, OwnDatabase::Tokens);
        actions.extend(from.create_token_table().map(|text| Action::sql(&self.source, text)));
        actions.push(Action::sql(&self.source, from.write_token(&run, PURPOSE, marker::late("number"))));
        actions.push(Action::sql(&self.replica, to.read_token(&run, PURPOSE)));
        actions.push(Action::sql(&self.replica, to.replica_status()));
        actions.push(Action::note(format!(
            "write a row every {EVERY:?}, until every row has arrived within {} for {}",
            self.max_lag, self.lasting
        )));
        actions.extend(account_statements::actions(world, &self.replica));
        actions.extend(account_statements::open_actions(world, &self.source, &self.replica));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let mut actions = vec![Action::note("if this step created it:")];
        let dialect = dialect(world, &self.source);
        actions.extend(own_database::remove_actions(&self.source, dialect, OwnDatabase::Tokens));
        actions
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let mut needs = swap::own_rows(world, &self.source);
        needs.extend(swap::reading_channel(world, &self.replica));
        needs
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        let (replica, source) = (&self.replica, &self.source);
        vec![format!(
            "how long it takes, and whether it ends at all: `{replica}` must apply faster than `{source}` writes"
        )]
    }

    /// Lag changes from moment to moment, so it is measured again. A lag that was short for long enough before is still
    /// proof that the replica can reach the source's position in time; after a fence whose runner died, the application
    /// is waiting.
    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        if cx.outputs.is_empty() {
            return Ok(Probe::NotDone);
        }
        let (source, replica) = (cx.fx.sql(&self.source).await?, cx.fx.sql(&self.replica).await?);
        let (from, to) = (dialect(cx.world, &self.source), dialect(cx.world, &self.replica));
        let place = binlog_position(&source, from).await?;
        match wait_until_applied(&replica, to, &place, self.max_lag.0).await {
            Ok(Some(_)) => Ok(Probe::Done(cx.outputs.clone())),
            Ok(None) | Err(_) => Ok(Probe::NotDone),
        }
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let (source, replica) = (cx.fx.sql(&self.source).await?, cx.fx.sql(&self.replica).await?);
        let (from, to) = (dialect(cx.world, &self.source), dialect(cx.world, &self.replica));
        self.make_table(cx, &source, from).await?;
        let base = self.first_row(cx).await?;
        let mut watch = Watch { sent: VecDeque::new(), good_since: None, longest: Duration::ZERO };
        let mut next = (base, Instant::now());
        let (mut looked, mut lost) = (Instant::now(), None);
        loop {
            cx.safe_point("catch up")?;
            if next.1 <= Instant::now() {
                watch.sent.push_back((next.0, Instant::now()));
                source.query(&from.write_token(cx.run, PURPOSE, next.0.to_string()), LOOK).await?;
                next = (next.0 + 1, Instant::now() + EVERY);
            }
            let lag = watch.arrived(self.newest(cx, &replica, to).await?, self.max_lag.0);
            if looked.elapsed() >= EVERY {
                cx.progress.lag(lag);
                self.alive(cx, &replica, &mut lost).await?;
                looked = Instant::now();
            }
            if watch.good_since.is_some_and(|since| since.elapsed() >= self.lasting.0) {
                self.alive(cx, &replica, &mut lost).await?;
                account_statements::tell_open(cx, &self.source, &self.replica).await?;
                let longest = u64::try_from(watch.longest.as_millis()).unwrap_or(u64::MAX);
                return Ok(Outputs::from_iter([("lag_ms".to_owned(), longest.into())]));
            }
            tokio::time::sleep(ASK).await;
        }
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        if !cx.memo.flag("made_database")? {
            return Ok(());
        }
        let source = cx.fx.sql(&self.source).await?;
        own_database::remove(&source, dialect(cx.world, &self.source), OwnDatabase::Tokens).await
    }
}

#[cfg(test)]
mod tests {
    use super::Watch;
    use std::collections::VecDeque;
    use std::time::{Duration, Instant};

    #[test]
    fn a_row_that_never_arrives_is_lag_too() {
        let old = Instant::now().checked_sub(Duration::from_secs(3)).unwrap();
        let mut watch = Watch { sent: VecDeque::from([(7, old)]), good_since: Some(old), longest: Duration::ZERO };
        assert!(watch.arrived(6, Duration::from_millis(250)) >= Duration::from_secs(3));
        assert_eq!(watch.good_since, None);
        watch.arrived(7, Duration::from_mins(1));
        assert!(watch.good_since.is_some());
        assert_eq!(watch.arrived(7, Duration::from_millis(1)), Duration::ZERO);
    }
}
