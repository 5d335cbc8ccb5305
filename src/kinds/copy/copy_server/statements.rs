//! What the engines have in common that load statements into the running target: one job on the target's host, which
//! reads from the source and writes to the target. An incomplete load is dropped and started again; databases from
//! before are never dropped.

use super::CopyServer;
use super::engine::{Arrival, CopyEngine, Taken};
use super::place::Place;
use crate::dialect::{Databases, Dialect, Late};
use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::copy::dump::Dump;
use crate::kinds::copy::dump::script::Route;
use crate::kinds::copy::import::Import;
use crate::kinds::support::client_program::{client_package, find_client};
use crate::kinds::support::free_space::{self, with_free_space};
use crate::kinds::support::log_kept::require_log;
use crate::kinds::support::long_work::{self, Work};
use crate::kinds::support::place::{dialect, job_dir, run_marker};
use crate::kinds::support::privileges::swap;
use crate::kinds::support::server_state::variables;
use crate::kinds::support::volume::volume;
use crate::kinds::{Action, Complaint, Ctx, Need};
use crate::playbook::position::Position;
use crate::playbook::world::World;
use crate::sh;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Key of the memo: what was taken, once it is there.
const TAKEN: &str = "taken";
/// Key of the memo: what the job was begun with. Its script is made of that, and a running job is known by its script.
const BEGUN: &str = "begun";
/// What a job's script begins with: it takes both option files in, and leaves none behind.
pub const BEGIN: &str = "set -eu\numask 077\nway=\ncp -- \"$PWD.cnf\" client.cnf\ncp -- \"$PWD.target.cnf\" target.cnf\n\
    trap 'rm -f client.cnf target.cnf dumper.cnf loader.cnf \"$PWD.cnf\" \"$PWD.target.cnf\"\n\
    [ -z \"$way\" ] || kill \"$way\" 2>/dev/null || true' EXIT\ntrap 'exit 143' HUP INT TERM\n";
/// What the client answers at the end of everything.
pub const MARK: &str = "cutover-came-to-the-end";

/// The variable that decides whether a dump of `MySQL` can note its GTIDs.
const GTID_MODE: [&str; 1] = ["gtid_mode"];
/// Programs that both engines' scripts take beside those of databases.
const BESIDE: [&str; 4] = ["mkfifo", "tee", "dd", "tail"];

/// What a job is begun with.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Begun {
    databases: Vec<String>,
    before: Option<String>,
    gtid_mode: Option<String>,
}

/// What a job's script is made of.
pub struct Job<'a> {
    /// The copy.
    pub copy: &'a CopyServer,
    /// The plan's world.
    pub world: &'a World,
    /// How the source is reached.
    pub route: &'a Route,
    /// The databases; `None` where only the run will know them.
    pub databases: Option<&'a [String]>,
    /// Statements that stand before the dump, where the family knows any; may be empty or a marker.
    pub before: Option<&'a str>,
    /// The source's `gtid_mode`, where it has one; may be a marker.
    pub gtid_mode: Option<&'a str>,
}

impl Job<'_> {
    /// The databases as words of a command line.
    pub fn words(&self) -> Script {
        reader(self.copy).words(self.databases)
    }

    /// Defines `load`: the client, which reads statements on stdin.
    pub fn load(&self) -> Script {
        sh!("load() (\n{}\"$program\" \"$@\"\n)\n", writer(self.copy).client(self.world, "target.cnf"))
    }

    /// Sets what stands before everything in the client's session, and what it answers at the end.
    pub fn settings(&self) -> Script {
        sh!("preamble={}\nmark={}\n", argument(writer(self.copy).preamble(self.world)), argument(MARK))
    }
}

