//! The linter: what is valid, and still a bad idea. Each rule has a code, a severity, a page that explains it, and
//! points at a token of the playbook or the inventory.
//!
//! Pure. May know the documents, the playbook's model and the plan; never an effect, the engine or the journal.

mod allow;
mod edit;
mod finding;
pub mod github;
mod json;
mod located;
mod rule;
mod rules;
pub mod sarif;
mod subject;

pub use finding::{File, Finding, Fix};
pub use located::{Located, Point};
pub use rule::{RULES, Rule, Severity, find};

use crate::plan::load::Reading;
use crate::playbook::fault::Faults;
use located::Page;
use subject::Subject;

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// Findings that count, by file and place.
    pub findings: Vec<Located>,
    /// Those that a comment in the file allows, each with the reason given there.
    pub allowed: Vec<Located>,
}

impl Report {
    /// Whether a finding of at least this severity counts.
    #[must_use]
    pub fn has(&self, severity: Severity) -> bool {
        self.findings.iter().any(|found| found.rule.severity >= severity)
    }
}

/// Judges valid documents by every rule.
#[must_use]
pub fn lint(reading: &Reading) -> Report {
    let subject = Subject::new(reading);
    let findings: Vec<Finding> = RULES.iter().flat_map(|rule| (rule.check)(&subject)).collect();
    let mut report = Report::default();
    for (file, document) in [(File::Playbook, Some(&reading.document)), (File::Inventory, reading.inventory.as_ref())] {
        let Some(document) = document else { continue };
        let own: Vec<&Finding> = findings.iter().filter(|finding| finding.file == file).collect();
        let verdict = allow::apply(document, file, &own);
        let page = Page::of(document);
        let mut shown: Vec<Located> =
            verdict.counted.iter().map(|finding| Located::new(&page, finding, None)).collect();
        shown.sort_by_key(|found| (found.span.map_or(0, |span| span.start), found.rule.code));
        report.findings.extend(shown);
        report
            .allowed
            .extend(verdict.allowed.iter().map(|(finding, reason)| Located::new(&page, finding, Some(reason.clone()))));
    }
    report
}

/// Faults of documents that are not valid, as findings of rule `C000`.
#[must_use]
pub fn invalid(reports: &[Faults]) -> Report {
    Report { findings: reports.iter().flat_map(Located::faults).collect(), allowed: Vec::new() }
}
