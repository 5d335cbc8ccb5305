//! The identity of a PostgreSQL server: its cluster, and its timeline, which counts promotions. An outdated primary that is
//! started again accepts writes like any other, so a process that has seen a newer timeline refuses the older one.

use crate::store::trouble::Trouble;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The identity that a server reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cluster {
    /// Made with the cluster, and the same on each of its standbys.
    pub(super) system: i64,
    /// Increased by every promotion.
    pub(super) timeline: u32,
}

/// Asks a server that is not a standby. The name of the log file gives the timeline, because the control file is out of date
/// until the first checkpoint after a promotion.
pub(super) const WHICH: &str = "SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()), \
    CASE WHEN pg_is_in_recovery() THEN NULL ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END";

/// The newest cluster that this machine has seen under an address, kept in a file for its next processes.
#[derive(Debug)]
pub(super) struct Seen {
    file: PathBuf,
    newest: Option<Cluster>,
}

impl Seen {
    /// The content of the file in `folder`. An unreadable file counts as missing.
    pub(super) fn in_folder(folder: &Path) -> Self {
        let file = folder.join("store.json");
        let newest = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self { file, newest }
    }

    /// Checks whether `found` may be used, and remembers it.
    pub(super) fn admit(&mut self, found: Cluster) -> Result<(), Trouble> {
        match self.newest {
            Some(seen) if seen.system != found.system => {
                Err(Trouble::OtherCluster { seen: seen.system, found: found.system })
            }
            Some(seen) if seen.timeline > found.timeline => {
                Err(Trouble::OldTimeline { seen: seen.timeline, found: found.timeline })
            }
            Some(seen) if seen == found => Ok(()),
            _ => {
                self.newest = Some(found);
                self.write(found);
                Ok(())
            }
        }
    }

    pub(super) fn newest(&self) -> Option<Cluster> {
        self.newest
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The memory of this process is enough while it runs: a read-only folder is not a reason to stop.
    fn write(&self, found: Cluster) {
        let folder = crate::domain::folder_of(&self.file);
        let write = || {
            std::fs::create_dir_all(folder)?;
            let made = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(made.as_file(), &found)?;
            made.persist(&self.file).map_err(|lost| lost.error)
        };
        if let Err(error) = write() {
            tracing::warn!("{} cannot be written: {error}", self.file.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cluster, Seen};

    #[test]
    fn an_older_timeline_and_another_cluster_are_refused_by_later_processes_too() {
        let dir = tempfile::tempdir().unwrap();
        let cluster = |system, timeline| Cluster { system, timeline };
        let seen = || Seen::in_folder(&dir.path().join("new"));
        seen().admit(cluster(7, 1)).unwrap();
        let mut later = seen();
        later.admit(cluster(7, 3)).unwrap();
        later.admit(cluster(7, 3)).unwrap();
        for refused in [cluster(7, 2), cluster(8, 9)] {
            assert!(later.admit(refused).is_err() && seen().admit(refused).is_err());
        }
    }
}
