//! Processes of the sandbox's servers: ended and waited for, run to their end.

use rustix::process::{Pid, Signal, kill_process};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// Longest time for a signal to take effect; a server that has not stopped by then is killed.
const PATIENCE: Duration = Duration::from_secs(8);

/// Sends a signal that ends a process, and waits for that; whether it has come about.
pub fn end(pid: Pid, signal: Signal) -> bool {
    let _ = kill_process(pid, signal); // it may have ended by itself
    // The first thread may be a zombie, waiting to be reaped, while others still hold files and answer.
    within_patience(|| thread_states(pid).iter().all(|state| *state == 'Z'))
}

/// Whether `done` comes true before patience ends.
pub fn within_patience(done: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !done() {
        if began.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// The kernel's letter for the state of each thread; none when there is no such process.
pub fn thread_states(pid: Pid) -> Vec<char> {
    let threads = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).into_iter().flatten().flatten();
    let stats = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
    stats.filter_map(|stat| stat.rsplit_once(") ")?.1.chars().next()).collect()
}

/// Runs a program to its end; what it complained of, if it failed.
pub async fn run(command: &mut Command) -> Result<(), String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let ran = command.stdin(Stdio::null()).output().await.map_err(|error| format!("{program}: {error}"))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
    let errors: Vec<&str> = said.lines().filter(|line| line.contains("ERROR")).collect();
    let telling = if errors.is_empty() { said.trim().to_owned() } else { errors.join("\n") };
    Err(format!("{program} ended with {}: {telling}", ran.status))
}
