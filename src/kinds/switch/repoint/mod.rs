//! `repoint`: sends an application to another server, by its configuration file, by a proxy, or both.

mod arrival;
mod proxy;

use crate::domain::endpoint::Endpoint;
use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::{Contents, Script};
use crate::effects::places;
use crate::error::{Failure, Result};
use crate::kinds::role::{MovesApplication, Role};
use crate::kinds::support::config_place::{require_writable, write_actions};
use crate::kinds::support::place::{dialect, server};
use crate::kinds::support::privileges::{require, swap};
use crate::kinds::support::server_state;
use crate::kinds::{Action, Complaint, Ctx, Need, Output, Outputs, Probe, Reversibility, Step};
use crate::playbook::inventory::{Application, ConfigFile};
use crate::playbook::world::World;
use crate::sh;
use arrival::Arrival;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::timeout;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[];

/// The longest that a command in a kept shell may take.
const SHELL_LIMIT: Duration = Duration::from_secs(10);

/// Sends an application to a server: writes its configuration file and reloads it, or switches its proxy. Everything
/// possible is done in advance: the file is staged, and the shell and the proxy socket are open.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The old file is put back and the application reloaded; a proxy is switched back.",
    "examples" = [{ "application": "shop", "to": "target", "arrival": "10s" }]
))]
pub struct Repoint {
    /// Application in the inventory.
    #[schemars(extend("format" = "application"))]
    application: String,
    /// Server that the application moves to.
    #[schemars(extend("format" = "server"))]
    to: String,
    /// Longest time until a session of one of the application's accounts must appear on the new server. With `none`, or
    /// without it, sessions are not checked. An application that had no session before the switch either is idle; that
    /// is not a failure.
    #[serde(default)]
    arrival: Option<Arrival>,
    /// Server that the application leaves; its sessions there are checked before the switch. Default: the other server,
    /// if the inventory has two.
    #[serde(default)]
    #[schemars(extend("format" = "server"))]
    from: Option<String>,
}

impl Repoint {
    fn application<'a>(&self, world: &'a World) -> Result<&'a Application> {
        world.inventory.applications.get(&self.application).ok_or_else(|| {
            Failure::permanent(
                "find the application",
                format!("the inventory has no application `{}`", self.application),
            )
        })
    }
    fn content(&self, world: &World, config: &ConfigFile) -> Result<String> {
        let target = server(world, &self.to)?;
        let at = Endpoint::of(target.endpoint());
        let (host, port) = (at.host, at.number().unwrap_or(3306));
        let context = serde_json::json!({
            "application": { "name": self.application },
            "values": config.values,
            "server": { "name": self.to, "host": host, "port": port },
        });
        world.templates.render(&config.template, context).map_err(|fault| {
            let line = fault.line.map_or(String::new(), |line| format!(" line {line}"));
            Failure::permanent(format!("render {}{line}", config.template), fault.message)
        })
    }
    /// Moves the staged file into place and reloads; one script, because each round trip is downtime.
    fn switch(config: &ConfigFile, application: &Application, staged: &str) -> Script {
        // in a subshell, so that the reload does not begin in the folder
        let moved = sh!("{}( put {} {} )", places::functions(), argument(staged), argument(&config.path));
        match &application.reload[..] {
            [] => moved,
            reload => sh!("{} && {}", moved, Script::words(reload)),
        }
    }
    /// The same after a resume too: then the staged file may be in place already, and only the reload is left.
    fn switch_again(config: &ConfigFile, application: &Application, staged: &str) -> Script {
        Self::switch(config, application, staged)
    }
    /// The way back, where the old file was kept.
    fn switch_back(config: &ConfigFile, application: &Application, backup: &str) -> Script {
        sh!("[ ! -e {} ] || {{\n{}; }}", argument(backup), Self::switch(config, application, backup))
    }
    /// Keeps the old file, and makes the new one beside it with the same mode and owner.
    fn copy(config: &ConfigFile, run: &str) -> Script {
        let [backup, staged] = [Self::backup(config, run), Self::staged(config, run)].map(argument);
        let old = argument(&config.path);
        sh!("{}keep {} {} && keep {} {}", places::functions(), &old, backup, &old, staged)
    }
    fn staged(config: &ConfigFile, run: &str) -> String {
        format!("{}.cutover-{run}.new", config.path)
    }
    fn backup(config: &ConfigFile, run: &str) -> String {
        format!("{}.cutover-{run}.bak", config.path)
    }
    /// Keeps the old file and writes the new one beside it, with the old one's mode and owner.
    async fn stage(&self, cx: &Ctx<'_>, config: &ConfigFile) -> Result<()> {
        let host = cx.fx.host(&config.host).await?;
        host.print(&Self::copy(config, cx.run)).await?;
        let content = Contents::plain(self.content(cx.world, config)?);
        host.write_file(&Self::staged(config, cx.run), &content, None).await
    }
    /// Runs the script of the switch: in the shell that is kept open, which gives up after [`SHELL_LIMIT`], or in one
    /// of its own where the reload may take longer.
    async fn run(&self, cx: &Ctx<'_>, application: &Application, config: &ConfigFile, script: &Script) -> Result<()> {
        let limit = application.reload_limit().0;
        if limit <= SHELL_LIMIT {
            let ran = timeout(limit, cx.fx.run_in_shell(&config.host, script)).await;
            return ran.map_err(|_| Self::late(application, config))?.map(drop);
        }
        Self::reload(cx, config, script, limit).await
    }
    /// Outside the kept shell, which has a limit of its own.
    async fn reload(cx: &Ctx<'_>, config: &ConfigFile, script: &Script, limit: Duration) -> Result<()> {
        let ran = cx.fx.host(&config.host).await?.run_within(script, None, limit).await;
        let ran = ran.map_err(|failure| server_state::with_limit(failure, "reload the application", "reload_limit"))?;
        ran.expect_success("reload the application", &config.host)
    }
    fn late(application: &Application, config: &ConfigFile) -> Failure {
        let limit = application.reload_limit();
        server_state::still_at_work("reload the application", &config.host, &application.reload, limit, "reload_limit")
    }
    async fn reads_back(&self, cx: &Ctx<'_>, config: &ConfigFile) -> Result<bool> {
        let text = cx.fx.host(&config.host).await?.read_file(&config.path).await?;
        Ok(text.as_deref() == Some(self.content(cx.world, config)?.as_bytes()))
    }
}

