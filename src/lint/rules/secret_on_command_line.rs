//! `C012`: a `command` with a password among its words.

use super::secret_name;
use crate::kinds::role::RunsUsersProgram;
use crate::kinds::{self, RoleName};
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;
use crate::playbook::document::Document;
use crate::playbook::node::{Node, Span, Value};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C012",
    name: "secret-on-command-line",
    severity: Severity::Error,
    title: "a secret on a command line",
    page: include_str!("secret_on_command_line.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for step in &subject.playbook.steps {
        let own = (step.uses.as_str(), &step.with);
        let hooks = step.rollback.iter().map(|hook| (hook.uses.as_str(), &hook.with));
        let all = std::iter::once(own).chain(hooks);
        for (_, with) in all.filter(|(uses, _)| kinds::plays(uses, RoleName::RunsUsersProgram)) {
            for argv in RunsUsersProgram::LINES.into_iter().filter_map(|field| with.get(field)) {
                findings.extend(places(subject.document, argv).into_iter().map(|place| {
                    let message = format!("`{}` seems to have a secret on its command line", step.id);
                    Finding::new(&RULE, place, message)
                        .label("every user of the host can read it")
                        .help("let the program read it from a file of mode 0600, such as an option file")
                        .secret()
                }));
            }
        }
    }
    findings
}

/// The words of a command line that hold a secret; those of a shell's script are checked one by one.
fn places(document: &Document, argv: &Node) -> Vec<Span> {
    let Value::Seq(items) = &argv.value else { return Vec::new() };
    let mut words: Vec<(&str, Span)> = Vec::new();
    for item in items {
        let Some(text) = item.as_str() else { continue };
        for word in text.split(|c: char| c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')')) {
            let start = word.as_ptr().addr() - text.as_ptr().addr();
            words.push((word, document.within(item, &(start..start + word.len()))));
        }
    }
    words.retain(|(word, _)| !word.is_empty());
    let is_client = words.iter().any(|(word, _)| {
        let program = word.rsplit('/').next().unwrap_or_default();
        program.starts_with("mysql") || program.starts_with("mariadb")
    });
    let next_is_value = |at: usize| words.get(at + 1).is_some_and(|(word, _)| !word.starts_with('-'));
    let tells = words.iter().enumerate().filter_map(|(at, (word, place))| {
        if is_client && word.len() > 2 && word.starts_with("-p") {
            return Some(*place);
        }
        if let Some((name, value)) = word.split_once('=') {
            return (secret_name::is_secret(name) && !value.is_empty()).then_some(*place);
        }
        let flag = word.starts_with("--") && secret_name::is_secret(word) && !is_client && next_is_value(at);
        if flag {
            return words.get(at + 1).map(|(_, place)| *place);
        }
        has_login(word).then_some(*place)
    });
    tells.collect()
}

/// Whether a word is an address with user and password, as in `mysql://user:password@host`.
fn has_login(word: &str) -> bool {
    let Some((_, rest)) = word.split_once("://") else { return false };
    let Some((login, _)) = rest.split('/').next().unwrap_or_default().rsplit_once('@') else { return false };
    login.split_once(':').is_some_and(|(user, password)| !user.is_empty() && !password.is_empty())
}
