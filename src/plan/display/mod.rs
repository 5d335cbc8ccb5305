//! The plan as people and their tools read it: one file a display. What is shown is the very value that the engine
//! executes. Pure.

mod dot;
mod edges;
mod groups;
mod html;
mod layout;
mod markdown;
pub mod markup;
mod mermaid;
mod svg;
mod text;
mod wording;

pub use dot::dot;
pub use html::html;
pub use markdown::{Beside, LONGEST, markdown, marker};
pub use mermaid::mermaid;
pub use svg::{Live, Mark, short};
pub use text::text;

use crate::plan::Plan;
use edges::Edges;

/// Pages for people draw no more steps than this: nobody could read it, and GitHub refuses it.
const DRAWN_STEPS: usize = 300;
/// Mermaid refuses more arrows than this, unless a page allows it.
const DRAWN_EDGES: usize = 500;

/// Each server of a plan with its address, host, account and product.
#[must_use]
pub fn servers(plan: &Plan) -> Vec<(&str, String)> {
    wording::servers(plan)
}

/// A drawing of a run of `plan`, with a mark for each step; `Err` states why it cannot be drawn.
///
/// # Errors
/// When the graph is larger than anybody could read.
pub fn live(plan: &Plan, marks: &[Mark]) -> Result<Live, String> {
    let edges = Edges::of(plan);
    match too_large(plan, &edges) {
        Some(why) => Err(why),
        None => Ok(svg::live(plan, &edges, marks)),
    }
}

/// Why a page for people leaves out the graph of `plan`.
fn too_large(plan: &Plan, edges: &Edges) -> Option<String> {
    let (steps, arrows) = (plan.steps.len(), edges.count());
    (steps > DRAWN_STEPS || arrows > DRAWN_EDGES)
        .then(|| format!("The graph is left out: {steps} steps and {arrows} arrows are too many to read."))
}
