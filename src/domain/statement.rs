//! A statement that a server has answered with, checked character by character before it is sent to another one. Pure.
//!
//! It must be exactly one statement, of a kind that was asked for, without a comment: so that nothing stands behind it, and
//! nothing in it is read otherwise by another version of a server.

use super::sent::Backslash;
use super::sql::{Sql, stretch};
use std::fmt;
use std::ops::Range;

/// Why a statement is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Odd {
    /// It begins with other words than were expected.
    Verb,
    /// It holds a comment.
    Comment,
    /// Something stands behind its end.
    Second,
    /// A quote is not closed.
    Open,
    /// A sign that no text of a statement holds.
    Sign,
    /// A name does not stand by itself in it.
    Place,
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verb => "a statement of an unexpected kind",
            Self::Comment => "a statement with a comment in it",
            Self::Second => "more than one statement",
            Self::Open => "a statement whose last quote is not closed",
            Self::Sign => "a statement with a control character in it",
            Self::Place => "a statement in which a name is part of another name",
        })
    }
}

/// A statement that was checked.
#[derive(Debug)]
pub struct Statement<'a> {
    text: &'a str,
    verb: &'static str,
    /// What stands within quotes, these included.
    quoted: Vec<Range<usize>>,
}

impl<'a> Statement<'a> {
    /// The statement `text`, which begins with one of `verbs`; `backslash` is what one means to the session that gets it.
    ///
    /// # Errors
    /// When it is anything else than one statement of such a kind.
    pub fn read(text: &'a str, verbs: &[&'static str], backslash: Backslash) -> Result<Self, Odd> {
        let begins = |verb: &&&'static str| text.strip_prefix(**verb).is_some_and(|rest| rest.starts_with(' '));
        let verb = *verbs.iter().find(begins).ok_or(Odd::Verb)?;
        let (end, quoted) = scan(text, backslash)?;
        // the words before it end at a blank of their own, which no trimming may take
        let text = text[..end].trim_end();
        if text.len() <= verb.len() { Err(Odd::Verb) } else { Ok(Self { text, verb, quoted }) }
    }
    /// The words it begins with.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        self.verb
    }
    /// All of it, its first words as ours.
    #[must_use]
    pub fn whole(&self) -> Sql {
        crate::sql!("{} {}", self.verb, stretch(&self.text[self.verb.len() + 1..]))
    }
    /// What stands before `place`, without the first words, and what stands behind it.
    ///
    /// # Errors
    /// When an end of `place` lies within quotes.
    pub fn around(&self, place: Range<usize>) -> Result<(Sql, Sql), Odd> {
        let is_cut = |at: usize| self.quoted.iter().any(|quoted| quoted.start < at && at < quoted.end);
        let (begin, text) = (self.verb.len() + 1, self.text);
        if is_cut(place.start) || is_cut(place.end) || place.start < begin {
            return Err(Odd::Place);
        }
        let [before, behind] = [text.get(begin..place.start), text.get(place.end..)];
        Ok((stretch(before.ok_or(Odd::Place)?), stretch(behind.ok_or(Odd::Place)?)))
    }
}

/// Where the statement ends, and what of it stands within quotes.
fn scan(text: &str, backslash: Backslash) -> Result<(usize, Vec<Range<usize>>), Odd> {
    let (mut at, mut quoted) = (0, Vec::new());
    while let Some(sign) = text[at..].chars().next() {
        let rest = &text[at..];
        match sign {
            '\'' | '"' | '`' => {
                let end = at + close(rest, sign, backslash).ok_or(Odd::Open)?;
                quoted.push(at..end);
                at = end;
                continue;
            }
            '#' => return Err(Odd::Comment),
            // executable ones as well: what is in them depends on who reads it
            _ if rest.starts_with("--") || rest.starts_with("/*") || rest.starts_with("*/") => {
                return Err(Odd::Comment);
            }
            ';' if rest[1..].trim().is_empty() => return Ok((at, quoted)),
            ';' => return Err(Odd::Second),
            _ if sign.is_control() && !matches!(sign, '\n' | '\r' | '\t') => return Err(Odd::Sign),
            _ => {}
        }
        at += sign.len_utf8();
    }
    Ok((text.len(), quoted))
}