/// An engine's own part. Its job leaves two files when it has ended well: `took`, which holds when it began and ended, in
/// seconds since 1970, and the bytes that it carried; and `place`, of which the engine knows how to read it.
#[async_trait]
pub trait Loader: Send + Sync {
    /// Its name, as in `engine`.
    fn name(&self) -> &'static str;
    /// What is attempted, as a clause.
    fn attempted(&self) -> &'static str;
    /// The job's script.
    fn script(&self, job: &Job<'_>) -> Script;
    /// Prints how many bytes are done.
    fn progress(&self) -> &'static str;
    /// How many there are, of so many bytes of tables.
    fn total(&self, bytes: u64) -> u64;
    /// The position in what `place` holds, and the GTIDs where they stand there.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    fn place(&self, text: &str, source: Dialect) -> Result<(Position, Option<String>), String>;
    /// What of a step's parameters it cannot do. Pure.
    fn complaints(&self, copy: &CopyServer) -> Vec<Complaint>;
    /// What it asks beside the common checks. Pure.
    fn questions(&self, copy: &CopyServer, world: &World) -> Vec<Action>;
    /// What it needs beside the common privileges. Pure.
    fn needs(&self, copy: &CopyServer, world: &World) -> Vec<Need>;
    /// Every reason of its own why it cannot work here.
    async fn faults(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Vec<Failure>;
}

/// An engine that loads statements.
#[derive(Debug)]
pub struct Statements<L>(pub L);

/// The part of a copy that reads.
pub fn reader(copy: &CopyServer) -> Dump {
    Dump::of_copy(copy.source(), copy.target(), copy.databases(), copy.through())
}

/// The part of a copy that writes.
pub fn writer(copy: &CopyServer) -> Import {
    Import::of_copy(copy.target())
}

fn dir(copy: &CopyServer, world: &World, run: &str, step: &str) -> Words {
    job_dir(world, copy.target_host(world), run, step)
}

/// Where the option files of a job in `dir` begin: that for the source, and that for the target.
fn logins(dir: &Words) -> [Words; 2] {
    [dir.clone(), dir.clone().then(".target")]
}

/// Prints what a job that has ended well has left.
fn left(dir: &Words) -> Script {
    sh!("cd -- {} && cat took place", argument(dir))
}

/// A look for the client on the target's host.
fn find_client_there(copy: &CopyServer, world: &World) -> Script {
    find_client(dialect(world, copy.target()))
}

async fn client_there(copy: &CopyServer, cx: &Ctx<'_>) -> Result<()> {
    let host = copy.target_host(cx.world);
    if cx.fx.host(host).await?.succeeds(&find_client_there(copy, cx.world)).await? {
        return Ok(());
    }
    let target = dialect(cx.world, copy.target());
    let answer = format!("there is no client program ({})", target.client_programs().join(" or "));
    let help = format!("install it there (Debian package: {})", client_package(target));
    Err(Failure::refused("copy the databases", answer).at(host).now("nothing was touched").help(help))
}

impl<L: Loader> Statements<L> {
    /// Clears away what an earlier attempt has left, and sees to what a new job needs.
    async fn begin_anew(&self, copy: &CopyServer, cx: &Ctx<'_>, dir: &Words, route: &Route) -> Result<Begun> {
        let (reader, writer) = (reader(copy), writer(copy));
        let host = cx.fx.host(copy.target_host(cx.world)).await?;
        host.clear_job(dir).await?;
        writer.drop_loaded(cx).await?;
        let databases = reader.chosen(cx).await?;
        let [from, to] = logins(dir).map(|login| long_work::option_file(&login));
        host.write_file(from, &reader.option_file(cx.world, route)?, Some(0o600)).await?;
        host.write_file(to, &writer.option_file(cx.world)?, Some(0o600)).await?;
        reader.make_ready(cx).await?;
        let before = reader.sequences(cx, &databases).await?;
        let gtid_mode = if dialect(cx.world, copy.source()).is_mariadb() {
            None
        } else {
            variables(cx, copy.source(), &GTID_MODE).await?.remove(GTID_MODE[0])
        };
        let begun = Begun { databases, before, gtid_mode };
        let note = serde_json::to_value(&begun).unwrap_or_default();
        cx.memo.set(BEGUN, note).await?;
        Ok(begun)
    }

    async fn run(&self, copy: &CopyServer, cx: &Ctx<'_>, dir: &Words) -> Result<()> {
        let route = reader(copy).route(cx.world)?;
        let adopted = writer(copy).adopts(cx, dir).await?;
        let known = if adopted { cx.memo.read::<Begun>(BEGUN)? } else { None };
        let begun = match known {
            Some(begun) => begun,
            None => self.begin_anew(copy, cx, dir, &route).await?,
        };
        let (databases, before) = (Some(&*begun.databases), begun.before.as_deref());
        let gtid_mode = begun.gtid_mode.as_deref();
        let script = self.0.script(&Job { copy, world: cx.world, route: &route, databases, before, gtid_mode });
        let host = copy.target_host(cx.world);
        // a source that is away is no reason to leave a job alone that is there
        let total = volume(cx, copy.source(), &begun.databases).await.ok().map(|volume| self.0.total(volume.bytes));
        let (attempted, progress) = (self.0.attempted(), self.0.progress().into());
        let work = Work { attempted, host, dir, script: &script, progress: &progress, total };
        let mut ran = work.run(cx).await;
        for login in logins(dir) {
            ran = long_work::tidied(cx, host, &login, ran).await;
        }
        match ran {
            Err(failure) => Err(with_free_space(cx, copy.target(), failure).await),
            Ok(()) => Ok(()),
        }
    }

    async fn taken(&self, copy: &CopyServer, cx: &Ctx<'_>, dir: &Words) -> Result<Taken> {
        let host = cx.fx.host(copy.target_host(cx.world)).await?;
        let text = host.print(&left(dir)).await?;
        let source = dialect(cx.world, copy.source());
        let odd = |answer: String| {
            Failure::permanent("find the binlog position of the copy", answer).at(host.name()).help(
                "the source must write a binary log, and the account needs RELOAD and REPLICATION CLIENT (BINLOG MONITOR)",
            )
        };
        let (took, place) = text.split_once('\n').unwrap_or_default();
        let (position, stated) = self.0.place(place, source).map_err(odd)?;
        let gtid = match source.gtid_at(&position.file, &position.offset) {
            Some(ask) => cx.fx.sql(copy.source()).await?.query(&ask, LOOK).await?.value().map(str::to_owned),
            None => stated,
        };
        let (seconds, bytes) = Self::took(took).ok_or_else(|| odd(format!("its job wrote `{took}`")))?;
        let place = Place { position, gtid: gtid.unwrap_or_default() };
        Ok(Taken { place: Some(place), bytes, seconds })
    }

    /// Seconds and bytes.
    fn took(line: &str) -> Option<(f64, u64)> {
        let mut words = line.split_whitespace();
        let mut moment = || words.next()?.trim_end_matches(".%N").parse::<f64>().ok();
        let (began, ended) = (moment()?, moment()?);
        Some(((ended - began).max(0.0), words.next()?.parse().ok()?))
    }
}

#[async_trait]
impl<L: Loader> CopyEngine for Statements<L> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn arrival(&self) -> Arrival {
        Arrival::Statements
    }

    /// Statements go to any version; what a server does not take is looked for by `preflight`.
    fn unfit(&self, _: Dialect, _: Dialect) -> Option<String> {
        None
    }

    fn preview(&self, copy: &CopyServer, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let complaints = self.0.complaints(copy);
        if !complaints.is_empty() {
            return Err(complaints);
        }
        let of = |name: &'static str| {
            move |failure: Failure| vec![Complaint { help: failure.help, ..Complaint::new(name, failure.answer) }]
        };
        let (reader, source) = (reader(copy), dialect(world, copy.source()));
        let route = reader.route(world).map_err(of("from"))?;
        let asked: &dyn Databases = if copy.databases().is_empty() { &Late } else { &copy.databases };
        let (host, dir) = (copy.target_host(world), dir(copy, world, &run_marker(), &marker::late("step")));
        let mut actions = Vec::new();
        if copy.databases().is_empty() {
            actions.push(Action::sql(copy.source(), source.user_databases()));
        }
        actions.push(Action::sql(copy.source(), source.total_size(asked)));
        actions.push(Action::sql(copy.target(), dialect(world, copy.target()).user_databases()));
        let [from, to] = logins(&dir).map(|login| long_work::option_file(&login));
        let login = reader.option_file(world, &route).map_err(of("from"))?;
        actions.push(Action::file(host, &from, &login));
        let login = writer(copy).option_file(world).map_err(of("to"))?;
        actions.push(Action::file(host, &to, &login));
        actions.extend(reader.ready_actions(source));
        actions.extend(source.sequences(asked).map(|question| Action::sql(copy.source(), question)));
        let before = reader.sequences_planned(source);
        let known = Some(copy.databases()).filter(|names| !names.is_empty());
        let mode = (!source.is_mariadb()).then(|| marker::late("its gtid_mode"));
        actions.extend(mode.as_ref().map(|_| Action::sql(copy.source(), source.show_variables(&GTID_MODE))));
        let (before, gtid_mode) = (before.as_deref(), mode.as_deref());
        let script = self.0.script(&Job { copy, world, route: &route, databases: known, before, gtid_mode });
        actions.push(Action::job(host, &dir, script, self.0.progress()));
        actions.extend([from, to].map(|file| Action::remove(host, file)));
        actions.push(Action::look(host, left(&dir)));
        let late = |name: &str| marker::late(&format!("the copy's {name}"));
        actions.extend(source.gtid_at(late("file"), late("offset")).map(|ask| Action::sql(copy.source(), ask)));
        actions.extend(free_space::question_of(world, copy.target()));
        Ok(actions)
    }

