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
    /// Reads `SELECT VERSION()`: `MariaDB` is named in the text, behind `5.5.5-` before 11.0 on some paths.
    ///
    /// # Errors
    /// When no number can be found in it.
    pub fn from_version_text(text: &str) -> Result<Self, String> {
        let plain = text.strip_prefix("5.5.5-").unwrap_or(text);
        let family = if text.to_ascii_lowercase().contains("mariadb") { Family::MariaDb } else { Family::MySql };
        Ok(Self { family, version: plain.parse()? })
    }
}

/// The first number of `MariaDB`'s versions is among these; `MySQL` has lower ones, and from 26 on the year.
const MARIADB: std::ops::Range<u16> = 10..20;

/// A version as people name it, `10.5`, `mysql-8.4` or `mariadb-11.8.9`: of the family that stands before it, or else of the
/// one that has such a number.
impl FromStr for Product {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let families = [("mariadb-", Family::MariaDb), ("mysql-", Family::MySql)];
        let named = families.into_iter().find_map(|(name, family)| Some((Some(family), lower.strip_prefix(name)?)));
        let (family, number) = named.unwrap_or((None, &lower));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|sign| sign.is_ascii_digit());
        let parts = number.split('.').count();
        if !(2..=3).contains(&parts) || !number.split('.').all(is_number) {
            return Err(format!("`{text}` is not a version such as `10.11` or `mysql-8.4`"));
        }
        let version: Version = number.parse()?;
        let by_number = if MARIADB.contains(&version.0) { Family::MariaDb } else { Family::MySql };
        Ok(Self { family: family.unwrap_or(by_number), version })
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
    fn a_version_tells_its_family_where_nobody_names_it() {
        for (text, shown) in [
            ("10.5", "MariaDB 10.5"),
            ("mariadb-10.11", "MariaDB 10.11"),
            ("8.4.3", "MySQL 8.4.3"),
            ("MySQL-9.7", "MySQL 9.7"),
            ("26.7", "MySQL 26.7"), // numbered by the year from there on
            ("mysql-10.5", "MySQL 10.5"),
        ] {
            assert_eq!(text.parse::<Product>().unwrap().to_string(), shown);
        }
        for text in
            ["", "10", "10.", ".5", "+10.5", "mariadb-", "mariadb10.5", "10.11.4.1", "10.99999", "postgres-15.1"]
        {
            assert!(text.parse::<Product>().is_err(), "{text}");
        }
    }

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
