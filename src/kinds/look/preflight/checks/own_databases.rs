//! The tool keeps its own rows on both servers: databases of those names that belong to others must not be touched.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Pair, Side, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::dialect::OwnDatabase;
use crate::domain::Sql;
use crate::error::Result;

pub const CHECK: Check = Check::blocking("own_databases", judge).firm().asks(|pair| {
    let sides = [Source, Target].into_iter();
    sides.flat_map(|side| OwnDatabase::ALL.map(|database| Ask::sql(side, question(pair, side, database)))).collect()
});

fn question(pair: &Pair<'_>, side: Side, database: OwnDatabase) -> Sql {
    pair.at(side).dialect.foreign_objects(database)
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found = Vec::new();
    for side in [Source, Target] {
        for database in OwnDatabase::ALL {
            let objects = seen.names(side, question(seen.pair, side, database))?;
            if !objects.is_empty() {
                let (server, name) = (seen.name(side), database.name());
                let evidence =
                    format!("`{server}` has a database `{name}` that does not belong to cutover: {}", some(&objects));
                let help = "cutover keeps its own rows in a database of that name: rename your database";
                found.push(Verdict::block(evidence, help));
            }
        }
    }
    Ok(Verdict::worst_of(found, "the database names that cutover uses are free on both servers"))
}
