//! `set_variables`: changes variables of a running server and its configuration file; undo restores both.
//!
//! May know: the server's variables, its configuration file. Not what the values mean, but for those that a switch hangs on.

use crate::dialect::Dialect;
use crate::domain::marker;
use crate::domain::{Contents, Sql, Words};
use crate::error::{Failure, Result};
use crate::kinds::registry::{Output, OutputType};
use crate::kinds::role::{Role, SetsVariables};
use crate::kinds::support::config_file::ConfigFile;
use crate::kinds::support::config_place::{read_actions, require_read, require_writable, write_actions};
use crate::kinds::support::option_file;
use crate::kinds::support::server_state::{self, READ_LIMIT};
use crate::kinds::{Action, Complaint, Condition, Ctx, Finding, Need, Needs, Outputs, Probe, Reversibility, Step};
use crate::playbook::inventory::Server;
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What a step of this kind puts out.
pub const OUTPUTS: &[Output] = &[
    Output {
        name: "previous",
        kind: OutputType::Text,
        about: "the values before the change, one `name=value` per line",
    },
    Output {
        name: "now",
        kind: OutputType::Text,
        about: "the values that the server reports now, one `name=value` per line",
    },
];

/// Key of the memo: values before the change, by name.
const BEFORE: &str = "before";
/// What shuts out administrators on `MySQL`.
const ADMINISTRATORS: &str = "super_read_only";
/// What makes every commit durable, each at 1.
const DURABLE: [&str; 2] = ["innodb_flush_log_at_trx_commit", "sync_binlog"];

/// Sets global variables of a running server, in memory and, with `persist`, in its configuration file, and reads them
/// back. Undo restores both; the file byte for byte.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The old values are set again, and the file is restored byte for byte.",
    "examples" = [{ "server": "target", "persist": true, "variables": { "innodb_flush_log_at_trx_commit": 1, "sync_binlog": 1 } }]
))]
pub struct SetVariables {
    /// Server to change.
    #[schemars(extend("format" = "server"))]
    server: String,
    /// Values by variable name.
    variables: BTreeMap<String, Setting>,
    /// Whether to change the server's configuration file too, so that the values survive a restart.
    #[serde(default)]
    persist: bool,
}

/// A number, a text or a boolean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Setting {
    Switch(bool),
    Number(serde_json::Number),
    Text(String),
}

impl JsonSchema for Setting {
    fn schema_name() -> Cow<'static, str> {
        "Setting".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

impl Setting {
    /// As an option file writes it.
    fn text(&self) -> String {
        match self {
            Self::Switch(on) => if *on { "ON" } else { "OFF" }.to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl SetVariables {
    fn server<'a>(&self, world: &'a World) -> Result<&'a Server, Complaint> {
        let missing = || Complaint::new("server", format!("the inventory has no server `{}`", self.server));
        world.inventory.server(&self.server).ok_or_else(missing)
    }

    /// The server's file, where it is to be changed.
    fn file<'a>(&self, world: &'a World) -> Result<Option<ConfigFile<'a>>, Complaint> {
        let server = self.server(world)?;
        if !self.persist {
            return Ok(None);
        }
        let missing = || {
            let message = format!("server `{}` has no `config_file` in the inventory", self.server);
            Complaint::new("persist", message).help("state the path of its configuration file, or leave out `persist`")
        };
        let path = server.config_file.as_deref().ok_or_else(missing)?;
        Ok(Some(ConfigFile { host: &server.host, path }))
    }

    fn names(&self) -> Vec<String> {
        self.variables.keys().map(|name| name.to_ascii_lowercase()).collect()
    }

    fn wanted(&self) -> BTreeMap<String, String> {
        self.variables.iter().map(|(name, setting)| (name.to_ascii_lowercase(), setting.text())).collect()
    }

    fn statements(&self, dialect: Dialect) -> Vec<Sql> {
        self.wanted().iter().map(|(name, value)| set(dialect, name, value)).collect()
    }

