//! The standing of a question: who was asked what, and the answers so far. Pure: folded from the journal.
//!
//! A question is asked in rounds. A round begins when a step begins to wait, and ends when the run is postponed because
//! of it, when it lapses, or when the step was undone and the run goes forward again; answers in a round that
//! has ended does not count any more. A runner that dies and another one that asks again do not end a round.

use crate::effects::{Decision, Rule};
use crate::engine::run_id::person;
use crate::people::PeopleFile;
use crate::store::{Entry, Event};

/// The standing of the question of one step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// What people are asked.
    pub message: String,
    /// Who must answer.
    pub rule: Rule,
    /// Who started the run: a person by name, or an account as `user@host`.
    pub starter: String,
    /// When the round began, in milliseconds since 1970.
    pub asked: Option<i64>,
    /// Whether the step was undone since: when the run goes forward again, it asks again.
    pub taken_back: bool,
    /// The file of people that answers come from; none until somebody has answered by one, unless the run was started
    /// with one.
    pub file: Option<PeopleFile>,
    /// The answers in it, with the time.
    pub decisions: Vec<(i64, Decision)>,
}

impl Standing {
    /// The standing of the question of `step` in a run with these `entries`.
    #[must_use]
    pub fn of(entries: &[Entry], step: &str) -> Self {
        let mut standing = Self::default();
        for Entry { at, event, .. } in entries {
            match event {
                Event::RunStarted { runner, by, .. } => {
                    person(by.as_deref().unwrap_or(runner)).clone_into(&mut standing.starter);
                }
                // two people give the first answer at the same moment: one file wins, and the other answer does not
                // count
                Event::PeopleBound { file, why, .. } if standing.file.is_none() || why.is_some() => {
                    standing.file = Some(file.clone());
                }
                Event::StepWaiting { step: id, message, rule } if id == step => standing.ask(*at, message, rule),
                Event::Decided { step: id, decision } if id == step => {
                    standing.decisions.push((*at, decision.clone()));
                }
                Event::RunPutOff { of, .. } if of == step => standing.end_round(),
                Event::UndoIntent { step: id, .. } if id == step => standing.taken_back = true,
                Event::RunResumed { .. } if standing.taken_back => standing.end_round(),
                _ => {}
            }
        }
        standing
    }

    /// Whether an event can change the standing of a question.
    #[must_use]
    pub fn rests_on(event: &Event) -> bool {
        matches!(
            event,
            Event::RunStarted { .. }
                | Event::RunResumed { .. }
                | Event::PeopleBound { .. }
                | Event::StepWaiting { .. }
                | Event::Decided { .. }
                | Event::RunPutOff { .. }
                | Event::UndoIntent { .. }
        )
    }

    fn ask(&mut self, at: i64, message: &str, rule: &Rule) {
        if self.lapses_at().is_some_and(|end| end <= at) && self.missing() > 0 {
            self.end_round();
        }
        self.asked.get_or_insert(at);
        message.clone_into(&mut self.message);
        self.rule.clone_from(rule);
    }

    fn end_round(&mut self) {
        self.asked = None;
        self.taken_back = false;
        self.decisions.clear();
    }

    /// When the round lapses, in milliseconds since 1970; never, when `None`.
    #[must_use]
    pub fn lapses_at(&self) -> Option<i64> {
        let time = i64::try_from(self.rule.expires_ms?).unwrap_or(i64::MAX);
        Some(self.asked?.saturating_add(time))
    }

    /// The first no. It counts from anyone, because to stop is safe.
    #[must_use]
    pub fn refusal(&self) -> Option<&Decision> {
        self.decisions.iter().map(|(_, decision)| decision).find(|decision| !decision.approved)
    }

    /// Everyone whose yes counts, each once, in the order of their answers.
    #[must_use]
    pub fn people(&self) -> Vec<String> {
        let mut people: Vec<String> = Vec::new();
        for (at, decision) in self.decisions.iter().filter(|(_, decision)| decision.approved) {
            let by = person(&decision.by);
            let in_time = self.lapses_at().is_none_or(|end| *at < end);
            if in_time
                && self.is_of_the_file(decision)
                && self.why_not(by).is_none()
                && !people.iter().any(|known| known == by)
            {
                people.push(by.to_owned());
            }
        }
        people
    }

