//! `copy`: brings a server's data to another, by the fastest engine that fits. A copy of files replaces the target's
//! data directory by a rename, and undo renames the old one back; statements are loaded into the running target, and
//! undo drops what they created.

mod arrival;
mod backup;
mod beside;
mod choice;
mod clone;
mod data_dir;
mod dump;
mod engine;
mod files;
mod login;
mod mydumper;
mod pace;
mod place;
mod settings;
mod ssh;
mod statements;

use crate::dialect::Dialect;
use crate::domain::units::Bytes;
use crate::error::{Failure, Result};
use crate::kinds::role::{CopiesFrom, CopiesTo, Role};
use crate::kinds::support::empty_server::require_empty;
use crate::kinds::support::place::dialect;
use crate::kinds::support::privileges::swap;
use crate::kinds::support::server_state;
use crate::kinds::support::volume::volume;
use crate::kinds::{
    Action, Complaint, CopyWay, Ctx, Finding, Need, Output, OutputType, Outputs, Probe, Reversibility, Step,
};
use crate::playbook::through::Through;
use crate::playbook::world::World;
use async_trait::async_trait;
use choice::{Choice, EngineName, choose, engines};
use engine::{Arrival, CopyEngine, Taken};
use place::Place;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    Output { name: "engine", kind: OutputType::Text, about: "Engine that made the copy." },
    Output {
        name: "position",
        kind: OutputType::Position,
        about: "Position in the source's binary log that the copy corresponds to.",
    },
    Output { name: "gtid", kind: OutputType::Text, about: "GTID set that the copy holds; empty if there is none." },
    Output { name: "bytes", kind: OutputType::Integer, about: "Bytes copied: of the files, or of the dump." },
    Output {
        name: "seconds",
        kind: OutputType::Number,
        about: "Duration of the copy in seconds: for files, until the server could start with them; for statements, \
                until all were loaded.",
    },
    Output {
        name: "old_data",
        kind: OutputType::Text,
        about: "Path of the old data directory until it is cleaned up; empty if none was replaced.",
    },
    Output {
        name: "brings",
        kind: OutputType::Text,
        about: "What the copy contains besides the databases, separated by spaces.",
    },
];

/// Copies the data of one server to another one, which must be empty. Engines that copy files copy everything:
/// databases, accounts, code, and settings that are kept in tables. The target is then restarted with the copy, closed
/// to writes and with its events off. Engines that load statements copy databases with their code and events into the
/// target while it keeps running.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "Files: the target is stopped, its old data directory is restored, the target is started again, and \
                the copy is removed. Statements: databases that did not exist before are dropped, and the drops are \
                not written to the binary log.",
    "examples" = [{ "from": "source", "to": "target" }]
))]
pub struct CopyServer {
    /// Source server.
    #[schemars(extend("format" = "server"))]
    from: String,
    /// Target server, which becomes the copy. It must be empty. For engines that copy files, the inventory must state
    /// its `data_dir`, `config_file` and `restart`.
    #[schemars(extend("format" = "server"))]
    to: String,
    /// How the data is copied.
    #[serde(default)]
    engine: EngineName,
    /// Most bytes per second to read on the source, such as `100MiB`. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<Bytes>,
    /// How many files (default: 4), or tables with `mydumper` (default: one for each processor of the target's host),
    /// are read in parallel. `dump` reads one table after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    parallel: Option<u16>,
    /// Tunnel through which the target (for `clone`) or its host (for `dump` and `mydumper`) reaches the source.
    /// Without it, `dump` and `mydumper` open an ssh tunnel of their own while they run. `mariabackup` and `xtrabackup`
    /// use ssh themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    through: Option<Through>,
    /// Databases to copy, for engines that load statements; empty means every user database. Databases that are left
    /// out must contain no tables. Engines that copy files always copy all databases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    databases: Vec<String>,
}

