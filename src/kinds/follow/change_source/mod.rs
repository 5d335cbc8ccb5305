//! `change_source`: makes a server the replica of another, starting at an exact position.

mod start;

use crate::dialect::{Dialect, OwnDatabase};
use crate::domain::Sql;
use crate::effects::replica::{LOOK, ReplicaStatus};
use crate::error::{Failure, Result};
use crate::kinds::role::{Follows, Role};
use crate::kinds::support::account_statements;
use crate::kinds::support::accounts_before;
use crate::kinds::support::after_crash;
use crate::kinds::support::channel::{Channel, SERVER_ID};
use crate::kinds::support::follow_filters::Followed;
use crate::kinds::support::gtid_mode;
use crate::kinds::support::own_database;
use crate::kinds::support::place::dialect;
use crate::kinds::support::privileges::swap;
use crate::kinds::{Action, Complaint, Ctx, Need, Needs, On, Output, Outputs, Probe, Reversibility, Step};
use crate::playbook::position::Position;
use crate::playbook::through::Through;
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[];

/// How many checks, 100 ms apart, must find a restarted channel healthy: the restart clears the error, and the thread
/// needs a moment to meet it again.
const STEADY: u32 = 4;
/// Key of the memo: whether the runner's own rows can only have come through this channel.
const OWN_ROWS: &str = "own_rows";

/// Makes one server the replica of another, starting at the position of the dump, and checks that both of its
/// replication threads run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "Replication is stopped, and the channel and the runner's own replicated rows are removed. Accounts, \
                roles and privileges are restored to their state before this step.",
    "examples" = [{ "replica": "target", "source": "source", "through": "tunnel", "position": "{{ steps.dump.position }}" }]
))]
pub struct ChangeSource {
    /// Replica.
    #[schemars(extend("format" = "server"))]
    replica: String,
    /// Source.
    #[schemars(extend("format" = "server"))]
    source: String,
    /// Tunnel that replication goes through. Between two hosts, either this or `tls` is required, unless the policy
    /// allows plain text.
    #[serde(default)]
    through: Option<Through>,
    /// The servers encrypt the channel themselves, and the replica verifies the source's certificate (`tls.ca` of the
    /// source in the inventory).
    #[serde(default)]
    tls: bool,
    /// Position in the source's binary log at which replication starts: `"{{ steps.dump.position }}"`.
    #[serde(default)]
    position: Option<Position>,
    /// Instead of `position`, the GTID set that the copy holds: `"{{ steps.dump.gtid }}"`. The replica then requests
    /// every transaction that it lacks: `SOURCE_AUTO_POSITION = 1` (`MySQL`), `MASTER_USE_GTID = slave_pos`
    /// (`MariaDB`).
    #[serde(default)]
    gtid: Option<String>,
    /// Databases that must be replicated; empty means every user database. A filter that leaves one out is refused.
    #[serde(default)]
    databases: Vec<String>,
}

impl ChangeSource {
    fn channel(&self) -> Channel<'_> {
        Channel { replica: &self.replica, source: &self.source, through: self.through.as_ref(), tls: self.tls }
    }
    fn followed(&self) -> Followed<'_> {
        Followed { source: &self.source, replica: &self.replica, databases: &self.databases }
    }
    fn statement(&self, world: &World) -> Result<Sql> {
        let start = self.start().map_err(|complaint| Failure::permanent("replicate", complaint.message))?;
        self.channel().statement(world, start)
    }
    /// The runner's own rows came through the channel; dropped on the source, they may not have gone that way in time.
    async fn drop_own_rows(&self, cx: &Ctx<'_>, dialect: Dialect) -> Result<()> {
        let session = cx.fx.session(&self.replica, cx.step).await?;
        session.query(dialect.without_binlog(), LOOK).await?;
        own_database::remove(&session, dialect, OwnDatabase::Tokens).await?;
        cx.fx.close_session(&self.replica, cx.step).await;
        Ok(())
    }
    async fn no_channel(&self, cx: &Ctx<'_>) -> Result<()> {
        self.channel().is_free(cx, cx.memo.flag("begun")?).await
    }
}

