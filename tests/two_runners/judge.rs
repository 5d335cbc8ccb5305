//! The judgement over a trial: at every moment one actor, and no effect twice.
//!
//! The steps of a trial are a chain, so whatever overlaps or comes out of order is the work of two. Pure: the tests
//! below show that every kind of violation is found.

use crate::trace::{Line, Trace, What};
use std::collections::{BTreeMap, BTreeSet};

/// A step of the chain.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    pub step: &'static str,
    /// Whether the step can see that it was done. A runner that dies between a statement's commit and its entry in the
    /// journal cannot know: such a step may be carried out again if it was under way at that moment, and only then.
    pub proves_itself: bool,
}

/// What is wrong with what a trial has left. `under_way` are the steps that the first runner was at when it was struck.
pub fn judge(trace: &Trace, chain: &[Link], under_way: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = overlaps(trace);
    wrong.extend(disorder(trace, chain));
    for link in chain {
        let (step, may_repeat) = (link.step, under_way.contains(link.step));
        let begun = trace.lines.iter().filter(|line| line.step == step && line.what == What::Begin).count();
        if begun > 1 && !may_repeat {
            wrong.push(format!("{step} began {begun} times, and nobody was struck while at it"));
        }
        let most = if may_repeat && !link.proves_itself { 2 } else { 1 };
        match trace.effects.get(step).copied().unwrap_or(0) {
            0 => wrong.push(format!("{step} never had its effect")),
            times if times > most => wrong.push(format!("{step} had its effect {times} times")),
            _ => {}
        }
    }
    wrong
}

/// What is wrong with how the runners ended: one brings the run to `ends`, all others are refused (6) or were killed.
pub fn judge_ends(all: &[(&str, Option<i32>)], ends: &[i32]) -> Vec<String> {
    let finished = all.iter().filter(|(_, code)| code.is_some_and(|code| ends.contains(&code))).count();
    let other = |code: i32| code != 6 && !ends.contains(&code);
    let astray = all.iter().filter_map(|(who, code)| code.filter(|code| other(*code)).map(|code| (who, code)));
    let mut wrong: Vec<String> = astray.map(|(who, code)| format!("{who} ended with {code}")).collect();
    if finished != 1 {
        wrong.push(format!("{finished} runners brought the run to its end, not one: {all:?}"));
    }
    wrong
}

/// Executions that were at work at the same time.
fn overlaps(trace: &Trace) -> Vec<String> {
    let mut spans: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for Line { at, step, by, .. } in &trace.lines {
        let span = spans.entry((step, by)).or_insert((*at, *at));
        *span = (span.0.min(*at), span.1.max(*at));
    }
    let mut spans: Vec<_> = spans.into_iter().collect();
    spans.sort_by_key(|(_, (first, _))| *first);
    let mut wrong = Vec::new();
    for (index, (one, (_, last))) in spans.iter().enumerate() {
        for (other, (first, _)) in &spans[index + 1..] {
            if first < last {
                let ((a, by), (b, and)) = (one, other);
                wrong.push(format!("{b} ({and}) began {} us before {a} ({by}) was over", last - first));
            }
        }
    }
    wrong
}

