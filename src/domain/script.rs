//! Command lines and scripts of `sh`, and how values stand in them.

use super::ours::Ours;
use super::text::{Form, Part, Text};
use super::words::{Piece, Private, Words};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A command line, or a whole script, for a POSIX shell. Text that is not in our own source gets into one as a quoted word
/// only, and a secret not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Script(Text);

/// `sh!("rm -f -- {}", argument(path))`: a script of fixed words with a stretch for every `{}`.
#[macro_export]
macro_rules! sh {
    ($template:literal $(, $piece:expr)* $(,)?) => {{
        const { assert!($crate::domain::holes($template) == <[&str]>::len(&[$(stringify!($piece)),*]), "every place wants a piece") };
        $crate::domain::Script::compose($template, [$($crate::domain::Script::from($piece)),*])
    }};
}

impl Script {
    /// `template` with `pieces`; by the macro [`sh!`](crate::sh), which counts them.
    #[must_use]
    pub fn compose<const N: usize>(template: &'static str, pieces: [Self; N]) -> Self {
        Self(Text::compose(template, pieces.map(|piece| piece.0)))
    }
    /// A program with its arguments. It is started as it stands, with no shell between.
    #[must_use]
    pub fn words<W: Into<Words>>(argv: impl IntoIterator<Item = W>) -> Self {
        Self::join(argv.into_iter().map(argument), " ")
    }
    /// A script of our own, which a plan shows by its `name`. It ends with a newline.
    #[must_use]
    pub fn ours(name: &'static str, text: &'static str) -> Self {
        Self(Text::of(vec![Part::Ours(Ours::new(name, text))]))
    }
    /// Words whose number only the run will know.
    #[must_use]
    pub fn late(about: impl Into<Cow<'static, str>>) -> Self {
        Self(Text::of(vec![Part::Group(about.into(), None)]))
    }
    /// Such words, now that they are known.
    #[must_use]
    pub fn found(about: impl Into<Cow<'static, str>>, words: &Self) -> Self {
        Self(Text::of(vec![Part::Group(about.into(), Some(words.0.parts().to_vec()))]))
    }
    /// These, one after the other.
    #[must_use]
    pub fn join(all: impl IntoIterator<Item = Self>, between: &'static str) -> Self {
        let mut text = Text::default();
        for (place, one) in all.into_iter().enumerate() {
            if place > 0 {
                text.push(Text::fixed(between));
            }
            text.extend(one.0);
        }
        Self(text)
    }
    /// This and then `more`.
    #[must_use]
    pub fn then(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        self
    }
    /// This whole script as one word of another.
    #[must_use]
    pub fn quoted(&self) -> Self {
        Self(Text::of(vec![Part::Quoted(self.0.parts().to_vec())]))
    }
    /// Its parts.
    #[must_use]
    pub fn text(&self) -> &Text {
        &self.0
    }
    /// As a shell reads it.
    ///
    /// # Errors
    /// When a value is not known, or is a secret.
    pub fn for_shell(&self) -> Result<String> {
        self.0.for_shell()
    }
    /// The program with its arguments, when that is all it is: nothing in it needs a shell.
    #[must_use]
    pub fn argv(&self) -> Option<Vec<String>> {
        let word = |(place, part): (usize, &Part)| match (place % 2, part) {
            (0, Part::Slot(Form::Argument, value)) => Some(Some(known(value)?)),
            (1, Part::Fixed(between)) if between == " " => Some(None),
            _ => None,
        };
        let words: Option<Vec<Option<String>>> = self.0.parts().iter().enumerate().map(word).collect();
        words.map(|words| words.into_iter().flatten().collect::<Vec<_>>()).filter(|words| !words.is_empty())
    }
    /// The same with what `known` knows of late values: for people who do by hand what a run did not.
    #[must_use]
    pub fn filled(&self, known: &dyn Fn(&str) -> Option<String>) -> Self {
        Self(self.0.filled(known))
    }
    /// Whether a home folder stands in it.
    #[must_use]
    pub fn is_at_home(&self) -> bool {
        self.0.is_at_home()
    }
    /// The same where `home` is the home folder.
    #[must_use]
    pub fn at_home(&self, home: &str) -> Self {
        Self(self.0.with_values(&|value| value.at_home(home)))
    }
    /// Every value read as a document states it: see [`Private::in_document`].
    #[must_use]
    pub fn in_document(&self) -> Self {
        Self(self.0.in_document())
    }
}

fn known(value: &Private) -> Option<String> {
    let text = |piece| match piece {
        Piece::Text(text) | Piece::Value(text) => Some(text),
        Piece::Late(_) | Piece::Home(_) | Piece::Secret(_) => None,
    };
    value.pieces().into_iter().map(text).collect()
}

impl From<&'static str> for Script {
    fn from(text: &'static str) -> Self {
        Self(Text::of(vec![Text::fixed(text)]))
    }
}

impl From<&Script> for Script {
    fn from(script: &Script) -> Self {
        script.clone()
    }
}

impl fmt::Display for Script {
    /// As people read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One word of a command line, whatever stands in it.
#[must_use]
pub fn argument(word: impl Into<Words>) -> Script {
    Script(Text::of(vec![Part::Slot(Form::Argument, word.into().into())]))
}

#[cfg(test)]
mod tests {
    use super::{Script, argument};
    use crate::domain::Words;

    #[test]
    fn whatever_a_word_holds_it_stays_one() {
        let evil = "$(touch /tmp/x) ' `id`; \n‹secret PW›";
        let script = sh!("printf %s {}", argument(evil));
        let output = std::process::Command::new("sh").args(["-c", &script.for_shell().unwrap()]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), evil);
        let nested = sh!("sh -c {}", script.quoted());
        let output = std::process::Command::new("sh").args(["-c", &nested.for_shell().unwrap()]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), evil);
        assert_eq!(script.argv(), None);
        assert_eq!(Script::words(["echo", evil]).argv().unwrap(), ["echo", evil]);
    }

    #[test]
    fn what_is_not_known_and_secrets_are_not_started() {
        let late = sh!("rm -f -- {}", argument(Words::from("/work/").then(Words::late("run"))));
        assert_eq!(late.to_string(), "rm -f -- '/work/‹run›'");
        assert!(late.for_shell().unwrap_err().answer.contains("not known"));
        let stated = sh!("echo {}", argument("‹secret PW›")).in_document();
        assert!(stated.for_shell().unwrap_err().answer.contains("command line"));
        assert!(late.text().admits(sh!("rm -f -- {}", argument("/work/r1")).text()));
        assert!(!late.text().admits(sh!("rm -f -- {}", argument("/home/r1")).text()));
        assert!(!late.text().admits(sh!("rm -rf -- {}", argument("/work/r1")).text()));
    }
}
