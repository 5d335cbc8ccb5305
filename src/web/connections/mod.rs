//! The page's connections: their number, their time limits, and which are closed when there are too many.
//!
//! No new connection is refused, because before its first request a person cannot be distinguished from an attacker: both may
//! come from the same address. A new connection replaces the weakest one of the address that has most: first the oldest
//! connection without a complete request, then the one that has been idle for longest. Once a request shows a session or a
//! token, its connection gets a slot of its own that anonymous connections cannot take.

pub mod descriptors;
mod line;
mod seat;
mod streams;

pub(super) use line::serve;
pub(super) use seat::Seat;
pub(super) use streams::{Caller, Stream, Streams};

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Slots for anonymous connections: enough for six full addresses; a browser opens six connections.
const STRANGERS: usize = 192;
/// Of these for one address, not counting connections younger than [`YOUNG`].
const OF_ADDRESS: usize = 32;
/// Time for a new connection to send its first request, even when its address has too many connections. Only when all slots
/// are taken is a connection closed sooner.
const YOUNG: Duration = Duration::from_secs(1);
/// Slots for connections that have shown a session or a token, in addition to the anonymous ones.
const KNOWN: usize = 64;
/// Of these for one session or token: a program that leaks connections does not lock out others.
const OF_PERSON: usize = 16;
/// Closing connections whose slots are already in use by others.
const LEAVING: usize = 32;
/// Most connections that are open at one time: one file descriptor each.
pub(super) const OPEN: usize = STRANGERS + KNOWN + LEAVING;

/// All connections of a page.
#[derive(Default)]
pub(super) struct Connections(Mutex<All>);

#[derive(Default)]
struct All {
    /// By number, so the oldest first.
    held: BTreeMap<u64, Held>,
    next: u64,
}

/// What is known of a connection.
struct Held {
    /// Missing behind a proxy, whose address is the same for all.
    address: Option<IpAddr>,
    /// Session or token, where it has shown one and has a slot of its own.
    person: Option<Caller>,
    stage: Stage,
    since: Instant,
    came: Instant,
    leave: CancellationToken,
}

/// The state of a connection; earlier states are closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It has not sent a complete request yet.
    New,
    /// It was answered, and is idle.
    Idle,
    /// It has sent a complete request, and is being answered.
    Answered,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for a connection from `address`; if none is free, another connection is asked to close.
    pub(super) fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Seat {
        let address = address.map(network);
        let mut all = self.lock();
        if all.strangers().count() >= STRANGERS {
            all.send_one_away();
        }
        let (number, leave) = (all.next, CancellationToken::new());
        all.next += 1;
        let now = Instant::now();
        let held = Held { address, person: None, stage: Stage::New, since: now, came: now, leave: leave.clone() };
        all.held.insert(number, held);
        all.thin_out(now, |held| held.address == address);
        Seat::new(self.clone(), number, leave)
    }

    /// Asks the weakest connection to close, where file descriptors run out.
    pub(super) fn send_one_away(&self) {
        self.lock().send_one_away();
    }

    /// Asks surplus connections of an address to close, once their time for the first request is over.
    pub(super) fn thin_out(&self) {
        self.lock().thin_out(Instant::now(), |_| true);
    }

    fn leave(&self, number: u64) {
        self.lock().held.remove(&number);
    }

    fn is_at(&self, number: u64, stage: Stage) {
        if let Some(held) = self.lock().held.get_mut(&number) {
            (held.stage, held.since) = (stage, Instant::now());
        }
    }

    /// Sets the owner of a connection; a surplus connection of the same owner remains anonymous.
    fn is_of(&self, number: u64, person: Option<Caller>) {
        let mut all = self.lock();
        let others = all.held.iter().filter(|(other, held)| **other != number && held.person.is_some());
        let (known, same) =
            others.fold((0, 0), |(known, same), (_, held)| (known + 1, same + usize::from(held.person == person)));
        let person = person.filter(|_| known < KNOWN && same < OF_PERSON);
        if let Some(held) = all.held.get_mut(&number) {
            held.person = person;
        }
    }
}

impl All {
    fn strangers(&self) -> impl Iterator<Item = (u64, &Held)> {
        self.held.iter().filter(|(_, held)| held.person.is_none()).map(|(number, held)| (*number, held))
    }

    /// The weakest connection of the address that has most.
    fn send_one_away(&mut self) {
        let mut crowds: HashMap<Option<IpAddr>, usize> = HashMap::new();
        self.strangers().for_each(|(_, held)| *crowds.entry(held.address).or_default() += 1);
        let Some((crowd, _)) = crowds.into_iter().max_by_key(|(_, count)| *count) else { return };
        let there = self.strangers().filter(|(_, held)| held.address == crowd);
        if let Some((number, _)) = there.min_by_key(|(_, held)| (held.stage, held.since)) {
            self.send_away(number);
        }
    }

