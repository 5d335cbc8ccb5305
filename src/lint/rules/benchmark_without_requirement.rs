//! `C002`: a `benchmark` that requires nothing.

use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C002",
    name: "benchmark-without-requirement",
    severity: Severity::Warning,
    title: "a measurement that cannot refuse",
    page: include_str!("benchmark_without_requirement.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let requires = |step: &Pair<'_>| {
        let require = step.planned.with.get("require").and_then(serde_json::Value::as_object);
        require.is_some_and(|require| require.values().any(|value| !value.is_null()))
    };
    let lax = subject.of_kind("benchmark").filter(|step| !requires(step));
    lax.map(|step| {
        let message = format!("`{}` measures a disk, and goes on whatever it finds", step.written.id);
        Finding::new(&RULE, step.written.uses_place, message)
            .label("requires nothing")
            .help("say what the disk must reach: `require: { write_iops: 10000, fsync_p99: 5ms }`")
    })
    .collect()
}
