//! A run does on its hosts what its plan says and nothing else: every command that came to an sshd, every file that was
//! written through it, every file that is left.

mod asked;
mod planned;

use crate::lab::{Lab, Shape, Side};
use asked::{Done, done};
use cutover::domain::product::Family;
use planned::Planned;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What the lab's runner has in its environment.
const SECRETS: [(&str, &str); 4] = [
    ("SOURCE_PASSWORD", "choose-one"),
    ("TARGET_PASSWORD", "choose-another"),
    ("REPL_PASSWORD", "repl-secret"),
    ("SHOP_PASSWORD", "shop-secret"),
];
/// Folders of the two hosts that are not the servers' own.
const HOSTS: [&str; 6] = ["home-old", "home-new", "old", "new", "shop", "work"];

fn stock(lab: &Lab) {
    lab.sql(
        Side::Old,
        "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, v TEXT); \
         INSERT INTO shop.orders VALUES (1, 'one'), (2, 'two'); \
         CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'shop-secret'; GRANT ALL ON shop.* TO shop@'127.0.0.1'",
    );
    lab.write("shop/db.env", "DB_HOST=127.0.0.1\n");
    lab.inventory("", &[]);
}

/// Files of the hosts with the moment of their last change; those that a server keeps are its own.
fn files(lab: &Lab) -> BTreeSet<String> {
    let mut find = Command::new("find");
    find.arg("-H").args(HOSTS).current_dir(lab.dir());
    find.args(["-path", "*/data", "-prune", "-o", "-type", "f", "-printf", "%p %T@\n"]);
    let listed = String::from_utf8(find.output().unwrap().stdout).unwrap();
    listed.lines().map(str::to_owned).collect()
}

/// What is left on the hosts and was not there before.
fn left<'a>(before: &'a BTreeSet<String>, after: &'a BTreeSet<String>) -> Vec<&'a str> {
    after.difference(before).map(|line| line.rsplit_once(' ').unwrap().0).collect()
}

/// What a server and its own script write beside the data.
fn is_the_servers(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap();
    ["error.log", "s.sock.lock", "mysqlx.sock.lock"].contains(&name)
}

fn whole(family: Family, shells: [&'static str; 2]) {
    let Some(lab) = Lab::make_watched(&Shape { family, old: "", new: "", shells }) else { return };
    stock(&lab);
    let shown = lab.swap(&["plan", "--format", "json"], &[]);
    let planned = Planned::new(&serde_json::from_slice(&shown.stdout).unwrap(), &SECRETS);
    assert!(lab.asked().is_empty(), "making a plan touches no host");

    // passwords that the lab's own statements have brought there stand in files that are done
    for side in [Side::Old, Side::New] {
        lab.sql(side, "FLUSH BINARY LOGS");
    }
    let (before, known) = (files(&lab), holders(&lab));
    let ran = lab.swap(&["run", "--yes", "--format", "json"], &[]);
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!(ran.status.code(), Some(0), "{said}");

    let all: Vec<(String, Done)> =
        lab.asked().iter().flat_map(|asked| done(asked).into_iter().map(|done| (asked.host.clone(), done))).collect();
    let unplanned: Vec<_> =
        all.iter().filter(|(host, done)| !matches!(done, Done::Helper(_)) && !planned.states(host, done)).collect();
    assert!(unplanned.is_empty(), "done and not planned: {unplanned:#?}");
    counted(&all);

    for file in left(&before, &files(&lab)) {
        let is_known = is_the_servers(file) || file.contains("/leases/") || planned.names(&lab.path(file));
        assert!(is_known, "{file} is left on a host, and no plan names it");
    }
    let started = lab.started();
    no_secret_is_seen(&lab, &started, &said, &known);
    the_runner_starts_nothing_else(&started);
}

/// A comparison of nothing would prove nothing.
fn counted(all: &[(String, Done)]) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, done) in all {
        let kind = match done {
            Done::Helper(name) => name,
            Done::Script(..) => "script",
            Done::Write(..) => "write",
            Done::Read(_) => "read",
            Done::Remove(_) => "remove",
            Done::Job(..) => "job",
            Done::OfJob(_) => "of job",
            Done::Around(_) => "around",
            Done::Unknown(_) => "unknown",
        };
        *counts.entry(kind).or_default() += 1;
    }
    eprintln!("{counts:?}");
    for kind in ["claim.sh", "give_back.sh", "stamp.sh", "script", "write", "read", "remove", "job", "of job"] {
        assert!(counts.contains_key(kind), "no {kind} was seen: {counts:?}");
    }
    assert!(counts["script"] > 20, "{counts:?}");
}

/// Files of hosts, servers and journal in which a password stands.
fn holders(lab: &Lab) -> BTreeSet<String> {
    let folders = [&HOSTS[..], &["state"]].concat();
    let found = SECRETS.iter().flat_map(|(_, secret)| lab.grep(secret, &folders));
    found.filter(|file| !is_kept_by_the_server(file)).collect()
}

fn no_secret_is_seen(lab: &Lab, started: &[(String, String)], said: &str, known: &BTreeSet<String>) {
    let is_ssh = |(by, line): &(String, String)| by.starts_with("runner") && line.contains("/ssh\", [");
    assert!(started.iter().any(|one| is_ssh(one) && one.1.contains("\"HOME=")), "environments are seen");
    for (_, secret) in SECRETS {
        for (seen_by, line) in started {
            assert!(
                !line.contains(secret),
                "a password on a command line or in an environment seen by {seen_by}: {line}"
            );
        }
        for asked in lab.asked() {
            assert!(!asked.command.contains(secret), "{}", asked.command);
        }
        assert!(!said.contains(secret), "{said}");
    }
    let now = holders(lab);
    let new: Vec<_> = now.difference(known).collect();
    assert!(new.is_empty(), "a password stands in {new:?}");
}

/// Where servers keep the replication account's password themselves: `MariaDB` in a file, `MySQL` in a table, by way of what
/// its tables are written through.
fn is_kept_by_the_server(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap();
    let is_mysqls = name == "mysql.ibd" || ["undo_", "#ib_"].iter().any(|start| name.starts_with(start));
    file.contains("/data/") && (name == "master.info" || is_mysqls)
}

/// The runner itself starts ssh, for whose sake the lab's way there is a program too, and asks git where its playbook is from.
fn the_runner_starts_nothing_else(started: &[(String, String)]) {
    let program = |line: &str| line.split_once("execve(\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let runner: BTreeSet<String> = started
        .iter()
        .filter(|(by, line)| by.starts_with("runner") && line.ends_with("= 0"))
        .map(|(_, line)| program(line).rsplit('/').next().unwrap().to_owned())
        .collect();
    let known = ["cutover", "ssh", "perl", "bash", "sh", "git"];
    assert!(runner.contains("ssh") && runner.iter().all(|name| known.contains(&name.as_str())), "{runner:?}");
    let is_dump = |line: &str| line.contains("/mariadb-dump\"") || line.contains("/mysqldump\"");
    assert!(started.iter().any(|(by, line)| by == "new" && is_dump(line)), "what a job starts is seen too");
}

#[test]
fn everything_done_on_the_hosts_of_mariadb_stood_in_the_plan() {
    whole(Family::MariaDb, ["bash", "tcsh"]);
}

#[test]
fn everything_done_on_the_hosts_of_mysql_stood_in_the_plan() {
    whole(Family::MySql, ["sh", "bash"]);
}
