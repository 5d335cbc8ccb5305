//! Whether a text that is about to be sent is one that was planned: the same words, and in every slot a value of the same
//! form that fits what was known of it.

use super::text::{Part, Text};
use super::words::{Piece, Private, Words};

impl Text {
    /// Whether this, as planned, lets `sent` through.
    #[must_use]
    pub fn admits(&self, sent: &Self) -> bool {
        all(self.parts(), sent.parts())
    }
}

/// Whether a value, as planned, lets `sent` through.
pub(super) fn fits_words(planned: &Words, sent: &Words) -> bool {
    fits(&planned.into(), &sent.into())
}

fn all(planned: &[Part], sent: &[Part]) -> bool {
    planned.len() == sent.len() && planned.iter().zip(sent).all(|(planned, sent)| one(planned, sent))
}

fn one(planned: &Part, sent: &Part) -> bool {
    match (planned, sent) {
        (Part::Fixed(planned), Part::Fixed(sent)) => planned == sent,
        (Part::Slot(planned_form, planned), Part::Slot(form, sent)) => planned_form == form && fits(planned, sent),
        (Part::Group(planned_about, planned), Part::Group(about, Some(sent))) => {
            planned_about == about && planned.as_ref().is_none_or(|planned| all(planned, sent))
        }
        (Part::Quoted(planned), Part::Quoted(sent)) => all(planned, sent),
        (Part::Ours(planned), Part::Ours(sent)) => planned == sent,
        _ => false,
    }
}

/// What a value is made of, sign by sign.
#[derive(PartialEq)]
enum Bit<'a> {
    Sign(char),
    Secret(&'a str),
    Home,
}

/// Whether a value is what was planned, with anything at all for what was not known then. It stands in one slot, which
/// quotes it, so nothing it holds can reach beyond that.
fn fits(planned: &Private, sent: &Private) -> bool {
    let (planned, sent) = (planned.pieces(), sent.pieces());
    if sent.iter().any(|piece| matches!(piece, Piece::Late(_))) {
        return false;
    }
    if planned == sent {
        return true;
    }
    let bits: Vec<Bit<'_>> = sent.iter().flat_map(bits).collect();
    follows(&planned, &bits)
}

fn bits(piece: &Piece) -> Vec<Bit<'_>> {
    match piece {
        Piece::Text(text) | Piece::Value(text) => text.chars().map(Bit::Sign).collect(),
        Piece::Secret(label) => vec![Bit::Secret(label)],
        Piece::Home(rest) => std::iter::once(Bit::Home).chain(rest.chars().map(Bit::Sign)).collect(),
        Piece::Late(_) => Vec::new(),
    }
}

fn follows(planned: &[Piece], sent: &[Bit<'_>]) -> bool {
    match planned.split_first() {
        None => sent.is_empty(),
        // secrets and home folders are never what a late value turns out to be
        Some((Piece::Late(_), rest)) => {
            let longest = sent.iter().take_while(|bit| matches!(bit, Bit::Sign(_))).count();
            (0..=longest).any(|taken| follows(rest, &sent[taken..]))
        }
        Some((known, rest)) => {
            let known = bits(known);
            sent.starts_with(&known) && follows(rest, &sent[known.len()..])
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::secret::SecretRef;
    use crate::domain::sql::{Sql, identifier, list, literal};
    use crate::domain::{Private, Words};
    use crate::sql;

    fn admits(planned: &Sql, sent: &Sql) -> bool {
        planned.text().admits(sent.text())
    }

    #[test]
    fn a_late_value_may_be_anything_within_its_slot() {
        let drop = |name: Words| sql!("DROP DATABASE {}", identifier(name));
        let planned = drop(Words::late("each"));
        assert!(admits(&planned, &drop("shop".into())) && admits(&planned, &drop("`; DROP USER x".into())));
        assert!(!admits(&drop("shop".into()), &drop("shop2".into())), "what was known stays");
        assert!(!admits(&planned, &sql!("DROP DATABASE {}", literal("shop"))), "another form");
        assert!(!admits(&planned, &sql!("DROP TABLE {}", identifier("shop"))), "other words");
        assert!(!admits(&planned, &planned), "what is not known cannot be sent");
    }

    #[test]
    fn what_stands_beside_a_late_value_must_stand_there() {
        let lock = |value: Words| sql!("SELECT GET_LOCK({})", literal(value));
        let planned = lock(Words::from("cutover ").then(Words::late("run")).then(" epoch ").then(Words::late("epoch")));
        assert!(admits(&planned, &lock("cutover r1 epoch 7".into())));
        assert!(!admits(&planned, &lock("cutover r1".into())));
    }

    #[test]
    fn a_secret_is_where_it_was_planned_and_nowhere_else() {
        let user = |password: Private| sql!("CREATE USER u IDENTIFIED BY {}", literal(password));
        let (one, other) = (SecretRef::Env("A".into()), SecretRef::Env("B".into()));
        assert!(admits(&user(Private::from(&one)), &user(Private::from(&one))));
        assert!(!admits(&user(Private::from(&one)), &user(Private::from(&other))));
        assert!(!admits(&user(Words::late("x").into()), &user(Private::from(&one))));
    }

    #[test]
    fn a_group_is_any_number_of_what_it_is_called() {
        let names = |all: &[&str]| list("each table", all.iter().map(|name| identifier(*name)));
        let drop = |names: Sql| sql!("DROP TABLE {}", names);
        let planned = drop(Sql::late("each table"));
        assert!(admits(&planned, &drop(names(&["a", "b"]))) && admits(&planned, &drop(names(&["a"]))));
        assert!(!admits(&drop(Sql::late("each view")), &drop(names(&["a"]))));
        assert!(
            admits(&drop(names(&["a"])), &drop(names(&["a"]))) && !admits(&drop(names(&["a"])), &drop(names(&["b"])))
        );
    }
}
