//! The two servers of a migration as the plan knows them. Pure: checks write their questions from this.

use super::ask::Ask;
use crate::dialect::Dialect;
use crate::dialect::pairs::{Direction, direction};
use crate::domain::Words;
use crate::domain::endpoint::Endpoint;
use crate::domain::product::Product;
use crate::playbook::inventory::{Account, Application, Server};
use crate::playbook::through::Through;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Source,
    Target,
}

/// The old server.
pub use Side::Source;
/// The new server.
pub use Side::Target;

/// Whether the old server is to replicate from the new one after the switch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WayBack {
    /// It is: a pair that cannot do it is refused.
    #[default]
    Required,
    /// It is, unless the pair cannot do it.
    IfPossible,
    /// It is not.
    None,
}

impl WayBack {
    /// Whether the steps of the way back run for a pair.
    pub fn is_made(self, source: Product, target: Product) -> bool {
        self != Self::None && !matches!(direction(target, source), Direction::Impossible(_))
    }
}

/// A migration from one server to another.
#[derive(Debug, Clone)]
pub struct Pair<'a> {
    pub source: Place<'a>,
    pub target: Place<'a>,
    /// Databases that move; empty means every user database.
    pub databases: &'a [String],
    pub application: Option<(&'a str, &'a Application)>,
    /// Accounts of the source that may get past `read_only` until the fence.
    pub named: Vec<String>,
    pub through: Option<&'a Through>,
    pub way_back: WayBack,
    pub accept_older_target: bool,
    /// Whether the target follows the source already, so that nothing is copied.
    pub follows: bool,
    /// Whether the target is to read the source's definitions; missing: when it is of another series or family.
    pub try_definitions: Option<bool>,
}

/// A server in the inventory.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    pub name: &'a str,
    pub server: &'a Server,
    pub dialect: Dialect,
    /// Folder on its host for what runs leave there.
    pub work_dir: Words,
    /// Folder for dumps on its host.
    pub dump_dir: Words,
}

impl<'a> Pair<'a> {
    pub fn at(&self, side: Side) -> &Place<'a> {
        match side {
            Source => &self.source,
            Target => &self.target,
        }
    }
    /// The account that the target logs in to the source with.
    pub fn replication(&self) -> Option<&'a Account> {
        self.target.server.replication.as_ref().or(self.source.server.replication.as_ref())
    }
    /// Host parts that the replication account may have, as the step that makes it chooses them: a connection that comes
    /// out of a tunnel arrives from the source's own loopback.
    pub fn replication_hosts(&self, account: &'a Account) -> Vec<&'a str> {
        match (account.host.as_deref(), self.through) {
            (Some(host), _) => vec![host],
            (None, Some(_)) => vec![Endpoint::of(&self.source.server.address).arrives_from()],
            (None, None) => vec!["127.0.0.1", "%"],
        }
    }
    /// Whether the target reads every definition of the source beforehand.
    pub fn tries_definitions(&self) -> bool {
        let series = |place: &Place<'_>| {
            let Product { family, version } = place.dialect.product;
            (family, version.0, version.1)
        };
        self.try_definitions.unwrap_or_else(|| series(&self.source) != series(&self.target))
    }
    /// A statement for each side, in its own dialect.
    pub fn both<S: Into<crate::domain::Sql>>(&self, text: impl Fn(Dialect) -> S) -> Vec<Ask> {
        [Source, Target].map(|side| Ask::sql(side, text(self.at(side).dialect))).into()
    }
}

#[cfg(test)]
mod tests {
    use super::WayBack;
    use crate::domain::product::Product;

    #[test]
    fn a_way_back_is_made_where_it_is_wanted_and_not_known_to_fail() {
        let read = |text| Product::from_version_text(text).unwrap();
        let (old, new) = (read("10.5.23-MariaDB"), read("11.8.9-MariaDB"));
        assert!(WayBack::Required.is_made(old, new) && WayBack::IfPossible.is_made(old, new));
        assert!(!WayBack::None.is_made(old, new));
        let (old, new) = (read("9.7.4"), read("11.8.9-MariaDB"));
        assert!(!WayBack::IfPossible.is_made(old, new), "MySQL stops at the first row event of MariaDB");
    }
}
