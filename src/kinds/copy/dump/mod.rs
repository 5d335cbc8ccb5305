//! `dump`: a consistent dump of explicit databases with its position in the source's binary log.

mod admission;
pub(in crate::kinds::copy) mod head;
mod ready;
pub(in crate::kinds::copy) mod script;
mod trial;

use crate::dialect::{Databases, Gtid, Late};
use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::{Contents, Script, Words};
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::role::{CopiesFrom, Role};
use crate::kinds::support::log_kept::require_log;
use crate::kinds::support::long_work::{self, Work};
use crate::kinds::support::place::{
    authority, dialect, dump_dir, is_file, job_dir, make_own_folder, option_file, option_file_with_session,
    remove_empty, server, size_of, verify_at,
};
use crate::kinds::support::privileges::swap;
use crate::kinds::support::volume::volume;
use crate::kinds::{Action, Complaint, Ctx, Finding, Need, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::inventory::Verify;
use crate::playbook::position::Position;
use crate::playbook::through::Through;
use crate::playbook::world::World;
use crate::sh;
use async_trait::async_trait;
use schemars::JsonSchema;
use script::{Dumping, Route};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    Output {
        name: "file",
        kind: OutputType::Text,
        about: "Path of the dump, compressed with zstd, on the host where the dump program ran.",
    },
    Output {
        name: "position",
        kind: OutputType::Position,
        about: "Position in the source's binary log that the dump corresponds to.",
    },
    Output {
        name: "gtid",
        kind: OutputType::Text,
        about: "With `gtid: true`, the GTID set that the dump contains; otherwise empty.",
    },
    Output { name: "bytes", kind: OutputType::Integer, about: "Size of the compressed file in bytes." },
];

/// Prints the first lines of a dump: where rows begin among them, a line may be as long as a packet.
fn head_of(file: &Words) -> Script {
    sh!("zstd -dcq -- {} | head -n 120 | LC_ALL=C cut -b 1-30000", argument(file))
}

/// Makes a consistent dump of databases while the application writes to them, and records the position in the source's
/// binary log.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The dump is removed.",
    "examples" = [{ "server": "source", "on": "target", "through": "tunnel" }]
))]
pub struct Dump {
    /// Server to dump.
    #[schemars(extend("format" = "server"))]
    server: String,
    /// Dump program; the one of the server's own family is used.
    #[serde(default)]
    tool: Tool,
    /// Databases to dump; empty means every user database. Databases that are left out must contain no tables, because
    /// replication includes all databases.
    #[serde(default)]
    databases: Vec<String>,
    /// Host on which the program runs and the file is stored, or a server on that host. Default: the host of the dumped
    /// server.
    #[serde(default)]
    #[schemars(extend("format" = "host-or-server"))]
    on: Option<String>,
    /// Tunnel through which that host reaches the server. Without it, the step opens an ssh tunnel of its own while it
    /// runs.
    #[serde(default)]
    through: Option<Through>,
    /// Connect to the server directly with TLS, and verify its certificate (`tls.ca` of the server).
    #[serde(default)]
    tls: bool,
    /// Also record the GTID set that the dump contains, for a `change_source` with `gtid`. The import of such a dump is
    /// not written to the binary log.
    #[serde(default)]
    gtid: bool,
    /// Folder for the file. Like `work_dir`, other accounts must not be able to write to it. Default: a folder below
    /// the host's `dump_dir`.
    #[serde(default)]
    directory: Option<String>,
}

/// The dump program.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Tool {
    /// `mysqldump`, or `mariadb-dump` for a `MariaDB` server.
    #[default]
    Mysqldump,
}

