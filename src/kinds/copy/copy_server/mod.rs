//! `copy`: brings a whole server's data to another, by the fastest engine that fits; the copy takes the place of the target's
//! data directory by a rename, and so does the old one when it is taken back.

mod arrival;
mod backup;
mod choice;
mod data_dir;
mod engine;
mod login;
mod ssh;

use crate::dialect::{Dialect, Every};
use crate::domain::Contents;
use crate::domain::Words;
use crate::domain::units::Bytes;
use crate::error::{Failure, Result};
use crate::kinds::role::{CopiesFrom, CopiesTo, Role};
use crate::kinds::support::config_file::ConfigFile;
use crate::kinds::support::empty_server::require_empty;
use crate::kinds::support::option_file;
use crate::kinds::support::place::{dialect, server};
use crate::kinds::support::privileges::swap;
use crate::kinds::support::volume::volume;
use crate::kinds::support::{server_command, server_state};
use crate::kinds::{Action, Complaint, Ctx, Finding, Need, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use async_trait::async_trait;
use choice::{Choice, EngineName, choose};
use data_dir::Way;
use engine::{CopyEngine, Taken};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    Output { name: "engine", kind: OutputType::Text, about: "What made the copy." },
    Output { name: "position", kind: OutputType::Position, about: "Where in the source's binary log the copy stands." },
    Output {
        name: "gtid",
        kind: OutputType::Text,
        about: "The GTID set that the copy holds; empty where there is none.",
    },
    Output { name: "bytes", kind: OutputType::Integer, about: "Size of the copied files in bytes." },
    Output {
        name: "seconds",
        kind: OutputType::Number,
        about: "Seconds that the copy took, until it was ready to start.",
    },
    Output {
        name: "old_data",
        kind: OutputType::Text,
        about: "Where the old data directory lies until it is cleaned up.",
    },
    Output {
        name: "brings",
        kind: OutputType::Text,
        about: "What the copy brings beside the databases, separated by spaces.",
    },
];

/// Key of the memo: that the data directories are being swapped, or have been.
const SWAP: &str = "swap";
/// What copied files bring beside databases.
const BRINGS: &str = "accounts events";
/// Longest time to rename two folders, beside that for the server to end.
const RENAME: std::time::Duration = std::time::Duration::from_mins(2);

/// Copies everything that a server holds to another one, which must be empty: databases, accounts, code, settings kept in
/// tables. The other server is restarted with it, closed to writes and with its events off.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The server is stopped, its old data directory is put back in its place, and it is started again; the copy is removed.",
    "examples" = [{ "from": "source", "to": "target" }]
))]
pub struct CopyServer {
    /// Server that is copied.
    #[schemars(extend("format" = "server"))]
    from: String,
    /// Server that becomes its copy. It must hold nothing; the inventory must state its `data_dir`, `config_file` and `restart`.
    #[schemars(extend("format" = "server"))]
    to: String,
    /// How the data is copied.
    #[serde(default)]
    engine: EngineName,
    /// Most bytes a second that are read on the source, such as `100MiB`. Default: as fast as it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<Bytes>,
    /// Files that are read at a time.
    #[serde(default = "four")]
    #[schemars(range(min = 1, max = 64))]
    parallel: u16,
}

fn four() -> u16 {
    4
}

