//! The engines that copy the files of a running server: `mariadb-backup` and `XtraBackup`, by one path.

mod look;
mod probe;
mod script;
mod tool;

pub use tool::{MARIABACKUP, Tool, XTRABACKUP};

use super::CopyServer;
use super::data_dir;
use super::engine::{Arrival, CopyEngine, Taken};
use super::files;
use super::place::Place;
use super::ssh::ssh_command;
use crate::dialect::Dialect;
use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::{Contents, Script, Words};
use crate::error::{Failure, Result};
use crate::kinds::support::log_kept::require_log;
use crate::kinds::support::long_work::{self, Work};
use crate::kinds::support::place::{dialect, job_dir, option_file, run_marker, server};
use crate::kinds::support::privileges::swap;
use crate::kinds::{Action, Complaint, Ctx, Need};
use crate::playbook::world::World;
use crate::sh;
use async_trait::async_trait;
use script::Taking;
use std::time::Instant;

/// Key of the memo: what was taken, once it is there.
const TAKEN: &str = "taken";

/// An engine.
#[derive(Debug)]
pub struct Backup {
    /// Its program.
    pub tool: &'static Tool,
}

impl Backup {
    fn script(&self, copy: &CopyServer, world: &World, suffix: &Words) -> Result<Script> {
        let (from, to) = (copy.source_host(world), copy.target_host(world));
        let ssh = if from == to { Some(Vec::new()) } else { ssh_command(world, to, from) };
        let ssh = ssh.ok_or_else(|| {
            let answer = format!("host `{to}` cannot reach host `{from}`, which has no `ssh`");
            Failure::permanent("reach the source", answer).help("add `ssh` to that host in the inventory")
        })?;
        let data = files::data(copy, world)?;
        let taking =
            Taking { tool: self.tool, ssh: &ssh, data, suffix, parallel: copy.parallel(), limit: copy.limit() };
        Ok(taking.script())
    }
    fn dir(copy: &CopyServer, world: &World, run: &str, step: &str) -> Words {
        job_dir(world, copy.target_host(world), run, step)
    }
    /// How the program logs in on the source's own host.
    fn option_file(&self, copy: &CopyServer, world: &World) -> Result<Contents> {
        let source = server(world, copy.source())?;
        Ok(option_file(&source.user, source.password.as_ref(), &source.address).then(self.tool.options))
    }
    /// Prints the file that names the place, which must be one alone.
    fn place_of(&self, data: &str, suffix: &Words) -> Script {
        let folder = Words::from(data).then(".").then(suffix.clone());
        let names = Script::words(self.tool.places.iter().copied());
        sh!("cd -- {} && file=$(ls -- {} 2>/dev/null); head -c 100000 -- \"$file\"", argument(folder), names)
    }
    async fn taken(&self, copy: &CopyServer, cx: &Ctx<'_>, seconds: f64) -> Result<Taken> {
        let (data, suffix) = (files::data(copy, cx.world)?, data_dir::suffix(cx.run, cx.step));
        let host = cx.fx.host(copy.target_host(cx.world)).await?;
        let text = host.print(&self.place_of(data, &suffix)).await?;
        let place = Place::read(&text).map_err(|answer| {
            Failure::permanent("find the binlog position of the backup", answer)
                .at(host.name())
                .help("the source must write a binary log")
        })?;
        let bytes = host.print(&size_of_copy(data, &suffix)).await?;
        let bytes = bytes.trim().parse().unwrap_or_default();
        Ok(Taken { place: Some(place), bytes, seconds })
    }
}

/// Prints the bytes of the copy's files.
fn size_of_copy(data: &str, suffix: &Words) -> Script {
    let folder = Words::from(data).then(".").then(suffix.clone());
    sh!("du -sb -- {} | cut -f 1", argument(folder))
}

#[async_trait]
impl CopyEngine for Backup {
    fn name(&self) -> &'static str {
        self.tool.name
    }

    fn arrival(&self) -> Arrival {
        Arrival::Files
    }

    fn unfit(&self, source: Dialect, target: Dialect) -> Option<String> {
        self.tool.unfit(source, target)
    }

    fn preview(&self, copy: &CopyServer, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let faulty = |failure: Failure| vec![Complaint { help: failure.help, ..Complaint::new("to", failure.answer) }];
        let (host, suffix) = (copy.target_host(world), data_dir::planned_suffix());
        let dir = Self::dir(copy, world, &run_marker(), &marker::late("step"));
        let data = files::data(copy, world).map_err(faulty)?;
        let options = self.option_file(copy, world).map_err(faulty)?;
        let mut actions = vec![
            Action::file(host, long_work::option_file(&dir), &options),
            Action::job(host, &dir, self.script(copy, world, &suffix).map_err(faulty)?, script::PROGRESS),
        ];
        actions.extend(long_work::option_file_actions(host, &dir));
        actions.push(Action::look(host, self.place_of(data, &suffix)));
        actions.push(Action::look(host, size_of_copy(data, &suffix)));
        Ok(actions)
    }

    fn questions(&self, copy: &CopyServer, world: &World) -> Vec<Action> {
        look::questions(self.tool, copy, world).into_iter().chain(probe::question(copy, world)).collect()
    }

    fn preview_undo(&self, copy: &CopyServer, world: &World) -> Vec<Action> {
        let (host, dir) = (copy.target_host(world), Self::dir(copy, world, &run_marker(), &marker::late("step")));
        vec![Action::end(host, &dir), Action::remove(host, long_work::option_file(&dir))]
    }

    fn needs(&self, copy: &CopyServer, world: &World) -> Vec<Need> {
        swap::backing_up(world, copy.source())
    }

    async fn inspect(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Vec<Failure> {
        look::faults(self.tool, copy, cx).await
    }

    async fn rate(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Result<Option<u64>> {
        probe::rate(copy, cx).await
    }

    async fn take(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Result<Taken> {
        if let Some(taken) = cx.memo.read::<Taken>(TAKEN)? {
            return Ok(taken);
        }
        let began = Instant::now();
        let (host, dir) = (copy.target_host(cx.world), Self::dir(copy, cx.world, cx.run, cx.step));
        let total = look::bytes(copy, cx).await.ok();
        let writer = cx.fx.host(host).await?;
        writer.write_file(long_work::option_file(&dir), &self.option_file(copy, cx.world)?, Some(0o600)).await?;
        let script = self.script(copy, cx.world, &data_dir::suffix(cx.run, cx.step))?;
        let progress = script::PROGRESS.into();
        let attempted = "copy the files of the server";
        let work = Work { attempted, host, dir: &dir, script: &script, progress: &progress, total };
        let ran = work.run(cx).await;
        long_work::tidied(cx, host, &dir, ran).await?;
        let taken = long_work::ask_afterwards(|| self.taken(copy, cx, began.elapsed().as_secs_f64())).await?;
        if let Some(place) = &taken.place {
            require_log(cx, copy.source(), &place.position).await?;
        }
        cx.memo.keep(TAKEN, taken).await
    }

    async fn undo(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Result<()> {
        let dir = Self::dir(copy, cx.world, cx.run, cx.step);
        let host = cx.fx.host(copy.target_host(cx.world)).await?;
        host.clear_job(&dir).await?;
        host.remove_file(long_work::option_file(&dir)).await
    }
}

/// What a server is written for, by its name.
fn dialects(copy: &CopyServer, world: &World) -> (Dialect, Dialect) {
    (dialect(world, copy.source()), dialect(world, copy.target()))
}
