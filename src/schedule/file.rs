//! The file of schedules, from YAML to data, with every fault at its place.

use super::timetable::{self, Expression, Timetable, Wrong};
use crate::domain::folder_of;
use crate::domain::units::Span;
use crate::plan::load::Sources;
use crate::playbook::document::Document;
use crate::playbook::fault::{Fault, Faults};
use crate::playbook::node::Node;
use crate::playbook::shape::{self, NoNames};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Playbooks that are rehearsed, planned or carried out at given times.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "cutover schedules")]
struct File {
    /// Version of this format.
    #[schemars(extend("const" = 1))]
    #[allow(dead_code, reason = "the shape has checked it")]
    version: u32,
    /// Schedules by name.
    schedules: BTreeMap<String, Written>,
}

/// A playbook, and when something is done with it. Paths are seen from the folder of this file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Schedule")]
struct Written {
    /// What is done with the playbook.
    action: Action,
    /// The playbook.
    #[schemars(extend("format" = "path"))]
    playbook: PathBuf,
    /// The inventory. A rehearsal makes its own.
    #[schemars(extend("format" = "path"))]
    inventory: Option<PathBuf>,
    /// A YAML file with inputs.
    #[schemars(extend("format" = "path"))]
    inputs_file: Option<PathBuf>,
    /// Inputs by name; these win over the file.
    #[serde(default)]
    inputs: Map<String, Value>,
    /// What a rehearsal is held on.
    #[serde(default)]
    sandbox: Sandbox,
    /// When: minute, hour, day of the month, month, day of the week, as "30 2 * * Sun". With six fields, the first one is for
    /// seconds.
    #[schemars(extend("examples" = ["30 2 * * Sun"]))]
    cron: String,
    /// Where that is meant, by the name of the IANA database.
    #[schemars(extend("examples" = ["Europe/Oslo", "UTC"]))]
    time_zone: String,
    /// How long after its due time a start may still happen; later it is refused, and that is recorded. Without it only
    /// `catch_up` says what is too late.
    latest_start: Option<Span>,
    /// What happens to a start that is due while something is in its way: an earlier start of the same schedule and, for
    /// `run`, any run of the same state directory.
    #[serde(default)]
    overlap: Overlap,
    /// What happens to due times at which no scheduler was there.
    #[serde(default)]
    catch_up: CatchUp,
}

/// What a schedule does with its playbook.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display, strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Action {
    /// Carry it out on a sandbox, as `cutover rehearse`.
    Rehearse,
    /// Plan it, and look at hosts and servers, as `cutover plan --live`.
    Plan,
    /// Carry it out, as `cutover run`.
    Run,
}

/// What happens to a start while something is in its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// It is left out.
    #[default]
    Skip,
    /// It waits, until `latest_start` at most.
    Queue,
    /// It is refused, which is an error.
    Refuse,
}

/// What happens to due times at which no scheduler was there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// They are recorded as missed. A scheduler that is back within a minute has not been away.
    #[default]
    None,
    /// The last of them is started, unless `latest_start` is over.
    Last,
}

/// What a rehearsal is held on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// Rows of the application's database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// The old server: mariadb, mysql, or the path of a server program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The new server; the same as the old one when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// What is decided about a start, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// How long after its due time a start may still happen.
    pub latest_start: Option<Span>,
    /// While something is in its way.
    pub overlap: Overlap,
    /// When no scheduler was there.
    pub catch_up: CatchUp,
}

/// A schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// What it does that with, by absolute paths.
    pub sources: Sources,
    /// What a rehearsal is held on.
    pub sandbox: Sandbox,
    /// When.
    pub timetable: Timetable,
    /// What is decided when it is due.
    pub rules: Rules,
}

/// All schedules of a file.
#[derive(Debug, Clone)]
pub struct Schedules {
    /// In the order of their names.
    pub all: Vec<Schedule>,
}

impl Schedules {
    /// Reads the file.
    ///
    /// # Errors
    /// All its faults, each at its place.
    pub fn open(path: &Path) -> Result<Self, Faults> {
        let folder = folder_of(path);
        Self::read(&Document::open(path)?, &std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.into()))
    }

    /// The schedules in a document; paths in it are seen from `folder`.
    ///
    /// # Errors
    /// All its faults, each at its place.
    pub fn read(document: &Document, folder: &Path) -> Result<Self, Faults> {
        let mut faults = shape::check(&document.root, &schema(), &NoNames, "the file of schedules");
        faults.extend(meaning(&document.root));
        if !faults.is_empty() {
            return Err(document.faults(faults));
        }
        let unusable =
            |error: String| document.faults(vec![Fault::whole(format!("cannot use the schedules: {error}"))]);
        let file: File =
            serde_json::from_value(document.root.to_json()).map_err(|error| unusable(error.to_string()))?;
        let all = file.schedules.into_iter().map(|(name, written)| written.schedule(name, folder));
        let all: Result<_, Wrong> = all.collect();
        Ok(Self { all: all.map_err(|wrong| unusable(wrong.message))? })
    }

    /// A schedule by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Schedule> {
        self.all.iter().find(|schedule| schedule.name == name)
    }
}

impl Written {
    fn schedule(self, name: String, folder: &Path) -> Result<Schedule, Wrong> {
        let there = |path: PathBuf| folder.join(path);
        let sources = Sources {
            playbook: there(self.playbook),
            inventory: self.inventory.map(there),
            inputs: self.inputs_file.map(there),
            set: self.inputs.iter().map(|(name, value)| set(name, value)).collect(),
            rehearsal: self.action == Action::Rehearse,
            ..Sources::default()
        };
        Ok(Schedule {
            name,
            action: self.action,
            sources,
            sandbox: self.sandbox,
            timetable: Timetable { expression: self.cron.parse()?, zone: timetable::zone(&self.time_zone)? },
            rules: Rules { latest_start: self.latest_start, overlap: self.overlap, catch_up: self.catch_up },
        })
    }
}

/// An input as `--set` takes it: texts as they are, everything else as JSON, which is YAML.
fn set(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    }
}

/// Faults that no schema knows.
fn meaning(root: &Node) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, schedule) in root.get("schedules").map_or(&[][..], Node::entries) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.text.is_empty() || !name.text.chars().all(plain) {
            let fault = Fault::new(name.span, format!("`{}` is not a plain name", name.text));
            faults.push(fault.help("use letters, digits, `_` and `-` only"));
        }
        let mut judge = |field: &str, judged: fn(&str) -> Option<Wrong>| {
            let Some(node) = schedule.get(field) else { return };
            if let Some(wrong) = node.as_str().and_then(judged) {
                faults.push(Fault::new(node.span, wrong.message).help(wrong.help));
            }
        };
        judge("cron", |text| text.parse::<Expression>().err());
        judge("time_zone", |text| timetable::zone(text).err());
        let action = schedule.get("action").and_then(Node::as_str).unwrap_or_default();
        let foreign: &[(&str, &str)] = match action {
            "rehearse" => &[
                ("inventory", "a rehearsal makes its own servers and its own inventory"),
                ("inputs_file", "a rehearsal takes its inputs from `inputs`"),
            ],
            "plan" | "run" => &[("sandbox", "only a rehearsal has a sandbox")],
            _ => &[],
        };
        for (field, why) in foreign {
            if let Some((key, _)) = schedule.entry(field) {
                faults.push(Fault::new(key.span, *why).label("not for this action").help("take it out"));
            }
        }
    }
    faults
}

/// The schema of the file.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(File).to_value()
}

/// Whether a text is a file of schedules rather than a playbook.
#[must_use]
pub fn is_schedules(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("schedules:"))
}
