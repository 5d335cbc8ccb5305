//! `render` and `set_variables` on a real server: done, looked at, done again, taken back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::format_push_string, reason = "tests")]

mod bench;

use bench::Bench;
use cutover::error::Class;
use cutover::kinds::{Action, Memo, Probe, Step, find};
use cutover::rehearsal::work_folder::WorkFolder;
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::Duration;

fn step(kind: &str, with: &Value) -> Box<dyn Step> {
    (find(kind).unwrap().decode)(with).unwrap()
}

#[tokio::test]
async fn render_changes_a_running_server_and_undo_brings_it_back() {
    let bench = Bench::new().await;
    let before = bench.config();
    let file = bench.site.server.config_file();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::chown(&file, Some(65534), Some(65534)).unwrap();
    let step =
        step("render", &json!({ "template": "my.cnf.j2", "server": "target", "profile": "import", "restart": true }));
    assert_eq!(bench.inspect(&*step).await, []);
    assert_eq!(bench.probe(&*step).await, Probe::NotDone);

    let outputs = bench.execute(&*step).await.unwrap();
    let text = bench.config();
    assert!(text.contains("profile \"import\"") && !text.contains('‹'), "{text}");
    for (name, wanted) in
        [("server_id", "77"), ("innodb_flush_log_at_trx_commit", "2"), ("read_only", "1"), ("max_connections", "50")]
    {
        assert_eq!(bench.variable(name).await, wanted, "{name}");
    }
    assert_eq!(outputs["changed"], json!(true));
    let backup = outputs["backup"].as_str().unwrap();
    assert_eq!(std::fs::read_to_string(backup).unwrap(), before);
    let told = bench.told();
    assert!(told.contains("-server_id = 1") && told.contains("+server_id    = 77"), "{told}");
    for path in [file.to_str().unwrap(), backup] {
        let meta = std::fs::metadata(path).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.uid(), meta.gid()), (0o640, 65534, 65534), "{path}");
    }

    assert_eq!(bench.probe(&*step).await, Probe::Done(outputs.clone()));
    let pid = bench.site.server.pid();
    assert_eq!(bench.execute(&*step).await.unwrap(), outputs, "a second time changes nothing");
    assert_eq!(bench.site.server.pid(), pid, "and restarts nothing");

    for _ in 0..2 {
        bench.undo(&*step).await.unwrap();
        assert_eq!(bench.config(), before);
        assert_eq!(bench.variable("server_id").await, "1");
        assert_eq!(bench.variable("read_only").await, "0");
    }
    let meta = std::fs::metadata(&file).unwrap();
    assert_eq!((meta.mode() & 0o7777, meta.uid()), (0o640, 65534));
    assert_eq!(bench.leftovers(), [] as [PathBuf; 0]);
    assert_eq!(bench.probe(&*step).await, Probe::NotDone);
}

#[tokio::test]
async fn a_run_that_died_between_file_and_restart_goes_on() {
    let bench = Bench::new().await;
    let before = bench.config();
    let step =
        step("render", &json!({ "template": "my.cnf.j2", "server": "target", "profile": "import", "restart": true }));
    // what an attempt leaves behind that was killed after it had written the file
    bench.execute(&*step).await.unwrap();
    bench.notes.set("restart", json!("due")).await.unwrap();
    let pid = bench.site.server.pid();
    assert_eq!(bench.probe(&*step).await, Probe::NotDone);
    bench.execute(&*step).await.unwrap();
    assert_ne!(bench.site.server.pid(), pid, "the restart that was due is made");
    let backup = std::fs::read_to_string(&bench.leftovers()[0]).unwrap();
    assert_eq!(backup, before, "the second attempt does not take its own work for the original");
}

