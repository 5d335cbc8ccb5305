//! Every command of ours in a page is one that the program understands.

use super::{line, pages};
use clap::CommandFactory;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Commands of a shell text: lines, with what `\` has continued, up to a pipe, a redirection or a comment.
fn commands(text: &str) -> Vec<String> {
    let whole = text.replace("\\\n", " ");
    let ours = |line: &str| line.starts_with("cutover ").then(|| alone(line));
    whole
        .lines()
        .map(|line| line.trim().trim_start_matches("sudo ").trim_start_matches("$ "))
        .filter_map(ours)
        .collect()
}

/// The command without what the shell does around it.
fn alone(line: &str) -> String {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if "|>;&<".contains(c) || c == '#' && before == ' ' => return line[..at].trim().to_owned(),
            _ => {}
        }
        before = c;
    }
    line.to_owned()
}

/// Blocks of shell in a page, each with the byte where it begins.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (event, span) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if ["sh", "bash"].contains(&&*language) => {
                open = Some((span.start, String::new()));
            }
            Event::Text(words) => {
                if let Some((_, text)) = &mut open {
                    text.push_str(&words);
                }
            }
            Event::End(TagEnd::CodeBlock) => found.extend(open.take()),
            _ => {}
        }
    }
    found
}

#[test]
fn every_command_of_a_page_is_understood() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for (at, block) in blocks(&page.text) {
            for command in commands(&block) {
                seen += 1;
                let words = shell_words::split(&command).unwrap_or_else(|error| panic!("{command}: {error}"));
                if let Err(error) = cutover::cli::Cli::command().try_get_matches_from(words) {
                    let asked = [clap::error::ErrorKind::DisplayHelp, clap::error::ErrorKind::DisplayVersion];
                    if !asked.contains(&error.kind()) {
                        faults.push(format!("{}:{}: {command}\n{error}", page.path.display(), line(&page.text, at)));
                    }
                }
            }
        }
    }
    assert!(seen > 50, "{seen} commands");
    assert!(faults.is_empty(), "{} commands\n{}", faults.len(), faults.join("\n"));
}
