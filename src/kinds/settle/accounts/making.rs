//! Reads an account on one server and makes it on another, outside the binary log.

use super::subject::Subject;
use crate::dialect::Dialect;
use crate::dialect::OPTION_PREVENTS;
use crate::domain::{Backslash, Odd, Sql, Words};
use crate::effects::account_statement::AccountStatement;
use crate::effects::replica::LOOK;
use crate::effects::{Session, SqlError};
use crate::error::{Failure, Result};
use crate::kinds::Ctx;
use crate::kinds::support::answer;
use crate::kinds::support::place::{dialect, server};
use crate::playbook::inventory::Account;
use crate::sql;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// Purpose of the connection that reads definitions, whose settings are its own.
const READING: &str = "definitions of accounts";
/// Key of the memo: that the server refused passwords which come as a hash, and is to do so again.
pub(super) const STRICT: &str = "strict_passwords";
/// Errors of a `GRANT` on a table, column or routine that is not there.
pub(super) const NO_OBJECT: [u16; 4] = [1146, 1054, 1143, 1305];
/// What statements that a server answers with begin with: nothing else is taken from it.
pub(super) const VERBS: [&str; 5] = ["CREATE USER", "ALTER USER", "GRANT", "REVOKE", "SET DEFAULT ROLE"];

/// How far an account of this step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Made {
    /// The account may be there without all of its privileges.
    Begun,
    /// The account is there with everything.
    Whole,
}

/// What restricts an account beyond its password, or gives it something that is no privilege.
const BEYOND: [&str; 3] = [" REQUIRE ", " ACCOUNT LOCK", " DEFAULT ROLE "];
/// What reads like the first of them and is not.
const HARMLESS: [&str; 2] = [" REQUIRE NONE", " PASSWORD REQUIRE CURRENT"];

/// What helps where a definition is not taken.
pub(super) const BY_HAND: &str = "create the account there by hand";

/// The statements that recreate an account or role.
pub(super) struct Definition {
    /// Makes a role that a statement of its own makes, or an account whose definition the new server does not read.
    pub(super) own: Option<Sql>,
    /// Statements as the old server itself writes them.
    pub(super) answered: Vec<String>,
}

/// Key of what is remembered of an account that this step makes: a [`Made`].
pub(super) fn made(subject: &Subject) -> String {
    format!("made {}@{}", subject.user, subject.host)
}

