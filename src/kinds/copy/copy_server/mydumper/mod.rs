//! The engine `mydumper`: tables and views by `mydumper` and `myloader`, many at a time, by way of files in the job's folder;
//! code by the dump program, which alone keeps what code depends on.

mod metadata;
mod program;
mod room;

use super::CopyServer;
use super::statements::{BEGIN, Job, Loader, Statements, reader};
use crate::dialect::{Dialect, Gtid};
use crate::domain::script::argument;
use crate::domain::{Script, Sql, Words};
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::place::dialect;
use crate::kinds::support::privileges::swap;
use crate::kinds::support::server_state;
use crate::kinds::{Action, Complaint, Ctx, Need};
use crate::playbook::position::Position;
use crate::playbook::world::World;
use crate::sh;
use async_trait::async_trait;

const COPY: &str = include_str!("copy.sh");

/// Prints how many bytes have been written by mydumper, and read by myloader.
const PROGRESS: &str = "d=$(cat dumped 2>/dev/null) || d=$(sed -n 's/^wchar: //p' /proc/$(cat dump.pid)/io)\n\
                        l=$(sed -n 's/^rchar: //p' /proc/$(cat load.pid)/io 2>/dev/null) || l=0\necho $((d + ${l:-0}))";

/// Lines that its library understands and the programs of the families do not, or not as it does: as their own options
/// where nothing is verified. Inside a tunnel there is no other way, and where something is verified the lines before win.
const UNVERIFIED: &str = "get-server-public-key = 1";

/// The engine.
pub static MYDUMPER: Statements<Mydumper> = Statements(Mydumper);

/// Its own part.
#[derive(Debug)]
pub struct Mydumper;

/// What a refusal says beside its reason.
fn refuse(answer: impl Into<String>, at: &str, help: &str) -> Failure {
    Failure::refused("copy the databases by mydumper", answer).at(at).now("nothing was touched").help(help)
}

/// A regular expression for the tables of the databases, as mydumper reads it.
fn pattern(databases: Option<&[String]>) -> Words {
    let Some(names) = databases else { return Words::late("every user database, as a pattern of its tables' names") };
    let escaped = |name: &String| {
        let escape = |sign: char| {
            let plain = sign.is_ascii_alphanumeric() || sign == '_' || !sign.is_ascii();
            if plain { sign.to_string() } else { format!("\\{sign}") }
        };
        name.chars().map(escape).collect::<String>()
    };
    format!("^(?:{})\\.", names.iter().map(escaped).collect::<Vec<_>>().join("|")).into()
}

/// Threads, as a script is told: empty for one a processor.
fn threads(copy: &CopyServer, world: &World) -> String {
    let known = || world.inventory.host(copy.target_host(world))?.facts.map(|facts| facts.cpus.to_string());
    copy.threads().map(|threads| threads.to_string()).or_else(known).unwrap_or_default()
}

/// The two questions: what no release carries over, and what an old one does not.
fn lost(copy: &CopyServer, world: &World) -> [Sql; 2] {
    let source = dialect(world, copy.source());
    [source.lost_by_mydumper(&copy.databases), source.lost_by_old_mydumper(&copy.databases)]
}

