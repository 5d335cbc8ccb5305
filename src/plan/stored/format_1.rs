//! Plans of format 1 (cutover 0.1.x): a statement was its text. What is read of one is for people only, so every action
//! becomes a note with the same text. Roles were not stored: they come from the kinds of this program.

use crate::kinds;
use serde_json::{Value, json};

/// The plan with notes for actions: in the shape of this program's format, and with the number of its own.
pub(super) fn with_notes(mut plan: Value) -> Value {
    items(&mut plan, "opening").for_each(note);
    for step in items(&mut plan, "steps") {
        items(step, "actions").for_each(note);
        items(step, "undo").for_each(note);
        for hook in items(step, "rollback") {
            items(hook, "actions").for_each(note);
            add_roles(hook);
        }
        add_roles(step);
    }
    plan
}

/// None for a kind, or parameters, that this program does not know any more.
fn add_roles(step: &mut Value) {
    let kind = step.get("uses").and_then(Value::as_str).and_then(kinds::find);
    let decoded = kind.zip(step.get("with")).and_then(|(kind, with)| (kind.decode)(with).ok());
    if let (Some(decoded), Some(step)) = (decoded, step.as_object_mut()) {
        step.insert("roles".to_owned(), json!(decoded.roles()));
    }
}

fn items<'a>(of: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    of.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}

fn note(action: &mut Value) {
    *action = json!({ "do": "note", "text": text(action) });
}

fn text(action: &Value) -> String {
    let part = |name: &str| match action.get(name) {
        Some(Value::String(text)) => text.clone(),
        other => other.map_or_else(String::new, ToString::to_string),
    };
    match action.get("do").and_then(Value::as_str) {
        Some("note") => part("text"),
        Some("sql") => indented(&format!("{}> {}", part("server"), part("statement")), ""),
        Some("command") => indented(&format!("{}$ {}", part("host"), part("command")), ""),
        Some("file") => indented(&format!("{}: write {}\n{}", part("host"), part("path"), part("content")), "│ "),
        _ => action.to_string(),
    }
}

/// Lines after the first stand apart from the next action, where a display has nothing but lines.
fn indented(text: &str, mark: &str) -> String {
    text.lines().collect::<Vec<_>>().join(&format!("\n         {mark}"))
}

#[cfg(test)]
mod tests {
    use super::with_notes;
    use serde_json::json;

    #[test]
    fn every_action_says_what_it_said() {
        let sql = json!({ "do": "sql", "server": "a", "statement": "SELECT 'x'" });
        let command = json!({ "do": "command", "host": "h", "command": "a\nb" });
        let file = json!({ "do": "file", "host": "h", "path": "/f", "content": "1\n2\n" });
        let plan = json!({
            "format": 1,
            "opening": [{ "do": "note", "text": "words" }],
            "steps": [{ "actions": [sql], "undo": [command], "rollback": [{ "actions": [file, { "do": "other" }] }] }],
        });
        let note = |text: &str| json!({ "do": "note", "text": text });
        let noted = with_notes(plan);
        assert_eq!((&noted["format"], &noted["opening"]), (&json!(1), &json!([note("words")])));
        let step = &noted["steps"][0];
        assert_eq!(
            (&step["actions"], &step["undo"]),
            (&json!([note("a> SELECT 'x'")]), &json!([note("h$ a\n         b")]))
        );
        assert_eq!(step.get("roles"), None, "of no kind");
        let hooked = json!([note("h: write /f\n         │ 1\n         │ 2"), note("{\"do\":\"other\"}")]);
        assert_eq!(step["rollback"][0]["actions"], hooked);
    }

    #[test]
    fn roles_are_those_of_the_kinds() {
        let (fence, gone) = (json!({ "server": "a" }), json!({ "server": "a", "a parameter of then": 1 }));
        let plan = json!({ "steps": [{ "uses": "fence", "with": fence }, { "uses": "fence", "with": gone }] });
        let steps = with_notes(plan)["steps"].clone();
        assert_eq!(steps[0]["roles"], json!([{ "role": "closes", "server": "a" }]));
        assert_eq!(steps[1].get("roles"), None);
    }
}
