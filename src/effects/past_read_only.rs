//! Which accounts can write despite a plain `read_only`: by a privilege, through a role, or by calling code of an
//! account that has it.
//!
//! A judgement over rows, so that the check before a run and the fence itself come to the same answer.

use super::mysql::{Row, Rows, Session};
use super::replica::LOOK;
use crate::dialect::Dialect;
use crate::domain::Sql;
use crate::domain::endpoint::Endpoint;
use crate::error::{Failure, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::{Duration, Instant};

/// How long, and how often, a session is checked before it counts as an administrator's.
const PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// An account on a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountName {
    /// User name.
    pub user: String,
    /// Host part, which may be a pattern.
    pub host: String,
}

/// How an account can write despite `read_only`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// It has the privilege itself.
    Privilege,
    /// A role of this name has it.
    Role(String),
    /// It may call code that runs with the rights of this account.
    Routine(String),
}

/// An account that can write despite `read_only`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypasser {
    /// Which.
    pub account: AccountName,
    /// By what.
    pub route: Route,
    /// Whether it can be reached from the server's own machine only: a loopback address, or the machine's own name.
    pub is_local: bool,
    /// Whether it is locked, so that nobody can log in as it.
    pub is_locked: bool,
    /// Connection ids of the sessions that may be its own. Inside of a trigger, a view or a routine both families show
    /// a session as the account that defined it (`information_schema.PROCESSLIST`, measured on 10.11 and 9.7), so one
    /// look may take an application's session for an administrator's: [`look_for_long`] does not.
    pub sessions: BTreeSet<u64>,
}

/// Who is logged in: the user and the client's host without its port.
pub type Client = AccountName;

impl AccountName {
    /// An account by its two parts.
    #[must_use]
    pub fn new(user: impl Into<String>, host: impl Into<String>) -> Self {
        Self { user: user.into(), host: host.into() }
    }
    /// From `user@host`, as a server names its own accounts.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (user, host) = text.rsplit_once('@').unwrap_or((text, ""));
        Self::new(user, host)
    }
    /// Whether one of `names`, each `user` or `user@host`, means it.
    #[must_use]
    pub fn is_named<S: AsRef<str>>(&self, names: &[S]) -> bool {
        let full = self.to_string();
        names.iter().any(|name| name.as_ref() == self.user || name.as_ref() == full)
    }
    /// Connection ids of `clients` that may have come in by this account.
    fn sessions(&self, clients: &Rows) -> BTreeSet<u64> {
        let own = clients.iter().filter(|row| self.admits(&client(*row)));
        own.filter_map(|row| row.get("id")?.parse().ok()).collect()
    }
    /// Whether a client that logged in as this user from `client` may have come in by this account. When it cannot be
    /// known (names of hosts, masks) it may.
    fn admits(&self, client: &Client) -> bool {
        let (pattern, from) = (self.host.to_ascii_lowercase(), client.host.to_ascii_lowercase());
        if self.user != client.user {
            return false;
        }
        match () {
            () if pattern.is_empty() || pattern == "%" || pattern == from => true,
            () if is_loopback(&pattern) || is_loopback(&from) => {
                is_loopback(&pattern) && is_loopback(&from) || like(&pattern, &from)
            }
            () if pattern.contains(['%', '_']) => like(&pattern, &from),
            () => pattern.contains('/') || pattern.parse::<std::net::IpAddr>().is_err(),
        }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
}

impl fmt::Display for Bypasser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.route {
            Route::Privilege => write!(f, "{}", self.account),
            Route::Role(role) => write!(f, "{} (by the role {role})", self.account),
            Route::Routine(definer) => write!(f, "{} (by code that runs as {definer})", self.account),
        }
    }
}

impl Bypasser {
    /// Whether it is an administrator's account on the server's own machine and nothing more: such are not locked.
    #[must_use]
    pub fn is_local_administrator(&self) -> bool {
        self.is_local && !matches!(self.route, Route::Routine(_))
    }
}

/// Clients from the rows of [`Dialect::killable_clients`].
#[must_use]
pub fn client(row: Row<'_>) -> Client {
    let host = row.get("host").unwrap_or_default();
    // `10.0.0.7:51234`, `::1:51234`, or `localhost` by the socket
    AccountName::new(row.get("user").unwrap_or_default(), Endpoint::client(host).host)
}

