//! `C010`: an `import` with `binlog: true`.

use crate::kinds::role::CopiesTo;
use crate::lint::edit;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C010",
    name: "import-into-binlog",
    severity: Severity::Warning,
    title: "the load is written to the new server's own binary log",
    page: include_str!("import_into_binlog.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let logged = subject.playing::<CopiesTo>().filter(|(_, loads)| loads.logged);
    logged
        .map(|(step, _)| {
            let message = format!("`{}` writes the whole load to the server's own binary log", step.written.id);
            let finding =
                Finding::new(&RULE, step.place_of("binlog"), message).label("creates transactions of its own");
            let finding = finding.help("remove it, or state the reason in a comment");
            finding.fix(edit::set_field(subject.document, &step.written.with, "binlog", "false"))
        })
        .collect()
}
