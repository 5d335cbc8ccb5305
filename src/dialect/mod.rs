//! The vocabulary of a server: every statement and program name that a step uses, by family and version.
//!
//! Pure text, nothing is sent from here. The very same functions write the plan and feed the connection, so a run
//! executes what was reviewed. May know `domain::product` and `playbook::marker`.
//!
//! Versions are compared as numbers. A version declared as a series (`8.0`) counts as its first release, and every
//! statement chosen for that release is still understood by the last one of the series.

mod account;
mod catalog;
pub mod checksum;
pub mod clone;
mod definition;
mod dump;
mod events;
mod fencing;
mod filters;
mod grants;
pub mod key;
pub mod lock;
mod mydumper;
mod objects;
mod own_database;
mod own_log;
pub mod pairs;
mod parse;
mod past_read_only;
mod plugins;
mod preconditions;
mod privileges;
mod replication;
mod session;
mod snapshot;
mod status;
mod upgrade;
mod variables;

pub use account::OPTION_PREVENTS;
pub use catalog::{Databases, Every, Late};
pub use definition::NOT_SHOWN;
pub use dump::{Gtid, client_ca};
pub use fencing::Fence;
pub use filters::Filters;
pub use grants::GrantTable;
pub use own_database::OwnDatabase;
pub use parse::{Defined, Parsed};
pub use plugins::LOGIN_PLUGIN;
pub use privileges::{AnyOf, GRANT_OPTION};
pub use replication::{ChangeSource, ChannelTls, StartAt};
pub use snapshot::Hold;
pub use status::StatusColumns;
pub use variables::amount;

use crate::domain::product::{Family, Product, Version};

/// Writes statements for one server program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The program it writes for.
    pub product: Product,
}

impl From<Product> for Dialect {
    fn from(product: Product) -> Self {
        Self { product }
    }
}

impl Dialect {
    /// Whether it writes for `MariaDB`.
    #[must_use]
    pub fn is_mariadb(self) -> bool {
        self.product.family == Family::MariaDb
    }

    /// Whether it writes for a `MySQL` of at least this version; never true of `MariaDB`.
    fn mysql(self, major: u16, minor: u16, patch: u16) -> bool {
        self.product.family == Family::MySql && self.product.version >= Version(major, minor, patch)
    }

    /// Whether it writes for a `MariaDB` of at least this version; never true of `MySQL`.
    fn mariadb(self, major: u16, minor: u16, patch: u16) -> bool {
        self.is_mariadb() && self.product.version >= Version(major, minor, patch)
    }

    /// Whether it writes for this series of `MySQL` and no release is named; only releases for general use count then.
    fn is_series(self, major: u16, minor: u16) -> bool {
        self.product.family == Family::MySql && self.product.version == Version(major, minor, 0)
    }
}