#[async_trait]
impl Step for Repoint {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        vec![MovesApplication { application: self.application.clone(), to: self.to.clone() }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let complain = |failure: Failure| {
            vec![Complaint::new("application", format!("{}: {}", failure.attempted, failure.answer))]
        };
        let application = self.application(world).map_err(complain)?;
        let run = crate::kinds::support::place::run_marker();
        let mut actions = Vec::new();
        if let Some(config) = &application.config {
            let staged = Self::staged(config, &run);
            actions.push(Action::note("before the block begins:"));
            actions.extend(write_actions(&config.host, &config.path));
            actions.push(Action::command(&config.host, Self::copy(config, &run)));
            let content = Contents::plain(self.content(world, config).map_err(complain)?);
            actions.push(Action::file(&config.host, &staged, &content));
            actions.push(Action::note("then:"));
            actions.push(Action::command(&config.host, Self::switch_again(config, application, &staged)));
            actions.push(Action::read(&config.host, &config.path));
        }
        if let Some(haproxy) = &application.haproxy {
            actions
                .push(Action::note("before the block begins; refuse if another server of the backend takes clients:"));
            actions.extend(proxy::examination(haproxy));
            actions.push(Action::note("then:"));
            if !haproxy.servers.contains_key(&self.to) {
                let message = format!("the proxy of `{}` has no entry for server `{}`", self.application, self.to);
                return Err(vec![Complaint::new("to", message).help("add it to `haproxy.servers` in the inventory")]);
            }
            actions.push(proxy::action(haproxy, proxy::commands(haproxy, &self.to).join("; ")));
            actions.push(proxy::look(haproxy));
        }
        if self.from.as_deref() == Some(&*self.to) {
            let message = format!("the application cannot move from `{}` to the same server", self.to);
            return Err(vec![Complaint::new("from", message).help("name the server that the application leaves")]);
        }
        if self.arrival().is_some() && application.accounts.is_empty() {
            let message = format!(
                "application `{}` has no `accounts` in the inventory, so its sessions cannot be recognized",
                self.application
            );
            return Err(vec![
                Complaint::new("arrival", message).help("add `accounts` in the inventory, or remove `arrival`"),
            ]);
        }
        if actions.is_empty() {
            let message = format!("application `{}` has neither `config` nor `haproxy`", self.application);
            return Err(vec![
                Complaint::new("application", message)
                    .help("state in the inventory how the application finds its server"),
            ]);
        }
        actions.extend(self.quiet_actions(world, application));
        actions.extend(self.arrival_actions(world, application));
        Ok(actions)
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let to = self.arrival().map(|_| self.to.as_str());
        to.into_iter().chain(self.left(world)).flat_map(|name| swap::seeing_sessions(world, name)).collect()
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let to = self.arrival().map(|_| self.to.as_str());
        let asked = to.into_iter().chain(self.left(world));
        let mut actions: Vec<Action> =
            asked.map(|name| Action::sql(name, dialect(world, name).own_privileges())).collect();
        let haproxy = self.application(world).ok().and_then(|application| application.haproxy.as_ref());
        actions.extend(haproxy.into_iter().flat_map(proxy::examination));
        actions
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let Ok(application) = self.application(world) else { return Vec::new() };
        let run = crate::kinds::support::place::run_marker();
        let mut actions = Vec::new();
        if let Some(config) = &application.config {
            let backup = Self::backup(config, &run);
            actions.push(Action::command(&config.host, Self::switch_back(config, application, &backup)));
            actions.push(Action::remove(&config.host, Self::staged(config, &run)));
        }
        if let Some(haproxy) = &application.haproxy {
            actions.push(proxy::action(haproxy, proxy::states(haproxy, |_| marker::late("ready or maint, as before"))));
        }
        actions
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        let name = &self.application;
        vec![match (self.arrival(), self.arrival) {
            (Some(arrival), _) => format!("that `{name}` reconnects: one of its sessions must appear within {arrival}"),
            (None, None) => format!("that `{name}` reconnects: this is not checked, because `arrival` is not set"),
            (None, Some(_)) => format!("that `{name}` reconnects: this is not checked, because `arrival` is `none`"),
        }]
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let Ok(application) = self.application(cx.world) else { return Vec::new() };
        let mut failures = Vec::new();
        if let Some(config) = &application.config {
            failures.extend(cx.fx.host(&config.host).await.err());
        }
        if let Some(haproxy) = &application.haproxy {
            failures.extend(proxy::examined(cx, haproxy).await.err());
        }
        if self.arrival().is_some() {
            let needs = swap::seeing_sessions(cx.world, &self.to);
            failures.extend(require(cx, &needs, "see the application's sessions arrive").await);
        }
        if let Some(left) = self.left(cx.world) {
            let needs = swap::seeing_sessions(cx.world, left);
            failures.extend(require(cx, &needs, "see whether the application is idle").await);
        }
        failures
    }

