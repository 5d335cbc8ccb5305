//! The statements as text that a client takes.

use super::{Account, create};
use crate::kinds::Grant;
use std::fmt::Write as _;

/// Statements are broken into lines of so many characters.
const WIDTH: usize = 100;

/// Everything for one account.
pub fn of(account: &Account) -> String {
    let mut text = format!("-- {}: {}\n{};\n", account.server, account.product, create(account));
    for grant in &account.grants {
        let statement = grant.statement(&account.account);
        let written = match &grant.only_if {
            // on one line with its condition: who takes the lines one by one must not miss that
            Some(condition) => writeln!(text, "{statement}; -- only if {condition}: to {}", grant.purpose),
            None => writeln!(text, "{}{};", comment(grant), broken(&statement)),
        };
        let _ = written; // a String takes everything
    }
    text
}

fn comment(grant: &Grant) -> String {
    format!("-- to {}\n", grant.purpose)
}

/// A statement in lines that are not too long, broken between privileges and before `ON`.
fn broken(statement: &str) -> String {
    let mut lines = vec![String::new()];
    for piece in statement.split_inclusive(", ").flat_map(|piece| piece.split_inclusive(" ON ").collect::<Vec<_>>()) {
        let last = lines.len() - 1;
        if lines[last].len() + piece.trim_end().len() > WIDTH {
            let line = lines[last].trim_end().to_owned();
            lines[last] = line;
            lines.push(format!("  {piece}"));
        } else {
            lines[last].push_str(piece);
        }
    }
    lines.join("\n")
}