    /// `text` with the values in it.
    fn changed(&self, text: &str) -> String {
        let mut wanted = self.wanted();
        // as the server does in memory: whoever opens it to everyone opens it to administrators too
        if self.opens() && option_file::effective(text).contains_key(ADMINISTRATORS) {
            wanted.entry(ADMINISTRATORS.to_owned()).or_insert_with(|| "OFF".to_owned());
        }
        option_file::set(text, wanted.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// Variables whose value in `mysqld-auto.cnf` would be in the way.
    fn persisted(&self) -> Vec<String> {
        let administrators = self.opens().then(|| ADMINISTRATORS.to_owned());
        self.names().into_iter().chain(administrators).collect()
    }

    /// Whether the server is opened to writes.
    fn opens(&self) -> bool {
        self.wanted().get("read_only").is_some_and(|value| Dialect::closed(value) == Some(false))
    }

    /// Whether every commit is durable with these values.
    fn is_durable(&self) -> bool {
        let wanted = self.wanted();
        DURABLE.iter().all(|name| wanted.get(*name).is_some_and(|value| value == "1"))
    }

    /// Whether the server is closed to writes with these values, or open; `None` if they set neither.
    fn closes(&self) -> Option<bool> {
        let wanted = self.wanted();
        let said = ["read_only", ADMINISTRATORS].into_iter().filter_map(|name| wanted.get(name));
        let is_on = |value: &String| ["1", "on", "true"].iter().any(|on| value.eq_ignore_ascii_case(on));
        said.map(is_on).reduce(|one, other| one || other)
    }

    fn complaints(&self) -> Vec<Complaint> {
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let mut complaints = Vec::new();
        if self.variables.is_empty() {
            complaints.push(Complaint::new("variables", "no variables are given").help("name at least one variable"));
        }
        for (name, setting) in &self.variables {
            if !is_name(name) {
                complaints.push(
                    Complaint::new(format!("variables.{name}"), format!("`{name}` is not the name of a variable"))
                        .help("use letters, digits and underscores, as in SHOW GLOBAL VARIABLES"),
                );
            }
            if setting.text().contains(['\n', '\r', '\0']) {
                complaints.push(Complaint::new(format!("variables.{name}"), "a value must be on one line"));
            }
        }
        complaints
    }

    /// What the server holds of `names`, and fails when it has no such variable.
    async fn current(&self, cx: &Ctx<'_>) -> Result<BTreeMap<String, String>> {
        let current = server_state::variables(cx, &self.server, &self.names()).await?;
        let unknown: Vec<_> = self.names().into_iter().filter(|name| !current.contains_key(name)).collect();
        if unknown.is_empty() {
            return Ok(current);
        }
        Err(Failure::refused("set variables", format!("the server has no variable {}", unknown.join(", ")))
            .at(&self.server)
            .now("nothing was touched")
            .help("SHOW GLOBAL VARIABLES lists the variables of this version"))
    }

    async fn set_all(&self, cx: &Ctx<'_>, statements: &[Sql]) -> Result<()> {
        let session = cx.fx.sql(&self.server).await?;
        for statement in statements {
            session.exec(statement, READ_LIMIT).await?;
        }
        Ok(())
    }

    /// The values that the server reports now; fails unless they are `wanted`.
    async fn verify(&self, cx: &Ctx<'_>, wanted: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
        let current = self.current(cx).await?;
        let wrong = differing(&current, wanted);
        if wrong.is_empty() {
            return Ok(current);
        }
        Err(Failure::permanent("set variables", wrong.join("; "))
            .at(&self.server)
            .help("the server rounds or limits this value: give the value that it accepts"))
    }

    fn outputs(cx: &Ctx<'_>, now: &BTreeMap<String, String>) -> Result<Outputs> {
        let lines = |values: &BTreeMap<String, String>| {
            values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
        };
        let previous = before(cx)?.unwrap_or_default(); // none: the values were right before the step came
        Ok(Outputs::from_iter([
            ("previous".to_owned(), lines(&previous).into()),
            ("now".to_owned(), lines(now).into()),
        ]))
    }
}

/// The statement for a variable by the name that the user has written, which [`SetVariables::complaints`] has looked at.
fn set(dialect: Dialect, name: &str, value: impl Into<Words>) -> Sql {
    dialect.set_variable(Sql::verbatim(name), value)
}

/// Values before the change; `None` when the step never came so far.
fn before(cx: &Ctx<'_>) -> Result<Option<BTreeMap<String, String>>> {
    cx.memo.read(BEFORE)
}

/// The statements for what is not so yet: to set a value takes a privilege, also where it is there.
fn setting(dialect: Dialect, current: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> Vec<Sql> {
    let actual = |name: &String| current.get(name).map_or("", String::as_str);
    let differ = wanted.iter().filter(|(name, value)| !option_file::same_value(value, actual(name)));
    differ.map(|(name, value)| set(dialect, name, value)).collect()
}

/// Where `current` is not as `wanted`, in words.
fn differing(current: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> Vec<String> {
    let actual = |name: &String| current.get(name).map_or("", String::as_str);
    wanted
        .iter()
        .filter(|(name, value)| !option_file::same_value(value, actual(name)))
        .map(|(name, value)| format!("{name} is {}, not {value}", actual(name)))
        .collect()
}

/// When setting a variable to `value` takes a privilege: what has the value is not set.
fn condition(name: &str, value: &str) -> Option<Condition> {
    let is_late = marker::find(value).next().is_some();
    match name {
        "event_scheduler" if is_late || option_file::same_value(value, "ON") => Some(Condition::EventsRun),
        _ if is_late || !Condition::VARIABLES.contains(&name) => None,
        _ => Some(Condition::Differs { variable: name.to_owned(), value: value.to_owned() }),
    }
}

fn faulty(complaint: Complaint) -> Failure {
    Failure::permanent("set variables", complaint.message)
}

fn no_file(file: &ConfigFile<'_>) -> Failure {
    Failure::refused(format!("change {}", file.path), "the file does not exist")
        .at(file.host)
        .help("correct `config_file` in the inventory, or render the file first")
}

#[async_trait]
impl Step for SetVariables {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        let (server, durable, closed) = (self.server.clone(), self.is_durable(), self.closes());
        vec![SetsVariables { server, durable, closed, kept: self.persist }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let mut complaints = self.complaints();
        let (server, file) = match (self.server(world), self.file(world)) {
            (Ok(server), Ok(file)) if complaints.is_empty() => (server, file),
            (server, file) => {
                complaints.extend(server.err().or(file.err()));
                return Err(complaints);
            }
        };
        let dialect = Dialect::from(server.product());
        let read = Action::sql(&self.server, dialect.show_variables(&self.names()));
        let mut actions = vec![read.clone()];
        actions.push(Action::note("those that have another value:"));
        actions.extend(self.statements(dialect).into_iter().map(|sql| Action::sql(&self.server, sql)));
        actions.push(read);
        if let Some(file) = file {
            let lines = self.wanted().iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>();
            let edit = format!("its content, with these lines set for the server: {}", lines.join(", "));
            let edit =
                if self.opens() { format!("{edit}; and {ADMINISTRATORS} = OFF if the file sets it") } else { edit };
            actions.extend(file.preview(&Contents::plain(Words::late(edit))));
        }
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let (Ok(server), Ok(file)) = (self.server(world), self.file(world)) else { return Vec::new() };
        let dialect = Dialect::from(server.product());
        let late = |name: &String| Words::late(format!("{name} before"));
        let mut actions: Vec<_> =
            self.names().iter().map(|name| Action::sql(&self.server, set(dialect, name, late(name)))).collect();
        actions.extend(file.iter().flat_map(ConfigFile::preview_undo));
        actions
    }

    fn settles(&self, _world: &World) -> Vec<String> {
        self.names().into_iter().map(|name| format!("{}.{name}", self.server)).collect()
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let Ok(server) = self.server(world) else { return Vec::new() };
        let dialect = Dialect::from(server.product());
        let overridden = self.persist.then(|| dialect.persisted_variables(&self.persisted())).flatten();
        let texts = [dialect.show_variables(&self.names())].into_iter().chain(overridden);
        let mut actions: Vec<Action> = texts.map(|text| Action::sql(&self.server, text)).collect();
        if let Ok(Some(file)) = self.file(world) {
            actions.extend(read_actions(&file));
            actions.extend(write_actions(file.host, file.path));
        }
        actions
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let Ok(server) = self.server(world) else { return Vec::new() };
        let dialect = Dialect::from(server.product());
        let set = |needs: Needs, (name, value): (&String, &String)| {
            let group = [dialect.sets_variable(name)];
            match condition(name, value) {
                Some(condition) => needs.only_if(&condition, group),
                None => needs.everywhere(group),
            }
        };
        let wanted = self.wanted();
        wanted.iter().fold(Needs::on(&self.server, "set variables of the server"), set).into()
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![format!(
            "that `{}` accepts these values while it runs: the step sets them and reads them back",
            self.server
        )]
    }

    async fn inspect(&self, cx: &Ctx<'_>, _settled: &BTreeSet<String>) -> Vec<Failure> {
        let mut failures = Vec::new();
        failures.extend(self.current(cx).await.err());
        let file = match self.file(cx.world) {
            Ok(Some(file)) => file,
            Ok(None) => return failures,
            Err(complaint) => return vec![faulty(complaint)],
        };
        failures.extend(require_read(cx, &file).await.err());
        failures.extend(require_writable(cx, file.host, file.path).await.err());
        failures.extend(self.overridden(cx).await.unwrap_or_else(Some));
        failures
    }

    async fn survey(&self, cx: &Ctx<'_>) -> Result<Vec<Finding>> {
        let current = server_state::variables(cx, &self.server, &self.names()).await?;
        let wanted = self.wanted().into_iter();
        let change = |(name, then): (String, String)| {
            let now = current.get(&name).cloned().unwrap_or_default();
            let server = self.server.clone();
            (!option_file::same_value(&then, &now)).then_some(Finding::Setting(crate::kinds::Setting {
                server,
                name,
                now,
                then,
            }))
        };
        Ok(wanted.filter_map(change).collect())
    }

    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        let current = server_state::variables(cx, &self.server, &self.names()).await?;
        if !differing(&current, &self.wanted()).is_empty() {
            return Ok(Probe::NotDone);
        }
        if let Some(file) = self.file(cx.world).map_err(faulty)? {
            let text = file.read(cx).await?.ok_or_else(|| no_file(&file))?;
            if self.changed(&text) != text {
                return Ok(Probe::NotDone);
            }
        }
        Ok(Probe::Done(Self::outputs(cx, &current)?))
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let dialect = Dialect::from(self.server(cx.world).map_err(faulty)?.product());
        let file = self.file(cx.world).map_err(faulty)?;
        let text = match &file {
            Some(file) => Some(file.read(cx).await?.ok_or_else(|| no_file(file))?),
            None => None,
        };
        let current = self.current(cx).await?;
        cx.memo.keep(BEFORE, current.clone()).await?;
        self.set_all(cx, &setting(dialect, &current, &self.wanted())).await?;
        let now = self.verify(cx, &self.wanted()).await?;
        if let (Some(file), Some(text)) = (file, text) {
            let changed = self.changed(&text);
            if changed != text {
                file.replace(cx, &Contents::plain(changed), None).await?;
            }
        }
        Self::outputs(cx, &now)
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let before = before(cx)?;
        ConfigFile::backup(cx)?; // a damaged note must stop the undo before it touches anything
        let dialect = Dialect::from(self.server(cx.world).map_err(faulty)?.product());
        if let Some(file) = self.file(cx.world).map_err(faulty)? {
            file.restore(cx).await?;
        }
        let Some(before) = before else { return Ok(()) };
        let statements = setting(dialect, &self.current(cx).await?, &before);
        self.set_all(cx, &statements).await?;
        self.verify(cx, &before).await.map(drop)
    }
}

impl SetVariables {
    /// A failure where `mysqld-auto.cnf` would override what is written into the configuration file.
    async fn overridden(&self, cx: &Ctx<'_>) -> Result<Option<Failure>> {
        let (_, dialect) = server_state::known(cx, &self.server)?;
        let Some(ask) = dialect.persisted_variables(&self.persisted()) else { return Ok(None) };
        let rows = cx.fx.sql(&self.server).await?.query(&ask, READ_LIMIT).await?;
        let names: Vec<_> = rows.iter().filter_map(|row| row.get("name").map(Value::from)).collect();
        let Some(first) = names.first().and_then(Value::as_str) else { return Ok(None) };
        Ok(Some(
            Failure::refused("keep variables in the configuration file", format!("mysqld-auto.cnf overrides {first}"))
                .at(&self.server)
                .now("nothing was touched")
                .help(format!("run RESET PERSIST {first}, and set the value in the configuration file")),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::SetVariables;
    use serde_json::{Value, json};

    fn step(variables: &Value) -> SetVariables {
        serde_json::from_value(json!({ "server": "a", "variables": variables })).unwrap()
    }

    #[test]
    fn what_its_values_mean_for_a_switch() {
        let closes = |variables| step(&variables).closes();
        assert_eq!(closes(json!({ "read_only": true })), Some(true));
        assert_eq!(closes(json!({ "READ_ONLY": "off" })), Some(false));
        // the server is closed by either
        assert_eq!(closes(json!({ "read_only": 1, "super_read_only": false })), Some(true));
        assert_eq!(closes(json!({ "sync_binlog": 1 })), None);
        let durable = json!({ "innodb_flush_log_at_trx_commit": "1", "sync_binlog": 1 });
        assert!(step(&durable).is_durable());
        assert!(!step(&json!({ "innodb_flush_log_at_trx_commit": 2, "sync_binlog": 1 })).is_durable());
    }
}