    /// Whether the decision came by the file that the run is bound to. Earlier answers of accounts, or of people by an
    /// earlier file, do not count: these may be the same people as those of the file.
    fn is_of_the_file(&self, decision: &Decision) -> bool {
        self.file.as_ref().is_none_or(|file| decision.people.as_ref() == Some(&file.sha256))
    }

    /// Why an answer by `file` cannot be taken, or by an account when `None`: the run is bound to another one. Also
    /// what to do about it.
    #[must_use]
    pub fn strange_file(&self, file: Option<&PeopleFile>) -> Option<(String, &'static str)> {
        let bound = self.file.as_ref()?;
        let Some(file) = file else {
            let said = format!("only people of {bound} may answer in this run, and an account is not one of them");
            return Some((said, "name the file of people by --people, and your token"));
        };
        let said = || {
            let changes = bound.changes(file);
            format!(
                "the file of people has changed: the run is bound to {bound}, but the file given is {file}: {changes}"
            )
        };
        let help = "if the change is intended, accept it with `cutover people accept RUN --people FILE --why TEXT`: \
                    everyone who has answered must answer again. Ctrl-C or SIGTERM stops the run";
        (!bound.is_same(file)).then(|| (said(), help))
    }

    /// How many more people must say yes.
    #[must_use]
    pub fn missing(&self) -> usize {
        usize::try_from(self.rule.count).unwrap_or(usize::MAX).saturating_sub(self.people().len())
    }

    /// Why a yes of `who` would not count, independent of earlier answers.
    #[must_use]
    pub fn why_not(&self, who: &str) -> Option<String> {
        let who = person(who);
        if self.rule.not_starter && who == self.starter {
            return Some(format!("{who} started the run, so somebody else must approve"));
        }
        let named = self.rule.people.is_empty() || self.rule.people.iter().any(|name| name == who);
        (!named).then(|| format!("{who} may not approve; these may: {}", self.rule.people.join(", ")))
    }

    /// The standing in words: `1 of 2 (anna), waiting for one more`. Empty where one answer of anybody is enough.
    #[must_use]
    pub fn words(&self) -> String {
        if self.rule.is_plain() {
            return String::new();
        }
        let (people, missing) = (self.people(), self.missing());
        let who = if people.is_empty() { String::new() } else { format!(" ({})", people.join(", ")) };
        let more = match missing {
            0 => "complete".to_owned(),
            1 if people.is_empty() => "waiting for one".to_owned(),
            1 => "waiting for one more".to_owned(),
            missing => format!("waiting for {missing}{}", if people.is_empty() { "" } else { " more" }),
        };
        format!("{} of {}{who}, {more}", people.len(), self.rule.count)
    }
}

#[cfg(test)]
mod tests {
    use super::Standing;
    use crate::effects::{Decision, Rule};
    use crate::error::Failure;
    use crate::people::PeopleFile;
    use crate::store::{Entry, Event};

    fn story(events: Vec<(i64, Event)>) -> Standing {
        let entry = |(seq, (at, event))| Entry { seq, at, hash: String::new(), event };
        let entries: Vec<Entry> = (1..).zip(events).map(entry).collect();
        Standing::of(&entries, "go")
    }
    fn started(by: Option<&str>) -> (i64, Event) {
        let (runner, by) = ("anna@ops1, process 7".to_owned(), by.map(str::to_owned));
        (1, Event::RunStarted { epoch: 1, runner, by, folder: String::new(), sources: None, revision: None })
    }
    fn waits(at: i64, rule: &Rule) -> (i64, Event) {
        (at, Event::StepWaiting { step: "go".into(), message: "Go?".into(), rule: rule.clone() })
    }
    fn says(at: i64, by: &str, approved: bool) -> (i64, Event) {
        let decision = Decision { approved, by: by.into(), reason: None, plan: None, people: None };
        (at, Event::Decided { step: "go".into(), decision })
    }
    fn by_file(at: i64, by: &str, file: &str) -> (i64, Event) {
        let (_, said) = says(at, by, true);
        let Event::Decided { step, mut decision } = said else { unreachable!() };
        decision.people = Some(file.into());
        (at, Event::Decided { step, decision })
    }
    fn bound(at: i64, file: &str, why: Option<&str>) -> (i64, Event) {
        let file = PeopleFile { path: "/p".into(), sha256: file.into(), ..PeopleFile::default() };
        (at, Event::PeopleBound { file, by: "x".into(), why: why.map(str::to_owned) })
    }
    fn two() -> Rule {
        Rule { count: 2, ..Rule::default() }
    }

