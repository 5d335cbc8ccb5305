//! The scripts of the scaffold's workflows that put plans into comments, run against a code host that is played by files:
//! each plan has a comment of its own, which the next push brings up to date, and nobody else's is touched.

use crate::review::desk::text;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// `gh api`, as far as the script needs it: comments stand in a file.
pub const GH: &str = r#"#!/bin/sh
set -eu
method=GET jq='' body='' path=''
while [ $# -gt 0 ]; do
  case $1 in
    api|--paginate) ;;
    --method) method=$2; shift ;;
    --jq) jq=$2; shift ;;
    -F) body=${2#body=@}; shift ;;
    *) path=$1 ;;
  esac
  shift
done
printf '%s %s\n' "$method" "$path" >> "$DESK/calls"
case $method in
  GET) jq -r "$jq" < "$DESK/comments" ;;
  PATCH) jq --argjson id "${path##*/}" --rawfile body "$body" \
    'map(if .id == $id then .body = $body else . end)' < "$DESK/comments" > "$DESK/new" ;;
  POST) jq --rawfile body "$body" \
    '. + [{ id: (length + 100), user: { login: "github-actions[bot]" }, body: $body }]' < "$DESK/comments" > "$DESK/new" ;;
esac
[ "$method" = GET ] || mv "$DESK/new" "$DESK/comments"
"#;

/// `curl` to GitLab, as far as the script needs it: two notes a page, and the token on standard input.
pub const CURL: &str = r#"#!/bin/sh
set -eu
case "$*" in *secret-token*) echo 'the token is on the command line' >&2; exit 2 ;; esac
cat > "$DESK/input"
grep -qx 'PRIVATE-TOKEN: secret-token' "$DESK/input" || exit 2
method=GET body='' path=''
while [ $# -gt 0 ]; do
  case $1 in
    --fail|--silent|--show-error) ;;
    --header|--output) shift ;;
    --request) method=$2; shift ;;
    --data-urlencode) body=${2#body@}; [ "$method" = PUT ] || method=POST; shift ;;
    *) path=$1 ;;
  esac
  shift
done
printf '%s %s\n' "$method" "$path" >> "$DESK/calls"
case "$method $path" in
  *"/user") echo '{ "id": 7 }' ;;
  GET*) page=${path##*page=}; jq --argjson page "$page" '.[(($page - 1) * 2):($page * 2)]' < "$DESK/comments" ;;
  PUT*) jq --argjson id "${path##*/}" --rawfile body "$body" \
    'map(if .id == $id then .body = $body else . end)' < "$DESK/comments" > "$DESK/new" ;;
  POST*) jq --rawfile body "$body" '. + [{ id: (length + 100), author: { id: 7 }, body: $body }]' \
    < "$DESK/comments" > "$DESK/new" ;;
esac
[ "$method" = GET ] || mv "$DESK/new" "$DESK/comments"
"#;

