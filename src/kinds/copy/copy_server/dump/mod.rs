//! The engine `dump`: one dump, streamed into the target's client, with no file between.

use super::CopyServer;
use super::pace;
use super::statements::{BEGIN, Job, Loader, Statements, reader};
use crate::dialect::{Dialect, Gtid};
use crate::domain::Script;
use crate::domain::script::argument;
use crate::error::Failure;
use crate::kinds::copy::dump::{head, script};
use crate::kinds::{Action, Complaint, Ctx, Need};
use crate::playbook::position::Position;
use crate::playbook::world::World;
use crate::sh;
use async_trait::async_trait;

const STREAM: &str = include_str!("stream.sh");

/// The engine.
pub static DUMP: Statements<Stream> = Statements(Stream);

/// Its own part.
#[derive(Debug)]
pub struct Stream;

#[async_trait]
impl Loader for Stream {
    fn name(&self) -> &'static str {
        "dump"
    }

    fn attempted(&self) -> &'static str {
        "dump the databases into the other server"
    }

    fn script(&self, job: &Job<'_>) -> Script {
        let words = job.words();
        let dumping = reader(job.copy).dumping(job.world, job.route, &words, Gtid::IfCommented, job.before);
        sh!(
            "gtid_mode={}\n{}{}{}{}pace={}\nbefore={}\n{}",
            argument(job.gtid_mode.unwrap_or_default()),
            dumping.program(BEGIN, &[], ""),
            pace::functions(),
            job.load(),
            job.settings(),
            argument(pace::command(job.copy.limit())),
            argument(job.before.unwrap_or_default()),
            Script::ours("stream a dump into the client", STREAM)
        )
    }

    fn progress(&self) -> &'static str {
        script::PROGRESS
    }

    fn total(&self, bytes: u64) -> u64 {
        bytes
    }

    fn place(&self, text: &str, source: Dialect) -> Result<(Position, Option<String>), String> {
        let stated = if source.is_mariadb() { None } else { head::gtid(text) };
        Ok((head::position(text)?, stated))
    }

    fn complaints(&self, _: &CopyServer) -> Vec<Complaint> {
        Vec::new()
    }

    fn questions(&self, _: &CopyServer, _: &World) -> Vec<Action> {
        Vec::new()
    }

    fn needs(&self, _: &CopyServer, _: &World) -> Vec<Need> {
        Vec::new()
    }

    async fn faults(&self, _: &CopyServer, _: &Ctx<'_>) -> Vec<Failure> {
        Vec::new()
    }
}