#[tokio::test]
async fn a_file_the_server_would_refuse_is_never_written() {
    let bench = Bench::shared(|_| {}).await;
    let before = bench.config();
    let step = step("render", &json!({ "template": "broken.cnf.j2", "server": "target", "restart": true }));
    let failure = bench.execute(&*step).await.unwrap_err();
    assert_eq!(failure.class, Class::Refused);
    assert!(failure.answer.contains("unknown variable 'no_such_thing=1'"), "{failure}");
    assert_eq!((bench.config(), bench.leftovers().len()), (before, 0));
    bench.undo(&*step).await.unwrap();
    assert_eq!(bench.variable("server_id").await, "1");
}

#[tokio::test]
async fn a_server_that_does_not_start_is_brought_back_by_undo() {
    let bench = Bench::with(|inventory| {
        inventory["servers"]["target"]["settings"]["innodb_data_home_dir"] = json!("/nowhere/at/all");
    })
    .await;
    let before = bench.config();
    let step = step("render", &json!({ "template": "my.cnf.j2", "server": "target", "restart": true }));
    let failure = bench.execute(&*step).await.unwrap_err();
    assert!(failure.answer.contains("did not start"), "{failure}");
    bench.undo(&*step).await.unwrap();
    assert_eq!(bench.config(), before);
    assert_eq!(bench.variable("server_id").await, "1");
}

#[tokio::test]
async fn equal_server_ids_and_missing_folders_are_found_before_anything_is_touched() {
    let bench = Bench::shared(|inventory| {
        let mut twin = inventory["servers"]["target"].clone();
        twin["server_id"] = json!(1);
        inventory["servers"]["target"]["server_id"] = json!(1);
        inventory["servers"]["twin"] = twin;
    })
    .await;
    let twins = step("render", &json!({ "template": "my.cnf.j2", "server": "target", "restart": true }));
    let failures = bench.inspect(&*twins).await;
    assert_eq!(failures.len(), 1);
    assert!(failures[0].answer.contains("`twin` has the same server_id 1"), "{}", failures[0]);
    let lost =
        step("render", &json!({ "template": "note.j2", "host": "new", "path": "/nowhere/x", "values": { "to": "b" } }));
    assert!(bench.inspect(&*lost).await[0].answer.contains("/nowhere is not there"));
}

#[tokio::test]
async fn any_file_on_a_host_through_a_link_and_new() {
    let bench = Bench::new().await;
    let own = WorkFolder::make().unwrap(); // below /tmp no link is followed
    let (real, link) = (own.path().join("real.env"), own.path().join("link.env"));
    std::fs::write(&real, "old\n").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let with = json!({ "template": "note.j2", "host": "new", "path": link, "values": { "to": "b" }, "mode": "0600" });
    let linked = step("render", &with);
    bench.execute(&*linked).await.unwrap();
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "to=b on=new\n");
    assert_eq!(std::fs::metadata(&real).unwrap().mode() & 0o777, 0o600);
    bench.undo(&*linked).await.unwrap();
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "old\n");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());

    bench.notes.0.lock().unwrap().clear();
    let new = bench.site.folder.path().join("new.env");
    let fresh = step("render", &json!({ "template": "note.j2", "host": "new", "path": new, "values": { "to": 5 } }));
    bench.execute(&*fresh).await.unwrap();
    assert_eq!(std::fs::read_to_string(&new).unwrap(), "to=5 on=new\n");
    assert_eq!(std::fs::metadata(&new).unwrap().mode() & 0o777, 0o644);
    bench.undo(&*fresh).await.unwrap();
    assert!(!new.exists());
}