/// Clients with the number of sessions each has.
#[must_use]
pub fn counted(clients: impl IntoIterator<Item = Client>) -> BTreeMap<Client, usize> {
    let mut all = BTreeMap::new();
    for client in clients {
        *all.entry(client).or_default() += 1;
    }
    all
}

/// The questions that [`bypassers`] wants answered.
#[must_use]
pub fn questions(dialect: Dialect) -> Vec<Sql> {
    let mut all = vec![dialect.accounts_past_read_only(), dialect.machine_name().into()];
    all.extend(dialect.role_members().map(Sql::from));
    all.extend(dialect.mandatory_roles().map(Sql::from));
    all.extend(dialect.callers_of_definers());
    all.push(dialect.killable_clients(None));
    all
}

/// Accounts that get past `read_only`, roles themselves left out, from the answers to [`questions`].
///
/// # Errors
/// When an answer is missing, or cannot be read: then nobody knows who gets past.
pub fn bypassers<'a>(dialect: Dialect, answer: impl Fn(&Sql) -> Result<&'a Rows>) -> Result<Vec<Bypasser>> {
    let accounts = answer(&dialect.accounts_past_read_only())?;
    let mut routes = BTreeMap::new();
    for row in accounts.iter().filter(|row| is_set(*row, "gets_past")) {
        routes.insert(name(row, "user", "host")?, Route::Privilege);
    }
    let is_role = accounts.iter().filter(|row| is_set(*row, "is_role"));
    let is_role: BTreeSet<AccountName> = is_role.map(|row| name(row, "user", "host")).collect::<Result<_>>()?;
    let everyone: Vec<AccountName> = accounts.iter().map(|row| name(row, "user", "host")).collect::<Result<_>>()?;
    let mut edges = Vec::new();
    for row in dialect.role_members().map(|text| answer(&text.into())).transpose()?.into_iter().flat_map(Rows::iter) {
        edges.push((name(row, "role_user", "role_host")?, name(row, "user", "host")?));
    }
    let list = dialect
        .mandatory_roles()
        .map(|text| answer(&text.into()))
        .transpose()?
        .and_then(Rows::value)
        .unwrap_or_default();
    let given_to_all = mandatory(list).into_iter().chain(is_role.iter().filter(|role| role.user == "PUBLIC").cloned());
    edges.extend(given_to_all.flat_map(|role| everyone.iter().map(move |member| (role.clone(), member.clone()))));
    inherit(&mut routes, &edges, |role| Route::Role(role.user.clone()));

    let holders: BTreeSet<AccountName> = routes.keys().cloned().collect();
    let mut callers = BTreeMap::new();
    for row in dialect.callers_of_definers().map(|text| answer(&text)).transpose()?.into_iter().flat_map(Rows::iter) {
        let definer = row.get("definer").unwrap_or_default();
        if holders.contains(&AccountName::parse(definer)) {
            callers.insert(name(row, "user", "host")?, Route::Routine(definer.to_owned()));
        }
    }
    inherit_calls(&mut callers, &edges);
    for (account, route) in callers {
        routes.entry(account).or_insert(route);
    }
    let machine = answer(&dialect.machine_name().into())?.value().unwrap_or_default();
    let clients = answer(&dialect.killable_clients(None))?;
    let all = accounts.iter().filter_map(|row| {
        let account = name(row, "user", "host").ok().filter(|account| !is_role.contains(account))?;
        let route = routes.remove(&account)?;
        let sessions = account.sessions(clients);
        let is_local = is_loopback(&account.host) || account.host.eq_ignore_ascii_case(machine);
        Some(Bypasser { account, route, is_local, is_locked: is_set(row, "is_locked"), sessions })
    });
    Ok(all.collect())
}

/// The same, asked of a server.
///
/// # Errors
/// When the server cannot be asked, or does not let the account see it.
pub async fn look(session: &Session, dialect: Dialect) -> Result<Vec<Bypasser>> {
    let mut answers = HashMap::new();
    for question in questions(dialect) {
        let rows = session.query(&question, LOOK).await?;
        answers.insert(question, rows);
    }
    bypassers(dialect, |question| answers.get(question).ok_or_else(|| unread(question)))
}

