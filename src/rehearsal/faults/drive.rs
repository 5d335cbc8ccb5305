//! Runs the program up to a moment, injects the fault there, and lets the program continue to its end.

use super::blow::Damage;
use super::catalogue::Fault;
use super::moment::{Moment, Watch};
use super::roles::Roles;
use crate::error::{Failure, Result};
use crate::rehearsal::stage::Stage;
use crate::store::Halt;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until, timeout};

/// No run of a rehearsal takes longer; one that does hangs.
const PATIENCE: Duration = Duration::from_mins(8);

/// How one process of the program ended.
pub(super) struct End {
    /// Its exit code; none when it was killed.
    pub code: Option<i32>,
    /// The summary it printed.
    pub summary: Value,
    /// Its other output.
    pub said: String,
    /// Whether the fault was done.
    pub struck: bool,
    /// What is to be mended before the run goes on.
    pub damage: Damage,
    /// Every moment it passed.
    pub moments: Vec<Vec<Moment>>,
}

/// Runs `command`, and does `fault` in it, if there is one.
pub(super) async fn drive(stage: &Stage, command: Command, fault: Option<&Fault>) -> Result<End> {
    let driving = Driving::begin(stage, command, fault.is_some()).await?;
    driving.go(fault).await
}

/// Runs `command` without looking into it, and kills it after `life`, if that is given. Whether it was killed is in
/// the end's code.
pub(super) async fn let_run(stage: &Stage, command: Command, life: Option<Duration>) -> Result<End> {
    let mut driving = Driving::begin(stage, command, false).await?;
    if let Some(life) = life
        && timeout(life, driving.child.wait()).await.is_err()
    {
        let _ = driving.child.start_kill(); // it may have ended in this moment
    }
    driving.go(None).await
}

struct Driving<'a> {
    stage: &'a Stage,
    child: Child,
    line: Option<BufReader<UnixStream>>,
    watch: Watch,
    end: End,
}

impl<'a> Driving<'a> {
    async fn begin(stage: &'a Stage, command: Command, listen: bool) -> Result<Self> {
        let failed = |error: std::io::Error| Failure::permanent("start the runner", error.to_string());
        let socket = stage.state().join("b.sock");
        let _ = std::fs::remove_file(&socket); // of the process before
        let listener = listen.then(|| UnixListener::bind(&socket)).transpose().map_err(failed)?;
        // on a full disk a program gets an error; a limit would kill it, if it did not look away
        let mut patient = Command::new("sh");
        patient.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(command.as_std().get_program());
        patient.args(command.as_std().get_args());
        patient.envs(command.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
        if listen {
            patient.arg("--breakpoints").arg(&socket);
        }
        let file = |name: &str| std::fs::File::create(stage.state().join(name)).map_err(failed);
        patient.stdin(Stdio::null()).stdout(file("out")?).stderr(file("err")?).kill_on_drop(true);
        let mut child = patient.spawn().map_err(failed)?;
        let line = match listener {
            None => None,
            Some(listener) => tokio::select! {
                connected = listener.accept() => Some(BufReader::new(connected.map_err(failed)?.0)),
                _ = child.wait() => None, // it gave up before its first entry
            },
        };
        let end = End {
            code: None,
            summary: Value::Null,
            said: String::new(),
            struck: false,
            damage: Damage::default(),
            moments: Vec::new(),
        };
        Ok(Self { stage, child, line, watch: Watch::default(), end })
    }

    async fn go(mut self, fault: Option<&Fault>) -> Result<End> {
        let result = timeout(PATIENCE, self.follow(fault)).await;
        let ended = match result {
            Ok(followed) => followed,
            Err(_) => {
                Err(Failure::permanent("wait for the end of the run", format!("it has not ended after {PATIENCE:?}")))
            }
        };
        if ended.is_err() {
            let _ = self.child.kill().await; // it may have ended in this moment
        }
        let read = |name: &str| read(&self.stage.state().join(name));
        self.end.summary = serde_json::from_str(&read("out")).unwrap_or_default();
        self.end.said = read("err");
        ended.map_err(|failure| failure.now(self.end.said.clone()))?;
        Ok(self.end)
    }

    async fn follow(&mut self, fault: Option<&Fault>) -> Result<()> {
        let mut due: Option<Instant> = None;
        let mut mend: Option<Instant> = None;
        while let Some(mut line) = self.line.take() {
            let mut told = String::new();
            let far = Instant::now() + PATIENCE;
            tokio::select! {
                read = line.read_line(&mut told) => {
                    let Some(halt) = read.ok().and_then(|_| serde_json::from_str::<Halt>(&told).ok()) else { break };
                    self.line = Some(line);
                    let now = self.watch.moments(&halt);
                    if let Some(fault) = fault.filter(|f| due.is_none() && f.moment.as_ref().is_some_and(|m| now.contains(m))) {
                        due = Some(Instant::now() + fault.delay);
                        if fault.delay.is_zero() {
                            mend = self.strike(fault).await?;
                            if fault.blow.kills() {
                                break;
                            }
                        }
                    }
                    self.end.moments.push(now);
                    self.go_on().await;
                }
                () = sleep_until(due.unwrap_or(far)), if due.is_some() && !self.end.struck => {
                    self.line = Some(line);
                    if let Some(fault) = fault {
                        mend = self.strike_meanwhile(fault).await?;
                    }
                }
                () = sleep_until(mend.unwrap_or(far)), if mend.is_some() => {
                    self.line = Some(line);
                    mend = None;
                    std::mem::take(&mut self.end.damage).mend(Roles::of(self.stage)).await;
                }
            }
        }
        let status = self.child.wait().await;
        self.end.code = status.ok().and_then(|status| status.code());
        Ok(())
    }

    /// Injects it; returns when it ends by itself.
    async fn strike(&mut self, fault: &Fault) -> Result<Option<Instant>> {
        if fault.blow.kills() {
            let _ = self.child.kill().await; // nothing of it is left that could go on
        }
        self.end.struck = true;
        self.end.damage = fault.blow.strike(Roles::of(self.stage), self.child.id().unwrap_or_default()).await?;
        Ok(fault.blow.ends_after().map(|after| Instant::now() + after))
    }

    /// The same while the run goes on: what is struck may begin only after its next entries.
    async fn strike_meanwhile(&mut self, fault: &Fault) -> Result<Option<Instant>> {
        self.end.struck = true;
        let mut strike = Box::pin(fault.blow.strike(Roles::of(self.stage), self.child.id().unwrap_or_default()));
        self.end.damage = loop {
            let Some(mut line) = self.line.take() else { break strike.await? };
            let mut told = String::new();
            tokio::select! {
                damage = &mut strike => {
                    self.line = Some(line);
                    break damage?;
                }
                read = line.read_line(&mut told) => {
                    let halt = read.ok().and_then(|_| serde_json::from_str::<Halt>(&told).ok());
                    let Some(halt) = halt else { continue }; // it has ended
                    self.line = Some(line);
                    let now = self.watch.moments(&halt);
                    self.end.moments.push(now);
                    self.go_on().await;
                }
            }
        };
        Ok(fault.blow.ends_after().map(|after| Instant::now() + after))
    }

    async fn go_on(&mut self) {
        if let Some(line) = &mut self.line {
            let _ = line.get_mut().write_all(b"go\n").await; // one that has died reads no more
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
