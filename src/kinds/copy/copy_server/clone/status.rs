//! The state of the target's clone, as its own status tables report it: a later runner finds it there again.

use super::super::CopyServer;
use crate::dialect::clone::{BUSY, ENDED, OF_SOURCE};
use crate::dialect::lock;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::Ctx;
use crate::kinds::support::place::dialect;
use std::time::{Duration, Instant};

/// What is attempted, as a clause.
pub const ATTEMPTED: &str = "clone the server";
/// Pause between two checks.
pub const PAUSE: Duration = Duration::from_millis(300);
/// How long a server that does not answer is waited for while it clones by itself.
const AWAY: Duration = Duration::from_mins(10);
/// How long a killed clone may take to end.
const GONE: Duration = Duration::from_mins(2);

/// How the clone into a folder of ours stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The server knows of none.
    None,
    /// It runs, on this connection.
    Runs(String),
    /// It is whole.
    Whole,
    /// It ended with this error.
    Failed(u16, String),
}

/// Reads how the clone into `folder` stands.
///
/// # Errors
/// When the server cannot be asked.
pub async fn status(copy: &CopyServer, cx: &Ctx<'_>, folder: &str) -> Result<Status> {
    let session = cx.fx.sql(copy.target()).await?;
    let rows = session.query(dialect(cx.world, copy.target()).clone_status(), LOOK).await?;
    let Some(row) = rows.first() else { return Ok(Status::None) };
    let value = |name: &str| row.get(name).unwrap_or_default();
    if value("folder").trim_end_matches('/') != folder.trim_end_matches('/') {
        return Ok(Status::None);
    }
    Ok(match value("clone_state") {
        "In Progress" => Status::Runs(value("connection").to_owned()),
        "Completed" => Status::Whole,
        "Failed" => Status::Failed(value("code").parse().unwrap_or_default(), value("message").to_owned()),
        _ => Status::None,
    })
}

/// Reports the progress of the clone. A missing answer is no failure: the next check comes soon.
pub async fn tell_progress(copy: &CopyServer, cx: &Ctx<'_>) {
    let Ok(session) = cx.fx.sql(copy.target()).await else { return };
    let Ok(rows) = session.query(dialect(cx.world, copy.target()).clone_progress(), LOOK).await else { return };
    let number = |name: &str| rows.first().and_then(|row| row.get(name)?.parse::<u64>().ok());
    if let Some(done) = number("done") {
        cx.progress.bytes(done, number("total").filter(|total| *total > 0));
    }
}

/// Waits while the clone runs, also while its server does not answer.
///
/// # Errors
/// When the server does not answer for long, or the runner wants to stop.
pub async fn ended(copy: &CopyServer, cx: &Ctx<'_>, folder: &str) -> Result<Status> {
    let mut away: Option<Instant> = None;
    loop {
        match status(copy, cx, folder).await {
            Ok(Status::Runs(_)) => {
                away = None;
                tell_progress(copy, cx).await;
            }
            Ok(status) => return Ok(status),
            Err(failure) if !failure.passes() => return Err(failure),
            Err(failure) => {
                if away.is_none() {
                    cx.progress.note(format!("{} does not answer; the clone continues by itself", copy.target()));
                }
                if away.get_or_insert_with(Instant::now).elapsed() > AWAY {
                    return Err(failure);
                }
            }
        }
        cx.pause(PAUSE, ATTEMPTED).await?;
    }
}

/// Kills the clone into `folder` if it runs, and waits until it has ended.
///
/// # Errors
/// When it does not go, or the server cannot be asked.
pub async fn end(copy: &CopyServer, cx: &Ctx<'_>, folder: &str) -> Result<()> {
    let begin = Instant::now();
    let mut killed = None;
    while let Status::Runs(connection) = status(copy, cx, folder).await? {
        if begin.elapsed() > GONE {
            let answer = format!("the clone on connection {connection} was killed but still runs");
            return Err(Failure::transient("end the clone", answer).at(copy.target()));
        }
        if killed.as_ref() != Some(&connection) {
            let session = cx.fx.sql(copy.target()).await?;
            let _ = session.try_query(lock::end(&connection), LOOK).await; // it may just have gone
            killed = Some(connection);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// The failure of a clone that ended with `code`.
pub fn failed(copy: &CopyServer, code: u16, message: &str) -> Failure {
    let answer = format!("error {code}: {}", message.trim());
    let passes = [OF_SOURCE, BUSY, ENDED].contains(&code) || (1158..=1161).contains(&code);
    let failure = match code {
        _ if message.contains("Access denied") || message.contains("No space left") => {
            Failure::permanent(ATTEMPTED, answer)
        }
        _ if passes => Failure::transient(ATTEMPTED, answer),
        _ => Failure::permanent(ATTEMPTED, answer),
    };
    failure.at(copy.target()).now("the server keeps running with its old data; the incomplete clone is removed")
}

#[cfg(test)]
mod tests {
    use super::failed;
    use crate::error::Class;
    use crate::kinds::copy::copy_server::CopyServer;

    /// Messages as 9.7.4 writes them.
    #[test]
    fn what_passes_is_tried_again() {
        let copy: CopyServer = serde_json::from_value(serde_json::json!({ "from": "a", "to": "b" })).unwrap();
        for (code, message, class) in [
            (3862, "Clone Donor Error: 1317 : Query execution was interrupted.", Class::Transient),
            (
                3862,
                "Clone Donor Error: Connect failed: 2003 : Can't connect to MySQL server on '127.0.0.1:1' (111).",
                Class::Transient,
            ),
            (
                3862,
                "Clone Donor Error: Connect failed: 1045 : Access denied for user 'r'@'localhost' (using password: YES).",
                Class::Permanent,
            ),
            (3634, "Too many concurrent clone operations. Maximum allowed - 1.", Class::Transient),
            (1317, "Query execution was interrupted", Class::Transient),
            (
                3869,
                "Clone system configuration: 127.0.0.1:1 is not found in clone_valid_donor_list: ",
                Class::Permanent,
            ),
            (1006, "Can't create database '/d/c/' (errno: 13 - Permission denied)", Class::Permanent),
        ] {
            assert_eq!(failed(&copy, code, message).class, class, "{message}");
        }
    }
}
