//! Everything beside the rows: how tables, views and code are defined, and which tables there are to compare.
//!
//! No snapshot covers definitions. They are read on the source first, and on the replica once it has applied all that
//! the source had written by then; a difference counts when it is seen twice.

use super::catalog::{Described, Table, describe};
use super::findings::Findings;
use super::sides::{Side, Sides};
use super::{ATTEMPTED, Verify};
use crate::error::{Failure, Result};
use crate::steps::Ctx;
use std::collections::BTreeMap;
use std::time::Duration;

/// A catalog of a hundred thousand tables takes its time.
const READ: Duration = Duration::from_mins(10);

/// What one server has: details by object.
type Objects = BTreeMap<String, String>;

/// What was read on one server.
struct Known {
    tables: Vec<Described>,
    objects: Objects,
    counters: Objects,
}

impl Verify {
    /// Compares definitions, and returns the tables whose rows can be compared.
    pub(super) async fn definitions(&self, cx: &Ctx<'_>, sides: &Sides, findings: &mut Findings) -> Result<Vec<Table>> {
        let words = sides.source.dialect.same_words(sides.replica.dialect);
        let (mut ours, mut theirs) = self.look(cx, sides, words).await?;
        if ours.objects != theirs.objects {
            (ours, theirs) = self.look(cx, sides, words).await?;
        }
        if !words {
            cx.progress.note("the servers' versions differ: defaults, views and code are not compared");
        }
        let names: Vec<String> = ours.tables.iter().map(Described::full_name).collect();
        if let Some(unmet) = self.scope().unmet(&names).first() {
            return Err(Failure::refused(ATTEMPTED, format!("no table fits `{unmet}`"))
                .at(&self.source)
                .help("write `database.table`, with `*` for anything"));
        }
        for name in ours.objects.keys().chain(theirs.objects.keys().filter(|name| !ours.objects.contains_key(*name))) {
            let (one, other) = (ours.objects.get(name), theirs.objects.get(name));
            if one != other {
                findings.definition(name, one.map(String::as_str), other.map(String::as_str));
            }
        }
        self.lower_counters(cx, &ours.counters, &theirs.counters);
        let dialects = (sides.source.dialect, sides.replica.dialect);
        Ok(self.tables((&ours.tables, &theirs.tables), dialects, findings))
    }

    async fn look(&self, cx: &Ctx<'_>, sides: &Sides, words: bool) -> Result<(Known, Known)> {
        let ours = self.read(&sides.source, words).await?;
        self.close_behind(cx, sides).await?;
        Ok((ours, self.read(&sides.replica, words).await?))
    }

    async fn read(&self, side: &Side, words: bool) -> Result<Known> {
        let mut objects = Objects::new();
        for question in side.dialect.definitions(&self.databases, words) {
            objects.append(&mut self.ask(side, &question).await?);
        }
        if !words {
            for detail in objects.values_mut() {
                *detail = unversioned(detail);
            }
        }
        let counters = self.ask(side, &side.dialect.counters(&self.databases)).await?;
        Ok(Known { tables: describe(side, &self.databases).await?, objects, counters })
    }

    async fn ask(&self, side: &Side, question: &str) -> Result<Objects> {
        let scope = self.scope();
        let mut objects = Objects::new();
        let mut rows = side.control.rows(question, READ);
        let pair = |row: crate::effects::Row<'_>| {
            let wanted = row.get("of_table").map_or(scope.is_everything(), |table| scope.includes(table));
            wanted.then(|| Some((row.get("object")?.to_owned(), row.get("detail").unwrap_or_default().to_owned())))?
        };
        while let Some(row) = rows.next().await? {
            objects.extend(pair(row));
        }
        Ok(objects)
    }

    /// Told and not refused: a rolled back insert raises the counter on the source alone.
    fn lower_counters(&self, cx: &Ctx<'_>, ours: &Objects, theirs: &Objects) {
        let number = |text: &String| text.parse::<u128>().ok();
        let lower = ours.iter().filter(|(name, next)| {
            theirs.get(*name).and_then(number).is_some_and(|theirs| number(next).is_some_and(|next| theirs < next))
        });
        let names: Vec<&str> = lower.map(|(name, _)| name.as_str()).collect();
        if let Some(first) = names.first() {
            cx.progress.note(format!(
                "the next AUTO_INCREMENT value is lower on {} in {} tables ({first} ...): numbers of rows that were \
                 never committed may be given again",
                self.replica,
                names.len()
            ));
        }
    }
}

/// Spelt as every version would: `int(11)` is `int` from `MySQL` 8.0.19 on, `utf8` is `utf8mb3` in newer ones.
fn unversioned(detail: &str) -> String {
    let word = |word: &str| {
        let word = match word.strip_prefix("utf8_") {
            Some(rest) => format!("utf8mb3_{rest}"),
            None if word == "utf8" => "utf8mb3".to_owned(),
            None => word.to_owned(),
        };
        match word.split_once('(') {
            Some((kind, _)) if kind.ends_with("int") => kind.to_owned(),
            _ => word,
        }
    };
    detail.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::unversioned;

    #[test]
    fn versions_spell_the_same_in_different_ways() {
        assert_eq!(unversioned("1 bigint(20) unsigned NOT NULL"), "1 bigint unsigned NOT NULL");
        assert_eq!(unversioned("2 varchar(20) utf8_general_ci NULL"), "2 varchar(20) utf8mb3_general_ci NULL");
        assert_eq!(unversioned("utf8 utf8mb4_bin"), "utf8mb3 utf8mb4_bin");
    }
}
