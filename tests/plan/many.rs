//! Two thousand steps, planned by the unhurried build that tests are made of. A file of ten thousand stays in `target/tmp`, to
//! be timed with a release build: see below.

use crate::plan::{INVENTORY, cutover, printed, text};
use cutover::plan::{Plan, display};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

const STEPS: usize = 2_000;
const STEPS_TO_TIME: usize = 10_000;

/// A playbook of five kinds in turn, with templates, conditions, hooks, references to outputs far back, and names of
/// tunnels: all that makes the planner look something up.
fn playbook(steps: usize) -> String {
    let mut out = "version: 1\nname: many\ninputs:\n  databases: { type: list, default: [shop, crm] }\n  \
                   greeting: { type: string, default: hello }\nsteps:\n"
        .to_owned();
    for i in 0..steps {
        let before = if i % 5 == 3 { 1 } else { 5 };
        let needs = [i.checked_sub(before), i.checked_sub(7).filter(|_| i % 3 == 0)];
        let needs: Vec<String> = needs.iter().flatten().map(|need| format!("s{need}")).collect();
        let _ = writeln!(out, "  - id: s{i}\n    needs: [{}]", needs.join(", "));
        let _ = match i % 5 {
            0 => {
                let far = if i >= 10 { format!(", \"{{{{ steps.s{}.stdout }}}}\"", i / 10 * 5) } else { String::new() };
                writeln!(
                    out,
                    "    uses: command\n    with: {{ host: \"{{{{ servers.target.host }}}}\", \
                     run: [echo, \"{{{{ inputs.greeting }}}} {i}\"{far}] }}"
                )
            }
            1 => writeln!(
                out,
                "    uses: sql\n    with: {{ server: source, \
                 statements: [\"SELECT {i} FROM {{{{ inputs.databases[0] }}}}.t\"] }}"
            ),
            2 => writeln!(
                out,
                "    uses: tunnel\n    with: {{ from: new, listen: \"127.0.0.1:{}\", to: old, \
                 forward: \"{{{{ servers.source.address }}}}\" }}",
                10_000 + i
            ),
            3 => writeln!(
                out,
                "    uses: replication_account\n    when: \"inputs.greeting == 'hello'\"\n    \
                 with: {{ server: source, replica: target, through: s{} }}",
                i - 1
            ),
            _ => writeln!(
                out,
                "    uses: set_variables\n    with: {{ server: target, variables: {{ innodb_io_capacity: {i} }} }}\n    \
                 rollback:\n      - {{ uses: command, with: {{ host: new, run: [echo, \"{{{{ inputs.greeting }}}}\"] }} }}"
            ),
        };
    }
    out
}

/// `time target/release/cutover check target/tmp/many.yaml -i tests/plan/inventory.yaml`
#[test]
fn thousands_of_steps_are_planned_whole() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("many.yaml"), playbook(STEPS_TO_TIME)).unwrap();
    let path = folder.join("some.yaml");
    std::fs::write(&path, playbook(STEPS)).unwrap();
    let path = path.to_str().unwrap();
    let checked = printed(&["check", path, "-i", INVENTORY]);
    assert!(checked.contains("is valid: 2000 steps"), "{checked}");

    let plan = cutover(&["plan", path, "-i", INVENTORY, "--format", "json"]).output().unwrap();
    let plan: Value = serde_json::from_str(&text(&plan)).unwrap();
    displayed(&serde_json::from_value(plan.clone()).unwrap());
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(steps.len(), STEPS);
    assert_eq!(steps[1990]["with"]["run"], serde_json::json!(["echo", "hello 1990", "‹steps.s995.stdout›"]));
    assert_eq!(
        steps[1991]["actions"][1]["statement"],
        serde_json::json!([{ "slot": ["verbatim", ["SELECT 1991 FROM shop.t"]] }])
    );
    assert_eq!(steps[1993]["with"]["through"]["listen"], "127.0.0.1:11992");
}

/// Every display ends, and the graphs that nobody could read are left out.
fn displayed(plan: &Plan) {
    assert_eq!(display::mermaid(plan).matches(" --> ").count(), display::dot(plan).matches(" -> ").count());
    let (markdown, html) = (display::markdown(plan, display::Beside::default()), display::html(plan));
    assert!(html.contains("s1999") && markdown.encode_utf16().count() <= display::LONGEST);
    assert!(markdown.contains("left out to fit into a comment") && markdown.trim_end().ends_with("shows all of it."));
    for page in [markdown, html] {
        assert!(page.contains("The graph is left out: 2000 steps") && page.contains("s400"));
        assert!(!page.contains("<svg") && !page.contains("flowchart"));
    }
}
