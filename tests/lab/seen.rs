//! What a watched lab has seen: what was asked of its hosts, word for word, and every program that was started.

use super::Lab;
use std::path::PathBuf;
use std::process::Command;

/// A command that came to a host over ssh.
#[derive(Debug)]
pub struct Asked {
    pub host: String,
    /// As sshd was given it.
    pub command: String,
    /// What it was given to read.
    pub input: Vec<u8>,
}

impl Lab {
    fn seen(&self) -> PathBuf {
        self.dir().join("seen")
    }

    /// The command for a program of the runner's machine, watched too where the lab is.
    pub(super) fn witnessed(&self, program: &str) -> Command {
        if !self.seen().exists() {
            return Command::new(program);
        }
        let runs = self.files(".started").len();
        let mut strace = Command::new("strace");
        strace.args([
            "-f",
            "-qq",
            "--seccomp-bpf",
            "-v",
            "-e",
            "trace=execve",
            "-e",
            "signal=none",
            "-s",
            "1000000",
            "-o",
        ]);
        strace.arg(self.seen().join(format!("runner{runs}.started"))).arg(program);
        strace
    }

    fn files(&self, end: &str) -> Vec<(String, PathBuf)> {
        let entries = std::fs::read_dir(self.seen()).unwrap().map(|entry| entry.unwrap());
        let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
        let mut files: Vec<_> = named.filter(|(name, _)| name.ends_with(end)).collect();
        files.sort();
        files
    }

    /// What was asked of the hosts so far, by host and time.
    pub fn asked(&self) -> Vec<Asked> {
        let one = |(name, path): (String, PathBuf)| Asked {
            host: name.split('.').next().unwrap().to_owned(),
            command: std::fs::read_to_string(&path).unwrap(),
            input: std::fs::read(path.with_extension("in")).unwrap(),
        };
        self.files(".cmd").into_iter().map(one).collect()
    }

    /// Every program started on the hosts and by the runner so far: who saw it, and its words and its environment as `strace`
    /// shows them.
    pub fn started(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (name, path) in self.files(".started") {
            let seen = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
            let lines = seen.lines().filter(|line| line.contains("execve("));
            // the runner itself has secrets in its environment, from whoever started it
            let is_runner = |line: &str| line.contains("/cutover\", [");
            let words = |line: &'_ str| {
                line.split_once("], [").map_or_else(|| line.to_owned(), |(words, _)| format!("{words}] = 0"))
            };
            let shown = lines.map(|line| if is_runner(line) { words(line) } else { line.to_owned() });
            all.extend(shown.map(|line| (name.trim_end_matches(".started").to_owned(), line)));
        }
        all
    }
}
