//! Kinds are known by the roles that their steps play: what a role asks of a kind is there, and no room beside `src/kinds`
//! knows a kind by its name.

use cutover::domain::marker::late;
use cutover::kinds::role::{RunsUsersProgram, RunsUsersStatements};
use cutover::kinds::{KINDS, Kind, RoleName};
use cutover::plan::schema::of_kind;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// The example of a kind, with what the planner fills in for templates and tunnels.
pub fn example(kind: &Kind) -> Value {
    let mut example = of_kind(kind)["examples"][0].clone();
    for (name, value) in example.as_object_mut().unwrap() {
        match value.as_str() {
            Some(step) if name == "through" => *value = json!({ "step": step, "listen": "127.0.0.1:3307" }),
            Some(text) if text.starts_with("{{") => *value = late("steps.other.output").into(),
            _ => {}
        }
    }
    example
}

#[test]
fn every_kind_declares_the_roles_that_its_steps_play() {
    for kind in KINDS {
        let step = (kind.decode)(&example(kind)).unwrap_or_else(|why| panic!("{}: {why}", kind.name));
        let played: HashSet<RoleName> = step.roles().iter().map(cutover::kinds::Role::name).collect();
        assert_eq!(played, kind.roles.iter().copied().collect(), "{}", kind.name);
    }
}

#[test]
fn every_kind_has_the_names_that_its_roles_ask_for() {
    let (lines, lists) = (RunsUsersProgram::LINES, RunsUsersStatements::LISTS);
    for kind in KINDS {
        for role in kind.roles {
            let (outputs, parameters): (&[&str], &[&str]) = match role {
                RoleName::CopiesFrom => (&["bytes", "position"], &[]),
                // who brings files brings no statements, and nothing is logged
                RoleName::CopiesTo if !kind.roles.contains(&RoleName::CopiesFrom) => (&[], &["binlog"]),
                RoleName::SetsVariables => (&[], &["persist"]),
                RoleName::Tunnels => (&["address"], &["listen"]),
                RoleName::ProvesEquality => (&["finished"], &[]),
                RoleName::Closes => (&["position", "own_log", "fence_ms"], &[]),
                RoleName::Opens => (&["position"], &["verified"]),
                RoleName::RunsUsersProgram => (&[], &lines),
                RoleName::RunsUsersStatements => (&[], &lists),
                _ => (&[], &[]),
            };
            for output in outputs {
                assert!(kind.outputs.iter().any(|known| known.name == *output), "{}: output {output}", kind.name);
            }
            for parameter in parameters.iter().chain(kind.eased) {
                assert!(of_kind(kind)["properties"].get(*parameter).is_some(), "{}: {parameter}", kind.name);
            }
        }
    }
}

/// Quoted words of the sources that are also the name of a kind, and are no kind there: file, words, and what they mean.
const OTHER_THINGS: &[(&str, &[&str], &str)] = &[
    ("src/cli/identity.rs", &["approve"], "the right to answer"),
    ("src/cli/rehearse/mod.rs", &["fence"], "what people read before a time"),
    ("src/plan/names.rs", &["tunnel"], "the format of a parameter"),
    ("src/plan/reference.rs", &["tunnel"], "the format of a parameter"),
    ("src/plan/stored/format_1.rs", &["command", "sql"], "actions of plans of format 1"),
    ("src/playbook/forecast.rs", &["dump"], "an engine of a copy"),
    ("src/playbook/mask.rs", &["command"], "a way to refer to a secret"),
    ("src/playbook/through.rs", &["tunnel"], "the format of a parameter"),
    ("src/rehearsal/certificates.rs", &["copy"], "a value of an option of openssl"),
    ("src/rehearsal/shop.rs", &["accounts"], "a table of the shop"),
    ("src/schedule/export/kubernetes/pod.rs", &["command"], "a field of a container"),
    ("src/schedule/export/kubernetes/runners.rs", &["command"], "a field of a probe"),
    ("src/store/copy.rs", &["command"], "a column of a table"),
    ("src/web/decide.rs", &["approve"], "the word that a person types"),
    ("src/web/visitor.rs", &["approve"], "the right to answer"),
];

/// Quoted names of kinds in a file, its tests and comments left out.
fn named(path: &Path) -> BTreeSet<&'static str> {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = lines.join("\n");
    // within another text they stand behind a backslash
    let named = KINDS.iter().map(|kind| kind.name).filter(|name| code.contains(&format!("\"{name}\"")));
    named.collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            _ if path.is_dir() => sources(&path, found),
            Some(extension) if extension == "rs" => found.push(path),
            _ => {}
        }
    }
}

#[test]
fn no_other_room_knows_a_kind_by_its_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    assert!(files.len() > 300, "{}", files.len());
    let mut used = HashSet::new();
    for path in files {
        let file = path.strip_prefix(root).unwrap().to_str().unwrap();
        if file.starts_with("src/kinds/") {
            continue;
        }
        let others = OTHER_THINGS.iter().find(|(known, ..)| *known == file);
        for name in named(&path) {
            let is_other = others.is_some_and(|(_, words, _)| words.contains(&name));
            assert!(is_other, "{file} names the kind `{name}`: ask for a role, or say here what else it means");
            used.insert((file.to_owned(), name));
        }
    }
    for (file, words, _) in OTHER_THINGS {
        for word in *words {
            assert!(used.contains(&((*file).to_owned(), *word)), "{file} has no \"{word}\" any more");
        }
    }
}