impl Dump {
    /// What a copy has in common with a dump: how its program on the host of server `on` reads `server`.
    pub(in crate::kinds::copy) fn of_copy(
        server: &str,
        on: &str,
        databases: &[String],
        through: Option<&Through>,
    ) -> Self {
        Self {
            server: server.to_owned(),
            tool: Tool::default(),
            databases: databases.to_vec(),
            on: Some(on.to_owned()),
            through: through.cloned(),
            tls: false,
            gtid: false,
            directory: None,
        }
    }
    fn host<'a>(&'a self, world: &'a World) -> &'a str {
        world.inventory.host_of(self.on.as_deref().unwrap_or(&self.server))
    }
    fn dir(&self, world: &World, run: &str, step: &str) -> Words {
        job_dir(world, self.host(world), run, step)
    }
    /// The folder for the file, where it is not the job's own.
    fn folder_apart(&self, world: &World, run: &str) -> Option<Words> {
        let apart = || {
            let host = world.inventory.host(self.host(world))?;
            (host.dumps() != &host.work_dir).then(|| dump_dir(world, self.host(world), run))
        };
        self.directory.as_ref().map(|stated| stated.trim_end_matches('/').into()).or_else(apart)
    }
    fn file(&self, world: &World, run: &str, step: &str) -> Words {
        let folder = self.folder_apart(world, run).unwrap_or_else(|| self.dir(world, run, step));
        folder.then(format!("/{step}-{run}.sql.zst"))
    }
    /// The folder that this run alone has for its dumps, where it has one.
    fn own_folder_of_run(&self, world: &World, run: &str) -> Option<Words> {
        self.folder_apart(world, run).filter(|_| self.directory.is_none())
    }
    /// Sees to that folder, if it is a folder apart.
    fn folder_command(&self, world: &World, run: &str) -> Option<Script> {
        self.folder_apart(world, run).map(make_own_folder)
    }
    /// What is removed when the step is undone.
    fn left(&self, world: &World, run: &str, step: &str) -> [Words; 3] {
        let (dir, file) = (self.dir(world, run, step), self.file(world, run, step));
        [file.clone(), file.then(".part"), long_work::option_file(&dir)]
    }
    /// How the program reaches the server.
    pub(in crate::kinds::copy) fn route(&self, world: &World) -> Result<Route, Failure> {
        let source = server(world, &self.server)?;
        if let Some(through) = &self.through {
            return Ok(Route::Address(through.listen.clone()));
        }
        if self.host(world) == source.host {
            return Ok(Route::Address(source.address.clone()));
        }
        if self.tls {
            return Ok(Route::Address(source.endpoint().to_owned()));
        }
        Route::by_own_tunnel(world, self.host(world), source)
    }
    /// The job's script; `databases` and `before` may be markers.
    fn script(&self, world: &World, route: &Route, databases: &Script, before: Option<&str>, file: &Words) -> Script {
        let gtid = if self.gtid { Gtid::Required } else { Gtid::Off };
        self.dumping(world, route, databases, gtid, before).script(file)
    }
    /// The options of the program.
    pub(in crate::kinds::copy) fn dumping<'a>(
        &self,
        world: &World,
        route: &'a Route,
        databases: &'a Script,
        gtid: Gtid,
        before: Option<&'a str>,
    ) -> Dumping<'a> {
        let dialect = dialect(world, &self.server);
        Dumping { dialect, route, tls: self.is_encrypted(world, route), gtid, databases, before }
    }
    /// The databases as words of a command line; `found` is what the server holds, once it is asked.
    pub(in crate::kinds::copy) fn words(&self, found: Option<&[String]>) -> Script {
        let about = format!("every user database of {}", self.server);
        match found {
            _ if !self.databases.is_empty() => Script::words(&self.databases),
            Some(names) => Script::found(about, &Script::words(names)),
            None => Script::late(about),
        }
    }
    /// Whether the program encrypts its connection: asked for here, or where it leaves its host and the inventory has `tls`.
    fn is_encrypted(&self, world: &World, route: &Route) -> bool {
        self.tls || verify_at(world, &self.server, self.host(world), route.address()).is_some()
    }
    /// How the program logs in.
    pub(in crate::kinds::copy) fn option_file(&self, world: &World, route: &Route) -> Result<Contents, Failure> {
        let source = server(world, &self.server)?;
        let password = source.password.as_ref();
        let tls = if self.is_encrypted(world, route) {
            let by_name = self.tls || source.tls.as_ref().is_none_or(|tls| tls.verify == Verify::Name);
            dialect(world, &self.server).client_tls(authority(world, &self.server)?, by_name)
        } else {
            Contents::default()
        };
        let (dialect, user, address) = (dialect(world, &self.server), &source.user, route.address());
        let login = if dialect.is_mariadb() {
            option_file_with_session(user, password, address, &dialect.dump_session())
        } else {
            option_file(user, password, address)
        };
        Ok(login.then(tls))
    }
    /// The databases that are read.
    pub(in crate::kinds::copy) async fn chosen(&self, cx: &Ctx<'_>) -> Result<Vec<String>> {
        if !self.databases.is_empty() {
            return Ok(self.databases.clone());
        }
        let session = cx.fx.sql(&self.server).await?;
        let rows = session.query(&dialect(cx.world, &self.server).user_databases(), LOOK).await?;
        let names: Vec<String> = rows.iter().filter_map(|row| row.get("name").map(str::to_owned)).collect();
        if names.is_empty() {
            return Err(Failure::refused("dump the databases", "the server has no user database").at(&self.server));
        }
        Ok(names)
    }
    /// The result of a finished job: the complete file, and its binlog position.
    async fn outcome(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let host = cx.fx.host(self.host(cx.world)).await?;
        let file = self.file(cx.world, cx.run, cx.step);
        let head = host.print(&head_of(&file)).await?;
        let position = head::position(&head).map_err(|answer| {
            Failure::permanent("find the binlog position in the dump", answer).at(host.name()).help(
                "the source must write a binary log, and the account needs RELOAD and REPLICATION CLIENT (BINLOG MONITOR)",
            )
        })?;
        require_log(cx, &self.server, &position).await?;
        let size = host.print(&size_of(&file)).await?;
        let bytes: u64 = size.trim().parse().map_err(|_| {
            Failure::permanent("read the size of the dump", format!("stat printed `{}`", size.trim())).at(host.name())
        })?;
        cx.progress.note(format!("dumped to {position}"));
        let mut outputs = Outputs::new();
        outputs.insert("file".into(), host.place(&file).await?.into());
        outputs.insert("position".into(), serde_json::to_value(&position).unwrap_or_default());
        outputs.insert("gtid".into(), self.gtid(cx, &head, &position).await?.into());
        outputs.insert("bytes".into(), bytes.into());
        Ok(outputs)
    }
    /// The GTID set that the dump holds, if it was asked for.
    async fn gtid(&self, cx: &Ctx<'_>, head: &str, position: &Position) -> Result<String> {
        if !self.gtid {
            return Ok(String::new());
        }
        let set = match dialect(cx.world, &self.server).gtid_at(&position.file, &position.offset) {
            Some(ask) => cx.fx.sql(&self.server).await?.query(&ask, LOOK).await?.value().map(str::to_owned),
            None => head::gtid(head),
        };
        set.filter(|set| !set.is_empty()).ok_or_else(|| {
            Failure::permanent("find the dump's GTID set", format!("the server has no GTID set for {position}"))
                .at(&self.server)
                .help("MySQL needs gtid_mode = ON; a server that has never written with GTIDs is followed by position")
        })
    }
}

