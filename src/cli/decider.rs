//! Turns `--yes`, or what a person types at the terminal of a run, into a decision in its journal; `cutover approve` and
//! the page write there as well.

use super::identity::Speaker;
use super::prompt;
use crate::effects::{Decision, Rule};
use crate::engine::approvals::{Standing, decide};
use crate::error::{Failure, Result};
use crate::kinds::role::AsksPeople;
use crate::plan::Plan;
use crate::report::terminal::Terminal;
use crate::store::{Event, Journal};
use std::io::{IsTerminal, Write};
use std::sync::Arc;

/// Who answers at the terminal of a run.
pub struct Decider {
    /// Where decisions go.
    pub journal: Arc<dyn Journal>,
    /// The run.
    pub run: String,
    /// Whether to approve everything.
    pub yes: bool,
    /// Who sits there.
    pub who: Speaker,
}

impl Decider {
    /// Asks, or approves without asking.
    pub fn ask(&self, terminal: &Terminal, step: &str, message: &str) {
        let standing = self.journal.entries(&self.run).map(|entries| Standing::of(&entries, step)).unwrap_or_default();
        let Speaker { name, file } = &self.who;
        let counts = standing.strange_file(file.as_ref()).is_none()
            && standing.why_not(name).is_none()
            && !standing.people().contains(name);
        if self.yes && counts {
            self.decide(terminal, step, true, Some("--yes".to_owned()));
        } else if counts && std::io::stdin().is_terminal() {
            let answer = terminal.suspend(|| {
                let _ = write!(std::io::stderr(), "{message} [y/N] ");
                let answer = prompt::answer(|| self.is_settled(step));
                if answer.is_none() {
                    let _ = writeln!(std::io::stderr(), "\nno longer asked here");
                }
                answer
            });
            if let Some(line) = answer {
                let approved = matches!(line.trim().to_lowercase().as_str(), "y" | "yes");
                self.decide(terminal, step, approved, None);
            }
        }
        let standing = self.journal.entries(&self.run).map(|entries| Standing::of(&entries, step)).unwrap_or_default();
        if standing.missing() > 0 && standing.refusal().is_none() {
            let (run, words) = (&self.run, standing.words());
            let words = if words.is_empty() { String::new() } else { format!(" {words};") };
            let line = format!("waiting:{words} answer with `cutover approve {run} {step}`");
            terminal.suspend(|| {
                let _ = writeln!(std::io::stderr(), "{line}");
            });
        }
    }

    /// Whether the question of `step` needs no answer any more: others have answered, or the run does not wait.
    fn is_settled(&self, step: &str) -> bool {
        let Ok(entries) = self.journal.entries(&self.run) else { return false };
        let standing = Standing::of(&entries, step);
        let asked = |event: &Event| matches!(event, Event::StepWaiting { step: of, .. } if of == step);
        let over = |event: &Event| match event {
            Event::StepDone { step: of, .. }
            | Event::StepFailed { step: of, .. }
            | Event::StepStopped { step: of, .. } => of == step,
            Event::RunFinished { .. } => true,
            _ => false,
        };
        let since = entries.iter().rev().map(|entry| &entry.event).take_while(|event| !asked(event));
        standing.missing() == 0 || standing.refusal().is_some() || since.into_iter().any(over)
    }

    fn decide(&self, terminal: &Terminal, step: &str, approved: bool, reason: Option<String>) {
        let decision = Decision { approved, by: self.who.name.clone(), reason, plan: None, people: None };
        // if the journal cannot be written, the runner notices it at its own next entry and stops
        if let Err(failure) = decide(&*self.journal, &self.run, Some(step), decision, self.who.file.as_ref()) {
            terminal.suspend(|| {
                let _ = writeln!(std::io::stderr(), "{failure}");
            });
        }
    }
}

/// Checks that `--yes` of `who` is valid for every approval of the run. `standing` holds who started the run, and which
/// file of people it is bound to.
///
/// # Errors
/// `Refused` when some approval is not the starter's, or not this person's, to give.
pub fn may_say_yes(plan: &Plan, who: &Speaker, standing: &Standing) -> Result<()> {
    let starter = if standing.starter.is_empty() { &who.name } else { &standing.starter };
    let strange = standing.strange_file(who.file.as_ref()).map(|(why, _)| why);
    let rules = plan.steps.iter().filter(|step| step.skip.is_none());
    let mut rules = rules.filter_map(|step| Some((step.id.as_str(), step.role::<AsksPeople>()?.rule.clone())));
    let objection = |(step, rule): (&str, Rule)| {
        let standing = Standing { rule, starter: starter.clone(), ..Standing::default() };
        let why = strange.clone().or_else(|| standing.why_not(&who.name))?;
        Some((step.to_owned(), why))
    };
    match rules.find_map(objection) {
        None => Ok(()),
        Some((step, why)) => Err(Failure::refused(format!("approve `{step}` by --yes"), why)
            .now("nothing was touched")
            .help("run it without --yes, and let another person answer with `cutover approve RUN STEP`")),
    }
}
