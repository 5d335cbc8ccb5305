//! The sandbox: two real servers, an sshd for each host, and the inventory that describes them, all in one folder.

use super::certificates::{self, Authority, Lines};
use super::disk::Disk;
use super::server::{Choice, Profile, Program, Server, Setup};
use super::shop;
use super::sshd::Sshd;
use super::work_folder::WorkFolder;
use crate::dialect::clone::INSTALL;
use crate::domain::Sql;
use crate::domain::product::{Family, Product};
use crate::domain::sql::account;
use crate::effects::{Cover, Login, Secrets, Session};
use crate::error::{Failure, Result};
use crate::plan::accounts::Account;
use crate::playbook::inventory::Inventory;
use crate::playbook::template::Templates;
use crate::random;
use serde_json::json;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const INVENTORY: &str = include_str!("inventory.yaml.j2");
const LOOK: Duration = Duration::from_secs(30);

/// What the sandbox is to hold.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Its folder; made with mode 0700, short, because sockets stand in it.
    pub dir: PathBuf,
    /// Rows of the application's database.
    pub rows: u64,
    /// Program of the old server.
    pub source: Choice,
    /// Program of the new server.
    pub target: Choice,
    /// Further lines for the old server's configuration.
    pub source_options: Vec<String>,
    /// Whether the application's account may do everything, as many an application's may.
    pub privileged: bool,
    /// Servers without TLS, as older releases are installed; they have certificates otherwise.
    pub without_tls: bool,
    /// Size of the new server's disk in bytes, for one of its own; needs the right to mount.
    pub disk: Option<u64>,
    /// A data directory as a fresh installation has it; copied, which is faster than two new installations.
    pub installed: Option<PathBuf>,
}

/// A running sandbox. Everything in it ends when it is dropped.
pub struct Sandbox {
    dir: PathBuf,
    /// The old server.
    pub source: Server,
    /// The new server.
    pub target: Server,
    /// Secrets as environment variables of the runner.
    pub secrets: Vec<(String, String)>,
    ssh_config: PathBuf,
    hosts: Vec<Sshd>,
    /// Whether the application's account holds every privilege: who brings it over must hold and pass on all of them.
    passes_on_all: bool,
    // after what works in it
    work: WorkFolder,
    // after the servers: they stop before their disk goes
    _disk: Option<Disk>,
}

impl Sandbox {
    /// Makes it: servers and hosts side by side, then the application's database and account.
    ///
    /// # Errors
    /// When a program is missing or does not start.
    pub async fn make(plan: &Plan) -> Result<Self> {
        let failed = |error: std::io::Error| Failure::permanent("make the sandbox", error.to_string());
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        for folder in ["app", "ssh", "state", "tls"] {
            builder.create(plan.dir.join(folder)).map_err(failed)?;
        }
        let secrets = ["SOURCE_PASSWORD", "TARGET_PASSWORD", "REPL_PASSWORD", "SHOP_PASSWORD"];
        let secrets = secrets.map(|name| random::hex(24).map(|value| (name.to_owned(), value)));
        let secrets: Vec<(String, String)> = secrets.into_iter().collect::<Result<_>>()?;
        let disk = plan.disk.map(|bytes| Disk::mount(plan.dir.join("target"), bytes)).transpose()?;
        if let Some(installed) = &plan.installed {
            for name in ["source", "target"] {
                copy(installed, &plan.dir.join(name)).await?;
            }
        }
        let work = WorkFolder::make()?;
        // for people who look for what belongs to it
        std::os::unix::fs::symlink(work.path(), plan.dir.join("work")).map_err(failed)?;
        // before anything is started, because one that must be fetched may not be had
        let programs = [Program::find(&plan.source).await?, Program::find(&plan.target).await?];
        let tls = certify(plan, &programs).await?;
        let lines = |number: usize| tls[number].iter().map(|(name, value)| format!("{name} = '{value}'")).collect();
        let mut options: [Vec<String>; 2] = [lines(0), lines(1)];
        options[0].extend(plan.source_options.iter().cloned());
        let setup = |name: &str, profile, number: usize| Setup {
            name: name.to_owned(),
            dir: plan.dir.join(name),
            program: Choice::Path(programs[number].server.clone()),
            port: None,
            profile,
            password: secrets[number].1.clone(),
            options: options[number].clone(), // all in the same order
        };
        let mut old = setup("source", Profile::Production, 0);
        old.options.push("event_scheduler = ON".into());
        let (source, target) = tokio::join!(Server::start(old), Server::start(setup("target", Profile::Bare, 1)));
        let (source, target) = (source?, target?);
        let mut hosts = Vec::new();
        // the application's host has the tools that fit the server which it uses today
        for (name, server) in [("old", &source), ("new", &target), ("app", &source)] {
            let clients = server.program().clients();
            // the new host dumps the old server, which takes a program of that one's family
            let is_other = name == "new" && source.family() != target.family();
            let besides = source.program().admin.parent().filter(|_| is_other);
            hosts.push(Sshd::start_with(&plan.dir.join("ssh"), name, clients.as_deref(), besides).await?);
        }
        let ssh_config = hosts[0].ssh_config().to_path_buf();
        let (dir, passes_on_all) = (plan.dir.clone(), plan.privileged);
        let sandbox = Self { dir, source, target, secrets, ssh_config, hosts, passes_on_all, work, _disk: disk };
        sandbox.install_plugins().await?;
        sandbox.fill(plan).await?;
        sandbox.describe(&tls).await?;
        Ok(sandbox)
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// Its inventory.
    #[must_use]
    pub fn inventory(&self) -> PathBuf {
        self.dir.join("inventory.yaml")
    }
    /// The host of that name: `old`, `new` or `app`.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<&Sshd> {
        self.hosts.iter().find(|host| host.name() == name)
    }
    /// A file of the application.
    #[must_use]
    pub fn app(&self, file: &str) -> PathBuf {
        self.dir.join("app").join(file)
    }

