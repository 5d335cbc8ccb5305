//! Taking a run over: look who has it, wait until that one is proved gone, and put this runner's name in its place.

use super::host::{Seen, damaged, folder, look, may_follow};
use super::keep::keep;
use super::record::{Card, Record, Stamp};
use super::server::{self, PURPOSE};
use super::watch::{Advice, Held, advise};
use super::{Knows, Lease};
use crate::effects::{Effects, Session};
use crate::error::{Class, Failure, Result};
use crate::random;
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How often it is looked whether the runner before still lives.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longest time to reach a host that no server is on: one that is down is claimed when it is first needed.
const REACH: Duration = Duration::from_secs(4);
/// Longest time to wait for a server that the runner before may have left restarting.
const RESTARTING: Duration = Duration::from_secs(30);
/// Longest time for one look at who holds a run.
const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// What to do about somebody who has the run or one of its servers.
const HELP: &str = "wait for it to end, or stop it. A runner of this run that gives no sign of life for 10 s is \
                    displaced; another run must be resumed or rolled back first";

/// What a runner wants to have for itself.
pub struct Claim<'a> {
    /// The run.
    pub run: &'a str,
    /// Whether it is begun now: then it has left nothing anywhere.
    pub is_new: bool,
    /// The largest epoch in the journal; 0 where none was written yet.
    pub epoch: u32,
    /// Servers on which it will change something.
    pub servers: BTreeSet<String>,
    /// Hosts on which it will start something.
    pub hosts: BTreeSet<String>,
    /// Its newest journal entry.
    pub stamp: Stamp,
    /// Whether the journal holds an entry.
    pub knows: Knows,
    /// Who it is, for people.
    pub about: &'a str,
    /// Receives what it waits for.
    pub note: &'a (dyn Fn(String) + Send + Sync),
}

/// A run that is taken; given back by [`Taken::release`].
pub struct Taken {
    fx: Arc<Effects>,
    lease: Arc<Lease>,
    _keeper: DropGuard,
}

impl Taken {
    /// Takes the run.
    ///
    /// # Errors
    /// `Locked` when another runner of this run lives, another run has one of the servers, or the journal here is older than
    /// what was done: nothing was changed then. Otherwise when a server cannot be reached.
    pub async fn take(fx: &Arc<Effects>, claim: Claim<'_>) -> Result<Self> {
        let taken = Self::try_take(fx, &claim).await;
        if taken.is_err() {
            for server in &claim.servers {
                fx.close_session(server, PURPOSE).await;
            }
        }
        taken
    }

    async fn try_take(fx: &Arc<Effects>, claim: &Claim<'_>) -> Result<Self> {
        let mut sessions = Vec::new();
        for server in &claim.servers {
            sessions.push(reach(fx, claim, server).await?);
        }
        let held = wait_until_free(fx, claim, &sessions).await?;
        let epoch = next_epoch(claim.run, claim.epoch, &claim.knows, &held)?;
        let card = Card::own(claim.about).ok_or_else(|| {
            Failure::permanent("take the run", "/proc cannot be read, so this process cannot be told apart from others")
        })?;
        let lease = Lease::new(claim.run, epoch, random::hex(16)?, card, claim.knows.clone(), claim.stamp.clone());
        let lease = Arc::new(lease);
        for session in &sessions {
            take_server(fx, &lease, session, &held).await?;
        }
        fx.set_lease(&lease)?;
        if let Err(failure) = claim_hosts(fx, claim, &held).await {
            super::keep::give_back(fx, &lease, claim.is_new).await;
            return Err(failure);
        }
        let stop = CancellationToken::new();
        tokio::spawn(keep(fx.clone(), lease.clone(), stop.clone()));
        Ok(Self { fx: fx.clone(), lease, _keeper: stop.drop_guard() })
    }

