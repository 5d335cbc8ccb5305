//! `fence`: closes a server to every write, proves it, and reads the final position in its binary log.

mod before;
mod clients;
mod gate;
mod guard;
mod locks;
mod moment;
mod shut;

use crate::dialect::{Dialect, OwnDatabase};
use crate::domain::Sql;
use crate::domain::marker;
use crate::domain::units::Span;
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::role::{Closes, Role};
use crate::kinds::support::account_locks;
use crate::kinds::support::after_fence;
use crate::kinds::support::answer::{self, is_closed};
use crate::kinds::support::config_file::ConfigFile;
use crate::kinds::support::config_place::read_actions;
use crate::kinds::support::own_database;
use crate::kinds::support::place::{dialect, run_marker, server};
use crate::kinds::support::privileges::{require, swap};
use crate::kinds::{
    Action, Complaint, Condition, Ctx, Need, On, Output, OutputType, Outputs, Probe, Reversibility, Step,
};
use crate::playbook::world::World;
use async_trait::async_trait;
use before::Before;
pub use locks::past_read_only_remedy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    Output { name: "position", kind: OutputType::Position, about: "Final position in the server's binary log." },
    Output { name: "token", kind: OutputType::Integer, about: "Number of the row written as the last transaction." },
    Output {
        name: "fence_ms",
        kind: OutputType::Number,
        about: "Time from the first lock to the final position, in ms.",
    },
    Output {
        name: "event_scheduler",
        kind: OutputType::Text,
        about: "State of the event scheduler before: ON or OFF.",
    },
    Output {
        name: "own_log",
        kind: OutputType::Text,
        about: "Final state of the server's own binary log, as JSON: what the server writes itself after that, no \
                other server has.",
    },
    Output {
        name: "ended",
        kind: OutputType::List,
        about: "Clients whose sessions were ended, each in the form `N sessions of user@host`.",
    },
];

/// Purpose of the last row in the token table.
pub const PURPOSE: &str = "fence";
/// Name of the connection that keeps the fence shut where it ends with its session.
pub const HOLDER: &str = "fence";

/// Closes a server to every write: makes it read-only, writes a last row, ends client sessions, and locks out
/// administrators too. Its binlog position is then final. Where the strongest lock would end with the runner, accounts
/// that can write despite `read_only` are locked from then on, on this server only. Undo opens the server as far as it
/// was open before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the name that a playbook uses")]
#[schemars(extend(
    "x-undo" = "The server is opened as far as it was open before, including accounts, event scheduler and \
                configuration file.",
    "examples" = [{ "server": "source", "replica": "target" }]
))]
pub struct Fence {
    /// Server to close.
    #[schemars(extend("format" = "server"))]
    server: String,
    /// Its replica, which must be read-only. The server is closed at a moment when the replica has just caught up, so
    /// that the application waits as briefly as possible.
    #[serde(default)]
    #[schemars(extend("format" = "server"))]
    replica: Option<String>,
    /// Longest time to wait for locks. Writers queue behind that wait, so keep it short.
    #[serde(default = "three_seconds")]
    lock_timeout: Span,
    /// Longest age of an open transaction before the fence. The fence rolls back every transaction that is still open;
    /// an older one makes the step fail before anything is changed.
    #[serde(default = "three_seconds")]
    max_transaction: Span,
    /// Longest lag of the replica at the moment when the server is closed: the application waits for as long. If the
    /// lag is longer, nothing is changed, and the switch is put off.
    #[serde(default = "at_its_heels")]
    lag_at_fence: Span,
    /// Longest time to wait for a moment when the replica has just caught up; the application writes meanwhile.
    #[serde(default = "three_seconds")]
    patience: Span,
}

fn three_seconds() -> Span {
    Span(Duration::from_secs(3))
}

fn at_its_heels() -> Span {
    Span(Duration::from_millis(100))
}

impl Fence {
    fn lock_seconds(&self) -> u32 {
        u32::try_from(self.lock_timeout.0.as_secs()).unwrap_or(u32::MAX).max(1)
    }

