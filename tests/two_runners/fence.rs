//! A trial behind the fence: the shipped switch, an application that writes, and the strike when the old server is closed.

use crate::contest::{Contest, FIRST, MARK};
use crate::judge::judge_ends;
use crate::process::{Program, end_all, marked};
use crate::stage::{PLAYBOOK, Stage};
use crate::strike::Course;
use crate::trial::running;
use cutover::rehearsal::judge::Verdict;
use cutover::store::{Event, Journal, Store};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// From the fence to about the application's move, and to well behind it: half of the trials each.
const COURSES: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(800)];
/// Longest time until the fence falls.
const UNTIL_FENCE: Duration = Duration::from_mins(3);
const LOOK: Duration = Duration::from_secs(20);
/// The application's last writes before it is stopped.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// Holds the trial of a seed: what it was, and what is wrong. Behind the fence a runner may also roll back: the switch
/// has a deadline.
pub fn hold(seed: u64) -> (String, Vec<String>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let mut stage = runtime.block_on(Stage::new());
    let mark = format!("fence{seed}-{}", std::process::id());
    let _left = Left(format!("{MARK}={mark}"));
    let mut first = stage.on_playbook(&["run", "--yes"], Path::new(PLAYBOOK)).into_std();
    first.args(["--set", "quiet_for=1s"]).env(FIRST, &mark).env(MARK, &mark);
    let mut first = Program::start(&mut first, stage.sandbox.dir());
    if let Some(wrong) = until_fence(&stage, &mut first) {
        return ("the fence never fell".into(), vec![wrong]);
    }
    let course = Course::of(seed, if seed.is_multiple_of(2) { COURSES[0] } else { COURSES[1] });
    let command = |state: &Path, words: &[&str]| -> Command {
        let mut command = stage.cutover(words).into_std();
        command.arg("--state").arg(state).env(MARK, &mark);
        command
    };
    let under_way = || -> BTreeSet<String> {
        let output = command(&stage.state(), &["status", "--format", "json"]).output().unwrap();
        running(&serde_json::from_slice(&output.stdout).unwrap_or_default())
    };
    let outcome = Contest {
        course,
        begin: Instant::now(),
        folder: stage.sandbox.dir(),
        state: stage.state(),
        mark: mark.clone(),
        resume: &|state| command(state, &["resume", "--yes"]),
        under_way: &under_way,
        ends: &[0, 3],
    }
    .hold(first);
    let mut wrong = judge_ends(&outcome.judged(), &[0, 3]);
    let done = outcome.ends.iter().any(|(_, code)| *code == Some(0));
    let open = runtime.block_on(open(&stage));
    let verdict = runtime.block_on(async {
        tokio::time::sleep(AFTERWARDS).await;
        let address = if done { stage.sandbox.target.address() } else { stage.sandbox.source.address() };
        stage.verdict(&address).await
    });
    wrong.extend(judge_switch(done, open, &verdict));
    let told =
        format!("{course:?}, at {:?}: {}, {} writes", outcome.under_way, outcome.in_words(), verdict.acknowledged);
    let said = if wrong.is_empty() && outcome.wrong.is_empty() { Vec::new() } else { outcome.said };
    (told, [outcome.wrong, wrong, said].concat())
}

/// What is wrong with what the switch has left: `open` says whether the old server and the new one take writes.
fn judge_switch(done: bool, open: (bool, bool), verdict: &Verdict) -> Vec<String> {
    let mut wrong = Vec::new();
    let right = if done { (false, true) } else { (true, true) }; // rolled back, both are as they were before the run
    if open != right {
        wrong.push(format!("done: {done}, and (old, new) take writes: {open:?}"));
    }
    if !verdict.is_good() || verdict.acknowledged == 0 {
        wrong.push(format!("{verdict:?}"));
    }
    wrong
}

/// Waits until the journal says that the fence begins, as near to that moment as another process can come.
fn until_fence(stage: &Stage, first: &mut Program) -> Option<String> {
    let begin = Instant::now();
    loop {
        std::thread::sleep(Duration::from_millis(2));
        if let Some(ended) = first.ended() {
            return Some(format!("it ended before: {}", ended.words()));
        }
        if begin.elapsed() > UNTIL_FENCE {
            return Some(format!("not within {UNTIL_FENCE:?}"));
        }
        let Ok(Some(journal)) = Store::open_existing(&stage.state()) else { continue };
        let Some(run) = journal.runs().ok().and_then(|runs| runs.last().map(|run| run.id.clone())) else { continue };
        let is_fence = |event: &Event| matches!(event, Event::StepIntent { step, .. } if step == "fence");
        if journal.entries(&run).is_ok_and(|entries| entries.iter().any(|entry| is_fence(&entry.event))) {
            return None;
        }
    }
}

/// Whether the old server, and the new one, takes writes.
async fn open(stage: &Stage) -> (bool, bool) {
    let sessions = [stage.sandbox.on_source().await.unwrap(), stage.sandbox.on_target().await.unwrap()];
    let mut open = Vec::new();
    for session in sessions {
        let rows = session.query("SELECT @@GLOBAL.read_only", LOOK).await.unwrap();
        open.push(rows.value() == Some("0"));
    }
    (open[0], open[1])
}

/// What the runners may have left on this machine.
struct Left(String);

impl Drop for Left {
    fn drop(&mut self) {
        end_all(|| marked(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::judge_switch;
    use cutover::rehearsal::judge::Verdict;

    #[test]
    fn a_write_that_is_lost_and_two_open_servers_are_found() {
        let good = Verdict {
            acknowledged: 9,
            lost: 0,
            unknown: 0,
            unknown_on_target: 0,
            on_source_after_fence: 0,
            downtime_ms: None,
            downtimes: Vec::new(),
            rows_copied: 0,
            balance_kept: true,
            ticks: None,
        };
        assert_eq!(judge_switch(true, (false, true), &good), [""; 0]);
        assert_eq!(judge_switch(false, (true, true), &good), [""; 0]);
        assert_eq!(judge_switch(true, (true, true), &good).len(), 1);
        assert_eq!(judge_switch(false, (false, true), &good).len(), 1);
        for bad in [
            Verdict { lost: 1, ..good.clone() },
            Verdict { on_source_after_fence: 1, ..good.clone() },
            Verdict { acknowledged: 0, ..good },
        ] {
            assert_eq!(judge_switch(true, (false, true), &bad).len(), 1);
        }
    }
}