#[tokio::test]
async fn variables_are_set_in_memory_and_in_the_file_and_both_are_put_back() {
    let bench = Bench::new().await;
    let before = bench.config();
    let wanted = json!({ "innodb_flush_log_at_trx_commit": 2, "max_allowed_packet": "64M", "event_scheduler": true });
    let step = step("set_variables", &json!({ "server": "target", "persist": true, "variables": wanted }));
    assert_eq!(bench.inspect(&*step).await, []);
    assert_eq!(bench.probe(&*step).await, Probe::NotDone);
    let outputs = bench.execute(&*step).await.unwrap();
    assert_eq!(
        outputs["previous"],
        json!("event_scheduler=OFF\ninnodb_flush_log_at_trx_commit=1\nmax_allowed_packet=16777216")
    );
    let changed = bench.config();
    let edited = before.replace("innodb_flush_log_at_trx_commit = 1", "innodb_flush_log_at_trx_commit = 2");
    assert_eq!(changed, format!("{edited}event_scheduler = ON\nmax_allowed_packet = 64M\n"));
    assert_eq!(bench.probe(&*step).await, Probe::Done(outputs.clone()));
    assert_eq!(bench.execute(&*step).await.unwrap(), outputs, "a second attempt remembers the first one's originals");
    bench.site.server.restart().await.unwrap();
    bench.fx.close_session("target", "main").await;
    assert_eq!(bench.variable("innodb_flush_log_at_trx_commit").await, "2", "survives a restart");
    assert_eq!(bench.variable("max_allowed_packet").await, (64 << 20).to_string());

    for _ in 0..2 {
        bench.undo(&*step).await.unwrap();
        assert_eq!(bench.config(), before);
        assert_eq!(bench.variable("innodb_flush_log_at_trx_commit").await, "1");
        assert_eq!(bench.variable("event_scheduler").await, "OFF");
        assert_eq!(bench.variable("max_allowed_packet").await, (16 << 20).to_string());
    }
    assert_eq!(bench.leftovers(), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn unknown_and_unsettable_variables_change_nothing() {
    let bench = Bench::shared(|_| {}).await;
    let before = bench.config();
    let unknown =
        json!({ "server": "target", "persist": true, "variables": { "super_read_only": 1, "sync_binlog": 0 } });
    let failures = bench.inspect(&*step("set_variables", &unknown)).await;
    assert!(failures[0].answer.contains("no variable super_read_only"), "{failures:?}");
    assert!(bench.execute(&*step("set_variables", &unknown)).await.is_err());
    assert_eq!((bench.variable("sync_binlog").await.as_str(), bench.config()), ("1", before.clone()));

    let fixed = json!({ "server": "target", "persist": true, "variables": { "innodb_page_size": 4096 } });
    let fixed = step("set_variables", &fixed);
    assert!(bench.execute(&*fixed).await.is_err());
    assert_eq!(bench.config(), before);

    let injected = json!({ "server": "target", "variables": { "a; DROP": 1 } });
    assert!(step("set_variables", &injected).preview(&bench.world).is_err());
}

#[tokio::test]
async fn what_ran_is_what_was_planned() {
    let bench = Bench::new().await;
    let step = step(
        "set_variables",
        &json!({ "server": "target", "variables": { "sync_binlog": 0, "innodb_flush_log_at_trx_commit": 2 } }),
    );
    let actions = step.preview(&bench.world).unwrap();
    let planned: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Sql { statement, .. } => Some(statement.to_string()),
            _ => None,
        })
        .collect();
    let log = bench.site.server.dir().join("general.log");
    let session = bench.fx.sql("target").await.unwrap();
    for sql in [format!("SET GLOBAL general_log_file = '{}'", log.display()), "SET GLOBAL general_log = ON".into()] {
        session.exec(cutover::domain::Sql::verbatim(&sql), Duration::from_secs(5)).await.unwrap();
    }
    bench.execute(&*step).await.unwrap();
    session.exec("SET GLOBAL general_log = OFF", Duration::from_secs(5)).await.unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    let ran: Vec<_> =
        log.lines().filter_map(|line| line.split_once("Query\t")).map(|(_, sql)| sql.to_owned()).collect();
    assert_eq!(ran[..ran.len() - 1], planned);
}

