//! Two runners of one run: the first is struck, the second resumes a copy of its state directory.

use crate::process::{Ended, Program, end_all, marked, program_of, send};
use crate::strike::{AWAY, Course, Strike};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// In the environment of everything that a trial starts on this machine.
pub const MARK: &str = "CUTOVER_TEST_TRIAL";
/// In the environment of the first runner and of the ssh clients that it starts.
pub const FIRST: &str = "CUTOVER_TEST_FIRST";
/// Between two attempts of the second runner.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the second runner is refused, after the first is gone, until its copy counts as too old.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest time for a trial after the strike.
const LIMIT: Duration = Duration::from_mins(3);

/// One trial's runners and directories.
pub struct Contest<'a> {
    pub course: Course,
    /// When the course began.
    pub begin: Instant,
    /// Where the programs' output goes.
    pub folder: &'a Path,
    /// State directory of the first runner.
    pub state: PathBuf,
    /// Value of [`FIRST`].
    pub mark: String,
    /// The command that resumes the run of a state directory.
    pub resume: &'a dyn Fn(&Path) -> Command,
    /// The steps that the first runner is at, by its journal.
    pub under_way: &'a dyn Fn() -> BTreeSet<String>,
    /// Exit codes of a runner that brings the run to its end.
    pub ends: &'a [i32],
}

/// How it came out.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Each runner's end, in the order of time.
    pub ends: Vec<(&'static str, Option<i32>)>,
    /// What the first runner was at when it was struck.
    pub under_way: BTreeSet<String>,
    /// Last words of every runner that was not merely refused.
    pub said: Vec<String>,
    /// The run was over when the directory was copied: there is nothing to resume.
    pub came_too_late: bool,
    /// The first runner ended with 4 because its lines were gone, before it could learn of anybody else.
    pub gave_up: bool,
    /// What went wrong besides.
    pub wrong: Vec<String>,
}

impl Outcome {
    fn note(&mut self, who: &'static str, ended: &Ended) {
        self.ends.push((who, ended.code));
        let words = ended.words();
        let end: String = words.chars().skip(words.chars().count().saturating_sub(1200)).collect();
        if ended.code != Some(6) || !self.said.iter().any(|said| said.starts_with(who)) {
            self.said.push(format!("{who} ({:?}): {end}", ended.code));
        }
    }
    /// The ends that the rule is about: a runner that was cut off may give up, and is not the one that finishes then.
    pub fn judged(&self) -> Vec<(&'static str, Option<i32>)> {
        let gave_up = |end: &&(&str, Option<i32>)| self.gave_up && **end == ("the first", Some(4));
        self.ends.iter().filter(|end| !gave_up(end)).copied().collect()
    }
    /// Its ends in words; equal ones that follow each other stand once, with their number.
    pub fn in_words(&self) -> String {
        let runs = self.ends.chunk_by(|one, next| one == next);
        let word = |(who, code): (&str, Option<i32>), times: usize| {
            let end = code.map_or("killed".to_owned(), |code| format!("exit {code}"));
            if times == 1 { format!("{who}: {end}") } else { format!("{who}: {times} times {end}") }
        };
        runs.map(|run| word(run[0], run.len())).collect::<Vec<_>>().join(", ")
    }
    fn is_over(&self, ends: &[i32]) -> bool {
        self.ends.iter().any(|(_, code)| code.is_some_and(|code| ends.contains(&code)))
    }
}

