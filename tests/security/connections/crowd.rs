//! Connections that say nothing, or half of something, and come again as soon as they are closed.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// So long a connection may take to come about.
const TIME: Duration = Duration::from_secs(3);
/// After so many that have come again there is a pause: the crowd shares its machine with the page.
const BATCH: usize = 50;

pub struct Crowd {
    over: Arc<AtomicBool>,
    work: Option<JoinHandle<usize>>,
}

impl Crowd {
    /// Opens `count` connections: half of them silent, half with half of a head.
    pub fn gather(address: SocketAddr, count: usize) -> Self {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let open = move |number: usize| {
            let mut line = TcpStream::connect_timeout(&address, TIME).ok()?;
            if number.is_multiple_of(2) {
                let _ = line.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-a: ");
            }
            line.set_nonblocking(true).ok()?;
            Some(line)
        };
        let mut lines: Vec<Option<TcpStream>> = (0..count).map(open).collect();
        let is_over = over.clone();
        let work = std::thread::spawn(move || {
            let mut opened = lines.iter().flatten().count();
            while !is_over.load(Ordering::Relaxed) {
                let mut again = 0;
                for (number, line) in lines.iter_mut().enumerate() {
                    if line.as_mut().is_some_and(is_there) || is_over.load(Ordering::Relaxed) {
                        continue;
                    }
                    *line = open(number);
                    opened += usize::from(line.is_some());
                    again += 1;
                    if again % BATCH == 0 {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            opened
        });
        Self { over, work: Some(work) }
    }

    /// Lets all of them go; gives how many there were, one after the other.
    pub fn disperse(&mut self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        self.work.take().map_or(0, |work| work.join().unwrap())
    }
}

fn is_there(line: &mut TcpStream) -> bool {
    matches!(line.read(&mut [0; 64]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}
