//! A shell kept open on a host.
use crate::error::Result;
/// A shell kept open on a host.
pub struct Shell;
#[allow(missing_docs, clippy::unused_async, unused_variables)]
impl Shell {
    pub async fn run(&self, script: &str) -> Result<String> {
        todo!()
    }
}