    /// Whether an earlier runner that died or stopped has closed the server already: then no client writes there, and
    /// waiting for a better moment is useless.
    async fn has_fallen(cx: &Ctx<'_>, main: &Session, dialect: Dialect) -> Result<bool> {
        Ok(Before::read(cx)?.is_some() && is_closed(main, dialect).await?)
    }

    fn shut_actions(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        let here = On(&self.server);
        let mut actions = vec![here.sql(dialect.set_read_only())];
        actions.push(here.sql(dialect.write_token(run_marker(), PURPOSE, marker::late("token"))));
        actions.extend(self.lock_actions(dialect));
        actions.extend(self.client_actions(dialect));
        actions.push(here.sql(dialect.strongest_fence().close));
        actions.extend(self.keep_actions(world));
        if account_locks::needed(dialect) {
            actions.push(Action::note("until no session of an account that can write despite read_only is left:"));
            actions.push(here.sql(dialect.still_connected(Sql::late(clients::ENDED))));
        }
        actions.extend([
            here.sql(dialect.read_only()),
            here.sql(dialect.binlog_position()),
            here.sql(dialect.own_log()),
        ]);
        actions.extend(after_fence::actions(&self.server, dialect));
        actions
    }
}

#[async_trait]
impl Step for Fence {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        vec![Closes { server: self.server.clone() }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let dialect = dialect(world, &self.server);
        let here = On(&self.server);
        let mut actions = vec![Action::note("before the block begins:")];
        actions.extend([OwnDatabase::Tokens, OwnDatabase::Fence].map(|own| here.sql(dialect.foreign_objects(own))));
        actions.extend(dialect.create_token_table().iter().map(|text| here.sql(text)));
        actions.extend(self.gate_actions(world));
        actions.push(Action::note("then, and nothing else while the replica is behind:"));
        actions.extend(self.moment_actions(world));
        if !dialect.strongest_fence().held_by_session {
            actions.push(Action::note("if an earlier runner closed it and died, so that the last row can be written:"));
            actions.extend([here.sql(dialect.set_read_only()), here.sql(dialect.strongest_fence().open)]);
        }
        actions.extend(Before::questions(dialect).into_iter().map(|text| here.sql(text)));
        actions.extend(self.record_actions(dialect));
        actions.extend(self.guard_actions(world));
        actions.push(Action::note("if the event scheduler is on:"));
        actions.push(here.sql(dialect.set_event_scheduler(false)));
        actions.push(here.sql(dialect.lock_wait_timeout(self.lock_seconds())));
        actions.extend(self.moment_actions(world));
        actions.extend(self.shut_actions(world));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        let here = On(&self.server);
        let mut actions = Vec::new();
        if let Some(replica) = &self.replica {
            actions.push(Action::sql(replica, crate::kinds::support::place::dialect(world, replica).read_only()));
        }
        actions.push(here.sql(dialect.strongest_fence().open));
        if account_locks::needed(dialect) {
            actions.extend(account_locks::give_back_actions(&self.server, dialect));
        }
        actions.push(Action::note("back to their state before the fence:"));
        actions.extend(self.undo_guard_actions(world));
        actions.extend(Before::restore_statements(dialect).iter().map(|text| here.sql(text)));
        actions.extend(self.config(world).map(|config| config.preview_undo()).unwrap_or_default());
        actions
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let mut needs = swap::closing(world, &self.server);
        needs.extend(self.replica.iter().flat_map(|replica| swap::reading_channel(world, replica)));
        needs
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        let (events, privileges) = (dialect.event_scheduler(), dialect.own_privileges());
        let mut asked = vec![Action::sql(&self.server, events), Action::sql(&self.server, privileges)];
        asked.extend(self.named_questions(dialect));
        asked.extend(self.config(world).iter().flat_map(read_actions));
        asked
    }

    fn unproved(&self, world: &World) -> Vec<String> {
        let mut unproved = vec![
            format!("how long `{}` takes to close: writers wait for the transactions that are open then", self.server),
            "which client sessions must be ended".to_owned(),
        ];
        if let Some(ConfigFile { host, path }) = self.config(world) {
            unproved.push(format!(
                "that `{}` itself reads {path} when it restarts: only that some server on {host} reads it is proved",
                self.server
            ));
        }
        unproved
    }

