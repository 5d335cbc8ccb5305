//! Finds and ends processes by descent, or by a mark in their environment. Elsewhere than on Linux it finds none.

use rustix::process::{Pid, Signal, kill_process};

/// Children of `pid`, their children, and so on.
pub(super) fn descendants(pid: u32) -> Vec<u32> {
    let all: Vec<_> = running().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(&one) = family.get(next) {
        family.extend(all.iter().filter(|(_, parent)| *parent == one).map(|(pid, _)| pid));
        next += 1;
    }
    family.split_off(1)
}

/// Processes started with `name=value` in their environment.
pub(super) fn marked(name: &str, value: &str) -> Vec<u32> {
    running().filter(|&pid| is_marked(pid, name, value)).collect()
}

/// Whether this process was started with `name=value` in its environment.
pub(super) fn is_marked(pid: u32, name: &str, value: &str) -> bool {
    let wanted = format!("{name}={value}");
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|&byte| byte == 0).any(|entry| entry == wanted.as_bytes())
}

/// Whether this process is one of these programs, or was started by a loader or a shell that was given one's name.
pub(super) fn is_program(pid: u32, names: &[&str]) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = line.split(|&byte| byte == 0).take(6).map(String::from_utf8_lossy);
    words.into_iter().any(|word| names.contains(&word.rsplit('/').next().unwrap_or_default()))
}

/// Ends a process at once; one that is gone already is fine.
pub(super) fn kill(pid: u32) {
    send(pid, Signal::KILL);
}

/// Sends a signal; a process that is gone already is fine.
pub(super) fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

fn running() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold spaces and brackets.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
