//! Pairs that were run with real servers, whole moves under writes, and what came of it.

use crate::domain::product::{Family, Product};
use serde::Serialize;

/// What came of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything arrived, nothing was lost.
    #[strum(to_string = "worked")]
    Worked,
    /// It stopped.
    #[strum(to_string = "failed")]
    Failed,
    /// It was not run.
    #[strum(to_string = "not run")]
    NotRun,
}

/// A pair that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// Family of both, with the series and the release of the old server.
    pub source: (Family, (u16, u16), &'static str),
    /// The same of the new one.
    pub target: (Family, (u16, u16), &'static str),
    /// The move.
    pub forward: Outcome,
    /// The old server as replica of the new one, and for `worked` a failback too.
    pub way_back: Outcome,
}

/// All of them. Releases are those that the trials had.
pub const TRIED: &[Tried] = &[];

/// The trial of a pair, by its series.
pub(super) fn of(source: Product, target: Product) -> Option<Tried> {
    let is = |side: &(Family, (u16, u16), &str), product: Product| {
        side.0 == product.family && side.1 == (product.version.0, product.version.1)
    };
    TRIED.iter().find(|tried| is(&tried.source, source) && is(&tried.target, target)).cloned()
}
