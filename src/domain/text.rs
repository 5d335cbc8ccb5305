//! Texts of parts: what stands fixed in our own source, and slots whose form states how a value is put in.

use super::ours::Ours;
use super::words::{Piece, Private};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How a value stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A name in SQL, in backticks.
    Identifier,
    /// A string in SQL.
    Literal,
    /// A string in SQL: what `mysql_native_password` keeps of a password, in place of the password.
    NativeHash,
    /// Digits; anything else becomes a string, which a server refuses where a number must stand.
    Number,
    /// A word of letters, digits and underscores; anything else is not sent.
    Word,
    /// Bytes in SQL, by their hexadecimal digits; anything else is not sent.
    Hexadecimal,
    /// A value as `SET` takes it: a number as it is, anything else as a string.
    Setting,
    /// SQL that the user has written: values in it are escaped for the inside of a string.
    Verbatim,
    /// A whole statement that a server has answered with, checked character by character before it was accepted.
    Copied,
    /// One word of a command line, quoted for a POSIX shell. It never holds a secret.
    Argument,
    /// A value between double quotes in an option file of a client program.
    OptionValue,
    /// A stretch of a file as it is.
    Plain,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A value.
    Slot(Form, Private),
    /// Parts whose number depends on what the run finds, and what they are called; `None` before that.
    Group(Cow<'static, str>, Option<Vec<Part>>),
    /// A script that is one word of a command line.
    Quoted(Vec<Part>),
    /// A script of our own.
    Ours(Ours),
    /// Words of our own.
    #[serde(untagged)]
    Fixed(Cow<'static, str>),
}

/// A text of parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(Vec<Part>);

impl Text {
    /// Words of our own.
    #[must_use]
    pub const fn fixed(text: &'static str) -> Part {
        Part::Fixed(Cow::Borrowed(text))
    }
    /// Of these parts.
    #[must_use]
    pub fn of(parts: Vec<Part>) -> Self {
        let mut text = Self::default();
        for part in parts {
            text.push(part);
        }
        text
    }
    /// Its parts, fixed words never side by side.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.0
    }
    /// Adds a part.
    pub fn push(&mut self, part: Part) {
        match (self.0.last_mut(), part) {
            (_, Part::Fixed(text)) if text.is_empty() => {}
            (Some(Part::Fixed(before)), Part::Fixed(text)) => before.to_mut().push_str(&text),
            (_, part) => self.0.push(part),
        }
    }
    /// Adds all of another text.
    pub fn extend(&mut self, other: Self) {
        for part in other.0 {
            self.push(part);
        }
    }
    /// `template` with a text for every `{}`; `{{` and `}}` stand for braces. How many there are is seen to by the macros.
    #[must_use]
    pub fn compose(template: &'static str, pieces: impl IntoIterator<Item = Self>) -> Self {
        let (mut text, mut pieces, mut rest) = (Self::default(), pieces.into_iter(), template);
        while let Some(at) = rest.find(['{', '}']) {
            text.push(Self::fixed(&rest[..at]));
            match rest.get(at..at + 2) {
                Some("{{") => text.push(Self::fixed("{")),
                Some("}}") => text.push(Self::fixed("}")),
                _ => text.extend(pieces.next().unwrap_or_default()),
            }
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        text.push(Self::fixed(rest));
        text
    }
    /// Labels of the secrets in it.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        fn of(parts: &[Part]) -> Vec<String> {
            let label = |piece| if let Piece::Secret(label) = piece { Some(label) } else { None };
            let one = |part: &Part| match part {
                Part::Slot(_, value) => value.pieces().into_iter().filter_map(label).collect(),
                Part::Group(_, Some(parts)) | Part::Quoted(parts) => of(parts),
                Part::Group(_, None) | Part::Fixed(_) | Part::Ours(_) => Vec::new(),
            };
            parts.iter().flat_map(one).collect()
        }
        of(&self.0)
    }
    /// The scripts of our own in it.
    #[must_use]
    pub fn ours(&self) -> Vec<Ours> {
        fn of(parts: &[Part]) -> Vec<Ours> {
            let one = |part: &Part| match part {
                Part::Ours(ours) => vec![ours.clone()],
                Part::Quoted(parts) | Part::Group(_, Some(parts)) => of(parts),
                Part::Group(_, None) | Part::Fixed(_) | Part::Slot(..) => Vec::new(),
            };
            parts.iter().flat_map(one).collect()
        }
        of(&self.0)
    }
    /// Every value read as a document states it: see [`Private::in_document`].
    #[must_use]
    pub fn in_document(&self) -> Self {
        self.with_values(&Private::in_document)
    }
    /// The same with what `known` knows of late values.
    #[must_use]
    pub fn filled(&self, known: &dyn Fn(&str) -> Option<String>) -> Self {
        self.with_values(&|value| value.filled(known))
    }
    /// Whether a home folder stands in it.
    #[must_use]
    pub fn is_at_home(&self) -> bool {
        fn any(parts: &[Part]) -> bool {
            parts.iter().any(|part| match part {
                Part::Slot(_, value) => value.pieces().iter().any(|piece| matches!(piece, Piece::Home(_))),
                Part::Group(_, Some(parts)) | Part::Quoted(parts) => any(parts),
                Part::Group(_, None) | Part::Fixed(_) | Part::Ours(_) => false,
            })
        }
        any(&self.0)
    }
    pub(super) fn with_values(&self, change: &dyn Fn(&Private) -> Private) -> Self {
        fn each(parts: &[Part], change: &dyn Fn(&Private) -> Private) -> Vec<Part> {
            let one = |part: &Part| match part {
                Part::Fixed(text) => Part::Fixed(text.clone()),
                Part::Slot(form, value) => Part::Slot(*form, change(value)),
                Part::Group(about, parts) => {
                    Part::Group(about.clone(), parts.as_ref().map(|parts| each(parts, change)))
                }
                Part::Quoted(parts) => Part::Quoted(each(parts, change)),
                Part::Ours(ours) => Part::Ours(ours.clone()),
            };
            parts.iter().map(one).collect()
        }
        Self(each(&self.0, change))
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "description": "A text in parts: strings are fixed words, everything else is a value that is filled in.",
            "items": { "anyOf": [
                { "type": "string" },
                { "type": "object", "additionalProperties": false, "required": ["slot"], "properties": { "slot": {
                    "type": "array", "minItems": 2, "maxItems": 2,
                    "description": "Its form, and its value in pieces: literal strings, `late` for a value that only the run will know, `secret` for a secret by its name, `home` for a path below the home folder on the host.",
                } } },
                { "type": "object", "additionalProperties": false, "required": ["group"], "properties": { "group": {
                    "type": "array", "minItems": 2, "maxItems": 2,
                    "description": "Their name, and parts whose number only the run will know; null before that.",
                } } },
                { "type": "object", "additionalProperties": false, "required": ["quoted"], "properties": { "quoted": {
                    "type": "array", "description": "Parts of a script that is one word of a command line.",
                } } },
                { "type": "object", "additionalProperties": false, "required": ["ours"], "properties": { "ours": {
                    "type": "array", "minItems": 2, "maxItems": 2,
                    "description": "A script of `scripts`, by its name, and the beginning of its BLAKE3 digest.",
                } } },
            ] },
        })
    }
}

