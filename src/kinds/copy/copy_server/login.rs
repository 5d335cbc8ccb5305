//! A copy of files includes the accounts of its source, and replaces the runner's account on the target: the server
//! that starts with the copy creates that account again, by its `init_file`.

use crate::dialect::Dialect;
use crate::domain::Words;
use crate::domain::sql::account;
use crate::domain::{Backslash, Contents, Odd, Sql};
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;
use crate::sql;
use secrecy::ExposeSecret;

/// Purpose of the connection that reads definitions.
const SESSION: &str = "own account";

fn questions(dialect: Dialect) -> [&'static str; 4] {
    [dialect.read_definitions(), "SELECT CURRENT_USER()", "SHOW CREATE USER CURRENT_USER()", "SHOW GRANTS"]
}

/// What [`file`] asks.
pub fn actions(world: &World, server: &str) -> Vec<Action> {
    questions(dialect(world, server)).into_iter().map(|ask| Action::sql(server, ask)).collect()
}

/// As a plan shows the file.
pub fn planned() -> Contents {
    Contents::plain(Words::late("the runner's account as the server shows it: SHOW CREATE USER, SHOW GRANTS"))
}

/// The statements that recreate the runner's account on `server`, as it is now, one per line. They are not written to
/// the binary log.
///
/// # Errors
/// When the server cannot be asked, or answers with anything but definitions.
pub async fn file(cx: &Ctx<'_>, server: &str) -> Result<Contents> {
    let session = cx.fx.session(server, SESSION).await?;
    let found = read(&session, dialect(cx.world, server), server).await;
    cx.fx.close_session(server, SESSION).await;
    found
}

async fn read(session: &Session, dialect: Dialect, server: &str) -> Result<Contents> {
    let [settings, who, created, grants] = questions(dialect);
    session.query(settings, LOOK).await?;
    let own = session.query(who, LOOK).await?.value().unwrap_or_default().to_owned();
    let (user, host) = own.rsplit_once('@').unwrap_or((&own, "%"));
    let odd =
        |odd: Odd| Failure::permanent("read the runner's own account", format!("the server returned {odd}")).at(server);
    let mut statements =
        vec![Sql::from("SET SESSION sql_log_bin = 0"), sql!("DROP USER IF EXISTS {}", account(user, host))];
    for (ask, verb) in [(created, "CREATE USER"), (grants, "GRANT")] {
        let rows = session.query(ask, LOOK).await?;
        for text in rows.iter().filter_map(|row| row.at(0).map(str::to_owned)) {
            statements.push(Sql::copied(&text, &[verb], Backslash::Escapes).map_err(odd)?);
        }
    }
    let mut lines = String::new();
    for statement in statements {
        let text = statement.text().for_session(Backslash::Escapes, &())?;
        lines.push_str(text.expose_secret());
        lines.push_str(";\n");
    }
    Ok(Contents::plain(lines))
}
