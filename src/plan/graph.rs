//! The DAG: who comes before whom, cycles with all their members, and the file order that breaks ties.

use fixedbitset::FixedBitSet;
use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, Reversed};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Plans up to this many steps keep every step's ancestors (a bit for each pair: 50 MB here); a longer one searches.
const CLOSURE_STEPS: usize = 20_000;

/// Steps as nodes in file order; an edge leads from a step to one that needs it.
#[derive(Debug, Default)]
pub struct Graph {
    dag: DiGraph<String, ()>,
    index: HashMap<String, NodeIndex>,
    /// All ancestors of each step, made when a step first refers to one that it does not need directly.
    ancestors: OnceLock<Option<Vec<FixedBitSet>>>,
}

impl Graph {
    /// A graph of `steps`, each with the steps it needs. Needs that are no steps are left out.
    pub fn new<'a>(steps: impl Iterator<Item = (&'a str, Vec<&'a str>)> + Clone) -> Self {
        let mut graph = Self::default();
        for (id, _) in steps.clone() {
            let node = graph.dag.add_node(id.to_owned());
            graph.index.entry(id.to_owned()).or_insert(node);
        }
        for (id, needs) in steps {
            for need in needs {
                if let (Some(&from), Some(&to)) = (graph.index.get(need), graph.index.get(id)) {
                    graph.dag.update_edge(from, to, ());
                }
            }
        }
        graph
    }

    /// Every cycle, with all its members in the order of the file.
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<&str>> {
        let mut cycles: Vec<Vec<NodeIndex>> = tarjan_scc(&self.dag)
            .into_iter()
            .filter(|members| members.len() > 1 || self.dag.contains_edge(members[0], members[0]))
            .collect();
        for members in &mut cycles {
            members.sort();
        }
        cycles.sort();
        cycles.into_iter().map(|members| members.into_iter().map(|node| self.dag[node].as_str()).collect()).collect()
    }

    /// Whether `earlier` is certain to be finished before `later` begins.
    #[must_use]
    pub fn comes_before(&self, earlier: &str, later: &str) -> bool {
        let (Some(&earlier), Some(&later)) = (self.index.get(earlier), self.index.get(later)) else { return false };
        if self.dag.contains_edge(earlier, later) {
            return true;
        }
        if let Some(ancestors) = self.ancestors.get_or_init(|| self.closure()) {
            return ancestors[later.index()].contains(earlier.index());
        }
        let reversed = Reversed(&self.dag);
        let mut dfs = Dfs::new(reversed, later);
        dfs.next(reversed); // itself
        std::iter::from_fn(|| dfs.next(reversed)).any(|node| node == earlier)
    }

    /// The ancestors of every step; none for a graph with a cycle or with too many steps.
    fn closure(&self) -> Option<Vec<FixedBitSet>> {
        let count = self.dag.node_count();
        if count > CLOSURE_STEPS {
            return None;
        }
        let mut ancestors = vec![FixedBitSet::with_capacity(count); count];
        for node in toposort(&self.dag, None).ok()? {
            let mut mine = std::mem::take(&mut ancestors[node.index()]);
            for need in self.dag.neighbors_directed(node, petgraph::Incoming) {
                mine.union_with(&ancestors[need.index()]);
                mine.insert(need.index());
            }
            ancestors[node.index()] = mine;
        }
        Some(ancestors)
    }
}

#[cfg(test)]
mod tests {
    use super::Graph;

    #[test]
    fn names_all_members_of_a_cycle_and_knows_the_order() {
        let steps = [("a", vec!["c"]), ("b", vec!["a"]), ("c", vec!["b"]), ("d", vec!["c"]), ("e", vec!["e"])];
        let graph = Graph::new(steps.into_iter());
        assert_eq!(graph.cycles(), [vec!["a", "b", "c"], vec!["e"]]);
        let chain = Graph::new([("a", vec![]), ("b", vec!["a"]), ("c", vec!["b"])].into_iter());
        assert!(chain.comes_before("a", "c") && !chain.comes_before("c", "a") && !chain.comes_before("a", "a"));
        assert!(chain.cycles().is_empty());
        let forked = Graph::new([("a", vec![]), ("b", vec!["a"]), ("c", vec!["a"]), ("d", vec!["c"])].into_iter());
        assert!(forked.comes_before("a", "d") && !forked.comes_before("b", "d") && !forked.comes_before("d", "a"));
    }
}
