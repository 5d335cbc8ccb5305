//! Tries what will be passed on before anything moves: an account that nobody can use gets each grant, and goes again.

use super::making::{Making, NO_OBJECT, OPTION_PREVENTS, help, told, without_hash};
use super::subject::Subject;
use crate::effects::dialect::{Dialect, account, identifier};
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::playbook::marker;
use crate::steps::Action;

/// Its name. No machine has that name, so no connection arrives from it, and it is locked besides.
const TRIAL: [&str; 2] = ["cutover_trial", "cutover.invalid"];
/// A role that is not there yet: it comes before whoever has it.
const NO_ROLE: [u16; 3] = [1959, 3162, 3523];

fn trial() -> String {
    account(TRIAL[0], TRIAL[1])
}

fn lock() -> String {
    format!("ALTER USER {} ACCOUNT LOCK", trial())
}

/// Made when the account that is tried has a password that cannot be tried.
fn without_password() -> String {
    format!("CREATE USER {} IDENTIFIED VIA unix_socket", trial())
}

/// What [`attempt`] sends.
pub(super) fn actions(server: &str, dialect: Dialect) -> Vec<Action> {
    let (as_it_has, more) = (marker::late("as the account has it"), marker::late("more"));
    let drop = dialect.drop_account(TRIAL[0], TRIAL[1]);
    let mut texts = vec![drop, format!("CREATE USER {} {as_it_has}", trial())];
    texts.extend(dialect.is_mariadb().then(without_password));
    texts.push(lock());
    texts.extend(["GRANT", "REVOKE"].map(|verb| format!("{verb} {as_it_has} {}{more}", trial())));
    let note = Action::note("try on an account that nobody can use what will be passed on, and drop it again:");
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
    making.write.query(&drop, LOOK).await?;
    let tried = each(making, subject, definition, to).await;
    making.write.query(&drop, LOOK).await?;
    let failures = tried?.into_iter().map(|(code, statement, answer)| {
        let failure = Failure::refused(format!("pass on to `{server}` what {subject} has"), answer)
            .at(server)
            .now("nothing was touched");
        match help(Some(code), &statement, runner) {
            Some(help) => failure.help(help),
            None => failure,
        }
    });
    Ok(failures.collect())
}

async fn each(
    making: &Making<'_>,
    subject: &Subject,
    definition: Vec<String>,
    (_, dialect, _): (&str, Dialect, &str),
) -> Result<Vec<(u16, String, String)>> {
    let mut refused = Vec::new();
    let is_account = definition.first().is_some_and(|create| create.starts_with("CREATE USER"));
    let create = definition.first().filter(|_| is_account).and_then(|create| renamed(create, subject));
    let create = create.map_or_else(without_password, |create| without_roles(&create));
    if let Err(error) = making.write.try_query(&create, LOOK).await {
        match error.code {
            Some(OPTION_PREVENTS) => {} // passwords as hashes: the step itself knows what to do
            Some(code) => refused.push((code, told(&definition[0]), without_hash(&error.to_string()))),
            None => return Err(error.failure(making.write.server(), &"CREATE USER".into())),
        }
        if !dialect.is_mariadb() || making.write.try_query(&without_password(), LOOK).await.is_err() {
            return Ok(refused);
        }
    }
    making.write.query(&lock(), LOOK).await?;
    for line in definition.iter().filter(|line| line.starts_with("GRANT ") || line.starts_with("REVOKE ")) {
        let Some(statement) = renamed(line, subject) else { continue };
        let Err(error) = making.write.try_query(&statement, LOOK).await else { continue };
        match error.code {
            Some(code) if NO_OBJECT.contains(&code) || NO_ROLE.contains(&code) => {} // tables come with the copy
            Some(OPTION_PREVENTS) if dialect.is_mariadb() => {}
            Some(code) => refused.push((code, told(line), without_hash(&error.to_string()))),
            None => return Err(error.failure(making.write.server(), &"GRANT".into())),
        }
    }
    Ok(refused)
}

/// A statement of `subject` for the trial's account.
fn renamed(statement: &str, subject: &Subject) -> Option<String> {
    let name = |quoted: fn(&str) -> String| {
        let user = quoted(&subject.user);
        if subject.is_role { user } else { format!("{user}@{}", quoted(&subject.host)) }
    };
    let names = [name(identifier), name(crate::effects::dialect::text_literal)];
    ["CREATE USER ", " TO ", " FROM "].iter().find_map(|before| {
        names.iter().find_map(|name| {
            let at = statement.find(&format!("{before}{name}"))? + before.len();
            Some(format!("{}{}{}", &statement[..at], trial(), &statement[at + name.len()..]))
        })
    })
}

/// Roles that are not there yet.
fn without_roles(create: &str) -> String {
    let cut = create.split_once(" DEFAULT ROLE ");
    cut.and_then(|(before, rest)| Some(format!("{before} REQUIRE {}", rest.split_once(" REQUIRE ")?.1)))
        .unwrap_or_else(|| create.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Subject, renamed, without_roles};

    #[test]
    fn a_statement_is_tried_under_another_name() {
        let odd = Subject { user: "o'b`x".into(), host: "%".into(), is_role: false };
        let role = Subject { user: "r".into(), host: String::new(), is_role: true };
        let trial = "'cutover_trial'@'cutover.invalid'";
        assert_eq!(
            renamed("GRANT SELECT ON `d`.* TO `o'b``x`@`%` WITH GRANT OPTION", &odd),
            Some(format!("GRANT SELECT ON `d`.* TO {trial} WITH GRANT OPTION"))
        );
        assert_eq!(
            renamed("CREATE USER `o'b``x`@`%` REQUIRE X509", &odd),
            Some(format!("CREATE USER {trial} REQUIRE X509"))
        );
        assert_eq!(renamed("GRANT `r` TO `r2`", &role), None);
        assert_eq!(renamed("GRANT INSERT ON *.* TO `r`", &role), Some(format!("GRANT INSERT ON *.* TO {trial}")));
        assert_eq!(without_roles("CREATE USER a DEFAULT ROLE `r`@`%` REQUIRE NONE x"), "CREATE USER a REQUIRE NONE x");
    }
}
