//! Words that a reader stumbles over are not there: in pages, help, schemas, shipped playbooks, and in what the tests'
//! snapshots hold of the program's answers. The pairs stand in `pairs.txt`.

use super::{Page, files, line, pages};
use clap::CommandFactory;

/// `instead | write`, one pair a line; `#` begins a remark.
const PAIRS: &str = include_str!("pairs.txt");

/// The help of a command and of all below it, as a page.
fn help(command: &mut clap::Command, path: &str, into: &mut Vec<Page>) {
    let path = format!("{path} {}", command.get_name());
    into.push(Page { path: format!("help of{path}").into(), text: command.render_long_help().to_string() });
    for below in command.get_subcommands_mut().filter(|below| !below.is_hide_set()) {
        help(below, &path, into);
    }
}

/// Whether the text has the phrase at this byte as words of its own.
fn stands_alone(text: &str, at: usize, phrase: &str) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + phrase.len()..].chars().next();
    let part_of_a_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    !part_of_a_word(before) && !part_of_a_word(after)
}

/// The text without names that programs read: types and kinds of a schema, the expression of a snapshot.
fn prose(page: &Page) -> String {
    let is_schema = page.path.extension().is_some_and(|ending| ending == "json");
    let keep = |line: &str| {
        let line = line.trim_start();
        if is_schema { line.starts_with("\"description\"") } else { !line.starts_with("expression: ") }
    };
    // a line that is left out stays as an empty one, so that numbers of lines are right
    page.text.lines().map(|line| if keep(line) { line.to_lowercase() + "\n" } else { "\n".to_owned() }).collect()
}

fn faults(page: &Page, pairs: &[(&str, &str)]) -> Vec<String> {
    let text = prose(page);
    let mut faults = Vec::new();
    for (instead, write) in pairs {
        for (at, _) in text.match_indices(instead).filter(|(at, _)| stands_alone(&text, *at, instead)) {
            let (path, line) = (page.path.display(), line(&text, at));
            faults.push(format!("{path}:{line}: `{instead}`: write {write}"));
        }
    }
    faults
}

#[test]
fn texts_for_people_have_plain_words() {
    let pairs = PAIRS.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let pairs: Vec<(&str, &str)> =
        pairs.map(|line| line.split_once('|').map(|(one, other)| (one.trim(), other.trim())).expect(line)).collect();
    let mut texts: Vec<Page> = pages().into_iter().filter(|page| !page.path.ends_with("CHANGELOG.md")).collect();
    texts.extend(files("schemas", ".json"));
    texts.extend(files("playbooks", ".yaml"));
    texts.extend(files("tests", ".snap"));
    help(&mut cutover::cli::Cli::command(), "", &mut texts);
    assert!(pairs.len() > 20 && texts.len() > 100, "{} pairs, {} texts", pairs.len(), texts.len());
    let faults: Vec<String> = texts.iter().flat_map(|page| faults(page, &pairs)).collect();
    assert!(faults.is_empty(), "{} places\n{}", faults.len(), faults.join("\n"));
}
