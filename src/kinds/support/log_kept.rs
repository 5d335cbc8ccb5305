//! Whether a server still has the binary log file of a copy's position: without the file, the position is useless.

use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::Ctx;
use crate::kinds::support::place::dialect;
use crate::playbook::position::Position;

/// Fails when the file of `position` is gone.
///
/// # Errors
/// That, or that the server cannot be asked.
pub async fn require_log(cx: &Ctx<'_>, server: &str, position: &Position) -> Result<()> {
    let logs = cx.fx.sql(server).await?.query(dialect(cx.world, server).binary_logs(), LOOK).await?;
    if logs.iter().any(|row| row.get("Log_name") == Some(position.file.as_str())) {
        return Ok(());
    }
    Err(Failure::permanent(
        "replicate from the position of the copy",
        format!("the source no longer has the binary log {}", position.file),
    )
    .at(server)
    .help("the log was purged or reset meanwhile: keep binary logs longer and run again"))
}
