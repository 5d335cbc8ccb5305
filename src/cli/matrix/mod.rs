//! `cutover try`

mod outcome;
mod trials;

use super::output::{self, Format};
use super::stop::unless_stopped;
use crate::error::{Failure, Result, exit};
use crate::rehearsal::server::{Choice, Program, RELEASES};
use outcome::Outcome;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;
use tokio::process::Command;
use trials::{Given, Trial};

/// Number of error lines shown per rehearsal.
const SHOWN: usize = 40;

/// Arguments of `try`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server: a version, or the path of the server program or of an installation, such as an unpacked tarball.
    server: String,
    /// The server to move to. Default: every version available here that its makers support as replica or source of the server.
    target: Option<String>,
    /// Folder with the shipped playbooks.
    #[arg(long, value_name = "DIR", default_value = "playbooks")]
    playbooks: PathBuf,
    /// Rows in the application's database.
    #[arg(long, default_value_t = 5000)]
    rows: u64,
    /// Number of concurrent writers of the application.
    #[arg(long, default_value_t = 2)]
    writers: u32,
    /// Transactions per second of all writers together; 0 means as many as possible.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Rehearses every shipped playbook on a server, and prints a line for each and a table of all.
pub fn run(args: &Args) -> u8 {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let held = runtime
        .map_err(|error| Failure::permanent("start the rehearsals", error.to_string()))
        .and_then(|runtime| runtime.block_on(unless_stopped("rehearse", hold(args))));
    match held {
        Ok(outcomes) => {
            match args.format {
                Format::Json => output::json(&json!({ "cutover": env!("CARGO_PKG_VERSION"), "rehearsals": outcomes })),
                Format::Text => {
                    output::text(&outcome::table(&outcomes, concat!("cutover ", env!("CARGO_PKG_VERSION"))));
                }
            }
            if outcomes.iter().all(|outcome| outcome.is_good) { exit::DONE } else { exit::STUCK }
        }
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

async fn hold(args: &Args) -> Result<Vec<Outcome>> {
    if let Some(missing) = trials::playbooks(&args.playbooks).into_iter().find(|playbook| !playbook.is_file()) {
        return Err(Failure::refused("rehearse the shipped playbooks", format!("there is no {}", missing.display()))
            .help("run it in the folder that contains `playbooks`, or name that folder: --playbooks DIR"));
    }
    let server = known(&args.server).await?;
    let target = match &args.target {
        Some(target) => Some(known(target).await?),
        None => None,
    };
    let others = if target.is_none() { others().await } else { Vec::new() };
    let trials = trials::of(&server, target.as_ref(), &others);
    output::say(&format!("rehearsals: {}, about half a minute each", trials.len()));
    let mut outcomes = Vec::new();
    for trial in &trials {
        outcomes.push(rehearse(args, trial).await?);
    }
    Ok(outcomes)
}

/// A server that must be available.
async fn known(text: &str) -> Result<Given> {
    let choice: Choice = text.parse().map_err(|answer: String| Failure::refused("find a server", answer))?;
    let program = Program::find(&choice).await?;
    let path = std::path::absolute(&program.server).unwrap_or(program.server);
    Ok(Given { name: path.display().to_string(), product: program.product })
}

/// The servers that this machine has or can download; others are reported and skipped.
async fn others() -> Vec<Given> {
    let mut found = Vec::new();
    for release in RELEASES {
        let choice = Choice::Version(release.family, release.version);
        match Program::find(&choice).await {
            Ok(program) => {
                found.push(Given { name: program.server.display().to_string(), product: program.product });
            }
            Err(failure) => output::say(&format!("skipped {}: {}", release.name(), failure.answer.trim())),
        }
    }
    found
}

async fn rehearse(args: &Args, trial: &Trial) -> Result<Outcome> {
    let failed = |error: std::io::Error| Failure::permanent("start a rehearsal", error.to_string());
    let begin = Instant::now();
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.arg("rehearse").args(trial.words(&args.playbooks)).args(["--format", "json"]);
    let numbers = [args.rows.to_string(), args.writers.to_string(), args.rate.to_string()];
    for (flag, number) in ["--rows", "--writers", "--rate"].into_iter().zip(&numbers) {
        command.args([flag, number]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = command.output().await.map_err(failed)?;
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    let outcome = Outcome::of(trial, &report, ran.status.code());
    let line = outcome::line(&outcome, begin.elapsed().as_secs_f64());
    match args.format {
        Format::Text => output::text(&format!("{line}\n")),
        Format::Json => output::say(&line),
    }
    if !outcome.is_good {
        let said = String::from_utf8_lossy(&ran.stderr);
        let lines: Vec<&str> = said.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(SHOWN)).for_each(|line| output::say(&format!("    {line}")));
    }
    Ok(outcome)
}
