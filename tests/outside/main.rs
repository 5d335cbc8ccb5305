//! Servers and hosts that were set up by hand, outside of any rehearsal, with accounts that hold no more than the
//! documentation asks for.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod live;
#[path = "../readme/mod.rs"]
mod readme;
mod world;

use serde_json::Value;
use world::{Side, World};

/// The shipped playbook, with gates and pauses for a test.
const PLAYBOOK: &str = "playbooks/replication_swap.yaml";
const QUICK: [&str; 5] =
    ["min_write_iops=10", "max_fsync=2s", "benchmark_size=32MiB", "benchmark_time=1s", "quiet_for=1s"];

const FULL: &str = r#"
hosts:
  old:
    ssh: old
    ssh_config: "@DIR@old_ssh_config"
    peer_ssh_config: "@DIR@back_ssh_config"
    region: DE
    work_dir: "@WORK@/old"
  new:
    ssh: new
    ssh_config: "@DIR@new_ssh_config"
    peer_ssh_config: "@DIR@peer_ssh_config"
    region: "NO"
    facts: { memory: 1GiB, cpus: 2 }
    work_dir: "@WORK@/new"
servers:
  source:
    host: old
    address: 127.0.0.1:@OLD@
    user: migrate
    password: { env: SOURCE_PASSWORD }
    config_file: "@DIR@old/my.cnf"
    family: mariadb
    version: "10.11"
  target:
    host: new
    address: 127.0.0.1:@NEW@
    endpoint: 127.0.0.1:@NEW@
    user: migrate
    password: { file: secrets/target }
    replication: { user: repl, password: { command: [echo, repl-secret] } }
    config_file: "@DIR@new/my.cnf"
    data_dir: "@DIR@new/data"
    restart: ["@DIR@new/restart.sh"]
    family: mariadb
    version: "10.11"
    settings: { socket: "@DIR@new/s.sock" }
applications:
  shop:
    config: { template: app.env.j2, path: "@DIR@shop/db.env", host: old }
    accounts: [{ user: shop, host: 127.0.0.1, password: { env: SHOP_PASSWORD } }]
policy: { encrypted_replication: required }
"#;

/// As short as an inventory can be.
const LEAN: &str = r#"
hosts:
  old: { ssh: "@USER@@127.0.0.1", ssh_config: "@DIR@old_ssh_config", peer_ssh_config: "@DIR@back_ssh_config" }
  new: { ssh: "@USER@@127.0.0.1", ssh_config: "@DIR@new_ssh_config", peer_ssh_config: "@DIR@peer_ssh_config" }
servers:
  source: { host: old, address: 127.0.0.1:@OLD@, user: migrate, password: { env: SOURCE_PASSWORD },
            config_file: "@DIR@old/my.cnf" }
  target: { host: new, address: 127.0.0.1:@NEW@, user: migrate, password: { env: TARGET_PASSWORD },
            replication: { user: repl, password: { env: REPL_PASSWORD } },
            config_file: "@DIR@new/my.cnf", data_dir: "@DIR@new/data", restart: ["@DIR@new/restart.sh"] }
applications:
  shop: { config: { template: app.env.j2, path: "@DIR@shop/db.env", host: new },
          accounts: [{ user: shop, host: 127.0.0.1, password: { env: SHOP_PASSWORD } }] }
"#;

/// Both servers on the runner's own machine: no ssh, no tunnel.
const LOCAL: &str = r#"
hosts: { local: {} }
servers:
  source: { host: local, address: 127.0.0.1:@OLD@, user: migrate, password: { env: SOURCE_PASSWORD },
            config_file: "@DIR@old/my.cnf" }
  target: { host: local, address: 127.0.0.1:@NEW@, user: migrate, password: { env: TARGET_PASSWORD },
            replication: { user: repl, host: 127.0.0.1, password: { env: REPL_PASSWORD } },
            config_file: "@DIR@new/my.cnf", data_dir: "@DIR@new/data", restart: ["@DIR@new/restart.sh"] }
applications:
  shop: { config: { template: app.env.j2, path: "@DIR@shop/db.env", host: local },
          accounts: [{ user: shop, host: 127.0.0.1, password: { env: SHOP_PASSWORD } }] }
"#;

/// Carries a playbook out while the shop writes, and judges.
fn switch(world: &mut World, playbook: &str, inventory: &str, set: &[&str]) -> Value {
    let inventory = world.write("inventory.yaml", inventory);
    let mut args = vec![playbook, "-i", inventory.to_str().unwrap()];
    args.extend(set.iter().flat_map(|input| ["--set", *input]));
    switch_by(world, &args)
}

