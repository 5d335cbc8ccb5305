//! The recipes for code hosts: their very lines are run in a fresh repository made by `init`, and the documentation
//! shows the very files. Programs that talk to a code host are replaced by ones that write down what they were asked.

use crate::review::comments::{CURL, GH};
use crate::review::desk::{changed, program, text};
use cutover::playbook::document::Document;
use cutover::playbook::node::{Node, Value};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

struct Repository {
    folder: TempDir,
}

impl Repository {
    fn make() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["bin", "asked"] {
            std::fs::create_dir(repository.folder.path().join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cutover"), repository.folder.path().join("bin/cutover"))
            .unwrap();
        std::fs::write(repository.folder.path().join("asked/comments"), "[]").unwrap();
        for (name, stand_in) in [("gh", GH), ("curl", CURL)] {
            let path = repository.folder.path().join("bin").join(name);
            std::fs::write(&path, stand_in).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert!(program().arg("init").arg(repository.root()).output().unwrap().status.success());
        for arguments in [
            &["init", "-q"][..],
            &["add", "."],
            &["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-qm", "one"],
        ] {
            assert!(Command::new("git").args(arguments).current_dir(repository.root()).status().unwrap().success());
        }
        repository
    }
    fn root(&self) -> PathBuf {
        self.folder.path().join("repository")
    }
    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.root().join(name)).unwrap()
    }
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.root().join(name), text).unwrap();
    }
    /// The bodies of the comments on the code host.
    fn comments(&self) -> Vec<String> {
        let comments: Vec<serde_json::Value> = serde_json::from_str(&self.asked("comments")).unwrap();
        comments.iter().map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
    }
    /// What a stand-in wrote down.
    fn asked(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("asked").join(name)).unwrap()
    }
    fn run(&self, argv: &[&str], variables: &[(&str, &str)]) -> Output {
        let path = format!("{}:{}", self.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(argv[0]);
        command.args(&argv[1..]).current_dir(self.root()).env("PATH", path).env("NO_COLOR", "1").env_remove("RUST_LOG");
        command
            .env("DESK", self.folder.path().join("asked"))
            .env("GITHUB_STEP_SUMMARY", self.folder.path().join("summary"));
        command.envs(variables.iter().copied()).output().unwrap()
    }
    /// As a GitHub runner calls a step's script.
    fn github_step(&self, name: &str, variables: &[(&str, &str)]) -> Output {
        let workflow = Document::parse("workflow", &self.read(".github/workflows/cutover.yml")).unwrap();
        let steps = workflow.root.at("jobs.plan.steps");
        let Value::Seq(steps) = &steps.value else { panic!("{steps:?}") };
        let step = steps.iter().find(|step| step.get("name").and_then(Node::as_str) == Some(name)).unwrap();
        let script = step.get("run").and_then(Node::as_str).unwrap();
        self.run(&["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], variables)
    }
    /// As a GitLab runner calls a job's script: all entries in one shell.
    fn gitlab_job(&self, variables: &[(&str, &str)]) -> Output {
        let pipeline = Document::parse("pipeline", &self.read(".gitlab-ci.yml")).unwrap();
        let Value::Seq(entries) = &pipeline.root.at("cutover.script").value else { panic!("no script") };
        let script: Vec<&str> = entries.iter().map(|entry| entry.as_str().unwrap()).collect();
        self.run(&["bash", "-eo", "pipefail", "-c", &script.join("\n")], variables)
    }
    fn pre_commit(&self) -> Output {
        let config = Document::parse("config", &self.read(".pre-commit-config.yaml")).unwrap();
        let entry = config.root.at("repos.0.hooks.0.entry").as_str().unwrap();
        let argv = shell_words::split(entry).unwrap();
        self.run(&argv.iter().map(String::as_str).collect::<Vec<_>>(), &[])
    }
    /// Takes the deadline away, which is a warning.
    fn damage(&self) {
        let path = "playbooks/replication_swap.yaml";
        self.write(path, &changed(&self.read(path), "    deadline: 10s\n", ""));
    }
}

const PLAN: &str = "plans/replication_swap.md";
const PULL_REQUEST: &[(&str, &str)] = &[("PULL_REQUEST", "7"), ("GH_REPO", "a/b"), ("AUTHOR", "github-actions[bot]")];
const MERGE_REQUEST: &[(&str, &str)] = &[
    ("CUTOVER_TOKEN", "secret-token"),
    ("CI_API_V4_URL", "https://host.example/api/v4"),
    ("CI_PROJECT_ID", "3"),
    ("CI_MERGE_REQUEST_IID", "7"),
];

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn github_checks_plans_and_comments() {
    let repository = Repository::make();
    assert_eq!(succeeded(&repository.github_step("Check", &[])), "");
    succeeded(&repository.github_step("Plan", &[]));
    let plan = repository.read(PLAN);
    assert!(plan.contains("replication-swap") && plan.contains("FLUSH TABLES WITH READ LOCK"), "{plan}");
    assert!(plan.encode_utf16().count() <= 65_000, "a comment holds no more");
    assert_eq!(std::fs::read_to_string(repository.folder.path().join("summary")).unwrap(), plan);
    for _ in 0..2 {
        assert_eq!(succeeded(&repository.github_step("Comment", PULL_REQUEST)), "");
        assert_eq!(repository.comments(), [plan.as_str()], "one comment, however many pushes");
    }
}

#[test]
fn github_refuses_a_bad_idea_and_says_where() {
    let repository = Repository::make();
    repository.damage();
    let output = repository.github_step("Check", &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).starts_with("::warning file=playbooks/replication_swap.yaml,line="), "{output:?}");
}

#[test]
fn gitlab_checks_plans_and_comments() {
    let repository = Repository::make();
    succeeded(&repository.gitlab_job(MERGE_REQUEST));
    let plan = repository.read(PLAN);
    assert!(plan.contains("replication-swap") && plan.contains("FLUSH TABLES WITH READ LOCK"), "{plan}");
    succeeded(&repository.gitlab_job(MERGE_REQUEST));
    assert_eq!(repository.comments(), [plan], "one note, however many pushes");
    let calls = repository.asked("calls");
    assert!(calls.contains("POST https://host.example/api/v4/projects/3/merge_requests/7/notes\n"), "{calls}");
    assert!(!calls.contains("secret-token"), "{calls}");
}

#[test]
fn gitlab_without_a_token_leaves_the_plan_and_refuses_a_bad_idea() {
    let repository = Repository::make();
    succeeded(&repository.gitlab_job(&[]));
    assert!(repository.root().join(PLAN).is_file());
    assert!(!repository.folder.path().join("asked/calls").exists());
    repository.damage();
    let output = repository.gitlab_job(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("C007"), "{output:?}");
}

#[test]
fn pre_commit_passes_and_refuses() {
    let repository = Repository::make();
    succeeded(&repository.pre_commit());
    repository.damage();
    assert_eq!(repository.pre_commit().status.code(), Some(2));
}

/// A run's own files do not get into git.
#[test]
fn what_runs_leave_is_ignored() {
    let repository = Repository::make();
    std::fs::create_dir(repository.root().join("state")).unwrap();
    repository.write("state/journal.db", "x");
    std::fs::create_dir(repository.root().join("plans")).unwrap();
    repository.write(PLAN, "x");
    repository.write("change.plan.json", "{}");
    let said = succeeded(&repository.run(&["git", "status", "--porcelain"], &[]));
    assert_eq!(said, "");
}

#[test]
fn the_documentation_shows_the_files() {
    let repository = Repository::make();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for (page, file) in [
        ("github-actions.md", ".github/workflows/cutover.yml"),
        ("gitlab-ci.md", ".gitlab-ci.yml"),
        ("pre-commit.md", ".pre-commit-config.yaml"),
    ] {
        let shown = std::fs::read_to_string(docs.join(page)).unwrap();
        assert!(
            shown.contains(&format!("```yaml\n{}```\n", repository.read(file))),
            "docs/{page} shows another {file}"
        );
    }
}
