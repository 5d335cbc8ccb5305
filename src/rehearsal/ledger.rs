//! The application's ledger: every write it made, and whether the server acknowledged it.
//!
//! A text file, a record a line: `@ 0 127.0.0.1:3306` names an endpoint, `+ writer seq time endpoint` is an
//! acknowledged write, `? writer seq time endpoint` one whose fate is not known. Times are nanoseconds since 1970 on a
//! clock that was set once, when the application began, and never jumps.

use crate::error::{Failure, Result};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which writer made it.
    pub writer: u32,
    /// Its endpoint, as an index into [`Ledger::endpoints`].
    pub endpoint: u32,
    /// Its number; no writer uses one twice.
    pub seq: u64,
    /// When the answer came, in nanoseconds.
    pub at: u64,
}

/// A ledger as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Addresses that were written to, in the order of their first use.
    pub endpoints: Vec<String>,
    /// Writes whose commit was acknowledged, in the order of the answers.
    pub acknowledged: Vec<Entry>,
    /// Writes that failed or were given up: they may be there or not.
    pub unknown: Vec<Entry>,
    /// When one run of the rehearsal had ended and the next had not begun, in nanoseconds; not in the file.
    pub turns: Vec<u64>,
}

impl Ledger {
    /// Reads a ledger. A last line that was cut off is left out: the application was killed while it wrote.
    ///
    /// # Errors
    /// When the file cannot be read or is no ledger.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |answer: String| Failure::permanent(format!("read the ledger {}", path.display()), answer);
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Self::parse(&text).map_err(|line| failed(format!("line {line} is not a record")))
    }

    fn parse(text: &str) -> Result<Self, usize> {
        let mut ledger = Self::default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for (index, line) in whole.lines().enumerate() {
            ledger.take(line).ok_or(index + 1)?;
        }
        Ok(ledger)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let (sign, rest) = line.split_once(' ')?;
        if sign == "@" {
            self.endpoints.push(rest.split_once(' ')?.1.to_owned());
            return Some(());
        }
        let mut words = rest.split(' ');
        let mut next = || words.next()?.parse::<u64>().ok();
        let (writer, seq, at, endpoint) = (next()?, next()?, next()?, next()?);
        let entry = Entry { writer: writer.try_into().ok()?, endpoint: endpoint.try_into().ok()?, seq, at };
        match sign {
            "+" => self.acknowledged.push(entry),
            "?" => self.unknown.push(entry),
            _ => return None,
        }
        Some(())
    }

    /// The index of an endpoint, if it was ever used.
    #[must_use]
    pub fn endpoint(&self, address: &str) -> Option<u32> {
        self.endpoints.iter().position(|known| known == address).and_then(|index| index.try_into().ok())
    }

    /// The highest number used by any writer.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.acknowledged.iter().chain(&self.unknown).map(|entry| entry.seq).max().unwrap_or(0)
    }
}

/// Writes a ledger, from several tasks. What is recorded is in the file after the next [`Pen::flush`].
#[derive(Debug)]
pub struct Pen {
    started: (Instant, u64),
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    endpoints: Vec<String>,
    pending: String,
}

impl Pen {
    /// Goes on with the ledger at `path`, or begins it. Also returns the number after which writers may go on: one
    /// that cannot have been used, even if the end of the ledger was lost with its writer.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path) -> Result<(Self, u64)> {
        let failed = |error: std::io::Error| {
            Failure::permanent(format!("write the ledger {}", path.display()), error.to_string())
        };
        let mut file = File::options().create(true).read(true).append(true).open(path).map_err(failed)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?; // else the next record would join a line that was cut off
        let known = Ledger::parse(&text)
            .map_err(|line| failed(std::io::Error::other(format!("it exists, and line {line} is not a record"))))?;
        let base = if whole == 0 { 0 } else { known.last_seq() + 1_000_000 };
        let endpoints = known.endpoints;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let started = (Instant::now(), u64::try_from(now).unwrap_or(u64::MAX));
        Ok((Self { started, state: Mutex::new(State { file, endpoints, pending: String::new() }) }, base))
    }

    /// The index of an endpoint, new or known.
    pub fn endpoint(&self, address: &str) -> u32 {
        let mut state = self.state();
        let known = state.endpoints.iter().position(|known| known == address);
        let index = known.unwrap_or_else(|| {
            let index = state.endpoints.len();
            state.endpoints.push(address.to_owned());
            let _ = writeln!(state.pending, "@ {index} {address}"); // a String takes everything
            index
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Records a write whose answer has come just now.
    pub fn record(&self, acknowledged: bool, writer: u32, seq: u64, endpoint: u32) {
        let sign = if acknowledged { '+' } else { '?' };
        let at = self.started.1 + u64::try_from(self.started.0.elapsed().as_nanos()).unwrap_or(0);
        let _ = writeln!(self.state().pending, "{sign} {writer} {seq} {at} {endpoint}");
    }

    /// Puts everything recorded so far into the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&self) -> Result<()> {
        let mut state = self.state();
        let pending = std::mem::take(&mut state.pending);
        state
            .file
            .write_all(pending.as_bytes())
            .map_err(|error| Failure::permanent("write the ledger", error.to_string()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Pen};

    #[test]
    fn what_is_written_is_read_and_numbers_are_never_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let (pen, base) = Pen::open(&path).unwrap();
        assert_eq!((base, pen.endpoint("a:1"), pen.endpoint("b:2"), pen.endpoint("a:1")), (0, 0, 1, 0));
        pen.record(true, 3, 7, 0);
        pen.record(false, 3, 8, 1);
        pen.flush().unwrap();
        let ledger = Ledger::read(&path).unwrap();
        assert_eq!((ledger.acknowledged.len(), ledger.unknown.len(), ledger.last_seq()), (1, 1, 8));
        assert_eq!((ledger.endpoint("b:2"), ledger.endpoint("c:3")), (Some(1), None));
        assert_eq!((ledger.acknowledged[0].writer, ledger.acknowledged[0].seq), (3, 7));
        assert!(ledger.unknown[0].at >= ledger.acknowledged[0].at);
        let (pen, base) = Pen::open(&path).unwrap();
        assert!(base > 8);
        assert_eq!(pen.endpoint("b:2"), 1);
    }

    #[test]
    fn a_line_cut_off_is_left_out_and_nonsense_is_refused() {
        assert_eq!(Ledger::parse("@ 0 a:1\n+ 1 1 5 0\n+ 1 2").unwrap().acknowledged.len(), 1);
        assert_eq!(Ledger::parse("+ 1 1 5 0\nhello there\n"), Err(2));
    }
}
