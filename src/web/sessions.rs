//! Sessions, kept in memory only, and counts of failed logins.

use crate::error::Failure;
use crate::{people, random};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A working day.
const LASTS: Duration = Duration::from_hours(12);
/// Most sessions; the oldest is removed.
const MOST: usize = 1000;
/// Failed attempts that one address has in a [`WHILE`].
const ATTEMPTS: u32 = 10;
const WHILE: Duration = Duration::from_mins(1);

/// All sessions.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Known>);

#[derive(Default)]
struct Known {
    sessions: HashMap<String, Session>,
    failed: HashMap<IpAddr, (Instant, u32)>,
}

/// One person in one browser.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Who.
    pub person: String,
    /// The secret in the forms of this session, which no other page can know.
    pub form_key: String,
    ends: Instant,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one; returns its id, which only the browser knows from then on.
    pub(super) fn begin(&self, person: &str) -> Result<String, Failure> {
        let (id, form_key) = (random::hex(64)?, random::hex(64)?);
        let mut known = self.lock();
        let now = Instant::now();
        known.sessions.retain(|_, session| session.ends > now);
        if known.sessions.len() >= MOST {
            let oldest = known.sessions.iter().min_by_key(|(_, session)| session.ends).map(|(id, _)| id.clone());
            oldest.and_then(|id| known.sessions.remove(&id));
        }
        known.sessions.insert(hashed(&id), Session { person: person.to_owned(), form_key, ends: now + LASTS });
        Ok(id)
    }

    /// The session of that id.
    pub(super) fn find(&self, id: &str) -> Option<Session> {
        self.lock().sessions.get(&hashed(id)).filter(|session| session.ends > Instant::now()).cloned()
    }

    /// Ends one.
    pub(super) fn end(&self, id: &str) {
        self.lock().sessions.remove(&hashed(id));
    }

    /// Ends all: the file of people has changed.
    pub(super) fn end_all(&self) {
        self.lock().sessions.clear();
    }

    /// Counts a failed attempt.
    pub(super) fn failed(&self, caller: IpAddr) {
        let mut known = self.lock();
        let now = Instant::now();
        known.failed.retain(|_, (since, _)| now.duration_since(*since) < WHILE);
        known.failed.entry(caller).or_insert((now, 0)).1 += 1;
    }

    /// Whether there were so many failures that logins are refused for a while.
    pub(super) fn is_barred(&self, caller: IpAddr) -> bool {
        let known = self.lock();
        known.failed.get(&caller).is_some_and(|(since, count)| since.elapsed() < WHILE && *count >= ATTEMPTS)
    }
}

/// Looked up by hash, so that the time of a lookup reveals nothing about existing ids.
fn hashed(id: &str) -> String {
    people::hash(id)
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, MOST, Sessions};
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn a_session_ends_alone_or_with_all_others() {
        let sessions = Sessions::default();
        let ids = [(); 3].map(|()| sessions.begin("anna").unwrap());
        assert_eq!(sessions.find(&ids[0]).unwrap().person, "anna");
        assert_ne!(sessions.find(&ids[0]).unwrap().form_key, sessions.find(&ids[1]).unwrap().form_key);
        sessions.end(&ids[0]);
        assert!(sessions.find(&ids[0]).is_none() && sessions.find(&ids[1]).is_some());
        sessions.end_all();
        assert!(sessions.find(&ids[1]).is_none());
    }

    #[test]
    fn there_are_never_more_than_a_thousand() {
        let sessions = Sessions::default();
        let first = sessions.begin("anna").unwrap();
        (0..MOST).for_each(|_| drop(sessions.begin("robot").unwrap()));
        assert!(sessions.find(&first).is_none());
        assert_eq!(sessions.lock().sessions.len(), MOST);
    }

    #[test]
    fn who_fails_often_is_barred_and_nobody_else() {
        let sessions = Sessions::default();
        let [bad, good] = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)));
        (0..ATTEMPTS).for_each(|_| sessions.failed(bad));
        assert!(sessions.is_barred(bad) && !sessions.is_barred(good));
    }
}
