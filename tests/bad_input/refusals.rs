//! Servers and hosts on which the shipped playbook cannot work: it says why, and leaves no trace.

use crate::skip::{Why, skip};
use crate::stage::{Ended, SWAP, Stage};

const REFUSED: i32 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_refused_and_changes_nothing() {
    let stage = Stage::make(2000).await;
    let mut complaints = String::new();
    let mut begun = 0;
    let mut judge = |complaint: String, changes: String| {
        begun += 1;
        complaints += &complaint;
        complaints += &changes;
    };
    let before = stage.fingerprints().await;
    for (name, ended, texts) in by_inventory(&stage) {
        judge(ended.judge(name, REFUSED, texts), marked(name, stage.changes(&before).await));
    }
    for (name, on_source, prepare, restore, texts) in BY_SERVER {
        stage.sql(*on_source, prepare).await;
        let before = stage.fingerprints().await;
        let ended = stage.run(SWAP, &stage.inventory, name).end();
        judge(ended.judge(name, REFUSED, texts), marked(name, stage.changes(&before).await));
        stage.sql(*on_source, restore).await;
    }
    judge(String::new(), marked("in the end", stage.changes(&before).await));
    assert!(complaints.is_empty(), "{complaints}");
    assert!(begun > 15, "{begun}");
}

/// The same checks as a command: a table, a document, an exit code, and nothing changed.
#[tokio::test(flavor = "multi_thread")]
async fn preflight_says_all_at_once_and_changes_nothing() {
    let stage = Stage::make(200).await;
    // an event of the shop's own writes a row every second
    stage.sql(true, &["SET GLOBAL event_scheduler = OFF", "ANALYZE TABLE shop.accounts, shop.cards"]).await;
    let before = stage.fingerprints().await;
    let ask = |format: &str| {
        stage.program("preflight").arg("-i").arg("inventory.yaml").arg("--format").arg(format).state("preflight")
    };
    let clean = ask("json").end();
    assert_eq!((clean.code, &clean.summary["block"]), (Some(0), &serde_json::json!(0)), "{}", clean.said);
    let checks = clean.summary["checks"].as_array().unwrap().clone();
    assert!(checks.len() > 40 && checks.iter().all(|check| check["evidence"].is_string()), "{checks:?}");
    assert_eq!(stage.changes(&before).await, "");

    stage.sql(true, &["SET GLOBAL binlog_row_image = 'MINIMAL'"]).await;
    let spoilt = ask("json").end();
    assert_eq!((spoilt.code, &spoilt.summary["block"]), (Some(REFUSED), &serde_json::json!(2)), "{}", spoilt.summary);
    let row_image = spoilt.summary["checks"].as_array().unwrap().iter().find(|check| check["name"] == "row_image");
    assert_eq!(row_image.unwrap()["result"], "block");
    let table = ask("text").begin().wait_with_output().unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    let lines: Vec<&str> = table.lines().rev().take(5).collect();
    assert!(lines[0].ends_with(" 2 block") && lines[1].contains("→ SET GLOBAL binlog_row_image = FULL"), "{table}");
    assert!(lines[2].starts_with("✗ steps.dump ") && lines[4].starts_with("✗ row_image "), "{table}");
    // what one check lets pass, a step may refuse all the same: the run would say so too
    let allowed = ask("json").arg("--allow").arg("row_image").end();
    assert_eq!(
        (allowed.code, &allowed.summary["block"]),
        (Some(REFUSED), &serde_json::json!(1)),
        "{}",
        allowed.summary
    );
    let unknown = ask("json").arg("--allow").arg("row_imag").end();
    assert!(unknown.code == Some(2) && unknown.words().contains("did you mean `row_image`?"), "{}", unknown.said);

    stage.write("alone.yaml", include_str!("../../playbooks/preflight_only.yaml"));
    let run = stage.program("run").arg("alone.yaml").arg("-i").arg("inventory.yaml").arg("--format").arg("json");
    let refused = run.state("alone").end();
    assert_eq!(refused.code, Some(REFUSED), "{}", refused.said);
    assert!(refused.summary["steps"][0]["failure"]["answer"].as_str().unwrap().contains("row_image: binlog_row_image"));
    stage.sql(true, &["SET GLOBAL binlog_row_image = 'FULL'"]).await;
}

fn marked(name: &str, changes: String) -> String {
    if changes.is_empty() { changes } else { format!("{name} has changed\n{changes}") }
}

/// Name, whether it is about the source, statements before, statements after, what must be said.
type ByServer<'a> = (&'a str, bool, &'a [&'a str], &'a [&'a str], &'a [&'a str]);

const BY_SERVER: &[ByServer<'_>] = &[
    (
        "statement-format",
        true,
        &["SET GLOBAL binlog_format = 'STATEMENT'"],
        &["SET GLOBAL binlog_format = 'ROW'"],
        &["its binlog_format is STATEMENT, not ROW", "SET GLOBAL binlog_format = ROW", "nothing was touched"],
    ),
    (
        "minimal-row-image",
        true,
        &["SET GLOBAL binlog_row_image = 'MINIMAL'"],
        &["SET GLOBAL binlog_row_image = 'FULL'"],
        &["its binlog_row_image is MINIMAL, not FULL"],
    ),
    (
        "not-innodb",
        true,
        &["CREATE TABLE shop.visits (id INT PRIMARY KEY) ENGINE=MyISAM"],
        &["DROP TABLE shop.visits"],
        &["these tables are not InnoDB: shop.visits (MyISAM)", "ALTER TABLE ... ENGINE=InnoDB", "nothing was touched"],
    ),
    (
        "target-not-empty",
        false,
        &["CREATE DATABASE other", "CREATE TABLE other.things (id INT PRIMARY KEY) ENGINE=InnoDB"],
        &["DROP DATABASE other"],
        &["the server is not empty: it has the table other.things", "nothing was changed"],
    ),
];

