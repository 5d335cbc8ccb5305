//! What would fail late is named before anything moves: some fifty broken preconditions of a swap, many at a time on one
//! pair of servers, each found by the look that `cutover preflight` and `run` share; and that look changes nothing.

mod rows;
mod world;

use crate::bench::{Bench, mysql};
use cutover::domain::product::Family::{self, MariaDb, MySql};
use rows::{Row, Spoil, rows};
use world::{Look, fingerprint};

/// Spoils everything of one group, looks, and puts it all back.
async fn group(bench: &Bench, rows: &[Row], missed: &mut Vec<String>) {
    let mut look = Look::at(bench);
    for row in rows {
        match &row.spoil {
            Spoil::Sql { on, by, .. } => {
                for statement in *by {
                    bench.exec(on, statement).await;
                }
            }
            Spoil::Plan(change) => change(&mut look, bench.folder.path()),
        }
    }
    let before = fingerprint(bench).await;
    let found = look.blocks(bench).await;
    let after = fingerprint(bench).await;
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let changed: Vec<&String> = names.filter(|name| before.get(*name) != after.get(*name)).collect();
    assert_eq!(changed, [""; 0], "a look has changed something");
    for Row { name, words, .. } in rows {
        if !found.iter().any(|one| one.starts_with(&format!("{name}: ")) && one.contains(words)) {
            missed.push(format!("{name}: {words}"));
        }
    }
    if rows.is_empty() {
        assert_eq!(found, [""; 0], "a false alarm");
    }
    for Row { spoil, .. } in rows {
        if let Spoil::Sql { on, back, .. } = spoil {
            for statement in *back {
                bench.exec(on, statement).await;
            }
        }
    }
    assert!(missed.is_empty(), "not named: {missed:#?}\namong {found:#?}");
}

async fn all(family: Family) -> usize {
    let bench = Bench::of(family).await;
    world::give_programs(&bench);
    cutover::rehearsal::shop::prepare(&*bench.sql("source").await, 20).await.unwrap();
    bench.exec("source", "SET GLOBAL event_scheduler = OFF").await; // the shop has an event that writes
    for statement in
        ["CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden'", "GRANT SELECT ON shop.* TO shop@'127.0.0.1'"]
    {
        bench.exec("source", statement).await;
    }
    let (mut missed, mut played) = (Vec::new(), 0);
    group(&bench, &[], &mut missed).await;
    for rows in rows(family) {
        played += rows.len();
        group(&bench, &rows, &mut missed).await;
    }
    played
}

#[tokio::test]
async fn each_broken_precondition_is_named_and_nothing_is_changed() {
    let played = all(MariaDb).await;
    assert!(played >= 40, "{played}");
}

#[tokio::test]
async fn those_of_mysql_are_named_as_well() {
    if mysql().await {
        let played = all(MySql).await;
        assert!(played >= 20, "{played}");
    }
}
