//! A program of the user's that prints a secret: bounded in time and size, without input and without a terminal.
//!
//! Its output is the secret and is never shown. Its error output is shown, escaped, when it fails.

use crate::effects::host::hide_secrets;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long it may take.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// Bytes that are kept of its complaint: the last ones.
const COMPLAINT: usize = 64 << 10;
/// How much of the complaint is shown: lines, and characters.
const SHOWN_LINES: usize = 10;
const SHOWN_CHARS: usize = 2000;
/// How often a program that has closed its output is checked.
const LOOK: Duration = Duration::from_millis(5);

/// Why a program gave no secret.
#[derive(Debug)]
pub(super) struct Fault {
    /// In words, without anything that it printed.
    pub how: String,
    /// Its raw error output: known secrets must be removed before it is shown.
    pub complaint: String,
    /// Its output, so that no part of it is shown with the error output.
    pub printed: Vec<u8>,
}

impl Fault {
    fn plain(how: String) -> Self {
        Self { how, complaint: String::new(), printed: Vec::new() }
    }
}

/// The output of `argv`, at most `most` bytes.
///
/// # Errors
/// When it cannot be started, prints more, does not end within `limit`, or ends with another code than 0.
pub(super) fn run(argv: &[String], limit: Duration, most: usize) -> Result<Vec<u8>, Fault> {
    let (name, args) = argv.split_first().ok_or_else(|| Fault::plain("the command is empty".into()))?;
    let begin = Instant::now();
    let mut command = Command::new(name);
    hide_secrets(&mut command);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // its own process group, so that the programs it started end with it
    let mut child = command.process_group(0).spawn().map_err(|error| Fault::plain(format!("{name}: {error}")))?;
    let stdout = child.stdout.take().map(|pipe| read(pipe, Keep::First(most)));
    let stderr = child.stderr.take().map(|pipe| read(pipe, Keep::Last(COMPLAINT)));
    let left = |limit: Duration| limit.saturating_sub(begin.elapsed());

    let printed = wait_for(stdout.as_ref(), left(limit));
    let too_much = matches!(&printed, Some(printed) if printed.len() > most);
    let ended = match (&printed, too_much) {
        (Some(_), false) => end_of(&mut child, left(limit)),
        _ => None,
    };
    if ended.is_none() {
        kill(&mut child);
    }
    // programs that it left running may hold its stderr open forever, so only a moment is spent on it
    let complaint = wait_for(stderr.as_ref(), Duration::from_millis(200)).unwrap_or_default();
    let printed = printed.unwrap_or_default();
    let how = match ended {
        Some(status) if status.success() => return Ok(printed),
        Some(status) => format!("{name} {}", words(status)),
        None if too_much => {
            return Err(Fault::plain(format!("{name} printed more than {most} bytes and was killed")));
        }
        None => {
            format!("{name} did not end within {} s, and was killed with all that it started", limit.as_secs_f64())
        }
    };
    Err(Fault { how, complaint: String::from_utf8_lossy(&complaint).into_owned(), printed })
}

/// The end of a complaint as a person may read it: few lines, control characters escaped.
pub(super) fn shown(complaint: &str) -> String {
    let lines: Vec<&str> = complaint.trim().lines().collect();
    let text = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
    let skipped = text.chars().count().saturating_sub(SHOWN_CHARS);
    let mut shown = if skipped > 0 { "…".to_owned() } else { String::new() };
    for letter in text.chars().skip(skipped) {
        let hidden = letter.is_control() && letter != '\n';
        // letters that turn the direction of writing make a line read otherwise than it is
        if hidden || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

fn words(status: ExitStatus) -> String {
    status.code().map_or_else(|| "was ended by a signal".to_owned(), |code| format!("ended with code {code}"))
}

/// Which bytes of a stream are kept.
#[derive(Clone, Copy)]
enum Keep {
    /// The first, and one more, which shows that there were more; then reading ends.
    First(usize),
    /// The last.
    Last(usize),
}

/// Reads a pipe in its own thread. The thread ends with the pipe; no caller waits for it longer than useful.
fn read(mut pipe: impl Read + Send + 'static, keep: Keep) -> Receiver<Vec<u8>> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut piece) {
            kept.extend_from_slice(&piece[..count]);
            match keep {
                Keep::First(most) if kept.len() > most => break,
                Keep::Last(most) if kept.len() > 2 * most => drop(kept.drain(..kept.len() - most)),
                _ => {}
            }
        }
        if let Keep::Last(most) = keep
            && kept.len() > most
        {
            // half a line may begin with half a secret, which nobody would know for one
            let from = kept.len() - most;
            let line = kept[from..].iter().position(|&byte| byte == b'\n').map_or(kept.len(), |end| from + end);
            kept.drain(..line);
        }
        let _ = tell.send(kept); // nobody waits any more
    });
    told
}

