//! `cutover check`

mod schedules;

use super::inputs::{self, Inputs};
use super::output;
use crate::error::exit;
use crate::lint::{self, Report, Severity, github, sarif};
use crate::plan::Plan;
use crate::plan::load;
use crate::playbook::fault::Faults;
use clap::ValueEnum;
use serde_json::{Value, json};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes:  0 no errors, 2 invalid, or at least one error\n\
    `cutover explain CODE` explains a finding; `# cutover: allow CODE because REASON` in the file allows it.")]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Fail on warnings, too.
    #[arg(long)]
    strict: bool,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document on stdout.
    Json,
    /// One SARIF 2.1.0 log on stdout, for code hosts and editors.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
}

/// Number of findings shown in the text format.
const SHOWN: usize = 50;

/// Checks, and prints the result.
pub fn run(args: &Args) -> u8 {
    if schedules::is_one(&args.inputs.playbook) {
        return schedules::run(args);
    }
    match load::read(&args.inputs.sources()) {
        Ok(reading) => {
            let report = lint::lint(&reading);
            let worst = if args.strict { Severity::Warning } else { Severity::Error };
            let passed = !report.has(worst);
            if matches!(args.format, Format::Text | Format::Github) {
                show(&report);
            }
            match args.format {
                Format::Text => output::text(&summary(args, &reading.plan, &report)),
                format => print(format, &report, || valid(&reading.plan, &report, passed)),
            }
            // the process ends here: dropping ten thousand steps would take a tenth of its time
            std::mem::forget((reading, report));
            if passed { exit::DONE } else { exit::INVALID }
        }
        Err(faults) => invalid(args.format, faults),
    }
}

fn invalid(format: Format, faults: Vec<Faults>) -> u8 {
    let report = lint::invalid(&faults);
    print(format, &report, || {
        let faults = inputs::faults_json(&faults);
        json!({ "valid": false, "passed": false, "faults": faults, "findings": report.json(), "allowed": [] })
    });
    inputs::complain(faults);
    exit::INVALID
}

fn print(format: Format, report: &Report, document: impl FnOnce() -> Value) {
    match format {
        Format::Text => {}
        Format::Json => output::json(&document()),
        Format::Sarif => output::json(&sarif::log(report)),
        Format::Github => output::text(&github::commands(report)),
    }
}

fn valid(plan: &Plan, report: &Report, passed: bool) -> Value {
    json!({
        "valid": true, "passed": passed, "steps": plan.steps.len(), "hash": plan.hash,
        "faults": [], "findings": report.json(), "allowed": report.allowed_json(),
    })
}

fn show(report: &Report) {
    for (number, found) in report.findings.iter().take(SHOWN).enumerate() {
        if number > 0 {
            output::say("");
        }
        output::complain(found);
    }
    let more = report.findings.len().saturating_sub(SHOWN);
    if more > 0 {
        output::say(&format!("... and {more} more; `cutover check --format json` lists them all"));
    }
}

fn summary(args: &Args, plan: &Plan, report: &Report) -> String {
    let steps = if plan.steps.len() == 1 { "step" } else { "steps" };
    let mut parts = vec![format!("{} {steps}, plan {}", plan.steps.len(), &plan.hash[..16])];
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        match report.findings.iter().filter(|found| found.rule.severity == severity).count() {
            0 => {}
            1 => parts.push(format!("1 {severity}")),
            count => parts.push(format!("{count} {severity}s")),
        }
    }
    if !report.allowed.is_empty() {
        parts.push(format!("{} allowed", report.allowed.len()));
    }
    let explain = if report.findings.is_empty() { "" } else { "; `cutover explain CODE` explains a finding" };
    format!("{} is valid: {}{explain}\n", args.inputs.playbook.display(), parts.join(", "))
}
