//! The vocabulary of a server: every statement and program name that a step uses, by family and version.
//!
//! Pure text, nothing is sent from here. The very same functions write the plan and feed the connection, so a run
//! executes what was reviewed. May know `playbook::product` and `playbook::marker`.
//!
//! Versions are compared as numbers. A version declared as a series (`8.0`) counts as its first release, and every
//! statement chosen for that release is still understood by the last one of the series.

mod account;
mod catalog;
pub mod checksum;
mod definition;
mod dump;
mod events;
mod fencing;
mod filters;
mod grants;
pub mod key;
pub mod lock;
mod objects;
mod own_database;
mod own_log;
mod past_read_only;
mod plugins;
mod preconditions;
mod replication;
mod session;
mod snapshot;
mod status;
mod variables;

pub use catalog::{Databases, Every, Late};
pub use definition::NOT_SHOWN;
pub use fencing::Fence;
pub use filters::Filters;
pub use grants::GrantTable;
pub use own_database::OwnDatabase;
pub use replication::{ChangeSource, ChannelTls, StartAt};
pub use snapshot::Hold;
pub use status::StatusColumns;
pub use variables::amount;

use crate::playbook::marker;
use crate::playbook::product::{Family, Product, Version};

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

/// `text` as a string literal. Markers stay whole: what they stand for is escaped when it is put in.
#[must_use]
pub fn text_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    let mut last = 0;
    for (range, _) in marker::find(text) {
        out.push_str(&escape(&text[last..range.start]));
        out.push_str(&text[range.clone()]);
        last = range.end;
    }
    out.push_str(&escape(&text[last..]));
    out.push('\'');
    out
}

/// A name in backticks.
#[must_use]
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// An account as `'user'@'host'`.
#[must_use]
pub fn account(user: &str, host: &str) -> String {
    format!("{}@{}", text_literal(user), text_literal(host))
}

/// A table as `` `database`.`name` ``.
#[must_use]
pub fn table(database: &str, name: &str) -> String {
    format!("{}.{}", identifier(database), identifier(name))
}

/// Digits or a marker as they are; anything else as a string, which a server refuses where a number must stand.
fn number(text: &str) -> String {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits || is_marker(text) { text.to_owned() } else { text_literal(text) }
}

/// Whether the whole of `text` is one marker.
fn is_marker(text: &str) -> bool {
    marker::find(text).next().is_some_and(|(range, _)| range == (0..text.len()))
}

/// String literals in a list, for `IN (...)`.
fn literals<S: AsRef<str>>(texts: &[S]) -> String {
    texts.iter().map(|text| text_literal(text.as_ref())).collect::<Vec<_>>().join(", ")
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "''")
}

#[cfg(test)]
mod tests {
    use super::{account, identifier, number, text_literal};

    #[test]
    fn text_is_escaped_and_markers_stay_whole() {
        assert_eq!(text_literal(r"it's a \ b"), r"'it''s a \\ b'");
        assert_eq!(text_literal("‹secret sh -c 'x'›"), "'‹secret sh -c 'x'›'");
        assert_eq!(account("repl", "127.0.0.1"), "'repl'@'127.0.0.1'");
        assert_eq!(identifier("a`b"), "`a``b`");
    }

    #[test]
    fn only_digits_and_markers_stand_bare() {
        assert_eq!(number("1542"), "1542");
        assert_eq!(number("‹steps.dump.position›"), "‹steps.dump.position›");
        assert_eq!(number("1; DROP"), "'1; DROP'");
    }
}
