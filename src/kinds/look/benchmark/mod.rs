//! `benchmark`: measures a disk with fio and refuses to go on when it is too slow for a database.

mod fio;

use crate::dialect::{Dialect, Every};
use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::units::{Bytes, Span};
use crate::domain::{Script, Sql};
use crate::effects::places;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::role::{MeasuresDisk, Role};
use crate::kinds::support::long_work::Work;
use crate::kinds::support::place::{is_installed, job_dir, run_marker};
use crate::kinds::support::trial_write;
use crate::kinds::{Action, Complaint, Ctx, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::inventory::Server;
use crate::playbook::world::World;
use crate::sh;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    Output {
        name: "read_iops",
        kind: OutputType::Number,
        about: "Random 16 KiB reads per second, measured together with the writes.",
    },
    Output {
        name: "write_iops",
        kind: OutputType::Number,
        about: "Random 16 KiB writes per second, measured together with the reads.",
    },
    Output { name: "fsync_p99_ms", kind: OutputType::Number, about: "99th percentile of the fdatasync time, in ms." },
];

/// Files in the job's folder that fio writes.
const REPORTS: [&str; 2] = ["random.json", "commit.json"];

/// Measures a disk with fio: first random 16 KiB reads and writes, then small writes that are each made durable.
/// Refuses to continue if the disk is too slow. Put it first, before any step that changes something.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "There is nothing to undo: the test file is removed.",
    "examples" = [{ "host": "{{ servers.target.host }}", "directory": "{{ servers.target.data_dir }}", "require": { "write_iops": 10000, "fsync_p99": "5ms" } }]
))]
pub struct Benchmark {
    /// Host of the disk to measure.
    #[schemars(extend("format" = "host"))]
    host: String,
    /// Folder on the disk, usually the server's data directory.
    directory: String,
    /// Size of the test file; it is removed afterwards.
    #[serde(default = "four_gib")]
    #[schemars(extend("default" = "4GiB"))]
    size: Bytes,
    /// Time for the random job; the fsync job takes half of it.
    #[serde(default = "one_minute")]
    duration: Span,
    /// What the disk must reach.
    #[serde(default)]
    require: Require,
    /// Measure even if a server with data uses the same folder.
    #[serde(default)]
    allow_live_disk: bool,
    /// Measure through the page cache if the file system refuses direct access; the figures are then better than the
    /// disk is.
    #[serde(default)]
    allow_buffered: bool,
}

/// What a disk must reach.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Require {
    /// Minimum of random 16 KiB writes per second.
    write_iops: Option<f64>,
    /// Minimum of random 16 KiB reads per second.
    read_iops: Option<f64>,
    /// Maximum of the fdatasync time (99th percentile).
    fsync_p99: Option<Span>,
}

/// Defines `measure_in`, by the functions of [`places`].
const FOLDER: &str = include_str!("folder.sh");

fn four_gib() -> Bytes {
    Bytes(4 << 30)
}
fn one_minute() -> Span {
    Span(Duration::from_mins(1))
}

impl Benchmark {
    fn file(&self, run: &str, step: &str) -> String {
        format!("{}/.cutover-fio-{run}-{step}", self.directory.trim_end_matches('/'))
    }
    fn script(&self, file: &str) -> Script {
        let name = format!("./{}", file.rsplit('/').next().unwrap_or_default());
        let [random, commit] = fio::jobs(&name, self.size.0, self.duration.0, !self.allow_buffered).map(Script::words);
        sh!(
            "{}{}measure_in {} || exit\ntrap {} EXIT HUP INT TERM\nset -e\n\
             $set_user {} > \"$reports/random.json\"\n$set_user {} > \"$reports/commit.json\"\n",
            places::functions(),
            Script::ours("a folder to measure in", FOLDER),
            argument(&self.directory),
            sh!("rm -f -- {}", argument(name)).quoted(),
            random,
            commit
        )
    }
    /// How much room there is, where there is a folder and the program.
    fn room(&self) -> Script {
        sh!(
            "d={}; [ -d \"$d\" ] || {{ echo \"$d is not a directory\" >&2; exit 1; }}\n\
             command -v fio >/dev/null || {{ echo 'fio is not installed' >&2; exit 1; }}\n\
             df -PB1 -- \"$d\" | awk 'NR==2 {{print $4}}'",
            argument(&self.directory)
        )
    }

