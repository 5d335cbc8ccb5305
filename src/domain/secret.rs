//! Secrets are references: the name of an environment variable, a file, or a command that prints it. A literal is
//! refused by the shape of the document itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a secret comes from. Relative paths start at the inventory's folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[schemars(extend(
    "x-secret" = true,
    "x-expected" = "a reference to a secret: { env: NAME }, { file: PATH } or { command: [PROGRAM, ARGUMENT] }"
))]
pub enum SecretRef {
    /// An environment variable of the runner.
    Env(
        /// Name of the variable.
        #[schemars(extend("format" = "variable"))]
        String,
    ),
    /// A file on the runner's machine; a trailing newline is cut off.
    File(
        /// Path, relative to the inventory's folder.
        String,
    ),
    /// A program on the runner's machine that prints the secret, with its arguments.
    Command(
        /// Program and arguments.
        Vec<String>,
    ),
}

impl SecretRef {
    /// Its name in plans and errors: `SOURCE_PASSWORD`, `secrets/target`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Env(name) => name.clone(),
            Self::File(path) => path.clone(),
            Self::Command(argv) => shell_words::join(argv),
        }
    }
    /// The marker that stands for it: `‹secret SOURCE_PASSWORD›`.
    #[must_use]
    pub fn marker(&self) -> String {
        crate::domain::marker::secret(&self.label())
    }
}
