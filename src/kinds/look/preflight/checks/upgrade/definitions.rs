//! Whether the target's own parser accepts the source's views, routines, triggers and events.

use super::super::super::ask::Ask;
use super::super::super::check::{Check, Occasion};
use super::super::super::seen::Seen;
use super::super::super::trial::Trial;
use super::super::super::verdict::{Verdict, count, some};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("upgrade_definitions", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| pair.tries_definitions().then_some(Ask::Definitions).into_iter().collect());

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    if !seen.pair.tries_definitions() {
        let why = match seen.pair.try_definitions {
            Some(_) => "`try_definitions: false`",
            None => "both servers are of one series",
        };
        return Ok(Verdict::pass(format!("the target was not asked to parse the definitions: {why}")));
    }
    Ok(verdict(seen.definitions()?, &seen.target.product.to_string()))
}

fn verdict(trial: &Trial, target: &str) -> Verdict {
    let mut found = Vec::new();
    if !trial.refused.is_empty() {
        let evidence = format!("{target} cannot parse {}", some(&trial.refused));
        found.push(Verdict::block(evidence, "change these on the source so that both servers can parse them"));
    }
    if !trial.unclear.is_empty() {
        let evidence = format!("{target} could not report whether it can parse {}", some(&trial.unclear));
        found.push(Verdict::warn(evidence, "fix what it reports, and run the check again"));
    }
    if !trial.hidden.is_empty() {
        let evidence = format!("the source does not show {}", some(&trial.hidden));
        found.push(Verdict::warn(
            evidence,
            "grant the account the privileges for the dump there, and run the check again",
        ));
    }
    if trial.left > 0 {
        let left = count(trial.left, "definition was", "definitions were");
        found.push(Verdict::warn(
            format!("{left} not checked, because the time ran out"),
            "rehearse the import with these definitions",
        ));
    }
    Verdict::worst_of(found, format!("{target} can parse {}", count(trial.read, "definition", "definitions")))
}

#[cfg(test)]
mod tests {
    use super::{Trial, verdict};
    use crate::kinds::Mark;

    #[test]
    fn a_definition_that_is_not_read_blocks_and_all_else_is_told() {
        let trial = Trial {
            read: 7,
            refused: vec!["view shop.v: You have an error in your SQL syntax".into()],
            hidden: vec!["event shop.e".into()],
            left: 2,
            ..Trial::default()
        };
        let said = verdict(&trial, "MySQL 9.7");
        assert_eq!(said.result, Mark::Block);
        for words in
            ["MySQL 9.7 cannot parse view shop.v: You have", "not show event shop.e", "2 definitions were not checked"]
        {
            assert!(said.evidence.contains(words), "{said:?}");
        }
        let fine = verdict(&Trial { read: 1, ..Trial::default() }, "MySQL 9.7");
        assert_eq!((fine.result, fine.evidence.as_str()), (Mark::Pass, "MySQL 9.7 can parse 1 definition"));
    }
}
