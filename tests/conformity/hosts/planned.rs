//! Whether what was done on a host stands in the plan that people were shown. Compared is the text of the plan with the text
//! that reached the host, and nothing of the program's own comparison is used.

use super::asked::Done;
use cutover::domain::secret::SecretRef;
use cutover::domain::{Action, Contents, Form, Lookup, Part, Piece, Private, Text, Words};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::collections::BTreeMap;

/// A plan as it was shown.
pub struct Planned {
    actions: Vec<Action>,
    scripts: BTreeMap<String, String>,
    secrets: BTreeMap<String, SecretString>,
}

impl Lookup for Planned {
    fn secret(&self, label: &str) -> Option<&SecretString> {
        self.secrets.get(label)
    }
}

type Next<'a> = &'a dyn Fn(&str) -> bool;

impl Planned {
    /// The plan in `json`, and the values of variables that its secrets stand in.
    pub fn new(json: &Value, secrets: &[(&str, &str)]) -> Self {
        let secret = |(name, value): &(&str, &str)| {
            (SecretRef::Env((*name).to_owned()).label(), SecretString::from((*value).to_owned()))
        };
        let secrets = secrets.iter().map(secret).collect();
        let scripts = serde_json::from_value(json["scripts"].clone()).unwrap();
        let mut planned = Self { actions: Vec::new(), scripts, secrets };
        planned.collect(json);
        assert!(planned.actions.len() > 10, "{}", planned.actions.len());
        planned
    }
    fn collect(&mut self, value: &Value) {
        match value {
            Value::Object(action) if action.contains_key("do") => {
                self.actions.push(serde_json::from_value(value.clone()).unwrap());
            }
            Value::Object(map) => map.values().for_each(|inner| self.collect(inner)),
            Value::Array(items) => items.iter().for_each(|inner| self.collect(inner)),
            _ => {}
        }
    }

    /// Whether it stands in the plan, for this host.
    pub fn states(&self, host: &str, done: &Done) -> bool {
        self.actions.iter().filter(|action| action.host() == Some(host)).any(|action| self.is(action, done))
    }

    fn is(&self, action: &Action, done: &Done) -> bool {
        match (action, done) {
            (Action::Command { command, input, .. }, Done::Script(script, given)) => {
                let nothing = Contents::default();
                // what ended, or was ended, before its input came was given less than is planned, and nothing else
                let is_given = given.is_empty() || self.bytes(input.as_ref().unwrap_or(&nothing), given);
                self.text(command.text(), script) && is_given
            }
            (Action::Look { command, .. }, Done::Script(script, given)) => {
                given.is_empty() && self.text(command.text(), script)
            }
            (Action::File { path, content, .. }, Done::Write(at, bytes)) => {
                self.words(path, at) && self.bytes(content, bytes)
            }
            (Action::Read { path, .. } | Action::File { path, .. }, Done::Read(at))
            | (Action::Remove { path, .. }, Done::Remove(at)) => self.words(path, at),
            (Action::Job { folder, command, progress, .. }, Done::Job(at, script, told)) => {
                self.words(folder, at) && self.text(command.text(), script) && self.text(progress.text(), told)
            }
            (Action::Job { folder, .. } | Action::End { folder, .. }, Done::OfJob(at)) => self.words(folder, at),
            (Action::Job { folder, .. } | Action::End { folder, .. }, Done::Around(at)) => {
                // the folder within is not known, and any will do
                self.words(folder, &format!("{at}/x")) || self.around(folder, at)
            }
            _ => false,
        }
    }

    fn around(&self, folder: &Words, at: &str) -> bool {
        let mut pieces = Private::from(folder).pieces();
        let Some(Piece::Text(last)) = pieces.pop() else { return false };
        let Some((before, _)) = last.rsplit_once('/') else { return false };
        pieces.push(Piece::Text(before.to_owned()));
        self.pieces(&pieces, at, &str::is_empty)
    }

    /// Whether a word of some command, or a file's path, is this one.
    pub fn names(&self, path: &str) -> bool {
        let of_action = |action: &Action| match action {
            Action::File { path: planned, .. } => self.words(planned, path),
            _ => action.script().is_some_and(|script| self.has_word(script.text().parts(), path)),
        };
        self.actions.iter().any(of_action)
    }
    fn has_word(&self, parts: &[Part], word: &str) -> bool {
        parts.iter().any(|part| match part {
            Part::Slot(Form::Argument, value) => self.pieces(&value.pieces(), word, &str::is_empty),
            Part::Quoted(parts) | Part::Group(_, Some(parts)) => self.has_word(parts, word),
            _ => false,
        })
    }