/// Lines of a step that come after those of a later one.
fn disorder(trace: &Trace, chain: &[Link]) -> Vec<String> {
    let place = |step: &str| chain.iter().position(|link| link.step == step);
    let mut furthest: Option<(usize, &str)> = None;
    let mut wrong = BTreeSet::new();
    for line in &trace.lines {
        match (place(&line.step), furthest) {
            (None, _) => drop(wrong.insert(format!("{} is no step of the trial", line.step))),
            (Some(place), Some((far, step))) if place < far => {
                wrong.insert(format!("{} ({}) was at work when {step} had begun", line.step, line.by));
            }
            (Some(place), _) => furthest = Some((place, &line.step)),
        }
    }
    wrong.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::{Link, judge, judge_ends};
    use crate::trace::Trace;
    use std::collections::BTreeSet;

    const CHAIN: [Link; 3] = [
        Link { step: "program", proves_itself: true },
        Link { step: "rows", proves_itself: false },
        Link { step: "last", proves_itself: true },
    ];
    const GOOD: &str = "10 program 1 begin\n15 program 1 beat\n20 program 1 end\n30 rows c7 begin\n40 rows c7 end\n\
                        50 last 2 begin\n60 last 2 end\n";

    fn judged(lines: &str, more: &[(&str, usize)], under_way: &[&str]) -> Vec<String> {
        let mut trace = Trace::default();
        trace.add(lines);
        trace.effects.extend(CHAIN.map(|link| (link.step.to_owned(), 1)));
        trace.effects.extend(more.iter().map(|(step, times)| ((*step).to_owned(), *times)));
        let under_way: BTreeSet<String> = under_way.iter().map(|step| (*step).to_owned()).collect();
        judge(&trace, &CHAIN, &under_way)
    }
    fn assert_wrong(wrong: &[String], words: &str) {
        assert!(wrong.iter().any(|wrong| wrong.contains(words)), "{words} is not among {wrong:?}");
    }

    #[test]
    fn one_actor_is_in_order() {
        assert_eq!(judged(GOOD, &[], &[]), [""; 0]);
        // killed while at it, and carried out again afterwards
        let again = GOOD.replace("20 program 1 end", "16 program 3 begin\n20 program 3 end");
        assert_eq!(judged(&again, &[], &["program"]), [""; 0]);
        let again = GOOD.replace("40 rows c7 end", "40 rows c7 end\n42 rows c8 begin\n44 rows c8 end");
        assert_eq!(judged(&again, &[("rows", 2)], &["rows"]), [""; 0]);
    }

    #[test]
    fn an_effect_that_happened_twice_is_found() {
        assert_wrong(&judged(GOOD, &[("program", 2)], &[]), "program had its effect 2 times");
        assert_wrong(&judged(GOOD, &[("rows", 2)], &[]), "rows had its effect 2 times");
        // a step that can see that it was done is never excused, and no step a third time
        assert_wrong(&judged(GOOD, &[("program", 2)], &["program"]), "program had its effect 2 times");
        assert_wrong(&judged(GOOD, &[("rows", 3)], &["rows"]), "rows had its effect 3 times");
        assert_wrong(&judged(GOOD, &[("last", 0)], &[]), "last never had its effect");
    }

    #[test]
    fn a_step_that_nobody_was_at_must_not_begin_again() {
        let again = GOOD.replace("30 rows", "22 program 3 begin\n25 program 3 beat\n30 rows");
        assert_wrong(&judged(&again, &[], &["rows"]), "program began 2 times");
        assert_eq!(judged(&again, &[], &["program"]), [""; 0]);
    }

    #[test]
    fn two_at_work_at_the_same_time_are_found() {
        // the same step twice, also when it was under way
        let both = GOOD.replace("20 program 1 end", "16 program 3 begin\n18 program 1 beat\n20 program 3 end");
        assert_wrong(&judged(&both, &[], &["program"]), "program (3) began 2 us before program (1) was over");
        // a program on one side, a statement on the other
        let both = GOOD.replace("30 rows c7 begin", "19 rows c7 begin");
        assert_wrong(&judged(&both, &[], &[]), "rows (c7) began 1 us before program (1) was over");
    }

    #[test]
    fn a_late_runner_is_found_even_where_nothing_overlaps() {
        let late = format!("{GOOD}70 program 4 begin\n71 program 4 end\n");
        assert_wrong(&judged(&late, &[], &["program"]), "program (4) was at work when last had begun");
        assert_wrong(&judged("10 stranger 1 begin\n", &[], &[]), "stranger is no step");
    }

    #[test]
    fn one_ends_well_and_the_others_are_refused() {
        let fine = [("A", None), ("B", Some(6)), ("B", Some(0))];
        assert_eq!(judge_ends(&fine, &[0]), [""; 0]);
        assert_wrong(&judge_ends(&[("A", Some(0)), ("B", Some(0))], &[0]), "2 runners brought the run to its end");
        assert_wrong(&judge_ends(&[("A", Some(6)), ("B", Some(6))], &[0]), "0 runners brought the run to its end");
        assert_wrong(&judge_ends(&[("A", Some(4)), ("B", Some(0))], &[0]), "A ended with 4");
        assert_wrong(&judge_ends(&[("A", Some(0)), ("B", Some(3))], &[0]), "B ended with 3");
        assert_eq!(judge_ends(&[("A", Some(6)), ("B", Some(3))], &[0, 3]), [""; 0]);
    }
}
