//! The notes of a step that is only checked: empty, and read-only.

use crate::error::{Failure, Result};
use crate::kinds::Memo;
use async_trait::async_trait;
use serde_json::Value;

/// Holds nothing.
pub struct Empty;

#[async_trait]
impl Memo for Empty {
    fn get(&self, _: &str) -> Option<Value> {
        None
    }
    async fn set(&self, key: &str, _: Value) -> Result<()> {
        Err(Failure::permanent(format!("note `{key}`"), "a check must not change anything"))
    }
}
