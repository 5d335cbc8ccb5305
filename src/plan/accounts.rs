//! The runner's accounts: what the steps of some plans need on each server, as the statements that give it.

use super::Plan;
use crate::domain::product::Product;
use crate::kinds::{self, Grant, Need};
use crate::playbook::inventory::Server;

/// The account of one server, and what makes it.
#[derive(Debug, Clone)]
pub struct Account {
    /// The server's name in the inventory.
    pub server: String,
    /// What it is according to the inventory.
    pub product: Product,
    /// Quoted, as statements name it.
    pub name: String,
    /// What it is given, and when that is needed.
    pub grants: Vec<Grant>,
}

/// What stands in [`Account::create`] where people put the password.
pub const PASSWORD: &str = "<password>";

impl Account {
    /// The statement that makes it, with `password` as the text between its quotes.
    #[must_use]
    pub fn create(&self, password: &str) -> String {
        format!("CREATE USER {} IDENTIFIED BY '{password}'", self.name)
    }
}

/// One account for each server that a plan has needs on, in the order of their names. All plans have the same inventory.
#[must_use]
pub fn accounts(plans: &[Plan]) -> Vec<Account> {
    let needs: Vec<Need> = plans.iter().flat_map(Plan::needs).collect();
    let Some(world) = plans.first().map(|plan| &plan.world) else { return Vec::new() };
    let account = |(name, server): (&String, &Server)| {
        let here: Vec<Need> = needs.iter().filter(|need| need.server == *name).cloned().collect();
        let account = Account {
            server: name.clone(),
            product: server.product(),
            name: kinds::own_account(server),
            grants: kinds::grants(&here),
        };
        (!here.is_empty()).then_some(account)
    };
    world.inventory.servers.iter().filter_map(account).collect()
}
