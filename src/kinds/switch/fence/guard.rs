//! What keeps the server closed when it restarts: a line in its configuration file, or what it keeps itself.

use super::Fence;
use crate::dialect::Dialect;
use crate::domain::{Contents, Sql, Words};
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::answer;
use crate::kinds::support::config_file::ConfigFile;
use crate::kinds::support::config_place::{read_actions, require_read};
use crate::kinds::support::option_file;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;
use std::collections::BTreeMap;

/// Key of the memo: what the server kept before, by variable.
const KEPT: &str = "kept";

impl Fence {
    pub(super) fn config<'a>(&self, world: &'a World) -> Option<ConfigFile<'a>> {
        let server = world.inventory.server(&self.server)?;
        Some(ConfigFile { host: &server.host, path: server.config_file.as_deref()? })
    }

    /// Whether the server itself keeps the guard: it has no file that the run may write.
    pub(super) fn keeps_guard(&self, world: &World) -> bool {
        self.config(world).is_none() && dialect(world, &self.server).persists()
    }

    /// A crash of the server must not open it again: the file is changed before the running server.
    pub(super) async fn guard_file(&self, cx: &Ctx<'_>, dialect: Dialect) -> Result<()> {
        let Some(config) = self.config(cx.world) else { return Ok(()) };
        let text = if let Some(text) = config.read(cx).await? {
            text
        } else {
            require_read(cx, &config).await?; // a file that nobody reads guards nothing
            String::new()
        };
        let guarded = option_file::set(&text, dialect.closed_after_restart().iter().copied());
        if guarded == text { Ok(()) } else { config.replace(cx, &Contents::plain(guarded), None).await.map(drop) }
    }

    /// Notes what the server keeps, before [`Fence::keep_guard`] changes it.
    pub(super) async fn note_kept(&self, cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<()> {
        if !self.keeps_guard(cx.world) || kept(cx)?.is_some() {
            return Ok(());
        }
        let question = dialect.persisted_values(&names(dialect));
        let rows = session.query(&question, LOOK).await?;
        let pair = |row| {
            let column = |name| answer::column(row, name, session, &question).map(str::to_owned);
            Ok((column("name")?, column("value")?))
        };
        let now: BTreeMap<String, String> = rows.iter().map(pair).collect::<Result<_>>()?;
        cx.memo.keep(KEPT, now).await.map(drop)
    }

    /// Lets the server keep it. It closes the server at once, so it comes when that is to be closed.
    pub(super) async fn keep_guard(&self, cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<()> {
        if self.keeps_guard(cx.world) {
            for statement in keeping(dialect) {
                session.query(&statement, LOOK).await?;
            }
        }
        Ok(())
    }

    /// Puts back what the server kept. What it sets in memory, the rest of the undo sets right.
    pub(super) async fn restore_kept(&self, cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<()> {
        let Some(before) = kept(cx)? else { return Ok(()) };
        for name in names(dialect) {
            let statement = match before.get(name) {
                Some(value) => dialect.persist(name, value),
                None => dialect.forget_persisted(name),
            };
            session.query(&statement, LOOK).await?;
        }
        Ok(())
    }

    /// Without a file, and with a server that keeps nothing, a restart would open it.
    pub(super) async fn has_guard(&self, cx: &Ctx<'_>) -> Result<()> {
        match self.config(cx.world) {
            Some(config) => require_read(cx, &config).await,
            None if self.keeps_guard(cx.world) => Ok(()),
            None => {
                let answer = "after a restart it would be open again: the inventory has no `config_file` for it";
                Err(Failure::refused("close the server to writes", answer)
                    .at(&self.server)
                    .now("nothing was touched")
                    .help(
                        "add `config_file` to this server: a file of its own that it reads, such as one in its conf.d",
                    ))
            }
        }
    }

    pub(super) fn guard_actions(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        let lines = dialect.closed_after_restart().iter().map(|(name, value)| format!("{name} = {value}"));
        let lines = lines.collect::<Vec<_>>().join(", ");
        match self.config(world) {
            Some(config) => {
                let mut actions = read_actions(&config);
                let edit = format!("its content, with these lines set for the server: {lines}");
                actions.extend(config.preview(&Contents::plain(Words::late(edit))));
                actions
            }
            None if self.keeps_guard(world) => {
                vec![Action::sql(&self.server, dialect.persisted_values(&names(dialect)))]
            }
            None => Vec::new(),
        }
    }

    pub(super) fn keep_actions(&self, world: &World) -> Vec<Action> {
        let all = if self.keeps_guard(world) { keeping(dialect(world, &self.server)) } else { Vec::new() };
        all.into_iter().map(|text| Action::sql(&self.server, text)).collect()
    }

    pub(super) fn undo_guard_actions(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.server);
        if !self.keeps_guard(world) {
            return Vec::new();
        }
        let value = Words::late("its persisted value before");
        let both = |name: &'static str| [dialect.forget_persisted(name), dialect.persist(name, &value)];
        names(dialect).into_iter().flat_map(both).map(|text| Action::sql(&self.server, text)).collect()
    }
}

/// What was noted; a damaged note stops the undo before it touches anything.
pub(super) fn kept(cx: &Ctx<'_>) -> Result<Option<BTreeMap<String, String>>> {
    cx.memo.read(KEPT)
}

fn names(dialect: Dialect) -> Vec<&'static str> {
    dialect.closed_after_restart().iter().map(|(name, _)| *name).collect()
}

fn keeping(dialect: Dialect) -> Vec<Sql> {
    dialect.closed_after_restart().iter().map(|(name, value)| dialect.persist(name, *value)).collect()
}
