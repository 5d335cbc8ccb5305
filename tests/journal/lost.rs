//! What made a run lose its journal, and what removes it.

use crate::desk::ended;
use crate::reader::{desk, entries, file, look};
use cutover::store::Event;
use std::time::Duration;

/// `cases/engine/journal_lost.sh`: the second part of the process opened and closed the file, which gave the locks of the
/// first part back; a reader's close then removed the log under the run.
#[test]
fn a_reader_that_comes_and_goes_takes_no_entry_away() {
    let desk = desk(&[("a", "sleep 1.5; touch a"), ("b", "touch b"), ("c", "touch c; sleep 60")]);
    let mut run = desk.begin(&[]);
    desk.until("state/journal.sqlite-wal");
    std::thread::sleep(Duration::from_millis(500));
    look(&desk);
    desk.until("c");
    run.kill().unwrap();
    run.wait().unwrap();
    let entries = entries(&desk);
    for id in ["a", "b"] {
        let is_done = entries.iter().any(|entry| matches!(&entry.event, Event::StepDone { step, .. } if step == id));
        assert!(is_done, "{id}: {entries:#?}");
    }
    assert!(entries.iter().any(|entry| matches!(&entry.event, Event::StepIntent { step, .. } if step == "c")));
}

#[test]
fn a_run_whose_journal_is_removed_stops_before_its_next_effect() {
    for suffix in ["", "-wal", "-shm"] {
        let desk = desk(&[("a", "touch a; while ! [ -e go ]; do sleep 0.05; done"), ("b", "touch b")]);
        let run = desk.begin(&[]);
        desk.until("a");
        let mut lost = file(&desk).into_os_string();
        lost.push(suffix);
        std::fs::remove_file(&lost).unwrap();
        desk.write("go", "");
        let end = ended(run);
        assert_ne!(end.code, 0, "{end:?}");
        assert!(!desk.exists("b"), "{end:?}");
        let words = end.words();
        assert!(words.contains("removed or replaced under the run"), "{words}");
        assert!(words.contains("the run did nothing that is not in the journal"), "{words}");
        // what the run knew is saved, and can be put back
        let saved = std::fs::read_dir(desk.path("state")).unwrap().map(|entry| entry.unwrap().path());
        let saved: Vec<_> = saved.filter(|path| path.to_string_lossy().contains("journal-rescued-")).collect();
        assert_eq!(saved.len(), 1, "{words}");
        std::fs::rename(&saved[0], file(&desk)).unwrap();
        let _ = std::fs::remove_file(desk.path("state/journal.sqlite-wal"));
        let _ = std::fs::remove_file(desk.path("state/journal.sqlite-shm"));
        let a = |event: &Event| matches!(event, Event::StepIntent { step, .. } if step == "a");
        assert!(entries(&desk).iter().any(|entry| a(&entry.event)));
    }
}