/// Both ends of a move.
pub(super) struct Making<'a> {
    cx: &'a Ctx<'a>,
    from: (&'a str, Dialect),
    to: (&'a str, Dialect),
    /// Accounts whose passwords the inventory has.
    known: &'a [Account],
    pub(super) read: Arc<Session>,
    pub(super) write: Arc<Session>,
}

impl<'a> Making<'a> {
    /// Opens a connection of its own to each side: neither's settings may stay on a shared one.
    pub(super) async fn open(cx: &'a Ctx<'a>, (from, to): (&'a str, &'a str), known: &'a [Account]) -> Result<Self> {
        let (from, to) = ((from, dialect(cx.world, from)), (to, dialect(cx.world, to)));
        let read = cx.fx.session(from.0, READING).await?;
        read.query(from.1.read_definitions(), LOOK).await?;
        let write = cx.fx.session(to.0, cx.step).await?;
        write.query(to.1.without_binlog(), LOOK).await?;
        Ok(Self { cx, from, to, known, read, write })
    }

    /// Closes both.
    pub(super) async fn end(&self) {
        self.cx.fx.close_session(self.from.0, READING).await;
        self.cx.fx.close_session(self.to.0, self.cx.step).await;
    }

    /// Closes both, and leaves the server as strict as it was.
    pub(super) async fn close(&self) -> Result<()> {
        let strict = restore_strictness(self.cx, &self.write, self.to.1).await;
        self.end().await;
        strict
    }

    pub(super) async fn exists(&self, subject: &Subject) -> Result<bool> {
        let text = self.to.1.account_exists(&subject.user, &subject.host);
        Ok(answer::number::<u64>(&self.write, &text).await? > 0)
    }

    /// The statements that recreate the account.
    pub(super) async fn definition(&self, subject: &Subject) -> Result<Definition> {
        let (dialect, Subject { user, host, is_role }) = (self.from.1, subject);
        let rows = async |text: Sql| {
            let read = self.read.query(text, LOOK).await;
            read.map_err(|failure| {
                failure.help(
                    "correct the application's `accounts` in the inventory: use user and host as on the old server",
                )
            })
        };
        let mut own = dialect.create_role(user).filter(|_| *is_role);
        let mut answered = Vec::new();
        if own.is_none() {
            answered = lines(&rows(dialect.show_create_account(user, host)).await?);
            own = self.anew(subject, &answered)?;
        }
        if own.is_some() {
            answered.clear();
        }
        let grants = lines(&rows(dialect.show_grants_of(user, host, *is_role)).await?);
        answered.extend(grants.into_iter().filter(|line| !is_role || is_to(line, user)));
        Ok(Definition { own, answered })
    }

    /// Makes an account for the other family, which reads neither the definition nor the password's hash: with the
    /// password that the inventory has. `None` if the definition can be used unchanged, or the password is not known.
    fn anew(&self, subject: &Subject, definition: &[String]) -> Result<Option<Sql>> {
        let known = || self.known.iter().find(|account| Subject::of(account) == *subject);
        let Some(account) = (self.from.1.is_mariadb() != self.to.1.is_mariadb()).then(known).flatten() else {
            return Ok(None);
        };
        if let Some(word) = beyond(&definition.join(" ")) {
            let answer =
                format!("on `{}` the account has `{}`, which this step cannot translate", self.from.0, word.trim());
            let failure = Failure::refused(format!("create the account {subject} for the other server family"), answer);
            return Err(failure.at(self.to.0).now("nothing was touched").help(BY_HAND));
        }
        Ok(Some(self.to.1.create_account(&subject.user, &subject.host, &account.password)))
    }

    /// Makes one account with everything it has, unless it is there already.
    pub(super) async fn bring(&self, subject: &Subject) -> Result<()> {
        let made = made(subject);
        let there = self.exists(subject).await?;
        let half = self.cx.memo.read(&made)? == Some(Made::Begun);
        if there && !half {
            if self.cx.memo.read::<Made>(&made)?.is_none() {
                self.compare(subject).await?;
            }
            return Ok(());
        }
        let definition = self.definition(subject).await?;
        let statements = self.statements(subject, &definition)?;
        self.cx.memo.set(&made, json!(Made::Begun)).await?;
        if there {
            self.write.query(drop_subject(self.to.1, subject), LOOK).await?;
        }
        for statement in &statements {
            self.make(subject, statement).await?;
        }
        self.cx.memo.set(&made, json!(Made::Whole)).await
    }

    /// All statements as they are sent, checked before any is sent.
    fn statements(&self, subject: &Subject, definition: &Definition) -> Result<Vec<Sql>> {
        let copied = definition.answered.iter().map(|text| {
            let odd = |odd| {
                let (attempted, answer) = self.odd(subject, odd);
                Failure::permanent(attempted, answer).at(self.to.0).help(BY_HAND)
            };
            // both sides' sessions begin with settings of ours, by which a backslash escapes
            Sql::copied(text, &VERBS, Backslash::Escapes).map_err(odd)
        });
        definition.own.clone().map(Ok).into_iter().chain(copied).collect()
    }

    /// What was attempted with a definition that is not taken, and why it is not.
    pub(super) fn odd(&self, subject: &Subject, odd: Odd) -> (String, String) {
        (format!("create the account {subject}"), format!("`{}` returned {odd}", self.from.0))
    }

    async fn make(&self, subject: &Subject, sql: &Sql) -> Result<()> {
        let Err(error) = self.write.try_query(sql, LOOK).await else { return Ok(()) };
        let statement = &sql.to_string();
        match error.code {
            Some(code) if NO_OBJECT.contains(&code) && statement.starts_with("GRANT") => {
                let what = told(statement);
                self.cx.progress.note(format!("{subject} is created without `{what}`: {}", error.message));
                return Ok(());
            }
            Some(OPTION_PREVENTS) if self.relax().await? => {}
            _ => return Err(self.failure(subject, statement, &error)),
        }
        let again = self.write.try_query(sql, LOOK).await;
        again.map(drop).map_err(|error| self.failure(subject, statement, &error))
    }

    fn failure(&self, subject: &Subject, statement: &str, error: &SqlError) -> Failure {
        let failure = error.failure(self.to.0, &Sql::default());
        let answer = without_hash(&failure.answer);
        let runner = server(self.cx.world, self.to.0).map_or("", |server| server.user.as_str());
        let failure = Failure { attempted: format!("create the account {subject}"), answer, ..failure };
        match help(error.code, &told(statement), runner) {
            Some(help) => failure.help(help),
            None => failure,
        }
    }

    /// Lets passwords in that come as a hash, for as long as this step is at work. Whether that is new.
    async fn relax(&self) -> Result<bool> {
        let Some(name) = self.to.1.strict_passwords() else { return Ok(false) };
        let strict = answer::value(&self.write, &self.to.1.read_variable(name)).await?;
        if !["1", "ON"].contains(&strict.as_str()) {
            return Ok(false);
        }
        self.cx.memo.set(STRICT, true.into()).await?;
        self.write.query(&set_strict(name, false), LOOK).await?;
        self.cx
            .progress
            .note(format!("{name} is off on `{}` while accounts are created: their passwords are hashes", self.to.0));
        Ok(true)
    }

    /// Reports what an account that existed before lacks.
    async fn compare(&self, subject: &Subject) -> Result<()> {
        let Subject { user, host, is_role } = subject;
        let grants = async |session: &Session, dialect: Dialect| -> Result<Vec<String>> {
            let rows = session.query(dialect.show_grants_of(user, host, *is_role), LOOK).await?;
            Ok(lines(&rows).iter().filter(|line| !is_role || is_to(line, user)).map(|line| told(line)).collect())
        };
        let here = grants(&self.write, self.to.1).await?;
        let Ok(there) = grants(&self.read, self.from.1).await else { return Ok(()) }; // it is there alone
        let missing: Vec<&str> = there.iter().filter(|line| !here.contains(line)).map(String::as_str).collect();
        if !missing.is_empty() {
            let missing = missing.join("; ");
            self.cx
                .progress
                .note(format!("{subject} existed on `{}` before and is not changed; it lacks: {missing}", self.to.0));
        }
        Ok(())
    }
}

/// What of a definition an account with its password alone would not have.
fn beyond(definition: &str) -> Option<&'static str> {
    let text = HARMLESS.iter().fold(definition.to_owned(), |text, harmless| text.replace(harmless, ""));
    BEYOND.into_iter().find(|word| text.contains(word))
}

