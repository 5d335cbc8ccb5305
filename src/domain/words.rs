//! Values as parts of them become known: text, what only the run will know, and references to secrets.

use crate::domain::marker;
use crate::domain::secret::SecretRef;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// One stretch of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Piece {
    /// What is known only at run time: `steps.ID.output`, or words such as `each database`.
    Late(String),
    /// The value of a secret, by its label.
    Secret(String),
    /// What lies at this path (which begins with `/`, or is empty) below the home folder of the account that is worked as,
    /// on the host that it is for. Only the work folders of an inventory become one: `~/` elsewhere is two signs.
    Home(String),
    /// What a step has put out, within a text of the user's own.
    Value(String),
    /// As it is. Whatever stands in it, it is data.
    #[serde(untagged)]
    Text(String),
}

/// A value without secrets: what may stand on a command line, in a path, in a note.
///
/// ```compile_fail
/// use cutover::domain::{Words, script::argument};
/// use cutover::domain::secret::SecretRef;
/// argument(&SecretRef::Env("PASSWORD".into())); // a secret is no word of a command line
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Words(Vec<Piece>);

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.known() {
            Some(text) => serializer.serialize_str(&text),
            None => Private(self.0.clone()).pieces().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Text(String),
            Pieces(Vec<Piece>),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Text(text) => text.into(),
            Either::Pieces(pieces) => Self(pieces),
        })
    }
}

impl JsonSchema for Words {
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value: a string if all of it is known; otherwise its pieces, with `late` for values that only the run will know.",
            "anyOf": [{ "type": "string" }, { "type": "array" }],
        })
    }
}

/// A value that may hold secrets: what may stand in a statement, or in a file that we write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private(Vec<Piece>);

impl Words {
    /// What is known only at run time.
    #[must_use]
    pub fn late(what: impl Into<String>) -> Self {
        Self(vec![Piece::Late(what.into())])
    }
    /// A folder that an inventory names: `~/…` is one below the home folder on its host.
    #[must_use]
    pub fn folder(stated: &str) -> Self {
        match stated.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            Some(rest) => Self(vec![Piece::Home(rest.to_owned())]),
            None => stated.into(),
        }
    }
    /// Whether it begins in a home folder.
    #[must_use]
    pub fn is_at_home(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Home(_)))
    }
    /// The same where `home` is the home folder.
    #[must_use]
    pub fn at_home(&self, home: &str) -> Self {
        Self(Private::from(self).at_home(home).0)
    }
    /// This and then `more`.
    #[must_use]
    pub fn then(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        Self(Private(self.0).pieces())
    }
    /// Every text of it read as a document states it: see [`Private::of_document`].
    #[must_use]
    pub fn in_document(&self) -> Self {
        Self(Private::from(self).in_document().0)
    }
    /// The same with what `known` knows of late values.
    #[must_use]
    pub fn filled(&self, known: &dyn Fn(&str) -> Option<String>) -> Self {
        Self(Private::from(self).filled(known).0)
    }
    /// The value, when all of it is known.
    #[must_use]
    pub fn known(&self) -> Option<String> {
        fn text(piece: &Piece) -> Option<&str> {
            match piece {
                Piece::Text(text) | Piece::Value(text) => Some(text),
                Piece::Late(_) | Piece::Home(_) | Piece::Secret(_) => None,
            }
        }
        self.0.iter().map(text).collect()
    }
}

