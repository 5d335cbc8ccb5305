//! The tool's own databases on a server: used only while nothing of anyone else stands in them, and so removed.
//!
//! May know: the dialect and servers. Nothing of what is kept there, and why.

use crate::dialect::{Dialect, OwnDatabase};
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::{Action, Ctx, On};
use crate::playbook::world::World;

/// Whether all that stands in `database` is the tool's own, or nothing does.
///
/// # Errors
/// When anything else stands there: nothing is written then, and nothing dropped.
pub async fn is_ours(session: &Session, dialect: Dialect, database: OwnDatabase) -> Result<()> {
    let rows = session.query(&dialect.foreign_objects(database), LOOK).await?;
    let found: Vec<&str> = rows.iter().filter_map(|row| row.get("name")).collect();
    if found.is_empty() {
        return Ok(());
    }
    let name = database.name();
    let answer = format!("the database `{name}` does not belong to cutover: it contains {}", found.join(", "));
    Err(Failure::refused(format!("use the database `{name}`"), answer)
        .at(session.server())
        .now("nothing was changed in it")
        .help("cutover keeps its own rows in a database of that name: rename your database first"))
}

/// Whether every database of the tool's own is free on `server`.
///
/// # Errors
/// As for [`is_ours`].
pub async fn are_ours(cx: &Ctx<'_>, server: &str) -> Result<()> {
    let session = cx.fx.sql(server).await?;
    for database in OwnDatabase::ALL {
        let asked = is_ours(&session, crate::kinds::support::place::dialect(cx.world, server), database).await;
        asked.map_err(|failure| failure.now("nothing was touched"))?;
    }
    Ok(())
}

/// What [`are_ours`] asks.
pub fn questions(world: &World, server: &str) -> Vec<Action> {
    let dialect = crate::kinds::support::place::dialect(world, server);
    OwnDatabase::ALL.map(|database| Action::sql(server, dialect.foreign_objects(database))).into()
}

/// What [`is_ours`] and [`is_there`] ask, one after the other.
pub fn look_actions(server: &str, dialect: Dialect, database: OwnDatabase) -> Vec<Action> {
    let here = On(server);
    vec![here.sql(dialect.foreign_objects(database)), here.sql(dialect.existing_databases(&[database.name()]))]
}

/// Whether there is such a database.
///
/// # Errors
/// When the server cannot be asked.
pub async fn is_there(session: &Session, dialect: Dialect, database: OwnDatabase) -> Result<bool> {
    Ok(!session.query(&dialect.existing_databases(&[database.name()]), LOOK).await?.is_empty())
}

/// Removes `database` if it is there.
///
/// # Errors
/// When something else than the tool's own stands there, or the server does not let it.
pub async fn remove(session: &Session, dialect: Dialect, database: OwnDatabase) -> Result<()> {
    if !is_there(session, dialect, database).await? {
        return Ok(());
    }
    let [tables, whole] = dialect.remove_own(database);
    is_ours(session, dialect, database).await?;
    session.query(&tables, LOOK).await?;
    is_ours(session, dialect, database).await?; // what came meanwhile goes with the database
    session.query(&whole, LOOK).await.map(drop)
}

/// What [`remove`] does.
pub fn remove_actions(server: &str, dialect: Dialect, database: OwnDatabase) -> Vec<Action> {
    let [tables, whole] = dialect.remove_own(database);
    let here = On(server);
    vec![
        here.sql(dialect.existing_databases(&[database.name()])),
        here.sql(dialect.foreign_objects(database)),
        here.sql(tables),
        here.sql(dialect.foreign_objects(database)),
        here.sql(whole),
    ]
}
