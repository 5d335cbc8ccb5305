//! Connections by the thousand that say nothing, or half of something: whoever is logged in is answered, and every due
//! time of a schedule is started. Fifteen seconds; two minutes with `CUTOVER_LONG=1`.

#[allow(dead_code, reason = "the page's own tests use the rest")]
#[path = "../../page/call.rs"]
mod call;
mod crowd;
#[allow(dead_code, reason = "the page's own tests use the rest")]
#[path = "../../page/served.rs"]
mod served;

use call::{call, get};
use crowd::Crowd;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;
use served::{Before, Served};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

const SAME: &str = "Sec-Fetch-Site: same-origin";
/// Connections that are held, or opened again as soon as they are closed.
const CROWD: usize = 2000;
/// Every so many seconds a schedule is due: the finest that a machine of two processors keeps up with.
const EVERY: i64 = 5;
/// How late a start may be taken up, in milliseconds: machines that run other tests beside are slow to make processes.
const LATE: i64 = 10_000;
/// For an answer to somebody who is logged in: less than a silent connection is given, on a machine that runs other tests beside.
const PROMPT: Duration = Duration::from_secs(8);

fn long() -> Duration {
    let is_long = std::env::var("CUTOVER_LONG").is_ok_and(|long| long == "1");
    Duration::from_secs(if is_long { 120 } else { 15 })
}

/// A schedule that is due every five seconds, with a run that does next to nothing.
fn scheduled(before: &Before) {
    let folder = before.state.parent().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write(
        "playbook.yaml",
        "version: 1\nname: small\nsteps:\n  - { id: say, uses: command, with: { host: local, run: [echo, hi] } }\n",
    );
    write("inventory.yaml", "hosts: { local: {} }\n");
    write(
        "schedules.yaml",
        &format!(
            "version: 1\nschedules:\n  often: {{ action: run, playbook: playbook.yaml, inventory: inventory.yaml, \
             cron: \"*/{EVERY} * * * * *\", time_zone: Europe/Oslo, overlap: queue, latest_start: 1m }}\n"
        ),
    );
}

/// Decisions about due times, the oldest first.
fn decisions(served: &Served) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(["schedule", "log", "-n", "1000", "--format", "json", "--state"]).arg(served.state());
    let mut all: Vec<Value> = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    all.reverse();
    all
}

fn log_in(served: &Served, token: &str) -> String {
    let login = call(served.address, "POST", "/login", &[SAME], &format!("token={token}"));
    assert_eq!(login.status, 303, "{}", login.head);
    format!("Cookie: {}", login.cookie())
}

#[test]
fn two_thousand_silent_connections_hold_up_neither_people_nor_schedules() {
    let served = Served::new(&[], scheduled);
    let cookie = log_in(&served, &served.anna);
    let mut crowd = Crowd::gather(served.address, CROWD);
    let (begin, mut slowest, mut asked) = (Instant::now(), Duration::ZERO, 0);
    // logging in is the hardest: until it is done nobody can tell the person from the crowd
    let again = log_in(&served, &served.ola);
    assert!(begin.elapsed() < PROMPT, "{:?}", begin.elapsed());
    while begin.elapsed() < long() {
        for (cookie, name) in [(&cookie, "anna"), (&again, "ola")] {
            let asking = Instant::now();
            let page = call(served.address, "GET", "/", &[cookie], "");
            assert!(
                page.status == 200 && page.body.contains(name),
                "{name} after {:?}: {}",
                begin.elapsed(),
                page.head
            );
            slowest = slowest.max(asking.elapsed());
            asked += 1;
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    let opened = crowd.disperse();
    println!("{opened} connections; {asked} answers, the slowest after {slowest:?}");
    assert!(slowest < PROMPT, "somebody who is logged in was answered after {slowest:?}");
    assert!(opened >= CROWD, "only {opened} connections came about");
    std::thread::sleep(Duration::from_secs(2)); // what was due last is taken up
    let all = decisions(&served);
    assert!(all.len() as u64 >= long().as_secs() / EVERY.unsigned_abs() - 1, "{all:?}");
    for pair in all.windows(2) {
        assert_eq!(pair[1]["due"].as_i64().unwrap() - pair[0]["due"].as_i64().unwrap(), EVERY * 1000, "{pair:?}");
    }
    for start in &all[..all.len() - 1] {
        let late = start["claimed"].as_i64().unwrap_or(i64::MAX) - start["due"].as_i64().unwrap();
        assert!(start["verdict"] == "started" && late < LATE, "{late} ms late: {start}");
    }
}

#[test]
fn without_file_descriptors_the_page_waits_and_goes_on_and_does_not_spin() {
    let served = Served::new(&[], |_| {});
    let process = Pid::from_raw(i32::try_from(served.id()).unwrap());
    let open = || std::fs::read_dir(format!("/proc/{}/fd", served.id())).unwrap().count() as u64;
    get(served.address, "/"); // what the journal needs is open
    let may = |current: u64| {
        prlimit(process, Resource::Nofile, Rlimit { current: Some(current), maximum: Some(1024) }).unwrap()
    };
    may(open() + 3);
    let crowd: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(served.address).unwrap()).collect();
    let before = served.processor();
    std::thread::sleep(Duration::from_secs(3));
    let spent = served.processor().saturating_sub(before);
    assert!(spent < Duration::from_secs(1), "{spent:?} of processor in three seconds");
    may(1024);
    let begin = Instant::now();
    assert_eq!(get(served.address, "/").status, 200);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    drop(crowd);
}

#[test]
fn with_too_few_file_descriptors_it_does_not_begin() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        format!("ulimit -n 300; exec {} serve --listen 127.0.0.1:0 --state state", env!("CARGO_BIN_EXE_cutover"));
    let refused = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(5) && said.contains("may open 300 files"), "{said}");
}
