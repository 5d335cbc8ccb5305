//! The recipes for code hosts: their very lines are run in a fresh repository made by `init`, and the documentation
//! shows the very files. Programs that talk to a code host are replaced by ones that write down what they were asked.

use crate::desk::{changed, program, text};
use cutover::playbook::document::Document;
use cutover::playbook::node::{Node, Value};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Writes down its arguments, one a line, its input, and the plan as it was when it was called.
const SCRIBE: &str = "#!/bin/sh\nout=$ASKED/${0##*/}\nprintf '%s\\n' \"$@\" > \"$out.arguments\"\n\
                      case \" $* \" in *' @- '*) cat > \"$out.input\" ;; esac\ncp plan.md \"$out.plan\"\n";

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
        for name in ["gh", "curl"] {
            let path = repository.folder.path().join("bin").join(name);
            std::fs::write(&path, SCRIBE).unwrap();
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
    /// What a stand-in wrote down.
    fn asked(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("asked").join(name)).unwrap()
    }
    fn run(&self, argv: &[&str], variables: &[(&str, &str)]) -> Output {
        let path = format!("{}:{}", self.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(argv[0]);
        command.args(&argv[1..]).current_dir(self.root()).env("PATH", path).env("NO_COLOR", "1").env_remove("RUST_LOG");
        command
            .env("ASKED", self.folder.path().join("asked"))
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

const PULL_REQUEST: &[(&str, &str)] = &[("PULL_REQUEST", "7"), ("RUN_URL", "https://host.example/run")];
const MERGE_REQUEST: &[(&str, &str)] = &[
    ("CUTOVER_TOKEN", "hunter2"),
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
    let plan = repository.read("plan.md");
    assert!(plan.contains("replication-swap") && plan.contains("FLUSH TABLES WITH READ LOCK"), "{plan}");
    assert_eq!(std::fs::read_to_string(repository.folder.path().join("summary")).unwrap(), plan);
    succeeded(&repository.github_step("Comment", PULL_REQUEST));
    let arguments = repository.asked("gh.arguments");
    assert_eq!(arguments.lines().take(5).collect::<Vec<_>>(), ["pr", "comment", "7", "--body-file", "plan.md"]);
    if plan.len() <= 65_000 {
        assert_eq!(repository.asked("gh.plan"), plan);
    } else {
        assert!(repository.asked("gh.plan").contains("(https://host.example/run)"));
    }
}

#[test]
fn github_says_so_in_place_of_a_plan_that_is_too_long() {
    let repository = Repository::make();
    repository.write("plan.md", &"x".repeat(70_000));
    succeeded(&repository.github_step("Comment", PULL_REQUEST));
    let said = repository.asked("gh.plan");
    assert!(said.len() < 200 && said.contains("(https://host.example/run)"), "{said}");
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
    let arguments = repository.asked("curl.arguments");
    assert!(arguments.contains("https://host.example/api/v4/projects/3/merge_requests/7/notes\n"), "{arguments}");
    assert!(arguments.contains("body@plan.md\n") && !arguments.contains("hunter2"), "{arguments}");
    assert_eq!(repository.asked("curl.input"), "PRIVATE-TOKEN: hunter2\n");
    let plan = repository.asked("curl.plan");
    assert!(plan.contains("replication-swap") && plan.contains("FLUSH TABLES WITH READ LOCK"), "{plan}");
}

#[test]
fn gitlab_without_a_token_leaves_the_plan_and_refuses_a_bad_idea() {
    let repository = Repository::make();
    succeeded(&repository.gitlab_job(&[]));
    assert!(repository.root().join("plan.md").is_file());
    assert!(!repository.folder.path().join("asked/curl.arguments").exists());
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
    repository.write("plan.md", "x");
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
