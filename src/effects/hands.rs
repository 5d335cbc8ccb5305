//! What a host can do, whether it is a machine, or a stand-in that answers as a test wants.

use super::{Host, Ran};
use crate::error::Result;
use async_trait::async_trait;
use std::time::Duration;

/// A host that accepts plain words: what may be sent to it was decided before.
#[async_trait]
pub trait Hands: Send + Sync {
    /// Its name in the inventory.
    fn name(&self) -> &str;
    /// As [`Host::run`].
    async fn run(&self, argv: &[&str]) -> Result<Ran>;
    /// As [`Host::run_within`].
    async fn run_within(&self, argv: &[&str], input: Option<&[u8]>, limit: Duration) -> Result<Ran>;
    /// As [`Host::run_whole`].
    async fn run_whole(&self, argv: &[&str]) -> Result<Ran>;
    /// As [`Host::sh`], with the clause to be used after "could not".
    async fn sh(&self, attempted: &str, script: &str, args: &[&str], input: Option<&[u8]>) -> Result<String>;
    /// As [`Host::read_file`].
    async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>>;
    /// As [`Host::write_file`].
    async fn write_file(&self, path: &str, content: &[u8], mode: Option<u32>) -> Result<()>;
    /// As [`Host::remove_file`].
    async fn remove_file(&self, path: &str) -> Result<()>;
    /// As [`Host::home`].
    async fn home(&self) -> Result<String>;
    /// As [`Host::forward_back`].
    async fn forward_back(&self, listen: &str, address: &str) -> Result<()>;
    /// As [`Host::end_forward_back`].
    async fn end_forward_back(&self, listen: &str, address: &str) -> Result<()>;
}

#[async_trait]
impl Hands for Host {
    fn name(&self) -> &str {
        self.name()
    }
    async fn run(&self, argv: &[&str]) -> Result<Ran> {
        self.run(argv, None).await
    }
    async fn run_within(&self, argv: &[&str], input: Option<&[u8]>, limit: Duration) -> Result<Ran> {
        self.run_within(argv, input, limit).await
    }
    async fn run_whole(&self, argv: &[&str]) -> Result<Ran> {
        self.run_whole(argv).await
    }
    async fn sh(&self, attempted: &str, script: &str, args: &[&str], input: Option<&[u8]>) -> Result<String> {
        self.sh_for(attempted, script, args, input).await
    }
    async fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.read_file(path).await
    }
    async fn write_file(&self, path: &str, content: &[u8], mode: Option<u32>) -> Result<()> {
        self.write_file(path, content, mode).await
    }
    async fn remove_file(&self, path: &str) -> Result<()> {
        self.remove_file(path).await
    }
    async fn home(&self) -> Result<String> {
        self.home().await
    }
    async fn forward_back(&self, listen: &str, address: &str) -> Result<()> {
        self.forward_back(listen, address).await
    }
    async fn end_forward_back(&self, listen: &str, address: &str) -> Result<()> {
        self.end_forward_back(listen, address).await
    }
}
