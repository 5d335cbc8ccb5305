//! What can be wrong with the store, whatever database it is in.

use rusqlite::ErrorCode;
use std::io;
use std::path::PathBuf;

/// What can be wrong with the store.
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
    #[error(
        "the journal is damaged: entry {0} is not the one that was written: its hash does not follow from the entry before it"
    )]
    Changed(u32),
    #[error("the journal is damaged: entry {0} cannot be read: {1}")]
    Unreadable(u32, serde_json::Error),
    #[error("run {0}: {1}")]
    InRun(String, Box<Trouble>),
    #[error("there is no run of that id")]
    NoRun,
    #[error("it has schema version {0}, this program knows {1}")]
    Newer(u32, u32),
    #[error("it has schema version {0}, which this program only reads after bringing it up to date")]
    Older(u32),
    #[error("the journal's file was removed or replaced under the run: {lost}", lost = lost.display())]
    Gone {
        /// The file that is not under its path any more.
        lost: PathBuf,
        /// Where everything that this process still sees of the journal was saved.
        saved: Option<PathBuf>,
    },
    #[error("another runner has taken it over: this one is of epoch {epoch}, and that one of epoch {newest}")]
    Displaced {
        /// Of who wanted to write.
        epoch: u32,
        /// Of the runner that came last.
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
    #[error("{0}; nobody knows whether what was written last is there")]
    Unknown(Box<Trouble>),
    #[error("{answer}")]
    Unusable {
        /// What is wrong with what this machine brings: a file, a password, whom it trusts.
        answer: String,
        /// What to do.
        help: String,
    },
    #[error(
        "it is a primary that was given up: its timeline is {found}, and one of the same cluster with timeline {seen} was seen"
    )]
    OldTimeline {
        /// The newest that was seen.
        seen: u32,
        /// Its own.
        found: u32,
    },
    #[error("it is another cluster than before: its system identifier is {found}, and it was {seen}")]
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
    /// Whether it may be over in a while: a server that is away, is not up yet or has become a standby, and work that met
    /// another's.
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
