//! A run as it is watched: bars with ETA on a terminal, one line an event everywhere else. Writes to stderr only.
//!
//! May know journal entries, progress updates and the plan; it decides nothing.

use crate::journal::{Entry, Event};
use crate::plan::Plan;
use crate::steps::Update;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Shows one run.
pub struct Terminal {
    multi: MultiProgress,
    lively: bool,
    coloured: bool,
    running: HashMap<String, Running>,
    kinds: HashMap<String, String>,
    width: usize,
}

struct Running {
    bar: ProgressBar,
    since: Instant,
}

/// Colours by meaning, as ANSI codes.
#[derive(Clone, Copy)]
enum Tone {
    Good = 32,
    Bad = 31,
    Quiet = 2,
    Warn = 33,
}

impl Terminal {
    /// For a run of `plan`.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let lively = std::io::stderr().is_terminal();
        let target = if lively { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self {
            multi: MultiProgress::with_draw_target(target),
            lively,
            coloured: lively && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            running: HashMap::new(),
            kinds: plan.steps.iter().map(|step| (step.id.clone(), step.uses.clone())).collect(),
            width: plan.steps.iter().map(|step| step.id.len()).max().unwrap_or(0),
        }
    }

    /// Runs `ask` with the bars out of the way.
    pub fn suspend<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.multi.suspend(ask)
    }

    fn line(&self, tone: Tone, sign: &str, id: &str, text: &str) {
        let width = self.width;
        let (on, off) = if self.coloured { (format!("\x1b[{}m", tone as u8), "\x1b[0m") } else { (String::new(), "") };
        let line = format!("{on}{sign} {id:<width$}{off}  {text}");
        if self.lively {
            let _ = self.multi.println(line.trim_end());
        } else {
            let _ = writeln!(std::io::stderr(), "{}", line.trim_end());
        }
    }

    fn begin(&mut self, step: &str, text: &str) {
        let bar = self.multi.add(ProgressBar::new_spinner());
        bar.set_style(spinner());
        bar.set_prefix(format!("{step:<width$}", width = self.width));
        bar.set_message(text.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.running.insert(step.to_owned(), Running { bar, since: Instant::now() });
    }

    fn end(&mut self, step: &str) -> String {
        let Some(running) = self.running.remove(step) else { return String::new() };
        running.bar.finish_and_clear();
        self.multi.remove(&running.bar);
        format!("{:>7.2} s  {}", running.since.elapsed().as_secs_f64(), running.bar.message())
    }

    /// Shows what the journal has just been told.
    pub fn entry(&mut self, entry: &Entry) {
        let kind = |terminal: &Self, step: &str| terminal.kinds.get(step).cloned().unwrap_or_default();
        match &entry.event {
            Event::StepIntent { step, attempt } => {
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                let text = format!("{}{again}", kind(self, step));
                self.begin(step, &text);
            }
            Event::StepDone { step, .. } => {
                let text = self.end(step);
                self.line(Tone::Good, "✓", step, &text);
            }
            Event::StepSkipped { step, reason } => self.line(Tone::Quiet, "-", step, &format!("skipped: {reason}")),
            Event::StepFailed { step, failure, retry_at, .. } => {
                self.end(step);
                let (tone, sign) = if retry_at.is_some() { (Tone::Warn, "↻") } else { (Tone::Bad, "✗") };
                self.line(tone, sign, step, &failure.to_string());
            }
            Event::StepRefused { step, failure } => self.line(Tone::Bad, "✗", step, &failure.to_string()),
            Event::StepStopped { step, .. } => {
                self.end(step);
                self.line(Tone::Warn, "■", step, "stopped at a safe point");
            }
            Event::UndoIntent { step, .. } => self.begin(step, "taking it back"),
            Event::UndoDone { step } => {
                self.end(step);
                self.line(Tone::Quiet, "↶", step, "taken back");
            }
            Event::UndoFailed { step, failure, retry_at } => {
                self.end(step);
                let sign = if retry_at.is_some() { "↻" } else { "✗" };
                self.line(Tone::Bad, sign, step, &format!("cannot be taken back: {failure}"));
            }
            event => self.other(event),
        }
    }

    fn other(&self, event: &Event) {
        match event {
            Event::RunStarted { .. } => self.line(Tone::Quiet, "·", "", "looking at every host and server first"),
            Event::RunAdmitted => self.line(Tone::Quiet, "·", "", "nothing stands in the way"),
            Event::AfterFence { servers } => {
                for found in servers {
                    let (tone, sign) = if found.is_well() { (Tone::Good, "✓") } else { (Tone::Bad, "✗") };
                    self.line(tone, sign, "", &found.to_string());
                }
            }
            Event::WritesAccepted { by, why } => self.line(Tone::Warn, "·", "", &format!("accepted by {by}: {why}")),
            Event::RunResumed { .. } => self.line(Tone::Quiet, "·", "", "resumed"),
            Event::BlockPreparing { block } => self.line(Tone::Quiet, "·", block, "preparing"),
            Event::DeadlineReached { block } => self.line(Tone::Bad, "✗", block, "the deadline is reached"),
            Event::WindowAwaited { of, opens, closes } => {
                let time = |at: i64| {
                    jiff::Timestamp::from_millisecond(at).map(|at| at.strftime("%a %Y-%m-%d %H:%M:%S UTC").to_string())
                };
                let (from, to) = (time(*opens).unwrap_or_default(), time(*closes).unwrap_or_default());
                self.line(Tone::Quiet, "·", of, &format!("waits for its window, from {from} to {to}"));
            }
            Event::WindowOpened { of, .. } => self.line(Tone::Quiet, "·", of, "its window is open"),
            Event::RunPutOff { of, failure } => self.line(Tone::Warn, "■", of, &failure.to_string()),
            Event::RollbackStarted { reason, keep } => {
                let how = if *keep { "rolling back to the last checkpoint" } else { "rolling back" };
                self.line(Tone::Warn, "↶", "", &format!("{how}: {reason}"));
            }
            Event::BlockPutBack { block } => {
                self.line(Tone::Quiet, "·", block, "put back: its moment has not come, and nothing was touched");
            }
            Event::InventoryCorrected { by, changes } => {
                let fields: Vec<String> = changes.iter().map(|change| change.at.join(".")).collect();
                self.line(Tone::Warn, "·", "", &format!("{by} corrected {}", fields.join(", ")));
            }
            Event::SkippedByHand { step, why, by } => {
                self.line(Tone::Warn, "–", step, &format!("left out by {by}: {why}"));
            }
            Event::Interrupted => self.line(Tone::Warn, "■", "", "interrupted"),
            Event::Decided { step, decision } => {
                let word = if decision.approved { "approved" } else { "refused" };
                self.line(Tone::Quiet, "·", step, &format!("{word} by {}", decision.by));
            }
            Event::HookDone { step, .. } => self.line(Tone::Quiet, "·", step, "rollback hook done"),
            Event::HookFailed { step, failure, .. } => self.line(Tone::Bad, "✗", step, &failure.to_string()),
            _ => {}
        }
    }

    /// Shows how far a running step is.
    pub fn update(&mut self, step: &str, update: &Update) {
        let Some(running) = self.running.get(step) else {
            if let (Update::Note { text }, true) = (update, step.is_empty()) {
                self.line(Tone::Quiet, "·", "", text); // what belongs to no step
            }
            return;
        };
        match update {
            Update::Bytes { done, total } => {
                if let Some(total) = total.filter(|total| *total > 0) {
                    running.bar.set_style(bar());
                    running.bar.set_length(total.max(*done));
                }
                running.bar.set_position(*done);
            }
            Update::Rows { done, total, now } => {
                if let Some(total) = total.filter(|total| *total > 0) {
                    running.bar.set_style(row_bar());
                    running.bar.set_length(total.max(*done));
                }
                running.bar.set_position(*done);
                running.bar.set_message(now.clone());
            }
            Update::Lag { millis } => running.bar.set_message(format!("lag {millis} ms")),
            Update::Note { text } => match text.split_once('\n') {
                None => running.bar.set_message(text.clone()),
                Some((first, _)) => {
                    if self.lively {
                        let _ = self.multi.println(text);
                    } else {
                        let _ = writeln!(std::io::stderr(), "{text}");
                    }
                    running.bar.set_message(first.to_owned());
                }
            },
        }
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix}  {elapsed:>7}  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn row_bar() -> ProgressStyle {
    let template =
        "{spinner} {prefix}  {elapsed:>7}  {bar:24} {human_pos}/{human_len} rows  {per_sec}  ETA {eta}  {msg}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn bar() -> ProgressStyle {
    let template = "{spinner} {prefix}  {elapsed:>7}  {bar:24} {bytes}/{total_bytes}  {bytes_per_sec}  ETA {eta}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
