//! `fence`: closes a server to every write, proves it, and names the last place in its log.

mod gate;

use super::after_fence;
use super::answer::{self, closed, is_closed};
use super::config_file::ConfigFile;
use super::config_place::require_read;
use super::option_file;
use super::place::{dialect, run_marker, server};
use super::privileges::require;
use super::{Action, Complaint, Ctx, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::effects::Session;
use crate::effects::dialect::Dialect;
use crate::effects::own_transactions;
use crate::effects::replica::LOOK;
use crate::error::{Class, Failure, Result};
use crate::playbook::marker;
use crate::playbook::units::Span;
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    Output { name: "position", kind: OutputType::Position, about: "The last place in the server's binary log." },
    Output { name: "token", kind: OutputType::Integer, about: "Number of the row written as the last transaction." },
    Output {
        name: "fence_ms",
        kind: OutputType::Number,
        about: "Time from the first lock to the final position, in ms.",
    },
    Output {
        name: "event_scheduler",
        kind: OutputType::Text,
        about: "Whether the event scheduler ran before: ON or OFF.",
    },
    Output {
        name: "own_log",
        kind: OutputType::Text,
        about: "How far the server's own log had come, as JSON: what it writes itself after that, no other server has.",
    },
];

/// Purpose of the last row in the token table.
pub const PURPOSE: &str = "fence";
/// Name of the connection that keeps the fence shut where it ends with its session.
pub const HOLDER: &str = "fence";

/// Key of the memo.
const BEFORE: &str = "before";

/// How the server stood before the fence, in its own words.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Before {
    read_only: String,
    event_scheduler: String,
}

impl Before {
    /// What was noted before anything was closed; `None` when the step never came so far.
    fn read(cx: &Ctx<'_>) -> Result<Option<Self>> {
        let Some(before) = cx.memo.read::<Self>(BEFORE)? else { return Ok(None) };
        before.was_closed().and(before.ran_events())?;
        Ok(Some(before))
    }
    fn was_closed(&self) -> Result<bool> {
        closed(&self.read_only).map_err(|answer| unclear(&answer))
    }
    fn ran_events(&self) -> Result<bool> {
        match self.event_scheduler.as_str() {
            "ON" => Ok(true),
            "OFF" | "DISABLED" => Ok(false),
            other => Err(unclear(&format!("`{other}` is not a state of the event scheduler"))),
        }
    }
}

fn unclear(answer: &str) -> Failure {
    Failure::permanent("read how open the server was before the fence", answer)
        .now("nothing was changed")
        .help("make the server by hand as open as it was, then `cutover mark-undone RUN STEP --why TEXT`")
}

/// How often clients are listed anew when one of them went by itself meanwhile.
const ROUNDS: usize = 5;
const NO_SUCH_THREAD: u16 = 1094;

/// Closes a server to every write: read-only, a last row of our own, clients ended, administrators shut out too. Then
/// its place in the binary log is final. Taken back, the server is as open as it was.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The server is opened as far as it was open before, its event scheduler and configuration file included.",
    "examples" = [{ "server": "source", "replica": "target" }]
))]
pub struct Fence {
    /// Server that is closed.
    #[schemars(extend("format" = "server"))]
    server: String,
    /// Server that follows it. The fence falls in the moment this one has just caught up, so that the application
    /// waits for next to nothing; it must be read-only.
    #[serde(default)]
    #[schemars(extend("format" = "server"))]
    replica: Option<String>,
    /// Longest time to wait for locks. Writers queue up behind that wait, so it is kept short.
    #[serde(default = "three_seconds")]
    lock_timeout: Span,
    /// Oldest transaction that may be open before the fence: it would be rolled back.
    #[serde(default = "three_seconds")]
    max_transaction: Span,
}

fn three_seconds() -> Span {
    Span(Duration::from_secs(3))
}