/// How long the quoted text is that `rest` begins with. A doubled quote ends one and begins the next: nothing stands between.
fn close(rest: &str, quote: char, backslash: Backslash) -> Option<usize> {
    let escapes = quote != '`' && backslash == Backslash::Escapes;
    let mut signs = rest.char_indices().skip(1).peekable();
    while let Some((at, sign)) = signs.next() {
        if sign == '\\' && escapes {
            signs.next()?;
        } else if sign == quote && signs.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Odd, Statement};
    use crate::domain::Backslash::{self, Escapes, Plain};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const VERBS: [&str; 2] = ["CREATE USER", "GRANT"];

    fn odd(text: &str, backslash: Backslash) -> Option<Odd> {
        Statement::read(text, &VERBS, backslash).err()
    }

    #[test]
    fn only_one_statement_of_a_known_kind_is_taken() {
        for text in [
            "GRANT USAGE ON *.* TO `a`@`%`",
            "GRANT SELECT ON `x``;--`.* TO `a`@`%` WITH GRANT OPTION ;\n",
            r"CREATE USER 'it''s; # \' --'@'%' IDENTIFIED BY PASSWORD '*AB'",
            "CREATE USER `‹secret PW›`@`%` REQUIRE SUBJECT \"a/*b\"",
            r"GRANT x ON `a\`.* TO b",
        ] {
            assert_eq!(odd(text, Escapes), None, "{text}");
        }
        for (text, why) in [
            ("GRANTS x", Odd::Verb),
            ("GRANT", Odd::Verb),
            ("GRANT ;", Odd::Verb),
            ("grant x", Odd::Verb),
            (" GRANT x", Odd::Verb),
            ("DROP USER a", Odd::Verb),
            ("GRANT a; GRANT b", Odd::Second),
            ("GRANT a;;", Odd::Second),
            ("GRANT 'a", Odd::Open),
            ("GRANT `a``", Odd::Open),
            (r"GRANT 'a\'", Odd::Open),
            ("GRANT a\0", Odd::Sign),
            ("GRANT /*!50000 a */", Odd::Comment),
            ("GRANT /*M! a */", Odd::Comment),
        ] {
            assert_eq!(odd(text, Escapes), Some(why), "{text}");
        }
    }

    #[test]
    fn what_a_backslash_means_is_the_readers_to_say() {
        assert_eq!(odd(r"GRANT 'a\'", Plain), None);
        let hidden = r"GRANT 'a\'; DROP USER b -- '";
        assert_eq!((odd(hidden, Escapes), odd(hidden, Plain)), (None, Some(Odd::Second)));
    }

    #[test]
    fn it_is_sent_as_it_came_and_can_be_cut_between_names_only() {
        let text = "GRANT SELECT ON `a TO b`.* TO `u`@`%` WITH GRANT OPTION; ";
        let statement = Statement::read(text, &VERBS, Escapes).unwrap();
        assert_eq!(statement.verb(), "GRANT");
        let secrets: BTreeMap<&str, secrecy::SecretString> = BTreeMap::new();
        let sent = statement.whole().text().for_session(Escapes, &secrets).unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(&sent), text.trim_end_matches("; "));
        let (from, to) = (text.find(" `u`").unwrap(), text.find(" WITH").unwrap());
        let (before, behind) = statement.around(from..to).unwrap();
        assert_eq!(
            (before.to_string(), behind.to_string()),
            ("SELECT ON `a TO b`.* TO".into(), " WITH GRANT OPTION".into())
        );
        let within = text.find(" TO b").unwrap();
        assert_eq!(statement.around(within..to).unwrap_err(), Odd::Place);
        assert_eq!(statement.around(3..to).unwrap_err(), Odd::Place);
        assert_eq!(statement.around(from..text.len()).unwrap_err(), Odd::Place);
    }

    fn token() -> impl Strategy<Value = String> {
        let inside = "[a-z;#*/ \u{fc}!-]{0,6}";
        prop_oneof![
            "[a-zA-Z.@,() ]{1,6}",
            (inside, inside).prop_map(|(a, b)| format!("'{a}''{b}'")),
            (inside, inside).prop_map(|(a, b)| format!("\"{a}\\\"{b}\"")),
            inside.prop_map(|text| format!("`{text}``\\`")),
        ]
    }

    proptest! {
        #[test]
        fn what_stands_outside_of_quotes_is_seen_and_what_stands_inside_is_not(
            tokens in prop::collection::vec(token(), 1..8),
            place in any::<prop::sample::Index>(),
            other in prop::sample::select(vec!["; x", ";;", "-- ", "# ", "/* */", "/*! x */", "/*M!100000 x */"]),
        ) {
            let text = |tokens: &[String]| format!("GRANT {} x", tokens.join(" "));
            prop_assert_eq!(odd(&text(&tokens), Escapes), None);
            let place = place.index(tokens.len() + 1);
            let mut with_other = tokens.clone();
            with_other.insert(place, other.to_owned());
            let why = odd(&text(&with_other), Escapes);
            prop_assert!(matches!(why, Some(Odd::Second | Odd::Comment)), "{:?}", why);
            for quote in ['\'', '"', '`'] {
                let mut quoted = tokens.clone();
                quoted.insert(place, format!("{quote}{other}{quote}"));
                prop_assert_eq!(odd(&text(&quoted), Escapes), None);
            }
        }
    }
}
