//! What stands on a host about a run: who may act there, and how far it had come. Pure.

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fmt;

/// Length of a nonce, in hexadecimal digits.
const NONCE: usize = 16;

/// How far a run had come: its newest journal entry that the runner had written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Number of the entry; 0 before the first.
    pub seq: u32,
    /// Its hash, 64 hexadecimal digits.
    pub hash: String,
}

impl Stamp {
    /// Before the first entry.
    #[must_use]
    pub fn start() -> Self {
        Self { seq: 0, hash: "0".repeat(64) }
    }
}

/// The record of a lease: who holds it, and how far that one had come. One line of a fixed length, so that a host can
/// overwrite it in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub epoch: u32,
    pub nonce: String,
    pub stamp: Stamp,
}

impl Record {
    /// Reads a record; `None` when it is damaged.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (epoch, nonce, seq, hash) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let whole = nonce.len() == NONCE && hash.len() == 64 && words.next().is_none();
        let stamp = Stamp { seq: seq.parse().ok()?, hash: hash.to_owned() };
        whole.then_some(Self { epoch: epoch.parse().ok()?, nonce: nonce.to_owned(), stamp })
    }

    /// Its words, each of a fixed length.
    pub fn words(&self) -> [String; 4] {
        let Self { epoch, nonce, stamp } = self;
        [format!("{epoch:010}"), nonce.clone(), format!("{:010}", stamp.seq), stamp.hash.clone()]
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

/// A process, described so that another process on the same machine can prove its death.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    /// The boot of the machine and the namespace of the number.
    machine: String,
    pid: i32,
    /// Its start, in clock ticks after the boot.
    begun: String,
    /// Who it is, for people.
    pub about: String,
}

impl Card {
    /// This process's.
    pub fn own(about: &str) -> Option<Self> {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Some(Self { machine: machine()?, pid, begun: begun(pid)?, about: about.to_owned() })
    }

    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let (machine, pid, begun) = (words.next()?, words.next()?, words.next()?);
        let about = words.next().unwrap_or_default().to_owned();
        Some(Self { machine: machine.to_owned(), pid: pid.parse().ok()?, begun: begun.to_owned(), about })
    }

    /// Whether the process is certainly gone. One on another machine never is.
    pub fn is_dead(&self) -> bool {
        if machine().as_ref() != Some(&self.machine) {
            return false;
        }
        match begun(self.pid) {
            Some(begun) => begun != self.begun,
            // /proc may hide what belongs to others
            None => {
                Pid::from_raw(self.pid).is_none_or(|pid| test_kill_process(pid) == Err(Errno::SRCH) || is_zombie(pid))
            }
        }
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = self.about.replace(|sign: char| sign.is_control(), " ");
        write!(f, "{} {} {} {about}", self.machine, self.pid, self.begun)
    }
}

fn machine() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{},{}", boot.trim(), space.display()))
}

/// When a process of this machine began; `None` when it is gone, hidden, or a zombie.
fn begun(pid: i32) -> Option<String> {
    let (state, begun) = stat(pid)?;
    (!is_over(&state)).then_some(begun)
}

fn is_zombie(pid: Pid) -> bool {
    stat(pid.as_raw_nonzero().get()).is_some_and(|(state, _)| is_over(&state))
}

fn is_over(state: &str) -> bool {
    matches!(state, "Z" | "X")
}

/// State and start time of a process.
fn stat(pid: i32) -> Option<(String, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.to_owned();
    Some((state, fields.nth(18)?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Card, Record, Stamp};

    #[test]
    fn a_record_has_one_length_and_damage_is_no_record() {
        let record = Record { epoch: 7, nonce: "a".repeat(16), stamp: Stamp { seq: 12, hash: "b".repeat(64) } };
        let line = record.to_string();
        assert_eq!(line.len(), 10 + 16 + 10 + 64 + 3);
        assert_eq!(Record::parse(&line), Some(record));
        for damaged in ["", "7", &line[1..40], &format!("{line} x"), &line.replace("0000000007", "seven")] {
            assert_eq!(Record::parse(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn death_is_believed_of_this_machine_only() {
        let own = Card::own("me@here\nprocess 1").unwrap();
        let read = Card::parse(&own.to_string()).unwrap();
        assert!(!read.is_dead());
        assert_eq!(read.about, "me@here process 1");
        assert!(Card { begun: "1".into(), ..own.clone() }.is_dead());
        assert!(!Card { begun: "1".into(), machine: "another".into(), ..own }.is_dead());
    }
}
