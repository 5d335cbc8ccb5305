//! `cutover grants`

mod text;

use super::inputs;
use super::output::{self, Format};
use crate::error::exit;
use crate::kinds::Grant;
use crate::plan::accounts::{Account, PASSWORD, accounts};
use crate::plan::load::{self, Sources};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `grants`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Give every playbook that you intend to run, including the one for the way back: the accounts get the \
                        privileges for all of them."
)]
pub struct Args {
    /// The playbooks.
    #[arg(required = true)]
    playbooks: Vec<PathBuf>,
    /// The inventory.
    #[arg(short, long, value_name = "FILE")]
    inventory: PathBuf,
    /// An input; can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints the statements that create the runner's accounts with exactly the privileges that the steps of the playbooks
/// need. Contacts no server.
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

fn document(account: &Account) -> Value {
    let grant = |grant: &Grant| {
        json!({
            "purpose": grant.purpose,
            "privileges": grant.privileges,
            "on": grant.scope.to_string(),
            "with_grant_option": grant.passed_on,
            "only_if": grant.only_if.as_ref().map(ToString::to_string),
            "stands_for": grant.stands_for,
            "statement": grant.statement(&account.name),
        })
    };
    json!({
        "server": account.server,
        "product": account.product.to_string(),
        "account": account.name,
        "create": account.create(PASSWORD),
        "grants": account.grants.iter().map(grant).collect::<Vec<_>>(),
    })
}
