//! Selects the rehearsals for a server. Pure.

use crate::dialect::pairs::{Direction, direction};
use crate::domain::product::{Family, Product};
use std::path::{Path, PathBuf};

/// A server: its name on the command line of a rehearsal, and its product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its path, or its version.
    pub name: String,
    /// The product that it reports.
    pub product: Product,
}

/// One rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The old server.
    pub source: Given,
    /// The new one.
    pub target: Given,
    /// The swap, without folder and ending.
    pub swap: &'static str,
    /// Whether it is followed by `failback`.
    pub comes_back: bool,
    /// Whether the servers have certificates.
    pub tls: bool,
}

/// By position through a tunnel.
const BY_POSITION: &str = "replication_swap";
/// By GTID over TLS.
const BY_GTID: &str = "gtid_tls_swap";
/// The playbook that moves the application back after the first of them.
const BACK: &str = "failback";

impl Trial {
    /// Arguments of `cutover rehearse`: the playbook, the servers, and the inputs that a pair needs.
    #[must_use]
    pub fn words(&self, playbooks: &Path) -> Vec<String> {
        let file = |name: &str| playbooks.join(format!("{name}.yaml")).display().to_string();
        let mut words = vec![file(if self.comes_back { BACK } else { self.swap })];
        words.extend(["--source", &self.source.name, "--target", &self.target.name].map(str::to_owned));
        if !self.tls {
            words.push("--without-tls".into());
        }
        let inputs: &[&str] = match direction(self.source.product, self.target.product) {
            Direction::Older(_) => &["accept_older_target=true"],
            Direction::Gap(_) => &["allow=[version_gap]"],
            Direction::Supported | Direction::Impossible(_) => &[],
        };
        let way_back = (!self.comes_back).then_some("way_back=if_possible");
        words.extend(inputs.iter().copied().chain(way_back).flat_map(|set| ["--set".to_owned(), set.to_owned()]));
        words
    }
}

/// The rehearsals of a pair: each swap with and without TLS, and the way back where there can be one.
fn of_pair(source: &Given, target: &Given) -> Vec<Trial> {
    let is_possible = !matches!(direction(target.product, source.product), Direction::Impossible(_));
    let trial = |swap, comes_back, tls| Trial { source: source.clone(), target: target.clone(), swap, comes_back, tls };
    let mut trials = vec![trial(BY_POSITION, is_possible, true), trial(BY_POSITION, is_possible, false)];
    if source.product.family == target.product.family {
        trials.push(trial(BY_GTID, false, true)); // the families' GTIDs are not each other's
    }
    trials
}

/// All rehearsals of `server`: to itself, and without a `target` to and from each of `others` that its makers support. A
/// given `target` is tried unless it is known to be impossible.
#[must_use]
pub fn of(server: &Given, target: Option<&Given>, others: &[Given]) -> Vec<Trial> {
    let Some(target) = target else {
        let same = |other: &&Given| series(other.product) != series(server.product);
        let pairs = others.iter().filter(same).flat_map(|other| [(server, other), (other, server)]);
        let supported = pairs.filter(|(from, to)| direction(from.product, to.product) == Direction::Supported);
        let pairs = std::iter::once((server, server)).chain(supported);
        return pairs.flat_map(|(source, target)| of_pair(source, target)).collect();
    };
    let mut pairs = vec![(server, server), (server, target), (target, target)];
    pairs.dedup(); // it may be the same server
    let possible =
        |(from, to): &(&Given, &Given)| !matches!(direction(from.product, to.product), Direction::Impossible(_));
    pairs.into_iter().filter(possible).flat_map(|(source, target)| of_pair(source, target)).collect()
}

fn series(product: Product) -> (Family, u16, u16) {
    (product.family, product.version.0, product.version.1)
}

/// The shipped playbooks that they run.
#[must_use]
pub fn playbooks(folder: &Path) -> Vec<PathBuf> {
    [BY_POSITION, BY_GTID, BACK].iter().map(|name| folder.join(format!("{name}.yaml"))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Given, Trial, of};
    use std::path::Path;

    fn given(name: &str) -> Given {
        Given { name: name.into(), product: name.parse().unwrap() }
    }

    fn listed(trials: &[Trial]) -> Vec<String> {
        let line = |trial: &Trial| {
            let (tls, back) = (if trial.tls { " tls" } else { "" }, if trial.comes_back { " back" } else { "" });
            format!("{} {} {}{tls}{back}", trial.source.name, trial.target.name, trial.swap)
        };
        trials.iter().map(line).collect()
    }

    #[test]
    fn a_server_meets_itself_and_what_its_makers_support() {
        let others = ["10.5", "10.11", "11.8", "9.7"].map(given);
        let pairs = |name: &str| {
            let mut pairs: Vec<String> = of(&given(name), None, &others)
                .iter()
                .map(|trial| format!("{} {}", trial.source.name, trial.target.name))
                .collect();
            pairs.dedup();
            pairs
        };
        assert_eq!(pairs("8.4.3"), ["8.4.3 8.4.3", "8.4.3 9.7"]);
        assert_eq!(pairs("11.4.8"), ["11.4.8 11.4.8", "10.5 11.4.8", "10.11 11.4.8", "11.4.8 11.8"]);
        assert_eq!(pairs("10.11.19"), ["10.11.19 10.11.19", "10.5 10.11.19", "10.11.19 11.8"]);
    }

    #[test]
    fn a_pair_is_tried_with_and_without_tls_and_back() {
        assert_eq!(
            listed(&of(&given("9.7.4"), None, &[])),
            [
                "9.7.4 9.7.4 replication_swap tls back",
                "9.7.4 9.7.4 replication_swap back",
                "9.7.4 9.7.4 gtid_tls_swap tls"
            ]
        );
    }

    #[test]
    fn a_target_that_is_given_is_tried_unless_it_cannot_work() {
        let (mysql, mariadb, old) = (given("9.7.4"), given("11.8.9"), given("10.11.19"));
        let across = of(&mysql, Some(&mariadb), &[]);
        let there: Vec<&Trial> = across.iter().filter(|trial| trial.source != trial.target).collect();
        assert_eq!(there.len(), 2, "{across:?}");
        let words = there[1].words(Path::new("playbooks")).join(" ");
        let expected = "playbooks/replication_swap.yaml --source 9.7.4 --target 11.8.9 --without-tls --set \
                        allow=[version_gap] --set way_back=if_possible";
        assert_eq!(words, expected);
        assert_eq!(of(&mysql, Some(&mysql), &[]), of(&mysql, None, &[]));
        assert!(of(&mysql, Some(&old), &[]).iter().all(|trial| trial.source == trial.target));
    }
}
