//! Everything that was asked, for the checks to judge. Pure: a judgement is a function of this alone.

use super::ask::{Ask, Clock, Pace, Reply};
use super::pair::{Pair, Side, Source, Target};
use super::trial::Trial;
use crate::domain::Sql;
use crate::domain::product::Product;
use crate::effects::Rows;
use crate::error::{Failure, Result};
use crate::kinds::Need;
use crate::kinds::support::place::account_fact;
use crate::playbook::inventory::Account;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// What is known of one server.
#[derive(Debug, Clone)]
pub struct Known {
    /// What it really is, whatever the inventory declares.
    pub product: Product,
    /// The variables that it has, by their names in lower case.
    pub variables: BTreeMap<String, String>,
}

/// A migration, and all answers.
#[derive(Debug)]
pub struct Seen<'a> {
    pub pair: &'a Pair<'a>,
    pub source: Known,
    pub target: Known,
    pub answers: Vec<(Ask, Result<Reply>)>,
    /// Facts that other steps of the plan make true, or that the playbook promises.
    pub foreseen: BTreeSet<String>,
    /// What all steps of the plan need to be allowed to do.
    pub needs: Vec<Need>,
}

impl<'a> Seen<'a> {
    pub fn known(&self, side: Side) -> &Known {
        match side {
            Source => &self.source,
            Target => &self.target,
        }
    }
    pub fn name(&self, side: Side) -> &str {
        self.pair.at(side).name
    }
    /// A variable's value; empty when the server has none of that name.
    pub fn variable(&self, side: Side, name: &str) -> &str {
        self.known(side).variables.get(name).map_or("", String::as_str)
    }
    pub fn has(&self, side: Side, name: &str) -> bool {
        self.known(side).variables.contains_key(name)
    }
    pub fn is_on(&self, side: Side, name: &str) -> bool {
        matches!(self.variable(side, name).to_ascii_uppercase().as_str(), "ON" | "1" | "YES")
    }
    pub fn number(&self, side: Side, name: &str) -> Option<f64> {
        self.variable(side, name).parse().ok()
    }
    /// A variable that every server has, as a number: one that cannot be read is no 0.
    pub fn required<T: FromStr>(&self, side: Side, name: &str) -> Result<T> {
        let text = self.variable(side, name);
        text.parse().map_err(|_| {
            Failure::permanent(format!("read {name}"), format!("the server returned `{text}`")).at(self.name(side))
        })
    }
    /// Whether a step sets this variable of the target.
    pub fn will_be_set(&self, variable: &str) -> bool {
        self.foreseen.contains(&format!("{}.{variable}", self.pair.target.name))
    }
    /// Whether a step makes this account, or the playbook promises all that are missing.
    pub fn will_be_made(&self, side: Side, user: &str, host: &str) -> bool {
        self.foreseen.contains(&account_fact(self.name(side), user, host)) || self.will_be_set("accounts")
    }
    /// Host parts of the replication account: those that a step makes, or else all that it may have.
    pub fn replication_hosts(&self, account: &'a Account) -> Vec<&'a str> {
        let all = self.pair.replication_hosts(account);
        let made = |host: &&str| self.foreseen.contains(&account_fact(self.name(Source), &account.user, host));
        let made: Vec<&str> = all.iter().copied().filter(made).collect();
        if made.is_empty() { all } else { made }
    }

    fn reply(&self, ask: &Ask) -> Result<&Reply> {
        match self.answers.iter().find(|(known, _)| known == ask) {
            Some((_, Ok(reply))) => Ok(reply),
            Some((_, Err(failure))) => Err(failure.clone()),
            None => {
                Err(Failure::permanent("judge", "this question was never asked").help("please report this as a bug"))
            }
        }
    }
    pub fn rows(&self, side: Side, text: impl Into<Sql>) -> Result<&Rows> {
        match self.reply(&Ask::Sql { side, text: text.into() })? {
            Reply::Rows(rows) => Ok(rows),
            _ => Err(Failure::permanent("judge", "a statement returned no rows")),
        }
    }
    /// The one value that a statement asked for.
    pub fn value(&self, side: Side, text: impl Into<Sql>) -> Result<&str> {
        let text = text.into();
        let unread = || Failure::permanent(format!("read the answer to `{text}`"), "it is empty").at(self.name(side));
        self.rows(side, &text)?.value().ok_or_else(unread)
    }
    /// The one number that a statement asked for.
    pub fn count(&self, side: Side, text: impl Into<Sql>) -> Result<u64> {
        let value = self.value(side, text)?;
        let unread =
            |_| Failure::permanent("read a number", format!("the server returned `{value}`")).at(self.name(side));
        value.parse().map_err(unread)
    }
    /// The column `name` of every row.
    pub fn names(&self, side: Side, text: impl Into<Sql>) -> Result<Vec<String>> {
        let rows = self.rows(side, text)?;
        Ok(rows.iter().map(|row| row.get("name").unwrap_or_default().to_owned()).collect())
    }
    /// The account that a login arrived as, or what a script printed.
    pub fn text(&self, ask: &Ask) -> Result<&str> {
        match self.reply(ask)? {
            Reply::Text(text) => Ok(text),
            _ => Err(Failure::permanent("judge", "a script printed nothing")),
        }
    }
    /// By how much the number that a statement answers grows in a second.
    pub fn pace(&self, side: Side, text: impl Into<Sql>) -> Result<f64> {
        match self.reply(&Ask::Pace { side, text: text.into() })? {
            Reply::Pace(Pace(pace)) => Ok(*pace),
            _ => Err(Failure::permanent("judge", "a counter returned no number")),
        }
    }
    /// What the target made of the source's definitions.
    pub fn definitions(&self) -> Result<&Trial> {
        match self.reply(&Ask::Definitions)? {
            Reply::Trial(trial) => Ok(trial),
            _ => Err(Failure::permanent("judge", "no definition was parsed")),
        }
    }
    pub fn clock(&self, host: &str) -> Result<Clock> {
        match self.reply(&Ask::Clock { host: host.to_owned() })? {
            Reply::Clock(clock) => Ok(*clock),
            _ => Err(Failure::permanent("judge", "a clock returned no time")),
        }
    }
    /// Bytes of data and indexes that move, as the source estimates them.
    pub fn data_bytes(&self) -> Result<u64> {
        let rows = self.rows(Source, self.pair.source.dialect.total_size(self.pair.databases))?;
        rows.first().and_then(|row| row.get("bytes")?.parse().ok()).ok_or_else(|| {
            Failure::permanent("read the amount of data", "the server returned no number").at(self.name(Source))
        })
    }
}