fn wait_for(told: Option<&Receiver<Vec<u8>>>, limit: Duration) -> Option<Vec<u8>> {
    told?.recv_timeout(limit).ok()
}

fn end_of(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let begin = Instant::now();
    loop {
        match child.try_wait() {
            Ok(None) if begin.elapsed() < limit => std::thread::sleep(LOOK),
            Ok(ended) => return ended,
            Err(_) => return None,
        }
    }
}

fn kill(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL); // it may have ended by itself
    }
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::{run, shown};
    use std::time::{Duration, Instant};

    fn sh(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).into()
    }

    #[test]
    fn a_failure_shows_the_complaint_and_never_the_output() {
        let fault =
            run(&sh("echo hunter2; echo vault is sealed >&2; exit 3"), Duration::from_secs(9), 100).unwrap_err();
        assert_eq!(fault.how, "sh ended with code 3");
        assert_eq!(shown(&fault.complaint), "vault is sealed");
        assert_eq!(fault.printed, b"hunter2\n");
        assert!(
            run(&["/no/such/program".to_owned()], Duration::from_secs(9), 9).unwrap_err().how.contains("No such file")
        );
        assert_eq!(run(&sh("printf geheim"), Duration::from_secs(9), 100).unwrap(), b"geheim");
    }

    #[test]
    fn one_that_hangs_is_killed_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 60 & echo $! > {}; echo waiting >&2; wait", pid.display());
        let begin = Instant::now();
        let fault = run(&sh(&script), Duration::from_millis(400), 100).unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert!(fault.how.contains("did not end within 0.4 s"), "{}", fault.how);
        assert_eq!(fault.complaint, "waiting\n");
        let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        let gone = || std::fs::read_to_string(format!("/proc/{pid}/stat")).gone_or_zombie();
        while !gone() {
            assert!(begin.elapsed() < Duration::from_secs(5), "{pid} lives");
            std::thread::sleep(Duration::from_millis(10));
        }
        // output that is closed is not yet an end
        let fault = run(&sh("exec >&- ; sleep 60"), Duration::from_millis(300), 100).unwrap_err();
        assert!(fault.how.contains("did not end"), "{}", fault.how);
    }

    trait GoneOrZombie {
        fn gone_or_zombie(self) -> bool;
    }
    impl GoneOrZombie for std::io::Result<String> {
        fn gone_or_zombie(self) -> bool {
            self.map_or(true, |stat| stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z')))
        }
    }

    #[test]
    fn endless_output_is_bounded_on_both_streams() {
        let begin = Instant::now();
        let fault = run(&["cat".to_owned(), "/dev/zero".to_owned()], Duration::from_secs(9), 1000).unwrap_err();
        assert!(fault.how.contains("more than 1000 bytes") && fault.printed.is_empty(), "{}", fault.how);
        let loud = "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo last words >&2; exit 1";
        let fault = run(&sh(loud), Duration::from_secs(9), 1000).unwrap_err();
        assert_eq!(fault.complaint.trim(), "last words");
        assert!(begin.elapsed() < Duration::from_secs(9));
    }

    #[test]
    fn a_complaint_is_short_and_cannot_paint_the_terminal() {
        assert_eq!(shown("\u{1b}[2Jred\r\u{202e}\n\n"), "\\u{1b}[2Jred\\r\\u{202e}");
        assert_eq!(shown(&"line\n".repeat(50)).lines().count(), 10);
        let long = shown(&"x".repeat(9000));
        assert!(long.starts_with('…') && long.chars().count() == 2001);
    }
}
