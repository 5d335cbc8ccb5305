//! Whether statements of the user's own change anything; for the rules that ask.

use crate::lint::subject::Pair;

/// Statements that begin so only look, or change their own connection. `SET GLOBAL` and `SET PERSIST` do more.
const LOOKS: [&str; 8] = ["SELECT", "SHOW", "EXPLAIN", "DESCRIBE", "DESC", "DO", "USE", "CHECKSUM"];

/// Whether an `sql` step changes something on its server.
pub(super) fn changes(step: Pair<'_>) -> bool {
    step.texts("statements").any(|statement| {
        let words: Vec<String> = statement.split_whitespace().take(2).map(str::to_ascii_uppercase).collect();
        let [first, rest @ ..] = words.as_slice() else { return false };
        let first = first.trim_end_matches(';');
        if first == "SET" {
            let target = rest.first().map_or("", String::as_str);
            return ["GLOBAL", "PERSIST", "PERSIST_ONLY", "PASSWORD", "DEFAULT", "@@GLOBAL"]
                .iter()
                .any(|global| target.starts_with(global));
        }
        !LOOKS.contains(&first)
    })
}
