//! `import`: loads a dump into an empty server, with the accelerators that are safe.

use crate::dialect::{Dialect, client_ca};
use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::sql::identifier;
use crate::domain::{Contents, Script, Sql, Words};
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::role::{CopiesTo, Role};
use crate::kinds::support::answer;
use crate::kinds::support::client_program::{find_client, told_of_tls};
use crate::kinds::support::empty_server::{first_object, require_empty};
use crate::kinds::support::free_space::{self, with_free_space};
use crate::kinds::support::long_work::{self, Work};
use crate::kinds::support::place::{
    authority_at, dialect, job_dir, option_file, run_marker, server, size_of, verify_at,
};
use crate::kinds::support::privileges::swap;
use crate::kinds::{Action, Complaint, Ctx, Need, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use crate::{sh, sql};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] =
    &[Output { name: "databases", kind: OutputType::Text, about: "Databases that were loaded, separated by spaces." }];

/// Key of the memo: the databases that were there before.
const BEFORE: &str = "databases_before";
/// Prints how many bytes of the compressed file have been read.
const PROGRESS: &str = "sed -n 's/^pos:[[:space:]]*//p' /proc/$(cat zstd.pid)/fdinfo/0";

/// Loads a dump into a server that has no tables yet.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "Databases that did not exist before are dropped, and the drops are not written to the binary log.",
    "examples" = [{ "server": "target", "file": "{{ steps.dump.file }}" }]
))]
pub struct Import {
    /// Server to load the dump into.
    #[schemars(extend("format" = "server"))]
    server: String,
    /// Path of the dump, on the server's own host: `"{{ steps.dump.file }}"`.
    file: String,
    /// Whether the load is written to the server's own binary log. If not, the server starts without transactions of
    /// its own; replicas of this server and backups from its binary log then need the data from elsewhere.
    #[serde(default)]
    binlog: bool,
}