    /// This runner's epoch.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.lease.epoch
    }

    /// Passes on how far the journal has come.
    pub fn advance(&self, stamp: Stamp) {
        self.lease.advance(stamp);
    }

    /// Has every host note how far the journal has come, so that an older copy of it is refused there from now on.
    pub async fn stamp(&self) {
        super::keep::stamp(&self.fx).await;
    }

    /// The same, without waiting for it.
    pub fn stamp_soon(&self) {
        let fx = self.fx.clone();
        tokio::spawn(async move { super::keep::stamp(&fx).await });
    }

    /// Sees on every host and server that nobody else has the run by now: before its end is written.
    pub async fn prove(&self) {
        super::keep::prove(&self.fx, &self.lease).await;
    }

    /// Why this runner must stop, if another one has the run.
    #[must_use]
    pub fn displaced(&self) -> Option<Failure> {
        self.lease.displaced.borrow().clone()
    }

    /// Waits until another runner has the run.
    pub async fn until_displaced(&self) -> Failure {
        let mut seen = self.lease.displaced.subscribe();
        match seen.wait_for(Option::is_some).await.map(|failure| failure.clone()) {
            Ok(Some(failure)) => failure,
            _ => std::future::pending().await,
        }
    }

    /// Gives everything back. With `forget` nothing is left on the hosts, for a run that has changed nothing and is over:
    /// there is nothing that an older copy of its journal could do again.
    pub async fn release(self, forget: bool) {
        super::keep::give_back(&self.fx, &self.lease, forget).await;
        for server in self.lease.taken() {
            self.fx.close_session(&server, PURPOSE).await;
        }
    }
}

