//! A plan that was changed by hand, hash and all, is not carried out: the kinds themselves say something else.

use crate::plan::{INVENTORY, PLAYBOOK, cutover, shipped};
use cutover::kinds::Action;
use cutover::plan::load::{self, Sources};
use cutover::plan::{Plan, PlannedStep};
use cutover::survey::Survey;
use cutover::survey::saved::SavedPlan;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn sources(playbook: &Path) -> Sources {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Sources { playbook: root.join(playbook), inventory: Some(root.join(INVENTORY)), ..Sources::default() }
}

fn plan(playbook: &Path) -> Plan {
    load::plan(&sources(playbook)).unwrap()
}

/// The same plan after it was written and read.
fn kept(plan: &Plan) -> Plan {
    serde_json::from_str(&serde_json::to_string(plan).unwrap()).unwrap()
}

/// Changes one letter of the first word in a statement, a command or a file.
fn change_one_letter(action: &mut Value) -> bool {
    match action {
        Value::String(text) if text.len() > 3 && text.is_ascii() => {
            let last = text.pop().unwrap();
            text.push(if last == 'x' { 'y' } else { 'x' });
            true
        }
        Value::Array(items) => items.iter_mut().any(change_one_letter),
        Value::Object(map) => map.iter_mut().filter(|(key, _)| *key != "do").any(|(_, value)| change_one_letter(value)),
        _ => false,
    }
}

#[test]
fn what_the_kinds_state_is_what_stands_in_every_plan() {
    for playbook in shipped() {
        let plan = plan(&playbook);
        plan.is_own_program().unwrap();
        let kept = kept(&plan);
        assert_eq!(kept, plan);
        kept.is_own_program().unwrap();
    }
}

#[test]
fn one_letter_of_any_action_is_found() {
    let plan = plan(Path::new(PLAYBOOK));
    let mut tried = 0;
    let parts: [fn(&mut PlannedStep) -> &mut Vec<Action>; 2] = [|step| &mut step.actions, |step| &mut step.undo];
    for step in 0..plan.steps.len() {
        for part in parts {
            let mut changed = plan.clone();
            for action in (0..part(&mut changed.steps[step]).len()).step_by(9) {
                let mut one = serde_json::to_value(&part(&mut changed.steps[step])[action]).unwrap();
                if !change_one_letter(&mut one) {
                    continue;
                }
                // of a plan that was written and read; a form that there is not is no plan
                let Ok(one) = serde_json::from_value(one) else { continue };
                let right = std::mem::replace(&mut part(&mut changed.steps[step])[action], one);
                let failure = changed.is_own_program().unwrap_err();
                part(&mut changed.steps[step])[action] = right;
                assert!(failure.answer.contains(&format!("`{}`", plan.steps[step].id)), "{failure}");
                tried += 1;
            }
        }
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn a_saved_plan_whose_hash_was_made_right_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sources = sources(Path::new(PLAYBOOK));
    let mut whole = serde_json::to_value(plan(Path::new(PLAYBOOK))).unwrap();
    let steps = whole["steps"].as_array_mut().unwrap();
    let promote = steps.iter_mut().find(|step| step["uses"] == "promote").unwrap();
    let action = promote["actions"].as_array_mut().unwrap().iter_mut().find(|action| action["do"] == "sql").unwrap();
    assert!(change_one_letter(&mut action["statement"]));
    let mut plan: Plan = serde_json::from_value(whole).unwrap();
    plan.hash = String::new();
    plan.hash = plan.digest();
    let path: PathBuf = folder.path().join("shop.plan.json");
    SavedPlan::new(sources, plan, Survey::default()).write(&path).unwrap();

    let state = folder.path().join("state");
    let ran = cutover(&["run", path.to_str().unwrap(), "--state", state.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(5), "{said}");
    assert!(said.contains("in this program"), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
}

#[test]
fn a_role_that_the_kind_does_not_play_is_found() {
    let plan = plan(Path::new(PLAYBOOK));
    let playing = (0..plan.steps.len()).filter(|&step| !plan.steps[step].roles.is_empty());
    assert!(playing.clone().count() > 5);
    for step in playing {
        let mut changed = plan.clone();
        changed.steps[step].roles.clear();
        let failure = changed.is_own_program().unwrap_err();
        assert!(failure.answer.contains(&format!("`{}`", plan.steps[step].id)), "{failure}");
    }
}
