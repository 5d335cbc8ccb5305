//! A step kind that does one thing twice: as its plan states it, and then to something else.

use async_trait::async_trait;
use cutover::domain::secret::SecretRef;
use cutover::domain::sql::identifier;
use cutover::domain::{Contents, Script};
use cutover::effects::LoginPath;
use cutover::error::Result;
use cutover::kinds::{Action, Complaint, Ctx, On, Outputs, Probe, Reversibility, Step};
use cutover::playbook::inventory::Account;
use cutover::playbook::world::World;
use cutover::{sh, sql};
use std::path::PathBuf;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
/// What the plan states, by its name.
pub const STATED: &str = "stated";
/// What it does not.
pub const OTHER: &str = "other";

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Statement,
    Program,
    /// A planned program that is given other things to read.
    Input,
    /// In the shell that is kept open.
    Kept,
    Written,
    /// A planned file with another content.
    Content,
    Read,
    Removed,
    Job,
    /// A job of somebody else, ended.
    Ended,
    Line,
    Login,
    Connection,
}

impl What {
    pub const ALL: [Self; 13] = [
        Self::Statement,
        Self::Program,
        Self::Input,
        Self::Kept,
        Self::Written,
        Self::Content,
        Self::Read,
        Self::Removed,
        Self::Job,
        Self::Ended,
        Self::Line,
        Self::Login,
        Self::Connection,
    ];
}

/// The step.
#[derive(Debug, Clone)]
pub struct Liar {
    pub what: What,
    pub folder: PathBuf,
    /// The server's address.
    pub server: String,
    /// Addresses of listeners: the stated one, and the other.
    pub listeners: [String; 2],
}

impl Liar {
    /// The path that goes with a name.
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
    fn listener(&self, name: &str) -> &str {
        &self.listeners[usize::from(name == OTHER)]
    }
    fn touch(&self, name: &str) -> Script {
        Script::words(["touch".to_owned(), self.path(name)])
    }
    fn login(&self) -> LoginPath<'_> {
        LoginPath { host: "local", address: &self.server, authority: None, bare: false }
    }
    /// What the refusal of the other one must name.
    pub fn names(&self) -> String {
        match self.what {
            What::Statement => format!("CREATE DATABASE `{OTHER}`"),
            What::Program | What::Kept => format!("touch {}", self.path(OTHER)),
            What::Input => format!("cp /dev/stdin {}", self.path(STATED)),
            What::Written => format!("write {}", self.path(OTHER)),
            What::Content => format!("write {}", self.path(STATED)),
            What::Read => format!("read {}", self.path(OTHER)),
            What::Removed => format!("remove {}", self.path(OTHER)),
            What::Job | What::Ended => self.path(OTHER),
            What::Line => self.path("socket"),
            What::Login => format!("log in as {OTHER}"),
            What::Connection => format!("connect to {}", self.listener(OTHER)),
        }
    }
    fn action(&self, name: &str) -> Vec<Action> {
        let path = self.path(name);
        vec![match self.what {
            What::Statement => On("one").sql(sql!("CREATE DATABASE {}", identifier(name))),
            What::Program | What::Kept => Action::command("local", self.touch(name)),
            What::Input => Action::command_with("local", self.copy(), &text(name)),
            What::Written => Action::file("local", path, &text("planned")),
            What::Content => Action::file("local", path, &text(name)),
            What::Read => Action::read("local", path),
            What::Removed => Action::remove("local", path),
            What::Job => Action::job("local", path, self.touch(&format!("{name}.done")), Script::from("echo 1")),
            What::Ended => Action::end("local", path),
            What::Line => Action::socket("local", self.path("socket"), name),
            What::Login => return self.login().actions("one", name),
            What::Connection => Action::connect("local", self.listener(name)),
        }]
    }
    fn copy(&self) -> Script {
        Script::words(["cp".to_owned(), "/dev/stdin".to_owned(), self.path(STATED)])
    }
    async fn act(&self, cx: &Ctx<'_>, name: &str) -> Result<()> {
        let (host, path) = (cx.fx.host("local").await?, self.path(name));
        match self.what {
            What::Statement => {
                let session = cx.fx.sql("one").await?;
                session.query(sql!("CREATE DATABASE {}", identifier(name)), LIMIT).await.map(drop)
            }
            What::Program => host.run(&self.touch(name)).await.map(drop),
            What::Input => host.run_within(&self.copy(), Some(&text(name)), LIMIT).await.map(drop),
            What::Kept => cx.fx.run_in_shell("local", &self.touch(name)).await.map(drop),
            What::Written => host.write_file(&path, &text("planned"), None).await,
            What::Content => host.write_file(&self.path(STATED), &text(name), None).await,
            What::Read => host.read_file(&path).await.map(drop),
            What::Removed => host.remove_file(&path).await,
            What::Job => {
                let job = host
                    .start_job(&path.as_str().into(), &self.touch(&format!("{name}.done")), &Script::from("echo 1"))
                    .await?;
                while job.state().await?.running {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                job.remove().await
            }
            What::Ended => host.clear_job(&path.as_str().into()).await,
            What::Line => cx.fx.unix_ask("local", &self.path("socket"), name).await.map(drop),
            What::Login => {
                let account = Account { user: name.into(), host: None, password: SecretRef::Env("PW".into()) };
                cx.fx.try_login("one", &account, self.login()).await.map(drop)
            }
            What::Connection => {
                let address = cx.fx.connect("local", self.listener(name)).await?;
                tokio::net::TcpStream::connect(&address).await.unwrap();
                Ok(())
            }
        }
    }
}

fn text(name: &str) -> Contents {
    Contents::plain(format!("{name}\n"))
}

#[async_trait]
impl Step for Liar {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }
    fn preview(&self, _: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        // what it does besides, in the plan, lets nothing else through
        let beside = Action::command("local", sh!("true {}", cutover::domain::script::argument(OTHER)));
        Ok(self.action(STATED).into_iter().chain([beside]).collect())
    }
    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }
    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        self.act(cx, STATED).await?;
        self.act(cx, OTHER).await?;
        Ok(Outputs::new())
    }
    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        self.act(cx, OTHER).await
    }
}
