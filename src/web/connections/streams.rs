//! Event streams: each reads the journal several times a second while it is open, so their number is limited.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All streams.
const MOST: usize = 64;
/// Of these for anonymous readers.
const STRANGERS: usize = 32;
/// For one session, token or address: a browser has six connections.
const EACH: usize = 8;

/// The client that connections and streams are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::web) enum Caller {
    /// A session or a token.
    Person(String),
    /// An anonymous reader; behind a proxy, the address that it names.
    Address(Option<IpAddr>),
}

/// Number of streams by caller.
#[derive(Default)]
pub(in crate::web) struct Streams(Mutex<HashMap<Caller, usize>>);

/// The slot of one stream, released when dropped.
pub(in crate::web) struct Stream {
    all: Arc<Streams>,
    caller: Caller,
}

impl Streams {
    fn lock(&self) -> MutexGuard<'_, HashMap<Caller, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for one more stream of `caller`, or why there is none.
    pub(in crate::web) fn begin(self: &Arc<Self>, caller: Caller) -> Result<Stream, &'static str> {
        let caller = match caller {
            Caller::Address(address) => Caller::Address(address.map(super::network)),
            person @ Caller::Person(_) => person,
        };
        let mut all = self.lock();
        let strangers: usize = all.iter().filter(|(who, _)| matches!(who, Caller::Address(_))).map(|(_, n)| n).sum();
        if all.get(&caller).is_some_and(|own| *own >= EACH) {
            return Err("this browser watches too many pages already: close some of them");
        }
        let is_full = matches!(caller, Caller::Address(_)) && strangers >= STRANGERS;
        if is_full || all.values().sum::<usize>() >= MOST {
            return Err("too many browsers watch already: reload the page to see the current state");
        }
        *all.entry(caller.clone()).or_default() += 1;
        Ok(Stream { all: self.clone(), caller })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(own) = all.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                all.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, EACH, MOST, STRANGERS, Streams};
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    #[test]
    fn strangers_leave_places_for_people_and_nobody_has_more_than_a_few() {
        let all = Arc::new(Streams::default());
        let address = |n: u32| Caller::Address(Some(IpAddr::V4(Ipv4Addr::from_bits(n))));
        let one: Vec<_> = (0..100).filter_map(|_| all.begin(address(1)).ok()).collect();
        assert_eq!(one.len(), EACH);
        let more: Vec<_> = (2..100).filter_map(|n| all.begin(address(n)).ok()).collect();
        assert_eq!(one.len() + more.len(), STRANGERS);
        let anna: Vec<_> = (0..100).filter_map(|_| all.begin(Caller::Person("anna".into())).ok()).collect();
        assert_eq!(anna.len(), EACH);
        let people: Vec<_> = (0..100).filter_map(|n| all.begin(Caller::Person(n.to_string())).ok()).collect();
        assert_eq!(one.len() + more.len() + anna.len() + people.len(), MOST);
        drop((one, more, anna, people));
        assert!(all.lock().is_empty());
    }
}
