//! `C001`: an `import` without a `benchmark` of its host's disk before it.

use crate::kinds::role::{CopiesTo, MeasuresDisk};
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C001",
    name: "import-without-benchmark",
    severity: Severity::Warning,
    title: "a dump is loaded onto an unmeasured disk",
    page: include_str!("import_without_benchmark.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let inventory = &subject.plan.world.inventory;
    let unmeasured = subject.playing::<CopiesTo>().filter(|(import, loads)| {
        let mut disks =
            subject.playing::<MeasuresDisk>().filter(|(_, disk)| disk.host == inventory.host_of(&loads.server));
        !disks.any(|(disk, _)| subject.is_before(disk, *import))
    });
    let finding = |(import, loads): (Pair<'_>, &CopiesTo)| {
        let host = inventory.host_of(&loads.server);
        let message =
            format!("`{}` loads a dump, and no step before it measures the disk of `{host}`", import.written.id);
        Finding::new(&RULE, import.written.uses_place, message)
            .label("unmeasured disk")
            .help(format!("add a `benchmark` step for `{host}`, and let this step need it"))
    };
    unmeasured.map(finding).collect()
}