    /// A connection of the server's own `root`, by its socket: whatever the runner's account may do, this one may do
    /// all.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn admin(&self, server: &Server) -> Result<Session> {
        let login = Login {
            server: server.name().to_owned(),
            address: server.socket().to_string_lossy().into_owned(),
            user: "root".to_owned(),
            password: None,
            cover: Cover::Socket,
        };
        Session::open(login, Arc::new(Secrets::known([]))).await
    }
    /// The administrator on the old server.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn on_source(&self) -> Result<Session> {
        self.admin(&self.source).await
    }
    /// The administrator on the new server.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn on_target(&self) -> Result<Session> {
        self.admin(&self.target).await
    }

    /// Creates the runner's accounts again, with the privileges in `accounts` and no more. Nothing of it enters a
    /// binary log.
    ///
    /// # Errors
    /// When a server does not answer, or does not know a privilege.
    pub async fn make_accounts(&self, accounts: &[Account]) -> Result<()> {
        let name = account(Server::ACCOUNT, "127.0.0.1").to_string();
        for (server, (_, password)) in [&self.source, &self.target].into_iter().zip(&self.secrets) {
            let here = accounts.iter().filter(|account| account.server == server.name());
            let grants = here.flat_map(|account| &account.grants).map(|grant| grant.statement(&name));
            // the password has letters and digits only
            let anew = [format!("DROP USER {name}"), format!("CREATE USER {name} IDENTIFIED BY '{password}'")];
            let all = self.passes_on_all.then(|| format!("GRANT ALL PRIVILEGES ON *.* TO {name} WITH GRANT OPTION"));
            let session = self.admin(server).await?;
            session.exec(server.dialect().without_binlog(), LOOK).await?;
            for statement in anew.into_iter().chain(grants).chain(all) {
                session.exec(Sql::verbatim(statement), LOOK).await?;
            }
        }
        Ok(())
    }

    /// Prepares servers for cloning, as people do when the check before a run asks for it. One that lacks the plugin's
    /// file is left as it is, and that check reports it.
    async fn install_plugins(&self) -> Result<()> {
        for server in [&self.source, &self.target].into_iter().filter(|server| server.family() == Family::MySql) {
            let session = self.admin(server).await?;
            session.exec(server.dialect().without_binlog(), LOOK).await?;
            let _ = session.exec(INSTALL, LOOK).await;
        }
        Ok(())
    }

    async fn fill(&self, plan: &Plan) -> Result<()> {
        let session = self.on_source().await?;
        shop::prepare(&session, plan.rows).await?;
        let privileges =
            if plan.privileged { "ALL PRIVILEGES ON *.*" } else { "SELECT, INSERT, UPDATE, DELETE, EXECUTE ON shop.*" };
        let password = &self.secrets[3].1; // letters and digits only
        for statement in [
            format!("CREATE USER shop@'127.0.0.1' IDENTIFIED BY '{password}'"),
            format!("GRANT {privileges} TO shop@'127.0.0.1'"),
        ] {
            session.exec(Sql::verbatim(&statement), LOOK).await?;
        }
        write(&self.app("password"), password)
    }

    async fn describe(&self, tls: &[Lines; 2]) -> Result<()> {
        let mut servers = Vec::new();
        let authority = self.dir.join("tls").join("ca.pem");
        for (server, host, secret) in [(&self.source, "old", 0), (&self.target, "new", 1)] {
            let version = self.admin(server).await?.query("SELECT VERSION()", LOOK).await?;
            let product = Product::from_version_text(version.value().unwrap_or_default())
                .map_err(|answer| Failure::permanent("read the server's version", answer))?;
            let family = serde_json::to_value(product.family).unwrap_or_default();
            servers.push(json!({
                "name": server.name(), "host": host, "address": server.address(), "dir": server.dir(),
                "password": self.secrets[secret].0, "family": family,
                "version": stated(product), "tls": tls[secret],
            }));
        }
        let templates = Templates([("inventory".to_owned(), INVENTORY.to_owned())].into());
        let context = json!({ "dir": self.dir, "work": self.work.path(), "authority": authority.exists().then_some(authority), "ssh_config": self.ssh_config, "servers": servers });
        let text = templates
            .render("inventory", context)
            .map_err(|fault| Failure::permanent("write the sandbox's inventory", fault.message))?;
        write(&self.inventory(), &text)?;
        self.first_config(&text)
    }

    /// The application's configuration before the switch, from the very template that the switch will use.
    fn first_config(&self, inventory: &str) -> Result<()> {
        let broken = |answer: String| Failure::permanent("write the application's configuration", answer);
        let document = crate::playbook::document::Document::parse("inventory.yaml", inventory)
            .map_err(|faults| broken(faults.to_string()))?;
        let inventory: Inventory =
            crate::plan::load::inventory(&document).map_err(|faults| broken(faults.to_string()))?;
        let values = inventory.applications.get("shop").and_then(|shop| shop.config.as_ref()).map(|c| &c.values);
        let name = "app.env.j2".to_owned();
        let templates = Templates([(name.clone(), include_str!("../../templates/app.env.j2").to_owned())].into());
        let server = json!({ "name": "source", "host": "127.0.0.1", "port": self.source.port() });
        let context = json!({ "application": { "name": "shop" }, "server": server, "values": values });
        let text = templates.render(&name, context).map_err(|fault| broken(fault.message))?;
        write(&self.app("db.env"), &text)
    }
}

