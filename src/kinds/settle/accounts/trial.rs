//! Tries the grants before anything moves: an account that nobody can use gets each grant, and is dropped again.

use super::making::{BY_HAND, Definition, Making, NO_OBJECT, VERBS, help, told, without_hash};
use super::subject::Subject;
use crate::dialect::{Dialect, OPTION_PREVENTS};
use crate::domain::sql::account;
use crate::domain::{Backslash, Odd, Sql, Statement};
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::Action;
use crate::sql;
use std::ops::Range;

/// Its name. No machine has that name, so no connection arrives from it, and it is locked besides.
const TRIAL: [&str; 2] = ["cutover_trial", "cutover.invalid"];
/// What is tried of what it has.
const PASSED_ON: [&str; 2] = ["GRANT", "REVOKE"];
/// A role that is not there yet: it comes before whoever has it.
const NO_ROLE: [u16; 3] = [1959, 3162, 3523];

fn trial() -> Sql {
    account(TRIAL[0], TRIAL[1])
}

fn lock() -> Sql {
    sql!("ALTER USER {} ACCOUNT LOCK", trial())
}

/// Made when the account that is tried has a password that cannot be tried.
fn without_password() -> Sql {
    sql!("CREATE USER {} IDENTIFIED VIA unix_socket", trial())
}

/// Makes it.
fn create(as_it_has: &Sql) -> Sql {
    sql!("CREATE USER {} {}", trial(), as_it_has)
}

fn pass_on(verb: &'static str, as_it_has: &Sql, more: &Sql) -> Sql {
    sql!("{} {} {}{}", verb, as_it_has, trial(), more)
}

/// What [`attempt`] sends.
pub(super) fn actions(server: &str, dialect: Dialect) -> Vec<Action> {
    let [as_it_has, more] = ["as the account has it", "more"].map(Sql::to_copy);
    let drop = dialect.drop_account(TRIAL[0], TRIAL[1]);
    let mut texts = vec![drop, create(&as_it_has)];
    texts.extend(dialect.is_mariadb().then(without_password));
    texts.push(lock());
    texts.extend(PASSED_ON.map(|verb| pass_on(verb, &as_it_has, &more)));
    let note = Action::note("try the grants on an account that nobody can use, and drop it again:");
    std::iter::once(note).chain(texts.into_iter().map(|text| Action::sql(server, text))).collect()
}

/// Tries to make `subject` under another name. What the server refuses, each with what helps.
///
/// # Errors
/// When a server cannot be asked.
pub(super) async fn attempt(making: &Making<'_>, subject: &Subject, to: (&str, Dialect, &str)) -> Result<Vec<Failure>> {
    let (server, dialect, runner) = to;
    let drop = dialect.drop_account(TRIAL[0], TRIAL[1]);
    let definition = making.definition(subject).await?;
    let texts = match Texts::of(&definition, subject) {
        Ok(texts) => texts,
        Err(odd) => {
            let (attempted, answer) = making.odd(subject, odd);
            return Ok(vec![Failure::refused(attempted, answer).at(server).now("nothing was touched").help(BY_HAND)]);
        }
    };
    making.write.query(&drop, LOOK).await?;
    let tried = each(making, &definition, texts, to).await;
    making.write.query(&drop, LOOK).await?;
    let failures = tried?.into_iter().map(|(code, statement, answer)| {
        let failure = Failure::refused(format!("grant on `{server}` what {subject} has"), answer)
            .at(server)
            .now("nothing was touched");
        match help(Some(code), &statement, runner) {
            Some(help) => failure.help(help),
            None => failure,
        }
    });
    Ok(failures.collect())
}

/// What is tried.
struct Texts<'a> {
    /// Makes the trial's account as the other one is made; `None` for a role, or where its name is not found.
    create: Option<Sql>,
    /// What is passed on, each with the statement it was made from.
    rest: Vec<(&'a str, Sql)>,
}

impl<'a> Texts<'a> {
    /// The statements of `subject` for the trial's account.
    fn of(definition: &'a Definition, subject: &Subject) -> Result<Self, Odd> {
        let (mut create, mut rest) = (None, Vec::new());
        for line in &definition.answered {
            match renamed(line, subject)? {
                Some(("CREATE USER", statement)) => create = Some(statement),
                Some((verb, statement)) if PASSED_ON.contains(&verb) => rest.push((line.as_str(), statement)),
                _ => {}
            }
        }
        Ok(Self { create, rest })
    }
}

