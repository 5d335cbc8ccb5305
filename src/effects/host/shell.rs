//! A shell kept open on a host, for the commands of the cutover window: each costs about a millisecond instead of a
//! process start over ssh.
//!
//! Knows the protocol with a shell, and nothing about its commands.

use super::{Machine, Process, complaint, failed};
use crate::effects::Activity;
use crate::effects::lease::{Ends, Guard, HostLease};
use crate::effects::places::refusal;
use crate::error::{Failure, Result};
use crate::random;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;

/// How long one command may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Most that one command may print, in bytes.
const LARGEST: usize = 4 << 20;

/// A shell kept open on a host.
pub struct Shell {
    host: String,
    /// Taken out while a command runs: a call that is cut off takes the shell with it, so that no later call can read
    /// the rest of its answer.
    open: Mutex<Option<Open>>,
    /// The check before every command, once the run is taken, and the way to end the shell on its host.
    under: Option<Under>,
}

/// The lease that a shell runs under.
struct Under {
    lease: HostLease,
    guard: Guard,
}

struct Open {
    process: Process,
    marker: String,
    calls: u64,
}

impl Shell {
    /// Opens one on `machine`, for the runner that holds `lease`.
    pub(in crate::effects) async fn open(machine: &Machine, lease: Option<HostLease>) -> Result<Self> {
        let under = lease.map(|lease| {
            let guard = lease.guard(&["sh"], &Activity::apart(), Ends::Shell);
            Under { lease, guard }
        });
        let process = match &under {
            Some(under) => machine.start_script(&under.guard.script, true).await,
            None => machine.start(&["sh"], true).await,
        };
        let process = process.map_err(|fault| fault.failure("open a shell").at(machine.name()))?;
        let marker = format!("cutover-{}", random::hex(32)?);
        let open = Mutex::new(Some(Open { process, marker, calls: 0 }));
        Ok(Self { host: machine.name().to_owned(), open, under })
    }

    /// Runs a script in a separate subshell, with empty input, and returns its output without the last
    /// newline. Calls are served one after the other.
    ///
    /// # Errors
    /// When it ends with another code than 0 (its complaint is the answer; the shell remains open), or does not end
    /// within 10 seconds, or the shell is closed (both transient). `Locked` when another runner has the run.
    pub async fn run(&self, script: &str) -> Result<String> {
        match &self.under {
            // the script's own errors remain in a subshell
            Some(under) => self.call(&format!("{}( eval {} )", under.lease.check(), shell_words::quote(script))).await,
            None => self.call(script).await,
        }
    }

    /// Renews the lease by its own script.
    pub(in crate::effects) async fn renew(&self, script: &str) -> Result<()> {
        self.call(script).await.map(drop)
    }

    async fn call(&self, script: &str) -> Result<String> {
        let mut place = self.open.lock().await;
        let mut open = place.take().ok_or_else(|| self.closed())?;
        let (code, stdout, stderr) = match tokio::time::timeout(LIMIT, open.call(script)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.lost(&format!("the shell ended ({error})"))),
            Err(_) => return Err(self.lost("it did not end within 10 seconds")),
        };
        *place = Some(open);
        if code == 0 {
            return Ok(stdout.strip_suffix('\n').unwrap_or(&stdout).to_owned());
        }
        if let Some(failure) = self.under.as_ref().and_then(|under| under.lease.displaced(&self.host, &stderr)) {
            return Err(failure);
        }
        let refused = refusal("run a command", Some(code), &stderr);
        Err(refused.unwrap_or_else(|| failed("run a command", complaint(Some(code), &stderr))).at(&self.host))
    }

    /// Ends it on its host, over whatever connection leads there now, with the command that was cut off.
    pub(in crate::effects) async fn end(&self, machine: &Machine) -> Result<()> {
        match &self.under {
            Some(under) => under.guard.end(machine).await,
            None => Ok(()),
        }
    }

    /// Whether it still takes commands; once closed it remains closed, and another must be opened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        // one that is busy is open
        self.open.try_lock().map_or(true, |place| place.is_some())
    }

    fn lost(&self, answer: &str) -> Failure {
        Failure::transient("run a command", answer)
            .at(&self.host)
            .now("the command may have run anyway; the shell is closed")
    }

    fn closed(&self) -> Failure {
        Failure::transient("run a command", "the shell on this host was closed when an earlier command was cut off")
            .at(&self.host)
            .now("this command was not sent")
    }
}

