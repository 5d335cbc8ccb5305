//! `verify` sends what its plan says and nothing else, when the servers are equal and when they are not.

use crate::bench::Bench;
use crate::verify::{followed, stray, with};
use cutover::domain::marker;
use cutover::domain::product::Family;
use cutover::effects::{AFTER_END, INIT};
use serde_json::json;

/// Whether `text` is `planned` with something put in for every marker.
fn fits(planned: &str, text: &str) -> bool {
    let (mut rest, mut last) = (text, 0);
    for (range, _) in marker::find(planned) {
        let Some(at) = rest.find(&planned[last..range.start]) else { return false };
        if last == 0 && at != 0 {
            return false;
        }
        rest = &rest[at + range.start - last..];
        last = range.end;
    }
    if last == 0 { planned == text } else { rest.ends_with(&planned[last..]) }
}

async fn log(bench: &Bench, server: &str, on: bool) {
    bench.exec(server, "SET GLOBAL log_output = 'TABLE'").await;
    bench.exec(server, &format!("SET GLOBAL general_log = {}", u8::from(on))).await;
}

async fn says_what_was_planned(family: Family) {
    let bench = followed(family).await;
    let step = bench.step("verify", &with(&json!({ "databases": ["kept"] })));
    for server in ["source", "target"] {
        log(&bench, server, true).await;
    }
    step.execute().await.unwrap();
    let change = ["UPDATE kept.plain SET a = 'b' WHERE id = 3", "UPDATE kept.keyless SET a = 9 WHERE a = 2"];
    stray(&bench, &change).await;
    step.execute().await.unwrap_err();
    for server in ["source", "target"] {
        log(&bench, server, false).await;
        let said = "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log \
                    WHERE command_type = 'Query' AND user_host LIKE '%migrate%'";
        let said = bench.sql(server).await.query(said, crate::bench::LOOK).await.unwrap();
        let planned = step.planned(server);
        // the shop has an event of its own
        let ours = ["SET GLOBAL ", "SET SESSION sql_log_bin", change[0], change[1], "INSERT INTO shop.ticks"];
        let mut compared = 0;
        for text in said.iter().filter_map(|row| row.at(0)) {
            if [INIT, AFTER_END, "SELECT VERSION()", bench.source.dialect().identity()].contains(&text)
                || ours.iter().any(|own| text.starts_with(own))
            {
                continue;
            }
            assert!(planned.iter().any(|one| fits(one, text)), "on {server} and not planned: {text}");
            compared += 1;
        }
        assert!(compared > 60, "{compared} statements on {server}");
    }
    assert!(!step.planned("source").iter().any(|one| fits(one, "DROP TABLE kept.plain")));
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_was_planned_on_mariadb() {
    says_what_was_planned(Family::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_was_planned_on_mysql() {
    if !crate::bench::mysql().await {
        return;
    }
    says_what_was_planned(Family::MySql).await;
}
