//! Plans as they were kept, in files and journals, by programs of every version. Their format is read before anything else
//! of them, because the parts of an older plan have other shapes.

mod format_1;

use super::{FORMAT, Plan};
use crate::error::{Failure, Result};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// What is read of a kept plan before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Format {
    /// Version of its format.
    pub format: u32,
}

/// Why a kept plan cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is no plan.
    #[error("{0}")]
    Damaged(#[from] serde_json::Error),
    /// A newer program made it.
    #[error("it has format {0}, made by a newer program")]
    Newer(u32),
    /// It is not as it was written.
    #[error("the hash in the plan does not match its contents")]
    Changed,
}

impl Plan {
    /// A plan that was kept, of this format or an older one, for people to read. The actions of an older one are notes.
    ///
    /// # Errors
    /// When it is of a newer format, or is not as it was written.
    pub fn kept(text: &str) -> Result<Self, Unreadable> {
        if serde_json::from_str::<Format>(text)?.format != FORMAT {
            return Self::kept_before(serde_json::from_str(text)?);
        }
        let plan: Self = serde_json::from_str(text)?;
        if plan.hash == plan.digest() { Ok(plan) } else { Err(Unreadable::Changed) }
    }

    /// The same of an older format.
    ///
    /// # Errors
    /// As [`Plan::kept`].
    pub fn kept_before(plan: Value) -> Result<Self, Unreadable> {
        let Format { format } = Format::deserialize(&plan)?;
        if format >= FORMAT {
            return Err(Unreadable::Newer(format));
        }
        if !has_its_hash(&plan) {
            return Err(Unreadable::Changed);
        }
        Ok(serde_json::from_value(format_1::with_notes(plan))?)
    }

    /// Whether this program may run the plan, and continue or roll back a run of it: everything except reading it.
    /// `of` names the plan or its run in the refusal.
    ///
    /// # Errors
    /// `Refused` for a plan of another format.
    pub fn may_be_carried_out(&self, of: &str) -> Result<()> {
        let Some(maker) = maker(self.format) else { return Ok(()) };
        let answer =
            format!("its plan has format {}, made by cutover {maker}; this program runs format {FORMAT}", self.format);
        let help = format!("use cutover {maker} for it; this program can only list, show and report it");
        Err(Failure::refused(format!("continue with {of}"), answer).now("nothing was changed").help(help))
    }
}

/// Which versions of this program run plans of another format than this one's.
#[must_use]
pub fn maker(format: u32) -> Option<Cow<'static, str>> {
    match format {
        FORMAT => None,
        0 | 1 => Some("0.1.x".into()),
        newer => Some(format!("with plan format {newer}").into()),
    }
}

/// Whether something that was kept as JSON, with a hash over everything else in it, is as it was written. Keys keep their
/// order and numbers their form, so that this can be checked whatever its shape.
#[must_use]
pub fn has_its_hash(kept: &Value) -> bool {
    let mut bare = kept.clone();
    let Some(hash) = bare.get_mut("hash").map(Value::take) else { return false };
    bare["hash"] = "".into();
    let digest = serde_json::to_vec(&bare).map(|text| blake3::hash(&text).to_hex());
    digest.is_ok_and(|digest| hash == digest.as_str())
}
