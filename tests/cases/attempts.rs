//! Watches the attempts of a step while it runs: which of them live, and whether anything else begins meanwhile.
//!
//! An attempt writes `begin PID` to a file when it begins; whatever it starts that may outlive it carries the word
//! `attempt-PID` on its command line. An undo, a hook or a later step writes another first word.

use crate::process::command_lines;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A watch over one file of attempts, in a thread of its own.
pub struct Watch {
    file: PathBuf,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Option<String>>>,
}

impl Watch {
    /// Begins. `token` stands on the command line of every attempt and of nothing else.
    pub fn begin(file: &Path, token: &str) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (ended, path, token) = (over.clone(), file.to_path_buf(), token.to_owned());
        let thread = std::thread::spawn(move || {
            let mut seen = None;
            while !ended.load(Ordering::SeqCst) {
                // the file first: whoever lives in the list that comes after it lived when the last line was written
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                seen = seen.or_else(|| overlap(&text, &command_lines(), &token));
                std::thread::sleep(Duration::from_millis(10));
            }
            seen
        });
        Self { file: file.to_path_buf(), over, thread: Some(thread) }
    }

    /// What the attempts have written so far.
    pub fn text(&self) -> String {
        std::fs::read_to_string(&self.file).unwrap_or_default()
    }

    /// Ends it: the first time that two were seen alive, in words.
    pub fn end(mut self) -> Option<String> {
        self.over.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// The attempts that have begun by `text` and live by `lines`.
pub fn alive(text: &str, lines: &[(u32, String)], token: &str) -> BTreeSet<u32> {
    let begun = text.lines().filter_map(|line| line.strip_prefix("begin ")?.split(' ').next()?.parse().ok());
    let lives = |attempt: &u32| {
        let word = format!("attempt-{attempt}");
        lines
            .iter()
            .any(|(pid, line)| pid == attempt && line.contains(token) || line.split(' ').any(|found| found == word))
    };
    begun.filter(lives).collect()
}

fn overlap(text: &str, lines: &[(u32, String)], token: &str) -> Option<String> {
    let alive = alive(text, lines, token);
    let last = text.lines().last().unwrap_or_default();
    let is_attempt = last.starts_with("begin ") || last.starts_with("LATE");
    let too_many = alive.len() > usize::from(is_attempt);
    too_many.then(|| format!("after `{last}` these attempts lived: {alive:?}"))
}

#[test]
fn the_watch_sees_two_attempts_and_an_undo_beside_one() {
    let line = |pid: u32, words: &str| (pid, words.to_owned());
    let two = [line(7, "sh -c echo; sleep 12.5"), line(9, "sh -c echo; sleep 12.5")];
    assert_eq!(overlap("begin 7 a\n", &two, "12.5"), None);
    assert!(overlap("begin 7 a\nbegin 9 b\n", &two, "12.5").unwrap().contains("{7, 9}"));
    assert_eq!(overlap("begin 7 a\nbegin 9 b\n", &two[1..], "12.5"), None);
    // an undo, beside an attempt and beside a child that an attempt has left
    assert!(overlap("begin 7 a\nundo\n", &two[..1], "12.5").is_some());
    assert!(overlap("begin 7 a\nundo\n", &[line(8, "sh -c sleep attempt-7")], "12.5").is_some());
    assert_eq!(overlap("begin 7 a\nundo\n", &[line(8, "sh -c sleep attempt-77")], "12.5"), None);
    // a number that another program has by now
    assert_eq!(overlap("begin 7 a\nundo\n", &[line(7, "vi")], "12.5"), None);
}
