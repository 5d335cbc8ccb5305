//! `sql_big.yaml` and `loud_command.yaml`: what is not kept is not held in memory either.

use crate::desk::Desk;
use crate::process::Ended;
use crate::server::Shared;
use cutover::rehearsal::sshd::Sshd;
use std::time::{Duration, Instant};

/// Bound of the runner's peak memory, in kB.
const MOST: u64 = 60 << 10;
const LIMIT: Duration = Duration::from_mins(5);

fn assert_flat(desk: &Desk, what: &str) {
    let (begin, mut runner) = (Instant::now(), desk.begin());
    let ended: Ended = runner.end_within(LIMIT);
    println!("{what}: {} kB at most, {:?}", ended.most_memory, begin.elapsed());
    assert_eq!(ended.code, Some(0), "{}", ended.words());
    assert!(ended.most_memory > 0, "its memory was never seen");
    assert!(ended.most_memory < MOST, "{what}: {} kB at most, and {MOST} kB are allowed", ended.most_memory);
}

#[test]
fn three_million_rows_selected_by_a_sql_step() {
    let shared = Shared::get();
    assert_flat(&shared.desk("sql_big.yaml", &[]), "3 million rows of 100 bytes");
}

#[test]
fn six_hundred_megabytes_printed_by_a_command() {
    assert_flat(&Desk::with("loud_command.yaml", &[]), "600 MB on stdout");
}

#[test]
fn six_hundred_megabytes_of_complaints() {
    let desk = Desk::with("loud_command.yaml", &[("tr '\\\\0' x\"", "tr '\\\\0' x >&2\"")]);
    assert_flat(&desk, "600 MB on stderr");
}

#[test]
fn six_hundred_megabytes_from_a_host_behind_ssh() {
    let desk = Desk::with("loud_command.yaml", &[("host: local", "host: old")]);
    let sshd = tokio::runtime::Runtime::new().unwrap().block_on(Sshd::start(&desk.path("ssh"), "old")).unwrap();
    let config = sshd.ssh_config().display();
    desk.write(
        "inventory.yaml",
        &format!("hosts: {{ old: {{ ssh: old, ssh_config: {config}, work_dir: {} }} }}\n", desk.work()),
    );
    assert_flat(&desk, "600 MB on stdout over ssh");
}
