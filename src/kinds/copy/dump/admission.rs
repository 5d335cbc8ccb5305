//! What must be true of a source before it can be dumped and replicated from.

use super::Dump;
use crate::dialect::{Dialect, Every};
use crate::domain::Script;
use crate::domain::Words;
use crate::domain::units::Bytes;
use crate::effects::Row;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::client_program::{client_package, family_name, find_dump_program};
use crate::kinds::support::free_space::{self, free_space};
use crate::kinds::support::place::{dialect, is_installed};
use crate::kinds::support::trial_write;
use crate::kinds::support::volume::volume;
use crate::kinds::{Action, Ctx, On};
use crate::playbook::world::World;

/// Variables that decide whether the source's binary log can be followed.
const LOG_VARIABLES: [&str; 4] = ["log_bin", "binlog_format", "binlog_row_image", "server_id"];

/// Programs that a dump into a file needs beside the dump program.
const BESIDE: [&str; 2] = ["zstd", "mkfifo"];

/// Finds the dump program, and prints `told` where it can be told how to begin its session.
fn programs(dialect: Dialect) -> Script {
    let takes = if dialect.is_mariadb() { "! takes_session || echo set" } else { "! says --init-command || echo set" };
    find_dump_program(dialect).then(takes)
}

impl Dump {
    /// What the checks of a dump into a file ask.
    pub(super) fn admission_questions(&self, world: &World) -> Vec<Action> {
        let host = self.host(world);
        let mut actions = self.source_questions(world);
        actions.extend(self.program_questions(world, &BESIDE));
        actions.push(Action::command(host, trial_write::in_own_folder(self.folder(world))));
        actions.push(free_space::question(host, self.folder(world)));
        actions
    }

    /// What [`Dump::source_faults`] asks.
    pub(in crate::kinds::copy) fn source_questions(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        let here = On(&self.server);
        let mut actions = vec![
            here.sql(dialect.show_variables(&LOG_VARIABLES)),
            here.sql(dialect.own_privileges()),
            here.sql(dialect.event_scheduler()),
            here.sql(dialect.tables_outside_snapshot(&self.databases)),
        ];
        if !self.databases.is_empty() {
            actions.push(here.sql(dialect.existing_databases(&self.databases)));
            actions.push(here.sql(dialect.tables(&Every)));
        }
        actions.push(here.sql(dialect.total_size(&self.databases)));
        actions
    }

    /// What [`Dump::programs`] asks.
    pub(in crate::kinds::copy) fn program_questions(&self, world: &World, beside: &[&str]) -> Vec<Action> {
        let (dialect, host) = (dialect(world, &self.server), self.host(world));
        let mut actions = vec![On(&self.server).sql(dialect.settings_that_cut_dumps())];
        actions.push(Action::look(host, programs(dialect)));
        actions.extend(beside.iter().map(|program| Action::look(host, is_installed(program))));
        actions
    }

    /// Every reason why a dump into a file, or replication from its position, cannot work.
    pub(super) async fn admission(&self, cx: &Ctx<'_>) -> Vec<Failure> {
        let mut failures = self.source_faults(cx).await;
        failures.extend(self.programs(cx, &BESIDE).await.err());
        failures.extend(self.space(cx).await.err());
        // an unreachable server answers every question with the same words
        failures.dedup();
        failures
    }

    /// Every reason why the source cannot be copied by statements and followed from there.
    pub(in crate::kinds::copy) async fn source_faults(&self, cx: &Ctx<'_>) -> Vec<Failure> {
        let dialect = dialect(cx.world, &self.server);
        let mut failures = Vec::new();
        failures.extend(self.binlog(cx, dialect).await.err());
        failures.extend(self.privileges(cx, dialect).await.err());
        failures.extend(self.events(cx, dialect).await.err());
        failures.extend(self.engines(cx, dialect).await.err());
        failures.extend(self.databases_named(cx, dialect).await.err());
        failures.dedup();
        failures
    }