    /// Checked hours before it is needed: an account that cannot close the server cannot open it again either.
    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let dialect = dialect(cx.world, &self.server);
        let scheduler = async {
            let session = cx.fx.sql(&self.server).await?;
            answer::value(&session, dialect.event_scheduler()).await
        };
        let mut failures = Vec::new();
        match scheduler.await {
            Ok(state) => {
                let mut needs = swap::closing(cx.world, &self.server);
                needs.retain(|need| {
                    need.only_if.is_none() || state == "ON" && need.only_if == Some(Condition::EventsRun)
                });
                failures.extend(require(cx, &needs, "close the server to writes later in this run").await);
            }
            Err(failure) => failures.push(failure),
        }
        failures.extend(self.has_guard(cx).await.err());
        failures.extend(self.all_are_named(cx).await.err());
        failures
    }

    async fn prepare(&self, cx: &Ctx<'_>) -> Result<()> {
        let dialect = dialect(cx.world, &self.server);
        let main = cx.fx.sql(&self.server).await?;
        let fallen = Self::has_fallen(cx, &main, dialect).await?;
        if !fallen {
            own_database::is_ours(&main, dialect, OwnDatabase::Tokens).await?;
            own_database::is_ours(&main, dialect, OwnDatabase::Fence).await?;
            for statement in dialect.create_token_table() {
                main.query(&statement, LOOK).await?;
            }
        }
        cx.fx.session(&self.server, HOLDER).await?;
        if account_locks::needed(dialect) {
            account_locks::session(cx, &self.server).await?;
        }
        self.gate(cx, &main, dialect).await?;
        if fallen { Ok(()) } else { self.moment(cx, &main, dialect, Instant::now() + self.patience.0).await }
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone) // the lock ends with the runner, so the fence is made anew, and its position with it
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let begin = Instant::now();
        let dialect = dialect(cx.world, &self.server);
        let main = cx.fx.sql(&self.server).await?;
        let fallen = Self::has_fallen(cx, &main, dialect).await?;
        if !fallen {
            self.moment(cx, &main, dialect, begin + self.patience.0).await?; // before anything is noted or touched
        } else if !dialect.strongest_fence().held_by_session {
            main.query(dialect.set_read_only(), LOOK).await?; // nobody but administrators gets in meanwhile
            main.query(dialect.strongest_fence().open, LOOK).await?;
        }
        let before = Before::remember(cx, &main, dialect).await?;
        let locks = self.ready_locks(cx, &main, dialect).await?;
        self.guard_file(cx, dialect).await?;
        self.note_kept(cx, &main, dialect).await?;
        let holder = cx.fx.session(&self.server, HOLDER).await?;
        self.stop_events(&before, &main, dialect).await?;
        holder.query(&dialect.lock_wait_timeout(self.lock_seconds()), LOOK).await?;
        if !fallen && let Err(failure) = self.moment(cx, &main, dialect, self.patience_since(begin)).await {
            self.undo(cx).await?; // so that it is true that nothing was touched
            return Err(failure);
        }
        self.shut(cx, &main, &holder, locks.as_ref(), &before).await
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let Some(before) = Before::read(cx)? else { return Ok(()) };
        ConfigFile::backup(cx)?; // a damaged note must stop the undo before it touches anything
        guard::kept(cx)?;
        let locked = locks::noted(cx)?;
        self.replica_is_not_open(cx).await?;
        let dialect = dialect(cx.world, &self.server);
        if let Some(holder) = cx.fx.open_session(&self.server, HOLDER) {
            holder.query(dialect.strongest_fence().open, LOOK).await?;
            cx.fx.close_session(&self.server, HOLDER).await;
        }
        self.give_back(cx, &locked).await?; // under that lock accounts cannot be changed (error 1223)
        let main = cx.fx.sql(&self.server).await?;
        self.restore_kept(cx, &main, dialect).await?;
        before.restore(&main, dialect).await?;
        if let Some(config) = self.config(cx.world) {
            config.restore(cx).await?;
        }
        if before.was_closed()? {
            cx.progress.note(format!("`{}` is closed again, as before", server(cx.world, &self.server)?.address));
        } else {
            cx.progress.note(format!("`{}` accepts writes again", server(cx.world, &self.server)?.address));
        }
        Ok(())
    }
}