    fn questions(&self, copy: &CopyServer, world: &World) -> Vec<Action> {
        let (reader, host) = (reader(copy), copy.target_host(world));
        let mut actions = reader.source_questions(world);
        actions.extend(reader.program_questions(world, &BESIDE));
        actions.push(Action::look(host, find_client_there(copy, world)));
        actions.extend(self.0.questions(copy, world));
        let note =
            format!("dump only the definitions on {host}, and discard the output: with the same program and account");
        actions.push(Action::note(note));
        actions.extend(reader.trial_action(world));
        actions
    }

    fn preview_undo(&self, copy: &CopyServer, world: &World) -> Vec<Action> {
        let (host, dir) = (copy.target_host(world), dir(copy, world, &run_marker(), &marker::late("step")));
        let mut actions = vec![Action::end(host, &dir)];
        actions.extend(logins(&dir).map(|login| Action::remove(host, long_work::option_file(&login))));
        actions.extend(writer(copy).drop_actions(world));
        actions
    }

    fn needs(&self, copy: &CopyServer, world: &World) -> Vec<Need> {
        let mut needs = swap::dumping(world, copy.source());
        needs.extend(self.0.needs(copy, world));
        needs
    }

    async fn inspect(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Vec<Failure> {
        let reader = reader(copy);
        let mut failures = reader.source_faults(cx).await;
        failures.extend(reader.programs(cx, &BESIDE).await.err());
        failures.extend(client_there(copy, cx).await.err());
        failures.extend(self.0.faults(copy, cx).await);
        failures.dedup();
        if failures.is_empty() {
            failures.extend(reader.trial(cx).await.err()); // what stands in its way already would be told in other words
        }
        failures
    }

    async fn take(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Result<Taken> {
        if let Some(taken) = cx.memo.read::<Taken>(TAKEN)? {
            return Ok(taken);
        }
        writer(copy).begin(cx, "copy the databases").await?;
        let dir = dir(copy, cx.world, cx.run, cx.step);
        self.run(copy, cx, &dir).await?;
        let taken = long_work::ask_afterwards(|| self.taken(copy, cx, &dir)).await?;
        if let Some(place) = &taken.place {
            require_log(cx, copy.source(), &place.position).await?;
        }
        cx.memo.keep(TAKEN, taken).await
    }

    async fn undo(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Result<()> {
        Import::databases_before(cx)?; // a damaged note must stop the undo before it touches anything
        let dir = dir(copy, cx.world, cx.run, cx.step);
        let host = cx.fx.host(copy.target_host(cx.world)).await?;
        host.clear_job(&dir).await?;
        for login in logins(&dir) {
            host.remove_file(long_work::option_file(&login)).await?;
        }
        writer(copy).drop_loaded(cx).await
    }
}
