//! `reverse_replication`: makes the old, closed server a replica of the new one, so that a switch back is possible.

mod tuning;

use crate::dialect::{Dialect, OwnDatabase, StartAt};
use crate::domain::{Sql, Words};
use crate::effects::Session;
use crate::effects::replica::{LOOK, ReplicaStatus};
use crate::error::{Failure, Result};
use crate::kinds::role::{Follows, Role};
use crate::kinds::support::account_statements;
use crate::kinds::support::after_crash;
use crate::kinds::support::answer;
use crate::kinds::support::channel::{Channel, SERVER_ID};
use crate::kinds::support::follow_filters::Followed;
use crate::kinds::support::gtid_mode;
use crate::kinds::support::own_database;
use crate::kinds::support::place::{dialect, run_marker};
use crate::kinds::support::privileges::{require, swap};
use crate::kinds::switch::fence::HOLDER;
use crate::kinds::{Action, Complaint, Ctx, Need, On, Output, Outputs, Probe, Reversibility, Step};
use crate::playbook::position::Position;
use crate::playbook::through::Through;
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[];

/// Purpose of the row that proves the way back.
const PURPOSE: &str = "way back";
/// What is attempted, as a clause.
const ATTEMPT: &str = "start reverse replication";
/// How long the row may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);
/// How often it is looked for.
const ASK: Duration = Duration::from_millis(20);
/// How many checks must find an existing channel healthy.
const STEADY: u32 = 4;
/// Key of the memo: what a `MariaDB` replica still remembers when its channel is removed.
const REMEMBERED: &str = "gtid_slave_pos";
const BEGUN: &str = "begun";
const STARTED: &str = "started";
const MADE_DATABASE: &str = "made_database";
const PROVED: &str = "proved";

/// Makes the old server a replica of the new one, starting at the new server's position before its first write, so that
/// a switch back loses no writes. The old server stays closed to all other writes. A row written on the new server
/// proves that replication works.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "Replication is stopped and the channel removed; the old server stays closed.",
    "examples" = [{ "replica": "source", "source": "target", "through": "way_back", "position": "{{ steps.promote.position }}" }]
))]
pub struct ReverseReplication {
    /// Server that was closed: the replica from now on.
    #[schemars(extend("format" = "server"))]
    replica: String,
    /// Server that was promoted: the source from now on.
    #[schemars(extend("format" = "server"))]
    source: String,
    /// Tunnel from the old host to the new one. Without it, both servers must be on one host, `tls` must be set, or the
    /// policy must allow plain text.
    #[serde(default)]
    through: Option<Through>,
    /// The servers encrypt the channel themselves, and the old one verifies the new one's certificate (`tls.ca` of the
    /// new one in the inventory).
    #[serde(default)]
    tls: bool,
    /// Position of the new server before its first write: `"{{ steps.promote.position }}"`. A binlog position works
    /// with every GTID setting, because everything after it is new to the old server.
    position: Position,
    /// Databases that must be replicated; empty means every user database. A filter that leaves one out is refused.
    #[serde(default)]
    databases: Vec<String>,
}

