//! One SQL connection.
use super::Secrets;
use crate::error::Result;
use std::sync::Arc;
use std::time::Duration;
/// Where and as whom to log in.
#[derive(Debug, Clone)]
pub struct Login {
    /// Server name, for messages.
    pub server: String,
    /// `address:port` on the runner's machine.
    pub address: String,
    /// Account.
    pub user: String,
    /// Password as a secret's marker.
    pub password: Option<String>,
}
/// One SQL connection, owned by a task of its own.
pub struct Session;
/// A result set: every value as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows(pub Vec<Row>);
#[allow(missing_docs)]
impl Rows {
    pub fn value(&self) -> Option<&str> {
        todo!()
    }
}
/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row;
#[allow(missing_docs, clippy::unused_async, unused_variables)]
impl Session {
    pub async fn open(login: Login, secrets: Arc<Secrets>) -> Result<Self> {
        todo!()
    }
    pub fn id(&self) -> u64 {
        todo!()
    }
    pub fn server(&self) -> &str {
        todo!()
    }
    pub fn is_alive(&self) -> bool {
        todo!()
    }
    pub async fn query(&self, sql: &str, limit: Duration) -> Result<Rows> {
        todo!()
    }
    pub async fn exec(&self, sql: &str, limit: Duration) -> Result<u64> {
        todo!()
    }
    pub async fn close(&self) {
        todo!()
    }
}