impl Contest<'_> {
    /// Strikes `first` as the course says, and lets the second runner try until the run is at its end.
    pub fn hold(&self, mut first: Program) -> Outcome {
        let mut outcome = Outcome::default();
        self.strike(&mut first, &mut outcome);
        self.let_run(&mut first, &mut outcome);
        if !outcome.is_over(self.ends) {
            if self.course.strike == Strike::Killed && self.course.copy_is_fresh() {
                let what = "the first was dead and the copy fresh, and the second was refused all the same";
                outcome.wrong.push(what.to_owned());
            }
            self.resume_where_it_began(&mut outcome);
        }
        outcome
    }

    fn strike(&self, first: &mut Program, outcome: &mut Outcome) {
        let wait = |until: Duration| std::thread::sleep(until.saturating_sub(self.begin.elapsed()));
        if !self.course.copy_is_fresh() {
            wait(self.course.copy_after);
            first.freeze(); // the copy is one moment's
            self.copy(first, outcome);
            first.wake();
        }
        wait(self.course.strike_after);
        first.freeze();
        if self.course.copy_is_fresh() {
            self.copy(first, outcome);
        }
        if self.course.strike != Strike::Spared {
            outcome.under_way = (self.under_way)();
        }
        match self.course.strike {
            Strike::Killed => first.kill(),
            Strike::Frozen => {}
            Strike::Spared => first.wake(),
            Strike::Stalled => {
                self.hold_lines(); // before it can begin anything else
                first.wake();
            }
            Strike::CutOff => {
                end_all(|| self.lines());
                first.wake();
            }
        }
    }

    fn copy(&self, first: &mut Program, outcome: &mut Outcome) {
        outcome.came_too_late = first.ended().is_some();
        assert!(Command::new("cp").arg("-a").arg(&self.state).arg(self.copied()).status().unwrap().success());
    }
    fn copied(&self) -> PathBuf {
        self.state.with_extension("copy")
    }

    fn let_run(&self, first: &mut Program, outcome: &mut Outcome) {
        let struck = Instant::now();
        let (mut first_over, mut second, mut tried, mut next) = (None, None::<Program>, None, struck);
        let holds_lines = matches!(self.course.strike, Strike::CutOff | Strike::Stalled);
        let mut back = false;
        loop {
            if struck.elapsed() < AWAY && holds_lines {
                self.hold_lines(); // also those that it makes anew
            } else if struck.elapsed() >= AWAY && !back {
                self.lines().into_iter().for_each(|line| send(line, Signal::CONT));
                first.wake();
                back = true;
            }
            if first_over.is_none()
                && let Some(ended) = first.ended()
            {
                let alone = struck.elapsed() < AWAY || !outcome.is_over(self.ends);
                outcome.gave_up = holds_lines && alone && ended.code == Some(4);
                outcome.note("the first", &ended);
                first_over = Some(Instant::now());
            }
            if let Some(ended) = second.as_mut().and_then(Program::ended) {
                outcome.note("the second", &ended);
                (second, next) = (None, Instant::now() + PAUSE);
            } else if second.is_none() && self.tries_again(outcome, first_over, tried) && Instant::now() >= next {
                tried = Some(Instant::now());
                second = Some(Program::start(&mut (self.resume)(&self.copied()), self.folder));
            } else if second.is_none() && first_over.is_some() && !self.tries_again(outcome, first_over, tried) {
                return;
            }
            if struck.elapsed() > LIMIT {
                outcome.wrong.push(format!("not over {LIMIT:?} after the strike: {}", outcome.in_words()));
                first.kill();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether the second runner has a reason to try: nobody else will bring the run to its end, or somebody has and
    /// the second has not been told so yet.
    fn tries_again(&self, outcome: &Outcome, first_over: Option<Instant>, tried: Option<Instant>) -> bool {
        let last = outcome.ends.iter().rev().find(|(who, _)| *who == "the second");
        if outcome.came_too_late || last.is_some_and(|(_, code)| *code != Some(6)) {
            return false;
        }
        match first_over {
            None => true,
            Some(over) if outcome.is_over(self.ends) => tried.is_none_or(|tried| tried < over),
            Some(over) => over.elapsed() < PATIENCE,
        }
    }

    /// The copy is too old: the run goes on from the directory that it was begun in.
    fn resume_where_it_began(&self, outcome: &mut Outcome) {
        let begin = Instant::now();
        loop {
            let mut again = Program::start(&mut (self.resume)(&self.state), self.folder);
            let ended = again.end_within(LIMIT);
            outcome.note("the first, resumed", &ended);
            if ended.code != Some(6) || begin.elapsed() > PATIENCE {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn hold_lines(&self) {
        self.lines().into_iter().for_each(|line| send(line, Signal::STOP));
    }
    /// The ssh clients of the first runner.
    fn lines(&self) -> Vec<u32> {
        let entry = format!("{FIRST}={}", self.mark);
        marked(&entry).into_iter().filter(|&pid| program_of(pid) == "ssh").collect()
    }
}
