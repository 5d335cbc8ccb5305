//! Statements about accounts in a binary log: which they are, and whose accounts they are about. Pure.
//!
//! Read from their first words, so that nothing else can be taken for one; a statement that begins with a comment is none.

mod met;

pub use met::{Met, first, met};

use std::iter::Peekable;
use std::str::CharIndices;

/// What a statement about accounts begins with, longest first.
const BEGINNINGS: [&[&str]; 13] = [
    &["CREATE", "OR", "REPLACE", "USER"],
    &["CREATE", "OR", "REPLACE", "ROLE"],
    &["SET", "DEFAULT", "ROLE"],
    &["CREATE", "USER"],
    &["CREATE", "ROLE"],
    &["ALTER", "USER"],
    &["ALTER", "ROLE"],
    &["DROP", "USER"],
    &["DROP", "ROLE"],
    &["RENAME", "USER"],
    &["SET", "PASSWORD"],
    &["GRANT"],
    &["REVOKE"],
];
/// After these the name of an account or role stands.
const BEFORE_NAMES: [&str; 5] = ["TO", "FROM", "FOR", "USER", "ROLE"];
/// Words between those and the name.
const IF_EXISTS: [&str; 3] = ["IF", "NOT", "EXISTS"];
/// What `MySQL` adds to a statement when it shows an event.
const XID: &str = " /* xid=";

/// A statement about accounts, without its values: passwords and hashes stand in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatement {
    /// Its first words: `ALTER USER`.
    pub verb: String,
    /// Accounts and roles that it names, as (user, host); a name without a host has none.
    pub names: Vec<(String, Option<String>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(char),
}

impl AccountStatement {
    /// The statement `text`, if it is one about accounts.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.split(XID).next().unwrap_or(text);
        let tokens = tokens(text);
        let is = |at: usize, word: &str| matches!(tokens.get(at), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        let begins = |words: &&&[&str]| words.iter().enumerate().all(|(at, word)| is(at, word));
        let verb = BEGINNINGS.iter().find(begins)?;
        Some(Self { verb: verb.join(" "), names: names(&tokens) })
    }

    /// Whether it is about an account of one of these users.
    #[must_use]
    pub fn is_about<S: AsRef<str>>(&self, users: impl IntoIterator<Item = S>) -> bool {
        users.into_iter().any(|user| self.names.iter().any(|(name, _)| name == user.as_ref()))
    }

    /// Whether it makes, removes or renames accounts, rather than change what they may do.
    #[must_use]
    pub fn is_of_existence(&self) -> bool {
        ["CREATE", "DROP", "RENAME"].iter().any(|word| self.verb.starts_with(word))
    }
}

impl std::fmt::Display for AccountStatement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.verb)?;
        for (at, (user, host)) in self.names.iter().enumerate() {
            f.write_str(if at == 0 { " of " } else { ", " })?;
            f.write_str(&printable(user))?;
            if let Some(host) = host {
                write!(f, "@{}", printable(host))?;
            }
        }
        Ok(())
    }
}

/// A server's error text about a statement, without the statement where that is about accounts.
#[must_use]
pub fn without_statement(error: &str) -> String {
    const QUERY: &str = "Query: '";
    let statement = |text: &str| AccountStatement::read(text.strip_suffix('\'').unwrap_or(text));
    let cut = error.split_once(QUERY).and_then(|(before, text)| Some((before, statement(text)?)));
    cut.map_or_else(|| error.to_owned(), |(before, statement)| format!("{before}Query: {statement}"))
}

fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

fn names(tokens: &[Token]) -> Vec<(String, Option<String>)> {
    let (mut names, mut expected, mut listed) = (Vec::new(), false, false);
    let mut rest = tokens.iter().peekable();
    while let Some(token) = rest.next() {
        match token {
            Token::Word(word) if expected && IF_EXISTS.iter().any(|skip| word.eq_ignore_ascii_case(skip)) => {}
            Token::Word(name) | Token::Quoted(name) if expected => {
                let host = rest.next_if_eq(&&Token::Sign('@')).and_then(|_| match rest.next() {
                    Some(Token::Word(host) | Token::Quoted(host)) => Some(host.clone()),
                    _ => None,
                });
                names.push((name.clone(), host));
                (expected, listed) = (false, true);
            }
            Token::Word(word) if BEFORE_NAMES.iter().any(|before| word.eq_ignore_ascii_case(before)) => expected = true,
            Token::Sign(',') if listed => expected = true,
            _ => expected = false,
        }
    }
    names
}

