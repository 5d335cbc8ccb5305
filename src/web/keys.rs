//! The file of people, read again when it has changed: a removed token is refused at once, without a restart.

use crate::people::{People, PeopleFile};
use crate::playbook::document::{Version, version};
use crate::playbook::fault::Faults;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The people of a file.
pub struct Keys {
    path: PathBuf,
    known: Mutex<(Option<Version>, Known)>,
}

/// The people at one moment.
#[derive(Clone, Default)]
pub(super) struct Known {
    pub people: Arc<People>,
    /// The file that they stand in; an empty one when it cannot be read.
    pub file: Arc<PeopleFile>,
}

impl From<(People, PeopleFile)> for Known {
    fn from((people, file): (People, PeopleFile)) -> Self {
        Self { people: Arc::new(people), file: Arc::new(file) }
    }
}

impl Keys {
    /// Reads the file.
    ///
    /// # Errors
    /// All its faults, with their positions.
    pub fn open(path: PathBuf) -> Result<Self, Faults> {
        let known = (version(&path), People::open(&path)?.into());
        Ok(Self { path, known: Mutex::new(known) })
    }

    /// The people in the file now, and whether they have changed since the last call. A file that cannot be read gives nobody
    /// any right.
    pub(super) fn now(&self) -> (Known, bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let version = version(&self.path);
        if version == known.0 {
            return (known.1.clone(), false);
        }
        let people = People::open(&self.path).map_or_else(
            |faults| {
                tracing::error!(
                    "the file of people is invalid: nobody may act on the page until it is fixed: {faults}"
                );
                Known::default()
            },
            Known::from,
        );
        *known = (version, people);
        (known.1.clone(), true)
    }
}

#[cfg(test)]
mod tests {
    use super::Keys;
    use crate::people::hash;

    #[test]
    fn who_is_taken_out_of_the_file_has_no_right_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.yaml");
        let person = |name: &str| format!("version: 1\npeople: {{ {name}: {{ token: {} }} }}\n", hash("t"));
        std::fs::write(&path, person("anna")).unwrap();
        let keys = Keys::open(path.clone()).unwrap();
        assert!(keys.now().0.people.by_token("t").is_some() && !keys.now().1);
        std::fs::write(&path, person("somebody")).unwrap();
        let (people, changed) = keys.now();
        assert_eq!((people.people.by_token("t").map(|(name, _)| name), changed), (Some("somebody"), true));
        std::fs::write(&path, "no people").unwrap();
        assert!(keys.now().0.people.by_token("t").is_none());
        std::fs::remove_file(&path).unwrap();
        assert!(keys.now().0.people.by_token("t").is_none());
    }
}
