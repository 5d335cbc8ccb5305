//! `promote`: opens the new server, and only when everything that must be true is read back at that moment.

mod counters;
mod equality;

use crate::dialect::Dialect;
use crate::domain::marker;
use crate::domain::units::Span;
use crate::effects::Session;
use crate::effects::replica::{LOOK, ReplicaStatus, binlog_position};
use crate::error::{Failure, Result};
use crate::kinds::role::{Opens, Role};
use crate::kinds::support::account_locks;
use crate::kinds::support::answer::is_closed;
use crate::kinds::support::place::{dialect, run_marker};
use crate::kinds::support::privileges::{require, swap};
use crate::kinds::switch::fence::HOLDER;
use crate::kinds::{Action, Complaint, Ctx, Need, Needs, On, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::position::Position;
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    Output {
        name: "final_position",
        kind: OutputType::Position,
        about: "Final position of the old server, proved applied.",
    },
    Output {
        name: "position",
        kind: OutputType::Position,
        about: "Position in the new server's own binary log before its first write.",
    },
];

/// Purpose of the row that proves the new server takes writes.
const PROOF: &str = "promoted";
const DURABLE: &str = "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit, @@GLOBAL.sync_binlog";

/// Opens the new server: the point of no return. Refuses unless every commit is durable, the old server is still
/// closed, and its final position is proved applied. Then it stops replication, opens the server, and proves it with a
/// write.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "Once the server is open it cannot be undone: this is the point of no return. Before that, replication is started again.",
    "examples" = [{ "server": "target", "source": "source", "position": "{{ steps.fence.position }}", "verified": "{{ steps.verify.finished }}" }]
))]
pub struct Promote {
    /// Server to open.
    #[schemars(extend("format" = "server"))]
    server: String,
    /// Server that was closed.
    #[serde(default = "source")]
    #[schemars(extend("format" = "server"))]
    source: String,
    /// The final position, as reported by the fence. It is always read from the closed server again.
    #[serde(default)]
    position: Option<Position>,
    /// Time at which a `verify` step found the servers equal: `"{{ steps.verify.finished }}"`. It is checked before the
    /// old server is closed. A plan without it is refused; `none` means that the servers were not compared, and
    /// `cutover check` reports that (C021).
    #[serde(default)]
    verified: Option<String>,
    /// Longest age of that proof.
    #[serde(default = "one_day")]
    max_age: Span,
    /// Whether the replication channel is removed here, or later by a `forget_source` step, when the application no
    /// longer waits. In both cases, a stopped channel does not start by itself.
    #[serde(default)]
    forget: Forget,
}

/// When the replication channel is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Forget {
    /// Before the server is opened.
    #[default]
    Now,
    /// By a `forget_source` step after the switch.
    Later,
}

fn source() -> String {
    "source".into()
}

fn one_day() -> Span {
    Span(Duration::from_hours(24))
}

/// Key of the memo: that everything was proved, and what.
const PROVED: &str = "proved";

/// What was proved before the server was opened, as the memo keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Proved {
    /// The old server's final position.
    last: Position,
    /// Position in the new server's own binary log before its first write.
    own: Position,
    /// The replica's status, for the journal.
    status: Vec<String>,
}

/// The connections and dialects of both sides.
struct Sides {
    source: Arc<Session>,
    target: Arc<Session>,
    from: Dialect,
    to: Dialect,
}

