//! `C001`: an `import` without a `benchmark` of its host's disk before it.

use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C001",
    name: "import-without-benchmark",
    severity: Severity::Warning,
    title: "a dump is loaded onto a disk that nobody has measured",
    page: include_str!("import_without_benchmark.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let unmeasured = subject.of_kind("import").filter(|import| {
        let host = subject.plan.world.inventory.host_of(import.text("server"));
        !subject.of_kind("benchmark").any(|disk| disk.text("host") == host && subject.is_before(disk, *import))
    });
    let finding = |import: Pair<'_>| {
        let host = subject.plan.world.inventory.host_of(import.text("server"));
        let message =
            format!("`{}` loads a dump, and no step before it measures the disk of `{host}`", import.written.id);
        Finding::new(&RULE, import.written.uses_place, message)
            .label("onto a disk nobody has measured")
            .help(format!("add a `benchmark` step for `{host}`, and its id to the `needs` on the way to this step"))
    };
    unmeasured.map(finding).collect()
}