    async fn space(&self, cx: &Ctx<'_>) -> Result<()> {
        let host = cx.fx.host(&self.host).await?;
        let free = host.print(&self.room()).await.map_err(|failure| Failure {
            class: crate::error::Class::Refused,
            attempted: "measure the disk".into(),
            help: Some("install fio and name an existing folder on the disk to be measured".into()),
            ..failure
        })?;
        let free: u64 = free.trim().parse().map_err(|_| {
            Failure::permanent("read the free space", format!("df printed `{}`", free.trim())).at(&self.host)
        })?;
        let needed = self.size.0.saturating_mul(2);
        if free >= needed {
            return Ok(());
        }
        let (free, needed) = (Bytes(free), Bytes(needed));
        Err(Failure::refused("measure the disk", format!("free space in {}: {free}; needed: {needed}", self.directory))
            .at(&self.host)
            .help("free space there, or set a smaller `size`"))
    }

    /// Servers that work in the folder, and what tells whether they hold data.
    fn beside<'a>(&'a self, world: &'a World) -> impl Iterator<Item = (&'a String, Sql)> {
        let same = |dir: &String| dir.trim_end_matches('/') == self.directory.trim_end_matches('/');
        let here = move |server: &Server| server.host == self.host && server.data_dir.as_ref().is_some_and(same);
        let servers = world.inventory.servers.iter().filter(move |(_, server)| !self.allow_live_disk && here(server));
        servers.map(|(name, server)| (name, Dialect::from(server.product()).tables(&Every)))
    }

    /// Whether the program is there, and its file can be made.
    async fn can_measure(&self, cx: &Ctx<'_>) -> Result<()> {
        let host = cx.fx.host(&self.host).await?;
        let refuse = |answer: String, help: &str| {
            Failure::refused("measure the disk", answer).at(&self.host).now("nothing was touched").help(help)
        };
        if !host.succeeds(&is_installed("fio")).await? {
            return Err(refuse("program `fio` not found".into(), "install it there, or remove this step"));
        }
        match trial_write::fault(&host.print(&trial_write::in_folder(&self.directory)).await?) {
            None => Ok(()),
            Some(fault) => Err(refuse(
                format!("no file can be made in {}: {fault}", self.directory),
                "allow the runner's login account to write there, or name another folder on that disk",
            )),
        }
    }

    /// A measurement slows whoever works on the same disk: a server with data in that folder is left alone.
    async fn not_live(&self, cx: &Ctx<'_>) -> Result<()> {
        for (name, ask) in self.beside(cx.world) {
            let databases = cx.fx.sql(name).await?.query(&ask, LOOK).await?;
            if !databases.is_empty() {
                let answer = format!("the server `{name}` has tables ({}) in {}", databases.len(), self.directory);
                return Err(Failure::refused("measure the disk", answer)
                    .at(&self.host)
                    .help("measure another folder on the disk, or set `allow_live_disk: true`"));
            }
        }
        Ok(())
    }

    fn judge(&self, figures: &fio::Figures) -> Result<()> {
        let mut short = Vec::new();
        let iops = [
            ("writes", figures.write_iops, self.require.write_iops),
            ("reads", figures.read_iops, self.require.read_iops),
        ];
        for (what, reached, required) in iops {
            if let Some(required) = required.filter(|required| reached < *required) {
                short.push(format!("{reached:.0} random {what} per second, required are {required:.0}"));
            }
        }
        if let Some(most) = self.require.fsync_p99 {
            match figures.fsync_p99_ms {
                Some(reached) if reached <= most.0.as_secs_f64() * 1e3 => {}
                Some(reached) => {
                    short.push(format!("the 99th percentile of fsync is {reached:.2} ms, allowed is {most}"));
                }
                None => short.push("fio measured no fsync at all".into()),
            }
        }
        if short.is_empty() {
            return Ok(());
        }
        Err(Failure::refused("accept the disk", short.join("; "))
            .at(&self.host)
            .now("nothing was changed; the test file is removed")
            .help("use a faster disk, or lower the values of `require` if the database is small and has little load"))
    }
}

