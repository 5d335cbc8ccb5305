//! `approve`: people decide whether the run continues.

use crate::domain::units::Span;
use crate::effects::{Answer, Rule};
use crate::error::{Failure, Result};
use crate::kinds::role::{AsksPeople, Role};
use crate::kinds::{Action, Complaint, Ctx, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[Output { name: "by", kind: OutputType::Text, about: "Who approved, by name." }];

/// Parameters that a rehearsal leaves out: it is held by one person at any time of the day.
pub const EASED: &[&str] = &["by", "expires"];

/// How often decisions are looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until people approve: on the terminal, with `cutover approve RUN STEP`, or on the web page. A rejection ends
/// the run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "There is nothing to undo.",
    "examples" = [
        { "message": "Switch the application over now?" },
        { "message": "Switch over now?", "by": { "count": 2, "not": "starter" }, "expires": "2h" }
    ]
))]
pub struct Approve {
    /// What people are asked.
    #[serde(default = "question")]
    message: String,
    /// Who must approve. Default: anyone who is allowed to.
    #[serde(default)]
    by: Approvers,
    /// How long to wait for an answer. After that the run is put off: finished steps are kept, and `resume` asks again.
    /// Default: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Span")]
    expires: Option<Span>,
}

/// Who must approve.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Approvers {
    /// Number of different people who must approve.
    #[schemars(range(min = 1, max = 20))]
    count: u32,
    /// Whose approval does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Excluded")]
    not: Option<Excluded>,
    /// Names of the people whose approval counts: names from the people file, or accounts as `user@host`. Default:
    /// everyone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    people: Vec<String>,
}

impl Default for Approvers {
    fn default() -> Self {
        Self { count: 1, not: None, people: Vec::new() }
    }
}

/// Whose approval does not count.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Excluded {
    /// The person who started the run.
    Starter,
}

fn question() -> String {
    "Continue?".into()
}

impl Approve {
    fn rule(&self) -> Rule {
        Rule {
            count: self.by.count,
            not_starter: self.by.not.is_some(),
            people: self.by.people.clone(),
            expires_ms: self.expires.map(|time| u64::try_from(time.0.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    fn asked(&self) -> String {
        let Approvers { count, not, people } = &self.by;
        let who = match count {
            1 if not.is_some() => "a person other than the one who started the run".to_owned(),
            1 => "a person".to_owned(),
            count => {
                format!("{count} people{}", if not.is_some() { " other than the one who started the run" } else { "" })
            }
        };
        let among = if people.is_empty() { String::new() } else { format!(" among {}", people.join(", ")) };
        let verb = if *count == 1 { "approves" } else { "approve" };
        let until = self.expires.map_or(String::new(), |time| format!(", for at most {time}"));
        format!("wait until {who}{among} {verb}{until}: {}", self.message)
    }
}

#[async_trait]
impl Step for Approve {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }

    fn roles(&self) -> Vec<Role> {
        vec![AsksPeople { rule: self.rule() }.into()]
    }
    fn preview(&self, _: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let named = self.by.people.len();
        if named > 0 && usize::try_from(self.by.count).is_ok_and(|count| count > named) {
            let message = format!("{} people must approve, but the list has only {named}", self.by.count);
            return Err(vec![Complaint::new("by.count", message).help("name more people, or ask for fewer")]);
        }
        if self.rule().is_plain() {
            return Ok(vec![Action::note(format!("wait until a person answers: {}", self.message))]);
        }
        Ok(vec![Action::note(self.asked())])
    }
    fn unproved(&self, _: &World) -> Vec<String> {
        vec!["who answers, when, and what the answer is".to_owned()]
    }
    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }
    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        cx.progress.note(format!("waiting for approval: {}", self.message));
        let rule = self.rule();
        loop {
            match cx.fx.approvals().answer(cx.step, &self.message, &rule).await? {
                Answer::Open => cx.pause(LOOK, "wait for approval").await?,
                Answer::Approved(people) => {
                    return Ok([("by".to_owned(), people.join(", ").into())].into_iter().collect());
                }
                Answer::Refused(decision) => {
                    let reason = decision.reason.unwrap_or_else(|| "no reason was given".into());
                    return Err(Failure::refused("continue", format!("rejected by {}: {reason}", decision.by)));
                }
                Answer::Lapsed(words) => return Err(self.lapsed(&words)),
            }
        }
    }
    async fn undo(&self, _: &Ctx<'_>) -> Result<()> {
        Ok(())
    }
}

impl Approve {
    fn lapsed(&self, words: &str) -> Failure {
        let time = self.expires.map_or(String::new(), |time| time.to_string());
        let words = if words.is_empty() { String::new() } else { format!(": {words}") };
        Failure::lapsed("get an answer", format!("no decision within {time}{words}"))
            .now("nobody rejected it, and the earlier steps are kept")
            .help("run `cutover resume` to ask again, or `cutover rollback` to roll the run back")
    }
}
