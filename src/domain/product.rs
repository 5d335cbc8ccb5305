//! Which server program this is: family and version. Compared as numbers, never as "major <= 9", because `MySQL`
//! numbering turns calendar style after 9.7.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The two families; Percona Server counts as `mysql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// `MariaDB` Server.
    #[strum(to_string = "MariaDB")]
    MariaDb,
    /// `MySQL` Server and Percona Server.
    #[strum(to_string = "MySQL")]
    MySql,
}

/// A version as three numbers; missing ones are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u16, pub u16, pub u16);

impl FromStr for Version {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or("");
        let mut parts = numbers.split('.').filter(|part| !part.is_empty()).map(str::parse::<u16>);
        let mut next = || parts.next().transpose().map_err(|_| format!("`{text}` is not a version such as `10.11`"));
        let first = next()?.ok_or_else(|| format!("`{text}` is not a version such as `10.11`"))?;
        Ok(Self(first, next()?.unwrap_or(0), next()?.unwrap_or(0)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)?;
        if self.2 > 0 { write!(f, ".{}", self.2) } else { Ok(()) }
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Version {
    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "version-text", "examples": ["10.11", "8.4"] })
    }
}

/// Family and version together: what a dialect is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// The family.
    pub family: Family,
    /// The version.
    pub version: Version,
}

impl Product {
    /// Reads `SELECT VERSION()`: `MariaDB` says so in the text, behind `5.5.5-` before 11.0 on some paths.
    ///
    /// # Errors
    /// When no number can be found in it.
    pub fn from_version_text(text: &str) -> Result<Self, String> {
        let plain = text.strip_prefix("5.5.5-").unwrap_or(text);
        let family = if text.to_ascii_lowercase().contains("mariadb") { Family::MariaDb } else { Family::MySql };
        Ok(Self { family, version: plain.parse()? })
    }
}

impl Default for Product {
    /// What statements are written for when an inventory declares nothing: the oldest supported `MariaDB`.
    fn default() -> Self {
        Self { family: Family::MariaDb, version: Version(10, 6, 0) }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::{Family, Product, Version};

    #[test]
    fn reads_version_texts_of_both_families() {
        for (text, family, version) in [
            ("10.11.19-MariaDB-0+deb12u1-log", Family::MariaDb, Version(10, 11, 19)),
            ("5.5.5-10.6.21-MariaDB", Family::MariaDb, Version(10, 6, 21)),
            ("9.7.4", Family::MySql, Version(9, 7, 4)),
            ("8.0.36-28", Family::MySql, Version(8, 0, 36)),
        ] {
            assert_eq!(Product::from_version_text(text).unwrap(), Product { family, version });
        }
        assert!("ten".parse::<Version>().is_err());
        assert!(Version(26, 7, 0) > Version(9, 7, 0));
    }
}