/// The same, but a session of an account that `is_loud` counts only when it stays, and as this account, for
/// [`PATIENCE`]: one that is inside of an administrator's trigger or routine is itself again, and a job on the machine
/// that logs in for a moment is gone. Takes no longer than one look when there is no such session.
///
/// # Errors
/// As [`look`].
pub async fn look_for_long(
    session: &Session,
    dialect: Dialect,
    is_loud: impl Fn(&Bypasser) -> bool,
) -> Result<Vec<Bypasser>> {
    let begin = Instant::now();
    let mut all = look(session, dialect).await?;
    while all.iter().any(|one| !one.sessions.is_empty() && is_loud(one)) && begin.elapsed() < PATIENCE {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        let clients = session.query(&dialect.killable_clients(None), LOOK).await?;
        for one in &mut all {
            let now = one.account.sessions(&clients);
            one.sessions.retain(|id| now.contains(id));
        }
    }
    Ok(all)
}

fn unread(question: &Sql) -> Failure {
    Failure::permanent("find out which accounts can write despite read_only", format!("`{question}` was not asked"))
}

fn is_set(row: Row<'_>, column: &str) -> bool {
    row.get(column) == Some("1")
}

fn name(row: Row<'_>, user: &str, host: &str) -> Result<AccountName> {
    match (row.get(user), row.get(host)) {
        (Some(user), Some(host)) => Ok(AccountName::new(user, host)),
        _ => Err(Failure::permanent("find out which accounts can write despite read_only", "an account has no name")),
    }
}

/// Passes a route on from roles to everyone who may activate them, until nothing is new.
fn inherit(
    routes: &mut BTreeMap<AccountName, Route>,
    edges: &[(AccountName, AccountName)],
    route: impl Fn(&AccountName) -> Route,
) {
    loop {
        let new = edges.iter().find(|(role, member)| routes.contains_key(role) && !routes.contains_key(member));
        let Some((role, member)) = new else { return };
        routes.insert(member.clone(), route(role));
    }
}

fn inherit_calls(callers: &mut BTreeMap<AccountName, Route>, edges: &[(AccountName, AccountName)]) {
    loop {
        let new = edges.iter().find(|(role, member)| callers.contains_key(role) && !callers.contains_key(member));
        let Some((role, member)) = new else { return };
        let Some(route) = callers.get(role).cloned() else { return };
        callers.insert(member.clone(), route);
    }
}

/// Roles of `mandatory_roles`: `` `a`@`%`, b ``.
fn mandatory(list: &str) -> Vec<AccountName> {
    let bare = |part: &str| part.trim().trim_matches(['`', '\'', '"']).to_owned();
    let role = |text: &str| match text.rsplit_once('@') {
        Some((user, host)) => AccountName::new(bare(user), bare(host)),
        None => AccountName::new(bare(text), "%"),
    };
    list.split(',').filter(|text| !text.trim().is_empty()).map(role).collect()
}

fn is_loopback(host: &str) -> bool {
    ["localhost", "127.0.0.1", "::1"].iter().any(|own| host.eq_ignore_ascii_case(own))
}

