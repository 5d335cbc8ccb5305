//! An account or role that is brought from one server to another, and what must come before it.

use crate::effects::Rows;
use crate::playbook::inventory::Account;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// An account or a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// User name, or the role's.
    pub user: String,
    /// Host part; a role of `MariaDB` has none.
    pub host: String,
    /// Whether it is a role that a statement of its own makes (`MariaDB`).
    pub is_role: bool,
}

impl Subject {
    /// An account that the inventory names.
    pub fn of(account: &Account) -> Self {
        Self { user: account.user.clone(), host: super::host(account).to_owned(), is_role: false }
    }

    /// Accounts and roles from rows of `user`, `host`, `is_role`.
    pub fn all(rows: &Rows) -> Vec<Self> {
        let one = |user: Option<&str>, host: Option<&str>, is_role: bool| {
            Some(Self { user: user?.to_owned(), host: host?.to_owned(), is_role })
        };
        rows.iter().filter_map(|row| one(row.get("user"), row.get("host"), row.get("is_role") == Some("1"))).collect()
    }

    /// Both names, as statements on tables of accounts take them.
    pub fn pair(&self) -> (String, String) {
        (self.user.clone(), self.host.clone())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_role { write!(f, "role {}", self.user) } else { write!(f, "{}@{}", self.user, self.host) }
    }
}

/// `wanted` and every role they were given, directly or by another role: what is given comes before who has it. `members`
/// are rows of `user`, `host`, `role_user`, `role_host`.
pub fn with_roles(wanted: &[Subject], members: &Rows) -> Vec<Subject> {
    let edges: Vec<(Subject, Subject)> = members
        .iter()
        .filter_map(|row| {
            let of = |user: &str, host: &str| Some((row.get(user)?.to_owned(), row.get(host)?.to_owned()));
            let ((role, role_host), (user, host)) = (of("role_user", "role_host")?, of("user", "host")?);
            let is_role = |host: &str| host.is_empty();
            let role = Subject { is_role: is_role(&role_host), user: role, host: role_host };
            Some((role, Subject { is_role: is_role(&host) && !user.is_empty(), user, host }))
        })
        .collect();
    ordered(wanted, &edges)
}

/// Edges are roles and who has them.
fn ordered(wanted: &[Subject], edges: &[(Subject, Subject)]) -> Vec<Subject> {
    let (mut ordered, mut seen) = (Vec::new(), BTreeSet::new());
    for subject in wanted {
        visit(subject, edges, &mut seen, &mut ordered);
    }
    ordered
}

fn visit(
    subject: &Subject,
    edges: &[(Subject, Subject)],
    seen: &mut BTreeSet<(String, String)>,
    out: &mut Vec<Subject>,
) {
    if subject.user == "PUBLIC" || !seen.insert(subject.pair()) {
        return;
    }
    for (role, _) in edges.iter().filter(|(_, member)| member.pair() == subject.pair()) {
        visit(role, edges, seen, out);
    }
    out.push(subject.clone());
}

#[cfg(test)]
mod tests {
    use super::{Subject, ordered};

    fn named(user: &str, host: &str) -> Subject {
        Subject { user: user.into(), host: host.into(), is_role: host.is_empty() }
    }

    #[test]
    fn roles_come_before_those_who_have_them() {
        let (shop, other) = (named("shop", "%"), named("other", "%"));
        let [outer, inner, public] = ["outer", "inner", "PUBLIC"].map(|role| named(role, ""));
        let edges = [
            (outer.clone(), shop.clone()),
            (inner.clone(), outer.clone()),
            (inner.clone(), other.clone()),
            (public, shop.clone()),
            (named("strange", ""), named("shop", "10.%")),
            (outer.clone(), inner.clone()), // no server has such a circle; it ends all the same
        ];
        let expected = [inner, outer, shop.clone(), other.clone()];
        assert_eq!(ordered(&[shop, other], &edges), expected);
        assert_eq!(expected[0].to_string(), "role inner");
    }
}
