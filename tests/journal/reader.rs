//! Other programs at the journal, and playbooks whose runs have two parts that use it: the runner, and the one who sends
//! messages to webhooks.

use crate::desk::Desk;
use cutover::store::{Entry, Journal, Store};
use std::path::PathBuf;
use std::process::Command;

/// A webhook where nobody listens: its messages stay in the outbox.
pub const INVENTORY: &str = "hosts: { local: {} }\nwebhooks:\n  ops: { url: { file: url } }\n";

/// A desk with a playbook of these steps, each a shell's words that run in the desk's folder.
pub fn desk(steps: &[(&str, &str)]) -> Desk {
    let mut playbook = "version: 1\nname: small\non: { waiting: [ops], done: [ops] }\nsteps:\n".to_owned();
    let mut before = String::new();
    for (id, words) in steps {
        let words = serde_json::to_string(words).unwrap();
        playbook += &format!(
            "  - {{ id: {id}, needs: [{before}], uses: command, with: {{ host: local, run: [sh, -c, {words}], undo: [\"true\"] }} }}\n"
        );
        (*id).clone_into(&mut before);
    }
    let desk = Desk::new(&playbook);
    desk.write("inventory.yaml", INVENTORY);
    desk.write("url", "http://127.0.0.1:9/x\n");
    desk
}

/// The journal's file.
pub fn file(desk: &Desk) -> PathBuf {
    desk.path("state/journal.sqlite")
}

/// Opens the journal as any program does, reads it, and closes it: as the last one, so `SQLite` thinks, if the run has lost
/// its locks. Not done in this process: the `SQLite` of this program, from 3.51 on, does not trust those locks alone when it
/// removes a log; that of most systems does.
pub fn look(desk: &Desk) -> u64 {
    const COUNT: &str = "SELECT count(*) FROM event";
    let script = format!(
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(c.execute('{COUNT}').fetchone()[0]); c.close()"
    );
    let (shell, python) = (["-cmd", ".timeout 5000"], ["-c", script.as_str()]);
    let file = file(desk);
    let call = |program: &str, before: [&str; 2]| Command::new(program).args(before).arg(&file).arg(COUNT).output();
    let output = call("sqlite3", shell).or_else(|_| call("python3", python));
    let output = output.expect("sqlite3 or python3, to read the journal as another program does");
    let printed = String::from_utf8_lossy(&output.stdout).trim().parse();
    printed.unwrap_or_else(|_| panic!("{output:?}"))
}

/// Every entry of the only run, with its chain checked.
pub fn entries(desk: &Desk) -> Vec<Entry> {
    let journal = Store::open_existing(&desk.path("state")).unwrap().unwrap();
    let runs = journal.runs().unwrap();
    assert_eq!(runs.len(), 1);
    let checked = journal.check().unwrap();
    let entries = journal.entries(&runs[0].id).unwrap();
    assert_eq!(checked.entries, entries.len() as u64);
    entries
}
