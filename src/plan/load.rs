//! From paths to a plan: the only place of the planner that opens files, and only those that are named.

use super::gaps::Gaps;
use super::{Plan, build, cover, inputs, passed_variables, practice, regions};
use crate::domain::folder_of;
use crate::playbook::document::Document;
use crate::playbook::fault::{Fault, Faults};
use crate::playbook::file;
use crate::playbook::inventory::Inventory;
use crate::playbook::learned::Learned;
use crate::playbook::model::Playbook;
use crate::playbook::node::{Node, Value as Tree};
use crate::playbook::shape::{self, Names};
use crate::playbook::suggest;
use crate::playbook::template::Templates;
use crate::playbook::world::World;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Templates that come with the program; one of the same name beside the playbook takes their place.
const SHIPPED: [(&str, &str); 2] = [
    ("my.cnf.j2", include_str!("../../templates/my.cnf.j2")),
    ("app.env.j2", include_str!("../../templates/app.env.j2")),
];

/// What a plan is made from. A run remembers it, so that a later process can make the plan again and compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sources {
    /// The playbook file.
    pub playbook: PathBuf,
    /// The inventory file; may be left out where no step names a host or server.
    pub inventory: Option<PathBuf>,
    /// A YAML file with inputs.
    pub inputs: Option<PathBuf>,
    /// Inputs as `NAME=VALUE`; these win.
    pub set: Vec<String>,
    /// Whether inputs take their `rehearsal` value before their default.
    pub rehearsal: bool,
    /// Whether a rehearsal waits for windows as a run does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub windows: bool,
    /// What was found out where the inventory states nothing.
    #[serde(default, skip_serializing_if = "Learned::is_empty")]
    pub learned: Learned,
}

impl Sources {
    /// The same as seen from any folder. `None` when a path is no text, and so cannot be written down.
    #[must_use]
    pub fn absolute(&self) -> Option<Self> {
        let whole = |path: &PathBuf| std::path::absolute(path).ok().filter(|path| path.to_str().is_some());
        let other = |path: &Option<PathBuf>| path.as_ref().map_or(Some(None), |path| whole(path).map(Some));
        Some(Self {
            playbook: whole(&self.playbook)?,
            inventory: other(&self.inventory)?,
            inputs: other(&self.inputs)?,
            ..self.clone()
        })
    }
}

/// A plan with the documents it was made from, for those who judge what is written rather than what is done.
#[derive(Debug)]
pub struct Reading {
    /// The playbook's text and tree.
    pub document: Document,
    /// The inventory's, if there is one.
    pub inventory: Option<Document>,
    /// The playbook taken apart.
    pub playbook: Playbook,
    /// The plan of both.
    pub plan: Plan,
}

/// Makes the plan.
///
/// # Errors
/// All faults of all files, one report a file.
pub fn plan(sources: &Sources) -> Result<Plan, Vec<Faults>> {
    read(sources).map(|reading| reading.plan)
}

/// Makes the plan, and keeps what it was made from.
///
/// # Errors
/// All faults of all files, one report a file.
pub fn read(sources: &Sources) -> Result<Reading, Vec<Faults>> {
    let document = Document::open(&sources.playbook).map_err(|faults| vec![faults])?;
    let folder = folder_of(&sources.playbook);
    let file = sources.inventory.as_deref().map(Document::open);
    let inventory = file.as_ref().and_then(|file| file.as_ref().ok()).cloned();
    let (plan, playbook) = made(&document, file, Some(folder), sources)?;
    Ok(Reading { document, inventory, playbook, plan })
}

/// Makes the plan of a playbook at hand, for the inventory and the inputs of `sources`. The only templates are those that
/// come with the program.
///
/// # Errors
/// All faults of all files, one report a file.
pub fn plan_of(playbook: &str, sources: &Sources) -> Result<Plan, Vec<Faults>> {
    let document = Document::parse("playbook", playbook).map_err(|faults| vec![faults])?;
    made(&document, sources.inventory.as_deref().map(Document::open), None, sources).map(|(plan, _)| plan)
}

/// Makes the plan of texts at hand. Opens no file: the only templates are those that come with the program.
///
/// # Errors
/// All faults of both, one report each.
pub fn plan_of_texts(playbook: &str, inventory: Option<&str>) -> Result<Plan, Vec<Faults>> {
    let document = Document::parse("playbook", playbook).map_err(|faults| vec![faults])?;
    let inventory = inventory.map(|text| Document::parse("inventory", text));
    made(&document, inventory, None, &Sources::default()).map(|(plan, _)| plan)
}

/// The plan of `document`; templates are looked for around `folder`, if there is one.
fn made(
    document: &Document,
    inventory_file: Option<Result<Document, Faults>>,
    folder: Option<&Path>,
    sources: &Sources,
) -> Result<(Plan, Playbook), Vec<Faults>> {
    let mut reports = Vec::new();
    let (mut playbook, mut faults) = file::read(document);
    if sources.rehearsal {
        practice::ease(&mut playbook, sources.windows);
    }
    let steps = playbook.unread.iter().cloned().collect();
    let mut gaps = Gaps { steps, no_inventory: inventory_file.is_none(), ..Gaps::default() };
    gaps.webhooks = sources.rehearsal;
    let mut world = World::default();
    let mut written = None;
    match inventory_file.map(|file| file.and_then(|document| Ok((inventory(&document)?, document)))) {
        None => {}
        Some(Ok((inventory, document))) => {
            world.inventory = sources.learned.complete(inventory);
            written = Some(document);
        }
        Some(Err(faults)) => {
            gaps.inventory = true;
            reports.push(faults);
        }
    }
    world.templates = templates(folder, &world.inventory, document, &mut faults);
    keep_used_templates(&mut world, document);
    let found = inputs::values(document, &playbook, sources);
    faults.extend(found.faults);
    reports.extend(found.report);
    gaps.inputs = found.gaps;
    match build::plan(document, &playbook, faults, world, found.values, &gaps) {
        Ok(plan) if reports.is_empty() => match written.map(|written| (against_policy(&plan, &written), written)) {
            Some((faults, written)) if !faults.is_empty() => Err(vec![written.faults(faults)]),
            _ => Ok((plan, playbook)),
        },
        Ok(_) => Err(reports),
        Err(faults) => {
            reports.push(faults);
            Err(reports)
        }
    }
}

