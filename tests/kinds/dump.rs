//! `dump`: on the source's own host, on the new one with and without a tunnel, cut off, adopted, taken back.

use crate::bench::{Bench, processes, until};
use cutover::error::Class;
use cutover::kinds::{Outputs, Probe};
use cutover::rehearsal::work_folder::WorkFolder;
use serde_json::{Value, json};
use std::path::Path;

fn text_of(file: &Value) -> String {
    let output = std::process::Command::new("zstd").args(["-dcq", file.as_str().unwrap()]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn assert_whole(bench: &Bench, outputs: &Outputs) -> String {
    assert_eq!(outputs["position"], bench.position().await);
    let file = Path::new(outputs["file"].as_str().unwrap());
    assert_eq!(outputs["bytes"].as_u64().unwrap(), file.metadata().unwrap().len());
    let text = text_of(&outputs["file"]);
    assert!(text.trim_end().lines().last().unwrap().contains("Dump completed"));
    for made in [
        "TRIGGER shop.accounts_touched",
        "FUNCTION `balance_of`",
        "PROCEDURE `forget_notes`",
        "EVENT `nightly`",
        "VIEW `overdrawn`",
        "INSERT INTO `cards`",
    ] {
        assert!(text.contains(made), "{made}");
    }
    assert_eq!(bench.leftovers().iter().filter(|path| path.contains(".cnf")).count(), 0);
    text
}

#[tokio::test]
async fn whole_and_at_its_place_wherever_it_is_made() {
    let bench = Bench::with_shop(500).await;
    bench.exec("source", "CREATE DATABASE `odd-name ü`").await;
    let through = json!({ "step": "tunnel", "listen": bench.tunnel });
    let tunnel = json!({ "from": "new", "to": "old", "listen": bench.tunnel, "forward": bench.source.address() });
    let tunnel = bench.step("tunnel", &tunnel);
    tunnel.execute().await.unwrap();
    let everything = [
        json!({ "server": "source" }),
        json!({ "server": "source", "on": "target", "through": through }),
        json!({ "server": "source", "on": "target" }),
    ];
    for (number, with) in everything.iter().enumerate() {
        let step = bench.step("dump", with);
        assert_eq!(step.inspect().await, []);
        let outputs = step.execute().await.unwrap();
        let text = assert_whole(&bench, &outputs).await;
        assert!(text.contains("CREATE DATABASE /*!32312 IF NOT EXISTS*/ `odd-name ü`") && !text.contains("`mysql`"));
        let host = if number == 0 { "/old/" } else { "/new/" };
        assert!(outputs["file"].as_str().unwrap().contains(host));
        assert_eq!(step.execute().await.unwrap(), outputs, "a finished dump is found again");
        assert_eq!(step.probe().await, Probe::Done(outputs.clone()), "by a look, too");
        step.undo().await.unwrap();
        step.undo().await.unwrap();
        assert!(!Path::new(outputs["file"].as_str().unwrap()).exists());
    }
    assert_eq!(processes(&format!(":{} old", bench.source.address())).len(), 1, "the dump's own tunnel has ended");
    tunnel.undo().await.unwrap();
    assert_eq!(bench.leftovers(), [""; 0]);

    let folder = std::fs::canonicalize(bench.path("work")).unwrap().join("dumps");
    let named = json!({ "server": "source", "databases": ["shop"], "directory": folder });
    let step = bench.step("dump", &named);
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(step.inspect().await, [], "what holds no tables may be left out");
    let outputs = step.execute().await.unwrap();
    assert!(!assert_whole(&bench, &outputs).await.contains("odd-name"));
    assert!(Path::new(outputs["file"].as_str().unwrap()).starts_with(&folder));
    step.undo().await.unwrap();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test]
async fn dumps_may_have_a_folder_of_their_own() {
    let around = WorkFolder::make().unwrap();
    let place = around.path().join("it's a disk/dumps");
    let bench = Bench::with(|inventory| inventory["hosts"]["old"]["dump_dir"] = json!(place)).await;
    for statement in ["CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)"] {
        bench.exec("source", statement).await;
    }
    let step = bench.step("dump", &json!({ "server": "source" }));
    let tidy = bench.step("clean_up", &json!({ "host": "old" }));
    for takes_back in [true, false] {
        assert_eq!(step.inspect().await, []);
        let outputs = step.execute().await.unwrap();
        let file = Path::new(outputs["file"].as_str().unwrap());
        assert!(file.starts_with(&place) && file.is_file(), "{}", file.display());
        assert_eq!(step.probe().await, Probe::Done(outputs.clone()));
        if takes_back {
            step.undo().await.unwrap();
        } else {
            tidy.execute().await.unwrap();
        }
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0, "the run's folder went with its dump");
    }
    // others can write to what leads there by now
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(place.parent().unwrap(), open).unwrap();
    assert!(step.inspect().await[0].answer.contains("can be written by others"));
    let failure = step.execute().await.unwrap_err();
    assert!(failure.class == Class::Refused && failure.answer.contains("it's a disk"), "{failure}");
}

#[tokio::test]
async fn a_source_that_cannot_be_followed_is_refused() {
    let bench = Bench::with_shop(10).await;
    let refusals = async |with: Value| {
        let found = bench.step("dump", &with).inspect().await;
        assert!(found.iter().all(|failure| failure.class == Class::Refused), "{found:?}");
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    bench.exec("source", "CREATE TABLE shop.notes (a INT) ENGINE=MyISAM").await;
    bench.exec("source", "SET GLOBAL binlog_format = STATEMENT").await;
    let found = refusals(json!({ "server": "source" })).await;
    assert!(found.contains("shop.notes (MyISAM)") && found.contains("STATEMENT, not ROW"), "{found}");
    bench.exec("source", "SET GLOBAL binlog_format = ROW").await;
    bench.exec("source", "DROP TABLE shop.notes").await;
    bench.exec("source", "SET GLOBAL binlog_row_image = MINIMAL").await;
    assert!(refusals(json!({ "server": "source" })).await.contains("MINIMAL, not FULL"));
    bench.exec("source", "SET GLOBAL binlog_row_image = FULL").await;
    assert!(refusals(json!({ "server": "source", "databases": ["shop", "none"] })).await.contains("no database none"));
    bench.exec("source", "CREATE DATABASE side").await;
    bench.exec("source", "CREATE TABLE side.t (a INT)").await;
    let left_out = refusals(json!({ "server": "source", "databases": ["shop"] })).await;
    assert!(left_out.contains("side.t is in none of `databases`"), "{left_out}");
}

/// What a program says when it is asked who it is and what it knows.
const ASKED: &str = "case $1 in --no-defaults) exec /usr/bin/mariadb-dump \"$@\" ;; esac;";

#[tokio::test]
async fn a_dump_that_is_cut_off_is_none_and_the_next_attempt_begins_anew() {
    let bench = Bench::with_shop(2000).await;
    let step = bench.step("dump", &json!({ "server": "source" }));
    let cuts = [
        ("/usr/bin/mariadb-dump \"$@\" | head -c 60000", "cut off: its last line is missing"),
        ("/usr/bin/mariadb-dump \"$@\" | head -c 60000; exit 3", "ended with code 3"),
        ("/usr/bin/mariadb-dump --no-such-flag", "unknown option '--no-such-flag'"),
    ];
    for (script, words) in cuts {
        bench.program("old", "mariadb-dump", &format!("{ASKED} {script}"));
        let failure = step.execute().await.unwrap_err();
        assert_eq!(failure.class, Class::Transient);
        assert!(failure.answer.contains(words), "{failure}");
        assert!(!bench.leftovers().iter().any(|path| {
            [Some("zst"), Some("cnf")].contains(&Path::new(path).extension().and_then(|end| end.to_str()))
        }));
    }
    std::fs::remove_file(bench.path("ssh/old/home/bin/mariadb-dump")).unwrap();
    assert_whole(&bench, &step.execute().await.unwrap()).await;
    step.undo().await.unwrap();
    assert_eq!(bench.leftovers(), [""; 0]);
}

#[tokio::test]
async fn a_dump_outlives_its_runner_and_is_found_again_or_ended() {
    let bench = Bench::with_shop(500).await;
    let count = bench.path("count");
    let dump = format!("echo x >> {}; sleep 2; exec /usr/bin/mariadb-dump \"$@\"", count.display());
    let script = format!("{ASKED} {dump}");
    bench.program("old", "mariadb-dump", &script);
    let step = bench.step("dump", &json!({ "server": "source" }));
    tokio::select! {
        ended = step.execute() => panic!("{ended:?}"),
        () = until("the dump runs", async || count.exists()) => {}
    }
    bench.die().await;
    assert_whole(&bench, &step.execute().await.unwrap()).await;
    assert_eq!(bench.text("count"), "x\n", "it was adopted, not begun again");
    step.undo().await.unwrap();

    tokio::select! {
        ended = step.execute() => panic!("{ended:?}"),
        () = until("it runs again", async || bench.text("count").len() > 2) => {}
    }
    let ours = std::fs::canonicalize(bench.path("work")).unwrap().display().to_string();
    step.undo().await.unwrap();
    assert_eq!((bench.leftovers(), processes(&ours)), (vec![], vec![]));
}
