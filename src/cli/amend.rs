//! Corrections to a started run: how servers and hosts are reached and restarted, and steps that are left out.

use super::inputs;
use crate::cli::output;
use crate::effects::Identity;
use crate::error::{Failure, Result};
use crate::plan::Plan;
use crate::plan::correction::{Correction, corrected, corrections, moved};
use crate::plan::load::{self, Sources};
use crate::playbook::document::Document;
use crate::playbook::inventory::Inventory;
use crate::store::{Entry, Event};
use std::collections::BTreeMap;
use std::path::Path;

/// Differences from the plan that the run was started with.
#[derive(Debug, Default)]
pub struct Amendments {
    /// Corrections that are in the journal.
    earlier: Vec<Correction>,
    /// Corrections that are not in the journal yet.
    pub corrections: Vec<Correction>,
    /// The identities that the servers reported when the run was started.
    seen: BTreeMap<String, Identity>,
    /// Steps that are left out, each with the reason.
    pub left_out: Vec<(String, String)>,
}

impl Amendments {
    /// Identities that the servers with a corrected address must report.
    #[must_use]
    pub fn expected(&self, inventory: &Inventory) -> BTreeMap<String, Identity> {
        let made: Vec<Correction> = self.earlier.iter().chain(&self.corrections).cloned().collect();
        let moved = moved(inventory, &made).into_iter();
        moved.filter_map(|name| Some((name.to_owned(), self.seen.get(name)?.clone()))).collect()
    }
}

/// Puts the corrections that the journal holds into `plan`.
///
/// # Errors
/// When the journal is damaged.
pub fn earlier(plan: &mut Plan, entries: &[Entry]) -> Result<Amendments> {
    let mut amendments = Amendments::default();
    for entry in entries {
        match &entry.event {
            Event::InventoryCorrected { changes, .. } => amendments.earlier.extend(changes.iter().cloned()),
            Event::ServerSeen { server, identity } => {
                amendments.seen.insert(server.clone(), identity.clone());
            }
            _ => {}
        }
    }
    put(plan, &amendments.earlier)?;
    Ok(amendments)
}

/// Puts what the inventory in `file` corrects into `plan`, and shows it as a difference.
///
/// # Errors
/// `Refused` when it differs in more than how servers and hosts are reached and restarted.
pub fn now(plan: &mut Plan, file: &Path, sources: Option<&Sources>, amendments: &mut Amendments) -> Result<()> {
    let refused = |answer: String| {
        Failure::refused("correct the inventory of the run", answer)
            .now("nothing was changed")
            .help("only addresses, passwords, ssh, and start, restart and reload commands may be corrected, not what the run does")
    };
    let document = Document::open(file).map_err(|faults| {
        inputs::complain(vec![faults]);
        refused(format!("{} cannot be read", file.display()))
    })?;
    let new = load::inventory(&document).map_err(|faults| {
        inputs::complain(vec![faults]);
        refused(format!("{} is not a valid inventory", file.display()))
    })?;
    let learned = sources.map(|sources| sources.learned.clone()).unwrap_or_default();
    let made = corrections(&plan.world.inventory, new, &learned)
        .map_err(|fields| refused(format!("{} differs in {}", file.display(), fields.join(", "))))?;
    match made.as_slice() {
        [] => output::say(&format!("{} corrects nothing", file.display())),
        made => made.iter().for_each(|made| output::tell(&made.to_string())),
    }
    put(plan, &made)?;
    amendments.corrections = made;
    Ok(())
}

fn put(plan: &mut Plan, made: &[Correction]) -> Result<()> {
    plan.world.inventory = corrected(&plan.world.inventory, made).map_err(|why| {
        Failure::permanent("correct the inventory of the run", why)
            .help("the journal is damaged: `cutover state check`")
    })?;
    Ok(())
}
