//! Long work on a host.
use super::Host;
use crate::error::Result;
use std::sync::Arc;
/// Long work on a host.
pub struct Job;
/// How a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobState {
    /// Exit code once it has ended.
    pub code: Option<i32>,
    /// Bytes done, as far as the job tells.
    pub done: Option<u64>,
    /// Whether it still runs.
    pub running: bool,
}
#[allow(missing_docs, clippy::unused_async, unused_variables)]
impl Job {
    pub async fn start(host: Arc<Host>, dir: &str, script: &str, progress: &str) -> Result<Self> {
        todo!()
    }
    pub async fn find(host: Arc<Host>, dir: &str) -> Result<Option<Self>> {
        todo!()
    }
    pub async fn state(&self) -> Result<JobState> {
        todo!()
    }
    pub async fn complaint(&self) -> Result<String> {
        todo!()
    }
    pub async fn kill(&self) -> Result<()> {
        todo!()
    }
    pub async fn remove(&self) -> Result<()> {
        todo!()
    }
}
