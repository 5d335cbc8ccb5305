//! A host that is not there.

use super::StandIn;
use crate::effects::hands::Hands;
use crate::effects::job::{REMOVE, STATE};
use crate::effects::{JobState, Ran};
use crate::error::{Failure, Result};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// A host whose answers a test decides.
pub(in crate::effects) struct StandInHost {
    pub name: String,
    pub stand_in: Arc<StandIn>,
}

impl StandInHost {
    fn ran(&self, argv: &[&str]) -> Ran {
        // a look for a job's script is one for the job
        if let ["test", "-f", path] = argv
            && let Some(folder) = path.strip_suffix("/script")
        {
            let is_there = self.stand_in.answers.job(&self.name, folder).is_some();
            return Ran { code: Some(i32::from(!is_there)), stdout: Vec::new(), whole: true, stderr: String::new() };
        }
        let command = match argv {
            ["sh", "-c", script] => (*script).to_owned(),
            argv => argv.join(" "),
        };
        self.stand_in.answers.run(&self.name, &command)
    }
}

#[async_trait]
impl Hands for StandInHost {
    fn name(&self) -> &str {
        &self.name
    }
    async fn run(&self, argv: &[&str]) -> Result<Ran> {
        Ok(self.ran(argv))
    }
    async fn run_within(&self, argv: &[&str], _: Option<&[u8]>, _: Duration) -> Result<Ran> {
        Ok(self.ran(argv))
    }
    async fn run_whole(&self, argv: &[&str]) -> Result<Ran> {
        Ok(self.ran(argv))
    }
    async fn sh(&self, attempted: &str, script: &str, args: &[&str], _: Option<&[u8]>) -> Result<String> {
        if let (STATE, [folder]) = (script, args) {
            let state = self.stand_in.answers.job(&self.name, folder);
            return Ok(line(&state.unwrap_or(JobState { code: Some(0), done: None, running: false })));
        }
        if script == REMOVE || !args.is_empty() {
            return Ok(String::new()); // scripts for jobs always succeed
        }
        let ran = self.stand_in.answers.run(&self.name, script);
        let printed = String::from_utf8_lossy(&ran.stdout).trim_end_matches('\n').to_owned();
        if ran.code == Some(0) { Ok(printed) } else { Err(Failure::permanent(attempted, ran.stderr).at(&self.name)) }
    }
    async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.stand_in.answers.file(&self.name, path))
    }
    async fn write_file(&self, _: &str, _: &[u8], _: Option<u32>) -> Result<()> {
        Ok(())
    }
    async fn remove_file(&self, _: &str) -> Result<()> {
        Ok(())
    }
    async fn home(&self) -> Result<String> {
        Ok("/home/stand-in".to_owned())
    }
    async fn forward_back(&self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }
    async fn end_forward_back(&self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }
}

/// A job's state as `state.sh` prints it.
fn line(state: &JobState) -> String {
    let number = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    let code = number(state.code.map(|code| code.to_string()));
    format!("{} {code} {}", u8::from(state.running), number(state.done.map(|done| done.to_string())))
}
