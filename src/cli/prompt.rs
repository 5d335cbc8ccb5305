//! A question at the terminal that ends when it is settled elsewhere: by a person on another machine, or because the run
//! no longer waits.

use std::io::BufRead;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Time between two looks at whether the question is settled.
const LOOK: Duration = Duration::from_millis(500);

/// Lines of the terminal. One thread reads them for the whole life of the process: reading cannot be called off.
fn lines() -> &'static Mutex<Receiver<String>> {
    static LINES: OnceLock<Mutex<Receiver<String>>> = OnceLock::new();
    LINES.get_or_init(|| {
        let (to, from) = channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if to.send(line).is_err() {
                    break;
                }
            }
        });
        Mutex::new(from)
    })
}

/// The next line that is typed; `None` when the question is settled first, or the terminal is gone.
pub fn answer(is_settled: impl Fn() -> bool) -> Option<String> {
    answer_from(&lines().lock().unwrap_or_else(PoisonError::into_inner), is_settled)
}

fn answer_from(lines: &Receiver<String>, is_settled: impl Fn() -> bool) -> Option<String> {
    while lines.try_recv().is_ok() {} // typed before the question was there
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(line) => return Some(line),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if is_settled() => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LOOK, answer_from};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn a_line_is_taken_and_a_settled_question_waits_for_none() {
        let (to, from) = channel();
        assert_eq!(answer_from(&from, || true), None);
        let late = to.clone();
        let typed = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            late.send("yes".to_owned())
        });
        to.send("typed before".to_owned()).unwrap();
        assert_eq!(answer_from(&from, || false).as_deref(), Some("yes"));
        typed.join().unwrap().unwrap();
        drop(to);
        let begin = std::time::Instant::now();
        assert_eq!(answer_from(&from, || false), None, "the terminal is gone");
        assert!(begin.elapsed() < LOOK);
    }
}
