//! A machine: the runner's own, or one behind ssh.
use crate::error::Result;
use crate::playbook::inventory;
use std::path::Path;

/// A connected machine.
pub struct Host;

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: String,
}

#[allow(missing_docs, clippy::unused_async, unused_variables)]
impl Host {
    pub async fn connect(name: &str, access: &inventory::Host, control_dir: &Path) -> Result<Self> {
        todo!()
    }
    pub fn name(&self) -> &str {
        todo!()
    }
    pub async fn is_alive(&self) -> bool {
        todo!()
    }
    pub async fn run(&self, argv: &[&str], stdin: Option<&[u8]>) -> Result<Ran> {
        todo!()
    }
    pub async fn sh(&self, script: &str, args: &[&str], stdin: Option<&[u8]>) -> Result<String> {
        todo!()
    }
    pub async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>> {
        todo!()
    }
    pub async fn write_file(&self, path: &str, content: &[u8], mode: Option<u32>) -> Result<()> {
        todo!()
    }
    pub async fn remove_file(&self, path: &str) -> Result<()> {
        todo!()
    }
    pub async fn forward(&self, address: &str) -> Result<String> {
        todo!()
    }
    pub async fn shell(&self) -> Result<super::Shell> {
        todo!()
    }
    pub async fn close(self) {
        todo!()
    }
}
