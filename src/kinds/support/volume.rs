//! How much data a server holds.

use crate::dialect::Databases;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::place::dialect;
use crate::kinds::{Ctx, Volume};

/// How much there is in `databases` of a server, as it estimates it.
///
/// # Errors
/// When it cannot be asked, or answers no numbers.
pub async fn volume<D: Databases + ?Sized + Sync>(cx: &Ctx<'_>, server: &str, databases: &D) -> Result<Volume> {
    let session = cx.fx.sql(server).await?;
    let rows = session.query(&dialect(cx.world, server).total_size(databases), LOOK).await?;
    let number = |name: &str| {
        rows.first().and_then(|row| row.get(name)?.parse().ok()).ok_or_else(|| {
            Failure::permanent("read the amount of data", format!("the server returned no {name}")).at(server)
        })
    };
    let (tables, rows, bytes) = (number("tables")?, number("row_count")?, number("bytes")?);
    Ok(Volume { server: server.to_owned(), tables, rows, bytes })
}