impl Promote {
    async fn sides(&self, cx: &Ctx<'_>) -> Result<Sides> {
        Ok(Sides {
            source: cx.fx.sql(&self.source).await?,
            target: cx.fx.sql(&self.server).await?,
            from: dialect(cx.world, &self.source),
            to: dialect(cx.world, &self.server),
        })
    }
    /// Whether the new server takes writes. Asks that one alone: the old one may be out of reach.
    async fn is_open(&self, cx: &Ctx<'_>) -> Result<bool> {
        Ok(!is_closed(&*cx.fx.sql(&self.server).await?, dialect(cx.world, &self.server)).await?)
    }
    fn refuse(&self, answer: impl Into<String>, help: &str) -> Failure {
        Failure::permanent("promote", answer).at(&self.server).now("it is still closed to writes").help(help)
    }
    async fn durable(&self, sides: &Sides) -> Result<()> {
        let rows = sides.target.query(DURABLE, LOOK).await?;
        let value = |index| rows.first().and_then(|row| row.at(index)).unwrap_or_default().to_owned();
        if (value(0).as_str(), value(1).as_str()) == ("1", "1") {
            return Ok(());
        }
        let answer = format!("innodb_flush_log_at_trx_commit is {} and sync_binlog is {}", value(0), value(1));
        Err(self.refuse(answer, "set both to 1 before this step, with a `set_variables` step and `persist: true`"))
    }
    /// The old server is closed now, to administrators too where that ends with a connection.
    async fn fenced(&self, cx: &Ctx<'_>, sides: &Sides) -> Result<Position> {
        let held = !sides.from.strongest_fence().held_by_session || cx.fx.open_session(&self.source, HOLDER).is_some();
        if !held || !is_closed(&sides.source, sides.from).await? {
            let answer = format!("`{}` is no longer closed to writes", self.source);
            return Err(self.refuse(answer, "put a `fence` step of the same run before this step"));
        }
        let position = binlog_position(&sides.source, sides.from).await?;
        if let Some(named) = self.position.as_ref().filter(|named| named.order(&position) != Ordering::Equal) {
            let answer = format!(
                "`{}` was closed at {named} and is at {position} now: someone has written to it since",
                self.source
            );
            return Err(
                self.refuse(answer, "find the account with READ_ONLY ADMIN or SUPER that wrote there, and try again")
            );
        }
        Ok(position)
    }
    async fn applied(&self, sides: &Sides, last: &Position) -> Result<ReplicaStatus> {
        let status = ReplicaStatus::read(&sides.target, sides.to).await?;
        let status = status.ok_or_else(|| {
            self.refuse("it does not replicate from any server", "nothing proves that this server has all data")
        })?;
        if let Some(error) = &status.apply_error {
            return Err(self.refuse(format!("replication stopped: {error}"), "fix the cause, or copy the data again"));
        }
        if status.applied.order(last) == Ordering::Equal {
            return Ok(status);
        }
        let answer = format!("it has applied up to {}, but the final position is {last}", status.applied);
        Err(self.refuse(answer, "put a `wait_for_position` step before this step"))
    }
    /// Notes that everything the old server wrote was applied here, and gives back where this server's own log stands.
    async fn proved(&self, cx: &Ctx<'_>, sides: &Sides, last: &Position) -> Result<Position> {
        let status = self.applied(sides, last).await?;
        let own = binlog_position(&sides.target, sides.to).await?;
        let all: Vec<String> = status.all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let proved = Proved { last: last.clone(), own: own.clone(), status: all };
        cx.memo.set(PROVED, serde_json::json!(proved)).await?;
        Ok(own)
    }
    /// Opens it and proves it. When the proof fails it is closed again at once.
    async fn open(&self, cx: &Ctx<'_>, sides: &Sides) -> Result<()> {
        sides.target.query(sides.to.clear_read_only(), LOOK).await?;
        let proof = async {
            if is_closed(&sides.target, sides.to).await? {
                return Err(self.refuse("it is still read-only after read_only was set to OFF", "check its error log"));
            }
            sides.target.query(&sides.to.write_token(cx.run, PROOF, "1"), LOOK).await?;
            let read = sides.target.query(&sides.to.read_token(cx.run, PROOF), LOOK).await?;
            match read.value() {
                Some("1") => Ok(()),
                other => Err(self.refuse(format!("the proof row contains {other:?}"), "check its error log")),
            }
        };
        match proof.await {
            Ok(()) => Ok(()),
            Err(failure) => {
                sides.target.query(sides.to.close_replica(), LOOK).await?;
                Err(failure)
            }
        }
    }
    /// Locks that a fence put on accounts of this server when it was closed, perhaps days ago, are removed once it is
    /// proved open: before that, an account that can write despite `read_only` could write to a server that is not the
    /// active one yet. After a crash in between, the next runner finds the record, and continues here.
    async fn unlock(&self, cx: &Ctx<'_>) -> Result<()> {
        let given_back = account_locks::give_all_back(cx, &self.server).await?;
        if !given_back.is_empty() {
            let names: Vec<String> = given_back.iter().map(ToString::to_string).collect();
            cx.progress.note(format!("accounts unlocked: {}", names.join(", ")));
        }
        if let Some(names) = self.kept_closed(cx.world) {
            let target = cx.fx.sql(&self.server).await?;
            for name in names {
                target.query(&dialect(cx.world, &self.server).forget_persisted(name), LOOK).await?;
            }
        }
        Ok(())
    }
    /// What a server without a configuration file may keep from a fence: it must not close it at its next start.
    fn kept_closed(&self, world: &World) -> Option<impl Iterator<Item = &'static str>> {
        let to = dialect(world, &self.server);
        let has_file = world.inventory.server(&self.server)?.config_file.is_some();
        (to.persists() && !has_file).then(|| to.closed_after_restart().iter().map(|(name, _)| *name))
    }
    fn unlock_actions(&self, world: &World) -> Vec<Action> {
        let mut actions = account_locks::give_all_back_actions(world, &self.server);
        let to = dialect(world, &self.server);
        let forgotten = self.kept_closed(world).into_iter().flatten();
        actions.extend(forgotten.map(|name| Action::sql(&self.server, to.forget_persisted(name))));
        actions
    }
    fn outputs(last: &Position, own: &Position) -> Outputs {
        let value = |position: &Position| serde_json::to_value(position).unwrap_or_default();
        Outputs::from_iter([("final_position".to_owned(), value(last)), ("position".to_owned(), value(own))])
    }
}

