//! What must be set first on a server that has started with another one's files: its replication, its GTID state, and
//! that it is closed.

use crate::dialect::Dialect;
use crate::domain::Words;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::answer::value;
use crate::kinds::support::option_file;
use crate::kinds::support::place::dialect;
use crate::kinds::support::server_state;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;

/// Variables that are read back.
const CLOSED: [&str; 3] = ["read_only", "event_scheduler", "server_id"];
/// The option that names the file of statements for a start.
const INIT_FILE: &str = "init_file";
/// As MySQL names its own number.
const OWN_UUID: &str = "SELECT @@GLOBAL.server_uuid";

/// Lines of the target's file for its first start with the copy: nothing runs there and nobody writes, from the first second.
pub fn lines(dialect: Dialect, login_file: &str) -> Vec<(&'static str, String)> {
    let mut lines =
        vec![(INIT_FILE, login_file.to_owned()), ("read_only", "ON".to_owned()), ("event_scheduler", "OFF".to_owned())];
    if dialect.is_mariadb() {
        lines.push(("skip_slave_start", "ON".to_owned()));
    } else {
        lines.push(("skip_replica_start", "ON".to_owned()));
    }
    lines
}

/// `text` without the line that names the login file.
pub fn without_login(text: &str, login_file: &str) -> String {
    let is_it = |line: &&str| {
        let set = option_file::effective(&format!("[mysqld]\n{line}\n"));
        set.get(INIT_FILE).is_some_and(|value| value == login_file)
    };
    text.split_inclusive('\n').filter(|line| !is_it(line)).collect()
}

/// The target's own number, of `MySQL` alone: a copy must not take its source's.
pub async fn own_uuid(cx: &Ctx<'_>, server: &str) -> Result<Option<String>> {
    if dialect(cx.world, server).is_mariadb() {
        return Ok(None);
    }
    let uuid = value(&*cx.fx.sql(server).await?, &crate::domain::Sql::from(OWN_UUID)).await?;
    let is_one = uuid.len() == 36 && uuid.chars().all(|sign| sign.is_ascii_hexdigit() || sign == '-');
    if is_one { Ok(Some(uuid)) } else { Err(Failure::permanent("read the server's own number", uuid).at(server)) }
}

/// What [`own_uuid`] asks.
pub fn own_uuid_action(world: &World, server: &str) -> Option<Action> {
    (!dialect(world, server).is_mariadb()).then(|| Action::sql(server, OWN_UUID))
}

/// What [`set_right`] asks and sends.
pub fn actions(world: &World, source: &str, target: &str) -> Vec<Action> {
    let dialect = dialect(world, target);
    let mut actions = vec![
        Action::sql(target, dialect.version()),
        Action::sql(target, dialect.show_variables(&CLOSED)),
        Action::sql(source, self::dialect(world, source).show_variables(&CLOSED)),
        Action::sql(target, dialect.replica_status()),
        Action::note("if the source was a replica of another server:"),
        Action::sql(target, dialect.stop_replica()),
        Action::sql(target, dialect.reset_replica_all()),
        Action::note("set its GTID state to that of the copy:"),
    ];
    actions.extend(starts(dialect, Words::late("the copy's GTID set")).into_iter().map(|sql| Action::sql(target, sql)));
    actions
}

fn starts(dialect: Dialect, set: impl Into<Words>) -> Vec<crate::domain::Sql> {
    let reset = (!dialect.is_mariadb()).then(|| dialect.reset_binary_logs().into());
    reset.into_iter().chain([dialect.set_gtid_start(set)]).collect()
}

/// Reads back that the server is closed and itself, and gives it the copy's state of replication.
///
/// # Errors
/// When it is open, runs events, or has its source's `server_id`; or refuses a statement.
pub async fn set_right(cx: &Ctx<'_>, source: &str, target: &str, gtid: &str) -> Result<()> {
    let dialect = dialect(cx.world, target);
    let now = server_state::variables(cx, target, &CLOSED).await?;
    let there = server_state::variables(cx, source, &CLOSED).await?;
    let is = |name: &str, wanted: &str| now.get(name).is_some_and(|value| option_file::same_value(wanted, value));
    let wrong = match () {
        () if !is("read_only", "ON") => Some("it is open to writes"),
        () if is("event_scheduler", "ON") => Some("its events are running"),
        () if now.get("server_id") == there.get("server_id") => Some("it has the server_id of its source"),
        () => None,
    };
    if let Some(answer) = wrong {
        let failure = Failure::permanent("start the server with the copy", answer).at(target);
        return Err(
            failure.help("check whether another file or the command line of the server overrides its `config_file`")
        );
    }
    let session = cx.fx.sql(target).await?;
    if session.query(&dialect.replica_status(), LOOK).await?.first().is_some() {
        session.query(&dialect.stop_replica(), LOOK).await?;
        session.query(&dialect.reset_replica_all(), LOOK).await?;
    }
    if dialect.is_mariadb() || !gtid.is_empty() {
        for statement in starts(dialect, gtid) {
            session.query(&statement, LOOK).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::without_login;

    #[test]
    fn only_our_own_line_is_taken_away() {
        let text = "[mysqld]\ninit-file = /d/cutover_login.sql\nport = 3306\ninit_file=/etc/own.sql\n";
        assert_eq!(without_login(text, "/d/cutover_login.sql"), "[mysqld]\nport = 3306\ninit_file=/etc/own.sql\n");
    }
}
