//! The accounts that the documentation names, as a reader would make them.

#![allow(dead_code, reason = "each test uses a part of it")]

use cutover::domain::product::Family;

const PAGES: [&str; 2] = [include_str!("../../docs/grants.md"), include_str!("../../docs/inventory.md")];

/// A fenced block of the pages on accounts and inventory that begins with `heading`, as a reader would paste it.
pub fn block(language: &str, heading: &str) -> &'static str {
    let start = format!("```{language}\n{heading}");
    let found = PAGES.iter().find_map(|page| page.find(&start).map(|at| &page[at + language.len() + 4..]));
    let block = found.unwrap_or_else(|| panic!("no page has the block {heading}"));
    block.split_once("```").unwrap().0
}

/// The statements that make the account on `server` (`source` or `target`), with `password`: what is always needed, and what
/// is needed before the accounts of the application and of the replica are there, with code that is not trusted or an administrator's; with
/// `events` also what is needed where those run.
pub fn account(family: Family, server: &str, password: &str, events: bool) -> Vec<String> {
    let product = if family == Family::MariaDb { "MariaDB" } else { "MySQL" };
    let text = block("sql", &format!("-- {server}: {product}"));
    let mut statements = Vec::new();
    let is_comment = |line: &&str| line.starts_with("--");
    // a line of a comment may end with `;` too
    for statement in text.lines().collect::<Vec<_>>().split_inclusive(|line| !is_comment(line) && line.ends_with(';')) {
        let comments = statement.iter().copied().filter(is_comment).map(|line| line.trim_start_matches('-').trim());
        let comment = comments.collect::<Vec<_>>().join(" ");
        let knows = |conditions: &[&str]| conditions.iter().any(|known| comment.contains(known));
        let holds = knows(&["does not exist yet", "log_bin_trust_function_creators", "an account with SYSTEM_USER"])
            || events && knows(&["event_scheduler", "events are enabled"]);
        // whoever is left has the application's accounts
        let comes_back = server == "source" && comment.contains("to create accounts");
        if comment.starts_with("only if") && (!holds || comes_back) {
            continue;
        }
        let lines: Vec<&str> = statement.iter().copied().filter(|line| !is_comment(line)).map(str::trim).collect();
        let statement = lines.join(" ").replace("<password>", password);
        statements.extend((!statement.trim().is_empty()).then(|| statement.trim_end_matches(';').to_owned()));
    }
    statements
}