#[async_trait]
impl Loader for Mydumper {
    fn name(&self) -> &'static str {
        "mydumper"
    }

    fn attempted(&self) -> &'static str {
        "copy the databases by mydumper"
    }

    fn script(&self, job: &Job<'_>) -> Script {
        let words = job.words();
        let dumping = reader(job.copy).dumping(job.world, job.route, &words, Gtid::Off, None);
        let (from, to) = (dialect(job.world, job.copy.source()), dialect(job.world, job.copy.target()));
        sh!(
            "{}{}{}threads={}\nregex={}\nown={}\nread={}\nwrite={}\n{}",
            dumping.program(BEGIN, &["--no-data", "--no-create-info"], ""),
            job.load(),
            job.settings(),
            argument(threads(job.copy, job.world)),
            argument(pattern(job.databases)),
            argument(UNVERIFIED),
            argument(from.mydumper_session()),
            argument(to.myloader_session()),
            Script::ours("copy by mydumper", COPY)
        )
    }

    fn progress(&self) -> &'static str {
        PROGRESS
    }

    /// Written once, read once.
    fn total(&self, bytes: u64) -> u64 {
        bytes.saturating_mul(2)
    }

    fn place(&self, text: &str, source: Dialect) -> Result<(Position, Option<String>), String> {
        let (position, gtid) = metadata::read(text)?;
        Ok((position, gtid.filter(|_| !source.is_mariadb())))
    }

    fn complaints(&self, copy: &CopyServer) -> Vec<Complaint> {
        let none = "mydumper cannot limit the bytes that it reads per second";
        let help = "leave `limit` out, or use the engine `dump`";
        copy.limit().map(|_| Complaint::new("limit", none).help(help)).into_iter().collect()
    }

    fn questions(&self, copy: &CopyServer, world: &World) -> Vec<Action> {
        let mut actions = vec![Action::look(copy.target_host(world), program::versions())];
        actions.extend(lost(copy, world).map(|question| Action::sql(copy.source(), question)));
        actions.push(room::question(copy, world));
        actions
    }

    fn needs(&self, copy: &CopyServer, world: &World) -> Vec<Need> {
        swap::dumping_by_mydumper(world, copy.source())
    }

    async fn faults(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Vec<Failure> {
        let mut failures = Vec::new();
        let is_old = match version(copy, cx).await {
            Ok(version) => program::is_old(version),
            Err(failure) => {
                failures.push(failure);
                false
            }
        };
        let [ever, before] = lost(copy, cx.world);
        failures.extend(whole(copy, cx, &ever, "mydumper").await.err());
        if is_old {
            failures.extend(whole(copy, cx, &before, "mydumper before 1.0").await.err());
        }
        failures.extend(room::enough(copy, cx).await.err());
        failures
    }
}

/// The release of the host, if it can dump the source.
async fn version(copy: &CopyServer, cx: &Ctx<'_>) -> Result<crate::domain::product::Version> {
    let host = copy.target_host(cx.world);
    let ran = cx.fx.host(host).await?.run(&program::versions()).await?;
    let found = program::version(&String::from_utf8_lossy(&ran.stdout)).filter(|_| ran.code == Some(0));
    let missing = || {
        let help = "install it there (Debian's package: mydumper), or use the engine `dump`";
        refuse("the programs `mydumper` and `myloader` were not found, or do not report their version", host, help)
    };
    let version = found.ok_or_else(missing)?;
    match program::unfit(version, server_state::actual(cx, copy.source()).await?) {
        Some(why) => Err(refuse(why, host, "install a newer release there, or use the engine `dump`")),
        None => Ok(version),
    }
}

/// Refuses what `question` finds on the source.
async fn whole(copy: &CopyServer, cx: &Ctx<'_>, question: &Sql, who: &str) -> Result<()> {
    let rows = cx.fx.sql(copy.source()).await?.query(question, LOOK).await?;
    let text = |row: &crate::effects::Row<'_>, column: &str| row.get(column).unwrap_or_default().to_owned();
    let found: Vec<String> =
        rows.iter().map(|row| format!("{} ({})", text(&row, "name"), text(&row, "what"))).collect();
    if found.is_empty() {
        return Ok(());
    }
    let answer = format!("{who} does not copy: {}", found.join(", "));
    Err(refuse(answer, copy.source(), "use the engine `dump`, which does"))
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn a_name_is_no_pattern() {
        let text = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            pattern(Some(&names)).to_string()
        };
        assert_eq!(text(&["shop"]), r"^(?:shop)\.");
        assert_eq!(text(&["a.b", "c|d", "ü-日本$"]), r"^(?:a\.b|c\|d|ü\-日本\$)\.");
    }
}
