//! Comments that allow a finding, with a reason.

use crate::review::desk::{Desk, INVENTORY, PLAYBOOK, changed, text};
use serde_json::{Value, json};

const FENCE: &str = "  - id: switch\n";
const NO_DEADLINE: (&str, &str) = ("    deadline: 10s\n", "");

/// The codes that count, and those that are allowed, with their reasons.
fn codes(playbook: &str) -> (Value, Value) {
    let (_, report) = Desk::new(playbook, INVENTORY).json(&["--strict"]);
    let all = |list: &str, field: &str| report[list].as_array().unwrap().iter().map(|f| f[field].clone()).collect();
    (all("findings", "code"), all("allowed", "because"))
}

fn without_deadline(from: &str, to: &str) -> String {
    changed(&changed(PLAYBOOK, NO_DEADLINE.0, NO_DEADLINE.1), from, to)
}

#[test]
fn holds_on_the_line_before_at_the_end_and_above_all() {
    let before = without_deadline(FENCE, "  # cutover: allow C007 because a person watches\n  - id: switch\n");
    let after = without_deadline(FENCE, "  - id: switch # cutover: allow C007 because a person watches\n");
    let above = format!("# cutover: allow C007 because a person watches\n{}", without_deadline(FENCE, FENCE));
    let with_blank =
        without_deadline(FENCE, "  # cutover: allow c007 because a person watches\n\n  # more\n  - id: switch\n");
    for playbook in [before, after, above, with_blank] {
        assert_eq!(codes(&playbook), (json!([]), json!(["a person watches"])), "{playbook}");
    }
}

#[test]
fn holds_for_the_whole_of_what_begins_there_and_for_nothing_else() {
    let on_block = changed(PLAYBOOK, "sync_binlog: 1", "sync_binlog: 0");
    let within = changed(&on_block, FENCE, "  # cutover: allow C003 because it is a test\n  - id: switch\n");
    assert_eq!(codes(&within), (json!([]), json!(["it is a test"])));
    let elsewhere =
        changed(&on_block, "  - id: dump\n", "  # cutover: allow C003 because it is a test\n  - id: dump\n");
    assert_eq!(codes(&elsewhere), (json!(["C020", "C003"]), json!([])));
}

#[test]
fn without_a_reason_it_does_not_count() {
    let playbook = without_deadline(FENCE, "  # cutover: allow C007\n  - id: switch\n");
    assert_eq!(codes(&playbook), (json!(["C019", "C007"]), json!([])));
    let empty = without_deadline(FENCE, "  # cutover: allow C007 because\n  - id: switch\n");
    assert_eq!(codes(&empty), (json!(["C019", "C007"]), json!([])));
}

#[test]
fn several_codes_in_one_comment() {
    let two = changed(&without_deadline(FENCE, FENCE), "sync_binlog: 1", "sync_binlog: 0");
    let playbook = changed(&two, FENCE, "  - id: switch # cutover: allow C003, C007 because it is a test\n");
    assert_eq!(codes(&playbook), (json!([]), json!(["it is a test", "it is a test"])));
    let one_too_many = without_deadline(FENCE, "  - id: switch # cutover: allow C003, C007 because it is a test\n");
    assert_eq!(codes(&one_too_many), (json!(["C020"]), json!(["it is a test"])));
}

#[test]
fn the_inventory_has_comments_of_its_own() {
    let inventory =
        changed(INVENTORY, "server_id: 2", "server_id: 1 # cutover: allow C015 because both are one server");
    let (code, report) = Desk::new(PLAYBOOK, &inventory).json(&["--strict"]);
    assert_eq!((code, &report["findings"]), (Some(0), &json!([])));
    assert_eq!(report["allowed"][0]["because"], "both are one server");
}

#[test]
fn what_is_not_valid_cannot_be_allowed() {
    let playbook = changed(PLAYBOOK, "uses: benchmark", "uses: benchmrak # cutover: allow C000 because why not");
    let desk = Desk::new(&playbook, INVENTORY);
    assert_eq!(desk.json(&[]).0, Some(2));
    assert!(text(&desk.check(&[]).stderr).contains("benchmrak"));
}
