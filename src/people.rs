//! People: who may start runs and answer what they ask, known by a token each. The file holds hashes only.
//!
//! Knows the file and its words; nothing of runs, pages or commands.

use crate::error::Failure;
use crate::playbook::document::Document;
use crate::playbook::fault::{Fault, Faults};
use crate::playbook::shape::{self, NoNames};
use crate::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The file of people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "cutover people")]
pub struct People {
    /// Version of this format.
    #[schemars(extend("const" = 1))]
    version: u32,
    /// People by name.
    people: BTreeMap<String, Person>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Hash of the person's token, as `cutover token` prints it.
    token: String,
    /// What the person may do.
    #[serde(default = "everything")]
    may: BTreeSet<Right>,
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Start what a schedule names.
    Start,
    /// Answer a step that waits for approval.
    Approve,
}

fn everything() -> BTreeSet<Right> {
    [Right::Start, Right::Approve].into()
}

impl Person {
    /// Whether the person may do this.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.may.contains(&right)
    }
}

impl People {
    /// Reads the file.
    ///
    /// # Errors
    /// All its faults, each at its place.
    pub fn open(path: &Path) -> Result<Self, Faults> {
        Self::read(&Document::open(path)?)
    }

    fn read(document: &Document) -> Result<Self, Faults> {
        let faults = shape::check(&document.root, &schema(), &NoNames, "the file of people");
        if !faults.is_empty() {
            return Err(document.faults(faults));
        }
        serde_json::from_value(document.root.to_json())
            .map_err(|error| document.faults(vec![Fault::whole(format!("cannot read the people: {error}"))]))
    }

    /// A person by name.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.get(name)
    }

    /// Whose token this is, and what that person may do. Hashes are compared, in constant time.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<(&str, &Person)> {
        let hash = blake3::hash(token.as_bytes());
        let is_it = |person: &Person| blake3::Hash::from_hex(&person.token).is_ok_and(|known| known == hash);
        self.people.iter().find(|(_, person)| is_it(person)).map(|(name, person)| (name.as_str(), person))
    }
}

/// A new token: 256 random bits behind a word that tells what it is, to whoever finds it where it should not be.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn new_token() -> Result<String, Failure> {
    Ok(format!("cutover_{}", random::hex(64)?))
}

/// The line of the file of people for `name`; no rights mean all of them.
#[must_use]
pub fn line(name: &str, token: &str, rights: &[Right]) -> String {
    // JSON is YAML, whatever stands in a name
    let name = serde_json::Value::from(name);
    let may = if rights.is_empty() {
        String::new()
    } else {
        format!(", may: {}", serde_json::to_string(rights).unwrap_or_default())
    };
    format!("{name}: {{ token: \"{}\"{may} }}", hash(token))
}

/// What stands in the file for a token. Tokens are 256 random bits, so one round of hashing keeps them.
#[must_use]
pub fn hash(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().to_string()
}

/// The schema of the file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(People).to_value()
}

#[cfg(test)]
mod tests {
    use super::{People, Right, hash, line, new_token};
    use crate::playbook::document::Document;

    #[test]
    fn a_token_names_its_person_and_nobody_else() {
        let text = format!(
            "version: 1\npeople:\n  anna: {{ token: {} }}\n  ola: {{ token: {}, may: [approve] }}\n",
            hash("a"),
            hash("o")
        );
        let people = People::read(&Document::parse("people.yaml", &text).unwrap()).unwrap();
        let (name, ola) = people.by_token("o").unwrap();
        assert!(name == "ola" && ola.may(Right::Approve) && !ola.may(Right::Start));
        assert!(people.by_token("a").unwrap().1.may(Right::Start));
        assert_eq!(people.by_token(&hash("a")), None);
    }

    #[test]
    fn the_line_of_a_new_token_is_one_of_the_file() {
        let (anna, ola) = (new_token().unwrap(), new_token().unwrap());
        assert!(anna != ola && anna.len() == 72 && anna.starts_with("cutover_"));
        let lines = [line("anna", &anna, &[]), line("ola: #1", &ola, &[Right::Start])];
        let text = format!("version: 1\npeople:\n  {}\n", lines.join("\n  "));
        let people = People::read(&Document::parse("people.yaml", &text).unwrap()).unwrap();
        assert!(people.person("anna").unwrap().may(Right::Approve));
        let (name, person) = people.by_token(&ola).unwrap();
        assert!(name == "ola: #1" && person.may(Right::Start) && !person.may(Right::Approve));
        assert!(!text.contains(&anna));
    }

    #[test]
    fn faults_are_said_at_their_place() {
        let document = Document::parse("people.yaml", "version: 1\npeople: { anna: { tokn: x } }\n").unwrap();
        assert!(People::read(&document).unwrap_err().to_string().contains("people.yaml"));
    }
}
