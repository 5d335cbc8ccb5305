//! Who needs whom, by place instead of by name, and how deep each step stands: what every drawing begins with.

use crate::kinds::Reversibility;
use crate::plan::{Plan, PlannedStep};
use std::collections::HashMap;

/// The edges of a plan. A need that is no step is left out, so that a plan from elsewhere is drawn all the same.
pub(super) struct Edges {
    /// Places of the steps that each step needs.
    pub needs: Vec<Vec<usize>>,
    /// Places of the steps that need it.
    pub followers: Vec<Vec<usize>>,
}

impl Edges {
    /// The edges among the steps of `plan`, by their places in it.
    pub fn of(plan: &Plan) -> Self {
        let places: HashMap<&str, usize> =
            plan.steps.iter().enumerate().map(|(place, step)| (step.id.as_str(), place)).collect();
        let place = |need: &String| places.get(need.as_str()).copied();
        let needs: Vec<Vec<usize>> =
            plan.steps.iter().map(|step| step.needs.iter().filter_map(place).collect()).collect();
        Self::from(needs)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.needs.iter().map(Vec::len).sum()
    }

    /// Whether each step is certain to run after `place`.
    pub fn after(&self, place: usize) -> Vec<bool> {
        let mut after = vec![false; self.needs.len()];
        let mut open = self.followers[place].clone();
        while let Some(step) = open.pop() {
            if !std::mem::replace(&mut after[step], true) {
                open.extend(&self.followers[step]);
            }
        }
        after
    }

    /// The steps, each after all that it needs; members of a circle are left out.
    pub fn order(&self) -> Vec<usize> {
        let mut missing: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        let mut order: Vec<usize> = (0..missing.len()).filter(|&step| missing[step] == 0).collect();
        let mut next = 0;
        while let Some(&step) = order.get(next) {
            next += 1;
            for &follower in &self.followers[step] {
                missing[follower] -= 1;
                if missing[follower] == 0 {
                    order.push(follower);
                }
            }
        }
        order
    }
}

impl From<Vec<Vec<usize>>> for Edges {
    fn from(needs: Vec<Vec<usize>>) -> Self {
        let mut followers = vec![Vec::new(); needs.len()];
        for (step, needed) in needs.iter().enumerate() {
            for &need in needed {
                followers[need].push(step);
            }
        }
        Self { needs, followers }
    }
}

/// Place of the step after which nothing is rolled back; the first one, should there be more.
pub(super) fn point_of_no_return(plan: &Plan) -> Option<usize> {
    plan.steps.iter().position(is_point_of_no_return)
}

/// Whether nothing is rolled back after `step`.
pub(super) fn is_point_of_no_return(step: &PlannedStep) -> bool {
    step.skip.is_none() && step.reversibility == Reversibility::PointOfNoReturn
}

#[cfg(test)]
mod tests {
    use super::Edges;

    #[test]
    fn order_and_what_comes_after() {
        // 3 needs 1 and 2, which need 0; 4 stands alone; 5 and 6 need each other
        let edges = Edges::from(vec![vec![], vec![0], vec![0], vec![1, 2], vec![], vec![6], vec![5]]);
        assert_eq!(edges.order(), [0, 4, 1, 2, 3]);
        assert_eq!(edges.after(1), [false, false, false, true, false, false, false]);
        assert_eq!(edges.count(), 6);
    }
}