/// The same, by what comes after `cutover run`.
fn switch_by(world: &mut World, args: &[&str]) -> Value {
    world.start_shop();
    world.wait_for_orders(world.port(Side::Old));
    let summary = world.run(args);
    world.wait_for_orders(world.port(Side::New));
    world.stop_shop();
    world.judge();
    assert_eq!(summary["outcome"], "done");
    // of the two ways to copy one is not taken
    let succeeded = |step: &Value| step["status"] == "succeeded" || step["id"] == "copy";
    assert!(summary["steps"].as_array().unwrap().iter().all(succeeded), "{summary:#}");
    summary
}

#[test]
fn a_pair_set_up_by_hand_is_switched_under_writes_with_the_readmes_accounts() {
    let mut world = World::make("ON");
    world.write("secrets/target", "choose-another\n");
    let [tunnel, way_back] = world.tunnels();
    switch(&mut world, PLAYBOOK, FULL, &[&QUICK[..], &[&tunnel, &way_back]].concat());
    assert_eq!(world.sql(Side::Old, "SELECT @@GLOBAL.event_scheduler"), "OFF\n");
    assert!(world.read("old/my.cnf").contains("event_scheduler = OFF"));
    assert_eq!(world.sql(Side::New, "SELECT @@GLOBAL.event_scheduler"), "ON\n");
    assert!(world.read("new/my.cnf").contains("event_scheduler = ON"));
    let follows = world.sql(Side::Old, "SHOW SLAVE STATUS");
    assert!(follows.contains("\tYes\tYes\t"), "both threads run: {follows}");
}

#[test]
fn the_leanest_inventory_will_do() {
    let mut world = World::make("OFF");
    let [tunnel, way_back] = world.tunnels();
    switch(&mut world, PLAYBOOK, LEAN, &[&QUICK[..], &[&tunnel, &way_back]].concat());
}

#[test]
fn two_servers_on_the_runners_own_machine_need_neither_ssh_nor_tunnel() {
    let mut world = World::make("OFF");
    // most of the time a transaction with many changes is open, and takes its time to go away
    world.start_batch();
    switch(&mut world, "tests/outside/one_machine.yaml", LOCAL, &[]);
}

#[test]
fn facts_are_lines_for_the_inventory_and_name_who_does_not_answer() {
    let world = World::make("OFF");
    // what it says that a server is, is not believed
    let mistaken = LEAN.replacen("user: migrate,", "user: migrate, family: mysql, version: \"8.0\",", 1);
    assert_ne!(mistaken, LEAN);
    let inventory = world.write("inventory.yaml", &mistaken);
    let asked = world.cutover(&["facts", "-i", inventory.to_str().unwrap()]);
    let printed = String::from_utf8(asked.stdout).unwrap();
    assert_eq!(asked.status.code(), Some(0), "{printed}");
    for part in ["family: mariadb", "version: \"10.11\"", "server_id is 1, as on target", "facts: { memory: "] {
        assert!(printed.contains(part), "no `{part}` in:\n{printed}");
    }

    let unplugged = LEAN.replace("@NEW@", "1").replace("@DIR@old_ssh_config", "@DIR@nowhere");
    let inventory = world.write("unplugged.yaml", &unplugged);
    let asked = world.cutover(&["facts", "-i", inventory.to_str().unwrap(), "--format", "json"]);
    assert_eq!(asked.status.code(), Some(5));
    let found: Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert!(found["hosts"]["new"]["cpus"].as_u64().unwrap() > 0, "{found:#}");
    let places: Vec<_> = found["failures"].as_array().unwrap().iter().map(|f| f["place"].as_str().unwrap()).collect();
    assert_eq!(places, ["old", "source", "target"], "{found:#}");
    assert!(!String::from_utf8_lossy(&asked.stderr).contains("choose-one"));
}

#[test]
fn what_would_be_left_out_or_could_not_be_closed_is_refused_before_anything_is_touched() {
    let world = World::make("DISABLED");
    world.sql(Side::Old, "REVOKE TRIGGER, EVENT, READ_ONLY ADMIN ON *.* FROM migrate@'127.0.0.1'");
    world.sql(Side::New, "REVOKE RELOAD ON *.* FROM migrate@'127.0.0.1'");
    let inventory = world.write("inventory.yaml", LOCAL);
    let config = world.read("new/my.cnf");
    let inventory = inventory.to_str().unwrap();
    let ran = world.cutover(&["run", "tests/outside/one_machine.yaml", "-i", inventory, "--yes"]);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(5), "{said}");
    for part in
        ["lacks TRIGGER, EVENT", "GRANT READ_ONLY ADMIN ON *.*", "GRANT RELOAD ON *.*", "`event_scheduler = OFF`"]
    {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    assert_eq!(world.read("new/my.cnf"), config);
    assert_eq!(world.sql(Side::Old, "SELECT COUNT(*) FROM mysql.user WHERE User = 'repl'"), "0\n");
}
