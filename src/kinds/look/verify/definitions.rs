//! Everything beside the rows: how tables, views and code are defined, and which tables there are to compare.
//!
//! No snapshot covers definitions. They are read on the source first, and on the replica once it has applied all that
//! the source had written by then; a difference counts when it is seen twice.

use super::catalog::{Described, describe, one_name};
use super::findings::Findings;
use super::sequences::{Sequences, behind};
use super::sides::{Side, Sides};
use super::tables::Table;
use super::{ATTEMPTED, Verify};
use crate::dialect::{AnyOf, NOT_SHOWN};
use crate::domain::Sql;
use crate::error::{Failure, Result};
use crate::kinds::support::place::dialect;
use crate::kinds::support::privileges;
use crate::kinds::{Ctx, Needs};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A catalog of a hundred thousand tables takes its time.
const READ: Duration = Duration::from_mins(10);

/// What one server has: details by object.
pub(super) type Objects = BTreeMap<String, String>;

/// What was read on one server.
struct Known {
    tables: Vec<Described>,
    objects: Objects,
    counters: Objects,
    sequences: Sequences,
}

/// What was found beside the rows: the tables to read, and those whose rows another table's rows can change.
pub(super) struct Definitions {
    pub tables: Vec<Table>,
    pub cascades: BTreeSet<String>,
}

impl Verify {
    /// Compares definitions, and returns the tables whose rows can be compared.
    pub(super) async fn definitions(
        &self,
        cx: &Ctx<'_>,
        sides: &Sides,
        findings: &mut Findings,
    ) -> Result<Definitions> {
        let words = sides.source.dialect.same_words(sides.replica.dialect);
        let (mut ours, mut theirs) = self.look(cx, sides, words).await?;
        if ours.objects != theirs.objects || !behind(&ours.sequences, &theirs.sequences).is_empty() {
            (ours, theirs) = self.look(cx, sides, words).await?;
        }
        if !words {
            cx.progress.note("the versions of the servers differ: defaults, views and code are not compared");
        }
        let names: Vec<String> = ours.tables.iter().map(Described::full_name).collect();
        if let Some(unmet) = self.scope().unmet(&names).first() {
            return Err(Failure::refused(ATTEMPTED, format!("no table matches `{unmet}`"))
                .at(&self.source)
                .help("write `database.table`, with `*` as a wildcard"));
        }
        self.all_is_shown(cx, &ours, &theirs).await?;
        for name in ours.objects.keys().chain(theirs.objects.keys().filter(|name| !ours.objects.contains_key(*name))) {
            let (one, other) = (ours.objects.get(name), theirs.objects.get(name));
            if one != other {
                findings.definition(name, one.map(String::as_str), other.map(String::as_str));
            }
        }
        for (name, one, other) in behind(&ours.sequences, &theirs.sequences) {
            findings.behind(&name, &one, &other);
        }
        self.lower_counters(cx, &ours.counters, &theirs.counters);
        let cascades = cascades(&ours.objects);
        Ok(Definitions { tables: self.tables(sides, (&ours.tables, &theirs.tables), findings), cascades })
    }

    /// What an account may not see is no difference, and no agreement either.
    async fn all_is_shown(&self, cx: &Ctx<'_>, ours: &Known, theirs: &Known) -> Result<()> {
        let sides = [(&self.source, ours, theirs), (&self.replica, theirs, ours)];
        for (server, known, other) in sides {
            if let Some((object, _)) = known.objects.iter().find(|(_, detail)| detail.ends_with(NOT_SHOWN)) {
                let privilege = match object.split(' ').next() {
                    Some("view") => "SHOW VIEW",
                    Some("trigger") => "TRIGGER",
                    _ if dialect(cx.world, server).is_mariadb() => "SELECT",
                    _ => "SHOW_ROUTINE",
                };
                return Err(hidden(server, privilege, object));
            }
            let seen_by: [(&str, AnyOf); 2] = [("trigger ", &["TRIGGER"]), ("event ", &["EVENT"])];
            for (kind, privilege) in seen_by {
                let lacks = |name: &&String| name.starts_with(kind) && !known.objects.contains_key(*name);
                let Some(object) = other.objects.keys().find(lacks) else { continue };
                let needs = Vec::from(Needs::on(server, ATTEMPTED).everywhere([privilege]));
                if privileges::require_on(cx, server, &needs, ATTEMPTED).await.is_err() {
                    return Err(hidden(server, privilege[0], object));
                }
            }
        }
        Ok(())
    }

    async fn look(&self, cx: &Ctx<'_>, sides: &Sides, words: bool) -> Result<(Known, Known)> {
        let apart = sides.spell_apart();
        let ours = self.read(&sides.source, words, apart).await?;
        self.close_behind(cx, sides).await?;
        Ok((ours, self.read(&sides.replica, words, apart).await?))
    }

    async fn read(&self, side: &Side, words: bool, apart: bool) -> Result<Known> {
        let databases = &side.spelt(&self.databases);
        let mut objects = Objects::new();
        for question in side.dialect.definitions(databases, words) {
            let views = views(&objects);
            objects.append(&mut self.ask(side, question, apart, &views).await?);
        }
        if !words {
            for detail in objects.values_mut() {
                *detail = unversioned(detail);
            }
        }
        let mut counters = self.ask(side, side.dialect.counters(databases), apart, &BTreeSet::new()).await?;
        let sequences = self.sequences(side, apart).await?;
        objects.extend(sequences.iter().map(|(name, state)| (name.clone(), state.definition.clone())));
        if apart {
            objects = in_small_letters(objects);
            counters = in_small_letters(counters);
        }
        Ok(Known { tables: describe(side, &self.databases).await?, objects, counters, sequences })
    }

