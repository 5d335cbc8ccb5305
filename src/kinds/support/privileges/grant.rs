//! The statements that an account's privileges are given by. Pure.

use crate::kinds::{Condition, Need, Scope};

/// One `GRANT` statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What for, in words that follow "to".
    pub purpose: &'static str,
    /// What it gives; empty where nothing but that they may be passed on.
    pub privileges: Vec<&'static str>,
    /// Where.
    pub scope: Scope,
    /// Whether the account may pass its privileges on.
    pub passed_on: bool,
    /// When it is needed; `None` for always.
    pub only_if: Option<Condition>,
    /// What others give that this one stands for as well: an account that has it does without them.
    pub stands_for: Vec<&'static str>,
}

impl Grant {
    /// The statement for `account`, quoted, without a semicolon.
    #[must_use]
    pub fn statement(&self, account: &str) -> String {
        let what = if self.privileges.is_empty() { "USAGE".to_owned() } else { self.privileges.join(", ") };
        let option = if self.passed_on { " WITH GRANT OPTION" } else { "" };
        format!("GRANT {what} ON {} TO {account}{option}", self.scope)
    }
}

/// The fewest privileges that meet `needs`, which are of one server: each once, with the first purpose that wants it;
/// those that are not always needed come last.
#[must_use]
pub fn grants(needs: &[Need]) -> Vec<Grant> {
    let alone = needs.iter().filter(|need| need.any_of.len() == 1 && need.only_if.is_none());
    let certain = alone.filter(|need| need.scope == Scope::Everywhere).map(|need| need.any_of[0]).collect();
    let mut all = Grants { all: Vec::new(), certain };
    let of = |scoped: bool, conditional: bool| {
        needs
            .iter()
            .filter(move |need| (need.scope == Scope::Everywhere) != scoped && need.only_if.is_some() == conditional)
    };
    for need in of(false, false).chain(of(true, false)).chain(of(false, true)).chain(of(true, true)) {
        all.meet(need);
    }
    stand_for(&mut all.all, needs);
    all.all
}

/// Notes what a privilege that is not always needed makes superfluous where it is given.
fn stand_for(grants: &mut [Grant], needs: &[Need]) {
    let always: Vec<&'static str> =
        grants.iter().filter(|grant| grant.only_if.is_none()).flat_map(|grant| grant.privileges.clone()).collect();
    for grant in grants.iter_mut().filter(|grant| grant.only_if.is_some() && grant.scope == Scope::Everywhere) {
        let met = |need: &&Need| need.any_of.iter().skip(1).any(|other| grant.privileges.contains(other));
        let mut covered: Vec<&'static str> = needs.iter().filter(met).map(|need| need.any_of[0]).collect();
        covered.retain(|first| always.contains(first));
        // what also meets a need that this one does not is needed all the same
        covered.retain(|first| needs.iter().filter(|need| need.any_of.first() == Some(first)).all(|need| met(&need)));
        covered.sort_unstable();
        covered.dedup();
        grant.stands_for = covered;
    }
}

struct Grants {
    all: Vec<Grant>,
    /// Privileges on everything that nothing else can stand for: what they stand for themselves is not given besides.
    certain: Vec<&'static str>,
}

impl Grants {
    fn holds(&self, need: &Need, privilege: &str) -> bool {
        self.all.iter().any(|grant| {
            let there = grant.scope == need.scope || grant.scope == Scope::Everywhere;
            let then = grant.only_if.is_none() || grant.only_if == need.only_if;
            there && then && grant.privileges.contains(&privilege)
        })
    }

    fn meet(&mut self, need: &Need) {
        let is_certain = |privilege: &&str| need.any_of.len() > 1 && self.certain.contains(privilege);
        let held = need.any_of.iter().any(|privilege| self.holds(need, privilege) || is_certain(privilege));
        let may_pass_on = self.all.iter().any(|grant| grant.passed_on);
        if held && (!need.passed_on || may_pass_on) {
            return;
        }
        let privilege = need.any_of.first().copied().filter(|_| !held);
        let (purpose, scope, passed_on) = (need.purpose, need.scope, need.passed_on);
        let same = |grant: &&mut Grant| {
            (grant.purpose, grant.scope, &grant.only_if) == (purpose, scope, &need.only_if)
                && grant.passed_on == passed_on
        };
        if let Some(grant) = self.all.iter_mut().find(same) {
            grant.privileges.extend(privilege);
        } else {
            let (privileges, only_if) = (privilege.into_iter().collect(), need.only_if.clone());
            let stands_for = Vec::new();
            self.all.push(Grant { purpose, privileges, scope, passed_on, only_if, stands_for });
        }
    }
}
