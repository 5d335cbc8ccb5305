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
pub use markdown::markdown;
pub use mermaid::mermaid;
pub use text::text;

use crate::plan::Plan;
use edges::Edges;

/// Pages for people draw no more steps than this: nobody could read it, and GitHub refuses it.
const DRAWN_STEPS: usize = 300;
/// Mermaid refuses more arrows than this, unless a page allows it.
const DRAWN_EDGES: usize = 500;

/// Why a page for people leaves out the graph of `plan`.
fn too_large(plan: &Plan, edges: &Edges) -> Option<String> {
    let (steps, arrows) = (plan.steps.len(), edges.count());
    (steps > DRAWN_STEPS || arrows > DRAWN_EDGES)
        .then(|| format!("The graph is left out: {steps} steps and {arrows} arrows are more than can be read."))
}
