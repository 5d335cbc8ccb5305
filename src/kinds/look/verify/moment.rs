//! Moments in notes: as text with a zone, as people read them.

use serde::{Deserialize, Deserializer, Serializer, de};

pub(super) fn serialize<S: Serializer>(moment: &jiff::Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(moment)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<jiff::Timestamp, D::Error> {
    String::deserialize(from)?.parse().map_err(de::Error::custom)
}
