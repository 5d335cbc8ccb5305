//! `cutover grants`, and the lists of the documentation, which are what it prints.

use std::process::Command;

const GRANTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/grants.md");
const INVENTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/inventory.md");
const LIMITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/limits.md");
const PLAYBOOKS: [&str; 2] = ["playbooks/replication_swap.yaml", "playbooks/failback.yaml"];

/// What is printed for the inventory of the documentation, where both servers are of this product.
fn printed(family: &str, version: &str, format: &[&str]) -> String {
    let page = std::fs::read_to_string(INVENTORY).unwrap();
    let inventory = page.split_once("# yaml-language-server: $schema=schemas/inventory.schema.json").unwrap().1;
    let inventory = inventory.split_once("```").unwrap().0;
    let inventory = inventory
        .replace("    user: migrate", &format!("    user: migrate\n    family: {family}\n    version: \"{version}\""));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventory.yaml");
    std::fs::write(&file, inventory).unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    let mut cutover = Command::new(env!("CARGO_BIN_EXE_cutover"));
    cutover.arg("grants").args(PLAYBOOKS).arg("-i").arg(&file).args(format).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cutover.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every privilege that is printed: server, where it holds, the privilege.
fn privileges(family: &str, version: &str) -> Vec<String> {
    let printed: serde_json::Value = serde_json::from_str(&printed(family, version, &["--format", "json"])).unwrap();
    let mut all = Vec::new();
    for server in printed["servers"].as_array().unwrap() {
        for grant in server["grants"].as_array().unwrap() {
            let option = if grant["with_grant_option"] == true { ", to pass on" } else { "" };
            for privilege in grant["privileges"].as_array().unwrap() {
                let (server, on) = (server["server"].as_str().unwrap(), grant["on"].as_str().unwrap());
                all.push(format!("{server}: {} on {on}{option}", privilege.as_str().unwrap()));
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

/// What one version wants, and another does not.
fn differences(family: &str, version: &str, than: &str) -> String {
    let (one, other) = (privileges(family, version), privileges(family, than));
    let mut lines: Vec<String> = Vec::new();
    lines.extend(one.iter().filter(|privilege| !other.contains(privilege)).map(|privilege| format!("  + {privilege}")));
    lines.extend(other.iter().filter(|privilege| !one.contains(privilege)).map(|privilege| format!("  - {privilege}")));
    if lines.is_empty() {
        lines.push("  the same".to_owned());
    }
    let product = if family == "mariadb" { "MariaDB" } else { "MySQL" };
    format!("{product} {version}, beside {than}:\n{}\n", lines.join("\n"))
}

/// The block of `readme` that begins with `heading`, and with it replaced by `text`.
fn replaced(readme: &str, fence: &str, heading: &str, text: &str) -> String {
    let at = readme.find(&format!("```{fence}\n{heading}")).unwrap_or_else(|| panic!("there is no block {heading}"));
    let begin = at + fence.len() + 4;
    let end = begin + readme[begin..].find("```").unwrap();
    format!("{}{text}{}", &readme[..begin], &readme[end..])
}

/// A line for each pair that was run, from the table of pairs.
fn pairs_that_were_run() -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_cutover")).args(["pairs", "--all", "--format", "json"]).output().unwrap();
    let pairs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let server = |pair: &serde_json::Value, side: &str| {
        let family = if pair["tried"][side][0] == "mariadb" { "MariaDB" } else { "MySQL" };
        format!("{family} {}", pair["tried"][side][2].as_str().unwrap())
    };
    let word = |pair: &serde_json::Value, way: &str| pair["tried"][way].as_str().unwrap().replace('_', " ");
    let run = pairs.as_array().unwrap().iter().filter(|pair| !pair["tried"].is_null());
    let line = |pair| {
        let (from, to) = (server(pair, "source"), server(pair, "target"));
        format!("{from} to {to}: {}, way back {}\n", word(pair, "forward"), word(pair, "way_back"))
    };
    run.map(line).collect::<Vec<_>>().concat()
}

/// A page as it is, or as it is written again: `README_UPDATE=always cargo test --test quick lists_of_the_pages`.
fn holds(page: &str, was: &str, now: &str) {
    if std::env::var("README_UPDATE").as_deref() == Ok("always") {
        std::fs::write(page, now).unwrap();
    } else {
        assert!(now == was, "{page} is stale: README_UPDATE=always cargo test --test quick lists_of_the_pages");
    }
}

#[test]
fn the_lists_of_the_pages_are_what_the_command_prints() {
    let page = std::fs::read_to_string(GRANTS).unwrap();
    let mut now = page.clone();
    for (family, version, product) in [("mariadb", "10.11", "MariaDB"), ("mysql", "9.7", "MySQL")] {
        let printed = printed(family, version, &[]);
        let (source, target) = printed.split_once("\n-- target").unwrap();
        now = replaced(&now, "sql", &format!("-- source: {product}"), source);
        now = replaced(&now, "sql", &format!("-- target: {product}"), &format!("-- target{target}"));
    }
    let others = [("mariadb", "10.5", "10.11"), ("mariadb", "11.8", "10.11"), ("mysql", "8.0", "9.7")];
    let versions: Vec<String> = others.map(|(family, version, than)| differences(family, version, than)).into();
    holds(GRANTS, &page, &replaced(&now, "text", "MariaDB 10.5, beside", &versions.concat()));
    let limits = std::fs::read_to_string(LIMITS).unwrap();
    holds(LIMITS, &limits, &replaced(&limits, "text", "MariaDB 10.5.23 to", &pairs_that_were_run()));
}

/// What other versions want, seen on servers of them.
#[test]
fn versions_differ_as_they_do() {
    let (ten, new) = (privileges("mariadb", "10.11"), privileges("mariadb", "11.8"));
    for part in ["SLAVE MONITOR", "BINLOG ADMIN", "BINLOG MONITOR", "SET USER", "REPLICATION SLAVE ADMIN"] {
        assert!(new.contains(&format!("target: {part} on *.*")), "{part} in {new:?}");
    }
    // SUPER, which is needed there in any case, stands for them
    for part in ["BINLOG ADMIN", "SET USER", "REPLICATION SLAVE ADMIN", "CONNECTION ADMIN"] {
        assert!(!ten.contains(&format!("target: {part} on *.*")), "{part} in {ten:?}");
    }
    assert!(ten.contains(&"target: SUPER on *.*".to_owned()));
    let oldest = privileges("mariadb", "10.4");
    assert!(oldest.contains(&"target: SUPER on *.*".to_owned()));
    assert!(
        oldest.iter().all(|privilege| !privilege.contains("MONITOR") && !privilege.contains("ADMIN")),
        "{oldest:?}"
    );
    let (eight, nine) = (privileges("mysql", "8.0"), privileges("mysql", "9.7"));
    assert!(eight.contains(&"target: SET_USER_ID on *.*".to_owned()));
    assert!(
        nine.contains(&"source: SET_ANY_DEFINER on *.*".to_owned())
            && nine.contains(&"source: XA_RECOVER_ADMIN on *.*".to_owned())
    );
}
