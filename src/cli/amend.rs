//! What people have changed in the rest of a run since it was begun: how servers and hosts are reached and restarted.

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

/// What is different from the plan as it was begun.
#[derive(Debug, Default)]
pub struct Amendments {
    /// Corrections that the journal holds.
    earlier: Vec<Correction>,
    /// Corrections that it does not hold yet.
    pub corrections: Vec<Correction>,
    /// What the servers said they are when the run was begun.
    seen: BTreeMap<String, Identity>,
    /// Steps that are left out, each with the reason.
    pub left_out: Vec<(String, String)>,
}

impl Amendments {
    /// What servers must say they are that are reached another way now.
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
            .help("it may correct addresses, passwords, ssh, and commands that start, restart or reload; nothing that decides what is done")
    };
    let document = Document::open(file).map_err(|faults| {
        inputs::complain(vec![faults]);
        refused(format!("{} cannot be read", file.display()))
    })?;
    let new = load::inventory(&document).map_err(|faults| {
        inputs::complain(vec![faults]);
        refused(format!("{} is no valid inventory", file.display()))
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
