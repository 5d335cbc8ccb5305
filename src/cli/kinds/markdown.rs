//! The reference of step kinds as a page for a repository.

use crate::plan::reference::Reference;
use std::fmt::Write as _;

/// The page.
pub(super) fn page(references: &[Reference]) -> String {
    let mut out = String::new();
    // writing into a String cannot fail
    let _ = write_page(&mut out, references);
    out
}

fn write_page(out: &mut String, references: &[Reference]) -> std::fmt::Result {
    writeln!(out, "# Step kinds\n")?;
    writeln!(out, "Made with `cutover kinds --format markdown`; a test fails when the program says otherwise.\n")?;
    for kind in references {
        writeln!(out, "- [`{0}`](#{0})", kind.name)?;
    }
    references.iter().try_for_each(|kind| write_kind(out, kind))
}

fn write_kind(out: &mut String, kind: &Reference) -> std::fmt::Result {
    writeln!(out, "\n## `{}`\n\n{}\n\n**Taken back:** {}\n", kind.name, kind.about, kind.undo)?;
    writeln!(out, "```yaml\n- id: {0}\n  uses: {0}\n  with: {1}\n```\n", kind.name, kind.example)?;
    writeln!(out, "| parameter | type | default | meaning |\n|---|---|---|---|")?;
    for parameter in &kind.parameters {
        let default = match &parameter.default {
            _ if parameter.required => "required".to_owned(),
            None => String::new(),
            Some(default) => format!("`{default}`"),
        };
        let (kind, about) = (cell(&parameter.kind), cell(&parameter.about));
        writeln!(out, "| `{}` | {kind} | {} | {about} |", parameter.name, cell(&default))?;
    }
    if !kind.outputs.is_empty() {
        writeln!(out, "\n| output | type | meaning |\n|---|---|---|")?;
    }
    for output in &kind.outputs {
        writeln!(out, "| `{}` | {} | {} |", output.name, output.kind, cell(output.about))?;
    }
    Ok(())
}

/// A bar would end the cell, even within code.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