#[async_trait]
impl Step for Promote {
    fn reversibility(&self) -> Reversibility {
        Reversibility::PointOfNoReturn
    }

    fn roles(&self) -> Vec<Role> {
        let (server, source) = (self.server.clone(), self.source.clone());
        vec![Opens { server, source, verified: self.verified.clone() }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        if world.inventory.server(&self.source).is_none() {
            let message = format!("the inventory has no server `{}` to close", self.source);
            return Err(vec![Complaint::new("source", message).help("name the old server: `source: NAME`")]);
        }
        self.says_how_proved()?;
        let (from, to) = (dialect(world, &self.source), dialect(world, &self.server));
        let (old, new) = (On(&self.source), On(&self.server));
        let mut actions: Vec<Action> = self.proof_action().into_iter().collect();
        let [before, after] = self.counter_actions(world);
        actions.extend(before);
        actions.extend([
            new.sql(DURABLE),
            old.sql(from.read_only()),
            old.sql(from.binlog_position()),
            new.sql(to.replica_status()),
            new.sql(to.binlog_position()),
            Action::note(
                "refuse unless every commit is durable, the old server is closed, and its final position is applied",
            ),
            new.sql(to.stop_replica()),
            new.sql(to.replica_status()),
            new.sql(to.binlog_position()),
        ]);
        if self.forget == Forget::Now {
            actions.push(new.sql(to.reset_replica_all()));
        }
        actions.extend([
            old.sql(from.read_only()),
            old.sql(from.binlog_position()),
            new.sql(to.clear_read_only()),
            new.sql(to.read_only()),
        ]);
        actions
            .extend([new.sql(to.write_token(run_marker(), PROOF, "1")), new.sql(to.read_token(run_marker(), PROOF))]);
        actions.extend([Action::note("if that proof fails:"), new.sql(to.close_replica())]);
        actions.extend(after);
        actions.extend(self.unlock_actions(world));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let to = dialect(world, &self.server);
        let unless = Action::note("only if the server was not opened, and still has its channel:");
        let (status, start) = (to.replica_status(), to.start_replica());
        vec![
            Action::sql(&self.server, to.read_only()),
            Action::sql(&self.server, status),
            unless,
            Action::sql(&self.server, start),
        ]
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let from = dialect(world, &self.source);
        let look = Needs::on(&self.source, "read its binary log position").everywhere([from.sees_log()]);
        let mut needs = Vec::from(look.everywhere(from.sees_all()));
        needs.extend(swap::opening(world, &self.server));
        needs
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        vec![Action::sql(&self.server, dialect(world, &self.server).own_privileges())]
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        let applied = match self.proof() {
            None => {
                format!(
                    "that every row is the same on both servers: this step proves that everything `{}` wrote was \
                     applied",
                    self.source
                )
            }
            Some(_) => "that rows written since the comparison are the same on both servers".to_owned(),
        };
        vec![applied, format!("how `{}` handles the load of the application", self.server)]
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let mut needs = swap::opening(cx.world, &self.server);
        needs.retain(|need| need.only_if.is_none());
        require(cx, &needs, "open the server later in this run").await
    }

    /// Durability and the age of the proof are checked before the fence: a refusal then costs the application nothing.
    async fn prepare(&self, cx: &Ctx<'_>) -> Result<()> {
        if self.proof().is_some_and(|verified| marker::find(verified).next().is_none()) {
            self.fresh(cx).await?; // a proof from within the block is made later
        }
        account_locks::make_ready(cx, &self.server).await?;
        let sides = self.sides(cx).await?;
        self.durable(&sides).await?;
        self.look_at_counters(cx).await
    }

    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        if !self.is_open(cx).await? {
            return Ok(Probe::NotDone);
        }
        let locked = account_locks::is_recorded(cx, &self.server).await?;
        Ok(match cx.memo.read::<Proved>(PROVED)? {
            Some(Proved { last, own, .. }) if !locked => Probe::Done(Self::outputs(&last, &own)),
            _ => Probe::NotDone, // accounts are to be unlocked; or open for another reason: execute will refuse
        })
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        if let Some(Proved { last, own, .. }) = cx.memo.read::<Proved>(PROVED)?
            && self.is_open(cx).await?
        {
            self.raise_counters(cx).await?; // all that an attempt before has left to do
            self.unlock(cx).await?;
            return Ok(Self::outputs(&last, &own));
        }
        let sides = self.sides(cx).await?;
        self.durable(&sides).await?;
        self.was_fresh(cx).await?;
        let last = self.fenced(cx, &sides).await?;
        let mut own = self.proved(cx, &sides, &last).await?; // before that is in the journal nothing is changed
        sides.target.query(&sides.to.stop_replica(), LOOK).await?;
        self.applied(&sides, &last).await?; // what was applied may not have moved while it stopped
        if binlog_position(&sides.target, sides.to).await?.order(&own) != Ordering::Equal {
            own = self.proved(cx, &sides, &last).await?; // something of its own, such as a heartbeat
        }
        if self.forget == Forget::Now {
            sides.target.query(&sides.to.reset_replica_all(), LOOK).await?;
        }
        cx.safe_point("promote")?;
        if self.fenced(cx, &sides).await?.order(&last) != Ordering::Equal {
            return Err(
                self.refuse(format!("`{}` has moved past {last}", self.source), "find out which account wrote there")
            );
        }
        self.open(cx, &sides).await?;
        self.raise_counters(cx).await?;
        self.unlock(cx).await?;
        cx.progress.note(format!("open, after {last}"));
        Ok(Self::outputs(&last, &own))
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        if cx.memo.read::<Proved>(PROVED)?.is_some() && self.is_open(cx).await? {
            let answer = "the server is open, so the application may have written there";
            return Err(Failure::permanent("undo the promotion", answer)
                .at(&self.server)
                .help("only a switch in the other direction loses no writes now"));
        }
        let (target, to) = (cx.fx.sql(&self.server).await?, dialect(cx.world, &self.server));
        if ReplicaStatus::read(&target, to).await?.is_some() {
            target.query(&to.start_replica(), LOOK).await?;
        }
        Ok(())
    }
}