impl Private {
    /// Of one piece.
    pub(super) fn of_piece(piece: Piece) -> Self {
        Self(vec![piece])
    }
    /// The value of a secret.
    #[must_use]
    pub fn secret(secret: &SecretRef) -> Self {
        Self(vec![Piece::Secret(secret.label())])
    }
    /// This and then `more`.
    #[must_use]
    pub fn then(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        Self(self.pieces())
    }
    /// Its pieces, texts that stand side by side as one.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece> {
        let mut all: Vec<Piece> = Vec::with_capacity(self.0.len());
        for piece in &self.0 {
            match (all.last_mut(), piece) {
                (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(text),
                (_, Piece::Text(text)) if text.is_empty() => {}
                _ => all.push(piece.clone()),
            }
        }
        all
    }
    /// A value as a document states it, where `‹…›` stands for what is not in it. Documents themselves cannot hold these
    /// signs, so this is for what a plan is made from; never for what a server, a host or a person has sent.
    #[must_use]
    pub fn of_document(text: &str) -> Self {
        let (mut pieces, mut last) = (Vec::new(), 0);
        for (range, inside) in marker::find(text) {
            pieces.push(Piece::Text(text[last..range.start].to_owned()));
            pieces.push(match inside.strip_prefix("secret ") {
                Some(label) => Piece::Secret(label.to_owned()),
                None => marker::data(inside).map_or_else(|| Piece::Late(inside.to_owned()), Piece::Value),
            });
            last = range.end;
        }
        pieces.push(Piece::Text(text[last..].to_owned()));
        Self(Self(pieces).pieces())
    }
    /// The same where `home` is the home folder.
    pub(super) fn at_home(&self, home: &str) -> Self {
        let place = |piece: &Piece| match piece {
            Piece::Home(rest) => Piece::Text(format!("{}{rest}", home.trim_end_matches('/'))),
            other => other.clone(),
        };
        Self(Self(self.0.iter().map(place).collect()).pieces())
    }
    /// The same with what `known` knows of late values.
    #[must_use]
    pub fn filled(&self, known: &dyn Fn(&str) -> Option<String>) -> Self {
        let fill = |piece: &Piece| match piece {
            Piece::Late(what) => known(what).map_or_else(|| piece.clone(), Piece::Text),
            other => other.clone(),
        };
        Self(self.0.iter().map(fill).collect())
    }
    /// The same with every text of it read as [`Private::of_document`] reads it: for a step as its plan was made from.
    #[must_use]
    pub fn in_document(&self) -> Self {
        let read = |piece: &Piece| match piece {
            Piece::Text(text) => Self::of_document(text).0,
            other => vec![other.clone()],
        };
        Self(Self(self.0.iter().flat_map(read).collect()).pieces())
    }
}

impl From<Words> for Private {
    fn from(words: Words) -> Self {
        Self(words.0)
    }
}

impl From<&SecretRef> for Private {
    fn from(secret: &SecretRef) -> Self {
        Self::secret(secret)
    }
}

macro_rules! from_text {
    ($($text:ty),*) => {$(
        impl From<$text> for Words {
            fn from(text: $text) -> Self {
                Self(vec![Piece::Text(text.to_string())])
            }
        }
        impl From<$text> for Private {
            fn from(text: $text) -> Self {
                Words::from(text).into()
            }
        }
    )*};
}
from_text!(&str, String, &String, u16, u32, u64, usize);

impl From<&Words> for Words {
    fn from(words: &Words) -> Self {
        words.clone()
    }
}

impl From<&Words> for Private {
    fn from(words: &Words) -> Self {
        words.clone().into()
    }
}

impl From<&Private> for Private {
    fn from(value: &Private) -> Self {
        value.clone()
    }
}

impl fmt::Display for Private {
    /// As people read it: `‹…›` stands for what is not known or not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) | Piece::Value(text) => f.write_str(text),
            Piece::Home(rest) => write!(f, "~{rest}"),
            Piece::Late(what) => f.write_str(&marker::late(what)),
            Piece::Secret(label) => f.write_str(&marker::secret(label)),
        })
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Private(self.0.clone()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, Private, Words};
    use crate::domain::secret::SecretRef;

    #[test]
    fn data_is_data_whatever_it_looks_like() {
        let data = Words::from("‹secret PASSWORD›");
        assert_eq!(data.known().as_deref(), Some("‹secret PASSWORD›"));
        assert_eq!(Private::from(&data).pieces(), [Piece::Text("‹secret PASSWORD›".into())]);
        let stated = Private::of_document("a ‹secret PASSWORD› b ‹steps.x.y›");
        let expected =
            Private::from("a ").then(&SecretRef::Env("PASSWORD".into())).then(" b ").then(Words::late("steps.x.y"));
        assert_eq!(stated, expected);
        assert_eq!(stated.to_string(), "a ‹secret PASSWORD› b ‹steps.x.y›");
        assert_eq!(Words::late("x").known(), None);
    }

    #[test]
    fn pieces_stand_in_json_as_briefly_as_they_can() {
        let value = Private::from("a").then(Words::late("b")).then(&SecretRef::Env("C".into()));
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(json, r#"["a",{"late":"b"},{"secret":"C"}]"#);
        assert_eq!(serde_json::from_str::<Private>(&json).unwrap(), value);
    }
}
