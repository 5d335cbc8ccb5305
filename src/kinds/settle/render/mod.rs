//! `render`: a configuration file from a template, with backup, check and restart.
//!
//! May know: inventory, templates, hosts, the server's variables. Not what the file is for.

mod check;
mod context;
mod diff;
mod obstacles;

use crate::dialect::Dialect;
use crate::domain::Contents;
use crate::domain::marker;
use crate::effects::facts;
use crate::error::{Failure, Result};
use crate::kinds::registry::{Output, OutputType};
use crate::kinds::role::{Role, WritesConfiguration};
use crate::kinds::support::config_file::ConfigFile;
use crate::kinds::support::config_place::{read_actions, require_read, require_writable, write_actions};
use crate::kinds::support::option_file::effective;
use crate::kinds::support::server_command;
use crate::kinds::support::server_state::{self, Difference};
use crate::kinds::{Action, Complaint, Ctx, FileChange, Finding, Outputs, Probe, Reversibility, Step};
use crate::playbook::inventory::Server;
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What a step of this kind puts out.
pub const OUTPUTS: &[Output] = &[
    Output { name: "path", kind: OutputType::Text, about: "path of the file" },
    Output {
        name: "backup",
        kind: OutputType::Text,
        about: "path of the backup of the old file; empty if nothing changed",
    },
    Output { name: "changed", kind: OutputType::Boolean, about: "whether anything was changed" },
];

/// Key of the memo: how far the restart has come.
const RESTART: &str = "restart";

/// How far the restart has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Restart {
    /// The file is about to be written.
    Due,
    /// The server runs with it.
    Done,
    /// The server runs with the old file again.
    Undone,
}

/// Writes a configuration file from a template: a server's own, or any other file on a host. The old file is kept
/// beside it; undo restores it byte for byte and restarts the server with it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The old file is restored byte for byte; a file that did not exist before is removed. With `restart`, \
                the server is restarted.",
    "examples" = [{ "template": "my.cnf.j2", "server": "target", "profile": "import", "restart": true }]
))]
pub struct Render {
    /// Template to render.
    #[schemars(extend("format" = "template"))]
    template: String,
    /// Server whose `config_file` it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "server"))]
    server: Option<String>,
    /// Purpose that the server is configured for.
    #[serde(default)]
    profile: Profile,
    /// Host, for a file that does not belong to a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "host"))]
    host: Option<String>,
    /// Path on that host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Further values for the template, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    values: Map<String, Value>,
    /// Permission bits such as "0640". Default: those of the existing file, or 0644.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    /// Whether to restart the server, and to check that it runs with these values.
    #[serde(default)]
    restart: bool,
    /// Whether the server program on the host, if it is installed, must accept the file before it is written.
    #[serde(default = "yes")]
    validate: bool,
}

/// What a server is configured for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Loading a dump and catching up: fast, read-only, no events.
    Import,
    /// Serving the application: every commit durable.
    #[default]
    Production,
}

fn yes() -> bool {
    true
}

/// The file to be written, and the server it belongs to.
struct Target<'a> {
    file: ConfigFile<'a>,
    server: Option<(&'a str, &'a Server)>,
}

impl Target<'_> {
    fn dialect(&self) -> Option<Dialect> {
        self.server.map(|(_, server)| Dialect::from(server.product()))
    }
}

