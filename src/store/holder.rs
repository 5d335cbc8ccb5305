//! Leases in a store that machines share. A runner renews its lease at intervals; the run of a runner that has been silent
//! for [`LEASE`] may be taken over, and later writes of the silent runner are refused because of its epoch.
//!
//! Times come from the store's own clock, because the clocks of the machines may differ.

use super::database::{Session, values};
use super::store::Store;
use super::trouble::Trouble;
use crate::error::{Failure, Result};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use uuid::Uuid;

/// How long a runner may be silent until another one may take its run.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often a runner renews its lease.
const RENEWED: Duration = Duration::from_secs(5);

/// How long a silent runner is watched before it counts as dead: a living one would renew its lease twice in that time.
const WATCHED: Duration = Duration::from_secs(12);

/// A holder that was not seen within [`LEASE`], and when it was last seen.
struct Silent {
    token: String,
    seen: i64,
}

enum Found {
    Taken,
    Held,
    Silent(Silent),
}

/// Takes a free lease, or one that `silent` has not renewed since.
fn try_take(
    session: &mut dyn Session,
    what: &str,
    (token, runner): (&str, &str),
    silent: Option<&Silent>,
) -> Result<Found, Trouble> {
    let now = session.clock();
    if let Some(Silent { token, seen }) = silent {
        session
            .change("DELETE FROM holder WHERE what = $1 AND token = $2 AND seen = $3", values![what, token, *seen])?;
    }
    let insert = format!(
        "INSERT INTO holder (what, token, runner, since, seen) VALUES ($1, $2, $3, {now}, {now}) ON CONFLICT (what) DO NOTHING"
    );
    if session.change(&insert, values![what, token, runner])? > 0 {
        return Ok(Found::Taken);
    }
    let select = format!("SELECT token, seen FROM holder WHERE what = $1 AND seen < {now} - $2");
    let row = session.row(&select, values![what, millis(LEASE)])?;
    row.map_or(Ok(Found::Held), |mut row| Ok(Found::Silent(Silent { token: row.take(0)?, seen: row.take(1)? })))
}

/// A lease of this process; released when dropped.
#[derive(Debug)]
pub struct RunHold {
    over: Option<Sender<()>>,
    renewing: Option<JoinHandle<()>>,
}

impl Store {
    /// Takes `what`, such as `run ID`, for `runner`, a description of this process, and keeps it. A silent holder is watched
    /// once more before: while the store itself was away, no runner could renew its lease.
    ///
    /// # Errors
    /// `Locked` when another process works on it, and was seen within [`LEASE`] or meanwhile.
    pub fn hold(&self, what: &str, runner: &str) -> Result<RunHold> {
        let attempted = format!("take over {what}");
        let token = Uuid::now_v7().to_string();
        let take = |silent: Option<&Silent>| self.write(|session| try_take(session, what, (&token, runner), silent));
        let mut found = take(None).map_err(|trouble| self.failed(&attempted, trouble))?;
        if let Found::Silent(silent) = &found {
            tracing::warn!("{what}: its runner is silent; watching it for {} s before taking over", WATCHED.as_secs());
            std::thread::sleep(WATCHED);
            found = take(Some(silent)).map_err(|trouble| self.failed(&attempted, trouble))?;
        }
        if !matches!(found, Found::Taken) {
            let holder = self.holders(what)?.pop().unwrap_or_else(|| "another process".to_owned());
            return Err(Failure::locked(attempted, format!("it is held by {holder}"))
                .now("nothing was touched")
                .help(format!("wait for it to end; a runner that died counts as dead after {} s", LEASE.as_secs())));
        }
        let (over, told) = channel();
        let (store, what) = (self.clone(), what.to_owned());
        let renewing = std::thread::spawn(move || {
            while told.recv_timeout(RENEWED) == Err(RecvTimeoutError::Timeout) {
                match store.renew(&what, &token) {
                    Ok(true) => {}
                    Ok(false) => return, // another process has it: writes of this one are refused from now on
                    Err(failure) => tracing::warn!("{failure}"),
                }
            }
            if let Err(failure) = store.let_go(&what, &token) {
                tracing::warn!("{failure}"); // without a renewal it counts as silent soon
            }
        });
        Ok(RunHold { over: Some(over), renewing: Some(renewing) })
    }

    /// Unfinished runs whose runner was not seen within [`LEASE`], each with that runner. A runner that ended by itself has
    /// released its run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn silent_runs(&self) -> Result<Vec<(String, String)>> {
        let found = self.read(|session| {
            let select = format!(
                "SELECT overview.run, holder.runner FROM holder JOIN overview ON holder.what = 'run ' || overview.run
                 WHERE holder.seen < {} - $1 AND overview.outcome IS NULL ORDER BY overview.run",
                session.clock()
            );
            let rows = session.rows(&select, values![millis(LEASE)])?.into_iter();
            rows.map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect()
        });
        found.map_err(|trouble| self.failed("find runs whose runner was lost", trouble))
    }

    fn renew(&self, what: &str, token: &str) -> Result<bool> {
        let renewed = self.write(|session| {
            let update = format!("UPDATE holder SET seen = {} WHERE what = $1 AND token = $2", session.clock());
            Ok(session.change(&update, values![what, token])? > 0)
        });
        renewed.map_err(|trouble| self.failed(format!("renew the lease of {what}"), trouble))
    }

    fn let_go(&self, what: &str, token: &str) -> Result<()> {
        let delete = "DELETE FROM holder WHERE what = $1 AND token = $2";
        let gone = self.write(|session| session.change(delete, values![what, token]).map(drop));
        gone.map_err(|trouble| self.failed(format!("release {what}"), trouble))
    }

    /// Current holders that were seen within [`LEASE`], for leases that start with `prefix`; each description starts with the
    /// lease.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn holders(&self, prefix: &str) -> Result<Vec<String>> {
        let found = self.read(|session| {
            let now = session.clock();
            let select =
                format!("SELECT what, runner, {now} - seen FROM holder WHERE seen >= {now} - $1 ORDER BY what");
            let rows = session.rows(&select, values![millis(LEASE)])?.into_iter();
            rows.map(|mut row| Ok((row.take(0)?, row.take(1)?, row.take(2)?))).collect::<Result<Vec<_>, _>>()
        });
        let found: Vec<(String, String, i64)> =
            found.map_err(|trouble| self.failed("list the working runners", trouble))?;
        let found = found.into_iter().filter(|(what, ..)| what.starts_with(prefix));
        Ok(found.map(|(what, runner, ago)| format!("{what} ({runner}, seen {} s ago)", ago / 1000)).collect())
    }
}

impl Drop for RunHold {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(renewing) = self.renewing.take() {
            let _ = renewing.join();
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