impl Fence {
    fn config<'a>(&self, world: &'a World) -> Option<ConfigFile<'a>> {
        let server = world.inventory.server(&self.server)?;
        Some(ConfigFile { host: &server.host, path: server.config_file.as_deref()? })
    }
    fn guard(text: &str) -> String {
        option_file::set(text, [("read_only", "ON"), ("event_scheduler", "OFF")])
    }
    fn lock_seconds(&self) -> u32 {
        u32::try_from(self.lock_timeout.0.as_secs()).unwrap_or(u32::MAX).max(1)
    }
    /// Whether a runner that died, or stopped, has closed the server already: then the token's table is there, and no
    /// account can write before the strongest lock is lifted.
    fn fell_before(cx: &Ctx<'_>) -> Result<bool> {
        Ok(Before::read(cx)?.is_some())
    }
    async fn remember(&self, cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<Before> {
        if let Some(before) = Before::read(cx)? {
            return Ok(before);
        }
        let read_only = answer::value(session, dialect.read_only()).await?;
        let event_scheduler = answer::value(session, dialect.event_scheduler()).await?;
        let before = Before { read_only, event_scheduler };
        before.was_closed().and(before.ran_events())?;
        cx.memo.keep(BEFORE, before).await
    }
    /// A scheduler that is not running stays untouched: a disabled one refuses even to be stopped, and a stopped one
    /// must not cost the account a privilege.
    async fn stop_events(&self, before: &Before, session: &Session, dialect: Dialect) -> Result<()> {
        if before.ran_events()? {
            session.query(dialect.set_event_scheduler(false), LOOK).await?;
        }
        Ok(())
    }
    /// A crash of the server must not open it again: the file says read-only before the memory does.
    async fn guard_file(&self, cx: &Ctx<'_>) -> Result<()> {
        let Some(config) = self.config(cx.world) else { return Ok(()) };
        let text = if let Some(text) = config.read(cx).await? {
            text
        } else {
            require_read(cx, &config).await?; // a file that nobody reads guards nothing
            String::new()
        };
        let guarded = Self::guard(&text);
        if guarded == text { Ok(()) } else { config.replace(cx, &guarded, None).await.map(drop) }
    }
    fn not_shut(&self, failure: Failure) -> Failure {
        let class = if failure.class == Class::Cancelled { failure.class } else { Class::Permanent };
        Failure { class, attempted: "close the server to writes".into(), ..failure }
            .now(format!("`{}` may be partly closed; the rollback opens it again", self.server))
            .help("look for long statements and LOCK TABLES in its process list, and cut over when it is quiet")
    }
    /// Ends every client but our own and replication, all with one request: each round trip is downtime. Open
    /// transactions roll back; whatever their owners were not promised is not lost.
    async fn end_clients(&self, cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<usize> {
        let ours = cx.fx.connections(&self.server).await;
        let keep: Vec<String> = ours.ids.iter().map(u64::to_string).collect();
        for _ in 0..ROUNDS {
            let list = dialect.killable_clients(&keep.join(","));
            let clients = session.query(&list, LOOK).await?;
            let ids = clients.iter().map(|row| answer::column(row, "id", session, &list));
            let kills = ids.map(|id| id.map(|id| dialect.kill(id))).collect::<Result<Vec<_>>>()?;
            if kills.is_empty() {
                return Ok(0);
            }
            match session.try_query(&kills.join("; "), LOOK).await {
                Ok(_) => return Ok(kills.len()),
                Err(error) if error.code == Some(NO_SUCH_THREAD) => {} // one went by itself: the rest is listed anew
                Err(error) => return Err(Failure::permanent("end the clients", error.to_string()).at(&self.server)),
            }
        }
        Ok(0) // they come and go faster than they can be ended: none of them holds anything
    }
    async fn shut(&self, cx: &Ctx<'_>, main: &Session, holder: &Arc<Session>, before: &Before) -> Result<Outputs> {
        let dialect = dialect(cx.world, &self.server);
        let limit = self.lock_timeout.0;
        let fence = dialect.strongest_fence();
        let begin = Instant::now();
        holder.query(dialect.set_read_only(), limit).await.map_err(|failure| self.not_shut(failure))?;
        let token = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        main.query(&dialect.write_token(cx.run, PURPOSE, &token.to_string()), limit).await?;
        // clients go before the strongest lock: it would wait for their running statements
        let ended = self.end_clients(cx, main, dialect).await?;
        holder.query(fence.close, limit).await.map_err(|failure| self.not_shut(failure))?;
        if !is_closed(main, dialect).await? {
            return Err(
                Failure::permanent("close the server to writes", "it says that it is not read-only").at(&self.server)
            );
        }
        let own_log = own_transactions::at_fence(main, holder, dialect).await?;
        let position = &own_log.position;
        let millis = begin.elapsed().as_secs_f64() * 1e3;
        cx.progress.note(format!("closed at {position} in {millis:.1} ms, {ended} clients ended"));
        let mut outputs = Outputs::new();
        outputs.insert("position".into(), serde_json::to_value(position).unwrap_or_default());
        outputs.insert("own_log".into(), serde_json::to_string(&own_log).unwrap_or_default().into());
        outputs.insert("token".into(), u64::try_from(token).unwrap_or(0).into());
        outputs.insert("fence_ms".into(), millis.into());
        outputs.insert("event_scheduler".into(), if before.ran_events()? { "ON" } else { "OFF" }.into());
        Ok(outputs)
    }
}

#[async_trait]
impl Step for Fence {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let dialect = dialect(world, &self.server);
        let sql = |text: &str| Action::sql(&self.server, text);
        let mut actions = vec![Action::note("before the block begins:")];
        actions.extend(dialect.create_token_table().iter().map(|text| sql(text)));
        actions.extend(self.gate_actions(world));
        actions.push(Action::note("then:"));
        actions.extend([sql(dialect.read_only()), sql(dialect.event_scheduler())]);
        if let Some(config) = self.config(world) {
            actions.push(Action::note(format!(
                "set read_only = ON and event_scheduler = OFF in {} on {}",
                config.path, config.host
            )));
        }
        if !dialect.strongest_fence().held_by_session {
            actions
                .push(Action::note("if a runner that died has closed it before, so that the last row can be written:"));
            actions.extend([sql(dialect.set_read_only()), sql(dialect.strongest_fence().open)]);
        }
        actions.push(Action::note("if the event scheduler is on:"));
        actions.push(sql(dialect.set_event_scheduler(false)));
        actions.push(sql(&dialect.lock_wait_timeout(self.lock_seconds())));
        actions.extend(self.moment_actions(world));
        actions.push(sql(dialect.set_read_only()));
        actions.push(sql(&dialect.write_token(&run_marker(), PURPOSE, &marker::late("token"))));
        actions.push(sql(&dialect.killable_clients(&marker::late("own connections"))));
        actions.push(sql(&dialect.kill(&marker::late("each client"))));
        actions.push(sql(dialect.strongest_fence().close));
        actions.push(sql(dialect.read_only()));
        actions.extend([sql(dialect.binlog_position()), sql(dialect.own_log())]);
        actions.extend(after_fence::actions(&self.server, dialect));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        let mut actions = Vec::new();
        if let Some(replica) = &self.replica {
            actions.push(Action::sql(replica, dialect.read_only()));
        }
        actions.push(Action::sql(&self.server, dialect.strongest_fence().open));
        actions.push(Action::note("as they were before the fence:"));
        actions.push(Action::sql(&self.server, dialect.clear_read_only()));
        actions.push(Action::sql(&self.server, dialect.set_event_scheduler(true)));
        actions.extend(self.config(world).map(|config| config.preview_undo()).unwrap_or_default());
        actions
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        let (events, privileges) = (dialect.event_scheduler(), dialect.own_privileges());
        vec![Action::sql(&self.server, events), Action::sql(&self.server, privileges)]
    }

    fn unproved(&self, world: &World) -> Vec<String> {
        let mut unproved = vec![
            format!(
                "how long `{}` takes to close: writers wait behind the transactions that are open then",
                self.server
            ),
            "which clients must be ended".to_owned(),
        ];
        if let Some(ConfigFile { host, path }) = self.config(world) {
            unproved.push(format!(
                "that it is `{}` which reads {path} when it restarts: it is seen that a server of {host} does",
                self.server
            ));
        }
        unproved
    }

    /// Found out hours before it is needed: an account that may not close the server may not open it again either.
    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let dialect = dialect(cx.world, &self.server);
        let allowed = async {
            let session = cx.fx.sql(&self.server).await?;
            let events = answer::value(&session, dialect.event_scheduler()).await? == "ON";
            let privileges = dialect.fence_privileges(events);
            require(cx, &self.server, &privileges, "close the server when the time comes").await
        };
        let mut failures: Vec<Failure> = allowed.await.err().into_iter().collect();
        if let Some(config) = self.config(cx.world) {
            failures.extend(require_read(cx, &config).await.err());
        }
        failures
    }

    async fn prepare(&self, cx: &Ctx<'_>) -> Result<()> {
        let dialect = dialect(cx.world, &self.server);
        let main = cx.fx.sql(&self.server).await?;
        if !Self::fell_before(cx)? {
            for statement in dialect.create_token_table() {
                main.query(&statement, LOOK).await?;
            }
        }
        cx.fx.session(&self.server, HOLDER).await?;
        self.gate(cx, &main, dialect).await
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone) // the lock ends with the runner, so the fence is made anew, and its position with it
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let dialect = dialect(cx.world, &self.server);
        let main = cx.fx.sql(&self.server).await?;
        if Self::fell_before(cx)? && !dialect.strongest_fence().held_by_session {
            main.query(dialect.set_read_only(), LOOK).await?; // nobody but administrators gets in meanwhile
            main.query(dialect.strongest_fence().open, LOOK).await?;
        }
        let before = self.remember(cx, &main, dialect).await?;
        self.guard_file(cx).await?;
        let holder = cx.fx.session(&self.server, HOLDER).await?;
        self.stop_events(&before, &main, dialect).await?;
        holder.query(&dialect.lock_wait_timeout(self.lock_seconds()), LOOK).await?;
        self.moment(cx, &main, dialect).await?;
        self.shut(cx, &main, &holder, &before).await
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let Some(before) = Before::read(cx)? else { return Ok(()) };
        ConfigFile::backup(cx)?; // a damaged note must stop the undo before it touches anything
        self.replica_is_not_open(cx).await?;
        let dialect = dialect(cx.world, &self.server);
        if let Some(holder) = cx.fx.open_session(&self.server, HOLDER) {
            holder.query(dialect.strongest_fence().open, LOOK).await?;
            cx.fx.close_session(&self.server, HOLDER).await;
        }
        let main = cx.fx.sql(&self.server).await?;
        if !before.was_closed()? {
            main.query(dialect.clear_read_only(), LOOK).await?;
        }
        if before.ran_events()? {
            main.query(dialect.set_event_scheduler(true), LOOK).await?;
        }
        if let Some(config) = self.config(cx.world) {
            config.restore(cx).await?;
        }
        let now = answer::value(&main, dialect.read_only()).await?;
        if Dialect::closed(&now) == Some(before.was_closed()?) {
            cx.progress.note(format!("`{}` takes writes again", server(cx.world, &self.server)?.address));
            return Ok(());
        }
        Err(Failure::transient("open the server again", format!("read_only is {now}")).at(&self.server))
    }
}