impl ReverseReplication {
    fn followed(&self) -> Followed<'_> {
        Followed { source: &self.source, replica: &self.replica, databases: &self.databases }
    }

    fn channel(&self) -> Channel<'_> {
        Channel { replica: &self.replica, source: &self.source, through: self.through.as_ref(), tls: self.tls }
    }

    fn statement(&self, world: &World) -> Result<Sql> {
        let start = StartAt::Position { file: (&self.position.file).into(), offset: (&self.position.offset).into() };
        self.channel().statement(world, start)
    }

    /// Whether it takes writes of anyone but administrators.
    async fn is_open(&self, cx: &Ctx<'_>, server: &str) -> Result<bool> {
        Ok(!answer::is_closed(&*cx.fx.sql(server).await?, dialect(cx.world, server)).await?)
    }

    /// Two open servers that replicate from each other would diverge; and a closed source was never promoted.
    async fn one_is_open(&self, cx: &Ctx<'_>) -> Result<()> {
        if self.is_open(cx, &self.replica).await? {
            return Err(Failure::permanent(ATTEMPT, "it accepts writes, so it cannot replicate from another server")
                .at(&self.replica)
                .now(format!("`{}` serves the application", self.source))
                .help(
                    "check that nothing was written there since the switch, then run SET GLOBAL read_only = ON there",
                ));
        }
        if self.is_open(cx, &self.source).await? {
            return Ok(());
        }
        Err(Failure::permanent(ATTEMPT, "it has not been promoted: it is closed to writes")
            .at(&self.source)
            .help("put a `promote` step of the same run before this step"))
    }

    /// What keeps administrators out where that is a lock would keep the applier out too. The server stays read-only.
    async fn let_the_applier_in(&self, cx: &Ctx<'_>) -> Result<()> {
        let fence = dialect(cx.world, &self.replica).strongest_fence();
        if fence.held_by_session
            && let Some(holder) = cx.fx.open_session(&self.replica, HOLDER)
        {
            holder.query(fence.open, LOOK).await?;
            cx.fx.close_session(&self.replica, HOLDER).await;
        }
        Ok(())
    }

    async fn start(&self, cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<u32> {
        let started = cx.memo.flag(STARTED)?;
        match ReplicaStatus::read(session, dialect).await? {
            // a channel that has applied something must continue at its own position, never at the first position again
            Some(_) if started => {
                self.go_on(cx, session).await?;
                Ok(STEADY)
            }
            there => {
                if there.is_some() {
                    session.query(&dialect.stop_replica(), LOOK).await?;
                }
                if dialect.is_mariadb() {
                    let value = answer::value(session, &dialect.read_variable(dialect.applied_gtids())).await?;
                    cx.memo.keep(REMEMBERED, value).await?;
                }
                tuning::tune(cx, session, dialect).await?; // a running applier takes some of it only when it starts
                self.channel().point(cx, session, &self.statement(cx.world)?).await?;
                cx.memo.set(STARTED, true.into()).await?;
                session.query(&dialect.start_replica(), LOOK).await?;
                Ok(1)
            }
        }
    }

    /// Lets a channel that has applied something outlive a crash of the server.
    async fn go_on(&self, cx: &Ctx<'_>, session: &Session) -> Result<()> {
        let before = cx.memo.read::<String>(REMEMBERED)?;
        after_crash::go_on(self.channel(), cx, session, before.as_deref()).await
    }

    /// A row that is written on the new server is seen on the old one.
    async fn prove(&self, cx: &Ctx<'_>) -> Result<()> {
        let (source, replica) = (cx.fx.sql(&self.source).await?, cx.fx.sql(&self.replica).await?);
        let (from, to) = (dialect(cx.world, &self.source), dialect(cx.world, &self.replica));
        own_database::is_ours(&source, from, OwnDatabase::Tokens).await?;
        let is_there = own_database::is_there(&source, from, OwnDatabase::Tokens).await?;
        let made = cx.memo.keep(MADE_DATABASE, !is_there).await?;
        for statement in from.create_token_table() {
            source.query(&statement, LOOK).await?;
        }
        source.query(&from.write_token(cx.run, PURPOSE, "1"), LOOK).await?;
        let begin = Instant::now();
        while !self.has_arrived(cx, &replica, to).await? {
            if begin.elapsed() > ARRIVAL {
                self.channel().runs(cx, 1).await?;
                let answer = format!("a row written on `{}` did not arrive within {ARRIVAL:?}", self.source);
                return Err(Failure::transient(ATTEMPT, answer)
                    .at(&self.replica)
                    .now("replication runs, but may be far behind")
                    .help("wait until it has caught up, then run `cutover resume`"));
            }
            cx.pause(ASK, ATTEMPT).await?;
        }
        if made {
            own_database::remove(&source, from, OwnDatabase::Tokens).await?;
        }
        cx.progress.note(format!(
            "replicates from `{}`; a test row arrived after {:.0?}",
            self.source,
            begin.elapsed()
        ));
        Ok(())
    }

    async fn has_arrived(&self, cx: &Ctx<'_>, replica: &Session, to: Dialect) -> Result<bool> {
        match replica.try_query(&to.read_token(cx.run, PURPOSE), LOOK).await {
            Ok(rows) if rows.value() == Some("1") => return Ok(true),
            Ok(_) => {}
            Err(error) if matches!(error.code, Some(1146 | 1049)) => {} // the table itself is on its way
            Err(error) => return Err(Failure::transient(ATTEMPT, error.to_string()).at(&self.replica)),
        }
        match account_statements::status(cx, &self.replica, replica).await? {
            Some(status) => status.alive(&self.replica, ATTEMPT).map(|()| false),
            None => Err(Failure::transient(ATTEMPT, "the server shows no channel").at(&self.replica)),
        }
    }
}