/// A backup that somebody removed, and a name that is written nowhere in the server's configuration.
#[tokio::test]
async fn nothing_is_reported_as_put_back_that_is_not() {
    let bench = Bench::new().await;
    let was = bench.config();
    let step = (find("set_variables").unwrap().decode)(
        &json!({ "server": "target", "persist": true, "variables": { "max_connections": 77 } }),
    )
    .unwrap();
    bench.execute(&*step).await.unwrap();
    let backup = std::fs::read_dir(bench.site.folder.path().join("t")).unwrap().flatten().map(|entry| entry.path());
    let backup = backup.into_iter().find(|path| path.to_string_lossy().ends_with(".bak")).unwrap();
    std::fs::rename(&backup, bench.site.folder.path().join("aside")).unwrap();
    let failure = bench.undo(&*step).await.unwrap_err();
    assert!(failure.answer.contains("is gone"), "{failure}");
    std::fs::rename(bench.site.folder.path().join("aside"), &backup).unwrap();
    for _ in 0..2 {
        bench.undo(&*step).await.unwrap();
        assert_eq!(bench.config(), was);
    }
}

#[tokio::test]
async fn no_stray_file_is_made() {
    let stray = Bench::shared(|inventory| {
        let file = inventory["servers"]["target"]["config_file"].as_str().unwrap().replace("my.cnf", "my.conf.cnf");
        inventory["servers"]["target"]["config_file"] = json!(file);
    })
    .await;
    let render = (find("render").unwrap().decode)(&json!({ "template": "my.cnf.j2", "server": "target" })).unwrap();
    let found = stray.inspect(&*render).await;
    assert_eq!((found.len(), found[0].class), (1, Class::Refused), "{found:?}");
    assert!(found[0].attempted.contains("my.conf.cnf"), "{}", found[0]);
    assert_eq!(stray.execute(&*render).await.unwrap_err().class, Class::Refused);
    assert!(!stray.site.folder.path().join("t/my.conf.cnf").exists());
}

/// Nobody wants to find that out when the server must come up again.
#[tokio::test]
async fn a_wrong_restart_is_found_before_it_is_needed() {
    let commands = [
        ("restart", json!(["no-such-program", "restart"]), "program `no-such-program` not found"),
        ("restart", json!(["systemctl", "restart", "no-such-unit"]), "no unit `no-such-unit`"),
        ("restart", json!(["service", "no-such-service", "restart"]), "service `no-such-service` not found"),
        ("start", json!(["/srv/no/such/start.sh"]), "program `/srv/no/such/start.sh` not found"),
    ];
    let mut bench = Bench::shared(|_| {}).await;
    let step = step("render", &json!({ "template": "my.cnf.j2", "server": "target", "restart": true }));
    assert_eq!(bench.inspect(&*step).await, []);
    for (field, command, fault) in commands {
        let server = bench.world.inventory.servers.get_mut("target").unwrap();
        let argv: Vec<String> = serde_json::from_value(command).unwrap();
        let right = server.restart.clone();
        if field == "restart" {
            server.restart = argv;
        } else {
            server.start = argv;
        }
        let found = bench.inspect(&*step).await;
        assert_eq!((found.len(), found[0].class), (1, Class::Refused), "{found:?}");
        assert!(found[0].answer.contains(fault), "{}", found[0]);
        assert!(found[0].help.as_ref().unwrap().contains(&format!("servers.target.{field}")), "{}", found[0]);
        bench.world.inventory.servers.get_mut("target").unwrap().restart = right;
    }
}

#[tokio::test]
async fn a_restart_has_a_limit_of_its_own() {
    let bench = Bench::with(|inventory| {
        inventory["servers"]["target"]["restart"] = json!(["sleep", "62"]);
        inventory["servers"]["target"]["restart_limit"] = json!("300ms");
    })
    .await;
    let step = step("render", &json!({ "template": "my.cnf.j2", "server": "target", "restart": true }));
    let failure = bench.execute(&*step).await.unwrap_err();
    assert!(failure.answer.contains("longer than 300ms"), "{failure}");
    assert_eq!(failure.now.as_deref(), Some("`sleep 62` was still running on new, and was ended"));
    assert!(failure.help.unwrap().contains("`restart_limit`"));
}