/// `LIKE` without escapes, as host patterns are compared.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for sign in pattern {
        let before = reached.clone();
        for at in 0..=text.len() {
            reached[at] = match sign {
                '%' => before[at] || (at > 0 && reached[at - 1]),
                '_' => at > 0 && before[at - 1],
                sign => at > 0 && before[at - 1] && text[at - 1] == sign,
            };
        }
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::{AccountName, Route, bypassers, like, mandatory};
    use crate::dialect::Dialect;
    use crate::domain::Sql;
    use crate::domain::product::{Family, Product, Version};
    use crate::effects::Rows;
    use crate::error::Failure;
    use std::collections::HashMap;

    fn rows(columns: &[&str], lines: &[&[&str]]) -> Rows {
        let mut rows = Rows::of(columns.iter().map(|&name| name.to_owned()).collect());
        for line in lines {
            rows.push(line.iter().map(|&value| Some(value.to_owned())));
        }
        rows
    }

    const ACCOUNT: [&str; 5] = ["user", "host", "is_role", "is_locked", "gets_past"];

    fn found(dialect: Dialect, accounts: &[&[&str]], rest: &[(Sql, Rows)]) -> Vec<(String, Route, bool, usize)> {
        let mut answers: HashMap<Sql, Rows> = rest.iter().cloned().collect();
        answers.insert(dialect.accounts_past_read_only(), rows(&ACCOUNT, accounts));
        answers.insert(dialect.machine_name().into(), rows(&["name"], &[&["db1"]]));
        let none = Failure::permanent("ask", "was not asked");
        let all = bypassers(dialect, |question| answers.get(question).ok_or_else(|| none.clone())).unwrap();
        all.into_iter().map(|one| (one.account.to_string(), one.route, one.is_locked, one.sessions.len())).collect()
    }

    #[test]
    fn privileges_roles_public_and_code_of_others() {
        let dialect = Dialect::from(Product { family: Family::MariaDb, version: Version(10, 11, 0) });
        let edges = [&["u", "10.%", "outer", ""][..], &["outer", "", "inner", ""]];
        let calls = [&["app", "%", "root@localhost"][..], &["plain", "%", "other@localhost"]];
        let clients = [&["1", "u", "10.0.0.7:5"][..], &["2", "u", "192.168.0.1:5"], &["3", "root", "localhost"]];
        let rest = [
            (dialect.role_members().unwrap().into(), rows(&["user", "host", "role_user", "role_host"], &edges)),
            (dialect.callers_of_definers().unwrap(), rows(&["user", "host", "definer"], &calls)),
            (dialect.killable_clients(None), rows(&["id", "user", "host"], &clients)),
        ];
        let accounts = [
            &["root", "localhost", "0", "0", "1"][..],
            &["old", "%", "0", "1", "1"],
            &["inner", "", "1", "0", "1"],
            &["outer", "", "1", "0", "0"],
            &["u", "10.%", "0", "0", "0"],
            &["app", "%", "0", "0", "0"],
            &["plain", "%", "0", "0", "0"],
        ];
        let all = found(dialect, &accounts, &rest);
        let expected = [
            ("root@localhost".to_owned(), Route::Privilege, false, 1),
            ("old@%".to_owned(), Route::Privilege, true, 0),
            ("u@10.%".to_owned(), Route::Role("outer".into()), false, 1),
            ("app@%".to_owned(), Route::Routine("root@localhost".into()), false, 0),
        ];
        assert_eq!(all, expected);

        let with_public = [&["PUBLIC", "", "1", "0", "1"][..], &["anyone", "%", "0", "0", "0"]];
        let all = found(dialect, &with_public, &rest);
        assert_eq!(all, [("anyone@%".to_owned(), Route::Role("PUBLIC".into()), false, 0)]);
    }

    #[test]
    fn roles_of_mysql_that_everybody_has() {
        let dialect = Dialect::from(Product { family: Family::MySql, version: Version(8, 0, 0) });
        let rest = [
            (dialect.role_members().unwrap().into(), rows(&["user", "host", "role_user", "role_host"], &[])),
            (dialect.mandatory_roles().unwrap().into(), rows(&["roles"], &[&["`ops`@`%`,'x'@'h'"]])),
            (dialect.killable_clients(None), rows(&["id", "user", "host"], &[])),
        ];
        let accounts = [&["ops", "%", "0", "1", "1"][..], &["app", "%", "0", "0", "0"]];
        let all = found(dialect, &accounts, &rest);
        assert_eq!(all[1], ("app@%".to_owned(), Route::Role("ops".into()), false, 0));
        assert_eq!(mandatory("a, `b`@`h`"), [AccountName::new("a", "%"), AccountName::new("b", "h")]);
    }

    #[test]
    fn sessions_belong_to_accounts_that_may_have_let_them_in() {
        let client = |host: &str| AccountName::new("u", host);
        let may = |pattern: &str, from: &str| AccountName::new("u", pattern).admits(&client(from));
        assert!(may("%", "10.0.0.1") && may("10.0.0.%", "10.0.0.1") && may("localhost", "127.0.0.1"));
        assert!(
            may("db.example", "10.0.0.1") && may("10.0.0.0/255.255.255.0", "10.0.0.1") && may("127.0.0.%", "127.0.0.1")
        );
        assert!(!may("10.0.0.%", "10.1.0.1") && !may("localhost", "10.0.0.1") && !may("10.0.0.2", "10.0.0.1"));
        assert!(!AccountName::new("v", "%").admits(&client("10.0.0.1")) && !may("10.0.0.2", "localhost"));
        assert!(like("a%b_", "axxbc") && !like("a%b_", "axxb") && like("%", ""));
        assert!(AccountName::new("a", "h").is_named(&["a@h"]) && AccountName::new("a", "h").is_named(&["a"]));
        assert!(!AccountName::new("a", "h").is_named(&["a@i", "b"]));
    }
}
