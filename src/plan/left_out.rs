//! Steps that the inputs alone leave out. Needs no inventory, which a rehearsal makes only when it begins.

use super::inputs;
use super::load::Sources;
use crate::playbook::document::Document;
use crate::playbook::model::Playbook;
use crate::playbook::node::{Node, Value as Tree};
use crate::playbook::template;
use minijinja::value::{Serde, Value};
use std::collections::BTreeMap;

/// Removes the steps whose `when` is false by the inputs of `sources`. One that asks for an output of a step stays.
pub fn remove(playbook: &mut Playbook, document: &Document, sources: &Sources) {
    let inputs = inputs::values(document, playbook, sources).values;
    let context = Value::from(BTreeMap::from([("inputs", Value::from(Serde(inputs)))]));
    playbook.steps.retain(|step| !step.when.as_ref().is_some_and(|when| is_false(when, &context)));
}

fn is_false(when: &Node, context: &Value) -> bool {
    let text = match &when.value {
        Tree::Bool(known) => return !known,
        Tree::Str(text) => text,
        _ => return false,
    };
    let expression = template::single_expression(text).map_or(text.as_str(), |range| &text[range]).trim();
    let value = template::evaluate_expression(&template::environment(), expression, context);
    value == Ok(serde_json::Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use super::remove;
    use crate::plan::load::Sources;
    use crate::playbook::document::Document;
    use crate::playbook::file;

    const PLAYBOOK: &str = "
version: 1
name: either
inputs: { way: { type: string, default: a } }
steps:
  - { id: a, when: inputs.way == \"a\", uses: wait, with: { for: 1s } }
  - { id: b, when: inputs.way == \"b\", uses: wait, with: { for: 1s } }
  - { id: c, when: steps.a.x == \"b\", uses: wait, with: { for: 1s } }
  - { id: d, uses: wait, with: { for: 1s } }
  - { id: e, when: false, uses: wait, with: { for: 1s } }
";

    fn left(set: &[&str]) -> String {
        let document = Document::parse("playbook", PLAYBOOK).unwrap();
        let (mut playbook, _) = file::read(&document);
        let set = set.iter().map(|&text| text.to_owned()).collect();
        remove(&mut playbook, &document, &Sources { set, ..Sources::default() });
        playbook.steps.iter().map(|step| step.id.as_str()).collect()
    }

    #[test]
    fn what_is_not_chosen_goes() {
        assert_eq!((left(&[]), left(&["way=b"])), ("acd".to_owned(), "bcd".to_owned()));
    }
}