    async fn binlog(&self, cx: &Ctx<'_>, dialect: Dialect) -> Result<()> {
        let session = cx.fx.sql(&self.server).await?;
        let rows = session.query(&dialect.show_variables(&LOG_VARIABLES), LOOK).await?;
        let value = |name: &str| {
            let row =
                rows.iter().find(|row| row.get("Variable_name").is_some_and(|known| known.eq_ignore_ascii_case(name)));
            row.and_then(|row| row.get("Value").map(str::to_uppercase)).unwrap_or_default()
        };
        let refuse = |answer: String, help: &str| {
            Err(Failure::refused("replicate from the source", answer)
                .at(&self.server)
                .now("nothing was touched")
                .help(help))
        };
        if value("log_bin") != "ON" {
            let help = "set `log_bin` and a `server_id` in its configuration and restart it; no server can replicate \
                        from it before";
            return refuse("it writes no binary log".into(), help);
        }
        if value("binlog_format") != "ROW" {
            let answer = format!("its binlog_format is {}, not ROW", value("binlog_format"));
            return refuse(
                answer,
                "SET GLOBAL binlog_format = ROW, put it in its configuration, and let clients reconnect",
            );
        }
        if value("binlog_row_image") != "FULL" {
            let answer = format!("its binlog_row_image is {}, not FULL", value("binlog_row_image"));
            return refuse(answer, "SET GLOBAL binlog_row_image = FULL, and put it in its configuration");
        }
        Ok(())
    }

    async fn privileges(&self, cx: &Ctx<'_>, dialect: Dialect) -> Result<()> {
        let rows = cx.fx.sql(&self.server).await?.query(&dialect.own_privileges(), LOOK).await?;
        let held: Vec<_> =
            rows.iter().filter_map(|row| Some((row.get("privilege")?, row.get("in_database")?))).collect();
        let holds = |privilege: &str| {
            let everywhere = held.contains(&(privilege, "*"));
            let each = self.databases.iter().all(|database| held.contains(&(privilege, database)));
            everywhere || (!self.databases.is_empty() && each)
        };
        let all = dialect.sees_all().into_iter().flatten().copied();
        let missing: Vec<&str> = all.filter(|privilege| !holds(privilege)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        Err(Failure::refused(
            "dump all objects",
            format!("the account lacks {missing}: objects that it cannot see would be left out"),
        )
        .at(&self.server)
        .now("nothing was touched")
        .help(format!("GRANT {missing} ON *.* to it there, directly and not through a role")))
    }

    async fn events(&self, cx: &Ctx<'_>, dialect: Dialect) -> Result<()> {
        let session = cx.fx.sql(&self.server).await?;
        let disabled = session.query(dialect.event_scheduler(), LOOK).await?.value() == Some("DISABLED");
        if !(disabled && dialect.is_mariadb()) {
            return Ok(());
        }
        Err(Failure::refused(
            "dump the events",
            "its event scheduler is DISABLED, so the server does not list its events",
        )
        .at(&self.server)
        .now("nothing was touched")
        .help("write `event_scheduler = OFF` into its configuration instead, and restart it"))
    }

    async fn engines(&self, cx: &Ctx<'_>, dialect: Dialect) -> Result<()> {
        let session = cx.fx.sql(&self.server).await?;
        let rows = session.query(&dialect.tables_outside_snapshot(&self.databases), LOOK).await?;
        let tables: Vec<String> = rows
            .iter()
            .map(|row| {
                format!("{} ({})", row.get("name").unwrap_or_default(), row.get("engine").unwrap_or("no engine"))
            })
            .collect();
        if tables.is_empty() {
            return Ok(());
        }
        Err(Failure::refused("dump consistently", format!("these tables are not InnoDB: {}", tables.join(", ")))
            .at(&self.server)
            .now("nothing was touched")
            .help(
                "convert them with ALTER TABLE ... ENGINE=InnoDB, or leave out their databases if they hold no others",
            ))
    }

    async fn databases_named(&self, cx: &Ctx<'_>, dialect: Dialect) -> Result<()> {
        if self.databases.is_empty() {
            return Ok(());
        }
        let session = cx.fx.sql(&self.server).await?;
        let rows = session.query(&dialect.existing_databases(&self.databases), LOOK).await?;
        let there: Vec<&str> = rows.iter().filter_map(|row| row.get("name")).collect();
        let missing: Vec<&str> =
            self.databases.iter().map(String::as_str).filter(|name| !there.contains(name)).collect();
        if !missing.is_empty() {
            let answer = format!("there is no database {}", missing.join(", "));
            return Err(Failure::refused("dump the databases", answer).at(&self.server).help("correct `databases`"));
        }
        let tables = session.query(&dialect.tables(&Every), LOOK).await?;
        let is_outside = |row: &Row<'_>| {
            row.get("in_database").is_some_and(|name| !self.databases.iter().any(|known| known == name))
        };
        let outside = tables.iter().find(is_outside).and_then(|row| row.get("name"));
        match outside {
            None => Ok(()),
            Some(table) => Err(Failure::refused("leave databases out", format!("{table} is in none of `databases`"))
                .at(&self.server)
                .now("replication includes every database, so the first change of that table would stop it")
                .help("name all databases that hold tables, or none")),
        }
    }

