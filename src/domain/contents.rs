//! What stands in files that are written, and in what programs are given to read.

use super::sent::Lookup;
use super::text::{Form, Part, Text};
use super::words::Private;
use crate::error::Result;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What stands in a file. Secrets may: such a file is written for its owner alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Contents(Text);

/// `contents!("user = \"{}\"\n", option_value(user))`: fixed text with a stretch for every `{}`.
#[macro_export]
macro_rules! contents {
    ($template:literal $(, $piece:expr)* $(,)?) => {{
        const { assert!($crate::domain::holes($template) == <[&str]>::len(&[$(stringify!($piece)),*]), "every place wants a piece") };
        $crate::domain::Contents::compose($template, [$($crate::domain::Contents::from($piece)),*])
    }};
}

impl Contents {
    /// `template` with `pieces`; by the macro [`contents!`](crate::contents), which counts them.
    #[must_use]
    pub fn compose<const N: usize>(template: &'static str, pieces: [Self; N]) -> Self {
        Self(Text::compose(template, pieces.map(|piece| piece.0)))
    }
    /// As it is.
    #[must_use]
    pub fn plain(text: impl Into<Private>) -> Self {
        Self(Text::of(vec![Part::Slot(Form::Plain, text.into())]))
    }
    /// This and then `more`.
    #[must_use]
    pub fn then(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        self
    }
    /// Its parts.
    #[must_use]
    pub fn text(&self) -> &Text {
        &self.0
    }
    /// Whether a secret stands in it.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        !self.0.secrets().is_empty()
    }
    /// As the file holds it.
    ///
    /// # Errors
    /// When a value is not known, or a secret was not read.
    pub fn for_file(&self, secrets: &dyn Lookup) -> Result<SecretString> {
        self.0.for_file(secrets)
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

impl From<&'static str> for Contents {
    fn from(text: &'static str) -> Self {
        Self(Text::of(vec![Text::fixed(text)]))
    }
}

impl fmt::Display for Contents {
    /// As people read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value between double quotes in an option file of a client program, whatever stands in it.
#[must_use]
pub fn option_value(value: impl Into<Private>) -> Contents {
    Contents(Text::of(vec![Part::Slot(Form::OptionValue, value.into())]))
}

#[cfg(test)]
mod tests {
    use super::{Contents, option_value};
    use crate::domain::secret::SecretRef;
    use secrecy::{ExposeSecret, SecretString};
    use std::collections::BTreeMap;

    #[test]
    fn values_stay_within_their_quotes() {
        let secrets = BTreeMap::from([("PW", SecretString::from("a\"\\\n".to_owned()))]);
        let file = contents!(
            "user = \"{}\"\npassword = \"{}\"\n",
            option_value("u\"\nx"),
            option_value(&SecretRef::Env("PW".into()))
        );
        let sent = file.for_file(&secrets).unwrap();
        assert_eq!(sent.expose_secret(), "user = \"u\\\"\\nx\"\npassword = \"a\\\"\\\\\\n\"\n");
        assert!(file.is_secret() && file.to_string().contains("‹secret PW›"));
        assert_eq!(Contents::plain("‹secret PW›").for_file(&secrets).unwrap().expose_secret(), "‹secret PW›");
    }
}
