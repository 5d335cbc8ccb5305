//! The process that holds the connection to a host: started by us, so that we choose its environment.

use super::super::environment::hide_secrets;
use openssh::Session;
use openssh_mux_client::shutdown_mux_master;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::process::Command;

/// Begin of the folder's name that holds a master's socket and log.
const PREFIX: &str = ".ssh-connection";

/// An open master. When this is dropped it takes no more, and ends once nothing runs over it.
#[derive(Debug)]
pub(in crate::effects::host) struct Master {
    /// The session that programs run over.
    pub session: Arc<Session>,
    folder: TempDir,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum NotOpen {
    /// `ssh` did not run.
    NotRun(io::Error),
    /// Its message.
    Refused(String),
}

impl Master {
    /// Opens one by `ssh`, whose destination and options are given; its socket lies in `folder`.
    pub(super) async fn open(mut ssh: Command, idle_seconds: u32, folder: &Path) -> Result<Self, NotOpen> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(folder).map_err(NotOpen::NotRun)?;
        let (socket, log) = (folder.path().join("master"), folder.path().join("log"));
        ssh.arg("-E").arg(&log).arg("-S").arg(&socket).args(["-M", "-f", "-N"]);
        ssh.arg("-o").arg(format!("ControlPersist={idle_seconds}s"));
        ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        hide_secrets(ssh.as_std_mut());
        // it goes into the background once it is logged in, so its end is the news
        let status = ssh.status().await.map_err(NotOpen::NotRun)?;
        if !status.success() {
            let said = std::fs::read(&log).map_err(NotOpen::NotRun)?;
            return Err(NotOpen::Refused(String::from_utf8_lossy(&said).into_owned()));
        }
        let session = Arc::new(Session::resume_mux(socket.into(), Some(log.into())));
        Ok(Self { session, folder })
    }

    /// Where it listens.
    pub fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("master")
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let _ = shutdown_mux_master(self.socket()); // one that is gone needs no message
    }
}
