//! Steps that stand in one block, or outside any, in file order: what drawings put a frame around.

use crate::plan::{Plan, PlannedBlock, PlannedStep};

/// Neighbouring steps of the same block, or of none.
pub(super) struct Group<'a> {
    /// The block and its place among the blocks.
    pub block: Option<(usize, &'a PlannedBlock)>,
    /// Place of the first step in the plan.
    pub first: usize,
    /// The steps.
    pub steps: &'a [PlannedStep],
}

/// All steps in groups.
pub(super) fn groups(plan: &Plan) -> Vec<Group<'_>> {
    let mut first = 0;
    let chunks = plan.steps.chunk_by(|one, next| one.block == next.block);
    let groups = chunks.map(|steps| {
        let name = steps[0].block.as_deref();
        let block = plan.blocks.iter().enumerate().find(|(_, block)| Some(block.id.as_str()) == name);
        let group = Group { block, first, steps };
        first += steps.len();
        group
    });
    groups.collect()
}
