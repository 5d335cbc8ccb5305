//! Every route without a token, with a wrong one, with one that may too little, and from another site.

use super::call::{Answer, call, get};
use super::served::{Served, serve};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const PLAYBOOK: &str = "version: 1\nname: ask\nsteps:\n  - { id: go, uses: approve, with: { message: Go on? } }\n  \
                        - { id: after, needs: [go], uses: command, with: { host: local, run: [echo, hi] } }\n";
const ACTS: [&str; 3] = ["/runs/RUN/steps/go/decision", "/rehearse", "/schedules/weekly/start"];
const SAME: &str = "Sec-Fetch-Site: same-origin";

/// A run that waits for an answer.
#[allow(clippy::zombie_processes, reason = "whoever called ends it; where that fails, the test process ends soon")]
pub fn waiting(state: &Path, playbook: &str) -> (Child, String) {
    let folder = state.parent().unwrap();
    std::fs::write(folder.join("playbook.yaml"), playbook).unwrap();
    std::fs::write(folder.join("inventory.yaml"), "hosts: { local: {} }\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(["run", "playbook.yaml", "-i", "inventory.yaml", "--state"]).arg(state).current_dir(folder);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    loop {
        let status = Command::new(env!("CARGO_BIN_EXE_cutover"))
            .args(["status", "--format", "json", "--state"])
            .arg(state)
            .output()
            .unwrap();
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
        if status["steps"][0]["status"] == "waiting" {
            return (child, status["run"].as_str().unwrap().to_owned());
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{status}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn log_in(address: SocketAddr, token: &str) -> Answer {
    call(address, "POST", "/login", &[SAME], &format!("token={token}"))
}

#[test]
fn nobody_acts_without_a_token_of_someone_who_may() {
    let mut run = None;
    let served = Served::new(&["--playbooks", "playbooks"], |before| run = Some(waiting(&before.state, PLAYBOOK)));
    let (mut child, run) = run.unwrap();
    let post = |path: &str, more: &[&str]| {
        let word = if path.contains("decision") { "approve" } else { path.rsplit('/').nth(1).unwrap() };
        let word = if word.is_empty() { "rehearse" } else { word };
        let form = format!("answer=yes&playbook=failback.yaml&confirm={word}");
        let answer = call(served.address, "POST", &path.replace("RUN", &run), more, &form);
        (answer.status, answer.body)
    };
    let bearer = |token: &str| format!("Authorization: Bearer {token}");
    for path in ACTS {
        assert_eq!(post(path, &[]).0, 401, "{path}");
        assert_eq!(post(path, &[SAME]).0, 401, "{path}");
        assert_eq!(
            post(path, &["Cookie: cutover=0123"]).0,
            403,
            "{path}: a cookie, and nothing says where the form stood"
        );
        assert_eq!(post(path, &[&bearer("cutover_wrong")]).0, 401, "{path}");
    }
    // who may approve may not start
    assert_eq!(post("/rehearse", &[&bearer(&served.ola)]).0, 403);
    assert_eq!(post("/schedules/weekly/start", &[&bearer(&served.ola)]).0, 403);
    assert_eq!(post("/schedules/weekly/start", &[&bearer(&served.anna)]).0, 404);
    assert_eq!(post("/rehearse", &[&bearer(&served.anna)]).0, 409, "a run is going on");
    assert_eq!(post("/runs/RUN/steps/after/decision", &[&bearer(&served.ola)]).0, 409);
    assert_eq!(post("/runs/RUN/steps/none/decision", &[&bearer(&served.ola)]).0, 404);
    assert_eq!(post("/runs/none/steps/go/decision", &[&bearer(&served.ola)]).0, 404);
    let bare = |path: &str, form: &str| {
        let path = path.replace("RUN", &run);
        call(served.address, "POST", &path, &[&bearer(&served.anna)], form)
    };
    for (path, form, word) in [
        (ACTS[0], "answer=yes", "approve"),
        (ACTS[0], "answer=yes&confirm=refuse", "approve"),
        (ACTS[0], "answer=yes&confirm=yes", "approve"),
        (ACTS[0], "answer=no&confirm=approve", "refuse"),
        (ACTS[1], "playbook=failback.yaml", "rehearse"),
        (ACTS[2], "", "weekly"),
        (ACTS[2], "confirm=rehearse", "weekly"),
    ] {
        let refused = bare(path, form);
        assert_eq!(refused.status, 422, "{path} {form}");
        let said = format!("`confirm` must be `{word}`");
        assert!(refused.body.contains("nothing was done") && refused.body.contains(&said), "{}", refused.body);
    }
    assert!(child.try_wait().unwrap().is_none(), "nothing of all this was an answer");
    assert!(get(served.address, &format!("/runs/{run}")).body.contains("cutover approve"));
    assert_eq!(post(ACTS[0], &[&bearer(&served.ola)]).0, 204);
    assert!(child.wait().unwrap().success());
    assert!(get(served.address, &format!("/runs/{run}")).body.contains("approved by ola"));
}

#[test]
fn a_form_of_another_site_or_session_is_refused() {
    let mut run = None;
    let served = Served::new(&[], |before| run = Some(waiting(&before.state, PLAYBOOK)));
    let (mut child, run) = run.unwrap();
    let logged_in = log_in(served.address, &served.ola);
    assert_eq!((logged_in.status, logged_in.header("location")), (303, Some("/")));
    let set = logged_in.header("set-cookie").unwrap();
    assert!(set.contains("; HttpOnly; SameSite=Strict") && !set.contains(&served.ola), "{set}");
    let cookie = format!("Cookie: {}", logged_in.cookie());
    let page = call(served.address, "GET", &format!("/runs/{run}"), &[&cookie], "");
    let (key, path) = (page.form_key(), format!("/runs/{run}/steps/go/decision"));
    let post =
        |more: &[&str], form: &str| call(served.address, "POST", &path, &[&[cookie.as_str()], more].concat(), form);
    let form = format!("answer=yes&confirm=approve&form_key={key}");
    for site in [
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: none",
        "Origin: http://evil.example",
        "Origin: null",
    ] {
        assert_eq!(post(&[site], &form).status, 403, "{site}");
    }
    assert_eq!(post(&[], &form).status, 403);
    let other = log_in(served.address, &served.anna);
    let other = format!("Cookie: {}", other.cookie());
    let theirs = call(served.address, "GET", &format!("/runs/{run}"), &[&other], "").form_key();
    for key in ["", "0123", &theirs] {
        assert_eq!(post(&[SAME], &format!("answer=yes&form_key={key}")).status, 403, "key {key}");
    }
    assert_eq!(post(&[SAME], &format!("answer=perhaps&form_key={key}")).status, 422);
    assert_eq!(post(&[SAME], &format!("{form}&plan=0123")).status, 409, "another plan than the one shown");
    assert!(child.try_wait().unwrap().is_none(), "nothing of all this was an answer");
    // logging out ends the session, not only the cookie
    let left = call(served.address, "POST", "/logout", &[&other, SAME], &format!("form_key={theirs}"));
    assert_eq!(left.status, 303);
    assert!(!call(served.address, "GET", "/", &[&other], "").body.contains("anna"));
    let answered = post(
        &["Origin: http://evil.example", SAME],
        &format!("answer=no&confirm=refuse&reason=<b>not+now&form_key={key}"),
    );
    assert_eq!((answered.status, answered.header("location")), (303, Some(format!("/runs/{run}").as_str())));
    assert_eq!(child.wait().unwrap().code(), Some(5));
    let page = get(served.address, &format!("/runs/{run}")).body;
    assert!(page.contains("refused by ola: &lt;b&gt;not now") && !page.contains("<b>not now"), "{page}");
}

#[test]
fn who_tries_tokens_is_held_up_and_whoever_is_taken_out_is_out() {
    let served = Served::new(&[], |_| {});
    let cookie = format!("Cookie: {}", log_in(served.address, &served.anna).cookie());
    assert!(call(served.address, "GET", "/", &[&cookie], "").body.contains("anna"));
    for _ in 0..10 {
        assert_eq!(log_in(served.address, "cutover_guess").status, 401);
    }
    let barred = log_in(served.address, &served.anna);
    assert_eq!((barred.status, barred.header("retry-after")), (429, Some("60")));
    let bearer = format!("Authorization: Bearer {}", served.anna);
    assert_eq!(call(served.address, "GET", "/", &[&bearer], "").status, 429);
    assert!(call(served.address, "GET", "/", &[&cookie], "").body.contains("anna"), "who is in already is not held up");
    std::fs::write(served.folder.path().join("people.yaml"), "version: 1\npeople: {}\n").unwrap();
    assert!(call(served.address, "GET", "/", &[&cookie], "").body.contains("read-only"));
}

#[test]
fn a_browser_may_do_nothing_but_what_the_page_needs() {
    let served = Served::new(&[], |_| {});
    for path in ["/", "/login", "/metrics", "/assets/page.css", "/assets/page.js", "/assets/icon.svg", "/none"] {
        let answer = get(served.address, path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(!answer.body.contains(" style=\"") && !answer.body.contains("<style"), "{path}");
    }
    assert_eq!(get(served.address, "/none").status, 404);
    assert_eq!(get(served.address, "/runs/..%2F..%2Fetc%2Fpasswd").status, 404);
    // a name that another site has made to mean this machine
    for (host, status) in [
        ("evil.example", 421),
        ("localhost", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:80", 200),
        ("127.0.0.1.evil.example", 421),
    ] {
        assert_eq!(call(served.address, "GET", "/", &[&format!("Host: {host}")], "").status, status, "{host}");
    }
}

#[test]
fn without_people_everything_can_be_read_and_nothing_done() {
    let folder = tempfile::tempdir().unwrap();
    let (mut process, address) = serve(&folder.path().join("state"), &[]);
    assert_eq!(get(address, "/").status, 200);
    assert_eq!(get(address, "/login").status, 404);
    for path in ACTS {
        assert_eq!(call(address, "POST", path, &["Authorization: Bearer x"], "answer=yes").status, 401, "{path}");
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn other_machines_reach_it_by_tls_or_a_proxy_alone() {
    let folder = tempfile::tempdir().unwrap();
    let serve = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(["serve", "--listen", "0.0.0.0:0", "--state"]).arg(folder.path()).args(more).output().unwrap()
    };
    let refused = serve(&[]);
    assert_eq!(refused.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--behind-proxy"));
    assert_eq!(serve(&["--tls-cert", "none.pem"]).status.code(), Some(2), "a certificate without its key");
    assert_eq!(serve(&["--tls-cert", "none.pem", "--tls-key", "none.key"]).status.code(), Some(5));
}
