//! The file of people of a run: recorded with the run, so that a changed or replaced file is noticed when somebody answers.

use super::{People, Person};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// A file of people as it stood at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeopleFile {
    /// Its absolute path.
    pub path: String,
    /// SHA-256 of its bytes, 64 lowercase hex digits, as `sha256sum` prints it.
    pub sha256: String,
    /// The people in it, each with the start of a SHA-256 over the hash of the token and the rights: it shows who was changed,
    /// and is of no use to log in.
    #[serde(default)]
    pub people: BTreeMap<String, String>,
}

impl PeopleFile {
    pub(super) fn new(path: &Path, text: &str, people: &People) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let people = people.people.iter().map(|(name, person)| (name.clone(), mark(person))).collect();
        Self { path: path.display().to_string(), sha256: sha256(text.as_bytes()), people }
    }

    /// Whether it is the same file: the same bytes, at any path.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
    }

    /// The differences of `new`, in words: `ola has another token or other rights; kari is new`.
    #[must_use]
    pub fn changes(&self, new: &Self) -> String {
        let mut words = Vec::new();
        for (name, mark) in &self.people {
            match new.people.get(name) {
                None => words.push(format!("{name} was removed")),
                Some(other) if other != mark => words.push(format!("{name} has another token or other rights")),
                Some(_) => {}
            }
        }
        words.extend(
            new.people.keys().filter(|name| !self.people.contains_key(*name)).map(|name| format!("{name} is new")),
        );
        if words.is_empty() {
            words.push("the people are the same, only other text has changed".to_owned());
        }
        words.join("; ")
    }
}

/// The file in words: `/etc/cutover/people.yaml (sha256 3f9a01c2d4e5f607…)`.
impl std::fmt::Display for PeopleFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (sha256 {}…)", self.path, self.sha256.get(..16).unwrap_or(&self.sha256))
    }
}

fn mark(person: &Person) -> String {
    let rights = serde_json::to_string(&person.may).unwrap_or_default();
    let mut mark = sha256(format!("{} {rights}", person.token).as_bytes());
    mark.truncate(16);
    mark
}

fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::PeopleFile;
    use crate::people::{People, hash};
    use crate::playbook::document::Document;
    use std::path::Path;

    fn file(people: &str) -> PeopleFile {
        let text = format!("version: 1\npeople: {{ {people} }}\n");
        let people = People::read(&Document::parse("people.yaml", &text).unwrap()).unwrap();
        PeopleFile::new(Path::new("/etc/people.yaml"), &text, &people)
    }

    #[test]
    fn what_was_changed_is_said_by_name() {
        let person = |name: &str, token: &str| format!("{name}: {{ token: {} }}", hash(token));
        let old = file(&[person("anna", "a"), person("ola", "o"), person("per", "p")].join(", "));
        let new = file(&[person("anna", "a"), person("ola", "x"), person("kari", "k")].join(", "));
        assert!(!old.is_same(&new) && old.is_same(&old.clone()));
        assert_eq!(old.changes(&new), "ola has another token or other rights; per was removed; kari is new");
        let spaced = file(&[person("anna", "a"), person("ola", "o"), person("per", "p")].join(",  "));
        assert!(old.changes(&spaced).contains("the people are the same"));
        assert!(old.to_string().starts_with("/etc/people.yaml (sha256 "));
    }

    #[test]
    fn the_fingerprint_is_the_one_that_everybody_can_make() {
        assert_eq!(super::sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