impl Import {
    /// What a copy has in common with an import: how the client loads statements into `server`, and how that is undone.
    pub(in crate::kinds::copy) fn of_copy(server: &str) -> Self {
        Self { server: server.to_owned(), file: String::new(), binlog: false }
    }
    fn host<'a>(&'a self, world: &'a World) -> &'a str {
        world.inventory.host_of(&self.server)
    }
    fn dir(&self, world: &World, run: &str, step: &str) -> Words {
        job_dir(world, self.host(world), run, step)
    }
    /// Statements at the head of the client's session.
    pub(in crate::kinds::copy) fn preamble(&self, world: &World) -> String {
        let dialect = dialect(world, &self.server);
        let off = (!self.binlog).then(|| dialect.without_binlog());
        let settings = dialect.load_session();
        off.into_iter().chain([settings.as_str()]).flat_map(|statement| [statement, ";\n"]).collect()
    }
    /// Of what the client says only its own words are passed on: before them it repeats the statement that failed,
    /// which is a megabyte of someone's data.
    ///
    /// Code 141 means that zstd ended because the client had ended: the client's message states why.
    ///
    fn script(&self, world: &World) -> Script {
        sh!(
            "set -eu\numask 077\n{}{}rm -f failed\ncode=0\n\
             {{ sh -c 'echo $$ > zstd.pid; exec zstd -dcq' < {} \
             || [ $? -eq 141 ] || echo 'the dump cannot be read' > failed; }} \
             | {{ printf '%s' {}; cat; }} | \"$program\" \"$@\" 2>said || code=$?\n\
             if [ -e failed ]; then cat failed >&2; code=1; fi\n\
             grep '^ERROR' said >&2 || tail -n 3 said >&2\nexit $code\n",
            long_work::TAKE_OPTION_FILE,
            self.client(world, "client.cnf"),
            argument(&self.file),
            argument(self.preamble(world))
        )
    }
    /// The lines that find the client (`$program`) and its flags (`"$@"`); `options` is its option file.
    pub(in crate::kinds::copy) fn client(&self, world: &World, options: &'static str) -> Script {
        let dialect = dialect(world, &self.server);
        sh!(
            "{}{}set -- {} {}\n{}",
            find_client(dialect),
            told_of_tls(verify_at(world, &self.server, self.host(world), self.address(world)), options),
            argument(format!("--defaults-file={options}")),
            Script::words(dialect.client_flags()),
            only_data(dialect)
        )
    }
    /// How the client logs in.
    pub(in crate::kinds::copy) fn option_file(&self, world: &World) -> Result<Contents> {
        let target = server(world, &self.server)?;
        let login = option_file(&target.user, target.password.as_ref(), &target.address);
        let authority = authority_at(world, &self.server, self.host(world), &target.address)?;
        Ok(login.then(authority.map(client_ca).unwrap_or_default()))
    }
    fn address<'a>(&'a self, world: &'a World) -> &'a str {
        world.inventory.server(&self.server).map_or("", |server| &server.address)
    }
    /// The databases that are there now.
    async fn databases(&self, cx: &Ctx<'_>) -> Result<Vec<String>> {
        let session = cx.fx.sql(&self.server).await?;
        let question = dialect(cx.world, &self.server).user_databases();
        let rows = session.query(&question, LOOK).await?;
        rows.iter().map(|row| answer::column(row, "name", &session, &question).map(str::to_owned)).collect()
    }
    /// The databases that were there when this step first began; none of them is ever dropped.
    pub(in crate::kinds::copy) fn databases_before(cx: &Ctx<'_>) -> Result<Option<Vec<String>>> {
        cx.memo.read(BEFORE)
    }
    /// Notes the databases that are there before anything is loaded; a server that is not empty is refused.
    pub(in crate::kinds::copy) async fn begin(&self, cx: &Ctx<'_>, attempted: &str) -> Result<()> {
        if Self::databases_before(cx)?.is_none() {
            require_empty(cx, &self.server, attempted).await?;
            let before = self.databases(cx).await?;
            cx.memo.keep(BEFORE, before).await?;
        }
        Ok(())
    }
    /// What [`Import::drop_loaded`] does.
    pub(in crate::kinds::copy) fn drop_actions(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        vec![
            Action::sql(&self.server, dialect.without_binlog()),
            Action::sql(&self.server, dialect.user_databases()),
            Action::sql(&self.server, drop_database(Words::late("each database that did not exist before"))),
        ]
    }
    /// Drops what this step has made: the databases that were not there when it first began.
    pub(in crate::kinds::copy) async fn drop_loaded(&self, cx: &Ctx<'_>) -> Result<()> {
        let Some(before) = Self::databases_before(cx)? else { return Ok(()) };
        let session = cx.fx.session(&self.server, cx.step).await?;
        session.query(dialect(cx.world, &self.server).without_binlog(), LOOK).await?;
        for name in self.databases(cx).await?.into_iter().filter(|name| !before.contains(name)) {
            session.query(drop_database(&name), std::time::Duration::from_hours(1)).await?;
        }
        cx.fx.close_session(&self.server, cx.step).await;
        Ok(())
    }
    async fn outputs(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let databases = long_work::ask_afterwards(|| self.databases(cx)).await?.join(" ");
        Ok(Outputs::from_iter([("databases".to_owned(), databases.into())]))
    }
    /// Whether there is anything that a load can have brought.
    pub(in crate::kinds::copy) async fn holds_something(&self, cx: &Ctx<'_>) -> Result<bool> {
        let before = Self::databases_before(cx)?.unwrap_or_default();
        Ok(self.databases(cx).await?.iter().any(|name| !before.contains(name))
            || first_object(cx, &self.server).await?.is_some())
    }
    /// What became of a load that had succeeded. Since then replication may have changed everything, down to whole
    /// databases; but a server that holds nothing at all was emptied, and nothing that stands on the load fits it.
    pub(in crate::kinds::copy) async fn stands(&self, cx: &Ctx<'_>) -> Result<Probe> {
        let loaded = cx.outputs.get("databases").and_then(|names| names.as_str());
        if loaded == Some("") || self.holds_something(cx).await? {
            return Ok(Probe::Done(cx.outputs.clone()));
        }
        let with = loaded.map(|names| format!("; it was loaded with {names}")).unwrap_or_default();
        let answer = format!("the server has no tables any more{with}");
        Ok(Probe::Conflict(
            Failure::refused("continue with the loaded data", answer)
                .at(&self.server)
                .now("nothing was changed there")
                .help("find out who emptied it, roll this run back, and start a new one"),
        ))
    }
    /// Whether the job in `dir` is still running, or its result exists: if a job ended well but nothing of its result
    /// is left, the dump must be loaded again.
    pub(in crate::kinds::copy) async fn adopts(&self, cx: &Ctx<'_>, dir: &Words) -> Result<bool> {
        let host = cx.fx.host(self.host(cx.world)).await?;
        let Some(job) = host.find_job(dir).await? else { return Ok(false) };
        let state = job.state().await?;
        Ok(state.running || state.code == Some(0) && self.holds_something(cx).await?)
    }
    async fn prepare_folder(&self, cx: &Ctx<'_>, dir: &Words) -> Result<u64> {
        let host = cx.fx.host(self.host(cx.world)).await?;
        let size = host.print(&size_of(&self.file)).await.map_err(|failure| {
            Failure { attempted: "find the dump".into(), ..failure }
                .help("the dump must be on the server's own host: set `on` of the `dump` step to this server")
        })?;
        host.write_file(long_work::option_file(dir), &self.option_file(cx.world)?, Some(0o600)).await?;
        size.trim().parse().map_err(|_| {
            Failure::permanent("read the size of the dump", format!("stat printed `{}`", size.trim())).at(host.name())
        })
    }
}