    /// Whether the dump program is there, and what it needs `beside` it.
    pub(in crate::kinds::copy) async fn programs(&self, cx: &Ctx<'_>, beside: &[&str]) -> Result<()> {
        let dialect = dialect(cx.world, &self.server);
        let host = cx.fx.host(self.host(cx.world)).await?;
        let refuse = |answer: String, package: &str| {
            Failure::refused("dump the databases", answer).at(host.name()).now("nothing was touched").help(format!(
                "install it there (Debian package: {package}), in any folder on the PATH of ssh sessions, or dump on \
                 another host with `on`"
            ))
        };
        let looked = host.run(&programs(dialect)).await?;
        if looked.code != Some(0) {
            let (family, names) = (family_name(dialect), dialect.dump_programs().join(" or "));
            return Err(refuse(format!("dump program of {family} not found ({names})"), client_package(dialect)));
        }
        for &program in beside {
            if !host.succeeds(&is_installed(program)).await? {
                let package = if program == "zstd" { "zstd" } else { "coreutils" };
                return Err(refuse(format!("program `{program}` not found"), package));
            }
        }
        if looked.stdout.starts_with(b"set") { Ok(()) } else { self.cuts_nothing(cx, dialect).await }
    }

    /// An older program takes the server's global settings as they are.
    async fn cuts_nothing(&self, cx: &Ctx<'_>, dialect: Dialect) -> Result<()> {
        let rows = cx.fx.sql(&self.server).await?.query(&dialect.settings_that_cut_dumps(), LOOK).await?;
        let found: Vec<String> = rows
            .iter()
            .map(|row| format!("{} is {}", row.get("name").unwrap_or_default(), row.get("value").unwrap_or_default()))
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        Err(Failure::refused("dump all objects", format!("the dump would be incomplete: {}", found.join(", ")))
            .at(&self.server)
            .now("nothing was touched")
            .help(
                "the dump program there cannot override this: set it back for the time of the dump, or install a \
                 newer program",
            ))
    }

    /// Where the dump will lie.
    fn folder(&self, world: &World) -> Words {
        let dumps = || world.inventory.host(self.host(world)).map(|host| host.dumps().place());
        self.directory.as_ref().map(Words::from).or_else(dumps).unwrap_or_default()
    }

    /// The dump is smaller than the tables it comes from, so room for the tables is room enough.
    async fn space(&self, cx: &Ctx<'_>) -> Result<()> {
        let needed = volume(cx, &self.server, &self.databases).await?.bytes;
        let folder = self.folder(cx.world);
        let printed = cx.fx.host(self.host(cx.world)).await?.print(&trial_write::in_own_folder(&folder)).await?;
        if let Some(fault) = trial_write::fault(&printed) {
            return Err(Failure::refused("store the dump", format!("cannot write to {folder}: {fault}"))
                .at(self.host(cx.world))
                .now("nothing was touched")
                .help("allow the account to write there, or name another folder with `directory`"));
        }
        let free = free_space(cx, self.host(cx.world), &folder).await?;
        if free >= needed {
            return Ok(());
        }
        let (free, needed) = (Bytes(free), Bytes(needed));
        Err(Failure::refused("store the dump", format!("free space in {folder}: {free}; size of the tables: {needed}"))
            .at(self.host(cx.world))
            .now("nothing was touched")
            .help("free space there, or name another folder with `directory`"))
    }
}