    async fn ask(&self, side: &Side, question: Sql, apart: bool, views: &BTreeSet<String>) -> Result<Objects> {
        let scope = self.scope();
        let mut objects = Objects::new();
        let mut rows = side.control.rows(question, READ);
        let pair = |row: crate::effects::Row<'_>| {
            let (table, object) = (row.get("of_table"), row.get("object")?);
            let is_column = object.starts_with("column ") || object.starts_with("default of column ");
            let derived = is_column && table.is_some_and(|table| views.contains(table));
            let wanted = table.map_or(scope.is_everything(), |table| scope.includes_spelt(table, apart));
            (wanted && !derived).then(|| (object.to_owned(), row.get("detail").unwrap_or_default().to_owned()))
        };
        while let Some(row) = rows.next().await? {
            objects.extend(pair(row));
        }
        Ok(objects)
    }

    /// Told and not refused: a rolled back insert raises the counter on the source alone. `promote` raises what is lower.
    fn lower_counters(&self, cx: &Ctx<'_>, ours: &Objects, theirs: &Objects) {
        let number = |text: &String| text.parse::<u128>().ok();
        let lower = ours.iter().filter(|(name, next)| {
            theirs.get(*name).and_then(number).is_some_and(|theirs| number(next).is_some_and(|next| theirs < next))
        });
        let names: Vec<&str> = lower.map(|(name, _)| name.as_str()).collect();
        if let Some(first) = names.first() {
            cx.progress.note(format!(
                "next AUTO_INCREMENT values that are lower on {}: {} ({first} ...); `promote` raises them to those of \
                 the source",
                self.replica,
                names.len()
            ));
        }
    }
}

/// Views among what was read so far. Their columns follow from their definition, and a server that made a view before what it
/// reads was there describes them otherwise.
fn views(objects: &Objects) -> BTreeSet<String> {
    let is_view = |(name, detail): (&String, &String)| {
        name.strip_prefix("table ").filter(|_| detail.starts_with("VIEW")).map(str::to_owned)
    };
    objects.iter().filter_map(is_view).collect()
}

fn hidden(server: &str, privilege: &str, object: &str) -> Failure {
    let answer = format!("the account lacks {privilege}, so it cannot see {object}");
    Failure::refused(ATTEMPTED, answer)
        .at(server)
        .now("no difference is known")
        .help(format!("run GRANT {privilege} ON *.* for it there"))
}

fn in_small_letters(objects: Objects) -> Objects {
    objects.into_iter().map(|(name, detail)| (name.to_lowercase(), detail.to_lowercase())).collect()
}

/// Tables whose rows the server changes by itself when another table's rows change, without a word in the log. Names may
/// hold dots, so every part that could be one counts.
fn cascades(objects: &Objects) -> BTreeSet<String> {
    let rules = objects.iter().filter_map(|(name, detail)| Some((name.strip_prefix("rules of foreign key ")?, detail)));
    let by_itself = rules.filter(|(_, detail)| {
        let detail = detail.to_ascii_uppercase();
        detail.contains("CASCADE") || detail.contains("SET ")
    });
    by_itself.flat_map(|(name, _)| name.match_indices('.').map(|(at, _)| name[..at].to_owned())).collect()
}

/// Spelt as every version would: `int(11)` is `int` and `year(4)` is `year` from `MySQL` 8.0.19 on, `utf8` is `utf8mb3` in
/// newer ones, and a foreign key without a rule says `RESTRICT` or `NO ACTION`, which `InnoDB` does not tell apart.
fn unversioned(detail: &str) -> String {
    let word = |word: &str| {
        let word = one_name(word);
        match word.split_once('(') {
            Some((kind, _)) if kind.ends_with("int") || kind == "year" => kind.to_owned(),
            _ => word,
        }
    };
    detail.replace("NO ACTION", "RESTRICT").split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Objects, cascades, unversioned};

    #[test]
    fn tables_that_change_by_themselves_are_known() {
        let rule = |name: &str, detail: &str| (format!("rules of foreign key {name}"), detail.to_owned());
        let objects = Objects::from([
            rule("a.child.fk", "update CASCADE, delete RESTRICT"),
            rule("a.plain.fk", "update RESTRICT, delete NO ACTION"),
            rule("a.odd.name.fk", "update RESTRICT, delete SET NULL"),
        ]);
        let found = cascades(&objects);
        assert!(found.contains("a.child") && found.contains("a.odd.name") && !found.contains("a.plain"), "{found:?}");
    }

    #[test]
    fn versions_spell_the_same_in_different_ways() {
        assert_eq!(unversioned("1 bigint(20) unsigned NOT NULL"), "1 bigint unsigned NOT NULL");
        assert_eq!(unversioned("2 varchar(20) utf8_general_ci NULL"), "2 varchar(20) utf8mb3_general_ci NULL");
        assert_eq!(unversioned("utf8 utf8mb4_bin"), "utf8mb3 utf8mb4_bin");
        assert_eq!(unversioned("3 year(4) NULL"), "3 year NULL");
        assert_eq!(unversioned("update NO ACTION, delete CASCADE"), "update RESTRICT, delete CASCADE");
    }
}