fn tokens(text: &str) -> Vec<Token> {
    let (mut tokens, mut signs) = (Vec::new(), text.char_indices().peekable());
    while let Some((at, sign)) = signs.next() {
        let after_at = tokens.last() == Some(&Token::Sign('@'));
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$') || (after_at && matches!(c, '.' | '-'));
        if sign.is_whitespace() {
            continue;
        }
        if matches!(sign, '\'' | '"' | '`') {
            tokens.push(Token::Quoted(quoted(&mut signs, sign)));
        } else if in_word(sign) {
            let mut end = at + sign.len_utf8();
            while let Some((at, next)) = signs.next_if(|(_, next)| in_word(*next)) {
                end = at + next.len_utf8();
            }
            tokens.push(Token::Word(text[at..end].to_owned()));
        } else {
            tokens.push(Token::Sign(sign));
        }
    }
    tokens
}

fn quoted(signs: &mut Peekable<CharIndices<'_>>, quote: char) -> String {
    let mut out = String::new();
    while let Some((_, sign)) = signs.next() {
        match sign {
            '\\' if quote != '`' => out.extend(signs.next().map(|(_, escaped)| escaped)),
            sign if sign == quote => match signs.next_if(|(_, next)| *next == quote) {
                Some(_) => out.push(quote),
                None => break,
            },
            sign => out.push(sign),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{AccountStatement, without_statement};

    fn told(text: &str) -> Option<String> {
        AccountStatement::read(text).map(|statement| statement.to_string())
    }

    #[test]
    fn statements_about_accounts_are_known_by_their_first_words() {
        for (text, expected) in [
            ("ALTER USER report@'%' IDENTIFIED BY 'y'", "ALTER USER of report@%"),
            ("grant select on shop.* to report@127.0.0.1, `b``c`@`d`", "GRANT of report@127.0.0.1, b`c@d"),
            ("SET PASSWORD FOR 'a@b'@'%'='*F2'", "SET PASSWORD of a@b@%"),
            ("RENAME USER report@'%' TO report2@'%'", "RENAME USER of report@%, report2@%"),
            (
                "create or replace user if not exists 'it''s'@'h' identified by 'to x'",
                "CREATE OR REPLACE USER of it's@h",
            ),
            ("grant rr to shop@127.0.0.1 /* xid=241 */", "GRANT of shop@127.0.0.1"),
            ("revoke rr from shop@127.0.0.1", "REVOKE of shop@127.0.0.1"),
            ("drop role rr", "DROP ROLE of rr"),
            ("CREATE USER a IDENTIFIED BY 'x', b@h ACCOUNT LOCK", "CREATE USER of a, b@h"),
            ("\n  DROP USER 'ü'@'192.168.%'", "DROP USER of ü@192.168.%"),
        ] {
            assert_eq!(told(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_taken_for_one() {
        for text in [
            "INSERT INTO t VALUES ('GRANT')",
            "/*!50000 DROP */ USER a",
            "-- GRANT\nDELETE FROM t",
            "CREATE TABLE user (a INT)",
            "SET @a = 1",
            "`GRANT` x",
            "GRANTED",
            "DROP TABLE role",
            "",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn whose_account_it_is_about_is_not_mixed_up_with_databases() {
        let grant = AccountStatement::read("GRANT SELECT, INSERT ON shop.* TO report@'%'").unwrap();
        assert!(!grant.is_about(["shop"]) && grant.is_about(["x", "report"]));
        assert!(!grant.is_of_existence());
    }

    #[test]
    fn an_error_is_told_without_what_is_secret() {
        let error = "Error 'x' on query. Default database: ''. Query: 'ALTER USER r@'%' IDENTIFIED BY 'geheim''";
        assert_eq!(without_statement(error), "Error 'x' on query. Default database: ''. Query: ALTER USER of r@%");
        assert!(without_statement("Query: 'GRANT r TO a@'%''").ends_with("GRANT of a@%"));
        assert_eq!(without_statement("Query: 'DELETE FROM t'"), "Query: 'DELETE FROM t'");
    }
}