/// The last block of commands in a workflow, without its indent.
fn script(workflow: &str, begin: &str) -> String {
    let lines: Vec<&str> = workflow[workflow.rfind(begin).unwrap() + begin.len()..].lines().skip(1).collect();
    let indent = lines[0].len() - lines[0].trim_start().len();
    let own = lines.iter().take_while(|line| line.trim().is_empty() || line.len() - line.trim_start().len() >= indent);
    own.map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

struct Host {
    folder: TempDir,
    script: String,
}

impl Host {
    fn new(program: &str, stand_in: &str, script: String, comments: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for sub in ["bin", "plans"] {
            std::fs::create_dir(folder.path().join(sub)).unwrap();
        }
        let path = folder.path().join("bin").join(program);
        std::fs::write(&path, stand_in).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(folder.path().join("comments"), comments.to_string()).unwrap();
        Self { folder, script }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn plan(&self, name: &str, body: &str) {
        let plan = format!("<!-- cutover plan: {name} -->\n{body}\n");
        std::fs::write(self.path("plans").join(format!("{name}.md")), plan).unwrap();
    }
    /// Runs the script as a runner does: it stops at the first command that fails.
    fn push(&self, variables: &[(&str, &str)]) -> Vec<(u64, String)> {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        shell.args(["-e", "-c", &self.script]).current_dir(self.folder.path()).env("PATH", path);
        let output = shell.env("DESK", self.folder.path()).envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
        let comments: Vec<Value> = serde_json::from_str(&read(&self.path("comments"))).unwrap();
        comments.iter().map(|c| (c["id"].as_u64().unwrap(), c["body"].as_str().unwrap().to_owned())).collect()
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Two pushes beside comments that only look like ours. Gives back the calls.
fn two_pushes(host: &Host, variables: &[(&str, &str)], others: usize) -> String {
    host.plan("swap", "one");
    host.plan("swap-back", "two");
    let before = host.push(variables);
    assert_eq!(before.len(), others + 2);
    host.plan("swap", "changed");
    let after = host.push(variables);
    assert_eq!(after.len(), others + 2, "no second comment for the same plan");
    assert_eq!(before[..others], after[..others], "nobody else's comment is touched");
    let bodies: Vec<&str> = after[others..].iter().map(|(_, body)| body.as_str()).collect();
    assert!(bodies.contains(&"<!-- cutover plan: swap -->\nchanged\n"), "{bodies:?}");
    assert!(bodies.contains(&"<!-- cutover plan: swap-back -->\ntwo\n"), "{bodies:?}");
    read(&host.path("calls"))
}

#[test]
fn github_finds_its_own_comment_by_author_and_marker() {
    let workflow = include_str!("../../src/cli/init/github.yml");
    let comments = json!([
        { "id": 1, "user": { "login": "anna" }, "body": "<!-- cutover plan: swap -->\nquoted by a person" },
        { "id": 2, "user": { "login": "github-actions[bot]" }, "body": "the bot of another workflow" },
        { "id": 3, "user": { "login": "github-actions[bot]" }, "body": "<!-- cutover plan: swapped -->\r\nof another plan" },
    ]);
    let host = Host::new("gh", GH, script(workflow, "run: |"), &comments);
    let variables = [("GH_REPO", "a/b"), ("PULL_REQUEST", "9"), ("AUTHOR", "github-actions[bot]")];
    let calls = two_pushes(&host, &variables, 3);
    assert_eq!(calls.matches("POST repos/a/b/issues/9/comments\n").count(), 2, "{calls}");
    assert_eq!(calls.matches("PATCH repos/a/b/issues/comments/10").count(), 2, "{calls}");
    assert!(workflow.contains("AUTHOR: github-actions[bot]") && !workflow.contains("--edit-last"));
}

#[test]
fn gitlab_finds_its_own_note_by_author_and_marker_on_any_page() {
    let workflow = include_str!("../../src/cli/init/gitlab.yml");
    let comments = json!([
        { "id": 1, "author": { "id": 1 }, "body": "<!-- cutover plan: swap -->\nquoted by a person" },
        { "id": 2, "author": { "id": 7 }, "body": "said by the same account elsewhere" },
        { "id": 3, "author": { "id": 2 }, "body": "hello" },
    ]);
    let host = Host::new("curl", CURL, script(workflow, "    - |"), &comments);
    let variables = [
        ("CUTOVER_TOKEN", "secret-token"),
        ("CI_API_V4_URL", "api"),
        ("CI_PROJECT_ID", "5"),
        ("CI_MERGE_REQUEST_IID", "9"),
    ];
    let calls = two_pushes(&host, &variables, 3);
    assert_eq!(calls.matches("POST api/projects/5/merge_requests/9/notes\n").count(), 2, "{calls}");
    assert_eq!(calls.matches("PUT api/projects/5/merge_requests/9/notes/10").count(), 2, "{calls}");
    let quiet = Host::new("curl", CURL, script(workflow, "    - |"), &comments);
    quiet.plan("swap", "one");
    assert_eq!(quiet.push(&[]).len(), 3, "without a token nothing is sent");
}