    async fn prepare(&self, cx: &Ctx<'_>) -> Result<()> {
        let application = self.application(cx.world)?;
        if let Some(config) = &application.config {
            // an earlier step may make the folder; one that is mistyped would be made, and never read
            require_writable(cx, &config.host, &config.path).await?;
            cx.memo.keep("staged", true).await?;
            self.stage(cx, config).await?;
            cx.fx.open_shell(&config.host).await?;
        }
        if let Some(haproxy) = &application.haproxy {
            let before = proxy::examined(cx, haproxy).await?;
            cx.memo.keep("proxy", before).await?;
            if let Some(others) = proxy::left_alone(cx, haproxy).await? {
                cx.progress.note(others);
            }
        }
        self.note_presence(cx, application).await
    }

    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        let application = self.application(cx.world)?;
        if let Some(config) = &application.config
            && !self.reads_back(cx, config).await?
        {
            return Ok(Probe::NotDone);
        }
        // a file that is in place says nothing of the reload, which is harmless twice
        Ok(Probe::NotDone)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let application = self.application(cx.world)?;
        if let Some(haproxy) = &application.haproxy {
            proxy::switch(cx, haproxy, &self.to).await?;
        }
        if let Some(config) = &application.config {
            let staged = Self::staged(config, cx.run);
            let script = Self::switch_again(config, application, &staged);
            self.run(cx, application, config, &script).await?;
            if !self.reads_back(cx, config).await? {
                return Err(Failure::permanent(
                    "repoint the application",
                    format!("{} does not contain what was written to it", config.path),
                )
                .at(&config.host));
            }
        }
        self.arrived(cx, application).await?;
        Ok(Outputs::new())
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let application = self.application(cx.world)?;
        let (proxy, staged) = (cx.memo.read::<String>("proxy")?, cx.memo.flag("staged")?);
        if let (Some(haproxy), Some(before)) = (&application.haproxy, proxy) {
            proxy::restore(cx, haproxy, &before).await?;
        }
        let (Some(config), true) = (&application.config, staged) else { return Ok(()) };
        let host = cx.fx.host(&config.host).await?;
        let (staged, backup) = (Self::staged(config, cx.run), Self::backup(config, cx.run));
        host.remove_file(&staged).await?;
        let script = Self::switch_back(config, application, &backup);
        Self::reload(cx, config, &script, application.reload_limit().0).await
    }
}