/// The version as an inventory states it: which `MySQL` clones which is a matter of the release.
fn stated(product: Product) -> String {
    match product.family {
        Family::MariaDb => format!("{}.{}", product.version.0, product.version.1),
        Family::MySql => product.version.to_string(),
    }
}

/// The TLS settings of each server.
async fn certify(plan: &Plan, programs: &[Program; 2]) -> Result<[Lines; 2]> {
    if plan.without_tls {
        return Ok([certificates::none(programs[0].product.family), certificates::none(programs[1].product.family)]);
    }
    let authority = Authority::make(plan.dir.join("tls")).await?;
    Ok([authority.server("source").await?, authority.server("target").await?])
}

/// Copies a data directory into a server's folder.
async fn copy(installed: &Path, folder: &Path) -> Result<()> {
    let failed = |answer: String| Failure::permanent(format!("copy {}", installed.display()), answer);
    std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
    let mut command = tokio::process::Command::new("cp");
    command.args(["-a", "--sparse=always", "--"]).arg(installed).arg(folder.join("data"));
    let ran = command.output().await.map_err(|error| failed(error.to_string()))?;
    if !ran.status.success() {
        return Err(failed(String::from_utf8_lossy(&ran.stderr).into_owned()));
    }
    // holds a MySQL server's uuid: without it each copy makes one of its own, and can follow the other
    match tokio::fs::remove_file(folder.join("data/auto.cnf")).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error.to_string())),
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .map_err(|error| Failure::permanent(format!("write {}", path.display()), error.to_string()))
}
