//! Errors of the store, for both databases.

use rusqlite::ErrorCode;
use std::io;
use std::path::PathBuf;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
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
    #[error("the journal is damaged: entry {0} is not the one that was written: its hash does not match")]
    Changed(u32),
    #[error("the journal is damaged: entry {0} cannot be read: {1}")]
    Unreadable(u32, serde_json::Error),
    #[error("run {0}: {1}")]
    InRun(String, Box<Trouble>),
    #[error("there is no run of that id")]
    NoRun,
    #[error("it has schema version {0}, this program knows {1}")]
    Newer(u32, u32),
    #[error("it has schema version {0}, which must be upgraded before this program can read it")]
    Older(u32),
    #[error("the journal's file was removed or replaced under the run: {lost}", lost = lost.display())]
    Gone {
        /// The file that is not under its path any more.
        lost: PathBuf,
        /// Copy of the journal as this process still sees it.
        saved: Option<PathBuf>,
    },
    #[error("another runner has taken over the run: this runner has epoch {epoch}, the other has epoch {newest}")]
    Displaced {
        /// Epoch of the refused writer.
        epoch: u32,
        /// Epoch of the newest runner.
        newest: u32,
    },
    #[error("it does not answer: {0}")]
    Lost(String),
    #[error("{text}")]
    Said {
        /// What PostgreSQL calls it (its manual, "PostgreSQL Error Codes").
        code: String,
        /// In words.
        text: String,
    },
    #[error("{0}; it is not known whether the last write was stored")]
    Unknown(Box<Trouble>),
    #[error("{answer}")]
    Unusable {
        /// The fault on this machine: a file, a password, a trusted certificate.
        answer: String,
        /// What to do.
        help: String,
    },
    #[error(
        "it is an outdated primary: its timeline is {found}, but a server of the same cluster with timeline {seen} was seen before"
    )]
    OldTimeline {
        /// The newest that was seen.
        seen: u32,
        /// Its own.
        found: u32,
    },
    #[error("it is another cluster than before: its system identifier is {found}, but was {seen} before")]
    OtherCluster {
        /// The one that was seen before.
        seen: i64,
        /// Its own.
        found: i64,
    },
    #[error("its log {0} cannot be read without write permission on the state directory")]
    UnreadableLog(PathBuf),
}

impl Trouble {
    /// Whether the file's content is damaged, so that neither waiting nor freeing space helps.
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
    /// Whether it may pass by itself: a server that is away, is starting or has become a standby, or a conflict with other
    /// work.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Lost(_) | Self::OldTimeline { .. } => true,
            Self::Said { code, .. } => {
                let passing = ["57P01", "57P02", "57P03", "53300", "25006", "40001", "40P01", "55P03"];
                code.starts_with("08") || passing.contains(&code.as_str())
            }
            Self::Unknown(trouble) => trouble.may_pass(),
            _ => false,
        }
    }
}
