//! State of a watch that survives a restart: since when the way back has been broken, and the last notification. One small
//! file beside the journal, replaced as a whole.

use super::verdict::{Look, Verdict};
use crate::domain::folder_of;
use crate::error::{Failure, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The memory of the watch of one run.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    kept: Kept,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// By old server: when its way back was first seen not to apply, in milliseconds since 1970.
    #[serde(default)]
    broken_since: BTreeMap<String, i64>,
    /// By old server: the last notification.
    #[serde(default)]
    told: BTreeMap<String, Verdict>,
}

impl Memory {
    /// The state of the watch of `run`, in the state directory `dir`. An unreadable file counts as missing: the next check
    /// writes it again.
    #[must_use]
    pub fn read(dir: &Path, run: &str) -> Self {
        let path = dir.join("watch").join(format!("{run}.json"));
        let kept = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self { path, kept: kept.unwrap_or_default() }
    }

    /// Adds to a check since when its way back has been broken. A check without an answer does not end that time.
    pub fn complete(&mut self, look: &mut Look) {
        let Some(way_back) = &mut look.way_back else { return };
        match way_back.applies {
            Some(true) => drop(self.kept.broken_since.remove(&look.old)),
            Some(false) => {
                way_back.broken_since = Some(*self.kept.broken_since.entry(look.old.clone()).or_insert(look.at));
            }
            None => way_back.broken_since = self.kept.broken_since.get(&look.old).copied(),
        }
    }

    /// Whether this check must be reported: a new or different problem, or all is well again. The same problem is not reported
    /// twice.
    pub fn is_news(&mut self, look: &Look) -> bool {
        let verdict = look.verdict();
        self.kept.told.insert(look.old.clone(), verdict).unwrap_or(Verdict::Well) != verdict
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the state directory cannot be written.
    pub fn write(&self) -> Result<()> {
        let text = serde_json::to_vec(&self.kept).unwrap_or_default();
        write_whole(&self.path, &text)
            .map_err(|error| Failure::permanent(format!("write {}", self.path.display()), error.to_string()))
    }
}

/// Replaces a file atomically: readers see the complete old or new one.
pub(super) fn write_whole(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644); // the collector of metrics runs under another account
    file.as_file().set_permissions(mode)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::super::verdict::tests::well;
    use super::super::verdict::{Look, WayBack};
    use super::Memory;

    fn broken(at: i64, applies: Option<bool>) -> Look {
        Look { at, way_back: Some(WayBack { applies, ..WayBack::default() }), ..well() }
    }

    fn since(memory: &mut Memory, mut look: Look) -> Option<i64> {
        memory.complete(&mut look);
        memory.write().unwrap();
        look.way_back.unwrap().broken_since
    }

    #[test]
    fn a_way_back_is_broken_since_the_first_bad_look_whatever_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let memory = || Memory::read(dir.path(), "r");
        assert_eq!(since(&mut memory(), broken(1, Some(true))), None);
        assert_eq!(since(&mut memory(), broken(2, Some(false))), Some(2));
        assert_eq!(since(&mut memory(), broken(3, None)), Some(2));
        assert_eq!(since(&mut memory(), broken(4, Some(false))), Some(2));
        assert_eq!(since(&mut memory(), broken(5, Some(true))), None);
        assert_eq!(since(&mut memory(), broken(6, Some(false))), Some(6));
        assert_eq!(since(&mut Memory::read(dir.path(), "other"), broken(7, Some(false))), Some(7));
    }

    #[test]
    fn each_change_is_news_once() {
        let dir = tempfile::tempdir().unwrap();
        let news = |look: &Look| {
            let mut memory = Memory::read(dir.path(), "r");
            let news = memory.is_news(look);
            memory.write().unwrap();
            news
        };
        let (bad, open) = (broken(2, Some(false)), Look { old_closed: Some(false), ..well() });
        let told: Vec<bool> = [&well(), &bad, &bad, &open, &open, &bad, &well(), &well()].map(news).into();
        assert_eq!(told, [false, true, false, true, false, true, true, false]);
        std::fs::write(dir.path().join("watch/r.json"), "{").unwrap();
        assert!(news(&bad), "a damaged file is no memory");
    }
}