async fn each(
    making: &Making<'_>,
    definition: &Definition,
    texts: Texts<'_>,
    (_, dialect, _): (&str, Dialect, &str),
) -> Result<Vec<(u16, String, String)>> {
    let mut refused = Vec::new();
    let create = match texts.create {
        Some(create) => create,
        None if dialect.is_mariadb() => without_password(),
        None => return Ok(refused), // the family has no way to make it without its password
    };
    if let Err(error) = making.write.try_query(create, LOOK).await {
        let role = definition.own.as_ref().map(ToString::to_string);
        let begin = role.as_ref().or(definition.answered.first()).map_or("", String::as_str);
        match error.code {
            Some(OPTION_PREVENTS) => {} // passwords as hashes: the step itself knows what to do
            Some(code) => refused.push((code, told(begin), without_hash(&error.to_string()))),
            None => return Err(error.failure(making.write.server(), &"CREATE USER".into())),
        }
        if !dialect.is_mariadb() || making.write.try_query(without_password(), LOOK).await.is_err() {
            return Ok(refused);
        }
    }
    making.write.query(lock(), LOOK).await?;
    for (line, statement) in texts.rest {
        let Err(error) = making.write.try_query(statement, LOOK).await else { continue };
        match error.code {
            Some(code) if NO_OBJECT.contains(&code) || NO_ROLE.contains(&code) => {} // tables come with the copy
            Some(OPTION_PREVENTS) if dialect.is_mariadb() => {}
            Some(code) => refused.push((code, told(line), without_hash(&error.to_string()))),
            None => return Err(error.failure(making.write.server(), &"GRANT".into())),
        }
    }
    Ok(refused)
}

/// A statement of `subject` for the trial's account, with the words it begins with; `None` where it does not name `subject`.
fn renamed(line: &str, subject: &Subject) -> Result<Option<(&'static str, Sql)>, Odd> {
    let text = if line.starts_with("CREATE USER ") { without_roles(line) } else { line.to_owned() };
    let statement = Statement::read(&text, &VERBS, Backslash::Escapes)?;
    let Some(place) = place(&text, subject) else { return Ok(None) };
    let verb = statement.verb();
    if verb == "CREATE USER" {
        let blank = usize::from(text[place.end..].starts_with(' '));
        let (_, behind) = statement.around(place.start..place.end + blank)?;
        return Ok(Some((verb, create(&behind))));
    }
    let (before, behind) = statement.around(place.start - 1..place.end)?;
    Ok(Some((verb, pass_on(verb, &before, &behind))))
}

/// Where a statement names `subject`.
fn place(text: &str, subject: &Subject) -> Option<Range<usize>> {
    let name = |quote: char| {
        let user = quoted(&subject.user, quote);
        if subject.is_role { user } else { format!("{user}@{}", quoted(&subject.host, quote)) }
    };
    let names = ['`', '\''].map(name);
    ["CREATE USER ", " TO ", " FROM "].iter().find_map(|before| {
        names.iter().find_map(|name| {
            let begin = text.find(&format!("{before}{name}"))? + before.len();
            Some(begin..begin + name.len())
        })
    })
}

/// A name as a server writes it.
fn quoted(name: &str, quote: char) -> String {
    let name = if quote == '`' { name.to_owned() } else { name.replace('\\', "\\\\") };
    format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")))
}

/// Roles that are not there yet.
fn without_roles(create: &str) -> String {
    let cut = create.split_once(" DEFAULT ROLE ");
    cut.and_then(|(before, rest)| Some(format!("{before} REQUIRE {}", rest.split_once(" REQUIRE ")?.1)))
        .unwrap_or_else(|| create.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Sql, Subject, create, pass_on, renamed, without_roles};
    use crate::domain::Odd;

    #[test]
    fn a_statement_is_tried_under_another_name() {
        let odd = Subject { user: "o'b`x".into(), host: "%".into(), is_role: false };
        let role = Subject { user: "r".into(), host: String::new(), is_role: true };
        let trial = "'cutover_trial'@'cutover.invalid'";
        let tried = |text: &str, subject: &Subject| {
            let statement = renamed(text, subject).unwrap()?.1;
            let [whole, more] = ["x", "y"].map(Sql::to_copy);
            let planned = [create(&whole), pass_on("GRANT", &whole, &more)];
            assert!(planned.iter().any(|planned| planned.text().admits(statement.text())), "{statement}");
            Some(statement.to_string())
        };
        assert_eq!(
            tried("GRANT SELECT ON `d`.* TO `o'b``x`@`%` WITH GRANT OPTION", &odd),
            Some(format!("GRANT SELECT ON `d`.* TO {trial} WITH GRANT OPTION"))
        );
        assert_eq!(
            tried("CREATE USER `o'b``x`@`%` REQUIRE X509", &odd),
            Some(format!("CREATE USER {trial} REQUIRE X509"))
        );
        assert_eq!(tried("CREATE USER `o'b``x`@`%`", &odd), Some(format!("CREATE USER {trial} ")));
        assert_eq!(tried("GRANT `r` TO `r2`", &role), None);
        assert_eq!(tried("GRANT INSERT ON *.* TO `r`", &role), Some(format!("GRANT INSERT ON *.* TO {trial}")));
        assert_eq!(renamed("GRANT INSERT ON ` TO ``r`` `.* TO `r`; x", &role).unwrap_err(), Odd::Second);
        assert_eq!(without_roles("CREATE USER a DEFAULT ROLE `r`@`%` REQUIRE NONE x"), "CREATE USER a REQUIRE NONE x");
    }
}