/// How many places `template` has for pieces; for the macros, which hold it against what they were given.
///
/// # Panics
/// While the crate is compiled, when something stands within the braces.
#[must_use]
pub const fn holes(template: &str) -> usize {
    let bytes = template.as_bytes();
    let (mut at, mut found) = (0, 0);
    while at + 1 < bytes.len() {
        let doubled = bytes[at] == bytes[at + 1];
        if (bytes[at] == b'{' || bytes[at] == b'}') && doubled {
            at += 2;
            continue;
        }
        if bytes[at] == b'{' {
            assert!(bytes[at + 1] == b'}', "nothing may stand within the braces of such a text");
            found += 1;
        }
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Form, Part, Text, holes};
    use crate::domain::words::Private;

    #[test]
    fn fixed_words_are_one_part_however_they_were_put_together() {
        let slot = Part::Slot(Form::Number, Private::from("1"));
        let inner = Text::compose("b {} c", [Text::of(vec![slot.clone()])]);
        let text = Text::compose("a {} d {{x}} {}", [inner, Text::default()]);
        let fixed = |text: &str| Part::Fixed(text.to_owned().into());
        assert_eq!(text.parts(), [fixed("a b "), slot, fixed(" c d {x} ")]);
        assert_eq!((holes("a {} d {{x}} {}"), holes("{{}}"), holes("")), (2, 0, 0));
    }

    #[test]
    fn a_text_is_a_list_in_json() {
        let group = Part::Group("each".into(), Some(vec![Part::Slot(Form::Identifier, "x".into())]));
        let text = Text::of(vec![Text::fixed("DROP "), group, Part::Group("more".into(), None)]);
        let json = serde_json::to_string(&text).unwrap();
        assert_eq!(json, r#"["DROP ",{"group":["each",[{"slot":["identifier",["x"]]}]]},{"group":["more",null]}]"#);
        assert_eq!(serde_json::from_str::<Text>(&json).unwrap(), text);
    }
}
