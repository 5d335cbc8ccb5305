//! A login.

use crate::domain::secret::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A login.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Host part of the account, as the server sees the connection arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Password.
    pub password: SecretRef,
}
