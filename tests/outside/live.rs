//! `plan --live`, saved plans, and what makes them void.

use super::{FULL, QUICK, switch_by};
use crate::world::{Side, World};
use cutover::effects::INIT;
use serde_json::Value;
use std::path::PathBuf;

/// A world with the shipped playbook in it, to be edited.
fn ready() -> (World, String, String) {
    let world = World::make("ON");
    world.write("secrets/target", "choose-another\n");
    world.write("shop/db.env", "DB_HOST=127.0.0.1\nDB_PORT=@OLD@\n");
    let playbook = world.write("playbook.yaml", &std::fs::read_to_string("playbooks/replication_swap.yaml").unwrap());
    let inventory = world.write("inventory.yaml", FULL);
    let text = |path: PathBuf| path.display().to_string();
    (world, text(playbook), text(inventory))
}

/// Looks and saves; the plan and what was found.
fn save(world: &World, playbook: &str, inventory: &str) -> (String, Value) {
    let (out, tunnels) = (world.path("change.plan.json"), world.tunnels());
    let mut args = vec!["plan", playbook, "-i", inventory, "--live", "--out", &out, "--format", "json"];
    for input in QUICK.iter().copied().chain(tunnels.iter().map(String::as_str)) {
        args.extend(["--set", input]);
    }
    let looked = world.cutover(&args);
    assert_eq!(looked.status.code(), Some(0), "{}", String::from_utf8_lossy(&looked.stderr));
    (out, serde_json::from_slice(&looked.stdout).unwrap())
}

fn log_everything(world: &World) {
    for side in [Side::Old, Side::New] {
        world.sql(side, "SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON");
    }
}

/// What the program's account said to a server.
fn said_to(world: &World, side: Side) -> Vec<String> {
    let ask = "SELECT REPLACE(CONVERT(argument USING utf8mb4), '\\n', ' ') FROM mysql.general_log \
               WHERE command_type = 'Query' AND user_host LIKE 'migrate%'";
    world.sql(side, ask).lines().map(str::to_owned).collect()
}

fn refused(world: &World, out: &str, expected: &str) {
    let config = world.read("new/my.cnf");
    let ran = world.cutover(&["run", out, "--yes"]);
    let said = String::from_utf8_lossy(&ran.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ran.status.code(), Some(5), "{said}");
    assert!(said.contains(expected), "no `{expected}` in: {said}");
    assert_eq!(world.read("new/my.cnf"), config);
    assert_eq!(world.sql(Side::Old, "SELECT COUNT(*) FROM mysql.user WHERE User = 'repl'"), "0\n");
    assert_eq!(world.sql(Side::New, "SHOW DATABASES LIKE 'shop'"), "");
}

#[test]
fn a_look_changes_nothing_and_what_was_saved_is_carried_out() {
    let (mut world, playbook, inventory) = ready();
    log_everything(&world);
    let (out, looked) = save(&world, &playbook, &inventory);
    for side in [Side::Old, Side::New] {
        let said = said_to(&world, side);
        // the look tries a dump of the definitions, and each GRANT on an account of its own that is gone afterwards
        let of_the_dump =
            ["/*!", "/*M!", "SET ", "USE", "START TRANSACTION", "SAVEPOINT", "ROLLBACK TO", "RELEASE", "UNLOCK"];
        let words = [&["SELECT", "SHOW", "XA RECOVER"][..], &of_the_dump].concat();
        let reads = |text: &String| {
            let upper = text.to_uppercase();
            let changes = upper.contains("SET GLOBAL");
            text == INIT
                || text.contains("cutover_trial")
                || !changes && words.iter().any(|word| upper.starts_with(word))
        };
        let others: Vec<_> = said.iter().filter(|text| !reads(text)).collect();
        assert!(said.len() > 3 && others.is_empty(), "{others:#?}");
        assert_eq!(world.sql(side, "SELECT COUNT(*) FROM mysql.user WHERE User LIKE 'cutover%'"), "0\n");
    }
    let survey = &looked["survey"];
    assert_eq!(survey["servers"]["source"]["server_id"], 1);
    let step = |id: &str| survey["steps"].as_array().unwrap().iter().find(|step| step["id"] == id).unwrap().clone();
    let file = &step("import_config")["findings"][0];
    assert!(file["diff"].as_str().unwrap().contains("+innodb_flush_log_at_trx_commit = 2"), "{file:#}");
    assert_eq!(step("import_config")["state"]["is"], "will_change");
    assert_eq!(step("replicate")["state"]["is"], "known_at_run_time");
    assert!(step("dump")["findings"][0]["bytes"].as_u64().unwrap() > 0);
    assert!(survey["forecast"]["import_seconds"].as_u64().unwrap() > 0);

    let saved = std::fs::read_to_string(&out).unwrap();
    for secret in ["choose-one", "choose-another", "shop-secret"] {
        assert!(!saved.contains(secret), "{secret}");
    }
    let summary = switch_by(&mut world, &[&out]);
    let report = world.cutover(&["report", "--format", "json"]);
    let hash = looked["plan"]["hash"].as_str().unwrap();
    assert_eq!(summary["plan"], hash);
    assert!(String::from_utf8(report.stdout).unwrap().contains(hash));
}

#[test]
fn a_saved_plan_is_void_once_something_it_rests_on_is_different() {
    let (world, playbook, inventory) = ready();
    let (out, _) = save(&world, &playbook, &inventory);
    let text = world.read("playbook.yaml");
    std::fs::write(&playbook, text.replacen("max_lag: 250ms", "max_lag: 2s", 1)).unwrap();
    refused(&world, &out, "max_lag");
    std::fs::write(&playbook, &text).unwrap();
    let listed = world.read("inventory.yaml");
    std::fs::write(&inventory, listed.replace("memory: 1GiB", "memory: 2GiB")).unwrap();
    refused(&world, &out, "host `new`");
    std::fs::write(&inventory, &listed).unwrap();

    world.sql(Side::Old, "SET GLOBAL server_id = 77");
    refused(&world, &out, "server_id of server `source`: 1 when the plan was saved, 77 now");
    world.sql(Side::Old, "SET GLOBAL server_id = 1");
    let config = world.read("new/my.cnf");
    std::fs::write(world.path("new/my.cnf"), format!("{config}# somebody was here\n")).unwrap();
    refused(&world, &out, "content of");
    std::fs::write(world.path("new/my.cnf"), &config).unwrap();
    let saved = std::fs::read_to_string(&out).unwrap();
    std::fs::write(&out, saved.replacen("max_lag", "min_lag", 1)).unwrap();
    refused(&world, &out, "it was changed");
}
