//! The promise of one actor, sentence by sentence, each played with the real program.
//!
//! | sentence | tests |
//! |---|---|
//! | Work that was given up (timeout, cancel, interrupt) is waited for before anything else of the same step begins, however many attempts lie between | `beside`, `given_up::the_undo_waits_for_work_that_a_deadline_has_cancelled`, `given_up::a_resume_waits_for_work_that_an_interrupt_has_left` |
//! | retries, probes, undo and hooks too | `beside`, `given_up::a_probe_waits_for_the_program_of_a_dead_runner`, `given_up::a_hook_waits` |
//! | when it does not end, the run stops and says what still runs where | `given_up::what_cannot_be_seen_to_end_is_named_with_its_host_and_nothing_else_begins` |
//! | every runner of a run has an epoch, counted up in the journal | `epochs::every_runner_has_a_higher_epoch_in_the_journal` |
//! | on servers the lease is the server-side lock with the run and the epoch in its name, taken by ending the older holder and proving it gone | `epochs::the_lease_carries_run_and_epoch_and_the_older_holder_is_gone` |
//! | a row in the tool's table is a record only | `epochs::no_row_is_needed` |
//! | on hosts every program, file and job starts through a wrapper that compares the epoch | `epochs::a_woken_runner_starts_no_program_and_writes_no_file`, and for jobs the test program `two_runners` behind the fence |
//! | an older epoch is refused whatever the journal's store lost; the displaced runner stops, says so, exits 6 | `epochs::a_stale_copy_is_refused_whatever_it_has_lost`, `twice` |
//! | locks are held until the last work has ended | `locks::the_server_is_kept_until_the_last_work_has_ended` |
//! | a foreign holder of the lock's name is named, and cannot block for ever | `locks::a_foreign_holder_is_named_and_blocks_nobody_for_ever` |

mod epochs;
mod given_up;
mod locks;

use crate::desk::Desk;
use cutover::rehearsal::sshd::Sshd;
use std::path::Path;

/// A desk with a playbook of these steps; `EFFECT` in it is the path of the file `effect`.
fn desk(steps: &str) -> Desk {
    let desk = Desk::new();
    let steps = steps.replace("EFFECT", desk.path("effect").to_str().unwrap());
    desk.write("playbook.yaml", &format!("version: 1\nname: actor\nsteps:\n{steps}"));
    desk.write("inventory.yaml", "hosts: { local: { pass_env: [CUTOVER_TEST_DESK] } }\n");
    desk
}

/// A host behind ssh, called `old`, in the desk's inventory; `more` are further lines.
fn host(desk: &Desk, more: &str) -> Sshd {
    let folder: &Path = &desk.path("ssh");
    let sshd = tokio::runtime::Runtime::new().unwrap().block_on(Sshd::start(folder, "old")).unwrap();
    let (config, work) = (sshd.ssh_config().display(), desk.work());
    let host = format!("{{ ssh: old, ssh_config: {config}, work_dir: {work} }}");
    let local = "local: { pass_env: [CUTOVER_TEST_DESK] }";
    desk.write("inventory.yaml", &format!("hosts: {{ {local}, old: {host} }}\n{more}"));
    sshd
}

/// A word that no other test has on a command line.
fn token(seconds: u32, number: u32) -> String {
    format!("{seconds}.{}{number:02}", std::process::id())
}

/// A program that leaves `begin PID` in the effect file, then works that long, deaf to SIGTERM.
fn stubborn(sleep: &str) -> String {
    format!("[sh, -c, \"trap '' TERM; echo begin $$ >> EFFECT; sleep {sleep}; echo end $$ >> EFFECT\"]")
}

/// A program that leaves a word in the effect file.
fn word(word: &str) -> String {
    format!("[sh, -c, \"echo {word} >> EFFECT\"]")
}
