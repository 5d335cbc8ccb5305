//! `cutover grants`

mod text;

use super::inputs;
use super::output::{self, Format};
use crate::domain::product::Product;
use crate::error::exit;
use crate::kinds::{self, Grant, Need};
use crate::plan::Plan;
use crate::plan::load::{self, Sources};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `grants`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Name every playbook that you mean to run, the one for the way back too: the accounts get what all of \
                        them take."
)]
pub struct Args {
    /// The playbooks.
    #[arg(required = true)]
    playbooks: Vec<PathBuf>,
    /// The inventory.
    #[arg(short, long, value_name = "FILE")]
    inventory: PathBuf,
    /// An input; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The account of one server, and what makes it.
struct Account {
    server: String,
    product: Product,
    /// Quoted, as statements name it.
    name: String,
    grants: Vec<Grant>,
}

/// What stands where the password belongs.
const PASSWORD: &str = "<password>";

/// Prints the statements that make the runner's accounts with the privileges that the steps of the playbooks need, and no
/// more. Asks no server.
pub fn run(args: &Args) -> u8 {
    let mut plans = Vec::new();
    for playbook in &args.playbooks {
        let (playbook, inventory) = (playbook.clone(), Some(args.inventory.clone()));
        match load::plan(&Sources { playbook, inventory, set: args.set.clone(), ..Sources::default() }) {
            Ok(plan) => plans.push(plan),
            Err(reports) => {
                inputs::complain(reports);
                return exit::INVALID;
            }
        }
    }
    let accounts = accounts(&plans);
    match args.format {
        Format::Text => output::text(&accounts.iter().map(text::of).collect::<Vec<_>>().join("\n")),
        Format::Json => output::json(&json!({ "servers": accounts.iter().map(document).collect::<Vec<_>>() })),
    }
    exit::DONE
}

/// One account for each server that a plan has needs on, in the order of their names.
fn accounts(plans: &[Plan]) -> Vec<Account> {
    let needs: Vec<Need> = plans.iter().flat_map(Plan::needs).collect();
    let Some(world) = plans.first().map(|plan| &plan.world) else { return Vec::new() };
    let servers = world.inventory.servers.iter();
    let account = |(name, server): (&String, &crate::playbook::inventory::Server)| {
        let here: Vec<Need> = needs.iter().filter(|need| need.server == *name).cloned().collect();
        let account = Account {
            server: name.clone(),
            product: server.product(),
            name: kinds::own_account(server),
            grants: kinds::grants(&here),
        };
        (!here.is_empty()).then_some(account)
    };
    servers.filter_map(account).collect()
}

fn create(account: &Account) -> String {
    format!("CREATE USER {} IDENTIFIED BY '{PASSWORD}'", account.name)
}

fn document(account: &Account) -> Value {
    let grant = |grant: &Grant| {
        json!({
            "purpose": grant.purpose,
            "privileges": grant.privileges,
            "on": grant.scope.to_string(),
            "with_grant_option": grant.passed_on,
            "only_if": grant.only_if.as_ref().map(ToString::to_string),
            "statement": grant.statement(&account.name),
        })
    };
    json!({
        "server": account.server,
        "product": account.product.to_string(),
        "account": account.name,
        "create": create(account),
        "grants": account.grants.iter().map(grant).collect::<Vec<_>>(),
    })
}