/// Makes the server as strict about passwords as it was, if this step has changed that.
pub(super) async fn restore_strictness(cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<()> {
    let Some(name) = dialect.strict_passwords() else { return Ok(()) };
    if !cx.memo.flag(STRICT)? {
        return Ok(());
    }
    session.query(&set_strict(name, true), LOOK).await?;
    cx.memo.set(STRICT, false.into()).await
}

pub(super) fn set_strict(name: &'static str, on: bool) -> Sql {
    sql!("SET GLOBAL {} = {}", name, if on { "ON" } else { "OFF" })
}

pub(super) fn drop_subject(dialect: Dialect, subject: &Subject) -> Sql {
    drop_statement(dialect, &subject.user, &subject.host, subject.is_role)
}

pub(super) fn drop_statement(dialect: Dialect, user: impl Into<Words>, host: impl Into<Words>, is_role: bool) -> Sql {
    if is_role { dialect.drop_role(user, host) } else { dialect.drop_account(user, host) }
}

/// What helps when the server refuses a statement.
pub(super) fn help(code: Option<u16>, statement: &str, runner: &str) -> Option<String> {
    match code? {
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 => Some(format!(
            "`{runner}` can grant only privileges that it has itself WITH GRANT OPTION: grant it there the privileges \
             in `{statement}`"
        )),
        1698 => Some(format!("as an administrator there, run GRANT PROXY ON ''@'' TO {runner} WITH GRANT OPTION")),
        1141 => Some("partial revokes are off there: run SET PERSIST partial_revokes = ON".to_owned()),
        1524 => Some("load the plugin there, as on the old server".to_owned()),
        1819 => Some(
            "its password does not satisfy the rules of the new server: create the account there by hand".to_owned(),
        ),
        1372 | 1827 => {
            Some("the new server does not accept its password: set a new one on the old server first".to_owned())
        }
        _ => None,
    }
}

fn lines(rows: &crate::effects::Rows) -> Vec<String> {
    rows.iter().filter_map(|row| row.at(0).map(str::to_owned)).collect()
}

/// What a role was given, and not what its own roles were given, which some servers show beside it.
fn is_to(line: &str, role: &str) -> bool {
    AccountStatement::read(line).is_none_or(|statement| statement.names.iter().any(|(name, _)| name == role))
}

/// A statement without the secret in it.
pub(super) fn told(statement: &str) -> String {
    without_hash(statement).trim_end().to_owned()
}

/// A password's hash is as secret as the password: it can be guessed from the hash.
pub(super) fn without_hash(answer: &str) -> String {
    answer.split_once("IDENTIFIED").map_or(answer, |(before, _)| before).to_owned()
}

#[cfg(test)]
mod tests {
    use super::beyond;

    #[test]
    fn an_account_that_is_more_than_its_password_is_not_made_anew() {
        let plain = "CREATE USER `shop`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x24 REQUIRE NONE PASSWORD EXPIRE DEFAULT \
                     ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT";
        assert_eq!(beyond(plain), None);
        assert_eq!(beyond(&plain.replace("REQUIRE NONE", "REQUIRE SSL")), Some(" REQUIRE "));
        assert_eq!(beyond(&plain.replace("ACCOUNT UNLOCK", "ACCOUNT LOCK")), Some(" ACCOUNT LOCK"));
        assert_eq!(
            beyond(&plain.replace(" REQUIRE NONE", " DEFAULT ROLE `r`@`%` REQUIRE NONE")),
            Some(" DEFAULT ROLE ")
        );
        assert_eq!(beyond("CREATE USER `shop`@`%` IDENTIFIED BY PASSWORD '*24'"), None);
    }
}