    /// The weakest surplus connections of each address that `which` selects.
    fn thin_out(&mut self, now: Instant, which: impl Fn(&Held) -> bool) {
        let mut crowds: HashMap<IpAddr, Vec<(Stage, Instant, u64)>> = HashMap::new();
        let settled = |held: &Held| now.duration_since(held.came) >= YOUNG && which(held);
        for (number, held) in self.strangers().filter(|(_, held)| settled(held)) {
            let Some(address) = held.address else { continue };
            crowds.entry(address).or_default().push((held.stage, held.since, number));
        }
        for mut crowd in crowds.into_values() {
            crowd.sort_unstable();
            let surplus = crowd.len().saturating_sub(OF_ADDRESS);
            crowd.iter().take(surplus).for_each(|(_, _, number)| self.send_away(*number));
        }
    }

    fn send_away(&mut self, number: u64) {
        if let Some(held) = self.held.remove(&number) {
            held.leave.cancel();
        }
    }
}

/// The unit that counts as one address: for IPv6 a network of 64 bits, which one household gets.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Connections, KNOWN, OF_ADDRESS, OF_PERSON, STRANGERS, Seat, YOUNG};
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use std::time::Instant;

    fn from(last: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(last).unwrap()))
    }
    fn living(seats: &[Seat]) -> usize {
        seats.iter().filter(|seat| !seat.must_leave()).count()
    }

    #[test]
    fn of_one_address_the_oldest_that_has_sent_nothing_goes_first() {
        let all = Arc::new(Connections::default());
        let seats: Vec<Seat> = (0..2 * OF_ADDRESS).map(|_| all.enter(Some(from(1)))).collect();
        let other = all.enter(Some(from(2)));
        seats[0].asked();
        seats[1].asked();
        seats[1].answered();
        all.thin_out();
        assert_eq!(living(&seats), seats.len(), "all of them may still be about to ask");
        all.lock().thin_out(Instant::now() + YOUNG, |_| true);
        assert_eq!((living(&seats), other.must_leave()), (OF_ADDRESS, false));
        let new = 2..OF_ADDRESS + 2;
        assert!(new.clone().all(|n| seats[n].must_leave()), "the oldest that have said nothing");
        assert!(!seats[0].must_leave() && !seats[1].must_leave());
    }

    #[test]
    fn when_all_is_full_the_address_that_has_most_makes_room() {
        let all = Arc::new(Connections::default());
        let other = all.enter(Some(from(2)));
        let crowd: Vec<Seat> = (0..2000).map(|_| all.enter(Some(from(1)))).collect();
        assert_eq!((living(&crowd), other.must_leave()), (STRANGERS - 1, false));
        assert!(crowd[..100].iter().all(Seat::must_leave), "the oldest first");
    }

    #[test]
    fn who_is_known_is_sent_away_by_nobody_and_strangers_find_their_places_all_the_same() {
        let all = Arc::new(Connections::default());
        let person = |name: &str| Some(Caller::Person(name.to_owned()));
        let known: Vec<Seat> = (0..=KNOWN)
            .map(|n| {
                let seat = all.enter(Some(from(n)));
                seat.is_of(person(&n.to_string()));
                seat
            })
            .collect();
        let strangers: Vec<Seat> = (0..2000).map(|n| all.enter(Some(from(1000 + n)))).collect();
        assert_eq!((living(&known), living(&strangers)), (KNOWN, STRANGERS), "the last one found no place of its own");
        assert_eq!(all.lock().held.len(), KNOWN + STRANGERS);
        drop((known, strangers));
        assert_eq!(all.lock().held.len(), 0);
        let many: Vec<Seat> = (0..=OF_PERSON)
            .map(|_| {
                let seat = all.enter(Some(from(1)));
                seat.is_of(person("anna"));
                seat
            })
            .collect();
        let _flood: Vec<Seat> = (0..2000).map(|_| all.enter(Some(from(1)))).collect();
        assert_eq!(living(&many), OF_PERSON);
    }

    #[test]
    fn a_proxy_is_nobodys_address_and_a_network_is_one() {
        let all = Arc::new(Connections::default());
        let seats: Vec<Seat> = (0..STRANGERS).map(|_| all.enter(None)).collect();
        assert_eq!(living(&seats), STRANGERS);
        let address = |text: &str| super::network(text.parse().unwrap());
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:10.0.0.1"), address("10.0.0.1"));
        assert_eq!(address("::1").to_string(), "::1");
    }
}
