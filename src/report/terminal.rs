//! Live display of a run: bars with ETA on a terminal, one line per event everywhere else. Writes to stderr only.
//!
//! May know journal entries, progress updates and the plan; it decides nothing.

use crate::domain::units::Span;
use crate::domain::{on_one_line, visible};
use crate::kinds::Update;
use crate::plan::Plan;
use crate::report::time::bytes;
use crate::store::{Entry, Event};
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
    /// When a line about it was last written, where there is no terminal.
    shown: Instant,
    /// Its last progress, and when.
    told: Option<(Update, Instant)>,
}

/// How often a running step is reported where there is no terminal: the log of a nightly run must show that it is still
/// running.
const SIGN_OF_LIFE: Duration = Duration::from_mins(1);

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
        let (id, below) = (on_one_line(id), " ".repeat(width + 4));
        let text = visible(text).replace('\n', &format!("\n{below}")); // no text of another begins a line
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
        bar.set_message(on_one_line(text).into_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        let now = Instant::now();
        self.running.insert(step.to_owned(), Running { bar, since: now, shown: now, told: None });
    }

    /// Writes a line about each step that has been silent for a minute, where there is no terminal. Must be called more
    /// often than that.
    pub fn show_signs_of_life(&mut self, now: Instant) {
        for line in self.signs_of_life(now) {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    fn signs_of_life(&mut self, now: Instant) -> Vec<String> {
        if self.lively {
            return Vec::new();
        }
        let width = self.width;
        let silent = |running: &&mut Running| now.saturating_duration_since(running.shown) >= SIGN_OF_LIFE;
        let mut lines: Vec<(Instant, String)> = Vec::new();
        for (step, running) in &mut self.running {
            let Some(running) = Some(running).filter(silent) else { continue };
            running.shown = now;
            let time = Span(Duration::from_secs(now.saturating_duration_since(running.since).as_secs()));
            let words = match &running.told {
                Some((update, at)) => how_far(update, now.saturating_duration_since(*at)),
                None => running.bar.message(),
            };
            lines.push((running.since, format!("▸ {step:<width$}  for {time}: {words}")));
        }
        lines.sort();
        lines.into_iter().map(|(_, line)| line).collect()
    }

    fn end(&mut self, step: &str) -> String {
        let Some(running) = self.running.remove(step) else { return String::new() };
        running.bar.finish_and_clear();
        self.multi.remove(&running.bar);
        format!("{:>7.2} s  {}", running.since.elapsed().as_secs_f64(), running.bar.message())
    }

    /// Shows a new journal entry.
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
            Event::UndoIntent { step, .. } => self.begin(step, "undoing"),
            Event::UndoDone { step } => {
                self.end(step);
                self.line(Tone::Quiet, "↶", step, "undone");
            }
            Event::UndoFailed { step, failure, retry_at } => {
                self.end(step);
                let sign = if retry_at.is_some() { "↻" } else { "✗" };
                self.line(Tone::Bad, sign, step, &format!("could not be undone: {failure}"));
            }
            event => self.other(event),
        }
    }

    fn other(&self, event: &Event) {
        match event {
            Event::RunStarted { sources, .. } => {
                if sources.as_ref().is_some_and(|sources| sources.rehearsal) {
                    self.line(Tone::Quiet, "·", "", "this is a rehearsal, on temporary servers");
                }
                self.line(Tone::Quiet, "·", "", "checking all hosts and servers first");
            }
            Event::RunAdmitted => self.line(Tone::Quiet, "·", "", "all checks passed"),
            Event::AfterFence { servers } => {
                for found in servers {
                    let (tone, sign) = if found.is_well() { (Tone::Good, "✓") } else { (Tone::Bad, "✗") };
                    self.line(tone, sign, "", &found.to_string());
                }
            }
            Event::WritesAccepted { by, why } => self.line(Tone::Warn, "·", "", &format!("accepted by {by}: {why}")),
            Event::RunResumed { .. } => self.line(Tone::Quiet, "·", "", "resumed"),
            Event::BlockPreparing { block } => self.line(Tone::Quiet, "·", block, "preparing"),
            Event::DeadlineReached { block } => self.line(Tone::Bad, "✗", block, "deadline reached"),
            Event::WindowAwaited { of, opens, closes } => {
                let time = |at: i64| {
                    jiff::Timestamp::from_millisecond(at).map(|at| at.strftime("%a %Y-%m-%d %H:%M:%S UTC").to_string())
                };
                let (from, to) = (time(*opens).unwrap_or_default(), time(*closes).unwrap_or_default());
                self.line(Tone::Quiet, "·", of, &format!("waiting for its window, from {from} to {to}"));
            }
            Event::WindowOpened { of, .. } => self.line(Tone::Quiet, "·", of, "its window is open"),
            Event::RunPutOff { of, failure } => self.line(Tone::Warn, "■", of, &failure.to_string()),
            Event::RollbackStarted { reason, keep } => {
                let how = if *keep { "rolling back to the last checkpoint" } else { "rolling back" };
                self.line(Tone::Warn, "↶", "", &format!("{how}: {reason}"));
            }
            Event::BlockPutBack { block } => {
                self.line(
                    Tone::Quiet,
                    "·",
                    block,
                    "postponed: its conditions are not met yet, and nothing was touched",
                );
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
        let Some(running) = self.running.get_mut(step) else {
            if let (Update::Note { text }, true) = (update, step.is_empty()) {
                self.line(Tone::Quiet, "·", "", text); // what belongs to no step
            }
            return;
        };
        running.told = Some((update.clone(), Instant::now()));
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
                running.bar.set_message(on_one_line(now).into_owned());
            }
            Update::Lag { millis } => running.bar.set_message(format!("lag {millis} ms")),
            Update::Note { text } => match text.split_once('\n') {
                None => running.bar.set_message(visible(text).into_owned()),
                Some((first, _)) => {
                    if self.lively {
                        let _ = self.multi.println(visible(text));
                    } else {
                        let _ = writeln!(std::io::stderr(), "{}", visible(text));
                    }
                    running.bar.set_message(visible(first).into_owned());
                }
            },
        }
    }
}