/// Lines that make the client, if it can, treat a dump as data only: nothing in it runs a program or reads a file.
fn only_data(dialect: Dialect) -> Script {
    let told = |[option, flag]: &[&'static str; 2]| {
        sh!("if says {}; then set -- \"$@\" {}; fi\n", argument(*option), argument(*flag))
    };
    Script::join(dialect.client_flags_by_program().iter().map(told), "")
}

fn drop_database(name: impl Into<Words>) -> Sql {
    sql!("DROP DATABASE IF EXISTS {}", identifier(name))
}

#[async_trait]
impl Step for Import {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        vec![CopiesTo { server: self.server.clone(), logged: self.binlog }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let dialect = dialect(world, &self.server);
        let (host, dir) = (self.host(world), self.dir(world, &run_marker(), &marker::late("step")));
        let options = self
            .option_file(world)
            .map_err(|failure| vec![Complaint { help: failure.help, ..Complaint::new("server", failure.answer) }])?;
        let mut actions = vec![
            Action::sql(&self.server, dialect.objects()),
            Action::sql(&self.server, dialect.user_databases()),
            Action::look(host, size_of(&self.file)),
            Action::file(host, long_work::option_file(&dir), &options),
            Action::job(host, &dir, self.script(world), PROGRESS),
        ];
        actions.extend(long_work::option_file_actions(host, &dir));
        actions.extend(free_space::question_of(world, &self.server));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let dir = self.dir(world, &run_marker(), &marker::late("step"));
        let mut actions = self.drop_actions(world);
        actions.push(Action::end(self.host(world), &dir));
        actions.push(Action::remove(self.host(world), long_work::option_file(&dir)));
        actions
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        vec![Action::sql(&self.server, dialect(world, &self.server).objects())]
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        swap::loading(world, &self.server)
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![
            format!("how long `{}` takes to load the dump, and that its disk has room for the data", self.server),
            format!("that `{}` accepts every object in the dump", self.server),
        ]
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        require_empty(cx, &self.server, "load the dump").await.err().into_iter().collect()
    }

    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        if !cx.outputs.is_empty() {
            return self.stands(cx).await;
        }
        let dir = self.dir(cx.world, cx.run, cx.step);
        if !long_work::ended_well(cx, self.host(cx.world), &dir).await? || !self.holds_something(cx).await? {
            return Ok(Probe::NotDone); // execute finds a job that runs on the host again
        }
        self.outputs(cx).await.map(Probe::Done)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let dir = self.dir(cx.world, cx.run, cx.step);
        self.begin(cx, "load the dump").await?;
        if !self.adopts(cx, &dir).await? {
            cx.fx.host(self.host(cx.world)).await?.clear_job(&dir).await?;
            self.drop_loaded(cx).await?; // half a load from an earlier attempt
        }
        let total = self.prepare_folder(cx, &dir).await?;
        let script = self.script(cx.world);
        let work = Work {
            attempted: "load the dump",
            host: self.host(cx.world),
            dir: &dir,
            script: &script,
            progress: &PROGRESS.into(),
            total: Some(total),
        };
        let ran = work.run(cx).await;
        if let Err(failure) = long_work::tidied(cx, self.host(cx.world), &dir, ran).await {
            return Err(with_free_space(cx, &self.server, failure).await);
        }
        self.outputs(cx).await
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        Self::databases_before(cx)?; // a damaged note must stop the undo before it touches anything
        let dir = self.dir(cx.world, cx.run, cx.step);
        let host = cx.fx.host(self.host(cx.world)).await?;
        host.clear_job(&dir).await?;
        host.remove_file(long_work::option_file(&dir)).await?;
        self.drop_loaded(cx).await
    }
}