/// What the company's policy refuses of a plan.
fn against_policy(plan: &Plan, written: &Document) -> Vec<Fault> {
    regions::faults(plan, written).into_iter().chain(cover::faults(plan, written)).collect()
}

struct HostNames<'a>(Vec<&'a str>);

impl Names for HostNames<'_> {
    fn unknown(&self, format: &str, text: &str) -> Option<(String, String)> {
        // what resembles a known host is a slip, not a name of its own
        let unknown = match format {
            "host" => !self.0.contains(&text),
            "host-or-ssh-name" => !self.0.contains(&text) && suggest::nearest(text, self.0.clone()).is_some(),
            _ => false,
        };
        unknown.then(|| (format!("there is no host `{text}` in this inventory"), suggest::help(text, self.0.clone())))
    }
    fn fits(&self, _: &str, _: &Value) -> Result<(), (String, String)> {
        Ok(())
    }
}

/// The inventory in a document.
///
/// # Errors
/// All its faults.
pub fn inventory(document: &Document) -> Result<Inventory, Faults> {
    let root = match &document.root.value {
        Tree::Map(_) => document.root.clone(),
        Tree::Null => Node { value: Tree::Map(Vec::new()), span: document.root.span },
        _ => {
            let what = format!("an inventory is a mapping, but this is {}", document.root.describe());
            let fault = Fault::new(document.root.span, what).help("it holds `hosts:`, `servers:` and `applications:`");
            return Err(document.faults(vec![fault]));
        }
    };
    // `local: {}` may also be written `local:`
    let root = with_empty_hosts(root);
    let hosts =
        HostNames(root.get("hosts").map_or(&[][..], Node::entries).iter().map(|(k, _)| k.text.as_str()).collect());
    let faults = shape::check(&root, &super::schema::inventory(), &hosts, "the inventory");
    if !faults.is_empty() {
        return Err(document.faults(faults));
    }
    let mut inventory: Inventory = serde_json::from_value(root.to_json())
        .map_err(|error| document.faults(vec![Fault::whole(format!("this inventory cannot be used: {error}"))]))?;
    let faults = passed_variables::faults(&inventory, document);
    if !faults.is_empty() {
        return Err(document.faults(faults));
    }
    inventory.add_application_hosts();
    Ok(inventory)
}

fn with_empty_hosts(mut root: Node) -> Node {
    if let Tree::Map(entries) = &mut root.value {
        for (_, hosts) in entries.iter_mut().filter(|(key, _)| key.text == "hosts") {
            if let Tree::Map(hosts) = &mut hosts.value {
                for (_, host) in hosts.iter_mut().filter(|(_, host)| host.value == Tree::Null) {
                    host.value = Tree::Map(Vec::new());
                }
            }
        }
    }
    root
}

/// Templates in the folders `templates` in the playbook's folder and beside it, and the shipped ones.
fn templates(folder: Option<&Path>, inventory: &Inventory, document: &Document, faults: &mut Vec<Fault>) -> Templates {
    let mut templates = Templates(SHIPPED.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect());
    for around in folder.map(|folder| [folder.join(".."), folder.to_owned()]).into_iter().flatten() {
        let folder = around.join("templates");
        let (Ok(canonical), Ok(around)) = (folder.canonicalize(), around.canonicalize()) else { continue };
        if !canonical.starts_with(&around) {
            let (link, to, out_of) = (folder.display(), canonical.display(), around.display());
            let fault = Fault::whole(format!("{link} is a link to {to}, outside {out_of}"));
            faults.push(fault.help("replace the link with a copy of the folder, so that reviewers see its files"));
            continue;
        }
        for path in std::fs::read_dir(&canonical).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path())
        {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let is_template = path.extension().is_some_and(|extension| extension == "j2");
            if !is_template
                || !is_named(name, inventory, document) && !SHIPPED.iter().any(|(shipped, _)| *shipped == name)
            {
                continue; // only files that are named are opened
            }
            if path.canonicalize().is_ok_and(|real| !real.starts_with(&canonical)) {
                let message = format!("the template {} is a link to a file outside its folder", path.display());
                faults.push(Fault::whole(message).help("copy the file into the folder"));
                continue;
            }
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    templates.0.insert(name.to_owned(), text);
                }
                Err(error) => {
                    faults.push(Fault::whole(format!("cannot read the template {}: {error}", path.display())));
                }
            }
        }
    }
    templates
}

/// Drops the templates that neither playbook nor inventory can use: what a plan holds is part of its hash.
fn keep_used_templates(world: &mut World, document: &Document) {
    let inventory = &world.inventory;
    world.templates.0.retain(|name, _| is_named(name, inventory, document));
}

/// Whether the playbook, or an application of the inventory, names this template.
fn is_named(name: &str, inventory: &Inventory, document: &Document) -> bool {
    let configs = inventory.applications.values().filter_map(|application| application.config.as_ref());
    document.text.contains(name) || configs.into_iter().any(|config| config.template == name)
}