/// A connection to one of the run's servers. A runner that died may have left one restarting: a resumed run
/// waits for that. A new run reports at once what it cannot reach.
async fn reach(fx: &Effects, claim: &Claim<'_>, server: &str) -> Result<Arc<Session>> {
    let (begin, mut told) = (Instant::now(), false);
    loop {
        let reached = fx.session(server, PURPOSE).await;
        let Err(failure) = &reached else { return reached };
        if failure.class != Class::Transient || claim.is_new || begin.elapsed() > RESTARTING {
            return reached;
        }
        if !std::mem::replace(&mut told, true) {
            (claim.note)(format!("waiting for `{server}`, at most {RESTARTING:?}: {}", failure.answer));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Looks until nobody else has the run.
async fn wait_until_free(fx: &Arc<Effects>, claim: &Claim<'_>, sessions: &[Arc<Session>]) -> Result<Held> {
    for session in sessions {
        for (name, stranger) in server::look(session, claim.run).await?.strangers {
            let about = stranger.about();
            (claim.note)(format!("on {}: {about}; continuing without the lock `{name}`", session.server()));
        }
    }
    let begin = Instant::now();
    let first = look_at_all(fx, claim, sessions).await?;
    let mut now = first.clone();
    let mut told = false;
    loop {
        match advise(&first, &now, begin.elapsed(), !claim.servers.is_empty()) {
            Advice::Take => return Ok(now),
            Advice::Leave(place, by) => {
                return Err(Failure::locked(format!("take run {}", claim.run), by)
                    .at(place)
                    .now("nothing was changed")
                    .help(HELP));
            }
            Advice::Wait => {}
        }
        if !told && begin.elapsed() > Duration::from_secs(1) {
            let who = now.servers.values().map(server::Holder::about).next();
            let who = who.unwrap_or_else(|| "it still has its lease on the hosts".to_owned());
            (claim.note)(format!("waiting up to 10 s to see whether the older runner is alive: {who}"));
            told = true;
        }
        sleep(LOOK_EVERY).await;
        now = look_at_all(fx, claim, sessions).await?;
    }
}

async fn look_at_all(fx: &Arc<Effects>, claim: &Claim<'_>, sessions: &[Arc<Session>]) -> Result<Held> {
    let look = async {
        let mut held = Held::default();
        for session in sessions {
            let look = server::look(session, claim.run).await?;
            held.servers.extend(look.runner.map(|holder| (session.server().to_owned(), holder)));
        }
        for (name, seen) in records(fx, claim).await? {
            held.hosts.insert(name, seen);
        }
        Ok(held)
    };
    timeout(LOOK_LIMIT, look).await.unwrap_or_else(|_| {
        Err(Failure::transient(format!("find out who has run {}", claim.run), "no answer within 30 s")
            .now("nothing was changed"))
    })
}

/// What stands on the hosts that can be reached. A new run has left nothing anywhere.
async fn records(fx: &Arc<Effects>, claim: &Claim<'_>) -> Result<Vec<(String, Seen)>> {
    if claim.is_new {
        return Ok(Vec::new());
    }
    let mut looks = JoinSet::new();
    for name in claim.hosts.iter().cloned() {
        let (fx, run) = (fx.clone(), claim.run.to_owned());
        let needed = claim.servers.iter().any(|server| fx.host_of(server) == name);
        looks.spawn(async move {
            let limit = if needed { LOOK_LIMIT } else { REACH };
            let found = timeout(limit, async {
                let machine = fx.machine(&name).await?;
                look(&machine, &folder(&fx.work_dir(&machine).await?, &run)).await
            })
            .await;
            match found {
                Ok(Ok(seen)) => Ok(seen.map(|seen| (name, seen))),
                Ok(Err(failure)) if needed || failure.class == Class::Refused => Err(failure),
                Err(_) if needed => {
                    Err(Failure::transient("find out who has the run", "no answer within 30 s").at(name))
                }
                Ok(Err(_)) | Err(_) => Ok(None), // it is checked when it is first needed
            }
        });
    }
    let mut found = Vec::new();
    while let Some(joined) = looks.join_next().await {
        if let Ok(seen) = joined {
            found.extend(seen?);
        }
    }
    Ok(found)
}

/// An epoch above all that were ever seen, if this journal is one that the run went on with. `known` is the largest in it.
pub(super) fn next_epoch(run: &str, known: u32, knows: &Knows, held: &Held) -> Result<u32> {
    let mut newest = known;
    for (host, seen) in &held.hosts {
        let folder = format!("leases/{run} in the work_dir");
        let record = Record::parse(&seen.line).ok_or_else(|| damaged(run, host, &folder, &seen.line))?;
        may_follow(run, host, &folder, knows, seen, &record)?;
        newest = newest.max(record.epoch);
    }
    Ok(newest.saturating_add(1))
}

/// Takes a server. Of those who hold it still only the one is ended that was judged, by what was seen in `held`.
async fn take_server(fx: &Effects, lease: &Lease, session: &Session, held: &Held) -> Result<()> {
    let server = session.server().to_owned();
    let refuse = |by: String| {
        Err(Failure::locked(format!("take run {}", lease.run), by).at(session.server()).now("nothing was changed"))
    };
    for _ in 0..3 {
        if server::take(session, &lease.run, lease.epoch, &fx.session_ids(&server)).await? {
            lease.note(&server, session.id(), true);
            return Ok(());
        }
        let Some(holder) = server::look(session, &lease.run).await?.runner else { continue };
        let judged = held.servers.get(&server).is_some_and(|seen| seen.connection == holder.connection);
        if !judged || !holder.is_same_run {
            return refuse(holder.about());
        }
        server::end(session, &holder.connection).await?;
    }
    refuse("another runner was first".into())
}

/// Writes this runner's name on every host that can be reached now; the others follow when they are first needed.
async fn claim_hosts(fx: &Arc<Effects>, claim: &Claim<'_>, held: &Held) -> Result<()> {
    let mut claims = Vec::new();
    for name in claim.hosts.iter().cloned() {
        let needed = held.hosts.contains_key(&name) || claim.servers.iter().any(|server| fx.host_of(server) == name);
        let fx = fx.clone();
        let note = claim.note;
        claims.push(async move {
            if needed {
                return fx.machine(&name).await.map(drop); // which claims it
            }
            let mut reached = tokio::spawn({
                let (fx, name) = (fx.clone(), name.clone());
                async move { fx.machine(&name).await.map(drop) }
            });
            match timeout(REACH, &mut reached).await {
                Ok(Ok(Err(failure))) if [Class::Locked, Class::Refused].contains(&failure.class) => Err(failure),
                Ok(Ok(Ok(()))) => Ok(()),
                Ok(Ok(Err(failure))) => {
                    note(format!("{name} is not taken yet: {}", failure.answer));
                    Ok(())
                }
                // it goes on being tried; nothing of this run is started there before it is claimed
                _ => {
                    note(format!(
                        "{name} does not answer yet: once it does, programs of an older runner are ended there"
                    ));
                    Ok(())
                }
            }
        });
    }
    for claimed in join_all(claims).await {
        claimed?;
    }
    Ok(())
}
