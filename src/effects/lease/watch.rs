//! Whether the runner before is dead, has let its lease run out, or lives. Pure.
//!
//! A runner renews its leases every two seconds. One that is not heard of for ten seconds, on any server or host, has
//! lost them: it may be frozen, or cut off. No clock is compared with another: what counts is that nothing changed
//! while this process looked.

use super::host::Seen;
use super::record::{Card, Record};
use super::server::Holder;
use std::collections::BTreeMap;
use std::time::Duration;

/// A lease that is not renewed for so long has run out.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// A connection that was used this recently, in seconds, has been renewed meanwhile if it was watched for longer.
const SLACK: u64 = 2;

/// One look at everything that a runner holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// By server.
    pub servers: BTreeMap<String, Holder>,
    /// By host.
    pub hosts: BTreeMap<String, Seen>,
}

/// What is to be done about the runner before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Advice {
    /// Nobody holds anything, or who did is proved dead, or has let its lease run out: take over.
    Take,
    /// Look again.
    Wait,
    /// Somebody is there, on this server or host: go away. In words.
    Leave(String, String),
}

/// What to conclude from `now`, seen `after` the `first` look. `servers` states whether the run takes any server: then
/// a runner that holds none of them has lost its lease, whatever stands on hosts.
pub(super) fn advise(first: &Held, now: &Held, after: Duration, servers: bool) -> Advice {
    for (name, holder) in &now.servers {
        let before = first.servers.get(name).filter(|before| before.connection == holder.connection);
        let watched = before.map_or(0, |_| after.as_secs());
        if !holder.is_same_run || watched > holder.idle + SLACK {
            return Advice::Leave(name.clone(), holder.about());
        }
    }
    let dead = newest(now).is_some_and(|(_, card)| card.is_some_and(Card::is_dead));
    let renewed = |(name, seen): &(&String, &Seen)| first.hosts.get(*name).is_some_and(|before| before != *seen);
    if let Some((name, seen)) = now.hosts.iter().find(renewed).filter(|_| !dead) {
        let about = seen.holder.as_ref().map_or("an unknown process", |card| card.about.as_str());
        return Advice::Leave(name.clone(), format!("another runner of this run is active: {about}"));
    }
    let held = if servers { !now.servers.is_empty() } else { newest(now).is_some() };
    // of the dead nothing is left on servers but a connection that has not been noticed to be gone
    let gone = dead && now.servers.is_empty();
    if held && !gone && after < LEASE { Advice::Wait } else { Advice::Take }
}

/// The epoch of the newest runner that has not given its lease back, with its card where that was written.
fn newest(held: &Held) -> Option<(u32, Option<&Card>)> {
    let held = held.hosts.values().filter(|seen| !seen.is_free);
    let live = held.filter_map(|seen| Some((Record::parse(&seen.line)?.epoch, seen.holder.as_ref())));
    live.max_by_key(|(epoch, _)| *epoch)
}

#[cfg(test)]
mod tests {
    use super::{Advice, Held, LEASE, advise};
    use crate::effects::lease::host::Seen;
    use crate::effects::lease::record::{Card, Record, Stamp};
    use crate::effects::lease::server::Holder;
    use std::time::Duration;

    fn on_server(idle: u64, is_same_run: bool) -> Held {
        let holder = Holder { connection: "7".into(), account: "m@h".into(), idle, is_runner: true, is_same_run };
        Held { servers: [("old".to_owned(), holder)].into(), ..Held::default() }
    }

    fn on_host(renewed: &str, holder: Option<Card>) -> Held {
        let record = Record { epoch: 3, nonce: "a".repeat(16), stamp: Stamp::start() };
        let is_free = holder.is_none();
        let seen = Seen { line: record.to_string(), renewed: renewed.into(), holder, is_free };
        Held { hosts: [("h".to_owned(), seen)].into(), ..Held::default() }
    }

    fn elsewhere() -> Option<Card> {
        Card::parse("another-machine 12 34 me@there")
    }

    #[test]
    fn what_is_free_or_given_back_is_taken() {
        for held in [Held::default(), on_host("1", None)] {
            assert_eq!(advise(&held, &held, Duration::ZERO, false), Advice::Take);
        }
    }

    #[test]
    fn a_runner_that_renews_is_left_alone_and_one_that_does_not_is_displaced() {
        let first = on_server(1, true);
        assert_eq!(advise(&first, &first, Duration::ZERO, true), Advice::Wait);
        let renewed = on_server(0, true);
        assert!(matches!(advise(&first, &renewed, Duration::from_secs(4), true), Advice::Leave(..)));
        assert_eq!(advise(&first, &on_server(6, true), Duration::from_secs(5), true), Advice::Wait);
        assert_eq!(advise(&first, &on_server(11, true), LEASE, true), Advice::Take);
        let first = on_host("1", elsewhere());
        assert_eq!(advise(&first, &first, Duration::from_secs(9), false), Advice::Wait);
        assert_eq!(advise(&first, &first, LEASE, false), Advice::Take);
        let renewed = on_host("2", elsewhere());
        assert!(matches!(advise(&first, &renewed, Duration::from_secs(1), false), Advice::Leave(..)));
    }

    #[test]
    fn the_dead_of_this_machine_are_not_waited_for() {
        let own = Card::own("me").unwrap();
        let dead = Card::parse(&own.to_string().replacen(&format!(" {} ", std::process::id()), " 2147483646 ", 1));
        let held = on_host("1", dead);
        assert_eq!(advise(&held, &held, Duration::ZERO, false), Advice::Take);
        let alive = on_host("1", Some(own));
        assert_eq!(advise(&alive, &alive, Duration::ZERO, false), Advice::Wait);
    }

    #[test]
    fn another_run_is_never_displaced() {
        let other = on_server(3600, false);
        assert!(matches!(advise(&other, &other, Duration::ZERO, true), Advice::Leave(..)));
        assert!(matches!(advise(&other, &other, LEASE, true), Advice::Leave(..)));
    }
}
