//! `latency`: measures the round trip time from the application to the old server and to the new one.

mod figures;

use crate::dialect::{Dialect, client_ca};
use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::secret::SecretRef;
use crate::domain::units::Span;
use crate::domain::{Contents, Script, Words};
use crate::error::{Failure, Result};
use crate::kinds::support::client_program::{find_client, told_of_tls};
use crate::kinds::support::place::{authority_at, job_dir, option_file, run_marker, server, verify_at};
use crate::kinds::{Action, Complaint, Ctx, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::inventory::Verify;
use crate::playbook::world::World;
use crate::sh;
use async_trait::async_trait;
use figures::{Figures, WARM_UP};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    number("before_p50_ms", "Median round trip time to the first server, in ms."),
    number("before_p95_ms", "95th percentile of the round trip time to the first server, in ms."),
    number("before_p99_ms", "99th percentile of the round trip time to the first server, in ms."),
    number("before_page_ms", "Time that a page with `per_page` queries waits for the first server, in ms."),
    number("after_p50_ms", "Median round trip time to the second server, in ms."),
    number("after_p95_ms", "95th percentile of the round trip time to the second server, in ms."),
    number("after_p99_ms", "99th percentile of the round trip time to the second server, in ms."),
    number("after_page_ms", "Time that a page with `per_page` queries waits for the second server, in ms."),
];

const fn number(name: &'static str, about: &'static str) -> Output {
    Output { name, kind: OutputType::Number, about }
}

/// Measures round trip times from the application's host to the server that it uses now and to the one that it will
/// use, with the client program there and over one open connection each. Refuses to continue if the new server is too
/// far away. The times come from the server itself, so neither the runner nor ssh affects them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "There is nothing to undo: the files with the passwords are removed.",
    "examples" = [{ "application": "shop", "servers": ["source", "target"], "require": { "p95": "2ms" } }]
))]
pub struct Latency {
    /// Application to measure for: on the host of its configuration, with the first of its accounts.
    #[serde(default)]
    #[schemars(extend("format" = "application"))]
    application: Option<String>,
    /// Host to measure from instead, with each server's administrative account.
    #[serde(default)]
    #[schemars(extend("format" = "host"))]
    host: Option<String>,
    /// The server used now, and the server used later.
    #[schemars(extend("items" = { "type": "string", "format": "server" }))]
    servers: Vec<String>,
    /// Number of round trips to each server.
    #[serde(default = "two_hundred")]
    #[schemars(range(min = 20, max = 10_000))]
    samples: u32,
    /// Number of queries that a page makes one after the other.
    #[serde(default = "twenty")]
    #[schemars(range(min = 1, max = 100_000))]
    per_page: u32,
    /// Requirements for the second server.
    #[serde(default)]
    require: Require,
}

/// What a server must reach.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Require {
    /// Maximum of the round trip time (95th percentile).
    p95: Option<Span>,
}

fn two_hundred() -> u32 {
    200
}
fn twenty() -> u32 {
    20
}

/// One way that is measured.
struct Way<'a> {
    host: &'a str,
    server: &'a str,
    user: &'a str,
    password: Option<&'a SecretRef>,
    address: &'a str,
    dialect: Dialect,
    /// What it verifies by TLS, and the file of authorities on its host.
    tls: Option<(Verify, &'a str)>,
}

impl Way<'_> {
    fn option_file(&self) -> Contents {
        let login = option_file(self.user, self.password, self.address);
        login.then(self.tls.map(|(_, ca)| client_ca(ca)).unwrap_or_default())
    }
    fn file(&self, dir: &Words) -> Words {
        dir.clone().then(format!("-{}.cnf", self.server))
    }
    /// The same statement again and again, each sent when the answer to the one before has come.
    fn script(&self, dir: &Words, samples: u32) -> Script {
        let count = usize::try_from(samples).unwrap_or(0) + WARM_UP + 1;
        let (verify, file) = (self.tls.map(|(verify, _)| verify), self.file(dir));
        sh!(
            "{}{}\
             awk -v count={} 'BEGIN {{ for (i = 0; i < count; i++) print \"{};\" }}' \
             | \"$program\" --defaults-file={} --batch --skip-column-names",
            find_client(self.dialect),
            told_of_tls(verify, &file),
            argument(count),
            self.dialect.moment(),
            argument(&file),
        )
    }
}

