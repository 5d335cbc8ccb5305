//! Scripts of our own that many commands share. A plan names them where they are used and shows each one once.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};

/// How many letters of a digest are kept.
const LETTERS: usize = 16;

/// A script of our own, by its name. Two are the same when their names and their texts are.
#[derive(Debug, Clone)]
pub struct Ours {
    name: Cow<'static, str>,
    digest: Cow<'static, str>,
    /// Missing in a plan that was read: a plan that runs is always made by this program.
    text: Option<&'static str>,
}

impl Ours {
    /// The script `text`, called `name`.
    #[must_use]
    pub fn new(name: &'static str, text: &'static str) -> Self {
        Self { name: name.into(), digest: digest(text).into(), text: Some(text) }
    }
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The script; `None` when only its name is known.
    #[must_use]
    pub fn text(&self) -> Option<&'static str> {
        self.text
    }
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().chars().take(LETTERS).collect()
}

impl PartialEq for Ours {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.digest) == (&other.name, &other.digest)
    }
}

impl Eq for Ours {}

impl Hash for Ours {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, &self.digest).hash(state);
    }
}

impl Serialize for Ours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.name, &self.digest).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, digest) = <(String, String)>::deserialize(deserializer)?;
        Ok(Self { name: name.into(), digest: digest.into(), text: None })
    }
}
