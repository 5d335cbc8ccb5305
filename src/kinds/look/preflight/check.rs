//! The registry of checks. A new check is one file in `checks/` and one line here.

use super::ask::Ask;
use super::checks;
use super::pair::Pair;
use super::seen::Seen;
use super::verdict::Verdict;
use crate::error::Result;
use crate::kinds::Mark;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// When a check is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Every one.
    Always,
    /// Before data is copied: the target does not replicate yet.
    Copy,
    /// Before a switch to a server that follows the other one already.
    Follow,
}

/// A check.
pub struct Check {
    /// Its name, as in `allow` and in reports.
    pub name: &'static str,
    /// Its worst possible result; a check whose questions cannot be asked counts as that.
    pub worst: Mark,
    /// Whether people may decide that it does not stop them.
    pub can_be_allowed: bool,
    /// Variables that it reads on either server, in lower case.
    pub variables: &'static [&'static str],
    /// When it is made.
    pub occasion: Occasion,
    /// Whether what blocks may be over in a second, such as a session: it is asked again before it is believed.
    pub may_pass: bool,
    /// What it asks besides.
    pub asks: fn(&Pair<'_>) -> Vec<Ask>,
    /// What the answers mean.
    pub judge: fn(&Seen<'_>) -> Result<Verdict>,
}

impl Check {
    /// A check that can block, and that asks nothing but variables.
    pub const fn blocking(name: &'static str, judge: fn(&Seen<'_>) -> Result<Verdict>) -> Self {
        let (worst, occasion) = (Mark::Block, Occasion::Always);
        Self {
            name,
            worst,
            can_be_allowed: true,
            variables: &[],
            occasion,
            may_pass: false,
            asks: |_| Vec::new(),
            judge,
        }
    }
    /// A check that only warns.
    pub const fn warning(name: &'static str, judge: fn(&Seen<'_>) -> Result<Verdict>) -> Self {
        Self { worst: Mark::Warn, can_be_allowed: false, ..Self::blocking(name, judge) }
    }
    /// With variables.
    pub const fn reads(self, variables: &'static [&'static str]) -> Self {
        Self { variables, ..self }
    }
    /// With questions.
    pub const fn asks(self, asks: fn(&Pair<'_>) -> Vec<Ask>) -> Self {
        Self { asks, ..self }
    }
    /// Only at this occasion.
    pub const fn only_before(self, occasion: Occasion) -> Self {
        Self { occasion, ..self }
    }
    /// One that is about a moment.
    pub const fn may_pass(self) -> Self {
        Self { may_pass: true, ..self }
    }
    /// Whether it is made for this pair.
    pub fn applies(&self, pair: &Pair<'_>) -> bool {
        match self.occasion {
            Occasion::Always => true,
            Occasion::Copy => !pair.follows,
            Occasion::Follow => pair.follows,
        }
    }
    /// A check that cannot be allowed away.
    pub const fn firm(self) -> Self {
        Self { can_be_allowed: false, ..self }
    }
}

/// Every check, in the order of a report: whether it can work at all, who may log in, what is replicated, what is moved,
/// where it goes.
pub static CHECKS: &[&Check] = &[
    &checks::direction::CHECK,
    &checks::version_gap::CHECK,
    &checks::way_back::CHECK,
    &checks::way_back_collations::CHECK,
    &checks::server_identity::CHECK,
    &checks::follows::CHECK,
    &checks::privileges::CHECK,
    &checks::replication_login::CHECK,
    &checks::application_login::CHECK,
    &checks::anonymous_accounts::CHECK,
    &checks::auth_plugins::CHECK,
    &checks::other_accounts::CHECK,
    &checks::lost_accounts::CHECK,
    &checks::roles::CHECK,
    &checks::connection_limits::CHECK,
    &checks::read_only_bypass::CHECK,
    &checks::binlog::CHECK,
    &checks::binlog_format::CHECK,
    &checks::row_image::CHECK,
    &checks::binlog_retention::CHECK,
    &checks::binlog_content::CHECK,
    &checks::replication_filters::CHECK,
    &checks::gtid_mode::CHECK,
    &checks::gtid_state::CHECK,
    &checks::source_is_replica::CHECK,
    &checks::binlog_readers::CHECK,
    &checks::replica_safety::CHECK,
    &checks::transaction_read_only::CHECK,
    &checks::join_limit::CHECK,
    &checks::net_timeout::CHECK,
    &checks::prepared_transactions::CHECK,
    &checks::long_statements::CHECK,
    &checks::databases::CHECK,
    &checks::own_databases::CHECK,
    &checks::engines::CHECK,
    &checks::primary_keys::CHECK,
    &checks::definers::CHECK,
    &checks::events::CHECK,
    &checks::collations::CHECK,
    &checks::character_set::CHECK,
    &checks::generated_columns::CHECK,
    &checks::foreign_keys::CHECK,
    &checks::json_columns::CHECK,
    &checks::float_columns::CHECK,
    &checks::float_columns::KEYS,
    &checks::family_objects::CHECK,
    &checks::upgrade::CODE,
    &checks::upgrade::COLUMNS,
    &checks::upgrade::NAMES,
    &checks::upgrade::definitions::CHECK,
    &checks::upgrade::checker::CHECK,
    &checks::system_objects::CHECK,
    &checks::storage::CHECK,
    &checks::history::CHECK,
    &checks::sql_mode::CHECK,
    &checks::variables::CHECK,
    &checks::lost_options::CHECK,
    &checks::table_names::CHECK,
    &checks::packet_size::CHECK,
    &checks::time_zone::CHECK,
    &checks::auto_increment::CHECK,
    &checks::target_empty::CHECK,
    &checks::target_closed::CHECK,
    &checks::persisted_variables::CHECK,
    &checks::replication_password::CHECK,
    &checks::disk_space::CHECK,
    &checks::redo_size::CHECK,
    &checks::files::CHECK,
    &checks::start_command::CHECK,
    &checks::clocks::CHECK,
];

/// The checks that are made for this pair.
pub fn checks_of(pair: &Pair<'_>) -> impl Iterator<Item = &'static Check> {
    let apply = |check: &&Check| check.applies(pair);
    CHECKS.iter().copied().filter(apply)
}

/// The name of a check that may be allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Allowed(pub String);

impl JsonSchema for Allowed {
    fn schema_name() -> Cow<'static, str> {
        "Check".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = CHECKS.iter().filter(|check| check.can_be_allowed).map(|check| check.name).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

#[cfg(test)]
mod tests {
    use super::CHECKS;
    use crate::kinds::Mark;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_only_what_blocks_can_be_allowed() {
        let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), CHECKS.len());
        assert!(CHECKS.iter().all(|check| !check.can_be_allowed || check.worst == Mark::Block));
        let lower = CHECKS.iter().flat_map(|check| check.variables).all(|name| *name == name.to_lowercase());
        assert!(lower, "variables are looked up in lower case");
    }
}
