//! The registry of rules. A new rule is one file with its page in `rules/`, and one line here.

use super::finding::Finding;
use super::rules;
use super::subject::Subject;

/// How much a finding weighs. A greater one is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; never fails a check.
    Note,
    /// Likely a mistake; fails a strict check.
    Warning,
    /// Wrong; fails every check.
    Error,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// `C` and three digits. A code is never used again for something else.
    pub code: &'static str,
    /// Its name in words joined by hyphens, for tools that list rules.
    pub name: &'static str,
    /// How much its findings weigh.
    pub severity: Severity,
    /// What it is about, in a line.
    pub title: &'static str,
    /// Why, wrong and right, in Markdown.
    pub page: &'static str,
    /// Finds what breaks it.
    pub check: fn(&Subject<'_>) -> Vec<Finding>,
}

/// Every rule, by code.
pub static RULES: &[&Rule] = &[
    &rules::invalid::RULE,
    &rules::import_without_benchmark::RULE,
    &rules::benchmark_without_requirement::RULE,
    &rules::promote_without_durability::RULE,
    &rules::durability_not_kept::RULE,
    &rules::promote_without_proof::RULE,
    &rules::lag_as_only_proof::RULE,
    &rules::fence_without_deadline::RULE,
    &rules::change_without_undo::RULE,
    &rules::plain_text_replication::RULE,
    &rules::import_into_binlog::RULE,
    &rules::write_on_replica::RULE,
    &rules::secret_on_command_line::RULE,
    &rules::secret_in_file::RULE,
    &rules::unpinned_server_id::RULE,
    &rules::server_id_twice::RULE,
    &rules::unused_input::RULE,
    &rules::unreachable_step::RULE,
    &rules::failure_after_promote::RULE,
    &rules::allow_without_reason::RULE,
    &rules::allow_of_nothing::RULE,
    &rules::promote_without_verify::RULE,
    &rules::closed_after_restart::RULE,
    &rules::events_left_behind::RULE,
    &rules::no_way_back::RULE,
    &rules::port_zero::RULE,
];

/// The rule with this code, in either case.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.code.eq_ignore_ascii_case(code))
}

impl Rule {
    /// The whole explanation, in Markdown.
    #[must_use]
    pub fn explanation(&self) -> String {
        let Self { code, severity, title, page, .. } = self;
        let silence = if *code == rules::invalid::RULE.code {
            "This finding cannot be allowed: a document that is not valid has no plan.".to_owned()
        } else {
            format!(
                "Give the reason in a comment at the end of the line, or on the line before:\n\n\
                 ```yaml\n# cutover: allow {code} because REASON\n```\n\n\
                 The comment covers what starts on that line: a field, a step, or a whole block. At the top of the\n\
                 file it covers the whole file."
            )
        };
        format!("# {code} ({severity}): {title}\n\n{}\n\n## If it is intended\n\n{silence}\n", page.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::{RULES, find};

    #[test]
    fn codes_are_in_order_and_every_page_says_why_and_shows_both() {
        for (number, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.code, format!("C{number:03}"));
            for part in ["## Why\n", "## Wrong\n", "## Right\n"] {
                assert!(rule.page.contains(part), "{}: {part:?} is missing", rule.code);
            }
            assert!(rule.explanation().contains(rule.title));
        }
        assert_eq!(find("c007").unwrap().name, "fence-without-deadline");
    }
}
