//! Pairs that were run with real servers, whole moves under writes, and the outcome.

use crate::domain::product::{Family, Product};
use serde::Serialize;

/// Outcome of one direction.
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

const MARIADB_10_5: (Family, (u16, u16), &str) = (Family::MariaDb, (10, 5), "10.5.23");
const MARIADB_10_11: (Family, (u16, u16), &str) = (Family::MariaDb, (10, 11), "10.11.19");
const MARIADB_11_8: (Family, (u16, u16), &str) = (Family::MariaDb, (11, 8), "11.8.9");
const MYSQL_9_7: (Family, (u16, u16), &str) = (Family::MySql, (9, 7), "9.7.4");

/// All of them. Releases are those that the trials had: `rehearse` with `replication_swap.yaml` and then `failback.yaml`. Its
/// application writes rows; docs/routes.md lists what else 10.5 does not accept from 11.8.
pub const TRIED: &[Tried] = &[
    worked(MARIADB_10_5, MARIADB_10_11),
    worked(MARIADB_10_5, MARIADB_11_8),
    worked(MARIADB_10_11, MARIADB_10_11),
    worked(MARIADB_10_11, MARIADB_11_8),
    worked(MARIADB_11_8, MARIADB_11_8),
    // with `accept_older_target: true`, on servers started by hand
    worked(MARIADB_11_8, MARIADB_10_11),
    worked(MYSQL_9_7, MYSQL_9_7),
    // with `allow: [version_gap]` and `way_back: none`; the sandbox puts caching_sha2_password.so into the target's plugin_dir
    Tried { source: MYSQL_9_7, target: MARIADB_11_8, forward: Outcome::Worked, way_back: Outcome::NotRun },
];

/// A pair that worked both ways.
const fn worked(source: (Family, (u16, u16), &'static str), target: (Family, (u16, u16), &'static str)) -> Tried {
    Tried { source, target, forward: Outcome::Worked, way_back: Outcome::Worked }
}

/// The trial of a pair, by its series.
pub(super) fn of(source: Product, target: Product) -> Option<Tried> {
    let is = |side: &(Family, (u16, u16), &str), product: Product| {
        side.0 == product.family && side.1 == (product.version.0, product.version.1)
    };
    TRIED.iter().find(|tried| is(&tried.source, source) && is(&tried.target, target)).cloned()
}
