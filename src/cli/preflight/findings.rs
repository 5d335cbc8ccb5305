//! The findings of all checks and all refusals of steps in one list, as a table and as a document.

use super::Args;
use crate::error::Failure;
use crate::kinds::{CheckResult, Finding, Mark};
use crate::survey::{CopyForecast, StepFound, Survey, copy_line};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Findings of every check, every refusal under its step's name, and the forecast for each way to copy.
pub fn of(survey: &Survey) -> Vec<CheckResult> {
    survey.steps.iter().flat_map(of_step).chain(survey.copies.iter().map(copy)).collect()
}

fn copy(copy: &CopyForecast) -> CheckResult {
    CheckResult { name: "copy_time".to_owned(), result: Mark::Pass, evidence: copy_line(copy), remedy: None }
}

fn of_step(step: &StepFound) -> Vec<CheckResult> {
    let check = |finding: &Finding| if let Finding::Check(check) = finding { Some(check.clone()) } else { None };
    let checks: Vec<CheckResult> = step.findings.iter().filter_map(check).collect();
    if !checks.is_empty() {
        return checks; // the refusal of such a step only repeats the checks that block
    }
    step.refusals.iter().map(|failure| refusal(&step.id, failure)).collect()
}

fn refusal(step: &str, failure: &Failure) -> CheckResult {
    let place = failure.place.as_ref().map_or(String::new(), |place| format!(" ({place})"));
    CheckResult {
        name: format!("steps.{step}"),
        result: Mark::Block,
        evidence: format!("could not {}{place}: {}", failure.attempted, failure.answer),
        remedy: failure.help.clone(),
    }
}

fn count(found: &[CheckResult], mark: Mark) -> usize {
    found.iter().filter(|check| check.result == mark).count()
}

/// For programs.
pub fn document(args: &Args, found: &[CheckResult], survey: &Survey) -> Value {
    let mut document = json!({
        "checks": found, "failures": survey.failures,
        "pass": count(found, Mark::Pass), "warn": count(found, Mark::Warn), "block": count(found, Mark::Block),
    });
    if let Some(path) = &args.playbook {
        document["playbook"] = path.display().to_string().into();
    } else {
        document["source"] = args.source.as_str().into();
        document["target"] = args.target.as_str().into();
    }
    document
}

/// For people. Blocking findings come last, where a reader looks first.
pub fn table(title: &str, found: &[CheckResult]) -> String {
    let mut out = String::new();
    let width = found.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut sorted: Vec<&CheckResult> = found.iter().collect();
    sorted.sort_by_key(|check| check.result);
    for CheckResult { name, result, evidence, remedy } in sorted {
        let sign = match result {
            Mark::Pass => '✓',
            Mark::Warn => '!',
            Mark::Block => '✗',
        };
        let mut lines = evidence.lines();
        // a String takes everything
        let _ = writeln!(out, "{sign} {name:<width$}  {}", lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(out, "  {:<width$}  {line}", "");
        }
        for (index, line) in remedy.iter().flat_map(|remedy| remedy.lines()).enumerate() {
            let _ = writeln!(out, "  {:<width$}  {} {line}", "", if index == 0 { '→' } else { ' ' });
        }
    }
    let [pass, warn, block] = [Mark::Pass, Mark::Warn, Mark::Block].map(|mark| count(found, mark));
    let _ = writeln!(out, "{title}: {pass} pass, {warn} warn, {block} block");
    out
}

#[cfg(test)]
mod tests {
    use super::{of, table};
    use crate::error::Failure;
    use crate::kinds::{CheckResult, Finding, Mark};
    use crate::survey::{State, StepFound, Survey};

    #[test]
    fn steps_stand_beside_checks_and_what_blocks_stands_last() {
        let step =
            |id: &str, findings, refusals| StepFound { id: id.into(), state: State::WillRun, findings, refusals };
        let check = |name: &str, result| {
            Finding::Check(CheckResult { name: name.into(), result, evidence: "seen".into(), remedy: None })
        };
        let refused = Failure::refused("dump the views", "a\nb").at("source").help("drop them");
        let told_already = vec![Failure::refused("begin the migration", "1 of 2 checks block")];
        let steps = vec![
            step("look", vec![check("binlog", Mark::Block), check("clocks", Mark::Pass)], told_already),
            step("dump", Vec::new(), vec![refused]),
        ];
        let found = of(&Survey { steps, ..Survey::default() });
        let shown = table("a to b", &found);
        assert_eq!(
            shown,
            "✓ clocks      seen\n✗ binlog      seen\n✗ steps.dump  could not dump the views (source): a\n              b\n\
             \x20             → drop them\na to b: 1 pass, 0 warn, 2 block\n"
        );
    }
}