impl Render {
    fn target<'a>(&'a self, world: &'a World) -> Result<Target<'a>, Vec<Complaint>> {
        let one = |field: &str, message: String, help: &str| Err(vec![Complaint::new(field, message).help(help)]);
        match (self.server.as_deref(), self.host.as_deref(), self.path.as_deref()) {
            (Some(name), None, None) => {
                let Some(server) = world.inventory.server(name) else {
                    return one(
                        "server",
                        format!("the inventory has no server `{name}`"),
                        "name a server of the inventory",
                    );
                };
                let Some(path) = server.config_file.as_deref() else {
                    let message = format!("server `{name}` has no `config_file` in the inventory");
                    return one("server", message, "state the path of its configuration file");
                };
                if self.restart && server.restart.is_empty() {
                    let message = format!("server `{name}` has no `restart` command in the inventory");
                    return one("restart", message, "such as `restart: [systemctl, restart, mariadb]`");
                }
                Ok(Target { file: ConfigFile { host: &server.host, path }, server: Some((name, server)) })
            }
            (None, Some(host), Some(path)) => {
                if self.restart {
                    return one(
                        "restart",
                        "only a server can be restarted".into(),
                        "use `server`, or a `command` step",
                    );
                }
                Ok(Target { file: ConfigFile { host, path }, server: None })
            }
            _ => one(
                "",
                "give either `server`, or `host` and `path`".into(),
                "the path of a server's file comes from the inventory",
            ),
        }
    }

    /// The whole file; sizes of a machine that is not known yet are markers.
    fn text(&self, world: &World, target: &Target<'_>) -> Result<String, Vec<Complaint>> {
        let mut context = match target.server {
            Some((name, server)) => context::for_server(world, name, server, self.profile)?,
            None => json!({ "host": { "name": target.file.host } }),
        };
        if let Some(context) = context.as_object_mut() {
            context.extend(self.values.clone());
        }
        world.templates.render(&self.template, context).map_err(|fault| {
            let line = fault.line.map(|line| format!(", line {line}")).unwrap_or_default();
            vec![Complaint::new("template", format!("{}{line}: {}", self.template, fault.message))]
        })
    }

    fn mode(&self) -> Result<Option<u32>, Vec<Complaint>> {
        let Some(text) = &self.mode else { return Ok(None) };
        match u32::from_str_radix(text, 8) {
            Ok(mode) if mode <= 0o7777 => Ok(Some(mode)),
            _ => {
                Err(vec![Complaint::new("mode", format!("`{text}` are not permission bits")).help("such as \"0640\"")])
            }
        }
    }

    /// Target and complete text, with sizes asked from the host where they are not known.
    async fn resolved<'a>(&'a self, cx: &'a Ctx<'_>) -> Result<(Target<'a>, String)> {
        let target = self.target(cx.world).map_err(refused)?;
        let mut text = self.text(cx.world, &target).map_err(refused)?;
        if context::needs_facts(&text) {
            let host = cx.fx.host(target.file.host).await?;
            text = context::fill(&text, target.file.host, facts::facts(&host).await?);
        }
        if let Some((_, inside)) = marker::find(&text).next() {
            let answer = format!("`{inside}` has no value");
            return Err(Failure::permanent(format!("render {}", self.template), answer).at(target.file.host));
        }
        Ok((target, text))
    }

    /// Values with which the server runs that differ from the file.
    async fn compare(&self, cx: &Ctx<'_>, name: &str, text: &str) -> Result<Vec<Difference>> {
        let wanted = effective(text);
        let names: Vec<_> = wanted.keys().collect();
        let actual = server_state::variables(cx, name, &names).await?;
        Ok(server_state::differences(&wanted, &actual))
    }

    /// Restarts the server and checks its values. What the template sets must be so; the server may round what the
    /// inventory adds, so a difference there is only reported.
    async fn restart(&self, cx: &Ctx<'_>, name: &str, server: &Server, text: &str) -> Result<()> {
        server_state::restart(cx, name).await?;
        let added = |d: &Difference| server.settings.keys().any(|key| key.replace('-', "_") == d.name);
        let (told, wrong): (Vec<_>, Vec<_>) = self.compare(cx, name, text).await?.into_iter().partition(added);
        for difference in told {
            cx.progress.note(format!("after the restart, {name} has another value: {difference}"));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let words = wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Err(Failure::permanent("restart the server with its new configuration", words)
            .at(name)
            .now("the server runs, with other values than in its file")
            .help("another file or the command line of the server may override this one"))
    }

    fn outputs(cx: &Ctx<'_>, target: &Target<'_>) -> Result<Outputs> {
        let backup = ConfigFile::backup(cx)?;
        Ok(Outputs::from_iter([
            ("path".to_owned(), target.file.path.into()),
            ("changed".to_owned(), backup.is_some().into()),
            ("backup".to_owned(), backup.unwrap_or_default().into()),
        ]))
    }
}

