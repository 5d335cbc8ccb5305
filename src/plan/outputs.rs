//! Outputs of steps as the planner's templates see them: a marker in the place of each, and a note of those that were used.

use crate::domain::marker;
use minijinja::value::{Object, Value};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// `steps` in a template, or a part of it such as `steps.dump`.
#[derive(Debug)]
pub(super) struct Outputs {
    path: String,
    all: Arc<All>,
}

#[derive(Debug)]
struct All {
    /// Names of outputs: `steps.dump.position`.
    names: Vec<String>,
    used: Mutex<BTreeSet<String>>,
}

impl Outputs {
    /// The outputs among the names that a template holds.
    pub(super) fn new(names: &[String]) -> Arc<Self> {
        let names = names.iter().filter(|name| name.starts_with("steps.")).cloned().collect();
        Arc::new(Self { path: "steps".to_owned(), all: Arc::new(All { names, used: Mutex::default() }) })
    }

    /// What the template holds, whether or not it came to use it.
    pub(super) fn names(&self) -> &[String] {
        &self.all.names
    }

    /// What has been used up to now. In `A if inputs.x else B` that is one of the two.
    pub(super) fn used(&self) -> BTreeSet<String> {
        self.all.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Object for Outputs {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let path = format!("{}.{}", self.path, key.as_str()?);
        if self.all.names.contains(&path) {
            let marker = Value::from(marker::late(&path));
            self.all.used.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
            return Some(marker);
        }
        let inside = format!("{path}.");
        let is_part = self.all.names.iter().any(|name| name.starts_with(&inside));
        is_part.then(|| Value::from_object(Self { path, all: self.all.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::Outputs;
    use crate::playbook::template;
    use minijinja::Value;
    use std::collections::BTreeMap;

    /// The value of a template for an engine, and the outputs that it came to use.
    fn value(text: &str, engine: &str) -> (String, Vec<String>) {
        let env = template::environment();
        let outputs = Outputs::new(&template::names_used(&env, text).unwrap());
        let inputs = Value::from(BTreeMap::from([("engine", engine.to_owned())]));
        let context = BTreeMap::from([("inputs", inputs), ("steps", Value::from_dyn_object(outputs.clone()))]);
        let value = template::evaluate(&env, text, &Value::from(context)).unwrap();
        (value.as_str().map_or_else(|| value.to_string(), str::to_owned), outputs.used().into_iter().collect())
    }

    #[test]
    fn an_output_that_is_not_chosen_is_not_used() {
        let either = "{{ steps.dump.position if inputs.engine == 'file' else steps.copy.position.offset }}";
        assert_eq!(value(either, "file"), ("‹steps.dump.position›".into(), vec!["steps.dump.position".into()]));
        let other = ("‹steps.copy.position.offset›".into(), vec!["steps.copy.position.offset".into()]);
        assert_eq!(value(either, "clone"), other);
        assert_eq!(value("{{ '' if inputs.engine == 'file' else steps.copy.old }}", "file"), (String::new(), vec![]));
    }

    #[test]
    fn what_decides_is_used() {
        let (shown, used) = value("{{ 'a' if steps.dump.position == 'x' else 'b' }}", "file");
        assert_eq!((shown.as_str(), used), ("b", vec!["steps.dump.position".to_owned()]));
    }
}
