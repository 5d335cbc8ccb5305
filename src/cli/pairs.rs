//! `cutover pairs`

use super::output;
use crate::dialect::pairs::{Direction, Pair, Tried, all, of_versions};
use crate::domain::product::Product;
use crate::error::exit;
use std::fmt::Write as _;

/// Arguments of `pairs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Version of the old server: `10.5`, `mysql-8.0`. All pairs are listed when left out.
    #[arg(requires = "target")]
    source: Option<Product>,
    /// Version of the new server.
    target: Option<Product>,
    /// List the pairs too that lead to an older version, or cannot work.
    #[arg(long, conflicts_with = "source")]
    all: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How pairs are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// For documentation.
    Markdown,
}

/// Prints them.
pub fn run(args: &Args) -> u8 {
    let is_upgrade = |pair: &Pair| matches!(pair.forward, Direction::Supported | Direction::Gap(_));
    let pairs: Vec<Pair> = match (args.source, args.target) {
        (Some(source), Some(target)) => vec![of_versions(source, target)],
        _ => all().into_iter().filter(|pair| args.all || is_upgrade(pair)).collect(),
    };
    match (args.format, &pairs[..]) {
        (Format::Json, _) => output::json(&pairs),
        (Format::Markdown, _) => output::text(&markdown(&pairs)),
        (Format::Text, [pair]) => output::text(&explained(pair)),
        (Format::Text, _) => output::text(&listed(&pairs)),
    }
    exit::DONE
}

/// A verdict in a word or two.
fn word(direction: &Direction) -> &'static str {
    match direction {
        Direction::Supported => "supported",
        Direction::Gap(_) | Direction::Older(_) => "may work",
        Direction::Impossible(_) => "cannot work",
    }
}

fn trial(tried: &Tried) -> String {
    let (old, new) = (tried.source.2, tried.target.2);
    format!("{old} to {new}: {}, way back {}", tried.forward, tried.way_back)
}

fn listed(pairs: &[Pair]) -> String {
    let mut text = format!("{:<15} {:<15} {:<11} {:<11} run here\n", "source", "target", "forward", "way back");
    for pair in pairs {
        let tried = pair.tried.as_ref().map_or_else(|| "-".to_owned(), trial);
        let (source, target) = (pair.source.to_string(), pair.target.to_string());
        let (forward, back) = (word(&pair.forward), word(&pair.way_back));
        let _ = writeln!(text, "{source:<15} {target:<15} {forward:<11} {back:<11} {tried}");
    }
    text
}

fn explained(pair: &Pair) -> String {
    let mut text = format!("{} to {}\n", pair.source, pair.target);
    for (name, direction) in [("forward", &pair.forward), ("way back", &pair.way_back)] {
        let why = match direction {
            Direction::Supported => String::new(),
            Direction::Gap(why) | Direction::Older(why) | Direction::Impossible(why) => format!(": {why}"),
        };
        let _ = writeln!(text, "  {name:<9} {}{why}", word(direction));
    }
    for condition in &pair.conditions {
        let _ = writeln!(text, "  condition {condition}");
    }
    let tried = pair.tried.as_ref().map_or_else(|| "no".to_owned(), trial);
    let _ = writeln!(text, "  run here  {tried}\n  source    {}", pair.basis);
    text
}

/// Begin of the page in the documentation.
const HEAD: &str = "\
# Pairs

Made with `cutover pairs --format markdown`; a test fails when the program says otherwise. `preflight` goes by the same table.
*Supported* is what the makers promise. *May work* is what nobody promises, and nobody has seen to fail: such a move is refused
until it is allowed (`allow: [version_gap]`), and such a way back is tried after the switch. `cutover pairs 10.5 11.8` says why, on
what conditions, and where that is from; `--all` lists the pairs too that lead to an older version, or cannot work.

";

fn markdown(pairs: &[Pair]) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("| old server | new server | forward | way back | run here |\n|---|---|---|---|---|\n");
    for pair in pairs {
        let tried = pair.tried.as_ref().map(trial).unwrap_or_default();
        let (forward, back) = (word(&pair.forward), word(&pair.way_back));
        let _ = writeln!(text, "| {} | {} | {forward} | {back} | {tried} |", pair.source, pair.target);
    }
    text.push_str(&conditions(pairs));
    text
}

/// The pairs that have a condition: new servers with the same old ones stand together.
fn listed_together(pairs: &[Pair], condition: &str) -> String {
    let mut together: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    let mut targets: Vec<String> = pairs.iter().map(|pair| pair.target.to_string()).collect();
    targets.sort();
    targets.dedup();
    for target in targets {
        let with =
            pairs.iter().filter(|pair| pair.conditions.contains(&condition) && pair.target.to_string() == target);
        let sources: Vec<String> = with.map(|pair| pair.source.to_string()).collect();
        match together.iter_mut().find(|(known, _)| *known == sources) {
            Some((_, targets)) => targets.push(target),
            None if sources.is_empty() => {}
            None => together.push((sources, vec![target])),
        }
    }
    let words =
        |(sources, targets): (Vec<String>, Vec<String>)| format!("{} to {}", sources.join(", "), targets.join(", "));
    together.into_iter().map(words).collect::<Vec<_>>().join("; ")
}

/// Each condition once, with the pairs it is for.
fn conditions(pairs: &[Pair]) -> String {
    let mut known: Vec<&str> = Vec::new();
    for condition in pairs.iter().flat_map(|pair| &pair.conditions) {
        if !known.contains(condition) {
            known.push(condition);
        }
    }
    let mut text = "\n## Conditions\n\n".to_owned();
    for condition in known {
        let _ = writeln!(text, "- {}: {condition}", listed_together(pairs, condition));
    }
    text
}