impl Open {
    /// One command: its exit code, its output, its error output.
    async fn call(&mut self, script: &str) -> io::Result<(i32, String, String)> {
        self.process.pass_greeting().await?;
        self.calls += 1;
        let marker = format!("{}-{}", self.marker, self.calls);
        let framed = framed(script, &marker);
        let Process { stdin, stdout, stderr, .. } = &mut self.process;
        let stdin = stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let send = async {
            stdin.write_all(framed.as_bytes()).await?;
            stdin.flush().await
        };
        let marker = format!("\n{marker} ");
        let ((), answer, complaint) =
            tokio::try_join!(send, read_to(stdout.as_mut(), &marker), read_to(stderr.as_mut(), &marker))?;
        let code = answer.1.parse().map_err(|_| io::Error::other("it answered with no code"))?;
        Ok((code, answer.0, complaint.0))
    }
}

/// A script as the shell is sent it: the quotes keep its syntax errors out of the shell's own input, the marker tells
/// where its answer ends.
fn framed(script: &str, marker: &str) -> String {
    let quoted = script.replace('\'', r"'\''");
    let end = format!(r#"printf '\n{marker} %s\n' "$1""#);
    format!("( eval '{quoted}' ) </dev/null; set -- $?; {end}; {end} >&2\n")
}

/// Reads up to the line that begins with `marker`: what came before, and the rest of that line.
async fn read_to(stream: &mut (dyn AsyncRead + Send + Unpin), marker: &str) -> io::Result<(String, String)> {
    let mut read = Vec::with_capacity(4096);
    let mut seen = 0;
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if read.len() > LARGEST {
            return Err(io::Error::other("it printed more than 4 MiB"));
        }
        if let Some((before, rest)) = split_at(&read, marker.as_bytes(), seen) {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            return Ok((text(before), text(rest)));
        }
        // The marker and the code after it may arrive in pieces.
        seen = read.len().saturating_sub(marker.len() + "255\n".len());
    }
}

/// What comes before the marker, and the rest of its line, once that has arrived; looks from `seen` on.
fn split_at<'a>(read: &'a [u8], marker: &[u8], seen: usize) -> Option<(&'a [u8], &'a [u8])> {
    let at = seen + read[seen..].windows(marker.len()).position(|window| window == marker)?;
    let rest = &read[at + marker.len()..];
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    Some((&read[..at], &rest[..end]))
}

#[cfg(test)]
mod tests {
    use super::{framed, read_to};

    #[test]
    fn quotes_keep_the_script_in_one_piece() {
        assert!(framed("echo 'a'; )", "M").starts_with(r"( eval 'echo '\''a'\''; )' ) </dev/null"));
    }

    #[tokio::test]
    async fn an_answer_may_arrive_in_pieces() {
        let mut stream = tokio_test_stream(&["one\ntw", "o\n", "\nM-", "1 2", "5\nlate"]);
        assert_eq!(read_to(&mut stream, "\nM-1 ").await.unwrap(), ("one\ntwo\n".into(), "25".into()));
        let mut cut = tokio_test_stream(&["one\n"]);
        assert!(read_to(&mut cut, "\nM-1 ").await.is_err());
    }

    /// Pieces as one read each.
    fn tokio_test_stream(pieces: &'static [&'static str]) -> impl tokio::io::AsyncRead + Send + Unpin {
        use tokio::io::AsyncReadExt;
        let empty: Box<dyn tokio::io::AsyncRead + Send + Unpin> = Box::new(tokio::io::empty());
        pieces.iter().rev().fold(empty, |rest, piece| Box::new(piece.as_bytes().chain(rest)))
    }
}
