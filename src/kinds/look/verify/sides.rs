//! The connections of a comparison: on each server one that controls, and several that read in snapshots.

use super::Verify;
use crate::dialect::Dialect;
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::Ctx;
use crate::kinds::support::answer;
use crate::kinds::support::place::dialect;
use std::sync::Arc;
use tokio::task::JoinSet;

/// One server.
pub(super) struct Side {
    /// Its name.
    pub name: String,
    /// What statements for it are written in.
    pub dialect: Dialect,
    /// Asks about definitions and holds commits back.
    pub control: Arc<Session>,
    /// Read rows, each in a snapshot of its own of the same moment.
    pub readers: Vec<Arc<Session>>,
    /// Whether it keeps names of databases and tables in small letters.
    pub folds: bool,
}

/// Both servers.
pub(super) struct Sides {
    /// The one that is followed.
    pub source: Side,
    /// The one that follows.
    pub replica: Side,
}

/// Names of the connections: the one that controls, then those that read.
fn purposes(threads: u8) -> impl Iterator<Item = String> {
    (0..=threads).map(|number| format!("verify {number}"))
}

impl Side {
    async fn open(name: &str, threads: u8, cx: &Ctx<'_>) -> Result<Self> {
        let dialect = dialect(cx.world, name);
        let mut sessions = Vec::new();
        for purpose in purposes(threads) {
            let session = cx.fx.session(name, &purpose).await?;
            for statement in dialect.comparing_session() {
                session.query(&statement, LOOK).await?;
            }
            sessions.push(session);
        }
        let readers = sessions.split_off(1);
        let control = sessions.swap_remove(0);
        let folds = answer::value(&control, dialect.folds_names()).await? != "0";
        Ok(Self { name: name.to_owned(), dialect, control, readers, folds })
    }

    /// Names of databases as this server spells them.
    pub fn spelt(&self, databases: &[String]) -> Vec<String> {
        let spell = |name: &String| if self.folds { name.to_lowercase() } else { name.clone() };
        databases.iter().map(spell).collect()
    }

    /// Opens the readers' snapshots, all at the same time.
    pub async fn take_snapshots(&self) -> Result<()> {
        let mut opening = JoinSet::new();
        for reader in &self.readers {
            let (reader, statement) = (reader.clone(), self.dialect.take_snapshot());
            opening.spawn(async move { reader.query(statement, LOOK).await });
        }
        while let Some(opened) = opening.join_next().await {
            opened.map_err(|error| Failure::permanent("take a snapshot", error.to_string()).at(&self.name))??;
        }
        Ok(())
    }
}

impl Sides {
    /// Opens every connection.
    pub async fn open(step: &Verify, cx: &Ctx<'_>) -> Result<Self> {
        let opened = async {
            let source = Side::open(&step.source, step.threads, cx).await?;
            Ok(Self { source, replica: Side::open(&step.replica, step.threads, cx).await? })
        };
        let opened = opened.await;
        if opened.is_err() {
            close(&[&step.source, &step.replica], step.threads, cx).await;
        }
        opened
    }

    /// Whether one server keeps names in small letters and the other does not: letters then make no difference.
    pub fn spell_apart(&self) -> bool {
        self.source.folds != self.replica.folds
    }

    /// A name in the spelling by which both are told to have the same.
    pub fn one_spelling(&self, name: &str) -> String {
        if self.spell_apart() { name.to_lowercase() } else { name.to_owned() }
    }

    /// Closes them, and lets the servers forget the snapshots.
    pub async fn close(&self, cx: &Ctx<'_>) {
        let threads = u8::try_from(self.source.readers.len()).unwrap_or(u8::MAX);
        close(&[&self.source.name, &self.replica.name], threads, cx).await;
    }
}

async fn close(servers: &[&str], threads: u8, cx: &Ctx<'_>) {
    for server in servers {
        for purpose in purposes(threads) {
            cx.fx.close_session(server, &purpose).await;
        }
    }
}
