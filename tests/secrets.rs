//! No password is where it does not belong: not on a command line, not in the journal, a log, a plan or a report, not
//! in what a run leaves on a host; and what must hold one is for its owner's eyes only, and gone after the run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod stage;

use stage::{PLAYBOOK, Stage, complaint};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the sampler has seen.
#[derive(Debug, Default)]
struct Seen {
    rounds: usize,
    /// Command lines that hold one of the words, by the word.
    on_command_lines: BTreeMap<String, String>,
    /// Option files that came and went, with their permission bits, and whether a password stood in them.
    option_files: BTreeMap<PathBuf, (u32, bool)>,
}

/// Looks at every process and every option file, again and again, while something runs.
struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Sampler {
    fn start(words: Vec<String>, work: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            while !stopped.load(Ordering::Acquire) {
                look_at_processes(&words, &mut seen);
                look_at_option_files(&words, &work, &mut seen);
                seen.rounds += 1;
                std::thread::sleep(Duration::from_millis(3));
            }
            seen
        });
        Self { stop, thread }
    }
    fn end(self) -> Seen {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap()
    }
}

fn look_at_processes(words: &[String], seen: &mut Seen) {
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(line) = std::fs::read(process.path().join("cmdline")) else { continue }; // no process, or a dead one
        for word in words {
            if line.windows(word.len()).any(|part| part == word.as_bytes()) {
                let shown = String::from_utf8_lossy(&line).replace('\0', " ");
                seen.on_command_lines.insert(word.clone(), shown);
            }
        }
    }
}

fn look_at_option_files(words: &[String], work: &Path, seen: &mut Seen) {
    for path in files(work).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "cnf")) {
        let Ok(meta) = std::fs::metadata(&path) else { continue };
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let holds = words.iter().any(|word| text.contains(word));
        let known = seen.option_files.entry(path).or_insert((0, false));
        *known = (known.0 | (meta.permissions().mode() & 0o7777), known.1 || holds);
    }
}

/// Every file below a folder, whatever comes and goes meanwhile.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path()),
            Ok(kind) if kind.is_file() => vec![entry.path()],
            _ => Vec::new(),
        })
        .collect()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn assert_without(words: &[String], place: &str, bytes: &[u8]) {
    let held = words.iter().position(|word| bytes.windows(word.len()).any(|part| part == word.as_bytes()));
    assert_eq!(held, None, "{place} holds that password");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_shows_anywhere() {
    let stage = Stage::new().await;
    let words: Vec<String> = stage.sandbox.secrets.iter().map(|(_, value)| value.clone()).collect();
    assert_eq!(words.len(), 4);
    let work = stage.sandbox.dir().join("work");
    let bait = format!("bait-{}", std::process::id());
    let sampler = Sampler::start(words.iter().cloned().chain([bait.clone()]).collect(), work.clone());

    let mut said: Vec<(String, Output)> = Vec::new();
    for format in ["text", "json"] {
        let plan = stage.with_playbook(&["plan", "--format", format], Path::new(PLAYBOOK)).await;
        said.push((format!("plan as {format}"), plan));
    }
    let ran = stage.with_playbook(&["-vv", "run", "--yes"], Path::new(PLAYBOOK)).await;
    assert_eq!(ran.status.code(), Some(0), "{}", complaint(&ran));
    said.push(("run -vv".to_owned(), ran));
    for command in ["report", "status", "list"] {
        for format in ["text", "json"] {
            let output = stage.cutover(&["-vv", command, "--format", format]).output().await.unwrap();
            said.push((format!("{command} as {format}"), output));
        }
    }
    // the sampler must be able to see what it looks for
    Command::new("sh").args(["-c", "sleep 0.5", &bait]).status().unwrap();
    let seen = sampler.end();

    let found: Vec<&String> = seen.on_command_lines.keys().collect();
    assert_eq!(found, [&bait], "{:?}", seen.on_command_lines);
    assert!(seen.rounds > 100, "{} looks are too few", seen.rounds);
    for (place, output) in &said {
        assert!(output.status.success() && !output.stdout.is_empty(), "{place}: {}", complaint(output));
        assert_without(&words, place, &output.stdout);
        assert_without(&words, &format!("{place}, stderr"), &output.stderr);
    }

    assert!(seen.option_files.values().any(|(_, holds)| *holds), "{:?}", seen.option_files);
    for (path, (mode, _)) in &seen.option_files {
        assert_eq!(*mode, 0o600, "{}", path.display());
        assert!(!path.exists(), "{} is still there", path.display());
    }
    let state = stage.state();
    assert_eq!(mode(&state), 0o700);
    let kept = files(&state);
    assert!(kept.iter().any(|path| path.ends_with("journal.sqlite")), "{kept:?}");
    for path in kept.iter().filter(|path| path.to_string_lossy().contains("journal.sqlite")) {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    // the servers' own configuration and its backups, the application's, and all that is left on the hosts
    let sandbox = &stage.sandbox;
    let beside = [sandbox.source.dir(), sandbox.target.dir()].map(|dir| std::fs::read_dir(dir).unwrap());
    let beside = beside.into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_file());
    let left = files(&work).into_iter().chain(beside).chain([sandbox.app("db.env"), sandbox.inventory()]);
    for path in kept.into_iter().chain(left) {
        assert_without(&words, &path.display().to_string(), &std::fs::read(&path).unwrap());
    }
}