    #[test]
    fn the_same_person_counts_once_whatever_the_process() {
        let said = vec![says(3, "ola@ops1, process 1", true), says(4, "ola@ops1, process 2 (--yes)", true)];
        let standing = story([vec![started(None), waits(2, &two())], said].concat());
        assert_eq!((standing.people(), standing.missing()), (vec!["ola@ops1".to_owned()], 1));
        assert_eq!(standing.words(), "1 of 2 (ola@ops1), waiting for one more");
    }

    #[test]
    fn the_starter_and_strangers_do_not_count_but_their_no_does() {
        let rule = Rule { not_starter: true, people: vec!["anna".into(), "ola".into()], ..two() };
        let said = vec![says(3, "anna", true), says(3, "kari", true), says(4, "ola", true)];
        let standing = story([vec![started(Some("anna")), waits(2, &rule)], said].concat());
        assert_eq!(standing.people(), ["ola"]);
        assert!(standing.why_not("anna").unwrap().contains("started the run"));
        assert!(standing.why_not("kari").unwrap().contains("may not approve; these may: anna, ola"));
        let standing = story(vec![started(Some("anna")), waits(2, &rule), says(3, "anna", false)]);
        assert!(standing.refusal().is_some());
    }

    #[test]
    fn what_comes_too_late_does_not_count_and_a_question_asked_again_begins_anew() {
        let rule = Rule { expires_ms: Some(10), ..two() };
        let standing = story(vec![started(None), waits(2, &rule), says(3, "a", true), says(12, "b", true)]);
        assert_eq!((standing.people(), standing.lapses_at()), (vec!["a".to_owned()], Some(12)));
        let again = [waits(2, &rule), says(3, "a", true), waits(13, &rule), says(14, "b", true)];
        assert_eq!(story(again.to_vec()).people(), ["b"]);
        // a runner that died in between asks again within the round
        let within = [waits(2, &rule), says(3, "a", true), waits(5, &rule), says(11, "b", true)];
        assert_eq!(story(within.to_vec()).missing(), 0);
    }

    #[test]
    fn only_words_by_the_file_that_the_run_is_bound_to_count() {
        let first = [waits(2, &two()), says(3, "anna@ops1", true), bound(4, "f1", None), by_file(4, "anna", "f1")];
        let standing = story(first.to_vec());
        assert_eq!(standing.people(), ["anna"], "an account may be the same person");
        assert!(standing.strange_file(None).unwrap().0.contains("an account is not one of them"));
        let other = PeopleFile { sha256: "f2".into(), ..PeopleFile::default() };
        assert!(standing.strange_file(Some(&other)).unwrap().0.contains("has changed"));
        // a person who swaps the file and is as fast as the first one does not win
        let raced = [&first[..], &[bound(5, "f2", None), by_file(5, "ola", "f2")]].concat();
        assert_eq!(story(raced).people(), ["anna"]);
        let accepted = [&first[..], &[bound(5, "f2", Some("ola has a new token")), by_file(6, "ola", "f2")]].concat();
        let standing = story(accepted);
        assert_eq!((standing.people(), standing.strange_file(Some(&other))), (vec!["ola".to_owned()], None));
    }

    #[test]
    fn a_run_that_was_put_off_asks_everybody_again() {
        let off = Event::RunPutOff { of: "go".into(), failure: Failure::lapsed("x", "y") };
        let standing = story(vec![waits(2, &two()), says(3, "a", true), (9, off), waits(20, &two())]);
        assert_eq!((standing.asked, standing.missing()), (Some(20), 2));
        assert_eq!(standing.words(), "0 of 2, waiting for 2");
    }
}