#[async_trait]
impl Step for Dump {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        vec![CopiesFrom { server: self.server.clone() }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let route = self
            .route(world)
            .map_err(|failure| vec![Complaint { help: failure.help, ..Complaint::new("on", failure.answer) }])?;
        let dialect = dialect(world, &self.server);
        let (host, run) = (self.host(world), crate::kinds::support::place::run_marker());
        let asked: &dyn Databases = if self.databases.is_empty() { &Late } else { &self.databases };
        let mut actions = Vec::new();
        if self.databases.is_empty() {
            actions.push(Action::sql(&self.server, dialect.user_databases()));
        }
        actions.push(Action::sql(&self.server, dialect.total_size(asked)));
        let dir = self.dir(world, &run, &marker::late("step"));
        let options = self
            .option_file(world, &route)
            .map_err(|failure| vec![Complaint { help: failure.help, ..Complaint::new("tls", failure.answer) }])?;
        actions.push(Action::file(host, long_work::option_file(&dir), &options));
        let file = self.file(world, &run, &marker::late("step"));
        actions.extend(self.folder_command(world, &run).map(|command| Action::command(host, command)));
        actions.extend(self.ready_actions(dialect));
        let before = self.sequences_planned(dialect);
        actions.extend(dialect.sequences(asked).map(|text| Action::sql(&self.server, text)));
        let script = self.script(world, &route, &self.words(None), before.as_deref(), &file);
        actions.push(Action::job(host, &dir, script, script::PROGRESS));
        actions.extend(long_work::option_file_actions(host, &dir));
        actions.push(Action::look(host, is_file(&file)));
        actions.push(Action::look(host, head_of(&file)));
        actions.push(Action::look(host, size_of(&file)));
        actions.push(Action::sql(&self.server, dialect.binary_logs()));
        let late = |name: &str| marker::late(&format!("the dump's {name}"));
        let gtid = dialect.gtid_at(late("file"), late("offset")).filter(|_| self.gtid);
        actions.extend(gtid.map(|ask| Action::sql(&self.server, ask)));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let (host, run, step) = (self.host(world), crate::kinds::support::place::run_marker(), marker::late("step"));
        let mut actions: Vec<Action> =
            self.left(world, &run, &step).into_iter().map(|path| Action::remove(host, path)).collect();
        actions.push(Action::end(host, self.dir(world, &run, &step)));
        actions.extend(self.own_folder_of_run(world, &run).map(|folder| Action::command(host, remove_empty(folder))));
        actions
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let mut actions = self.admission_questions(world);
        let host = self.host(world);
        actions.push(Action::note(format!(
            "dump only the definitions on {host}, and discard the output: with the same program and account"
        )));
        actions.extend(self.trial_action(world));
        actions
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        swap::dumping(world, &self.server)
    }

