//! `journal_lost.sh`: another program's SELECT must not cost a run its journal.

use crate::desk::{Desk, read};
use std::path::PathBuf;
use std::process::Stdio;

#[test]
fn a_reader_of_another_program_costs_the_run_no_entry() {
    let desk = Desk::new();
    for input in ["journal_lost.sh", "webhook_inv.yaml", "webhook_ask.yaml"] {
        desk.write(input, &read(input));
    }
    let program = PathBuf::from(env!("CARGO_BIN_EXE_cutover"));
    let path = std::env::var("PATH").unwrap();
    let mut script = desk.command("bash");
    script.arg(desk.path("journal_lost.sh")).env("TMPDIR", desk.path(""));
    script.env("PATH", format!("{}:{path}", program.parent().unwrap().display())).stdin(Stdio::null());
    let played = script.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&played.stdout), String::from_utf8_lossy(&played.stderr));
    assert!(said.lines().any(|line| line == "0"), "the run writes to a file that was deleted: {said}");

    let folders = desk.path("").read_dir().unwrap().flatten().map(|entry| entry.path());
    let state = folders.map(|folder| folder.join("state")).find(|state| state.is_dir()).unwrap();
    let state = state.to_str().unwrap();
    assert!(desk.path(state).with_file_name("effect").exists(), "step b never ran: {said}");
    let stands = ["a", "b", "c"].map(|step| desk.stands(state, step));
    assert_eq!(stands, ["succeeded", "succeeded", "running"], "{said}");
}