fn refused(complaints: Vec<Complaint>) -> Failure {
    let words = complaints.into_iter().map(|complaint| complaint.message).collect::<Vec<_>>().join("; ");
    Failure::permanent("render a file", words)
}

#[async_trait]
impl Step for Render {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        let for_import = self.profile == Profile::Import;
        let of = |server: &String| WritesConfiguration { server: server.clone(), for_import, restarts: self.restart };
        self.server.iter().map(|server| of(server).into()).collect()
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        self.mode()?;
        let target = self.target(world)?;
        let text = self.text(world, &target)?;
        let content = Contents::plain(&text);
        let host = target.file.host;
        let mut actions = Vec::new();
        if context::needs_facts(&text) {
            actions.push(Action::look(host, facts::COMMAND));
        }
        if let Some(dialect) = target.dialect().filter(|_| self.validate) {
            actions.push(Action::command_with(host, check::command(dialect), &content));
        }
        if target.server.is_some() {
            actions.extend(read_actions(&target.file));
        }
        actions.extend(target.file.preview(&content));
        if let (Some((name, server)), true) = (target.server, self.restart) {
            actions.extend(server_command::restart_actions(server));
            actions.extend(read_back(name, server, &text));
        }
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let Ok(target) = self.target(world) else { return Vec::new() };
        let mut actions = target.file.preview_undo();
        if let (Some((name, server)), true) = (target.server, self.restart) {
            actions.extend(server_command::restart_actions(server));
            actions.push(Action::sql(name, Dialect::from(server.product()).version()));
        }
        actions
    }

    fn settles(&self, world: &World) -> Vec<String> {
        let Ok(target) = self.target(world) else { return Vec::new() };
        let (Some((name, _)), true, Ok(text)) = (target.server, self.restart, self.text(world, &target)) else {
            return Vec::new();
        };
        effective(&text).keys().map(|variable| format!("{name}.{variable}")).collect()
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let Ok(target) = self.target(world) else { return Vec::new() };
        let mut actions = Vec::new();
        if self.text(world, &target).is_ok_and(|text| context::needs_facts(&text)) {
            actions.push(Action::look(target.file.host, facts::COMMAND));
        }
        actions.extend(write_actions(target.file.host, target.file.path));
        let Some((name, server)) = target.server else { return actions };
        actions.extend(read_actions(&target.file));
        let own = Dialect::from(server.product()).show_variables(&["server_id"]);
        actions.push(Action::sql(name, own));
        actions.extend(obstacles::questions(world, name));
        if self.restart {
            actions.extend(server_command::questions(server, true));
        }
        actions
    }

    fn unproved(&self, world: &World) -> Vec<String> {
        let Ok(target) = self.target(world) else { return Vec::new() };
        let mut unproved = vec![format!("the present content of {}, and so what will change in it", target.file.path)];
        if self.text(world, &target).is_ok_and(|text| context::needs_facts(&text)) {
            unproved.push(format!(
                "the sizes in the file: they depend on memory and processors of {}, which are read then",
                target.file.host
            ));
        }
        if let (Some((name, _)), true) = (target.server, self.restart) {
            unproved.push(format!("that `{name}` starts again with these values"));
        }
        unproved
    }

    async fn inspect(&self, cx: &Ctx<'_>, settled: &BTreeSet<String>) -> Vec<Failure> {
        let (target, text) = match self.resolved(cx).await {
            Ok(resolved) => resolved,
            Err(failure) => return vec![failure],
        };
        let mut failures = Vec::new();
        failures.extend(require_writable(cx, target.file.host, target.file.path).await.err());
        if let Some((name, server)) = target.server {
            if failures.is_empty() {
                failures.extend(require_read(cx, &target.file).await.err());
            }
            if self.restart {
                failures
                    .extend(server_command::faults(cx, name, server, true).await.unwrap_or_else(|fault| vec![fault]));
            }
            failures.extend(server_state::variables(cx, name, &["server_id"]).await.err());
            failures.extend(obstacles::same_server_id(cx, settled, name, &text).await);
        }
        failures
    }

    async fn survey(&self, cx: &Ctx<'_>) -> Result<Vec<Finding>> {
        let (target, text) = self.resolved(cx).await?;
        let there = target.file.read(cx).await?;
        let (host, path) = (target.file.host.to_owned(), target.file.path.to_owned());
        let diff = diff::unified(&path, there.as_deref().unwrap_or_default(), &text);
        let digest = there.map(|text| blake3::hash(text.as_bytes()).to_hex().to_string());
        Ok(vec![Finding::File(FileChange { host, path, digest, diff })])
    }

    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        let (target, text) = self.resolved(cx).await?;
        let there = target.file.read(cx).await?;
        if !cx.outputs.is_empty() && there.is_some() {
            // it had succeeded; a later step may have changed a line of the file since, which is that step's business
            return Ok(Probe::Done(cx.outputs.clone()));
        }
        if there.as_deref() != Some(&text) || cx.memo.read(RESTART)? == Some(Restart::Due) {
            return Ok(Probe::NotDone);
        }
        if let (Some((name, _)), true) = (target.server, self.restart)
            && !self.compare(cx, name, &text).await?.is_empty()
        {
            return Ok(Probe::NotDone);
        }
        Self::outputs(cx, &target).map(Probe::Done)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let (target, text) = self.resolved(cx).await?;
        let content = Contents::plain(&text);
        let old = target.file.read(cx).await?;
        if old.as_deref() != Some(&text) {
            let shown = diff::unified(target.file.path, old.as_deref().unwrap_or_default(), &text);
            cx.progress.note(cx.fx.secrets().scrub(&shown));
            if let Some(dialect) = target.dialect().filter(|_| self.validate) {
                let host = cx.fx.host(target.file.host).await?;
                if !check::check(&host, dialect, target.file.path, &content).await? {
                    cx.progress.note("no server program found on the host: the file was not checked with it");
                }
            }
            if self.restart {
                cx.memo.set(RESTART, json!(Restart::Due)).await?;
            }
            if target.server.is_some() && old.is_none() {
                require_read(cx, &target.file).await?; // a file that nobody reads configures nothing
            }
            target.file.replace(cx, &content, self.mode().map_err(refused)?).await?;
        }
        if let (Some((name, server)), true) = (target.server, self.restart) {
            let due = cx.memo.read(RESTART)? == Some(Restart::Due);
            if due || !self.compare(cx, name, &text).await?.is_empty() {
                cx.memo.set(RESTART, json!(Restart::Due)).await?;
                self.restart(cx, name, server, &text).await?;
                cx.memo.set(RESTART, json!(Restart::Done)).await?;
            }
        }
        Self::outputs(cx, &target)
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let target = self.target(cx.world).map_err(refused)?;
        let restarted = cx.memo.read::<Restart>(RESTART)?.is_some_and(|state| state != Restart::Undone);
        target.file.restore(cx).await?;
        if let (Some((name, _)), true) = (target.server, restarted) {
            server_state::restart(cx, name).await?;
            cx.memo.set(RESTART, json!(Restart::Undone)).await?;
        }
        Ok(())
    }
}

fn read_back(name: &str, server: &Server, text: &str) -> [Action; 2] {
    let dialect = Dialect::from(server.product());
    let names: Vec<_> = effective(text).into_keys().collect();
    [Action::sql(name, dialect.version()), Action::sql(name, dialect.show_variables(&names))]
}
