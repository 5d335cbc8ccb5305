//! Faults of the inventory.

use crate::check::{Desk, INVENTORY, all_of, playbook, refused};

fn desk(inventory: &str) -> Desk {
    let desk = Desk::new(&playbook("  - { id: hi, uses: command, with: { host: new, run: [echo, hi] } }\n"));
    desk.write("inventory.yaml", inventory.as_bytes());
    desk
}

fn changed(from: &str, to: &str) -> Desk {
    assert!(INVENTORY.contains(from));
    desk(&INVENTORY.replacen(from, to, 1))
}

/// The host `new` as given, under a policy that allows these regions.
fn with_regions(new: &str, allowed: &str) -> String {
    assert!(INVENTORY.contains("{ ssh: new.example }"));
    let inventory = INVENTORY.replacen("{ ssh: new.example }", new, 1);
    format!("{inventory}policy: {{ regions: {allowed} }}\n")
}

/// Only hosts that the playbook uses must stand somewhere.
#[test]
fn hosts_that_are_not_used_may_stand_anywhere() {
    let inventory = with_regions("{ ssh: new.example, region: NO }", "[NO]");
    let report = desk(&inventory).check(&[]);
    assert_eq!(report.code, Some(0), "{}", report.shown);
}

#[test]
fn faults_of_the_inventory() {
    let cases: &[(&str, Desk, &[&str])] = &[
        ("inventory-unknown-field", changed("config_file:", "config-file:"), &["config-file"]),
        ("inventory-unknown-section", changed("servers:", "server:"), &["server"]),
        ("inventory-unknown-host", changed("{ host: old,", "{ host: odl,"), &["odl"]),
        ("inventory-host-of-an-application", changed("host: new }", "host: nwe }"), &["nwe"]),
        ("inventory-bad-address", changed("address: 127.0.0.1:3306", "address: 127.0.0.1"), &["127.0.0.1"]),
        (
            "inventory-lacks-user",
            changed("user: migrate, ", ""),
            &["{ host: old, address: 127.0.0.1:3306, password: { env: SOURCE_PASSWORD } }"],
        ),
        ("inventory-bad-version", changed("user: migrate,", "user: migrate, version: 10.11,"), &["10.11"]),
        ("inventory-bad-family", changed("user: migrate,", "user: migrate, family: oracle,"), &["oracle"]),
        ("inventory-server-id-0", changed("user: migrate,", "user: migrate, server_id: 0,"), &["0"]),
        (
            "inventory-restart-is-text",
            changed("[systemctl, restart, mariadb]", "systemctl restart mariadb"),
            &["systemctl restart mariadb"],
        ),
        (
            "inventory-bad-memory",
            changed("{ ssh: new.example }", "{ ssh: new.example, facts: { memory: lots, cpus: 2 } }"),
            &["lots"],
        ),
        ("inventory-bad-policy", desk(&format!("{INVENTORY}policy: {{ encrypted_replication: maybe }}\n")), &["maybe"]),
        ("inventory-region-not-allowed", desk(&with_regions("{ ssh: new.example, region: US }", "[NO, DE]")), &["US"]),
        ("inventory-region-missing", desk(&with_regions("{ ssh: new.example }", "[\"NO\"]")), &["new"]),
        ("inventory-is-a-list", desk("- hosts\n"), &["hosts"]),
        ("inventory-is-empty", desk(""), &["new"]),
    ];
    all_of(cases.iter().map(|(name, desk, underlined)| (*name, desk.check(&[]), *underlined)));
}

#[test]
fn faults_of_both_files_are_reported_together() {
    let desk = changed("config_file:", "config-file:");
    desk.write("playbook.yaml", playbook("  - { id: hi, uses: comand, with: { host: nwe } }\n").as_bytes());
    refused("faults-of-both-files", desk.check(&[]), &["config-file", "comand"]);
}

#[test]
fn a_playbook_that_needs_an_inventory_says_so() {
    let desk = Desk::new(&playbook("  - { id: hi, uses: command, with: { host: new, run: [echo, hi] } }\n"));
    let output = desk.program().args(["check", "playbook.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!("no-inventory", String::from_utf8(output.stderr).unwrap());
}
