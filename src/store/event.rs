//! What may stand in a journal. One event is one fact; what a sequence of them means is `engine::state`'s business.

use crate::effects::{Decision, Rule};
use crate::error::{Failure, exit};
use crate::kinds::Outputs;
use crate::kinds::after_fence::FencedServer;
use crate::people::PeopleFile;
use crate::plan::correction::Correction;
use crate::plan::load::Sources;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its number within the run, from 1, without gaps.
    pub seq: u32,
    /// When it was written, in milliseconds since 1970 (UTC), on the writer's clock.
    pub at: i64,
    /// Hash of this entry and of all before it: 64 lowercase hex digits of a BLAKE3 chain over number, time, event, and the
    /// hash of the entry before.
    #[serde(default)]
    pub hash: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// One fact about a run. An intent is durable before the effect it announces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A process began the run.
    RunStarted {
        /// The process, as `user@host (uid 1000), process 123`.
        runner: String,
        /// Its epoch: larger than that of every runner of this run before it; 0 in journals of older programs.
        #[serde(default)]
        epoch: u32,
        /// Who began it, where that is a named person or a schedule; otherwise the account of the process.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        by: Option<String>,
        /// Folder that relative secret files are seen from.
        #[serde(default)]
        folder: String,
        /// What its plan was made from, with absolute paths; missing where that is not known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        sources: Option<Sources>,
        /// Commit of the repository that the playbook is in, with a note when the file is not as committed there;
        /// missing outside a repository.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        revision: Option<String>,
    },
    /// What a server said it is, when it was first spoken to.
    ServerSeen {
        /// Its name in the inventory.
        server: String,
        /// `version`, `server_id`, `hostname`, and `server_uuid` or `server_uid` where it has one.
        identity: BTreeMap<String, String>,
    },
    /// What a rehearsal found about the run after its end: the report that `rehearse` prints.
    Judged {
        /// The report.
        report: Value,
    },
    /// Before success is told: what was found on the servers that the run has closed for good.
    AfterFence {
        /// Each of them.
        servers: Vec<FencedServer>,
    },
    /// A person has seen what the last look at closed servers found, and accepts it.
    WritesAccepted {
        /// Who.
        by: String,
        /// Why, in the person's words.
        why: String,
    },
    /// From here on people answer by this file alone. The first one of a run holds, and then each that has a reason.
    PeopleBound {
        /// The file.
        file: PeopleFile,
        /// Who has named it: whoever began the run, whoever answered first, or whoever accepted another file.
        by: String,
        /// Why another file is accepted, in the person's words; missing for the first one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        why: Option<String>,
    },
    /// All checks before the first effect have passed.
    RunAdmitted,
    /// A process took up the run where another one left it.
    RunResumed {
        /// The process.
        runner: String,
        /// Its epoch: larger than that of every runner of this run before it; 0 in journals of older programs.
        #[serde(default)]
        epoch: u32,
        /// Who took it up, where that is a named person.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        by: Option<String>,
    },
    /// The run was asked to stop.
    Interrupted,
    /// Somebody corrected how servers and hosts are reached or restarted; it holds from here on.
    InventoryCorrected {
        /// Who.
        by: String,
        /// What.
        changes: Vec<Correction>,
    },
    /// From here on steps are taken back.
    RollbackStarted {
        /// Why.
        reason: String,
        /// Whether what the reached checkpoints keep stands; otherwise everything is taken back.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        keep: bool,
    },
    /// The run ended.
    RunFinished {
        /// How.
        outcome: Outcome,
    },
    /// Steps of a block are about to be prepared.
    BlockPreparing {
        /// The block.
        block: String,
    },
    /// Every step of a block is prepared.
    BlockPrepared {
        /// The block.
        block: String,
    },
    /// The preparation of a block was given up, or failed.
    BlockUnprepared {
        /// The block.
        block: String,
    },
    /// The moment for a block had not come, and nothing of it was touched: it is prepared and begun anew later.
    BlockPutBack {
        /// The block.
        block: String,
    },
    /// A block used up its time before the point of no return.
    DeadlineReached {
        /// The block.
        block: String,
    },
    /// A step or a block is ready and waits for its window to open.
    WindowAwaited {
        /// The step or block.
        of: String,
        /// When it opens, in milliseconds since 1970.
        opens: i64,
        /// When it closes.
        closes: i64,
    },
    /// The window of a step or a block is open.
    WindowOpened {
        /// The step or block.
        of: String,
        /// When it closes, in milliseconds since 1970.
        closes: i64,
    },
    /// The run cannot go on now, and stops at its next safe point. What was done stands.
    RunPutOff {
        /// The step or block that cannot go on.
        of: String,
        /// Why.
        failure: Failure,
    },
    /// A check before the first effect said no to a step.
    StepRefused {
        /// The step.
        step: String,
        /// What was found.
        failure: Failure,
    },
    /// An attempt is about to begin.
    StepIntent {
        /// The step.
        step: String,
        /// Number of the attempt, from 1, counted over the whole run.
        attempt: u32,
    },
    /// A step waits for a person or a time.
    StepWaiting {
        /// The step.
        step: String,
        /// For what.
        message: String,
        /// Who must answer, where people are asked.
        #[serde(skip_serializing_if = "Rule::is_plain", default)]
        rule: Rule,
    },
    /// A step must still know this after the runner died.
    StepNoted {
        /// The step.
        step: String,
        /// Name of the fact.
        key: String,
        /// The fact.
        value: Value,
    },
    /// A step is done, by an attempt or by a look at reality.
    StepDone {
        /// The step.
        step: String,
        /// What it puts out.
        outputs: Outputs,
    },
    /// An attempt failed.
    StepFailed {
        /// The step.
        step: String,
        /// Number of the attempt.
        attempt: u32,
        /// What went wrong.
        failure: Failure,
        /// When it will be tried again, in milliseconds since 1970; never, when missing.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        retry_at: Option<i64>,
    },
    /// An attempt ended on request, without a result: part of the effect may be there.
    StepStopped {
        /// The step.
        step: String,
        /// Number of the attempt.
        attempt: u32,
        /// What it said, when more than that it was stopped.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        failure: Option<Failure>,
    },
    /// A step will not run.
    StepSkipped {
        /// The step.
        step: String,
        /// Why.
        reason: String,
    },
    /// Reality is about to be asked how a step stands.
    StepProbing {
        /// The step.
        step: String,
    },
    /// A look at reality found the effect of a succeeded step still there.
    StepConfirmed {
        /// The step.
        step: String,
    },
    /// A look at reality found that the effect of a step is not there, or only partly.
    StepAbsent {
        /// The step.
        step: String,
    },
    /// A person decided what a step asks.
    Decided {
        /// The step.
        step: String,
        /// The decision.
        decision: Decision,
    },
    /// A step is about to be taken back.
    UndoIntent {
        /// The step.
        step: String,
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// A step's own effect is taken back; its hooks may still have to run.
    UndoDone {
        /// The step.
        step: String,
    },
    /// An attempt to take a step back failed.
    UndoFailed {
        /// The step.
        step: String,
        /// What went wrong.
        failure: Failure,
        /// When it will be tried again, in milliseconds since 1970; never, when missing.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        retry_at: Option<i64>,
    },
    /// A rollback hook of a step is about to run.
    HookIntent {
        /// The step it belongs to.
        step: String,
        /// Its place among the step's hooks, from 0.
        index: usize,
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// A rollback hook is done.
    HookDone {
        /// The step it belongs to.
        step: String,
        /// Its place among the step's hooks.
        index: usize,
    },
    /// An attempt of a rollback hook failed.
    HookFailed {
        /// The step it belongs to.
        step: String,
        /// Its place among the step's hooks.
        index: usize,
        /// What went wrong.
        failure: Failure,
        /// When it will be tried again, in milliseconds since 1970; never, when missing.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        retry_at: Option<i64>,
    },
    /// A person left out a step that had to come after the point of no return.
    SkippedByHand {
        /// The step.
        step: String,
        /// Why, in the person's words.
        why: String,
        /// Who.
        by: String,
    },
    /// A person took a step back by hand and vouches for it.
    MarkedUndone {
        /// The step.
        step: String,
        /// Why, in the person's words.
        why: String,
        /// Who.
        by: String,
    },
}

impl Event {
    /// The name it carries in the journal: `step_done`.
    #[must_use]
    pub fn name(&self) -> String {
        let tag = serde_json::to_value(self).ok().and_then(|value| value["event"].as_str().map(str::to_owned));
        tag.unwrap_or_else(|| "unknown".to_owned())
    }

    /// The step it is about.
    #[must_use]
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::StepRefused { step, .. }
            | Self::StepIntent { step, .. }
            | Self::StepWaiting { step, .. }
            | Self::StepNoted { step, .. }
            | Self::StepDone { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepStopped { step, .. }
            | Self::StepSkipped { step, .. }
            | Self::StepProbing { step }
            | Self::StepConfirmed { step }
            | Self::StepAbsent { step }
            | Self::Decided { step, .. }
            | Self::UndoIntent { step, .. }
            | Self::UndoDone { step }
            | Self::UndoFailed { step, .. }
            | Self::HookIntent { step, .. }
            | Self::HookDone { step, .. }
            | Self::HookFailed { step, .. }
            | Self::SkippedByHand { step, .. }
            | Self::MarkedUndone { step, .. } => Some(step),
            _ => None,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum Outcome {
    /// Everything is done.
    Done,
    /// It failed, and everything was taken back.
    #[strum(to_string = "rolled back")]
    RolledBack,
    /// It failed, and everything after its checkpoints was taken back. What those keep stands, and it can be resumed or
    /// rolled back.
    #[strum(to_string = "taken back to a checkpoint")]
    Kept,
    /// It failed where nothing is taken back by itself: past the point of no return, or as the playbook says.
    Stopped,
    /// Something could not be taken back; a person must do it.
    Stuck,
    /// A check or a gate said no, and nothing had been changed.
    Refused,
    /// Every step was skipped: no success.
    #[strum(to_string = "nothing done")]
    Nothing,
    /// It was asked to stop; it can be resumed.
    Interrupted,
    /// It cannot go on now, because of its window or because nobody answered in time. What was done stands, and it can be
    /// resumed.
    #[strum(to_string = "put off")]
    PutOff,
}

impl Outcome {
    /// The exit code of the command that ran it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => exit::DONE,
            Self::RolledBack | Self::Kept => exit::ROLLED_BACK,
            Self::Stopped | Self::Stuck => exit::STUCK,
            Self::Refused | Self::Nothing | Self::PutOff => exit::REFUSED,
            Self::Interrupted => exit::INTERRUPTED,
        }
    }
    /// Whether there is something left that a resumed run could do.
    #[must_use]
    pub fn is_resumable(self) -> bool {
        matches!(self, Self::Kept | Self::Stopped | Self::Stuck | Self::Interrupted | Self::PutOff)
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Event, Outcome};
    use crate::error::Failure;

    #[test]
    fn an_entry_is_one_flat_object_and_reads_back() {
        let failure = Failure::transient("connect", "refused");
        let event = Event::StepFailed { step: "a".into(), attempt: 2, failure, retry_at: Some(7) };
        let entry = Entry { seq: 3, at: 5, hash: "0f".into(), event };
        let text = serde_json::to_string(&entry).unwrap();
        assert!(text.starts_with(r#"{"seq":3,"at":5,"hash":"0f","event":"step_failed","step":"a""#), "{text}");
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
        assert_eq!(entry.event.name(), "step_failed");
    }

    #[test]
    fn a_journal_of_an_older_program_is_read() {
        let old = r#"{"seq":1,"at":5,"event":"run_started","runner":"me"}"#;
        let entry: Entry = serde_json::from_str(old).unwrap();
        let started = Event::RunStarted {
            epoch: 0,
            runner: "me".into(),
            by: None,
            folder: String::new(),
            sources: None,
            revision: None,
        };
        assert_eq!(entry.event, started);
    }

    #[test]
    fn only_the_ends_that_leave_work_can_be_resumed() {
        assert!(Outcome::Interrupted.is_resumable() && Outcome::Stuck.is_resumable());
        assert!(!Outcome::Done.is_resumable() && !Outcome::RolledBack.is_resumable());
    }
}
