//! The plan as a Mermaid flowchart: needs as arrows, blocks as subgraphs, thick arrows out of the point of no return.

use super::edges::{Edges, is_point_of_no_return};
use super::groups::{Group, groups};
use super::wording;
use crate::plan::{Plan, PlannedStep};
use std::fmt::Write as _;

/// The whole plan as a flowchart. Nodes carry numbers as ids, so no name can be mistaken for syntax.
#[must_use]
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = write_chart(&mut out, plan);
    out
}

fn write_chart(out: &mut String, plan: &Plan) -> std::fmt::Result {
    writeln!(out, "flowchart TD")?;
    for Group { block, first, steps } in groups(plan) {
        let indent = if block.is_some() { "    " } else { "  " };
        if let Some((index, block)) = block {
            writeln!(out, "  subgraph block{index}[\"{}\"]", escaped(&wording::block(block)))?;
        }
        for (place, step) in (first..).zip(steps) {
            write_node(out, place, step, indent)?;
        }
        if block.is_some() {
            writeln!(out, "  end")?;
        }
    }
    for (place, needs) in Edges::of(plan).needs.iter().enumerate() {
        for &need in needs {
            let arrow = if is_point_of_no_return(&plan.steps[need]) { "==>|no way back|" } else { "-->" };
            writeln!(out, "  step{need} {arrow} step{place}")?;
        }
    }
    writeln!(out, "  classDef noReturn stroke:#c62828,stroke-width:4px,font-weight:bold")?;
    writeln!(out, "  classDef skipped stroke-dasharray:4 4,color:#888")
}

fn write_node(out: &mut String, place: usize, step: &PlannedStep, indent: &str) -> std::fmt::Result {
    let (id, uses) = (escaped(&step.id), escaped(&step.uses));
    let (about, class) = match step {
        step if step.skip.is_some() => ("<br/>skipped", ":::skipped"),
        step if is_point_of_no_return(step) => ("<br/>POINT OF NO RETURN", ":::noReturn"),
        _ => ("", ""),
    };
    writeln!(out, "{indent}step{place}[\"{id}<br/>{uses}{about}\"]{class}")
}

/// Every character that could mean something to Mermaid, or to the HTML it makes, as a number.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_alphanumeric() || " ,.:-_".contains(letter) {
            out.push(letter);
        } else {
            // writing into a String cannot fail
            let _ = write!(out, "#{};", u32::from(letter));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_of_a_name_is_syntax() {
        assert_eq!(escaped("größe 10.5_a-b"), "größe 10.5_a-b");
        assert_eq!(escaped("a\"]; <b>#`|\n"), "a#34;#93;#59; #60;b#62;#35;#96;#124;#10;");
    }
}
