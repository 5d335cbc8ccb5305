//! Statements, and how values stand in them.

use super::sent::Backslash;
use super::statement::{Odd, Statement};
use super::text::{Form, Part, Text};
use super::words::{Private, Words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A statement, or a stretch of one. Text that is not in our own source gets into one by a slot only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Sql(Text);

/// `sql!("DROP DATABASE {}", identifier(name))`: a statement of fixed words with a stretch for every `{}`.
#[macro_export]
macro_rules! sql {
    ($template:literal $(, $piece:expr)* $(,)?) => {{
        const { assert!($crate::domain::holes($template) == <[&str]>::len(&[$(stringify!($piece)),*]), "every place wants a piece") };
        $crate::domain::Sql::compose($template, [$($crate::domain::Sql::from($piece)),*])
    }};
}

impl Sql {
    /// `template` with `pieces`; by the macro [`sql!`](crate::sql), which counts them.
    #[must_use]
    pub fn compose<const N: usize>(template: &'static str, pieces: [Self; N]) -> Self {
        Self(Text::compose(template, pieces.map(|piece| piece.0)))
    }
    /// A stretch whose shape only the run will know.
    #[must_use]
    pub fn late(about: &'static str) -> Self {
        Self(Text::of(vec![Part::Group(about.into(), None)]))
    }
    /// A stretch of such a shape, now that it is known.
    #[must_use]
    pub fn found(about: &'static str, stretch: &Self) -> Self {
        Self(Text::of(vec![Part::Group(about.into(), Some(stretch.0.parts().to_vec()))]))
    }
    /// What the user has written.
    #[must_use]
    pub fn verbatim(statement: impl Into<Private>) -> Self {
        slot(Form::Verbatim, statement.into())
    }
    /// A statement that a server has answered with, which begins with one of `verbs`; `backslash` is what one means to the
    /// session that gets it.
    ///
    /// # Errors
    /// When it is anything else than one statement of such a kind: see [`Statement`].
    pub fn copied(statement: &str, verbs: &[&'static str], backslash: Backslash) -> Result<Self, Odd> {
        Statement::read(statement, verbs, backslash).map(|statement| statement.whole())
    }
    /// What of such a statement only the run will know: all that follows its first words, or a stretch of that.
    #[must_use]
    pub fn to_copy(what: impl Into<String>) -> Self {
        slot(Form::Copied, Words::late(what).into())
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
    /// Its parts.
    #[must_use]
    pub fn text(&self) -> &Text {
        &self.0
    }
    /// The same with what `known` knows of late values: for people who do by hand what a run did not.
    #[must_use]
    pub fn filled(&self, known: &dyn Fn(&str) -> Option<String>) -> Self {
        Self(self.0.filled(known))
    }
    /// Every value read as a document states it: see [`Private::in_document`].
    #[must_use]
    pub fn in_document(&self) -> Self {
        Self(self.0.in_document())
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self(Text::of(vec![Text::fixed(text)]))
    }
}

impl From<&Sql> for Sql {
    fn from(sql: &Sql) -> Self {
        sql.clone()
    }
}

impl fmt::Display for Sql {
    /// As people read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn slot(form: Form, value: Private) -> Sql {
    Sql(Text::of(vec![Part::Slot(form, value)]))
}

/// A stretch of a statement that was checked.
pub(super) fn stretch(copied: &str) -> Sql {
    slot(Form::Copied, copied.into())
}

/// A name in backticks.
#[must_use]
pub fn identifier(name: impl Into<Words>) -> Sql {
    slot(Form::Identifier, name.into().into())
}

/// A string.
#[must_use]
pub fn literal(value: impl Into<Private>) -> Sql {
    slot(Form::Literal, value.into())
}

/// What `mysql_native_password` keeps of a password, as a string: logs of a server then hold no password.
#[must_use]
pub fn native_hash(password: impl Into<Private>) -> Sql {
    slot(Form::NativeHash, password.into())
}

/// Digits; anything else becomes a string, which a server refuses where a number must stand.
#[must_use]
pub fn number(value: impl Into<Words>) -> Sql {
    slot(Form::Number, value.into().into())
}

/// A word of letters, digits and underscores, such as the name of a character set; anything else is not sent.
#[must_use]
pub fn word(value: impl Into<Words>) -> Sql {
    slot(Form::Word, value.into().into())
}

/// Bytes as `X'…'`, by their hexadecimal digits; anything else is not sent.
#[must_use]
pub fn hexadecimal(value: impl Into<Words>) -> Sql {
    slot(Form::Hexadecimal, value.into().into())
}

/// A value as `SET` takes it: whole and decimal numbers as they are, anything else as a string.
#[must_use]
pub fn setting(value: impl Into<Words>) -> Sql {
    slot(Form::Setting, value.into().into())
}

/// An account as `'user'@'host'`.
#[must_use]
pub fn account(user: impl Into<Words>, host: impl Into<Words>) -> Sql {
    let (user, host): (Words, Words) = (user.into(), host.into());
    crate::sql!("{}@{}", literal(user), literal(host))
}

/// A table as `` `database`.`name` ``.
#[must_use]
pub fn table(database: impl Into<Words>, name: impl Into<Words>) -> Sql {
    crate::sql!("{}.{}", identifier(database), identifier(name))
}

/// A list with commas, called `about` where a plan cannot know it.
#[must_use]
pub fn list(about: &'static str, all: impl IntoIterator<Item = Sql>) -> Sql {
    Sql::found(about, &Sql::join(all, ", "))
}
