//! What can be wrong with the journal's file, and what to do about it.

use super::backup::LastBackup;
use super::schema::LATEST;
use crate::error::Failure;
use rusqlite::ErrorCode;
use std::io;
use std::path::{Path, PathBuf};

/// What can be wrong with the file.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum Trouble {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    File(#[from] io::Error),
    #[error("an event cannot be written as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error("the journal is damaged: {0}")]
    Damaged(String),
    #[error("the journal is damaged: run {0} has entries and no record")]
    NoRecord(String),
    #[error("the journal is damaged: entry {0} is missing")]
    Missing(u32),
    #[error(
        "the journal is damaged: entry {0} is not the one that was written: its hash does not follow from the entry before it"
    )]
    Changed(u32),
    #[error("the journal is damaged: entry {0} cannot be read: {1}")]
    Unreadable(u32, serde_json::Error),
    #[error("run {0}: {1}")]
    InRun(String, Box<Trouble>),
    #[error("it has schema version {0}, this program knows {LATEST}")]
    Newer(u32),
    #[error("it has schema version {0}, which this program only reads after bringing it up to date")]
    Older(u32),
    #[error("the journal's file was removed or replaced under the run: {lost}", lost = lost.display())]
    Gone {
        /// The file that is not under its path any more.
        lost: PathBuf,
        /// Where everything that this process still sees of the journal was saved.
        saved: Option<PathBuf>,
    },
    #[error("its log {0} cannot be read without write permission on the state directory")]
    UnreadableLog(PathBuf),
}

impl Trouble {
    /// Whether the file's content is damaged, so that waiting or making room does not help.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) | Self::NoRecord(_) | Self::Missing(_) | Self::Changed(_) | Self::Unreadable(..) => true,
            Self::Sqlite(error) => {
                matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
            Self::InRun(_, trouble) => trouble.is_damage(),
            _ => false,
        }
    }

    fn advice(&self, path: &Path) -> Option<String> {
        match self {
            _ if self.is_damage() => Some(restore(path)),
            Self::Newer(_) => Some("use the version of cutover that wrote it, or a newer one".to_owned()),
            Self::Older(_) => Some("`cutover state upgrade` brings it up to date".to_owned()),
            Self::UnreadableLog(_) => Some("copy the whole state directory, and name the copy with --state".to_owned()),
            Self::Gone { saved, .. } => {
                let from = saved
                    .as_ref()
                    .map_or("a copy by `cutover state backup`".to_owned(), |saved| saved.display().to_string());
                Some(format!("end every cutover of this state directory; {}; put {from} in its place", move_away(path)))
            }
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    Some(format!("another program holds a lock on it: `fuser {}` names it", path.display()))
                }
                Some(ErrorCode::DiskFull) => Some("make room for the journal".to_owned()),
                _ => None,
            },
            _ => None,
        }
    }
}

fn restore(path: &Path) -> String {
    let file = path.display();
    let from = match LastBackup::known(path) {
        Some(LastBackup { file, at }) => {
            format!("put the newest copy by `cutover state backup` in its place: {file}, of {at}")
        }
        None => "put a copy by `cutover state backup` in its place; this state directory knows of none".to_owned(),
    };
    format!(
        "{}; {from}; without a copy, first save what can be read: \
         `sqlite3 {file} .dump | sed 's/^ROLLBACK;.*/COMMIT;/' | sqlite3 NEW`",
        move_away(path)
    )
}

/// A log that stays would be applied to another file of the same name.
fn move_away(path: &Path) -> String {
    let file = path.display();
    format!("move {file}, {file}-wal and {file}-shm away, as far as they are there")
}

/// The failure of an attempt on the journal at `path`.
pub(in crate::store) fn failure(attempted: impl Into<String>, path: &Path, trouble: impl Into<Trouble>) -> Failure {
    let trouble = trouble.into();
    let failure = Failure::permanent(attempted, trouble.to_string()).at(path.display().to_string());
    let failure = match &trouble {
        Trouble::Gone { saved: Some(saved), .. } => {
            failure.now(format!("all that this process knows of the journal is saved in {}", saved.display()))
        }
        _ => failure,
    };
    match trouble.advice(path) {
        Some(advice) => failure.help(advice),
        None => failure,
    }
}
