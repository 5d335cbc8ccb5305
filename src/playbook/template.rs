//! Templates: strict minijinja on parsed values, for expressions in playbooks and for whole files.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// Work allowed for one evaluation: ends loops that would not end by themselves.
const FUEL: u64 = 1_000_000;

/// Sources of templates by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Templates(pub BTreeMap<String, String>);

/// What is wrong in a template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFault {
    /// What is wrong.
    pub message: String,
    /// Byte range in the template's text, where known.
    pub range: Option<Range<usize>>,
    /// Line in the template's text, where known.
    pub line: Option<usize>,
}

impl From<&Error> for TemplateFault {
    fn from(error: &Error) -> Self {
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        let message = match error.kind() {
            ErrorKind::OutOfFuel => "this takes too long to evaluate".to_owned(),
            ErrorKind::UndefinedError => format!("this value does not exist{detail}"),
            kind => format!("{kind}{detail}"),
        };
        Self { message, range: error.range(), line: error.line() }
    }
}

/// The environment both uses share.
#[must_use]
pub fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_debug(true); // gives errors their byte range
    let whitespace = SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true).build();
    if let Ok(syntax) = whitespace {
        env.set_syntax(syntax); // fails only for clashing delimiters, and these are the default ones
    }
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_formatter(|out, state, value| match value.kind() {
        ValueKind::Bool => out.write_str(if value.is_true() { "true" } else { "false" }).map_err(Error::from),
        ValueKind::None | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            let what = value.kind().to_string();
            Err(Error::new(ErrorKind::InvalidOperation, format!("a {what} cannot be written into text")))
        }
        _ => minijinja::escape_formatter(out, state, value),
    });
    env
}

impl Templates {
    /// Renders the template `name` with `context`.
    ///
    /// # Errors
    /// When there is no such template, or it does not parse, or it uses a value that is not there.
    pub fn render<S: Serialize>(&self, name: &str, context: S) -> Result<String, TemplateFault> {
        let missing = || TemplateFault { message: format!("there is no template `{name}`"), range: None, line: None };
        let source = self.0.get(name).ok_or_else(missing)?;
        let env = environment();
        env.render_named_str(name, source, Value::from(Serde(context))).map_err(|error| TemplateFault::from(&error))
    }
}

/// Evaluates a string of a document. One that is a single `{{ expression }}` keeps the type of its value.
///
/// # Errors
/// Points at the part of `text` that is wrong.
pub fn evaluate(env: &Environment<'_>, text: &str, context: &Value) -> Result<serde_json::Value, TemplateFault> {
    let Some(range) = single_expression(text) else {
        let rendered = env.render_str(text, context.clone()).map_err(|error| TemplateFault::from(&error))?;
        return Ok(serde_json::Value::String(rendered));
    };
    evaluate_expression(env, &text[range.clone()], context).map_err(|mut fault| {
        fault.range = Some(fault.range.map_or(range.clone(), |r| range.start + r.start..range.start + r.end));
        fault
    })
}

/// Evaluates a bare expression, such as that of `when`.
///
/// # Errors
/// Points at the part of `text` that is wrong.
pub fn evaluate_expression(
    env: &Environment<'_>,
    text: &str,
    context: &Value,
) -> Result<serde_json::Value, TemplateFault> {
    let value = env
        .compile_expression(text)
        .and_then(|expression| expression.eval(context.clone()))
        .map_err(|error| TemplateFault::from(&error))?;
    if value.is_undefined() {
        // eval gives undefined without an error, even when strict
        return Err(TemplateFault { message: "this value does not exist".into(), range: None, line: None });
    }
    serde_json::to_value(&value).map_err(|error| TemplateFault {
        message: format!("this is not a plain value: {error}"),
        range: None,
        line: None,
    })
}

/// Names that an expression or a text with expressions uses: `inputs.size`, `steps.dump.position`.
///
/// # Errors
/// When it does not parse.
pub fn names_used(env: &Environment<'_>, text: &str) -> Result<Vec<String>, TemplateFault> {
    let set = if let Some(range) = single_expression(text) {
        env.compile_expression(&text[range]).map(|expression| expression.undeclared_variables(true))
    } else {
        env.template_from_str(text).map(|template| template.undeclared_variables(true))
    };
    let mut names: Vec<String> = set.map_err(|error| TemplateFault::from(&error))?.into_iter().collect();
    names.sort();
    Ok(names)
}

/// Whether a string holds any template syntax.
#[must_use]
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// The range of the expression, when the whole of `text` is one `{{ expression }}`.
#[must_use]
pub fn single_expression(text: &str) -> Option<Range<usize>> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let plain = !inner.contains("{{") && !inner.contains("}}") && !inner.contains("{%") && !inner.starts_with('-');
    plain.then_some(2..text.len() - 2)
}

#[cfg(test)]
mod tests {
    use super::{Templates, environment, evaluate, names_used};
    use minijinja::context;
    use serde_json::json;

    #[test]
    fn a_single_expression_keeps_its_type_and_text_becomes_text() {
        let env = environment();
        let context = context! { inputs => context! { n => 3, names => ["a", "b"], on => true } };
        assert_eq!(evaluate(&env, "{{ inputs.n }}", &context).unwrap(), json!(3));
        assert_eq!(evaluate(&env, "{{ inputs.names }}", &context).unwrap(), json!(["a", "b"]));
        assert_eq!(evaluate(&env, "n={{ inputs.n }} {{ inputs.on }}", &context).unwrap(), json!("n=3 true"));
    }

    #[test]
    fn faults_say_where() {
        let env = environment();
        let fault = evaluate(&env, "{{ inputs.nope }}", &context! { inputs => context! {} }).unwrap_err();
        assert_eq!(fault.message, "this value does not exist");
        let fault = evaluate(&env, "x {{ inputs.a }} {{ nope.b }}", &context! { inputs => context! { a => 1 } });
        assert_eq!(fault.unwrap_err().range, Some(20..26));
        assert!(evaluate(&env, "list: {{ l }}", &context! { l => [1] }).is_err());
        assert!(evaluate(&env, "{{ range(100000000) | length }}", &context! {}).is_err());
    }

    #[test]
    fn names_and_files() {
        assert_eq!(names_used(&environment(), "{{ steps.a.b }}").unwrap(), ["steps.a.b"]);
        let templates = Templates([("t".to_owned(), "port={{ port }}\n".to_owned())].into());
        assert_eq!(templates.render("t", json!({ "port": 3306 })).unwrap(), "port=3306\n");
        assert!(templates.render("t", json!({})).is_err());
    }
}