impl CopyServer {
    fn source(&self) -> &str {
        &self.from
    }
    fn target(&self) -> &str {
        &self.to
    }
    fn source_host<'a>(&'a self, world: &'a World) -> &'a str {
        world.inventory.host_of(&self.from)
    }
    fn target_host<'a>(&'a self, world: &'a World) -> &'a str {
        world.inventory.host_of(&self.to)
    }
    fn parallel(&self) -> u16 {
        self.parallel
    }
    fn limit(&self) -> Option<u64> {
        self.limit.map(|limit| limit.0)
    }
    /// The target's data directory.
    fn data<'a>(&self, world: &'a World) -> Result<&'a str> {
        let missing = || {
            Failure::permanent("copy the server", format!("server `{}` has no `data_dir` in the inventory", self.to))
                .help("state it: the copy takes its place")
        };
        server(world, &self.to)?.data_dir.as_deref().map(|data| data.trim_end_matches('/')).ok_or_else(missing)
    }
    fn choice(&self, world: &World) -> Choice {
        choose(self.engine, dialect(world, &self.from), dialect(world, &self.to))
    }
    fn engine(&self, world: &World) -> Result<&'static dyn CopyEngine> {
        self.choice(world).engine.map_err(|why| {
            Failure::refused("copy the server", why)
                .at(&self.to)
                .help("use `dump` and `import`, which take any pair of versions")
        })
    }
    /// The target's file, and what it is to hold while the copy starts for the first time.
    fn file<'a>(&self, world: &'a World) -> Result<ConfigFile<'a>> {
        let missing = || {
            Failure::permanent("copy the server", format!("server `{}` has no `config_file` in the inventory", self.to))
                .help("state it: the copy is started closed, with its events off")
        };
        let target = server(world, &self.to)?;
        let path = target.config_file.as_deref().ok_or_else(missing)?;
        Ok(ConfigFile { host: &target.host, path })
    }
    fn complaints(&self, world: &World) -> Vec<Complaint> {
        let of =
            |field: &str, failure: Failure| Complaint { help: failure.help, ..Complaint::new(field, failure.answer) };
        let mut found = Vec::new();
        found.extend(self.engine(world).err().map(|failure| of("engine", failure)));
        found.extend(self.data(world).err().map(|failure| of("to", failure)));
        found.extend(self.file(world).err().map(|failure| of("to", failure)));
        if server(world, &self.to).is_ok_and(|server| server.restart.is_empty()) {
            let message = format!("server `{}` has no `restart` command in the inventory", self.to);
            found.push(Complaint::new("to", message).help("such as `restart: [systemctl, restart, mariadb]`"));
        }
        if self.from == self.to {
            found.push(Complaint::new("to", "a server is not copied to itself").help("name two servers"));
        }
        found
    }
    fn edited(dialect: Dialect, data: &str) -> Contents {
        let lines = arrival::lines(dialect, &data_dir::login_file(data));
        let lines: Vec<String> = lines.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let text = format!("what it holds, with these lines set for the server: {}", lines.join(", "));
        Contents::plain(Words::late(text))
    }
    /// Writes what the copy needs for its first start, and lets it take the place of the data directory.
    async fn swap(&self, cx: &Ctx<'_>) -> Result<()> {
        let (target, data) = (server(cx.world, &self.to)?, self.data(cx.world)?);
        let (dialect, suffix) = (dialect(cx.world, &self.to), data_dir::suffix(cx.run, cx.step));
        let host = cx.fx.host(&target.host).await?;
        if !cx.memo.flag(SWAP)? {
            let login = login::file(cx, &self.to).await?;
            let uuid = arrival::own_uuid(cx, &self.to).await?.map(Words::from);
            let script = data_dir::hand_over(data, &suffix, uuid);
            let ran = host.run_within(&script, Some(&login), RENAME).await?;
            succeeded(&ran, "hand the copy over to the server", &target.host)?;
            let file = self.file(cx.world)?;
            let text = file.read(cx).await?.unwrap_or_default();
            let lines = arrival::lines(dialect, &data_dir::login_file(data));
            let text = option_file::set(&text, lines.iter().map(|(name, value)| (*name, value.as_str())));
            file.replace(cx, &Contents::plain(text), None).await?;
            cx.memo.set(SWAP, true.into()).await?;
        }
        self.rename(cx, Way::There).await?;
        server_state::restart(cx, &self.to).await
    }
    async fn rename(&self, cx: &Ctx<'_>, way: Way) -> Result<()> {
        let (target, data) = (server(cx.world, &self.to)?, self.data(cx.world)?);
        let script = data_dir::swap(target, data, &data_dir::suffix(cx.run, cx.step), way);
        let host = cx.fx.host(&target.host).await?;
        let limit = target.restart_limit().0 + RENAME;
        succeeded(&host.run_within(&script, None, limit).await?, "swap the data directories", &target.host)
    }
    /// Takes the first start's line and file away.
    async fn settle(&self, cx: &Ctx<'_>) -> Result<()> {
        let (target, data) = (server(cx.world, &self.to)?, self.data(cx.world)?);
        let file = self.file(cx.world)?;
        let text = file.read(cx).await?.unwrap_or_default();
        // first the line, then the file: a server does not start without a file that it is told to read
        let login_file = data_dir::login_file(data);
        file.replace(cx, &Contents::plain(arrival::without_login(&text, &login_file)), None).await?;
        cx.fx.host(&target.host).await?.print(&data_dir::remove_login_file(data)).await.map(drop)
    }
    fn outputs(&self, cx: &Ctx<'_>, taken: &Taken) -> Result<Outputs> {
        let old = data_dir::old_name(self.data(cx.world)?, &data_dir::suffix(cx.run, cx.step));
        Ok(Outputs::from_iter([
            ("engine".to_owned(), self.engine(cx.world)?.name().into()),
            ("position".to_owned(), serde_json::to_value(&taken.position).unwrap_or_default()),
            ("gtid".to_owned(), taken.gtid.clone().into()),
            ("bytes".to_owned(), taken.bytes.into()),
            ("seconds".to_owned(), taken.seconds.into()),
            ("old_data".to_owned(), old.to_string().into()),
            ("brings".to_owned(), BRINGS.into()),
        ]))
    }
}

fn succeeded(ran: &crate::effects::Ran, attempted: &str, host: &str) -> Result<()> {
    if ran.code == Some(0) {
        return Ok(());
    }
    let said = ran.stderr.trim().lines().last().unwrap_or("it said nothing").to_owned();
    Err(Failure::permanent(attempted, said).at(host).help("the old data directory is kept: `rollback` puts it back"))
}

