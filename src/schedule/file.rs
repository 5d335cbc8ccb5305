//! The file of schedules, from YAML to data, with the position of every fault.

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

/// Playbooks that are rehearsed, planned or run at given times.
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

/// A playbook, and when it is rehearsed, planned or run. Paths are relative to the folder of this file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Schedule")]
struct Written {
    /// What to do with the playbook.
    action: Action,
    /// The playbook.
    #[schemars(extend("format" = "path"))]
    playbook: PathBuf,
    /// The inventory. Not for a rehearsal, which makes its own.
    #[schemars(extend("format" = "path"))]
    inventory: Option<PathBuf>,
    /// A YAML file with inputs.
    #[schemars(extend("format" = "path"))]
    inputs_file: Option<PathBuf>,
    /// Inputs by name; they override the file.
    #[serde(default)]
    inputs: Map<String, Value>,
    /// The sandbox of a rehearsal.
    #[serde(default)]
    sandbox: Sandbox,
    /// Due times: minute, hour, day of the month, month, day of the week, such as "30 2 * * Sun". With six fields, the first
    /// one is the second.
    #[schemars(extend("examples" = ["30 2 * * Sun"]))]
    cron: String,
    /// IANA time zone of `cron`, such as Europe/Oslo.
    #[schemars(extend("examples" = ["Europe/Oslo", "UTC"]))]
    time_zone: String,
    /// How long after its due time a start may still happen; a later start is refused, and the refusal is recorded. Without it
    /// only `catch_up` limits late starts.
    latest_start: Option<Span>,
    /// What to do with a start that is due while something prevents it: an earlier start of the same schedule or, for `run`,
    /// any run in the same state directory.
    #[serde(default)]
    overlap: Overlap,
    /// What to do with due times at which no scheduler was running.
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
    /// Run it in a sandbox, like `cutover rehearse`.
    Rehearse,
    /// Plan it, and check hosts and servers, like `cutover plan --live`.
    Plan,
    /// Run it, like `cutover run`.
    Run,
}

/// What to do with a start while something prevents it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// Skip it.
    #[default]
    Skip,
    /// Let it wait, at most until `latest_start`.
    Queue,
    /// Refuse it, as an error.
    Refuse,
}

/// What to do with due times at which no scheduler was running.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// Record them as missed. An absence of less than a minute does not count.
    #[default]
    None,
    /// Start the last of them, unless `latest_start` has passed.
    Last,
}

/// The sandbox of a rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// Rows of the application's database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// The old server: mariadb, mysql, or the path of a server program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The new server. Default: the same as the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// The rules for decisions about a start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// How long after its due time a start may still happen.
    pub latest_start: Option<Span>,
    /// While something prevents it.
    pub overlap: Overlap,
    /// When no scheduler was running.
    pub catch_up: CatchUp,
}

/// A schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// The files that it uses, by absolute paths.
    pub sources: Sources,
    /// The sandbox of a rehearsal.
    pub sandbox: Sandbox,
    /// When.
    pub timetable: Timetable,
    /// The rules when it is due.
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
    /// All its faults, with their positions.
    pub fn open(path: &Path) -> Result<Self, Faults> {
        let folder = folder_of(path);
        Self::read(&Document::open(path)?, &std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.into()))
    }

    /// The schedules in a document; paths in it are seen from `folder`.
    ///
    /// # Errors
    /// All its faults, with their positions.
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

/// An input as `--set` takes it: texts unchanged, everything else as JSON, which is YAML.
fn set(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    }
}

/// Faults that the schema cannot find.
fn meaning(root: &Node) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, schedule) in root.get("schedules").map_or(&[][..], Node::entries) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.text.is_empty() || !name.text.chars().all(plain) {
            let fault = Fault::new(name.span, format!("`{}` is not a valid name", name.text));
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
                faults.push(Fault::new(key.span, *why).label("not for this action").help("remove it"));
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
