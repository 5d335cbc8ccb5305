//! The program as a process that a test starts, freezes, wakes and kills. What it prints goes to files, so that no pipe
//! fills up while nobody reads.

#![allow(dead_code, reason = "not every test uses all of it")]

use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A started program. Killed when dropped.
pub struct Program {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    most_memory: u64,
}

/// What came of a program.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed on stdout.
    pub out: String,
    /// What it printed on stderr.
    pub said: String,
    /// The most memory it was seen with, in kB (`VmHWM` of `/proc/PID/status`).
    pub most_memory: u64,
}

impl Ended {
    /// What it printed on both, without the frame that diagnostics are drawn in and without line breaks.
    pub fn words(&self) -> String {
        let both = format!("{} {}", self.said, self.out);
        let plain: String = both.chars().map(|c| if "│╭╰─·×├▶".contains(c) { ' ' } else { c }).collect();
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Program {
    /// Starts `command`; its output goes to files in `folder`.
    pub fn start(command: &mut Command, folder: &Path) -> Self {
        let number = STARTED.fetch_add(1, Ordering::SeqCst);
        let [out, err] = ["out", "err"].map(|end| folder.join(format!("said.{number}.{end}")));
        command.stdin(Stdio::null()).stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        Self { child: command.spawn().unwrap(), out, err, most_memory: 0 }
    }
    pub fn id(&self) -> u32 {
        self.child.id()
    }
    /// Stops it from running, and waits until it stands still.
    pub fn freeze(&self) {
        send(self.id(), Signal::STOP);
        let stands = || state(self.id()).is_none_or(|state| "TZ".contains(state));
        until("the program stands still", Duration::from_secs(10), stands);
    }
    pub fn wake(&self) {
        send(self.id(), Signal::CONT);
    }
    pub fn interrupt(&self) {
        send(self.id(), Signal::INT);
    }
    pub fn kill(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        self.child.wait().unwrap();
    }
    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<Ended> {
        self.most_memory = most_memory(self.id()).unwrap_or(0).max(self.most_memory);
        let status = self.child.try_wait().unwrap()?;
        let text = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        Some(Ended { code: status.code(), out: text(&self.out), said: text(&self.err), most_memory: self.most_memory })
    }
    /// Waits for its end.
    pub fn end_within(&mut self, limit: Duration) -> Ended {
        let begin = Instant::now();
        loop {
            if let Some(ended) = self.ended() {
                return ended;
            }
            if begin.elapsed() > limit {
                self.kill();
                panic!("the program does not end within {limit:?}: {}", self.ended().unwrap().words());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `met` holds.
pub fn until(what: &str, limit: Duration, mut met: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !met() {
        assert!(begin.elapsed() < limit, "waited {limit:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every process of the machine that lives, with its command line; a zombie has none.
pub fn command_lines() -> Vec<(u32, String)> {
    let line = |pid| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok().filter(|words| !words.is_empty())?;
        Some((pid, String::from_utf8_lossy(&words).replace('\0', " ")))
    };
    running().filter_map(line).collect()
}

/// Processes that were started with `entry` (`NAME=value`) in their environment.
pub fn marked(entry: &str) -> Vec<u32> {
    let is_marked = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|found| found == entry.as_bytes())
    };
    running().filter(is_marked).collect()
}

/// Ends what `found` finds, twice: a dying shell may have started something in between.
pub fn end_all(found: impl Fn() -> Vec<u32>) {
    for _ in 0..2 {
        found().into_iter().filter(|&pid| pid != std::process::id()).for_each(|pid| send(pid, Signal::KILL));
    }
}

/// Sends a signal; a process that is gone is fine.
pub fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// The name of the program that a process runs.
pub fn program_of(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

fn running() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn most_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}
