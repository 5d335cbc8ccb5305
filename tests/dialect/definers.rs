//! Whose a session is while it is inside of code that somebody else has defined.

use crate::{Bench, mariadb, run};
use cutover::domain::Sql;
use cutover::effects::{Session, past_read_only};
use cutover::rehearsal::server::Server;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);
const SETUP: [&str; 6] = [
    "CREATE DATABASE jobs",
    "CREATE USER keeper@'127.0.0.1' IDENTIFIED BY 'it''s\\\\geheim'",
    "GRANT READ_ONLY ADMIN, EXECUTE ON *.* TO keeper@'127.0.0.1'",
    "CREATE DEFINER = keeper@'127.0.0.1' PROCEDURE jobs.nap() DO SLEEP(0.2)",
    "CREATE USER clerk@'127.0.0.1' IDENTIFIED BY 'it''s\\\\geheim'",
    "GRANT EXECUTE ON jobs.* TO clerk@'127.0.0.1'",
];

async fn sessions_of_keeper(session: &Session, for_long: bool) -> usize {
    let d = mariadb("10.11");
    let found = if for_long {
        past_read_only::look_for_long(session, d, |one| one.account.user == "keeper").await.unwrap()
    } else {
        past_read_only::look(session, d).await.unwrap()
    };
    found.iter().find(|one| one.account.user == "keeper").unwrap().sessions.len()
}

#[tokio::test]
async fn a_session_inside_of_an_administrators_code_is_not_taken_for_him() {
    let bench = Bench::new().await;
    let tool = bench.session(&bench.source, Server::ACCOUNT).await;
    run(&tool, SETUP.map(Sql::verbatim)).await;
    let clerk = bench.session(&bench.source, "clerk").await;
    let work = tokio::spawn(async move {
        loop {
            clerk.query("CALL jobs.nap()", LONG).await.unwrap();
            clerk.query("DO SLEEP(0.1)", LONG).await.unwrap();
        }
    });
    // what the server shows: the clerk's session, under the keeper's name
    while sessions_of_keeper(&tool, false).await == 0 {
        assert!(!work.is_finished());
    }
    assert_eq!(sessions_of_keeper(&tool, true).await, 0);

    let _keeper = bench.session(&bench.source, "keeper").await;
    assert_eq!(sessions_of_keeper(&tool, true).await, 1);
    work.abort();
}
