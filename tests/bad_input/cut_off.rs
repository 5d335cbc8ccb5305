//! Dumps that end too early: killed in the middle, or cut off by a program that says all went well.

use crate::stage::{SWAP, Stage, until};
use std::path::PathBuf;
use std::process::Command;

/// A dump program that obeys a file beside it: whole, `cut` and content with itself, or `hang` in the middle. Asked what
/// it is and knows, or for the definitions alone, it answers as ever.
const WRAPPER: &str = r#"#!/bin/sh
here=$(dirname -- "$0")
PATH=${PATH#"$here":}
case " $* " in " --no-defaults "* | *" --no-data "*) exec mariadb-dump "$@" ;; esac
case $(cat "$here/mode") in
cut) mariadb-dump "$@" | head -c 100000; exit 0 ;;
hang) mariadb-dump "$@" | head -c 100000; exec sleep 300 ;;
esac
exec mariadb-dump "$@"
"#;

/// The shipped playbook up to the dump; a failure leaves everything as it is, to be looked at.
fn up_to_the_dump() -> String {
    let end = SWAP.find("  - id: import\n").unwrap();
    SWAP[..end].replace("    uses: dump\n", "    uses: dump\n    on_failure: stop\n    retry: { attempts: 1 }\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_ends_too_early_fails_and_leaves_no_file() {
    let stage = Stage::make(20_000).await;
    let mode = wrap_the_dump_program(&stage);
    let before = stage.fingerprints().await;

    std::fs::write(&mode, "cut").unwrap();
    let ended = stage.run(&up_to_the_dump(), &stage.inventory, "cut").end();
    assert_eq!(ended.judge("cut", 4, &["the dump is cut off: its last line is missing", "on new"]), "");
    nothing_left(&stage, "cut", &before).await;

    std::fs::write(&mode, "hang").unwrap();
    let running = stage.run(&up_to_the_dump(), &stage.inventory, "killed").begin();
    let pid_file = || find(&stage, "dump.pid").first().and_then(|path| std::fs::read_to_string(path).ok());
    // it hangs once the program behind it has written its part
    let hangs = |pid: &str| {
        std::fs::read(format!("/proc/{}/cmdline", pid.trim())).is_ok_and(|words| words.starts_with(b"sleep"))
    };
    until("a dump that hangs", || pid_file().is_some_and(|pid| hangs(&pid)));
    assert!(Command::new("kill").args(["-9", pid_file().unwrap().trim()]).status().unwrap().success());
    let ended = crate::stage::Ended::from(running.wait_with_output().unwrap());
    assert_eq!(ended.judge("killed", 4, &["the dump program ended with code 137", "on new"]), "");
    nothing_left(&stage, "killed", &before).await;
}

/// No file that could pass for a dump; and rolled back, no trace at all.
async fn nothing_left(stage: &Stage, state: &str, before: &[cutover::rehearsal::fingerprint::Fingerprint; 2]) {
    let finished: Vec<PathBuf> =
        find(stage, ".sql.zst").into_iter().filter(|path| path.to_string_lossy().ends_with(".sql.zst")).collect();
    assert!(finished.is_empty(), "{finished:?}");
    let ended = stage.program("rollback").state(state).arg("--format").arg("json").end();
    assert_eq!(ended.judge("rollback", 3, &[]), "");
    assert_eq!(stage.changes(before).await, "");
}

/// Puts a folder first in the path of what the new host runs, with a dump program of ours in it.
fn wrap_the_dump_program(stage: &Stage) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let bin = stage.dir().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let wrapper = stage.write("bin/mariadb-dump", WRAPPER);
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let host = stage.dir().join("ssh/new");
    let config = std::fs::read_to_string(host.join("sshd_config")).unwrap();
    let changed = config.replace("\"PATH=", &format!("\"PATH={}:", bin.display()));
    assert_ne!(config, changed);
    std::fs::write(host.join("sshd_config"), changed).unwrap();
    let pid = std::fs::read_to_string(host.join("sshd_pid")).unwrap();
    assert!(Command::new("kill").args(["-HUP", pid.trim()]).status().unwrap().success());
    let config = stage.dir().join("ssh/ssh_config");
    until("the new path", || {
        let said =
            Command::new("ssh").arg("-F").arg(&config).args(["new", "command -v mariadb-dump"]).output().unwrap();
        String::from_utf8_lossy(&said.stdout).trim() == wrapper.to_str().unwrap()
    });
    bin.join("mode")
}

/// Files in the work folder of the new host whose name contains `part`.
fn find(stage: &Stage, part: &str) -> Vec<PathBuf> {
    let said =
        Command::new("find").arg("-H").arg(stage.dir().join("work/new")).args(["-name", &format!("*{part}*")]).output();
    String::from_utf8(said.unwrap().stdout).unwrap().lines().map(PathBuf::from).collect()
}
