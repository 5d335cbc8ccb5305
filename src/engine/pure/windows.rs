//! Windows for the scheduler: what waits for one, whether it is open, and whether the next step or block still fits
//! in. Pure: the time on the wall is handed in.
//!
//! A step or block that has started is finished, even after the window closes: inside a block the application may be
//! without a server to write on. A block counts as started when its clock runs, or when a resumed run found something
//! that one of its steps left behind.

use crate::domain::units::Span;
use crate::engine::graph::{Gate, Graph, damaged};
use crate::engine::retry;
use crate::engine::schedule::{Decision, Task};
use crate::engine::state::RunState;
use crate::engine::status::{Proof, Status};
use crate::error::{Failure, Result};
use crate::kinds::Reversibility;
use crate::plan::{Plan, PlannedStep};
use crate::playbook::window::{Calendar, Opening, Window};
use std::time::Duration;

/// The time, by two clocks, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// By the runner's clock, which never goes back: retries and deadlines go by it.
    pub steady: i64,
    /// By the machine's clock, which may be set: windows go by it, because people do.
    pub wall: i64,
}

impl From<i64> for Now {
    fn from(both: i64) -> Self {
        Self { steady: both, wall: both }
    }
}

/// Everything in `plan` that waits for a window.
pub(in crate::engine) fn gates(plan: &Plan) -> Result<Vec<Gate>> {
    let gate = |id: &str, place: Task, window: &Window, forecast_ms: u64| {
        let calendar = Calendar::new(window)
            .ok_or_else(|| damaged(&format!("there is no time zone `{}` for `{id}`", window.time_zone)))?;
        Ok(Gate { id: id.to_owned(), place, calendar, forecast_ms })
    };
    let mut gates = Vec::new();
    for (number, block) in plan.blocks.iter().enumerate() {
        if let Some(window) = &block.window {
            gates.push(gate(&block.id, Task::Block(number), window, block.deadline_ms.unwrap_or_default())?);
        }
    }
    for (ix, step) in plan.steps.iter().enumerate() {
        if let Some(window) = &step.window {
            gates.push(gate(&step.id, Task::Step(ix), window, forecast(step))?);
        }
    }
    Ok(gates)
}

/// The longest time that a step can take: every attempt to its end, with the pauses in between.
fn forecast(step: &PlannedStep) -> u64 {
    let pauses: Duration = (1..step.retry.attempts).map(|attempt| retry::pause(&step.retry, attempt)).sum();
    let pauses = u64::try_from(pauses.as_millis()).unwrap_or(u64::MAX);
    step.timeout_ms.saturating_mul(u64::from(step.retry.attempts.max(1))).saturating_add(pauses)
}

/// What step `ix`, whose needs are fulfilled, must wait for before its block, or the step itself, starts. `None` if
/// nothing holds it. `ready` states that everything else is ready.
pub(in crate::engine) fn hold(state: &RunState, ix: usize, now: Now, ready: bool) -> Option<Decision> {
    let number = state.graph.gate(ix)?;
    let gate = &state.graph.gates()[number];
    if is_begun(state, gate.place) {
        return None;
    }
    let known = &state.windows[number];
    if let Some(closes) = known.open {
        let fits = now.wall.saturating_add(signed(gate.forecast_ms)) <= closes;
        return (!fits).then(|| put_off(number, gate, does_not_fit(gate, closes, now.wall)));
    }
    let Some(opening) = gate.calendar.opening(known.past.unwrap_or(now.wall).max(now.wall)) else {
        return Some(put_off(number, gate, "it never opens again".to_owned()));
    };
    if opening.opens <= now.wall {
        return Some(Decision::Open { gate: number, closes: opening.closes });
    }
    if !ready {
        return None; // preparation runs ahead
    }
    if known.awaited == Some(opening) {
        let wait = opening.opens - now.wall;
        return Some(Decision::Wake { at: now.steady.saturating_add(wait) });
    }
    let longest = gate.calendar.window().longest_wait;
    match longest.filter(|longest| opening.opens - now.wall > signed_time(longest.0)) {
        Some(longest) => Some(put_off(number, gate, opens_too_late(gate, opening, longest))),
        None => Some(Decision::Await { gate: number, opening }),
    }
}

fn is_begun(state: &RunState, place: Task) -> bool {
    let left_something = |ix: usize| {
        let step = &state.steps[ix];
        let there = step.status == Status::Succeeded || (step.begun && !(step.absent && step.proof == Proof::Good));
        there && state.graph.step(ix).reversibility != Reversibility::NothingToUndo
    };
    match place {
        Task::Block(block) => {
            state.blocks[block].started.is_some() || state.graph.blocks()[block].iter().any(|&ix| left_something(ix))
        }
        // its retries are part of the forecast; what a dead runner left half done waits for the next window
        Task::Step(ix) => state.steps[ix].status == Status::Retrying,
    }
}

/// Why a step or block of `plan` can never start in its window, with the step that is refused.
pub(in crate::engine) fn never_fit(graph: &Graph) -> Vec<(usize, Failure)> {
    let too_long = |gate: &&Gate| Duration::from_millis(gate.forecast_ms) > gate.calendar.window().length();
    let failure = |gate: &Gate| {
        let window = gate.calendar.window();
        let answer = format!(
            "it may take {}, and the window is open for {} only",
            time(gate.forecast_ms),
            Span(window.length())
        );
        let ix = match gate.place {
            Task::Step(ix) => ix,
            Task::Block(block) => graph.blocks()[block].first().copied().unwrap_or_default(),
        };
        (ix, refused(gate, answer).now("nothing was touched"))
    };
    graph.gates().iter().filter(too_long).map(failure).collect()
}

fn put_off(number: usize, gate: &Gate, answer: String) -> Decision {
    let now = "it has not started; the steps before it keep their effect";
    let help = "`cutover resume` continues and waits for the next window; `cutover rollback` undoes everything";
    Decision::PutOff { gate: number, failure: refused(gate, answer).now(now).help(help) }
}

fn refused(gate: &Gate, answer: String) -> Failure {
    Failure::refused(format!("start `{}` within its window, {}", gate.id, gate.calendar.window()), answer)
}

fn does_not_fit(gate: &Gate, closes: i64, wall: i64) -> String {
    let left = time(u64::try_from(closes - wall).unwrap_or(0));
    let at = gate.calendar.show(closes);
    format!("it may take {}, and the window closes in {left}, {at}", time(gate.forecast_ms))
}

fn opens_too_late(gate: &Gate, opening: Opening, longest: Span) -> String {
    format!("the next window opens {}, and the run waits for {longest} at most", gate.calendar.show(opening.opens))
}

/// Whole seconds: milliseconds do not matter for a window, and people read this.
fn time(millis: u64) -> String {
    let time = if millis < 10_000 { Duration::from_millis(millis) } else { Duration::from_secs(millis / 1000) };
    Span(time).to_string()
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

fn signed_time(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
