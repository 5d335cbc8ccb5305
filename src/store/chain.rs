//! The hash chain of a run's entries: each entry contains the hash of the one before, so that a changed, missing, inserted
//! or moved entry is found when the run is read.
//!
//! Every field is hashed with its length before it: no two different entries have the same input.

use super::RunHead;
use blake3::Hasher;

/// The start of a run's chain: the hash of the run's id, its plan's hash, and the time of its creation. 64
/// lowercase hex digits, as every hash here.
#[must_use]
pub fn root(head: &RunHead) -> String {
    let mut hasher = Hasher::new();
    hasher.update(b"cutover run 1");
    field(&mut hasher, head.id.as_bytes());
    field(&mut hasher, head.hash.as_bytes());
    hasher.update(&head.created.to_le_bytes());
    hasher.finalize().to_hex().to_string()
}

/// The hash of an entry: it follows the entry with the hash `before`. `at` is its time in milliseconds since 1970, `data`
/// its event as stored.
#[must_use]
pub fn link(before: &str, run: &str, seq: u32, at: i64, data: &[u8]) -> String {
    let mut hasher = Hasher::new();
    hasher.update(b"cutover entry 1");
    field(&mut hasher, before.as_bytes());
    field(&mut hasher, run.as_bytes());
    hasher.update(&seq.to_le_bytes());
    hasher.update(&at.to_le_bytes());
    field(&mut hasher, data);
    hasher.finalize().to_hex().to_string()
}

fn field(hasher: &mut Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::{link, root};
    use crate::store::RunHead;

    fn head(id: &str, hash: &str, created: i64) -> RunHead {
        RunHead { id: id.into(), playbook: "p".into(), hash: hash.into(), created }
    }

    /// Existing journals contain these hashes: a change of the formula makes all of them look damaged.
    #[test]
    fn the_formula_stays_as_it_is() {
        let root = root(&head("r", "h", 1));
        assert_eq!(root, "4b8dc4e7a2c15da0e653471f6e0d208347c0ac2d4678065c5f3f01f293e7fa72");
        assert_eq!(link(&root, "r", 1, 5, b"{}"), "8fe0f4e61c71381d6df083994fd31a73c87d0442ae96ab9dc0c068f7d8b75e0d");
    }

    #[test]
    fn every_part_counts() {
        let whole = link("b", "r", 1, 5, b"{}");
        let others = [
            link("c", "r", 1, 5, b"{}"),
            link("b", "s", 1, 5, b"{}"),
            link("b", "r", 2, 5, b"{}"),
            link("b", "r", 1, 6, b"{}"),
            link("b", "r", 1, 5, b"[]"),
            link("br", "", 1, 5, b"{}"),
        ];
        assert!(others.iter().all(|other| *other != whole), "{others:?}");
        let roots =
            [head("r", "h", 1), head("rh", "", 1), head("r", "h", 2), head("s", "h", 1)].map(|head| root(&head));
        assert!((1..4).all(|n| !roots[..n].contains(&roots[n])), "{roots:?}");
        assert_eq!(whole.len(), 64);
    }
}
