//! Unused ports of this machine. Knows nothing about what will listen there.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Below the range that Linux takes a client's port from: between the look and the use of a port from in there, any
/// connection of any program may get it (`ip_local_port_range`: 32768 to 60999).
const PORTS: Range<u16> = 18_000..32_768;
/// For programs that listen at once. A separate range: a port that a rehearsal has chosen for a later tunnel must not
/// be taken by the runner that it starts in the meantime.
const AT_ONCE: Range<u16> = 10_000..18_000;
/// A port is given out again only after this many others.
const REMEMBERED: usize = 2_000;
const TRIES: usize = 1_000;

static NAMED: Mutex<VecDeque<u16>> = Mutex::new(VecDeque::new());

/// A port on 127.0.0.1 that nobody listens on at this moment, and that was not given out lately.
///
/// # Errors
/// When there is none left.
pub fn free_port() -> std::io::Result<u16> {
    free_port_in(PORTS)
}

/// The same for a program that listens there at once.
///
/// # Errors
/// When there is none left.
pub(super) fn free_port_at_once() -> std::io::Result<u16> {
    free_port_in(AT_ONCE)
}

fn free_port_in(ports: Range<u16>) -> std::io::Result<u16> {
    let mut refused = std::io::ErrorKind::AddrInUse.into();
    for _ in 0..TRIES {
        let port = fastrand::u16(ports.clone());
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        if named.contains(&port) {
            continue;
        }
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => {
                named.push_back(port);
                if named.len() > REMEMBERED {
                    named.pop_front();
                }
                return Ok(port);
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

#[cfg(test)]
mod tests {
    use super::{PORTS, free_port};
    use std::collections::BTreeSet;

    #[test]
    fn names_no_port_twice_and_none_that_clients_get() {
        let ports: BTreeSet<u16> = (0..500).map(|_| free_port().unwrap()).collect();
        assert_eq!(ports.len(), 500);
        assert!(ports.iter().all(|port| PORTS.contains(port)));
    }
}
