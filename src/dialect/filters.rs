//! What keeps changes out of a binary log, or from being applied: filters, by every name that a server has for them.
//!
//! A filter makes a replica hollow without a word: both threads run, the lag is zero, and rows are missing.

use super::Dialect;
use crate::domain::Sql;
use crate::sql;

/// Filters that are variables (`MariaDB`).
const VARIABLES: [&str; 7] = [
    "replicate_do_db",
    "replicate_ignore_db",
    "replicate_do_table",
    "replicate_ignore_table",
    "replicate_wild_do_table",
    "replicate_wild_ignore_table",
    "replicate_rewrite_db",
];

impl Dialect {
    /// Filters of the appliers beside those that `replica_status` shows: columns `Variable_name` and `Value`, one rule or a
    /// list of rules in a row. `None` where the status shows all there are.
    #[must_use]
    pub fn replication_filters(self) -> Option<Sql> {
        if self.is_mariadb() {
            return Some(self.show_variables(&VARIABLES));
        }
        let part = |table: &'static str| {
            sql!(
                "SELECT FILTER_NAME AS Variable_name, FILTER_RULE AS Value FROM performance_schema.{} \
                 WHERE FILTER_RULE <> ''",
                table
            )
        };
        let tables = ["replication_applier_global_filters", "replication_applier_filters"];
        self.mysql(8, 0, 0).then(|| Sql::join(tables.map(part), " UNION "))
    }
}

/// Which rows of a server are left out, and by what. Pure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters(Vec<Filter>);

/// One filter: its name in small letters, and one of its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Filter {
    name: String,
    rule: String,
}

impl Filters {
    /// Takes in a column or a variable, if it is a filter: anything else is passed over.
    pub fn add(&mut self, name: &str, rules: &str) {
        let name = name.to_ascii_lowercase();
        let is_one = name.starts_with("binlog_do_") || name.starts_with("binlog_ignore_") || is_applied(&name);
        if !is_one {
            return;
        }
        let rules = rules.split(',').map(|rule| rule.trim().to_owned()).filter(|rule| !rule.is_empty());
        for rule in rules.filter(|rule| rule != "0") {
            let one = Filter { name: name.clone(), rule };
            if !self.0.contains(&one) {
                self.0.push(one);
            }
        }
    }

    /// The filter that leaves out a row of `database`, or may: its name and its rules.
    #[must_use]
    pub fn leaves_out(&self, database: &str) -> Option<String> {
        let of = |ending: &str| self.0.iter().filter(|one| one.name.ends_with(ending)).collect::<Vec<_>>();
        let first = |found: Vec<&Filter>| found.first().map(|one| format!("{} ({})", one.name, one.rule));
        let same = |rule: &str| rule.eq_ignore_ascii_case(database);
        let in_table = |rule: &str| rule.split_once('.').is_some_and(|(schema, _)| same(schema));
        let fits = |rule: &str| rule.split_once('.').is_some_and(|(schema, _)| is_like(database, schema));
        let only = of("_do_db");
        if !only.is_empty() && !only.iter().any(|one| same(&one.rule)) {
            return first(only);
        }
        let hit = self.0.iter().find(|one| match one.name.as_str() {
            name if name.ends_with("wild_ignore_table") => fits(&one.rule),
            name if name.ends_with("_ignore_table") => in_table(&one.rule),
            name if name.ends_with("_ignore_db") => same(&one.rule),
            name if name.ends_with("_rewrite_db") => renamed(&one.rule).is_none_or(same),
            name => name.ends_with("_domain_ids") || name.ends_with("_server_ids"),
        });
        if let Some(one) = hit {
            return Some(format!("{} ({})", one.name, one.rule));
        }
        let tables: Vec<&Filter> = of("_do_table");
        let whole = |one: &&Filter| {
            let everything = one.rule.split_once('.').is_some_and(|(_, table)| table == "%");
            one.name.ends_with("wild_do_table") && everything && fits(&one.rule)
        };
        if tables.is_empty() || tables.iter().any(whole) { None } else { first(tables) }
    }
}

fn is_applied(name: &str) -> bool {
    let kinds = ["_db", "_table", "_domain_ids", "_server_ids"];
    name.starts_with("replicate_") && kinds.iter().any(|kind| name.ends_with(kind))
}

/// The database that a rule such as `a->b` or `(a, b)` renames. `None` for what is written otherwise.
fn renamed(rule: &str) -> Option<&str> {
    rule.split_once("->").map(|(from, _)| from.trim())
}

/// Whether `text` fits a pattern with `%` and `_`, which a backslash takes literally; letters in either case.
fn is_like(text: &str, pattern: &str) -> bool {
    fn fits(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|skipped| fits(&text[skipped..], rest)),
            ['_', rest @ ..] => !text.is_empty() && fits(&text[1..], rest),
            ['\\', sign, rest @ ..] | [sign, rest @ ..] => text.first() == Some(sign) && fits(&text[1..], rest),
        }
    }
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    fits(&letters(text), &letters(pattern))
}

#[cfg(test)]
mod tests {
    use super::Filters;

    fn left_out(filters: &[(&str, &str)], database: &str) -> bool {
        let mut all = Filters::default();
        for (name, rules) in filters {
            all.add(name, rules);
        }
        all.leaves_out(database).is_some()
    }

    #[test]
    fn a_filter_is_judged_by_what_it_leaves_out() {
        for (name, rules, out, through) in [
            ("Binlog_Ignore_DB", "app,log", "app", "shop"),
            ("Binlog_Do_DB", "shop", "app", "shop"),
            ("Replicate_Do_DB", "shop,crm", "app", "crm"),
            ("REPLICATE_IGNORE_DB", "app", "APP", "shop"),
            ("Replicate_Ignore_Table", "app.log", "app", "shop"),
            ("Replicate_Do_Table", "shop.a", "shop", ""),
            ("Replicate_Wild_Ignore_Table", "app.%", "app", "apple"),
            ("Replicate_Wild_Ignore_Table", "ap_\\_1.%", "app_1", "appx1"),
            ("Replicate_Wild_Ignore_Table", "%.%", "app", ""),
            ("Replicate_Wild_Do_Table", "sh%.%", "app", "shop"),
            ("Replicate_Wild_Do_Table", "shop.a%", "shop", ""),
            ("replicate_rewrite_db", "app->b", "app", "shop"),
            ("Replicate_Rewrite_DB", "(app", "shop", ""),
            ("Replicate_Ignore_Server_Ids", "7", "shop", ""),
            ("Replicate_Do_Domain_Ids", "1", "shop", ""),
        ] {
            assert!(left_out(&[(name, rules)], out), "{name} {rules}");
            assert!(through.is_empty() || !left_out(&[(name, rules)], through), "{name} {rules}");
        }
        for (name, rules) in [
            ("Replicate_Do_DB", ""),
            ("Replicate_Ignore_Server_Ids", ""),
            ("replicate_annotate_row_events", "ON"),
            ("Replicate_Ignore_Server_Ids", "0"),
        ] {
            assert!(!left_out(&[(name, rules)], "app"), "{name}");
        }
    }
}
