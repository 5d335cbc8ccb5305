//! How many bytes a stream may carry in a second.

use crate::domain::Script;

const PACE: &str = include_str!("pace.sh");
/// The least limit, in bytes a second: it is counted out in tenths of a second.
const LEAST: u64 = 100 * 1024;

/// Lines of a script that define `limited`.
pub fn functions() -> Script {
    Script::ours("limit the rate", PACE)
}

/// A limit in bytes a second, as [`command`] counts it.
pub fn at_least(limit: u64) -> u64 {
    limit.max(LEAST)
}

/// What a stream goes through, as words of a script that has [`functions`].
pub fn command(limit: Option<u64>) -> String {
    limit.map_or_else(|| "cat".to_owned(), |limit| format!("limited {}", at_least(limit) / 10))
}
