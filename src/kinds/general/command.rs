//! `command`: runs a program of the user's on a host.

use crate::domain::Script;
use crate::domain::marker;
use crate::effects::telling_lines;
use crate::error::{Failure, Result};
use crate::kinds::role::{Role, RunsUsersProgram};
use crate::kinds::support::place::{is_installed, is_there};
use crate::kinds::{Action, Complaint, Ctx, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    Output {
        name: "stdout",
        kind: OutputType::Text,
        about: "What the program printed, without the last newline; at most the first 64 KiB.",
    },
    Output { name: "code", kind: OutputType::Integer, about: "Exit code of the program: 0." },
];

/// Programs that only read.
const LOOKS: [&str; 31] = [
    "[",
    "cat",
    "date",
    "df",
    "dig",
    "du",
    "echo",
    "env",
    "false",
    "free",
    "getent",
    "grep",
    "head",
    "hostname",
    "id",
    "ls",
    "nproc",
    "ping",
    "printf",
    "ps",
    "pwd",
    "sha256sum",
    "sleep",
    "ss",
    "stat",
    "tail",
    "test",
    "true",
    "uname",
    "uptime",
    "wc",
];

/// Runs a program on a host. Every exit code except 0 is a failure.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The program of `undo` is run, if there is one.",
    "examples" = [{ "host": "new", "run": ["systemctl", "stop", "shop-worker"], "undo": ["systemctl", "start", "shop-worker"] }]
))]
pub struct Command {
    /// Host that the program runs on.
    #[schemars(extend("format" = "host"))]
    host: String,
    /// Program and arguments, run without a shell. For a shell, use `[sh, -c, "..."]`.
    #[schemars(length(min = 1))]
    run: Vec<String>,
    /// Program and arguments that undo it.
    #[serde(default)]
    undo: Vec<String>,
    /// File that the program creates: if it exists, the program is not run.
    #[serde(default)]
    creates: Option<String>,
    /// Whether the program may run a second time. If not, a resume keeps a recorded success; when the runner died while
    /// the program ran, the step fails and `on_failure` decides.
    #[serde(default = "yes")]
    repeatable: bool,
}

fn yes() -> bool {
    true
}

/// Lines of a complaint that a failure shows.
const SHOWN_LINES: usize = 20;

impl Command {
    /// Whether the program may change something.
    fn changes(&self) -> bool {
        let program = self.run.first().map_or("", String::as_str);
        !LOOKS.contains(&program.rsplit('/').next().unwrap_or_default())
    }

    async fn run(&self, cx: &Ctx<'_>, argv: &[String]) -> Result<(String, i64)> {
        let ran = cx.fx.host(&self.host).await?.run_whole(&Script::words(argv)).await?;
        let stdout = cx.fx.secrets().scrub(&String::from_utf8_lossy(&ran.stdout));
        match ran.code {
            Some(0) => Ok((stdout.trim_end_matches('\n').to_owned(), 0)),
            code => {
                let how =
                    code.map_or("it was ended by a signal".to_owned(), |code| format!("it exited with code {code}"));
                let words = telling_lines(&cx.fx.secrets().scrub(ran.stderr.trim()), SHOWN_LINES);
                let attempted = format!("run `{}`", shell_words::join(argv));
                let answer =
                    if words.is_empty() { format!("{how} and printed nothing") } else { format!("{how}: {words}") };
                Err(Failure::permanent(attempted, answer).at(&self.host))
            }
        }
    }
}

impl Command {
    /// The fact that other programs may be on the host than before.
    fn fact(&self) -> String {
        format!("{}.programs", self.host)
    }

    /// Programs that can be looked for by their names, with their fields.
    fn programs(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let named = |word: &&String| !word.contains('/') && marker::find(word).next().is_none();
        let both = [("run", &self.run), ("undo", &self.undo)].into_iter();
        both.filter_map(move |(field, argv)| Some((field, argv.first().filter(named)?)))
    }