#[async_trait]
impl Step for CopyServer {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        let loads = CopiesTo { server: self.to.clone(), logged: false };
        vec![CopiesFrom { server: self.from.clone() }.into(), loads.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let complaints = self.complaints(world);
        let (Ok(engine), Ok(data), Ok(file), Ok(target), true) =
            (self.engine(world), self.data(world), self.file(world), server(world, &self.to), complaints.is_empty())
        else {
            return Err(complaints);
        };
        let (dialect, suffix, host) = (dialect(world, &self.to), data_dir::planned_suffix(), &target.host);
        let mut actions = vec![Action::note(self.choice(world).why), Action::sql(&self.to, dialect.objects())];
        actions.extend(engine.preview(self, world)?);
        actions.push(Action::sql(&self.from, self::dialect(world, &self.from).binary_logs()));
        actions.extend(login::actions(world, &self.to));
        actions.extend(arrival::own_uuid_action(world, &self.to));
        let uuid = arrival::own_uuid_action(world, &self.to).map(|_| Words::late("its server_uuid"));
        actions.push(Action::command_with(host, data_dir::hand_over(data, &suffix, uuid), &login::planned()));
        actions.extend(file.preview(&Self::edited(dialect, data)));
        actions.push(Action::command(host, data_dir::swap(target, data, &suffix, Way::There)));
        actions.extend(server_command::restart_actions(target));
        actions.extend(arrival::actions(world, &self.from, &self.to));
        actions.push(Action::command(host, data_dir::remove_login_file(data)));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let (Ok(engine), Ok(data), Ok(file), Ok(target)) =
            (self.engine(world), self.data(world), self.file(world), server(world, &self.to))
        else {
            return Vec::new();
        };
        let mut actions = engine.preview_undo(self, world);
        actions.extend(file.preview_undo());
        let swap = data_dir::swap(target, data, &data_dir::planned_suffix(), Way::Back);
        actions.push(Action::command(&target.host, swap));
        actions.extend(server_command::restart_actions(target));
        actions.push(Action::sql(&self.to, dialect(world, &self.to).version()));
        actions
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let volume = dialect(world, &self.from).total_size(&Every);
        let mut actions =
            vec![Action::sql(&self.to, dialect(world, &self.to).objects()), Action::sql(&self.from, volume)];
        if let Ok(engine) = self.engine(world) {
            actions.extend(engine.questions(self, world));
        }
        if let Ok(target) = server(world, &self.to) {
            actions.extend(server_command::questions(target, true));
        }
        actions
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![format!("how long the copy takes, and that `{}` starts with it", self.to)]
    }

    fn settles(&self, _: &World) -> Vec<String> {
        vec![format!("{}.read_only", self.to), format!("{}.event_scheduler", self.to)]
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let mut needs = swap::becoming_a_copy(world, &self.to);
        if let Ok(engine) = self.engine(world) {
            needs.extend(engine.needs(self, world));
        }
        needs
    }

    async fn survey(&self, cx: &Ctx<'_>) -> Result<Vec<Finding>> {
        Ok(vec![Finding::Volume(volume(cx, &self.from, &Every).await?)])
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let mut failures = Vec::new();
        failures.extend(require_empty(cx, &self.to, "copy the server").await.err());
        match (self.engine(cx.world), server(cx.world, &self.to)) {
            (Ok(engine), Ok(target)) => {
                failures.extend(engine.inspect(self, cx).await);
                let commands = server_command::faults(cx, &self.to, target, true).await;
                failures.extend(commands.unwrap_or_else(|failure| vec![failure]));
            }
            (engine, target) => failures.extend(engine.err().into_iter().chain(target.err())),
        }
        failures.dedup();
        failures
    }

    /// What came after the copy stands on its place, and replication has changed it since: it is not made again.
    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        if cx.outputs.is_empty() { Ok(Probe::NotDone) } else { Ok(Probe::Done(cx.outputs.clone())) }
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let engine = self.engine(cx.world)?;
        if !cx.memo.flag(SWAP)? {
            require_empty(cx, &self.to, "copy the server").await?;
        }
        let taken = engine.take(self, cx).await?;
        self.swap(cx).await?;
        arrival::set_right(cx, &self.from, &self.to, &taken.gtid).await?;
        self.settle(cx).await?;
        cx.progress.note(format!("{} is a copy of {} at {}", self.to, self.from, taken.position));
        self.outputs(cx, &taken)
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        self.engine(cx.world)?.undo(self, cx).await?;
        let begun = self.file(cx.world)?.restore(cx).await?;
        cx.fx.close_session(&self.to, "main").await;
        self.rename(cx, Way::Back).await?;
        if begun {
            server_state::restart(cx, &self.to).await?;
        }
        Ok(())
    }
}
