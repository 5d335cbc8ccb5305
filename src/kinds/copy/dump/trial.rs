//! A dump of the definitions alone, before anything is touched: what the dump program cannot read is named then, all of
//! it, and not after hours.

use super::Dump;
use super::script::{NO_WAY, Route};
use crate::dialect::Gtid;
use crate::domain::Script;
use crate::error::{Failure, Result};
use crate::kinds::support::place::server;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;
use std::time::Duration;

/// Longest time for a trial. What is larger than that is not proved by it.
const LIMIT: Duration = Duration::from_secs(75);
/// How many errors are shown; the rest is counted.
const SHOWN: usize = 12;

/// Error numbers with what to do about them.
const HELP: [(&str, &str); 5] = [
    (
        "1356",
        "these views fail for every account: repair the objects that they read, or drop the views there (SHOW CREATE \
         VIEW prints their text)",
    ),
    ("1370", "run GRANT EXECUTE ON *.* for the account there: these views call functions"),
    (
        "1449",
        "the definers of these objects do not exist: create the accounts, or give the objects another definer there",
    ),
    ("1142", "the account lacks a privilege for these: grant it there"),
    ("1227", "the account lacks a privilege for these: grant it there"),
];

impl Dump {
    /// Dumps the definitions to nowhere, as the step itself will.
    ///
    /// # Errors
    /// A refusal with every error of the dump program.
    pub(in crate::kinds::copy) async fn trial(&self, cx: &Ctx<'_>) -> Result<()> {
        let databases = self.chosen(cx).await?;
        let Some(route) = self.way_of_trial(cx.world)? else { return Ok(()) };
        let host = cx.fx.host(self.host(cx.world)).await?;
        let options = self.option_file(cx.world, &route)?;
        let script = self.trial_script(cx.world, &route, &self.words(Some(&databases)));
        let ran = match host.run_within(&script, Some(&options), LIMIT).await {
            Ok(ran) => ran,
            Err(failure) if failure.answer.starts_with("it took longer") => {
                cx.progress.note("there are too many definitions to dump all of them in advance");
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        match ran.code {
            Some(0) => Ok(()),
            // the tunnel's own step says why
            Some(NO_WAY) if self.through.is_some() => Ok(()),
            _ if self.through.is_some() && ran.stderr.contains("open failed") => Ok(()),
            _ => {
                let (answer, help) = words(&ran.stderr);
                Err(Failure::refused("dump the definitions, as a trial,", answer)
                    .at(host.name())
                    .now("nothing was touched")
                    .help(help))
            }
        }
    }

    /// The trial, for the plan.
    pub(in crate::kinds::copy) fn trial_action(&self, world: &World) -> Option<Action> {
        let route = self.way_of_trial(world).ok()??;
        let options = self.option_file(world, &route).ok()?;
        Some(Action::command_with(self.host(world), self.trial_script(world, &route, &self.words(None)), &options))
    }

    fn trial_script(&self, world: &World, route: &Route, databases: &Script) -> Script {
        self.dumping(world, route, databases, Gtid::Off, None).trial()
    }

    /// The tunnel of the playbook is not open yet; one of the same kind stands in for it. `None` where there cannot be one.
    fn way_of_trial(&self, world: &World) -> Result<Option<Route>> {
        let (source, host) = (server(world, &self.server)?, self.host(world));
        match &self.through {
            None => self.route(world).map(Some),
            Some(_) if host == source.host => Ok(Some(Route::Address(source.address.clone()))),
            Some(_) => Ok(Route::by_own_tunnel(world, host, source).ok()),
        }
    }
}

/// The errors of a dump program, a line each, and what to do about them.
fn words(stderr: &str) -> (String, String) {
    let is_noise = |line: &str| line.trim().is_empty() || line.contains("[Warning]") || line.contains("Warning:");
    let mut lines: Vec<&str> = stderr.lines().filter(|line| !is_noise(line)).collect();
    lines.dedup();
    let bare = |line: &str| match line.split_once(": ") {
        Some((program, rest)) if !program.contains(' ') => rest.to_owned(),
        _ => line.to_owned(),
    };
    let mut shown: Vec<String> = lines.iter().take(SHOWN).map(|line| bare(line)).collect();
    if lines.len() > SHOWN {
        shown.push(format!("and {} more", lines.len() - SHOWN));
    }
    let has = |code: &str| {
        lines.iter().any(|line| line.contains(&format!("({code})")) || line.contains(&format!(" {code}:")))
    };
    let help: Vec<&str> = HELP.into_iter().filter(|(code, _)| has(code)).map(|(_, help)| help).collect();
    let help = if help.is_empty() { "fix what it reports".to_owned() } else { help.join("; ") };
    let answer = if shown.is_empty() { "the dump program printed nothing".to_owned() } else { shown.join("\n") };
    (answer, help)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn every_error_is_told_and_no_warning() {
        let said = "mysqldump: [Warning] Using a password\nmariadb-dump: Couldn't execute 'SHOW FIELDS FROM `v`': View \
                    'shop.v' references invalid table(s) (1356)\nmariadb-dump: Couldn't execute 'SHOW FIELDS FROM `w`': \
                    execute command denied (1370)\n";
        let (answer, help) = words(said);
        assert_eq!(answer.lines().count(), 2, "{answer}");
        assert!(answer.starts_with("Couldn't execute") && answer.contains("`w`"), "{answer}");
        assert!(help.contains("fail for every account") && help.contains("GRANT EXECUTE"), "{help}");
        let (answer, _) = words(&"x: odd (1)\nx: even (2)\n".repeat(9));
        assert!(answer.ends_with("and 6 more"), "{answer}");
    }
}