#[async_trait]
impl Step for ReverseReplication {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        let sheltered = self.through.is_some() || self.tls;
        let (replica, source) = (self.replica.clone(), self.source.clone());
        vec![Follows { replica, source, sheltered, way_back: true }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        self.channel().check(world)?;
        let statement = self
            .statement(world)
            .map_err(|failure| vec![Complaint { help: failure.help, ..Complaint::new("replica", failure.answer) }])?;
        let (from, to) = (dialect(world, &self.source), dialect(world, &self.replica));
        let old = On(&self.replica);
        let new = On(&self.source);
        let mut actions = vec![old.sql(to.read_only()), new.sql(from.read_only())];
        actions.push(Action::note(format!("refuse unless `{}` is closed and `{}` is open", self.replica, self.source)));
        actions.extend([new.sql(SERVER_ID), old.sql(SERVER_ID), old.sql(to.replica_status())]);
        actions.extend(self.followed().actions(world));
        if to.strongest_fence().held_by_session {
            actions.push(Action::note("if the fence still holds its lock, which would stop the applier too:"));
            actions.push(old.sql(to.strongest_fence().open));
        }
        actions.push(Action::note("if a channel of this run exists already:"));
        actions.push(old.sql(to.stop_replica()));
        if to.is_mariadb() {
            actions.push(old.sql(to.read_variable(to.applied_gtids())));
        }
        actions.extend(tuning::actions(to).iter().map(|text| old.sql(text)));
        actions.extend(gtid_mode::actions(self.channel(), world));
        actions.extend(self.channel().point_actions(world, statement));
        actions.extend([old.sql(to.start_replica()), Action::note("wait until both threads run")]);
        actions.extend(account_statements::actions(world, &self.replica));
        actions.extend(own_database::look_actions(&self.source, from, OwnDatabase::Tokens));
        actions.extend(from.create_token_table().iter().map(|text| new.sql(text)));
        actions.push(new.sql(from.write_token(run_marker(), PURPOSE, "1")));
        actions.push(old.sql(to.read_token(run_marker(), PURPOSE)));
        actions.push(Action::note(format!("repeat until the row has arrived, at most {ARRIVAL:?}")));
        actions.extend(after_crash::actions(self.channel(), world));
        actions.extend(own_database::remove_actions(&self.source, from, OwnDatabase::Tokens));
        actions.push(old.sql(to.read_only()));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.replica);
        let old = On(&self.replica);
        let before = Words::late("its value before");
        let mut actions = vec![old.sql(dialect.stop_replica()), old.sql(dialect.reset_replica_all())];
        if dialect.is_mariadb() {
            actions.push(old.sql(dialect.set_gtid_start(&before)));
        }
        actions.extend(tuning::undo_actions(dialect).iter().map(|text| old.sql(text)));
        actions.extend(gtid_mode::undo_actions(self.channel(), world));
        actions
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let mut needs = swap::following(world, &self.replica);
        needs.extend(swap::own_rows(world, &self.source));
        needs
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let own = [&self.replica, &self.source].map(|name| Action::sql(name, dialect(world, name).own_privileges()));
        own.into_iter().chain(self.followed().actions(world)).collect()
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![format!(
            "that `{}` can apply what `{}` writes: a newer server may write events that an older one cannot apply",
            self.replica, self.source
        )]
    }

    /// Checked long before the switch: a failure after it would leave the new server with writes and no way back.
    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let mut needs = self.needs(cx.world);
        needs.retain(|need| need.only_if.is_none());
        let mut failures = require(cx, &needs, "start reverse replication after the switch").await;
        failures.extend(self.followed().comes_through(cx).await.err());
        failures
    }

    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        if !cx.memo.flag(PROVED)? || self.is_open(cx, &self.replica).await? {
            return Ok(Probe::NotDone);
        }
        let session = cx.fx.sql(&self.replica).await?;
        let status = ReplicaStatus::read(&session, dialect(cx.world, &self.replica)).await?;
        let ours = status.filter(|status| self.channel().is_it(cx.world, status));
        let well = ours.is_some_and(|status| status.healthy(&self.replica, ATTEMPT).is_ok());
        Ok(if well { Probe::Done(Outputs::new()) } else { Probe::NotDone })
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let dialect = dialect(cx.world, &self.replica);
        self.one_is_open(cx).await?;
        self.channel().ids_differ(cx).await?;
        self.channel().is_free(cx, cx.memo.flag(BEGUN)?).await?;
        self.followed().comes_through(cx).await?;
        self.let_the_applier_in(cx).await?;
        cx.memo.keep(BEGUN, true).await?;
        let session = cx.fx.sql(&self.replica).await?;
        gtid_mode::fit(self.channel(), cx).await?;
        let looks = self.start(cx, &session, dialect).await?;
        self.channel().runs(cx, looks).await?;
        self.prove(cx).await?;
        self.go_on(cx, &session).await?;
        self.channel().runs(cx, looks).await?;
        if self.is_open(cx, &self.replica).await? {
            return Err(Failure::permanent(ATTEMPT, "it was opened to writes meanwhile")
                .at(&self.replica)
                .help("run SET GLOBAL read_only = ON there, and find out who opened it"));
        }
        cx.memo.set(PROVED, true.into()).await?;
        Ok(Outputs::new())
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        if !cx.memo.flag(BEGUN)? {
            return Ok(());
        }
        // a damaged note must stop the undo before it touches anything
        let (remembered, mode) = (cx.memo.read::<String>(REMEMBERED)?, gtid_mode::noted(cx)?);
        let tuned = tuning::noted(cx, dialect(cx.world, &self.replica))?;
        let (session, dialect) = (cx.fx.sql(&self.replica).await?, dialect(cx.world, &self.replica));
        if ReplicaStatus::read(&session, dialect).await?.is_some() {
            session.query(&dialect.stop_replica(), LOOK).await?;
            session.query(&dialect.reset_replica_all(), LOOK).await?;
        }
        if let Some(before) = remembered
            && let Err(failure) = session.query(&dialect.set_gtid_start(&before), LOOK).await
        {
            cx.progress.note(format!("{REMEMBERED} was left unchanged: {}", failure.answer)); // it does no harm
        }
        tuning::undo(&session, dialect, &tuned).await?;
        gtid_mode::restore(self.channel(), cx, mode).await
    }
}
