//! `C013`: an input for a secret with a literal default, or an account made with a literal password.

use super::secret_name;
use crate::kinds::role::RunsUsersStatements;
use crate::kinds::{self, RoleName};
use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;
use crate::playbook::node::{Node, Span, Value};
use std::ops::Range;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C013",
    name: "secret-in-file",
    severity: Severity::Error,
    title: "a secret written into the playbook",
    page: include_str!("secret_in_file.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (key, node) in subject.document.root.get("inputs").map_or(&[][..], Node::entries) {
        // a template cannot stand in a default, so every text is one
        let literal =
            |field: &&Node| field.as_str().is_some_and(|text| !text.is_empty()) || field.to_json().is_number();
        if !secret_name::is_secret(&key.text) {
            continue;
        }
        for field in ["default", "rehearsal"].into_iter().filter_map(|name| node.get(name)).filter(literal) {
            let message = format!("the input `{}` contains a secret in plain text", key.text);
            findings.push(finding(field.span, message, "refer to it in the inventory: `password: { env: NAME }`"));
        }
    }
    let runs = |uses: &str| kinds::plays(uses, RoleName::RunsUsersStatements);
    for step in subject.playbook.steps.iter().filter(|step| runs(&step.uses)) {
        for list in RunsUsersStatements::LISTS.into_iter().filter_map(|name| step.with.get(name)) {
            let Value::Seq(items) = &list.value else { continue };
            for item in items {
                let Some(range) = item.as_str().and_then(password_of) else { continue };
                let message = format!("`{}` contains a password in a statement", step.id);
                let help = "create the account with `replication_account` or `accounts`, from the inventory";
                findings.push(finding(subject.document.within(item, &range), message, help));
            }
        }
    }
    findings
}

fn finding(place: Span, message: String, help: &str) -> Finding {
    Finding::new(&RULE, place, message).label("kept in git forever").help(help).secret()
}

/// Where the password stands in `... IDENTIFIED BY 'password'`.
fn password_of(statement: &str) -> Option<Range<usize>> {
    let upper = statement.to_ascii_uppercase(); // keeps every byte's place
    let quote = upper.find("IDENTIFIED BY")? + "IDENTIFIED BY".len();
    let quote = quote + upper[quote..].find(['\'', '"'])?;
    let sign = &upper[quote..=quote];
    let length = upper[quote + 1..].find(sign)?;
    (length > 0).then_some(quote + 1..quote + 1 + length)
}
