//! The words of the lock that keeps two runs off one server. The same in both families and all versions.

use super::{number, text_literal};

/// Takes the server, without waiting.
pub const TAKE: &str = "SELECT GET_LOCK('cutover', 0)";
/// Tells the connection that holds the server.
pub const HOLDER: &str = "SELECT IS_USED_LOCK('cutover')";
/// Tells whether this connection holds the server.
pub const IS_OURS: &str = "SELECT IS_USED_LOCK('cutover') = CONNECTION_ID()";

/// Marks the server as taken by `run`.
#[must_use]
pub fn mark(run: &str) -> String {
    format!("SELECT GET_LOCK({}, 0)", text_literal(&format!("cutover {run}")))
}

/// Tells the connection that marked the server for `run`.
#[must_use]
pub fn marker_of(run: &str) -> String {
    format!("SELECT IS_USED_LOCK({})", text_literal(&format!("cutover {run}")))
}

/// Tells who a connection, digits or a marker, belongs to.
#[must_use]
pub fn who(connection: &str) -> String {
    let about = "CONCAT(user, '@', host, ', ', command, ' for ', time, ' s')";
    format!("SELECT {about} FROM information_schema.processlist WHERE id = {}", number(connection))
}

/// Ends what a dead runner left.
#[must_use]
pub fn end(connection: &str) -> String {
    format!("KILL CONNECTION {}", number(connection))
}
