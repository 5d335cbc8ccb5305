//! The events of a journal. One event is one fact; `engine::state` interprets their sequence.

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

/// One entry of a journal.
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
    /// A process started the run.
    RunStarted {
        /// The process, as `user@host (uid 1000), process 123`.
        runner: String,
        /// Its epoch: larger than that of every runner of this run before it; 0 in journals of older programs.
        #[serde(default)]
        epoch: u32,
        /// Who started it, where that is a named person or a schedule; otherwise the account of the process.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        by: Option<String>,
        /// Folder that relative secret files are seen from.
        #[serde(default)]
        folder: String,
        /// The files that its plan was made from, with absolute paths; missing where that is not known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        sources: Option<Sources>,
        /// Commit of the repository that the playbook is in, with a note when the file is not as committed there;
        /// missing outside a repository.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        revision: Option<String>,
    },
    /// The identity that a server reported at the first connection.
    ServerSeen {
        /// Its name in the inventory.
        server: String,
        /// `version`, `server_id`, `hostname`, and `server_uuid` or `server_uid` where it has one.
        identity: BTreeMap<String, String>,
    },
    /// The findings of a rehearsal after the end of the run: the report that `rehearse` prints.
    Judged {
        /// The report.
        report: Value,
    },
    /// The check of the permanently closed servers, before success is reported.
    AfterFence {
        /// Each of them.
        servers: Vec<FencedServer>,
    },
    /// A person has accepted the findings of the last check of closed servers.
    WritesAccepted {
        /// Who.
        by: String,
        /// Why, in the person's words.
        why: String,
    },
    /// From here on only this file of people counts. Valid are the first one of a run, and later ones with a reason.
    PeopleBound {
        /// The file.
        file: PeopleFile,
        /// Who has given it: the person who started the run, answered first, or accepted another file.
        by: String,
        /// Why another file is accepted, in the person's words; missing for the first one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        why: Option<String>,
    },
    /// All checks before the first change have passed.
    RunAdmitted,
    /// A process resumed the run.
    RunResumed {
        /// The process.
        runner: String,
        /// Its epoch: larger than that of every runner of this run before it; 0 in journals of older programs.
        #[serde(default)]
        epoch: u32,
        /// Who resumed it, where that is a named person.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        by: Option<String>,
    },
    /// The run was asked to stop.
    Interrupted,
    /// A person corrected how servers and hosts are reached or restarted; valid from here on.
    InventoryCorrected {
        /// Who.
        by: String,
        /// What.
        changes: Vec<Correction>,
    },
    /// From here on steps are undone.
    RollbackStarted {
        /// Why.
        reason: String,
        /// Whether the rollback stops at the reached checkpoints; otherwise everything is undone.
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
    /// The conditions for a block were not met yet, and nothing was touched: it is prepared and started again later.
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
    /// The run cannot continue now, and stops at its next safe point. Finished steps are kept.
    RunPutOff {
        /// The step or block that cannot continue.
        of: String,
        /// Why.
        failure: Failure,
    },
    /// A check before the first change refused a step.
    StepRefused {
        /// The step.
        step: String,
        /// The finding.
        failure: Failure,
    },
    /// An attempt is about to start.
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
    /// A fact that a step must still know after the runner has died.
    StepNoted {
        /// The step.
        step: String,
        /// Name of the fact.
        key: String,
        /// The fact.
        value: Value,
    },
    /// A step is done, by an attempt or confirmed by a check.
    StepDone {
        /// The step.
        step: String,
        /// Its outputs.
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
    /// An attempt ended on request, without a result: part of its effect may exist.
    StepStopped {
        /// The step.
        step: String,
        /// Number of the attempt.
        attempt: u32,
        /// Its failure, when there is more than the request to stop.
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
    /// The real state of a step is about to be checked.
    StepProbing {
        /// The step.
        step: String,
    },
    /// A check found the effect of a succeeded step still there.
    StepConfirmed {
        /// The step.
        step: String,
    },
    /// A check found that the effect of a step is missing, or only partly there.
    StepAbsent {
        /// The step.
        step: String,
    },
    /// A person answered a step's request for approval.
    Decided {
        /// The step.
        step: String,
        /// The decision.
        decision: Decision,
    },
    /// A step is about to be undone.
    UndoIntent {
        /// The step.
        step: String,
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// A step's own effect is undone; its hooks may still have to run.
    UndoDone {
        /// The step.
        step: String,
    },
    /// An attempt to undo a step failed.
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
        /// Its index among the step's hooks, from 0.
        index: usize,
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// A rollback hook is done.
    HookDone {
        /// The step it belongs to.
        step: String,
        /// Its index among the step's hooks, from 0.
        index: usize,
    },
    /// An attempt of a rollback hook failed.
    HookFailed {
        /// The step it belongs to.
        step: String,
        /// Its index among the step's hooks, from 0.
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
    /// A person undid a step by hand and confirms it.
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
    /// Its name in the journal: `step_done`.
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
    /// It failed, and all steps were undone.
    #[strum(to_string = "rolled back")]
    RolledBack,
    /// It failed, and all steps after its checkpoints were undone. The checkpoints are kept, and it can be resumed or rolled
    /// back.
    #[strum(to_string = "rolled back to a checkpoint")]
    Kept,
    /// It failed where nothing is undone automatically: past the point of no return, or as the playbook states.
    Stopped,
    /// A step could not be undone; a person must do it.
    Stuck,
    /// A check or a gate refused, and nothing had been changed.
    Refused,
    /// Every step was skipped: no success.
    #[strum(to_string = "nothing done")]
    Nothing,
    /// It was asked to stop; it can be resumed.
    Interrupted,
    /// It cannot continue now, because of its window or because nobody answered in time. Finished steps are kept, and it can
    /// be resumed.
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
    /// Whether a resumed run could do something.
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
