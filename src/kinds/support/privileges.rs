//! Whether the runner's own account may do what a step will do much later.
//!
//! May know: the dialect and servers. Nothing of the steps.

use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::Ctx;
use crate::kinds::support::place::dialect;

/// Refuses unless the account on `server` holds one privilege of each group; `attempted` is what it would fail at.
///
/// # Errors
/// A refusal that names what to grant, or that the server cannot be asked.
pub async fn require(cx: &Ctx<'_>, server: &str, groups: &[&[&str]], attempted: &str) -> Result<()> {
    let session = cx.fx.sql(server).await?;
    let rows = session.query(&dialect(cx.world, server).own_privileges(), LOOK).await?;
    let everywhere = rows.iter().filter(|row| row.get("in_database") == Some("*"));
    let held: Vec<&str> = everywhere.filter_map(|row| row.get("privilege")).collect();
    let missing = groups.iter().filter(|group| !group.iter().any(|privilege| held.contains(privilege)));
    let missing: Vec<&str> = missing.filter_map(|group| group.first().copied()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(Failure::refused(attempted, format!("the account lacks {missing}"))
        .at(server)
        .now("nothing was touched")
        .help(format!("GRANT {missing} ON *.* to it there, directly and not by a role")))
}
