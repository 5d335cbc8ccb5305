//! Who gives the command: a named person with a token, or the account of this process.

use super::output;
use crate::engine::run_id;
use crate::error::{Failure, exit};
use crate::people::{People, PeopleFile, Right};
use std::path::PathBuf;

/// Environment variable that holds the token; a token is never a command line argument.
const TOKEN: &str = "CUTOVER_TOKEN";

/// Where people and their tokens are.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Identity {
    /// File of people. With it, you are the person whose token is in `$CUTOVER_TOKEN` or in --token-file; without it, you
    /// are the account that runs this command.
    #[arg(long, value_name = "FILE", env = "CUTOVER_PEOPLE")]
    people: Option<PathBuf>,
    /// File with your token, instead of `$CUTOVER_TOKEN`.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Who speaks.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// A person by name, or an account as `user@host`.
    pub name: String,
    /// The file that the person is known by; `None` for an account.
    pub file: Option<PeopleFile>,
}

impl Identity {
    /// That of a file which somebody else has named.
    #[must_use]
    pub fn of(people: Option<PathBuf>) -> Self {
        Self { people, token_file: None }
    }

    /// The person, who has this right; without a file of people the account of this process.
    ///
    /// # Errors
    /// The exit code, once the reason is printed: the file is invalid, there is no token, it is unknown, or the person may
    /// not do this.
    pub fn speaker(&self, right: Right) -> Result<Speaker, u8> {
        let Some((people, file)) = self.file()? else {
            return Ok(Speaker { name: run_id::account(), file: None });
        };
        let refused = |answer: String, help: &str| {
            let failure = Failure::refused("identify you", answer).now("nothing was changed").help(help);
            output::complain(&failure);
            failure.exit_code()
        };
        let token =
            self.token().map_err(|answer| refused(answer, "set CUTOVER_TOKEN, or name a file with --token-file"))?;
        let Some((name, person)) = people.by_token(&token) else {
            let answer = format!("the token belongs to nobody in {}", file.path);
            return Err(refused(answer, "`cutover token NAME` creates a new one"));
        };
        if person.may(right) {
            return Ok(Speaker { name: name.to_owned(), file: Some(file) });
        }
        let what = match right {
            Right::Start => "start runs",
            Right::Approve => "approve",
        };
        Err(refused(format!("{name} may not {what}"), "see `may` in the file of people"))
    }

    /// The people of the file and what it is known by, where one is named.
    ///
    /// # Errors
    /// The exit code, once the faults of the file are printed.
    pub fn file(&self) -> Result<Option<(People, PeopleFile)>, u8> {
        let opened = self.people.as_deref().map(People::open).transpose();
        opened.map_err(|faults| {
            output::complain(&faults);
            exit::INVALID
        })
    }

    fn token(&self) -> Result<String, String> {
        let token = match &self.token_file {
            Some(file) => std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?,
            None => std::env::var(TOKEN).unwrap_or_default(),
        };
        let token = token.trim().to_owned();
        if token.is_empty() { Err("a file of people is given, but no token".to_owned()) } else { Ok(token) }
    }
}
