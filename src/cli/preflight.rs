//! `cutover preflight`

use super::live;
use super::output::{self, Format};
use super::state::State;
use crate::error::exit;
use crate::plan::load::{self, Sources};
use crate::playbook::document::Document;
use crate::steps::{CheckResult, Finding, Mark};
use crate::survey::Survey;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The playbook that is planned.
const PLAYBOOK: &str = include_str!("../../playbooks/preflight_only.yaml");

/// Arguments of `preflight`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes:  0 nothing blocks, 2 invalid input, 5 something blocks or could not be asked")]
pub struct Args {
    /// The inventory.
    #[arg(short, long, value_name = "FILE")]
    inventory: PathBuf,
    /// The server that is left.
    #[arg(long, value_name = "SERVER", default_value = "source")]
    source: String,
    /// The server that takes its place.
    #[arg(long, value_name = "SERVER", default_value = "target")]
    target: String,
    /// The application whose logins are tried; the only one of the inventory when left out.
    #[arg(long)]
    application: Option<String>,
    /// A database that would move; may be given several times. All user databases when left out.
    #[arg(long = "database", value_name = "NAME")]
    databases: Vec<String>,
    /// A check that may block without making this fail; may be given several times.
    #[arg(long, value_name = "CHECK")]
    allow: Vec<String>,
    /// Accept that the old server cannot follow the new one.
    #[arg(long)]
    accept_no_rollback: bool,
    #[command(flatten)]
    state: State,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Asks both servers, and prints what every check says.
pub fn run(args: &Args) -> u8 {
    let playbook = args.playbook();
    let sources = Sources { inventory: Some(args.inventory.clone()), set: args.set(), ..Sources::default() };
    let make = |sources: &Sources| load::plan_of(&playbook, sources);
    let survey = match live::plan(make, sources, args.state.dir().join("ssh")) {
        Ok((_, _, survey)) => survey,
        Err(code) => return code,
    };
    let checks = checks(&survey);
    match args.format {
        Format::Text => output::text(&table(args, &checks)),
        Format::Json => output::json(&document(args, &checks, &survey)),
    }
    let unasked =
        survey.failures.iter().chain(survey.refusals().map(|(_, failure)| failure).filter(|_| checks.is_empty()));
    let asked = unasked.fold(true, |_, failure| {
        output::complain(failure);
        false
    });
    if asked && checks.iter().all(|check| check.result != Mark::Block) { exit::DONE } else { exit::REFUSED }
}

impl Args {
    /// The shipped playbook with the application in its place. JSON is YAML.
    fn playbook(&self) -> String {
        let Ok(shipped) = Document::parse("preflight_only.yaml", PLAYBOOK) else { return PLAYBOOK.to_owned() };
        let mut tree = shipped.root.to_json();
        if let (Some(application), Some(with)) = (self.application(), tree.pointer_mut("/steps/0/with")) {
            with["application"] = application.into();
        }
        tree.to_string()
    }

    fn application(&self) -> Option<String> {
        let only = || {
            let inventory = Document::open(&self.inventory).and_then(|document| load::inventory(&document)).ok()?;
            let mut names = inventory.applications.into_keys();
            names.next().filter(|_| names.next().is_none())
        };
        self.application.clone().or_else(only)
    }

    fn set(&self) -> Vec<String> {
        let list = |values: &[String]| json!(values).to_string();
        let mut set = vec![
            format!("source={}", self.source),
            format!("target={}", self.target),
            format!("allow={}", list(&self.allow)),
            format!("databases={}", list(&self.databases)),
        ];
        if self.accept_no_rollback {
            set.push("accept_no_rollback=true".to_owned());
        }
        set
    }
}

fn checks(survey: &Survey) -> Vec<&CheckResult> {
    let findings = survey.steps.iter().flat_map(|step| &step.findings);
    findings.filter_map(|finding| if let Finding::Check(check) = finding { Some(check) } else { None }).collect()
}

fn count(checks: &[&CheckResult], mark: Mark) -> usize {
    checks.iter().filter(|check| check.result == mark).count()
}

fn document(args: &Args, checks: &[&CheckResult], survey: &Survey) -> Value {
    json!({
        "source": args.source, "target": args.target, "checks": checks, "failures": survey.failures,
        "pass": count(checks, Mark::Pass), "warn": count(checks, Mark::Warn), "block": count(checks, Mark::Block),
    })
}

/// What blocks stands last, where people look first.
fn table(args: &Args, checks: &[&CheckResult]) -> String {
    let mut out = String::new();
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut sorted = checks.to_vec();
    sorted.sort_by_key(|check| check.result);
    for CheckResult { name, result, evidence, remedy } in sorted {
        let sign = match result {
            Mark::Pass => '✓',
            Mark::Warn => '!',
            Mark::Block => '✗',
        };
        // a String takes everything
        let _ = writeln!(out, "{sign} {name:<width$}  {evidence}");
        if let Some(remedy) = remedy {
            let _ = writeln!(out, "  {:<width$}  → {remedy}", "");
        }
    }
    let [pass, warn, block] = [Mark::Pass, Mark::Warn, Mark::Block].map(|mark| count(checks, mark));
    let _ = writeln!(out, "{} to {}: {pass} pass, {warn} warn, {block} block", args.source, args.target);
    out
}