    fn unproved(&self, world: &World) -> Vec<String> {
        let host = self.host(world);
        let mut unproved = vec![
            format!("how long the dump takes, and how large the file on {host} becomes: its size is only estimated"),
            "that no table is altered meanwhile, which would make the dump fail".to_owned(),
        ];
        if self.databases.is_empty() {
            unproved.push(format!("which databases exist: `{}` is asked when the step runs", self.server));
        }
        unproved
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let mut failures = self.admission(cx).await;
        if failures.is_empty() {
            failures.extend(self.trial(cx).await.err()); // what stands in its way already would be told in other words
        }
        failures
    }

    async fn survey(&self, cx: &Ctx<'_>) -> Result<Vec<Finding>> {
        let volume = volume(cx, &self.server, &self.chosen(cx).await?).await?;
        Ok(vec![Finding::Volume(volume)])
    }

    /// Other steps use the position of a dump that once succeeded: even if its file is lost, a new dump would not match
    /// them. An import that still needs the file reports that it is missing.
    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        if !cx.outputs.is_empty() {
            return Ok(Probe::Done(cx.outputs.clone()));
        }
        let (host, dir) = (self.host(cx.world), self.dir(cx.world, cx.run, cx.step));
        let file = self.file(cx.world, cx.run, cx.step);
        let made =
            long_work::ended_well(cx, host, &dir).await? && cx.fx.host(host).await?.succeeds(&is_file(&file)).await?;
        if made { self.outcome(cx).await.map(Probe::Done) } else { Ok(Probe::NotDone) }
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let (dir, file) = (self.dir(cx.world, cx.run, cx.step), self.file(cx.world, cx.run, cx.step));
        let route = self.route(cx.world)?;
        let databases = self.chosen(cx).await?;
        let total = volume(cx, &self.server, &databases).await?.bytes;
        let host = cx.fx.host(self.host(cx.world)).await?;
        if let Some(command) = self.folder_command(cx.world, cx.run) {
            host.print(&command).await?;
        }
        host.write_file(long_work::option_file(&dir), &self.option_file(cx.world, &route)?, Some(0o600)).await?;
        self.make_ready(cx).await?;
        let before = self.sequences(cx, &databases).await?;
        let script = self.script(cx.world, &route, &self.words(Some(&databases)), before.as_deref(), &file);
        let host_name = self.host(cx.world);
        let work = Work {
            attempted: "dump the databases",
            host: host_name,
            dir: &dir,
            script: &script,
            progress: &script::PROGRESS.into(),
            total: Some(total),
        };
        let ran = work.run(cx).await;
        long_work::tidied(cx, host_name, &dir, ran).await?;
        long_work::ask_afterwards(|| self.outcome(cx)).await
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let host = cx.fx.host(self.host(cx.world)).await?;
        for path in self.left(cx.world, cx.run, cx.step) {
            host.remove_file(path).await?;
        }
        host.clear_job(&self.dir(cx.world, cx.run, cx.step)).await?;
        match self.own_folder_of_run(cx.world, cx.run) {
            Some(folder) => host.print(&remove_empty(folder)).await.map(drop),
            None => Ok(()),
        }
    }
}
