//! The statements of a comparison, in order, with markers for what only the servers know.

use super::Verify;
use super::ground::{ON_REPLICA, ON_SOURCE};
use crate::dialect::Dialect;
use crate::dialect::checksum::{ROW, TABLE};
use crate::dialect::key::{self, KEY, KeyWords};
use crate::domain::marker::late;
use crate::domain::{Sql, Words};
use crate::kinds::support::follow_filters::Followed;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Complaint};
use crate::playbook::world::World;

/// Asks one server; a statement it has no use for is left out.
struct Asked<'a> {
    server: &'a str,
    dialect: Dialect,
}

impl Asked<'_> {
    fn sql(&self, text: impl Into<Sql>) -> Action {
        Action::sql(self.server, text)
    }
    fn all<T: Into<Sql>>(&self, texts: impl IntoIterator<Item = T>) -> Vec<Action> {
        texts.into_iter().map(|text| self.sql(text)).collect()
    }
    /// How everything in `databases` is made.
    fn catalog(&self, databases: &[String], words: bool) -> Vec<Action> {
        let mut actions = self.all(self.dialect.definitions(databases, words));
        actions.push(self.sql(self.dialect.own_privileges()));
        actions.push(self.sql(self.dialect.counters(databases)));
        if let Some(sequences) = self.dialect.sequences(databases) {
            actions.push(self.sql(sequences));
            actions.push(self.sql(self.dialect.sequence_state(None)));
        }
        actions.push(self.sql(self.dialect.tables_with_rows(databases)));
        actions.push(self.sql(self.dialect.table_columns(databases)));
        actions.push(self.sql(self.dialect.unique_keys(databases)));
        actions
    }
}

impl Verify {
    /// Everything the step sends.
    pub(super) fn actions(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        if self.source == self.replica {
            let message = "`source` and `replica` are the same server".to_owned();
            return Err(vec![Complaint::new("replica", message).help("name the replica of `source`")]);
        }
        if world.inventory.server(&self.source).is_none() {
            let message = format!("the inventory has no server `{}` to compare with", self.source);
            return Err(vec![Complaint::new("source", message).help("name the source: `source: NAME`")]);
        }
        let source = Asked { server: &self.source, dialect: dialect(world, &self.source) };
        let replica = Asked { server: &self.replica, dialect: dialect(world, &self.replica) };
        let mut actions = self.point_actions(&source, &replica);
        actions.extend(self.ground_actions(world, &source, &replica));
        actions.extend(self.definition_actions(&source, &replica));
        actions.extend(self.row_actions(&source, &replica));
        Ok(actions)
    }

    fn point_actions(&self, source: &Asked<'_>, replica: &Asked<'_>) -> Vec<Action> {
        let (from, to) = (source.dialect, replica.dialect);
        let (hold, threads) = (from.hold_commits(), self.threads);
        let mut actions =
            vec![Action::note(format!("one control connection and {threads} read connections on each server:"))];
        actions.extend(source.all(from.comparing_session()));
        actions.extend(replica.all(to.comparing_session()));
        actions.extend([source.sql(from.folds_names()), replica.sql(to.folds_names())]);
        actions.extend([replica.sql(to.replica_status()), replica.sql(to.binlog_position())]);
        actions.extend([replica.sql(to.own_log()), source.sql(from.own_log())]);
        actions.push(Action::note("until the replica is close behind:"));
        actions.extend([source.sql(from.binlog_position()), replica.sql(to.replica_status())]);
        actions.push(Action::note("the applier is stopped:"));
        actions.push(replica.sql(to.stop_applier()));
        actions.push(Action::note("commits are blocked for milliseconds; tried again if something prevents it:"));
        actions.extend(from.statements_in_the_way(super::point::LONG_SECONDS).map(|text| source.sql(text)));
        actions.extend(source.all(hold.take.iter().copied()));
        actions.extend([
            source.sql(from.take_snapshot()),
            source.sql(from.binlog_position()),
            source.sql(hold.release),
        ]);
        actions.extend(from.snapshot_position().map(|text| source.sql(text)));
        actions.push(Action::note("the replica is brought to the exact position of the snapshots:"));
        let until = to.start_applier_until(late("file"), late("offset"));
        actions.extend([replica.sql(until), replica.sql(to.replica_status()), replica.sql(to.stop_applier())]);
        actions.extend([replica.sql(to.take_snapshot()), replica.sql(to.replica_status())]);
        actions.push(Action::note("the applier is started again in any case:"));
        actions.extend([replica.sql(to.start_applier()), replica.sql(to.replica_status())]);
        actions
    }

