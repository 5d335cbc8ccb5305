//! Advice for errors of the journal's file.

use super::backup::LastBackup;
use crate::error::Failure;
use crate::store::trouble::Trouble;
use rusqlite::ErrorCode;
use std::path::Path;

fn advice(trouble: &Trouble, path: &Path) -> Option<String> {
    match trouble {
        _ if trouble.is_damage() => Some(restore(path)),
        Trouble::NoRun => Some("see `cutover list`".to_owned()),
        Trouble::Newer(..) => Some("use the version of cutover that wrote it, or a newer one".to_owned()),
        Trouble::Older(_) => Some("run `cutover state upgrade`".to_owned()),
        Trouble::UnreadableLog(_) => Some("copy the whole state directory, and use the copy with --state".to_owned()),
        Trouble::Gone { saved, .. } => {
            let from = saved
                .as_ref()
                .map_or("a copy by `cutover state backup`".to_owned(), |saved| saved.display().to_string());
            Some(format!(
                "stop every cutover process of this state directory; {}; put {from} in its place",
                move_away(path)
            ))
        }
        Trouble::Sqlite(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Some(format!("another program has locked it: `fuser {}` shows which", path.display()))
            }
            Some(ErrorCode::DiskFull) => Some("free disk space for the journal".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn restore(path: &Path) -> String {
    let file = path.display();
    let from = match LastBackup::known(path) {
        Some(LastBackup { file, at }) => {
            format!("replace it with the newest copy made by `cutover state backup`: {file}, of {at}")
        }
        None => {
            "replace it with a copy made by `cutover state backup`; none is recorded in this state directory".to_owned()
        }
    };
    format!(
        "{}; {from}; without a copy, first save the readable part: \
         `sqlite3 {file} .dump | sed 's/^ROLLBACK;.*/COMMIT;/' | sqlite3 NEW`",
        move_away(path)
    )
}

/// A log that is left would be applied to the next file of the same name.
fn move_away(path: &Path) -> String {
    let file = path.display();
    format!("move {file}, {file}-wal and {file}-shm away, as far as they exist")
}

/// The failure of an attempt on the journal at `path`.
pub(super) fn failure(attempted: impl Into<String>, path: &Path, trouble: impl Into<Trouble>) -> Failure {
    let trouble = trouble.into();
    let failure = Failure::permanent(attempted, trouble.to_string()).at(path.display().to_string());
    let failure = match &trouble {
        Trouble::Gone { saved: Some(saved), .. } => {
            failure.now(format!("the journal as this process knows it is saved in {}", saved.display()))
        }
        _ => failure,
    };
    match advice(&trouble, path) {
        Some(advice) => failure.help(advice),
        None => failure,
    }
}