    fn bytes(&self, planned: &Contents, bytes: &[u8]) -> bool {
        std::str::from_utf8(bytes).is_ok_and(|text| self.text(planned.text(), text))
    }
    fn words(&self, planned: &Words, text: &str) -> bool {
        self.pieces(&Private::from(planned).pieces(), text, &str::is_empty)
    }
    fn text(&self, planned: &Text, text: &str) -> bool {
        self.all(planned.parts(), text, &str::is_empty)
    }

    fn all(&self, parts: &[Part], text: &str, next: Next<'_>) -> bool {
        match parts.split_first() {
            None => next(text),
            Some((part, rest)) => self.one(part, text, &|text| self.all(rest, text, next)),
        }
    }
    fn one(&self, part: &Part, text: &str, next: Next<'_>) -> bool {
        match part {
            Part::Fixed(fixed) => text.strip_prefix(&**fixed).is_some_and(next),
            Part::Ours(ours) => text.strip_prefix(&*self.scripts[ours.name()]).is_some_and(next),
            Part::Group(_, Some(parts)) => self.all(parts, text, next),
            Part::Group(_, None) => stretches(text).any(|(_, rest)| next(rest)),
            Part::Quoted(parts) => {
                first_words(text).iter().any(|(word, rest)| self.all(parts, word, &str::is_empty) && next(rest))
            }
            Part::Slot(form, value) => match Text::of(vec![part.clone()]).for_file(self) {
                Ok(sent) => text.strip_prefix(sent.expose_secret()).is_some_and(next),
                Err(_) if *form == Form::Argument => {
                    let is = |word: &str| self.pieces(&value.pieces(), word, &str::is_empty);
                    first_words(text).iter().any(|(word, rest)| is(word) && next(rest))
                }
                Err(_) => self.pieces(&value.pieces(), text, next),
            },
        }
    }
    fn pieces(&self, pieces: &[Piece], text: &str, next: Next<'_>) -> bool {
        let Some((piece, rest)) = pieces.split_first() else { return next(text) };
        let next = |text: &str| self.pieces(rest, text, next);
        match piece {
            Piece::Text(known) | Piece::Value(known) => text.strip_prefix(known.as_str()).is_some_and(next),
            Piece::Secret(label) => text.strip_prefix(self.secrets[label].expose_secret()).is_some_and(next),
            // hosts of the lab have a stated work folder
            Piece::Home(_) => false,
            Piece::Late(_) => stretches(text).any(|(_, rest)| next(rest)),
        }
    }
}

/// Every way to take something from the beginning.
fn stretches(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.map(|at| text.split_at(at))
}

/// Every word of a shell that may begin here, as the shell reads it, with what comes after it.
fn first_words(text: &str) -> Vec<(String, &str)> {
    let (mut all, mut word, mut rest) = (Vec::new(), String::new(), text);
    while let Some(sign) = rest.chars().next() {
        let after = &rest[sign.len_utf8()..];
        match sign {
            '\'' => {
                let Some((inside, end)) = after.split_once('\'') else { break };
                word.push_str(inside);
                rest = end;
            }
            '\\' => {
                let Some(escaped) = after.chars().next() else { break };
                word.push(escaped);
                rest = &after[escaped.len_utf8()..];
            }
            ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' | '"' | '$' | '`' => break,
            sign => {
                word.push(sign);
                rest = after;
            }
        }
        all.push((word.clone(), rest));
    }
    all
}

#[test]
fn a_late_value_is_any_word_and_nothing_more() {
    use cutover::domain::script::argument;
    let path = Words::from("/work/").then(Words::late("run"));
    let inner = cutover::sh!("rm -f -- {} {}", argument("it's"), argument(&path));
    let action = Action::command("h", cutover::sh!("sh -c {} && echo {}", inner.quoted(), argument("x")));
    let planned = Planned { actions: vec![action], scripts: BTreeMap::new(), secrets: BTreeMap::new() };
    let sent = |path: &str| {
        let inner = cutover::sh!("rm -f -- {} {}", argument("it's"), argument(path));
        cutover::sh!("sh -c {} && echo {}", inner.quoted(), argument("x")).for_shell().unwrap()
    };
    let is_stated = |script: String| planned.states("h", &Done::Script(script, Vec::new()));
    assert!(is_stated(sent("/work/r1")) && is_stated(sent("/work/it's a $(run)")));
    assert!(!is_stated(sent("/home/r1")) && !is_stated(sent("/work/r1").replace("echo", "echo -n")));
    assert!(!is_stated(sent("/work/r1").replace("rm -f", "rm -rf")) && !is_stated(format!("{}; id", sent("/work/r1"))));
    assert!(!planned.states("other", &Done::Script(sent("/work/r1"), Vec::new())));
    assert!(!planned.states("h", &Done::Script(sent("/work/r1"), b"x".to_vec())));
}
