//! The one real server of these tests. It starts with the first test that needs it and ends with the last one.

use crate::desk::{Desk, changed, read};
use cutover::rehearsal::server::{Choice, Profile, Server, Setup};
use std::ops::Deref;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tempfile::TempDir;

pub const PASSWORD: &str = "case-word";
const TABLE: &str = "CREATE DATABASE d; CREATE TABLE d.t (v VARCHAR(40), n TINYINT)";

static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
/// A server takes one run at a time, so one test at a time has it.
static TURN: Mutex<()> = Mutex::new(());

/// A server, and where its files stand.
pub struct Shared {
    pub server: Server,
    _folder: TempDir,
}

/// The server that tests share, for as long as one of them has its turn.
pub struct Turn {
    // first: the next test must find the server before this one lets it go
    _turn: MutexGuard<'static, ()>,
    shared: Arc<Shared>,
}

impl Deref for Turn {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Shared {
    /// Waits for the shared server.
    pub fn get() -> Turn {
        // a test that failed while it held a lock has not harmed the server
        let shared = {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            shared.upgrade().unwrap_or_else(|| {
                let made = Arc::new(Self::make());
                *shared = Arc::downgrade(&made);
                made
            })
        };
        Turn { _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner), shared }
    }

    /// A server for one test alone, which changes it or takes long.
    pub fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup {
            name: "s".into(),
            dir: folder.path().join("s"),
            program: Choice::default(),
            port: None,
            profile: Profile::Production,
            password: PASSWORD.into(),
            options: vec!["innodb_buffer_pool_size = 64M".into()],
        };
        let server = tokio::runtime::Runtime::new().unwrap().block_on(Server::start(setup)).unwrap();
        let shared = Self { server, _folder: folder };
        shared.sql(TABLE);
        shared
    }

    /// The inventory of the cases, with this server's address; `more` is added to the server's description.
    pub fn inventory(&self, more: &str) -> String {
        let text = changed(&read("one_server.inv.yaml"), &[("127.0.0.1:24771", &self.server.address())]);
        changed(&text, &[("user: m,", &format!("user: {},{more}", Server::ACCOUNT))])
    }

    /// A desk with one of the inputs, and this server in its inventory.
    pub fn desk(&self, input: &str, changes: &[(&str, &str)]) -> Desk {
        let desk = Desk::with(input, changes);
        desk.write("inventory.yaml", &self.inventory(""));
        desk
    }

    /// A client with `sql`, as the account of the inventory.
    pub fn client(&self, sql: &str) -> Command {
        let mut client = Command::new("mariadb");
        client.args([
            "--no-defaults",
            "-BN",
            "--unbuffered",
            "--protocol=TCP",
            "-h",
            "127.0.0.1",
            "-u",
            Server::ACCOUNT,
        ]);
        client.args(["-P", &self.server.port().to_string(), "-e", sql]).env("MYSQL_PWD", PASSWORD);
        client.stdin(Stdio::null());
        client
    }

    /// What statements answer.
    pub fn sql(&self, sql: &str) -> String {
        let Output { status, stdout, stderr } = self.client(sql).output().unwrap();
        assert!(status.success(), "{sql}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap().trim().to_owned()
    }
}