#[async_trait]
impl Step for ChangeSource {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        let sheltered = self.through.is_some() || self.tls;
        let (replica, source) = (self.replica.clone(), self.source.clone());
        vec![Follows { replica, source, sheltered, way_back: false }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        self.channel().check(world)?;
        self.start().map_err(|complaint| vec![complaint])?;
        let statement = self
            .statement(world)
            .map_err(|failure| vec![Complaint { help: failure.help, ..Complaint::new("replica", failure.answer) }])?;
        let dialect = dialect(world, &self.replica);
        let mut actions = vec![
            Action::sql(&self.source, SERVER_ID),
            Action::sql(&self.replica, SERVER_ID),
            Action::sql(&self.replica, dialect.replica_status()),
        ];
        actions.extend(own_database::look_actions(&self.replica, dialect, OwnDatabase::Tokens));
        actions.extend(self.followed().actions(world));
        actions.extend(accounts_before::keep_actions(world, &self.replica));
        actions.extend([Action::note(
            "if a channel of this run has already applied transactions, even if its server has restarted since:",
        )]);
        actions.extend(after_crash::actions(self.channel(), world));
        actions.push(Action::note("otherwise; and first, if a channel of this run exists already:"));
        actions.push(Action::sql(&self.replica, dialect.stop_replica()));
        actions.push(self.remembered(world));
        actions.extend(self.seed_actions(world));
        actions.extend(gtid_mode::actions(self.channel(), world));
        actions.extend(self.channel().point_actions(world, statement));
        actions
            .extend([Action::sql(&self.replica, dialect.start_replica()), Action::note("wait until both threads run")]);
        actions.extend(account_statements::actions(world, &self.replica));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.replica);
        let here = On(&self.replica);
        let mut actions = vec![here.sql(dialect.stop_replica()), here.sql(dialect.reset_replica_all())];
        actions.extend(self.forget_actions(world));
        actions.extend(gtid_mode::undo_actions(self.channel(), world));
        actions.push(Action::note("if it arrived through the channel:"));
        actions.push(here.sql(dialect.without_binlog()));
        actions.extend(own_database::remove_actions(&self.replica, dialect, OwnDatabase::Tokens));
        actions.extend(accounts_before::restore_actions(world, &self.replica));
        actions
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let ids = [&self.source, &self.replica].map(|name| Action::sql(name, SERVER_ID));
        let status = Action::sql(&self.replica, dialect(world, &self.replica).replica_status());
        let ours = [&self.source, &self.replica].map(|name| own_database::questions(world, name));
        let ours = ours.into_iter().flatten().chain(self.followed().actions(world));
        ids.into_iter().chain([status]).chain(ours).chain(self.gtid_questions(world)).collect()
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let back = Needs::on(&self.replica, "keep a copy of its accounts, and restore them if replication is undone");
        let back = back.everywhere(dialect(world, &self.replica).puts_accounts_back());
        let from = Needs::on(&self.source, "read its binary log position");
        let mut needs = Vec::from(from.everywhere([dialect(world, &self.source).sees_log()]));
        needs.extend(swap::following(world, &self.replica));
        needs.extend(Vec::from(back));
        needs
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![
            format!("that `{}` still has its binary log from that position on", self.source),
            "that the copy matches the binary log: a missing row shows only when a change to it is applied".to_owned(),
        ]
    }

    async fn inspect(&self, cx: &Ctx<'_>, settled: &BTreeSet<String>) -> Vec<Failure> {
        let mut failures = Vec::new();
        if !settled.contains(&format!("{}.server_id", self.replica)) {
            let untouched = |failure: Failure| failure.now("nothing was touched");
            failures.extend(self.channel().ids_differ(cx).await.err().map(untouched));
        }
        failures.extend(self.no_channel(cx).await.err());
        for server in [&self.source, &self.replica] {
            failures.extend(own_database::are_ours(cx, server).await.err());
        }
        failures.extend(self.followed().comes_through(cx).await.err());
        failures.extend(self.gtid_admission(cx, settled).await.err());
        failures
    }

    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        let session = cx.fx.sql(&self.replica).await?;
        match ReplicaStatus::read(&session, dialect(cx.world, &self.replica)).await? {
            Some(status)
                if self.channel().is_it(cx.world, &status) && status.applying && status.apply_error.is_none() =>
            {
                Ok(Probe::Done(Outputs::new()))
            }
            _ => Ok(Probe::NotDone),
        }
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let dialect = dialect(cx.world, &self.replica);
        self.channel().ids_differ(cx).await?;
        self.no_channel(cx).await?;
        self.followed().comes_through(cx).await?;
        let session = cx.fx.sql(&self.replica).await?;
        own_database::is_ours(&session, dialect, OwnDatabase::Tokens).await?;
        let is_there = own_database::is_there(&session, dialect, OwnDatabase::Tokens).await?;
        cx.memo.keep(OWN_ROWS, !is_there).await?;
        cx.memo.keep("begun", true).await?;
        let mut looks = 1;
        accounts_before::keep(cx, &self.replica).await?;
        gtid_mode::fit(self.channel(), cx).await?;
        let started = cx.memo.flag("started")?;
        match ReplicaStatus::read(&session, dialect).await? {
            // a channel that has applied something must continue at its own position, never at the dump's position
            // again
            Some(_) if started => {
                looks = STEADY;
                after_crash::go_on(self.channel(), cx, &session, start::remembered(cx)?.as_deref()).await?;
            }
            there => {
                if there.is_some() {
                    session.query(&dialect.stop_replica(), LOOK).await?;
                }
                self.remember(cx, &session, dialect).await?;
                self.seed(&session, dialect).await?;
                self.channel().point(cx, &session, &self.statement(cx.world)?).await?;
                cx.memo.set("started", true.into()).await?;
                session.query(&dialect.start_replica(), LOOK).await?;
            }
        }
        let status = self.channel().runs(cx, looks).await?;
        let from = self.gtid.as_ref().map(|set| format!(" after GTID {set}")).unwrap_or_default();
        cx.progress.note(format!("replicates from {}{from}, and has applied up to {}", status.source, status.applied));
        Ok(Outputs::new())
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        if !cx.memo.flag("begun")? {
            return Ok(());
        }
        let (own_rows, remembered) = (cx.memo.flag(OWN_ROWS)?, start::remembered(cx)?);
        let mode = gtid_mode::noted(cx)?;
        let dialect = dialect(cx.world, &self.replica);
        let session = cx.fx.sql(&self.replica).await?;
        if ReplicaStatus::read(&session, dialect).await?.is_some() {
            session.query(&dialect.stop_replica(), LOOK).await?;
            session.query(&dialect.reset_replica_all(), LOOK).await?;
        }
        if let Some(remembered) = remembered {
            Self::forget_applied(cx, &session, &remembered, dialect).await?;
        }
        gtid_mode::restore(self.channel(), cx, mode).await?;
        if own_rows {
            self.drop_own_rows(cx, dialect).await?;
        }
        accounts_before::restore(cx, &self.replica).await
    }
}