impl Latency {
    fn ways<'a>(&'a self, world: &'a World) -> Result<Vec<Way<'a>>, Complaint> {
        let unknown = |failure: Failure| Complaint::new("servers", failure.answer);
        let application = self.application.as_deref().and_then(|name| world.inventory.applications.get(name));
        let config = application.and_then(|application| application.config.as_ref());
        let account = application.and_then(|application| application.accounts.first());
        let host = match (&self.host, config) {
            (Some(host), _) => host,
            (None, Some(config)) => &config.host,
            (None, None) => {
                let complaint = Complaint::new("", "there is no host to measure from");
                return Err(complaint.help("state `host`, or an `application` with a configuration file"));
            }
        };
        if self.application.is_some() && account.is_none() {
            let complaint = Complaint::new("application", "it has no `accounts` in the inventory");
            return Err(complaint.help("add `accounts: [{ user: shop, password: { env: SHOP_PASSWORD } }]` to it"));
        }
        let way = |name: &'a String| {
            let server = server(world, name).map_err(unknown)?;
            let (user, password) = match account {
                Some(account) => (&account.user, Some(&account.password)),
                None => (&server.user, server.password.as_ref()),
            };
            let address = if *host == server.host { &server.address } else { server.endpoint() };
            let authority = authority_at(world, name, host, address);
            let authority =
                authority.map_err(|failure| Complaint { help: failure.help.clone(), ..unknown(failure) })?;
            let tls = verify_at(world, name, host, address).zip(authority);
            Ok(Way { host, server: name, user, password, address, dialect: Dialect::from(server.product()), tls })
        };
        self.servers.iter().map(way).collect()
    }

    async fn measure(&self, cx: &Ctx<'_>, way: &Way<'_>) -> Result<Figures> {
        let dir = job_dir(cx.world, way.host, cx.run, cx.step);
        let host = cx.fx.host(way.host).await?;
        host.write_file(way.file(&dir), &way.option_file(), Some(0o600)).await?;
        let printed = host.print(&way.script(&dir, self.samples)).await;
        host.remove_file(way.file(&dir)).await?;
        let attempted = format!("measure the round trips to `{}`", way.server);
        let printed = printed.map_err(|failure| {
            Failure { attempted: attempted.clone(), ..failure }.help(format!(
            "check that the client on {} can log in as {} at {}: install the client there, and create the account on \
             that server if it is missing",
            way.host, way.user, way.address
        ))
        })?;
        let samples = usize::try_from(self.samples).unwrap_or(0);
        let figures = Figures::read(&printed, samples);
        let figures = figures.map_err(|answer| Failure::transient(attempted, answer).at(way.host))?;
        let page = figures.page(self.per_page);
        cx.progress.note(format!(
            "{} to {}: {figures}; a page with {} queries waits {page:.1} ms",
            way.host, way.server, self.per_page
        ));
        Ok(figures)
    }

    fn judge(&self, way: &Way<'_>, figures: Figures) -> Result<()> {
        let Some(most) = self.require.p95.filter(|most| figures.p95 > most.0.as_secs_f64() * 1e3) else {
            return Ok(());
        };
        let answer = format!("the 95th percentile of the round trip time is {:.2} ms, allowed is {most}", figures.p95);
        Err(Failure::refused(format!("accept the round trip time from {} to `{}`", way.host, way.server), answer)
            .at(way.host)
            .now("nothing was changed by this step")
            .help("move the application closer to the server, or allow a longer time with `require`"))
    }
}

#[async_trait]
impl Step for Latency {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        if self.application.is_some() == self.host.is_some() {
            let complaint = Complaint::new("", "give either `application` or `host`");
            return Err(vec![complaint.help("`application: shop` measures from where it runs")]);
        }
        if self.servers.len() != 2 {
            let complaint = Complaint::new("servers", "this must name two servers: before and after");
            return Err(vec![complaint.help("[source, target]")]);
        }
        let mut actions = Vec::new();
        for way in self.ways(world).map_err(|complaint| vec![complaint])? {
            let dir = job_dir(world, way.host, &run_marker(), &marker::late("step"));
            actions.push(Action::file(way.host, way.file(&dir), &way.option_file()));
            actions.push(Action::command(way.host, way.script(&dir, self.samples)));
            actions.push(Action::remove(way.host, way.file(&dir)));
        }
        if let Some(most) = self.require.p95 {
            actions.push(Action::note(format!("stop the run when p95 to `{}` is over {most}", self.servers[1])));
        }
        Ok(actions)
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec!["how far the application is from both servers: this step measures it".to_owned()]
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let ways = self.ways(world).unwrap_or_default();
        ways.first().map(|way| Action::look(way.host, find_client(way.dialect))).into_iter().collect()
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let dir = |way: &Way<'_>| job_dir(world, way.host, &run_marker(), &marker::late("step"));
        let ways = self.ways(world).unwrap_or_default();
        ways.iter().map(|way| Action::remove(way.host, way.file(&dir(way)))).collect()
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let Ok(ways) = self.ways(cx.world) else { return Vec::new() };
        let Some(way) = ways.first() else { return Vec::new() };
        let there = find_client(way.dialect);
        let asked = match cx.fx.host(way.host).await {
            Ok(host) => host.succeeds(&there).await,
            Err(failure) => Err(failure),
        };
        match asked {
            Ok(true) => Vec::new(),
            Ok(false) => vec![
                Failure::refused("measure the round trips to the servers", "no client program was found")
                    .at(way.host)
                    .now("nothing was touched")
                    .help(format!("install one of these there: {}", way.dialect.client_programs().join(", "))),
            ],
            Err(failure) => vec![failure],
        }
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let ways = self.ways(cx.world).map_err(|complaint| Failure::permanent("measure", complaint.message))?;
        let mut outputs = Outputs::new();
        let mut last = None;
        for (when, way) in ["before", "after"].into_iter().zip(&ways) {
            cx.safe_point("measure the round trips to the servers")?;
            let figures = self.measure(cx, way).await?;
            let page = figures.page(self.per_page);
            for (name, value) in [("p50", figures.p50), ("p95", figures.p95), ("p99", figures.p99), ("page", page)] {
                outputs.insert(format!("{when}_{name}_ms"), ((value * 1e3).round() / 1e3).into());
            }
            last = Some((way, figures));
        }
        if let Some((way, figures)) = last {
            self.judge(way, figures)?;
        }
        Ok(outputs)
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        for way in self.ways(cx.world).unwrap_or_default() {
            let dir = job_dir(cx.world, way.host, cx.run, cx.step);
            cx.fx.host(way.host).await?.remove_file(way.file(&dir)).await?;
        }
        Ok(())
    }
}