    /// What an attempt before has compared counts only on these grounds.
    fn ground_actions(&self, world: &World, source: &Asked<'_>, replica: &Asked<'_>) -> Vec<Action> {
        let names = |settings: &[(&'static str, &str)]| settings.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let (from, to) = (source.dialect, replica.dialect);
        let mut actions =
            vec![Action::note("after a resume, to find out whether anything but replication may have changed rows:")];
        actions.push(source.sql(from.show_variables(&names(&ON_SOURCE))));
        actions.push(replica.sql(to.show_variables(&names(&ON_REPLICA))));
        actions.extend([source.sql(from.uptime()), replica.sql(to.uptime()), replica.sql(to.read_only())]);
        let followed = Followed { source: &self.source, replica: &self.replica, databases: &self.databases };
        actions.extend(followed.actions(world));
        actions.push(replica.sql(to.own_log()));
        actions.push(replica.sql(to.binary_logs()));
        actions.push(replica.sql(to.binlog_events(late("file"), late("offset"), late("events"))));
        actions
    }

    fn definition_actions(&self, source: &Asked<'_>, replica: &Asked<'_>) -> Vec<Action> {
        let words = source.dialect.same_words(replica.dialect);
        let mut actions =
            vec![Action::note("definitions, twice if they differ; those of the replica once it is close behind:")];
        for asked in [source, replica] {
            for databases in self.spellings() {
                actions.extend(asked.catalog(&databases, words));
            }
        }
        actions
    }

    /// The names of databases as they are given, and as a server spells them that keeps names in small letters.
    fn spellings(&self) -> Vec<Vec<String>> {
        let small = self.databases.iter().map(|name| name.to_lowercase()).collect();
        let mut all = vec![self.databases.clone(), small];
        all.dedup();
        all
    }

    fn row_actions(&self, source: &Asked<'_>, replica: &Asked<'_>) -> Vec<Action> {
        let (from, to) = (source.dialect, replica.dialect);
        let sums = [true, false].map(|unique| from.common_sum(to, unique));
        let (key, row, piece, table) = (KeyWords::late(), Sql::late(ROW), key::late_piece(), Sql::late(TABLE));
        let chunk = self.chunk;
        let mut actions =
            vec![Action::note(format!("each table in chunks of about {chunk}, on both servers at the same time:"))];
        actions.push(source.sql(from.extremes(&table, &Sql::late(KEY))));
        actions.push(source.sql(from.piece_end(&key, &piece, Words::late("rows"))));
        for asked in [source, replica] {
            actions.extend(asked.all(sums.map(|sum| asked.dialect.range_digest(sum, &table, &row, &piece))));
        }
        actions.push(Action::note("the rows of a chunk that differs:"));
        for asked in [source, replica] {
            actions.push(asked.sql(asked.dialect.row_digests(&key, &row, &piece, super::narrow::MOST)));
        }
        let limit = self.max_lag;
        actions.push(Action::note(format!("paused while the replica lags by more than {limit}:")));
        actions.extend([source.sql(from.binlog_position()), replica.sql(to.replica_status())]);
        actions.push(Action::note("refuse if anything differs"));
        actions
    }
}
