//! Machines and their facts.

use crate::domain::Words;
use crate::domain::units::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A machine. Without `ssh` it is the runner's own machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Host {
    /// How to reach it: `user@address`, `ssh://user@address:port`, or an alias of your ssh configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "ssh-destination"))]
    pub ssh: Option<String>,
    /// The ssh configuration file, on the runner's machine, to reach it with. Default: yours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub ssh_config: Option<String>,
    /// The ssh configuration file, on this host, that it reaches other hosts with (for tunnels). Default: its user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub peer_ssh_config: Option<String>,
    /// Country or region of the machine: for the report, and for `policy.regions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Facts about the machine; read at run time if missing (`cutover facts` prints them).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// Variables of the runner's environment that programs on this host get, besides those of a login (`PATH`, `HOME`,
    /// `LANG`, `SSH_AUTH_SOCK` ...). Only for the runner's own machine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("examples" = [["AWS_PROFILE"]]))]
    pub pass_env: Vec<String>,
    /// Folder on this host for the files of runs: job logs, option files, leases. It is created with mode 0700. This
    /// folder and every folder above it must belong to root or to the account that cutover uses there, and nobody else
    /// may write to them.
    #[schemars(extend("examples" = ["/var/lib/cutover"]))]
    pub work_dir: WorkDir,
    /// Folder on this host for dumps, which need disk space, with the same rules. Default: `work_dir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["/srv/dumps"]))]
    pub dump_dir: Option<WorkDir>,
}

/// A folder of cutover on a host: absolute, or `~/…` below the home folder of the account that cutover uses there.
/// Default: `~/.cutover`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct WorkDir(#[schemars(extend("format" = "host-folder"))] pub String);

impl Default for WorkDir {
    fn default() -> Self {
        Self("~/.cutover".into())
    }
}

impl WorkDir {
    /// As a path on its host.
    #[must_use]
    pub fn place(&self) -> Words {
        Words::folder(self.0.trim_end_matches('/'))
    }
}

/// Facts about a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Memory for the database server.
    pub memory: Bytes,
    /// Processors for the database server.
    pub cpus: u32,
}

impl Host {
    /// Where dumps are kept.
    #[must_use]
    pub fn dumps(&self) -> &WorkDir {
        self.dump_dir.as_ref().unwrap_or(&self.work_dir)
    }
    /// Whether commands run on the runner's own machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.ssh.is_none()
    }
}
