//! One server and one host, and witnesses of what is done there.

use super::liar::{Liar, OTHER, STATED, What};
use crate::general_log::conversations;
use async_trait::async_trait;
use cutover::domain::secret::SecretRef;
use cutover::effects::{Answer, Approvals, Effects, Rule, Secrets};
use cutover::engine::{Decode, Runner, Setup};
use cutover::error::Result;
use cutover::kinds::Step;
use cutover::plan::Plan;
use cutover::plan::load::{self, Sources};
use cutover::rehearsal::server::{Choice, Profile, Server, Setup as ServerSetup};
use cutover::rehearsal::work_folder::WorkFolder;
use cutover::store::{Event, Journal, Outcome, Store};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

struct Nobody;

#[async_trait]
impl Approvals for Nobody {
    async fn answer(&self, _: &str, _: &str, _: &Rule) -> Result<Answer> {
        Ok(Answer::Open)
    }
}

/// What witnesses have seen, in order.
type Seen = Arc<Mutex<Vec<String>>>;

pub struct World {
    server: Server,
    listeners: [TcpListener; 2],
    lines: Seen,
    read: Seen,
    runs: usize,
    work: WorkFolder,
    /// The last to go: a server is found by a file in it.
    folder: tempfile::TempDir,
}

impl World {
    pub async fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let work = WorkFolder::make().unwrap();
        let setup = ServerSetup {
            name: "one".into(),
            dir: folder.path().join("one"),
            program: Choice::default(),
            port: None,
            profile: Profile::Bare,
            password: "pw".into(),
            options: vec!["general_log = ON".into(), "general_log_file = general.log".into()],
        };
        let server = Server::start(setup).await.unwrap();
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        for listener in &listeners {
            listener.set_nonblocking(true).unwrap();
        }
        let (lines, read) = Default::default();
        let world = Self { server, listeners, lines, read, runs: 0, work, folder };
        let users = [STATED, OTHER].map(|user| format!("CREATE USER {user}@'%' IDENTIFIED BY 'pw';"));
        world.sql(&users.concat());
        world
    }

    /// Where things are done.
    pub fn path(&self, name: &str) -> PathBuf {
        self.work.path().join("here").join(name)
    }

    fn sql(&self, sql: &str) -> String {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "-BN", "--protocol=TCP", "-h", "127.0.0.1", "-u", Server::ACCOUNT, "-e", sql]);
        let ran = client.args(["-P", &self.server.port().to_string()]).env("MYSQL_PWD", "pw").output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    }

    /// Databases of either name.
    pub fn databases(&self) -> Vec<String> {
        let names = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ('stated', 'other')";
        self.sql(names).lines().map(str::to_owned).collect()
    }

    /// Who has logged in, of either name.
    pub fn logins(&self) -> Vec<String> {
        let log = std::fs::read(self.server.data_dir().join("general.log")).unwrap();
        let users = conversations(&String::from_utf8_lossy(&log)).into_iter().map(|known| known.user);
        users.filter(|user| [STATED, OTHER].contains(&user.as_str())).collect()
    }

    /// How many connections each listener got.
    pub fn connections(&self) -> [usize; 2] {
        self.listeners.each_ref().map(|listener| std::iter::from_fn(|| listener.accept().ok()).count())
    }

    /// Lines that came to the socket.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Which of the files was read.
    pub fn read(&self) -> Vec<String> {
        self.read.lock().unwrap().clone()
    }

    /// What must be there before it.
    pub fn prepare(&self, what: What) {
        std::fs::create_dir(self.path("")).unwrap();
        match what {
            What::Read => [STATED, OTHER].into_iter().for_each(|name| self.watched_file(name)),
            What::Removed => [STATED, OTHER].into_iter().for_each(|name| std::fs::write(self.path(name), "x").unwrap()),
            What::Ended => {
                std::fs::create_dir(self.path(OTHER)).unwrap();
                std::fs::write(self.path(OTHER).join("script"), "sleep 100").unwrap();
            }
            What::Line => self.socket(),
            _ => {}
        }
    }

    /// A pipe that knows when somebody opens it to read.
    fn watched_file(&self, name: &'static str) {
        let path = self.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let read = self.read.clone();
        std::thread::spawn(move || {
            let mut pipe = std::fs::File::options().write(true).open(path).unwrap();
            read.lock().unwrap().push(name.to_owned());
            let _ = pipe.write_all(b"content\n");
        });
    }

    /// Takes note of every line, and answers.
    fn socket(&self) {
        let (listener, lines) = (UnixListener::bind(self.path("socket")).unwrap(), self.lines.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut line = String::new();
                BufReader::new(&connection).read_line(&mut line).unwrap();
                lines.lock().unwrap().push(line.trim().to_owned());
                connection.write_all(b"ok\n").unwrap();
            }
        });
    }

    pub fn tidy(&self) {
        std::fs::remove_dir_all(self.path("")).unwrap();
    }

    pub fn liar(&self, what: What) -> Liar {
        let listeners = self.listeners.each_ref().map(|listener| listener.local_addr().unwrap().to_string());
        Liar { what, folder: self.path(""), server: self.server.address(), listeners }
    }

    fn plan(&self, liar: &Liar) -> Plan {
        let folder = self.folder.path();
        let access = format!("host: local, address: {}, user: migrate, password: {{ env: PW }}", liar.server);
        let host = format!("hosts: {{ local: {{ work_dir: \"{}\" }} }}", self.work.path().join("w").display());
        std::fs::write(folder.join("i.yaml"), format!("{host}\nservers: {{ one: {{ {access} }} }}\n")).unwrap();
        let sources = Sources { inventory: Some(folder.join("i.yaml")), ..Sources::default() };
        let step = "{ id: a, uses: sql, with: { server: one, statements: [\"CREATE DATABASE stated\"] } }";
        let mut plan = load::plan_of(&format!("version: 1\nname: p\nsteps:\n  - {step}\n"), &sources).unwrap();
        plan.steps[0].actions = liar.preview(&plan.world).unwrap();
        plan.hash = plan.digest();
        plan
    }

    /// A run of a plan that states one thing, with a step that does another one too; what came of it.
    pub async fn run(&mut self, what: What) -> (Outcome, Vec<Event>) {
        self.runs += 1;
        let (liar, run) = (self.liar(what), format!("r{}", self.runs));
        let plan = self.plan(&liar);
        let secrets = Arc::new(Secrets::known([(SecretRef::Env("PW".into()), "pw".to_owned())]));
        let inventory = Arc::new(plan.world.inventory.clone());
        let effects = Arc::new(Effects::new(inventory, secrets, Arc::new(Nobody), self.folder.path().join("c")));
        let journal: Arc<dyn Journal> = Arc::new(Store::open(&self.folder.path().join("state")).unwrap());
        let decode: Decode = Arc::new(move |_, _| Ok(Box::new(liar.clone())));
        let setup = Setup {
            plan: Arc::new(plan),
            run: run.clone(),
            journal: journal.clone(),
            effects: effects.clone(),
            decode,
            updates: unbounded_channel().0,
            folder: String::new(),
            sources: None,
            revision: None,
            by: None,
            people: None,
            corrections: Vec::new(),
            left_out: Vec::new(),
            wall: Arc::new(cutover::engine::clock::wall),
            interrupt: CancellationToken::new(),
            halt: CancellationToken::new(),
        };
        let outcome = Runner::new(setup).unwrap().run().await.unwrap();
        effects.close().await;
        (outcome, journal.entries(&run).unwrap().into_iter().map(|entry| entry.event).collect())
    }
}