    async fn is_there(&self, cx: &Ctx<'_>, field: &str, word: &str) -> Result<()> {
        let host = cx.fx.host(&self.host).await?;
        if host.succeeds(&is_installed(word)).await? {
            return Ok(());
        }
        Err(Failure::refused(format!("run `{word}` later in this run"), format!("program `{word}` not found"))
            .at(&self.host)
            .now("nothing was touched")
            .help(format!("correct `{field}`, or install it there")))
    }
}

#[async_trait]
impl Step for Command {
    fn reversibility(&self) -> Reversibility {
        if self.undo.is_empty() { Reversibility::NothingToUndo } else { Reversibility::Reversible }
    }

    fn roles(&self) -> Vec<Role> {
        vec![RunsUsersProgram { changes: self.changes(), has_undo: !self.undo.is_empty() }.into()]
    }
    fn preview(&self, _: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        if self.run.is_empty() {
            return Err(vec![Complaint::new("run", "there is no program to run").help("run: [echo, hi]")]);
        }
        let secret = |word: &String| marker::find(word).any(|(_, inside)| inside.starts_with("secret "));
        for (field, argv) in [("run", &self.run), ("undo", &self.undo)] {
            if let Some(index) = argv.iter().position(secret) {
                let message = "the secret would be on a command line, where every user of the host can read it";
                let help =
                    "write the secret to a file with a `render` step and mode 0600, and let the program read that file";
                return Err(vec![Complaint::new(format!("{field}.{index}"), message).help(help)]);
            }
        }
        let command = Action::command(&self.host, Script::words(&self.run));
        Ok(match &self.creates {
            Some(path) => {
                vec![Action::look(&self.host, is_there(path)), Action::note("only if it does not exist:"), command]
            }
            None => vec![command],
        })
    }
    fn preview_undo(&self, _: &World) -> Vec<Action> {
        if self.undo.is_empty() { Vec::new() } else { vec![Action::command(&self.host, Script::words(&self.undo))] }
    }
    fn questions(&self, _: &World) -> Vec<Action> {
        self.programs().map(|(_, word)| Action::look(&self.host, is_installed(word))).collect()
    }
    fn unproved(&self, _: &World) -> Vec<String> {
        let mut unproved = vec!["what the program does: exit code 0 counts as done".to_owned()];
        if self.undo.is_empty() {
            unproved.push("this step declares no `undo`".to_owned());
        }
        unproved
    }
    fn settles(&self, _: &World) -> Vec<String> {
        vec![self.fact()]
    }
    /// Whether the programs are there. What an earlier program may install, and a path, is not looked for.
    async fn inspect(&self, cx: &Ctx<'_>, settled: &BTreeSet<String>) -> Vec<Failure> {
        let mut failures = Vec::new();
        if settled.contains(&self.fact()) {
            return failures;
        }
        for (field, word) in self.programs() {
            failures.extend(self.is_there(cx, field, word).await.err());
        }
        failures
    }
    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        if let Some(path) = &self.creates
            && cx.fx.host(&self.host).await?.succeeds(&is_there(path)).await?
        {
            return Ok(Probe::Done(Outputs::from_iter([
                ("stdout".to_owned(), "".into()),
                ("code".to_owned(), 0.into()),
            ])));
        }
        if self.repeatable {
            return Ok(Probe::NotDone);
        }
        let words = shell_words::join(&self.run);
        Ok(Probe::Unknown(
            Failure::permanent(format!("run `{words}` again"), "it may already have run before the runner died")
                .at(&self.host)
                .help("check whether the program has done its work; the step is marked `repeatable: false`"),
        ))
    }
    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        if self.creates.is_some()
            && let Probe::Done(outputs) = self.probe(cx).await?
        {
            cx.progress.note("already done");
            return Ok(outputs);
        }
        let (stdout, code) = self.run(cx, &self.run).await?;
        Ok(Outputs::from_iter([("stdout".to_owned(), stdout.into()), ("code".to_owned(), code.into())]))
    }
    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        if self.undo.is_empty() { Ok(()) } else { self.run(cx, &self.undo).await.map(drop) }
    }
}
