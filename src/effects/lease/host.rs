//! The lease on a host: a record that is checked before every program, file and job starts.

use super::record::{Card, Record};
use super::{Lease, words};
use crate::effects::Activity;
use crate::effects::host::{Machine, Ran, complaint, failed};
use crate::effects::places::{refusal, with_places};
use crate::error::{Failure, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

const GUARD: &str = concat!(include_str!("../job/session.sh"), include_str!("guard.sh"));
const CLAIM: &str = with_places!("../job/session.sh", "claim.sh");
const END: &str = concat!(include_str!("../job/session.sh"), include_str!("end.sh"));
const LOOK: &str = with_places!("look.sh");
const STAMP: &str = include_str!("stamp.sh");
const CHECK: &str = include_str!("check.sh");

/// Exit code of scripts that found another runner's name.
const REFUSED: i32 = 76;
/// Exit code of a claim when a program of another runner does not end.
const HELD: i32 = 75;
const SHORT: Duration = Duration::from_secs(10);
/// A claim waits for the programs of the previous runner, and ends them.
const CLAIM_LIMIT: Duration = Duration::from_mins(1);
const END_LIMIT: Duration = Duration::from_secs(15);
/// Tries to write a record that others change meanwhile.
const TRIES: usize = 3;

/// What a host has recorded about a run's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// The record on the host.
    pub line: String,
    /// When it was last renewed, as that host counts: only a change of it means anything.
    pub renewed: String,
    /// Who holds it.
    pub holder: Option<Card>,
    /// Whether that runner has released it.
    pub is_free: bool,
}

/// The lease on one host.
#[derive(Clone)]
pub(in crate::effects) struct HostLease {
    lease: Arc<Lease>,
    dir: String,
    stamping: Arc<Mutex<()>>,
}

/// What is ended with a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::effects) enum Ends {
    /// Everything in its session: a server that a restart command has moved to another session continues.
    Session,
    /// Everything that descends from it as well.
    Tree,
    /// Everything in its session, without waiting for it to end by itself: a shell that is kept open.
    Shell,
}

/// One program under the lease.
pub(in crate::effects) struct Guard {
    /// The script that starts it.
    pub script: String,
    call: String,
    host: HostLease,
}

/// The folder of a run's lease below a host's `work_dir`.
pub(super) fn folder(work_dir: &str, run: &str) -> String {
    format!("{work_dir}/leases/{run}")
}

/// The record on `machine`; `None` when there is none.
pub(super) async fn look(machine: &Machine, dir: &str) -> Result<Option<Seen>> {
    let printed = said(machine, &machine.look_after(LOOK, &[dir], SHORT).await?)?;
    let mut lines = printed.lines();
    let Some(line) = lines.next() else { return Ok(None) };
    let renewed = lines.next().unwrap_or_default().to_owned();
    let holder = lines.next().unwrap_or_default();
    let (is_free, card) = holder.strip_prefix("free ").map_or((false, holder), |card| (true, card));
    Ok(Some(Seen { line: line.to_owned(), renewed, holder: Card::parse(card), is_free }))
}

fn said(machine: &Machine, ran: &Ran) -> Result<String> {
    if ran.code == Some(0) {
        return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
    }
    let attempted = "check or renew the lease";
    let refused = refusal(attempted, ran.code, &ran.stderr);
    Err(refused.unwrap_or_else(|| failed(attempted, complaint(ran.code, &ran.stderr))).at(machine.name()))
}