#[async_trait]
impl Step for Benchmark {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }

    fn roles(&self) -> Vec<Role> {
        let Require { write_iops, read_iops, fsync_p99 } = self.require;
        let requires = write_iops.is_some() || read_iops.is_some() || fsync_p99.is_some();
        vec![MeasuresDisk { host: self.host.clone(), requires }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        if !self.directory.starts_with('/') {
            return Err(vec![Complaint::new("directory", "this must be an absolute path").help("/var/lib/mysql")]);
        }
        let step = marker::late("step");
        let dir = job_dir(world, &self.host, &run_marker(), &step);
        let mut actions: Vec<Action> = self.beside(world).map(|(name, ask)| Action::sql(name, ask)).collect();
        actions.push(Action::look(&self.host, self.room()));
        actions.push(Action::job(&self.host, &dir, self.script(&self.file(&run_marker(), &step)), ""));
        actions.extend(REPORTS.map(|name| Action::read(&self.host, dir.clone().then(format!("/{name}")))));
        let mut gates = Vec::new();
        gates.extend(self.require.write_iops.map(|n| format!("fewer than {n:.0} random writes per second")));
        gates.extend(self.require.read_iops.map(|n| format!("fewer than {n:.0} random reads per second")));
        gates.extend(self.require.fsync_p99.map(|time| format!("fsync calls slower than {time} (99th percentile)")));
        if !gates.is_empty() {
            actions.push(Action::note(format!("stop the run if there are {}", gates.join(", or "))));
        }
        Ok(actions)
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let mut actions: Vec<Action> = self.beside(world).map(|(name, ask)| Action::sql(name, ask)).collect();
        actions.push(Action::look(&self.host, self.room()));
        actions.push(Action::look(&self.host, is_installed("fio")));
        actions.push(Action::command(&self.host, trial_write::in_folder(&self.directory)));
        actions
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let step = marker::late("step");
        vec![
            Action::end(&self.host, job_dir(world, &self.host, &run_marker(), &step)),
            Action::remove(&self.host, self.file(&run_marker(), &step)),
        ]
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![format!("how fast the disk under {} on {} is: this step measures it", self.directory, self.host)]
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let mut failures = Vec::new();
        failures.extend(self.space(cx).await.err());
        failures.extend(self.not_live(cx).await.err());
        failures.extend(self.can_measure(cx).await.err());
        failures
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone) // execute finds the job on the host again
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        self.space(cx).await?;
        self.not_live(cx).await?;
        let dir = job_dir(cx.world, &self.host, cx.run, cx.step);
        let script = self.script(&self.file(cx.run, cx.step));
        cx.progress.note(format!("fio works on {} for about {:?}", self.directory, self.duration.0 * 3 / 2));
        let attempted = "measure the disk";
        let work =
            Work { attempted, host: &self.host, dir: &dir, script: &script, progress: &Script::default(), total: None };
        work.run(cx).await.map_err(|failure| {
            if ["O_DIRECT", "Invalid argument"].iter().any(|words| failure.answer.contains(words)) {
                let help =
                    "the file system refuses direct access: measure another folder, or set `allow_buffered: true`";
                Failure { class: crate::error::Class::Refused, ..failure }.help(help)
            } else {
                failure
            }
        })?;
        let host = cx.fx.host(&self.host).await?;
        let mut reports = Vec::new();
        for name in REPORTS {
            let text = host.read_file(dir.clone().then(format!("/{name}"))).await?.unwrap_or_default();
            reports.push(String::from_utf8_lossy(&text).into_owned());
        }
        let figures = fio::Figures::read(&reports[0], &reports[1])
            .map_err(|answer| Failure::permanent("read what fio measured", answer).at(&self.host))?;
        host.clear_job(&dir).await?;
        cx.progress.note(figures.to_string());
        self.judge(&figures)?;
        Ok(figures.outputs())
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let dir = job_dir(cx.world, &self.host, cx.run, cx.step);
        let host = cx.fx.host(&self.host).await?;
        host.clear_job(&dir).await?;
        host.remove_file(&self.file(cx.run, cx.step)).await
    }
}
