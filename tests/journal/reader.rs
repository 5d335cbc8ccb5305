//! Other programs at the journal, and playbooks whose runs have two parts that use it: the runner, and the one who sends
//! messages to webhooks.

use crate::desk::Desk;
use cutover::journal::{Entry, Journal, Sqlite};
use rusqlite::Connection;
use std::path::PathBuf;

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
        before = (*id).to_owned();
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
/// its locks.
pub fn look(desk: &Desk) -> i64 {
    let journal = Connection::open(file(desk)).unwrap();
    journal.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    journal.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap()
}

/// Every entry of the only run, with its chain checked.
pub fn entries(desk: &Desk) -> Vec<Entry> {
    let journal = Sqlite::open_existing(&desk.path("state")).unwrap().unwrap();
    let runs = journal.runs().unwrap();
    assert_eq!(runs.len(), 1);
    let checked = journal.check().unwrap();
    let entries = journal.entries(&runs[0].id).unwrap();
    assert_eq!(checked.entries, entries.len() as u64);
    entries
}
