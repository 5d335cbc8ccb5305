//! Whether a server has no objects of users: a copy would be mixed with them, or replace them.

use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::Ctx;
use crate::kinds::support::place::dialect;

/// How many objects of users a server holds, of whatever type, and the first one's name; `None` when there is none.
///
/// # Errors
/// When it cannot be asked.
pub async fn first_object(cx: &Ctx<'_>, server: &str) -> Result<Option<(usize, String)>> {
    let objects = cx.fx.sql(server).await?.query(&dialect(cx.world, server).objects(), LOOK).await?;
    Ok(objects.first().map(|first| (objects.len(), first.get("name").unwrap_or_default().to_owned())))
}

/// Refuses a server that holds something. `attempted` is a clause.
///
/// # Errors
/// The refusal, or that it cannot be asked.
pub async fn require_empty(cx: &Ctx<'_>, server: &str, attempted: &str) -> Result<()> {
    let Some((count, name)) = first_object(cx, server).await? else { return Ok(()) };
    let more = if count == 1 { String::new() } else { format!(" and {} more", count - 1) };
    Err(Failure::refused(attempted, format!("the server is not empty: it has the {name}{more}"))
        .at(server)
        .now("nothing was changed there")
        .help("use an empty server, or drop its user databases yourself if nobody needs them"))
}
