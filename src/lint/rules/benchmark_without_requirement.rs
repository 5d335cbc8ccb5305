//! `C002`: a `benchmark` that requires nothing.

use crate::kinds::role::MeasuresDisk;
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C002",
    name: "benchmark-without-requirement",
    severity: Severity::Warning,
    title: "a disk measurement that cannot fail",
    page: include_str!("benchmark_without_requirement.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let lax = subject.playing::<MeasuresDisk>().filter(|(_, measures)| !measures.requires);
    lax.map(|(step, _)| {
        let message = format!("`{}` measures a disk, but accepts any result", step.written.id);
        Finding::new(&RULE, step.written.uses_place, message)
            .label("requires nothing")
            .help("state what the disk must reach: `require: { write_iops: 10000, fsync_p99: 5ms }`")
    })
    .collect()
}