/// Files that are read at a time, unless the step says otherwise.
const FILES: u16 = 4;

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
        self.parallel.unwrap_or(FILES)
    }
    fn threads(&self) -> Option<u16> {
        self.parallel
    }
    fn through(&self) -> Option<&Through> {
        self.through.as_ref()
    }
    #[allow(dead_code, reason = "engines that load statements read it")]
    fn databases(&self) -> &[String] {
        &self.databases
    }
    fn limit(&self) -> Option<u64> {
        self.limit.map(|limit| limit.0)
    }
    fn choice(&self, world: &World) -> Choice {
        let no_files = self.no_files(world);
        choose(self.engine, dialect(world, &self.from), dialect(world, &self.to), no_files.as_deref())
    }
    /// Why no engine that brings files can be used, by what the inventory and the step say.
    fn no_files(&self, world: &World) -> Option<String> {
        if !self.databases.is_empty() {
            return Some("it copies every database, but `databases` names some".to_owned());
        }
        let missing = files::unstated(world.inventory.server(&self.to)?);
        (!missing.is_empty())
            .then(|| format!("the inventory does not state the {} of `{}`", missing.join(" and "), self.to))
    }
    fn engine(&self, world: &World) -> Result<&'static dyn CopyEngine> {
        self.choice(world).engine.map_err(|why| {
            Failure::refused("copy the server", why)
                .at(&self.to)
                .help("use the engine `dump`, which works with any pair of versions")
        })
    }
    /// The versions that both servers report.
    async fn actual(&self, cx: &Ctx<'_>) -> Result<(Dialect, Dialect)> {
        Ok((server_state::actual(cx, &self.from).await?, server_state::actual(cx, &self.to).await?))
    }
    /// Whether the engine fits the versions that the servers report: if the inventory states no version, it was chosen
    /// for the oldest supported one.
    async fn fits(&self, engine: &dyn CopyEngine, cx: &Ctx<'_>) -> Result<()> {
        let (source, target) = self.actual(cx).await?;
        match engine.unfit(source, target) {
            None => Ok(()),
            Some(why) => Err(Failure::refused(format!("copy the server by {}", engine.name()), why)
                .at(&self.to)
                .now("nothing was touched")
                .help(
                    "state the `version` of both servers in the inventory, or choose the engine `dump`, which works \
                     with any pair",
                )),
        }
    }
    fn complaints(&self, world: &World) -> Vec<Complaint> {
        let mut found = Vec::new();
        match self.engine(world) {
            Ok(engine) if engine.arrival() == Arrival::Files => {
                found.extend(files::complaints(self, world));
                if !self.databases.is_empty() {
                    let message = format!("{} copies every database: `databases` has no effect", engine.name());
                    found.push(
                        Complaint::new("databases", message).help("remove `databases`, or choose another engine"),
                    );
                }
            }
            Ok(_) => {}
            Err(failure) => {
                found.push(Complaint { help: failure.help, ..Complaint::new("engine", failure.answer) });
            }
        }
        if self.from == self.to {
            found.push(Complaint::new("to", "a server cannot be copied to itself").help("name two different servers"));
        }
        found
    }
    fn outputs(&self, cx: &Ctx<'_>, taken: &Taken, place: &Place) -> Result<Outputs> {
        let engine = self.engine(cx.world)?;
        let old = match engine.arrival() {
            Arrival::Files => files::old_data(self, cx)?,
            Arrival::Statements => String::new(),
        };
        Ok(Outputs::from_iter([
            ("engine".to_owned(), engine.name().into()),
            ("position".to_owned(), serde_json::to_value(&place.position).unwrap_or_default()),
            ("gtid".to_owned(), place.gtid.clone().into()),
            ("bytes".to_owned(), taken.bytes.into()),
            ("seconds".to_owned(), taken.seconds.into()),
            ("old_data".to_owned(), old.into()),
            ("brings".to_owned(), engine.arrival().brings().into()),
        ]))
    }
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
        let (Ok(engine), true) = (self.engine(world), complaints.is_empty()) else { return Err(complaints) };
        let mut actions =
            vec![Action::note(self.choice(world).why), Action::sql(&self.to, dialect(world, &self.to).objects())];
        actions.extend(engine.preview(self, world)?);
        actions.push(Action::sql(&self.from, dialect(world, &self.from).binary_logs()));
        if engine.arrival() == Arrival::Files {
            actions.extend(files::actions(engine, self, world));
        }
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let Ok(engine) = self.engine(world) else { return Vec::new() };
        let mut actions = engine.preview_undo(self, world);
        if engine.arrival() == Arrival::Files {
            actions.extend(files::undo_actions(self, world));
        }
        actions
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let volume = dialect(world, &self.from).total_size(&self.databases);
        let mut actions =
            vec![Action::sql(&self.to, dialect(world, &self.to).objects()), Action::sql(&self.from, volume)];
        if let Ok(engine) = self.engine(world) {
            actions.extend(engine.questions(self, world));
            if engine.arrival() == Arrival::Files {
                actions.extend(files::questions(self, world));
            }
        }
        actions
    }

    fn unproved(&self, world: &World) -> Vec<String> {
        let Ok(engine) = self.engine(world) else { return Vec::new() };
        let mut all = match engine.arrival() {
            Arrival::Statements => vec![
                format!("how long the copy takes, and that the disk of `{}` has room for the data", self.to),
                format!("that `{}` accepts every object of the copy", self.to),
                "that no table is altered meanwhile, which would make the copy fail".to_owned(),
            ],
            Arrival::Files => vec![format!("how long the copy takes, and that `{}` starts with it", self.to)],
        };
        all.extend(engine.unproved(self, world));
        all
    }

    fn settles(&self, world: &World) -> Vec<String> {
        match self.engine(world) {
            Ok(engine) if engine.arrival() == Arrival::Files => {
                ["read_only", "event_scheduler", "files"].map(|what| format!("{}.{what}", self.to)).into()
            }
            _ => Vec::new(),
        }
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let Ok(engine) = self.engine(world) else { return Vec::new() };
        let arrival = match engine.arrival() {
            Arrival::Files => swap::becoming_a_copy(world, &self.to),
            Arrival::Statements => swap::loading(world, &self.to),
        };
        arrival.into_iter().chain(engine.needs(self, world)).collect()
    }

    async fn survey(&self, cx: &Ctx<'_>) -> Result<Vec<Finding>> {
        let bytes = volume(cx, &self.from, &self.databases).await?.bytes;
        let (chosen, no_files) = (self.engine(cx.world)?, self.no_files(cx.world));
        let measured = chosen.rate(self, cx).await.unwrap_or_default();
        let [from, to] = [self.source_host(cx.world), self.target_host(cx.world)].map(str::to_owned);
        let (source, target) = self.actual(cx).await?;
        let way = |engine: &dyn CopyEngine| {
            let is_chosen = engine.name() == chosen.name();
            Finding::Copy(CopyWay {
                engine: engine.name().to_owned(),
                chosen: is_chosen,
                unfit: engine
                    .unfit(source, target)
                    .or_else(|| no_files.clone().filter(|_| engine.arrival() == Arrival::Files)),
                from: from.clone(),
                to: to.clone(),
                bytes,
                measured: measured.filter(|_| is_chosen),
            })
        };
        Ok(engines().map(way).collect())
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let mut failures = Vec::new();
        failures.extend(require_empty(cx, &self.to, "copy the server").await.err());
        match self.engine(cx.world) {
            Ok(engine) => {
                failures.extend(self.fits(engine, cx).await.err());
                failures.extend(engine.inspect(self, cx).await);
                if engine.arrival() == Arrival::Files {
                    failures.extend(files::faults(self, cx).await);
                }
            }
            Err(failure) => failures.push(failure),
        }
        failures.dedup();
        failures
    }

    /// Later steps rely on the position of the copy, and replication has changed it since: it is not made again.
    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        if cx.outputs.is_empty() {
            return Ok(Probe::NotDone);
        }
        match self.engine(cx.world)?.arrival() {
            Arrival::Files => Ok(Probe::Done(cx.outputs.clone())),
            Arrival::Statements => statements::writer(self).stands(cx).await,
        }
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let engine = self.engine(cx.world)?;
        let (taken, place) = match engine.arrival() {
            Arrival::Files => {
                if !cx.memo.flag(files::SWAP)? {
                    require_empty(cx, &self.to, "copy the server").await?;
                }
                let taken = engine.take(self, cx).await?;
                let place = files::take_place(engine, self, cx, &taken).await?;
                (taken, place)
            }
            Arrival::Statements => {
                let taken = engine.take(self, cx).await?;
                let place = engine.stands_at(self, cx, &taken).await?;
                (taken, place)
            }
        };
        cx.progress.note(format!("{} is a copy of {} at {}", self.to, self.from, place.position));
        self.outputs(cx, &taken, &place)
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let engine = self.engine(cx.world)?;
        engine.undo(self, cx).await?;
        match engine.arrival() {
            Arrival::Files => files::give_back(self, cx).await,
            Arrival::Statements => Ok(()),
        }
    }
}
