//! Notes in the journal that are damaged: every undo stops and changes nothing. Absent is another matter.

use crate::bench::Bench;
use serde_json::{Value, json};

const STATE: &str = "SELECT CONCAT_WS(' ', @@GLOBAL.read_only, @@GLOBAL.event_scheduler, @@GLOBAL.sync_binlog, \
     @@GLOBAL.slave_parallel_threads, @@GLOBAL.gtid_slave_pos, \
     (SELECT GROUP_CONCAT(SCHEMA_NAME ORDER BY 1) FROM information_schema.SCHEMATA), \
     (SELECT GROUP_CONCAT(User, '@', Host ORDER BY 1) FROM mysql.user), \
     (SELECT GROUP_CONCAT(EVENT_NAME, STATUS ORDER BY 1) FROM information_schema.EVENTS))";

/// Everything that an undo could have changed.
async fn state(bench: &Bench) -> Vec<String> {
    let mut state = Vec::new();
    for server in ["source", "target"] {
        state.push(bench.ask(server, STATE).await);
        state.push(bench.column(server, "SHOW SLAVE STATUS", "Slave_SQL_Running").await);
    }
    for file in [bench.source.config_file(), bench.target.config_file(), bench.path("app/db.env")] {
        state.push(std::fs::read_to_string(file).unwrap());
    }
    state
}

/// Each kind that keeps notes, with its parameters, and each note with the ones that stand beside it.
fn kinds(bench: &Bench) -> Vec<(&'static str, Value, Value)> {
    let position = json!({ "file": "binlog.000001", "offset": 4 });
    let through = json!({ "step": "tunnel", "listen": bench.source.address() });
    let original = json!({ "existed": true, "backup": "/nowhere.bak" });
    let event = json!([{ "db": "d", "name": "e", "definer": "a@b", "status": "ENABLED" }]);
    let render = json!({ "template": "app.env.j2", "host": "new", "path": bench.path("app/db.env") });
    vec![
        ("import", json!({ "server": "target", "file": "/dump.zst" }), json!({ "databases_before": ["keep"] })),
        ("fence", json!({ "server": "source" }), json!({ "before": { "read_only": "OFF", "event_scheduler": "ON" } })),
        (
            "fence",
            json!({ "server": "source" }),
            json!({ "file": original,
            "before": { "read_only": "OFF", "event_scheduler": "ON" } }),
        ),
        (
            "set_variables",
            json!({ "server": "source", "persist": true, "variables": { "sync_binlog": 7 } }),
            json!({ "before": { "sync_binlog": "1" }, "file": original }),
        ),
        (
            "events",
            json!({ "from": "source", "to": "target", "scheduler": "ON" }),
            json!({ "before": event, "scheduler": "OFF" }),
        ),
        (
            "accounts",
            json!({ "application": "shop", "from": "source", "to": "target" }),
            json!({ "made shop@127.0.0.1": "whole" }),
        ),
        (
            "replication_account",
            json!({ "server": "source", "replica": "target", "through": through }),
            json!({ "ours": true }),
        ),
        (
            "change_source",
            json!({ "replica": "target", "source": "source", "position": position, "through": through }),
            json!({ "begun": true, "own_rows": true, "gtid_slave_pos": "0-1-1", "gtid_mode": "OFF" }),
        ),
        (
            "reverse_replication",
            json!({ "replica": "target", "source": "source", "position": position,
            "through": through }),
            json!({ "begun": true, "gtid_slave_pos": "0-1-1", "slave_parallel_threads": "0", "gtid_mode": "OFF" }),
        ),
        ("wait_for_lag", json!({ "replica": "target", "source": "source" }), json!({ "made_database": true })),
        (
            "promote",
            json!({ "server": "target", "source": "source" }),
            json!({ "proved": { "last": position, "own": position, "status": [] } }),
        ),
        ("repoint", json!({ "application": "shop", "to": "target" }), json!({ "staged": true })),
        ("render", render, json!({ "file": original, "restart": "done" })),
        (
            "verify",
            json!({ "source": "source", "replica": "target", "databases": ["d"] }),
            json!({ "applier_halted": true }),
        ),
    ]
}

#[tokio::test]
async fn stop_every_undo_before_it_touches_anything() {
    let bench = Bench::new().await;
    for statement in ["CREATE DATABASE cutover", "CREATE DATABASE keep", "CREATE USER shop@'127.0.0.1'"] {
        bench.exec("source", statement).await;
        bench.exec("target", statement).await;
    }
    bench.replicate().await;
    std::fs::write(bench.path("app/db.env"), "as it was\n").unwrap();
    let before = state(&bench).await;
    for (kind, with, notes) in kinds(&bench) {
        let notes = notes.as_object().unwrap();
        for key in notes.keys() {
            for damage in [json!(null), json!(17), json!({ "a": [] }), json!("\u{fffd}?")] {
                if damage.is_string()
                    && notes[key].is_string()
                    && !["restart", "made shop@127.0.0.1"].contains(&key.as_str())
                {
                    continue; // any text is one there
                }
                let step = bench.step(kind, &with);
                step.notes.0.lock().unwrap().extend(notes.clone());
                step.notes.0.lock().unwrap().insert(key.clone(), damage.clone());
                let failure = step.undo().await.expect_err(&format!("{kind}: `{key}` is {damage}"));
                assert!(failure.answer.contains(&format!("the note `{key}`")), "{kind}: {failure}");
                assert_eq!(state(&bench).await, before, "{kind}: `{key}` is {damage}");
            }
        }
    }
    // a value of the right type that means nothing is no better
    for (name, value) in [("read_only", "SOMETIMES"), ("read_only", ""), ("event_scheduler", "MAYBE")] {
        let step = bench.step("fence", &json!({ "server": "source" }));
        let mut noted = json!({ "read_only": "OFF", "event_scheduler": "ON" });
        noted[name] = json!(value);
        step.notes.0.lock().unwrap().insert("before".into(), noted);
        assert!(step.undo().await.unwrap_err().answer.contains(value));
    }
    assert_eq!(state(&bench).await, before);
}
