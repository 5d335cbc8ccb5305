//! The statements as text for a client program.

use crate::kinds::Grant;
use crate::plan::accounts::{Account, PASSWORD};

/// Longest line, in characters.
const WIDTH: usize = 110;

/// Everything for one account.
pub fn of(account: &Account) -> String {
    let head = format!("-- {}: {}\n{};\n", account.server, account.product, account.create(PASSWORD));
    let grants = account.grants.iter().map(|grant| {
        let statement = broken(&grant.statement(&account.name), "  ");
        format!("{}{statement};\n", broken(&comment(grant), "--   ") + "\n")
    });
    head + &grants.collect::<String>()
}

/// The purpose of the statement below, and when it is needed.
fn comment(grant: &Grant) -> String {
    let stands_for = match grant.stands_for.as_slice() {
        [] => String::new(),
        others => format!("; in this version it also includes {}", others.join(", ")),
    };
    match &grant.only_if {
        Some(condition) => format!("-- only if {condition}: to {}{stands_for}", grant.purpose),
        None => format!("-- to {}{stands_for}", grant.purpose),
    }
}

/// A text in lines that are not too long, broken between words; no name of a privilege is longer than a line.
fn broken(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for piece in pieces(text) {
        let last = lines.len() - 1;
        if lines[last].len() + piece.trim_end().len() > WIDTH {
            let whole = lines[last].trim_end().len();
            lines[last].truncate(whole);
            lines.push(indent.to_owned());
        }
        let last = lines.len() - 1;
        lines[last].push_str(piece);
    }
    lines.join("\n")
}

/// Where a line may end: a list after its commas, a statement before `ON`, anything else after its words.
fn pieces(text: &str) -> Vec<&str> {
    match text.split_once(" ON ") {
        Some((privileges, _)) if text.starts_with("GRANT ") => {
            let mut pieces: Vec<&str> = privileges.split_inclusive(", ").collect();
            pieces.push(&text[privileges.len()..]);
            pieces
        }
        _ => text.split_inclusive(' ').collect(),
    }
}