impl HostLease {
    /// The right to renew it, unless a renewal is running.
    pub(super) fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        self.stamping.clone().try_lock_owned().ok()
    }

    /// Its folder on the host.
    pub(super) fn dir(&self) -> &str {
        &self.dir
    }

    pub(in crate::effects) fn new(lease: &Arc<Lease>, work_dir: &str) -> Self {
        Self { lease: lease.clone(), dir: folder(work_dir, &lease.run), stamping: Arc::default() }
    }

    /// Writes this runner's name into the record, and ends what the runner before had running.
    ///
    /// `again` means that it was there before: then a record that is gone may have been another runner's.
    ///
    /// # Errors
    /// `Locked` when the record is of a newer runner, or mentions entries that this journal does not have.
    pub(in crate::effects) async fn claim(&self, machine: &Machine, again: bool) -> Result<()> {
        let record = self.lease.record();
        let [epoch, nonce, seq, hash] = record.words();
        let (me, stamp, card) = (format!("{epoch} {nonce}"), format!("{seq} {hash}"), self.lease.card.to_string());
        for _ in 0..TRIES {
            let seen = look(machine, &self.dir).await?;
            if let Some(seen) = &seen {
                match Record::parse(&seen.line) {
                    Some(known) if known.epoch == record.epoch && known.nonce == record.nonce => {}
                    Some(known) => self.may_follow(machine.name(), seen, &known)?,
                    None => return Err(damaged(&self.lease.run, machine.name(), &self.dir, &seen.line)),
                }
            }
            if seen.is_none() && again {
                return Err(self.lease.displace(machine.name(), format!("its record in {} was removed", self.dir)));
            }
            let line = seen.map_or_else(String::new, |seen| seen.line);
            let ran = machine.look_after(CLAIM, &[&self.dir, &line, &me, &stamp, &card], CLAIM_LIMIT).await?;
            match ran.code {
                Some(0) => return Ok(()),
                Some(REFUSED) => {} // it was renewed or taken between the look and the claim
                code => return Err(self.unclaimed(machine.name(), code, &ran.stderr)),
            }
        }
        Err(self.lease.displace(machine.name(), "another runner takes the host at the same time"))
    }

    /// Whether this runner may come after the one of `known`.
    fn may_follow(&self, host: &str, seen: &Seen, known: &Record) -> Result<()> {
        let about = seen.holder.as_ref().map_or("an unknown process", |card| card.about.as_str());
        if known.epoch >= self.lease.epoch {
            return Err(self.lease.displace(host, format!("{about}, epoch {}", known.epoch)));
        }
        may_follow(&self.lease.run, host, &self.dir, &self.lease.knows, seen, known)
    }

    fn unclaimed(&self, host: &str, code: Option<i32>, stderr: &str) -> Failure {
        let attempted = format!("take the host for run {}", self.lease.run);
        let failure = if let Some(refused) = refusal(&attempted, code, stderr) {
            refused
        } else if code == Some(HELD) {
            Failure::locked(attempted, stderr.trim())
                .help("end the programs that still run there, or wait for them, and try again")
        } else {
            let help = format!("the account must be able to write to {}, and the disk must have free space", self.dir);
            failed(&attempted, complaint(code, stderr)).help(help)
        };
        failure.at(host).now("this runner started nothing of this run there")
    }

    /// A program under the lease: started only while this runner's name stands in the record.
    pub(in crate::effects) fn guard(&self, argv: &[&str], activity: &Activity, ends: Ends) -> Guard {
        let call = self.lease.call();
        let ends = match ends {
            Ends::Session => "session",
            Ends::Tree => "tree",
            Ends::Shell => "shell",
        };
        let words = words(&self.lease, &self.dir, activity, &call, ends);
        let words = words.iter().map(String::as_str).chain(argv.iter().copied());
        Guard { script: format!("set -- {}\n{GUARD}", shell_words::join(words)), call, host: self.clone() }
    }

    /// A command for a kept shell that fails with a message unless this runner's name is in the record.
    pub(in crate::effects) fn check(&self) -> String {
        let [epoch, nonce, ..] = self.lease.record().words();
        let words = shell_words::join([self.dir.as_str(), &epoch, &nonce]);
        format!("set -- {words}\n{CHECK}")
    }

    /// The same, with the newest stamp written into the record.
    pub(super) fn stamp(&self) -> String {
        let [epoch, nonce, seq, hash] = self.lease.record().words();
        format!("set -- {}\n{STAMP}", shell_words::join([self.dir.as_str(), &epoch, &nonce, &seq, &hash]))
    }

    /// The failure behind the output of a kept shell or a guard, if it reports that this runner was displaced.
    pub(in crate::effects) fn displaced(&self, host: &str, said: &str) -> Option<Failure> {
        let record = said.lines().find_map(|line| line.strip_prefix("cutover-guard ")?.split_once(" displaced "))?.1;
        let by =
            Record::parse(record).map_or_else(|| "the record is damaged".into(), |it| format!("epoch {}", it.epoch));
        Some(self.lease.displace(host, by))
    }
}

impl Guard {
    /// The message of the guard if it did not start the program.
    pub(in crate::effects) fn refusal(&self, host: &str, ran: &Ran) -> Option<Failure> {
        if ran.code != Some(REFUSED) {
            return None;
        }
        let head = format!("cutover-guard {} ", self.call);
        let said = ran.stderr.lines().find_map(|line| line.strip_prefix(&head))?;
        if let Some(failure) = self.host.displaced(host, &ran.stderr) {
            return Some(failure);
        }
        let failure = match said.strip_prefix("running ").and_then(|rest| rest.split_once(' ')) {
            Some((process, words)) => Failure::transient(
                "start again",
                format!("`{words}` (process {process}) of an earlier attempt is still running"),
            )
            .help("end that process by hand"),
            None if said == "gone" => {
                Failure::permanent("start a program under the lease", format!("{} does not exist", self.host.dir))
                    .help("the folder was removed during the run; `cutover resume` creates it again")
            }
            None if said == "given up" => Failure::cancelled("start a program that was given up"),
            None => failed("start a program under the lease", said.to_owned()).help(format!(
                "check that the account can write to {} and that the disk has free space",
                self.host.dir
            )),
        };
        Some(failure.at(host).now("nothing was started"))
    }

    /// Ends the program with all that it has started, and proves that it is gone.
    pub(in crate::effects) async fn end(&self, machine: &Machine) -> Result<()> {
        said(machine, &machine.look_after(END, &[&self.host.dir, &self.call], END_LIMIT).await?).map(drop)
    }
}

/// Whether a runner whose journal `knows` may follow the one that left `known` on `host`.
pub(super) fn may_follow(
    run: &str,
    host: &str,
    dir: &str,
    knows: &super::Knows,
    seen: &Seen,
    known: &Record,
) -> Result<()> {
    if known.stamp.seq == 0 || knows(&known.stamp)? {
        return Ok(());
    }
    let about = seen.holder.as_ref().map_or("an unknown process", |card| card.about.as_str());
    let (seq, epoch) = (known.stamp.seq, known.epoch);
    let answer = format!(
        "this journal is an older copy: another runner, {about} (epoch {epoch}), has reached entry {seq} in its own"
    );
    Err(Failure::locked(format!("resume run {run}"), answer)
        .at(host)
        .now("nothing was changed; this journal does not show what that runner did")
        .help(format!(
            "continue in the state directory of that runner. If its journal is lost for good, check what the run has \
             done, then remove {dir} there: steps after entry {seq} may run twice"
        )))
}

pub(super) fn damaged(run: &str, host: &str, dir: &str, line: &str) -> Failure {
    Failure::locked(
        format!("take the host for run {run}"),
        format!("{dir}/record is damaged: `{}`", line.escape_debug()),
    )
    .at(host)
    .now("another runner may have the run")
    .help(format!("make sure that no other runner works on run {run}, then remove {dir}"))
}