/// The last progress of a step, `age` ago, in words.
fn how_far(update: &Update, age: Duration) -> String {
    let share = |done: u64, total: Option<u64>| {
        let total = total.filter(|total| *total > 0);
        total.map_or(String::new(), |total| format!(" ({} %)", done.saturating_mul(100) / total))
    };
    let of = |total: Option<String>| total.map_or(String::new(), |total| format!(" of {total}"));
    let words = match update {
        Update::Bytes { done, total } => format!("{}{}{}", bytes(*done), of(total.map(bytes)), share(*done, *total)),
        Update::Rows { done, total, now } => {
            let total_rows = of(total.map(|total| total.to_string()));
            format!("{done}{total_rows} rows{}, {now}", share(*done, *total))
        }
        Update::Lag { millis } => format!("lag {millis} ms"),
        Update::Note { text } => text.lines().next().unwrap_or_default().to_owned(),
    };
    match age.as_secs() {
        0..=10 => words,
        seconds => format!("{words}, as of {} ago", Span(Duration::from_secs(seconds))),
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

#[cfg(test)]
mod tests {
    use super::{Terminal, how_far};
    use crate::kinds::Update;
    use std::collections::HashMap;
    use std::time::{Duration, Instant};

    #[test]
    fn a_step_without_a_terminal_gives_a_sign_of_life_each_minute() {
        let (multi, running, kinds) = (indicatif::MultiProgress::new(), HashMap::new(), HashMap::new());
        let mut terminal = Terminal { multi, lively: false, coloured: false, running, kinds, width: 4 };
        let begin = Instant::now();
        terminal.begin("dump", "dump");
        terminal.update("dump", &Update::Bytes { done: 1 << 20, total: Some(4 << 20) });
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert!(terminal.signs_of_life(after(55)).is_empty());
        let lines = terminal.signs_of_life(after(65));
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("▸ dump  for 1m"), "{lines:?}");
        assert!(lines[0].contains("1.0 MiB of 4.0 MiB (25 %), as of 1m"), "{lines:?}");
        assert!(terminal.signs_of_life(after(120)).is_empty(), "it was shown 55 s ago");
        assert_eq!(terminal.signs_of_life(after(126)).len(), 1);
        terminal.end("dump");
        assert!(terminal.signs_of_life(after(600)).is_empty());
    }

    #[test]
    fn a_measurement_has_an_age() {
        assert_eq!(how_far(&Update::Lag { millis: 2 }, Duration::from_secs(3)), "lag 2 ms");
        assert_eq!(how_far(&Update::Lag { millis: 2 }, Duration::from_secs(40)), "lag 2 ms, as of 40s ago");
        let rows = Update::Rows { done: 5, total: None, now: "t".into() };
        assert_eq!(how_far(&rows, Duration::ZERO), "5 rows, t");
    }
}