fn by_inventory(stage: &Stage) -> Vec<(&'static str, Ended, &'static [&'static str])> {
    let usual = stage.inventory.as_str();
    let ssh = |name: &str, change: &dyn Fn(&str) -> String| {
        let config = stage.dir().join("ssh/ssh_config");
        let path = stage.write(name, &change(&std::fs::read_to_string(&config).unwrap()));
        usual.replace(&format!("ssh_config: {}", config.display()), &format!("ssh_config: {}", path.display()))
    };
    let port = |config: &str| {
        let at = config.find("Host new").unwrap();
        let port = config[at..].lines().find(|line| line.trim().starts_with("Port")).unwrap().to_owned();
        format!("{}{}", &config[..at], config[at..].replacen(&port, "  Port 1", 1))
    };
    let empty = stage.write("nobody_is_known", "");
    let keys = |config: &str| {
        let known = stage.dir().join("ssh/known_hosts");
        config.replace(&format!("\"{}\"", known.display()), &format!("\"{}\"", empty.display()))
    };
    let (source, target) = (stage.sandbox.source.address(), stage.sandbox.target.address());
    let address = |old: &str, new: &str| usual.replacen(&format!("address: {old}"), &format!("address: {new}"), 1);
    let run = |name: &'static str, inventory: &str| stage.run(SWAP, inventory, name);
    let swapped = usual.replace(&source, "OTHER").replace(&target, &source).replace("OTHER", &target);
    let with_id = usual.replacen(&format!("address: {target}"), &format!("server_id: 1\n    address: {target}"), 1);
    vec![
        ("unreachable-host", run("unreachable-host", &ssh("port", &port)).end(), &["on new", "Connection refused"]),
        ("unknown-host-key", run("unknown-host-key", &ssh("keys", &keys)).end(), &["host key", "ssh-keyscan"]),
        (
            "unreachable-server",
            run("unreachable-server", &address(&target, "127.0.0.1:1")).end(),
            &["on target", "connection closed"],
        ),
        (
            "wrong-password",
            run("wrong-password", usual).env("TARGET_PASSWORD", "guessed").end(),
            &["on target", "Access denied for user 'migrate'"],
        ),
        (
            "no-binlog",
            run("no-binlog", &swapped)
                .env("SOURCE_PASSWORD", &stage.sandbox.secrets[1].1)
                .env("TARGET_PASSWORD", &stage.sandbox.secrets[0].1)
                .end(),
            &["it writes no binary log", "log_bin", "nothing was touched"],
        ),
        (
            "same-server-id-by-inventory",
            run("same-server-id-by-inventory", &with_id).end(),
            &["server `source` has the same server_id 1", "servers.target.server_id", "nothing was touched"],
        ),
        (
            "same-server-id-without-render",
            stage.run(&without_render(), usual, "same-server-id-without-render").end(),
            &["server_id 1", "on target", "nothing was touched"],
        ),
        ("slow-disk", run("slow-disk", usual).set("min_write_iops=900000000").end(), &["900000000", "on new"]),
        (
            "wrong-version",
            run("wrong-version", &usual.replacen("version: \"10.11\"", "version: \"10.6\"", 1)).end(),
            &["10.6", "10.11"],
        ),
        (
            "no-such-database",
            run("no-such-database", usual).set("databases=[shop, shpo]").end(),
            &["there is no database shpo", "on source"],
        ),
        (
            "no-restart-script",
            run("no-restart-script", &usual.replacen("config_file: ", "config_file: /nowhere", 2)).end(),
            &["its folder does not exist", "nothing was touched"],
        ),
        (
            "missing-dump-program",
            run("missing-dump-program", &usual.replacen("data_dir: ", "data_dir: /nowhere", 2)).end(),
            &["/nowhere"],
        ),
    ]
}

/// The shipped playbook without the step that gives the new server an id of its own.
fn without_render() -> String {
    let begin = SWAP.find("  # Settings for a fast load").unwrap();
    let end = SWAP.find("  # Replication between hosts is always").unwrap();
    format!("{}{}", &SWAP[..begin], &SWAP[end..])
        .replace("[import_config, account]", "[account]")
        .replace("needs: [import_config]", "needs: [disk]")
}

/// A small disk of its own for a folder; only root can make one.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(folder: std::path::PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&folder).unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size},mode=700"), "cutover-test"]).arg(&folder);
        mount.status().is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_too_small_for_the_dump_is_refused() {
    let stage = Stage::make(20_000).await;
    stage.sql(true, &["ANALYZE TABLE shop.accounts, shop.cards"]).await; // sizes are estimated from statistics
    let Some(_disk) = SmallDisk::mount(stage.dir().join("work/new"), "2m") else {
        return skip("only root can mount a small disk, so nothing was proved about one that is too small", Why::Other);
    };
    let before = stage.fingerprints().await;
    let ended = stage.run(SWAP, &stage.inventory, "small-disk").end();
    let complaint = ended.judge("small-disk", REFUSED, &["2.0 MiB", "on new", "nothing was touched"]);
    assert_eq!(complaint + &stage.changes(&before).await, "");
}
