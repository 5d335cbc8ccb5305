//! People: who may start runs and answer what they ask, known by a token each. The file holds hashes only.
//!
//! Knows only the file and its format; nothing of runs, pages or commands.

mod file;

pub use file::PeopleFile;

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
    /// Start rehearsals and schedules.
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
    /// Reads the file, and its path and hash.
    ///
    /// # Errors
    /// All its faults, with their positions.
    pub fn open(path: &Path) -> Result<(Self, PeopleFile), Faults> {
        let document = Document::open(path)?;
        let people = Self::read(&document)?;
        let file = PeopleFile::new(path, &document.text, &people);
        Ok((people, file))
    }

    fn read(document: &Document) -> Result<Self, Faults> {
        let faults = shape::check(&document.root, &schema(), &NoNames, "the file of people");
        if !faults.is_empty() {
            return Err(document.faults(faults));
        }
        let people: Self = serde_json::from_value(document.root.to_json())
            .map_err(|error| document.faults(vec![Fault::whole(format!("cannot read the people: {error}"))]))?;
        let faults = people.doubles();
        if faults.is_empty() { Ok(people) } else { Err(document.faults(faults)) }
    }

    /// Names and tokens by which one person could pass for two, or for another person: two approvals must come from two people.
    fn doubles(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        let mut tokens: BTreeMap<String, &str> = BTreeMap::new();
        for (name, person) in &self.people {
            if name.trim() != name || name.is_empty() || name.chars().any(char::is_control) || is_process(name) {
                faults.push(
                    Fault::whole(format!("{name:?} is not a valid name for a person"))
                        .help("a name must not start or end with a space, nor look like a process"),
                );
            }
            if let Some(other) = names.insert(name.to_lowercase(), name) {
                faults.push(Fault::whole(format!("{other} and {name} differ only in upper and lower case")));
            }
            if let Some(other) = tokens.insert(person.token.to_lowercase(), name) {
                let fault = Fault::whole(format!("{other} and {name} have the same token"));
                faults.push(
                    fault.help("create one for each with `cutover token NAME`: people are identified by their tokens"),
                );
            }
        }
        faults
    }

    /// A person by name.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.get(name)
    }

    /// The person with this token, and that person's rights. Hashes are compared, in constant time.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<(&str, &Person)> {
        let hash = blake3::hash(token.as_bytes());
        let is_it = |person: &Person| blake3::Hash::from_hex(&person.token).is_ok_and(|known| known == hash);
        self.people.iter().find(|(_, person)| is_it(person)).map(|(name, person)| (name.as_str(), person))
    }
}

/// Whether a reader of the journal would take the name for an account and a process: the rest after these words is cut off.
fn is_process(name: &str) -> bool {
    [", process ", " (uid "].iter().any(|word| name.contains(word))
}

/// A new token: 256 random bits after a prefix, so that scanners and people who find a leaked token recognise it.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn new_token() -> Result<String, Failure> {
    Ok(format!("cutover_{}", random::hex(64)?))
}

/// The line of the file of people for `name`; no rights mean all of them.
#[must_use]
pub fn line(name: &str, token: &str, rights: &[Right]) -> String {
    // JSON is YAML, whatever a name contains
    let name = serde_json::Value::from(name);
    let may = if rights.is_empty() {
        String::new()
    } else {
        format!(", may: {}", serde_json::to_string(rights).unwrap_or_default())
    };
    format!("{name}: {{ token: \"{}\"{may} }}", hash(token))
}

/// The hash of a token, as the file holds it. Tokens are 256 random bits, so one round of hashing is enough.
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
    fn nobody_passes_for_two() {
        let read = |people: &str| {
            let text = format!("version: 1\npeople: {{ {people} }}\n");
            People::read(&Document::parse("people.yaml", &text).unwrap()).map_err(|faults| format!("{faults:?}"))
        };
        let (a, b) = (hash("a"), hash("b"));
        for (people, words) in [
            (format!("anna: {{ token: {a} }}, ola: {{ token: {a} }}"), "anna and ola have the same token"),
            (format!("Anna: {{ token: {a} }}, anna: {{ token: {b} }}"), "differ only in upper and lower case"),
            (format!("'anna, process 2': {{ token: {a} }}"), "not a valid name for a person"),
            (format!("'anna ': {{ token: {a} }}"), "not a valid name for a person"),
        ] {
            let said = read(&people).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
        assert!(read(&format!("anna: {{ token: {a} }}, ola: {{ token: {b} }}")).is_ok());
    }

    #[test]
    fn faults_are_said_at_their_place() {
        let document = Document::parse("people.yaml", "version: 1\npeople: { anna: { tokn: x } }\n").unwrap();
        assert!(People::read(&document).unwrap_err().to_string().contains("people.yaml"));
    }
}
