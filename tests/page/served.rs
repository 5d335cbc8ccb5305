//! `cutover serve` in a folder of its own, with two people.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

pub struct Served {
    pub folder: TempDir,
    pub address: SocketAddr,
    /// May do everything.
    pub anna: String,
    /// May approve.
    pub ola: String,
    process: Child,
}

impl Served {
    /// With people, and a state directory that `prepare` may fill first; it may also write a `schedules.yaml` beside that.
    pub fn new(more: &[&str], prepare: impl FnOnce(&Before)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(&Before { state: folder.path().join("state") });
        let (anna, first) = token("anna", &[]);
        let (ola, second) = token("ola", &["--may", "approve"]);
        let people = format!("version: 1\npeople:\n  {first}\n  {second}\n");
        std::fs::write(folder.path().join("people.yaml"), people).unwrap();
        let mut words = vec!["--people".to_owned(), folder.path().join("people.yaml").display().to_string()];
        let schedules = folder.path().join("schedules.yaml");
        if schedules.exists() {
            words.extend(["--schedules".to_owned(), schedules.display().to_string()]);
        }
        words.extend(more.iter().map(|&word| word.to_owned()));
        let (process, address) = serve(&folder.path().join("state"), &words);
        Self { folder, address, anna, ola, process }
    }
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }
    #[allow(dead_code, reason = "the tests of attacks use it")]
    pub fn id(&self) -> u32 {
        self.process.id()
    }
    /// Processor time that the process has spent by now.
    #[allow(dead_code, reason = "the tests of attacks use it")]
    pub fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum(); // user and system
        Duration::from_millis(ticks * 10) // Linux tells it in hundredths of a second
    }
    /// Resident memory of the process, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is there before the page is.
pub struct Before {
    pub state: PathBuf,
}

/// A new token, and its line in the file of people.
pub fn token(name: &str, more: &[&str]) -> (String, String) {
    let made = Command::new(env!("CARGO_BIN_EXE_cutover")).arg("token").arg(name).args(more).output().unwrap();
    let said = String::from_utf8(made.stderr).unwrap();
    let line = said.lines().rev().find(|line| line.contains("token:")).unwrap().trim().to_owned();
    (String::from_utf8(made.stdout).unwrap().trim().to_owned(), line)
}

/// Starts the page on a free port, and reads where that is.
pub fn serve(state: &std::path::Path, words: &[String]) -> (Child, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--state"]).arg(state).args(words);
    let mut process = command.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split(' ').next().and_then(|url| url.split_once("://")).map(|(_, address)| address.parse());
    (process, address.unwrap_or_else(|| panic!("it does not say where it listens: {line}")).unwrap())
}
