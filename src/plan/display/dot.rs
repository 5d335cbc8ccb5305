//! The plan in Graphviz' language: needs as arrows, blocks as clusters, the point of no return in red.

use super::edges::{Edges, is_point_of_no_return};
use super::groups::{Group, groups};
use super::wording;
use crate::plan::{Plan, PlannedStep};
use std::fmt::Write as _;

/// The whole plan as a `digraph`, to be drawn with `dot -Tsvg`.
#[must_use]
pub fn dot(plan: &Plan) -> String {
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = write_graph(&mut out, plan);
    out
}

fn write_graph(out: &mut String, plan: &Plan) -> std::fmt::Result {
    let title = escaped(&format!("{}  {}", plan.name, wording::short_hash(plan)));
    writeln!(out, "digraph plan {{")?;
    writeln!(out, "  graph [label=\"{title}\", labelloc=t, fontname=\"sans-serif\"];")?;
    writeln!(out, "  node [shape=box, style=rounded, fontname=\"sans-serif\"];")?;
    writeln!(out, "  edge [fontname=\"sans-serif\"];")?;
    for Group { block, first, steps } in groups(plan) {
        let indent = if block.is_some() { "    " } else { "  " };
        if let Some((index, block)) = block {
            writeln!(out, "  subgraph cluster_{index} {{")?;
            writeln!(out, "    graph [label=\"{}\", labelloc=t, style=dashed];", escaped(&wording::block(block)))?;
        }
        for (place, step) in (first..).zip(steps) {
            write_node(out, place, step, indent)?;
        }
        if block.is_some() {
            writeln!(out, "  }}")?;
        }
    }
    for (place, needs) in Edges::of(plan).needs.iter().enumerate() {
        for &need in needs {
            let beyond = if is_point_of_no_return(&plan.steps[need]) {
                " [label=\"no way back\", color=\"#c62828\", fontcolor=\"#c62828\", penwidth=3]"
            } else {
                ""
            };
            writeln!(out, "  step{need} -> step{place}{beyond};")?;
        }
    }
    writeln!(out, "}}")
}

fn write_node(out: &mut String, place: usize, step: &PlannedStep, indent: &str) -> std::fmt::Result {
    let (about, attributes) = match step {
        step if step.skip.is_some() => ("\\nskipped", ", style=\"rounded,dashed\", fontcolor=gray40"),
        step if is_point_of_no_return(step) => ("\\nPOINT OF NO RETURN", ", color=\"#c62828\", penwidth=3"),
        _ => ("", ""),
    };
    writeln!(out, "{indent}step{place} [label=\"{}\\n{}{about}\"{attributes}];", escaped(&step.id), escaped(&step.uses))
}

/// A text within a quoted label: Graphviz reads escapes and HTML's entities there.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_label_ends_where_it_should() {
        assert_eq!(escaped("a\"b\\N &lt;\nc\\"), "a\\\"b\\\\N &amp;lt;\\nc\\\\");
    }
}
