//! `copy` by statements: streamed, and by mydumper; torn at every place, adopted, taken back.

use crate::bench::{Bench, Work, until};
use crate::import::{MADE, assert_loaded};
use cutover::error::Class;
use cutover::kinds::Probe;
use serde_json::json;

/// What programs say when they are asked who they are and what they know.
const DUMP_ASKED: &str = "case $1 in --no-defaults) exec /usr/bin/mariadb-dump \"$@\" ;; esac;";
const CLIENT_ASKED: &str = "case $1 in --no-defaults) exec /usr/bin/mariadb \"$@\" ;; esac;";

async fn fails(step: &Work<'_>, words: &str) {
    let failure = step.execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert!(failure.answer.contains(words), "{failure}");
}

async fn whole(bench: &Bench, step: &mut Work<'_>, engine: &str) {
    let outputs = step.execute().await.unwrap();
    assert_loaded(bench).await;
    assert_eq!(outputs["position"], bench.position().await);
    assert_eq!((&outputs["engine"], &outputs["old_data"]), (&json!(engine), &json!("")));
    assert!(outputs["bytes"].as_u64().unwrap() > 50_000 && outputs["seconds"].as_f64().unwrap() > 0.0, "{outputs:?}");
    assert!(outputs["gtid"].as_str().unwrap().contains('-'), "{outputs:?}");
    step.outputs.clone_from(&outputs);
    assert_eq!(step.probe().await, Probe::Done(outputs));
    let left = bench.leftovers();
    assert!(left.iter().all(|path| ![".cnf", ".sql"].iter().any(|secret| path.contains(secret))), "{left:?}");
}

async fn undone(bench: &Bench, step: &Work<'_>) {
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(bench.ask("target", MADE).await, "keep");
    }
    assert_eq!(bench.leftovers(), [""; 0]);
}

#[tokio::test]
async fn statements_are_loaded_whole_or_begun_again() {
    let bench = Bench::with_shop(500).await;
    bench.exec("target", "SET GLOBAL read_only = OFF").await;
    bench.exec("target", "CREATE DATABASE keep").await;
    let place = bench.column("target", "SHOW MASTER STATUS", "Position").await;
    let mut step = bench.step("copy", &json!({ "from": "source", "to": "target", "engine": "dump" }));
    assert_eq!((step.inspect().await, step.probe().await), (vec![], Probe::NotDone));
    for (program, script, words) in [
        // the client is content with each of these, and has carried them out
        ("mariadb-dump", "/usr/bin/mariadb-dump \"$@\" | sed '/INSERT INTO .cards/,$d'", "cut off: its last line"),
        ("mariadb-dump", "/usr/bin/mariadb-dump \"$@\"; exit 3", "the dump program ended with code 3"),
        ("mariadb", "head -c 9000 >/dev/null; cat >/dev/null; exit 0", "before it had come to the end"),
        ("mariadb", "head -c 9000 >/dev/null; kill -9 $$", "the client ended with code 137"),
    ] {
        let asked = if program == "mariadb" { CLIENT_ASKED } else { DUMP_ASKED };
        bench.program("new", program, &format!("{asked} {script}"));
        fails(&step, words).await;
        std::fs::remove_file(bench.path(&format!("ssh/new/home/bin/{program}"))).unwrap();
    }
    // a runner that dies finds the job again
    let count = bench.path("count");
    let slow = format!("{DUMP_ASKED} echo x >> {}; sleep 2; exec /usr/bin/mariadb-dump \"$@\"", count.display());
    bench.program("new", "mariadb-dump", &slow);
    tokio::select! {
        ended = step.execute() => panic!("{ended:?}"),
        () = until("the dump runs", async || count.exists()) => {}
    }
    bench.die().await;
    whole(&bench, &mut step, "dump").await;
    assert_eq!(bench.text("count"), "x\n", "it was adopted, not begun again");
    std::fs::remove_file(bench.path("ssh/new/home/bin/mariadb-dump")).unwrap();
    undone(&bench, &step).await;

    let mut step = bench.step("copy", &json!({ "from": "source", "to": "target", "engine": "mydumper" }));
    assert_eq!(step.inspect().await, []);
    let torn = "/usr/bin/mydumper \"$@\"; for word; do case $word in --outputdir=*) sed -i /Finished/d \"${word#*=}/metadata\";; \
                esac; done";
    bench.program("new", "mydumper", torn);
    fails(&step, "no end mark").await;
    std::fs::remove_file(bench.path("ssh/new/home/bin/mydumper")).unwrap();
    whole(&bench, &mut step, "mydumper").await;
    undone(&bench, &step).await;
    assert_eq!(bench.column("target", "SHOW MASTER STATUS", "Position").await, place);

    // what it does not carry over is named, and nothing is begun
    for statement in [
        "CREATE SEQUENCE shop.numbers",
        "CREATE TABLE shop.hidden (id INT PRIMARY KEY, h INT INVISIBLE DEFAULT 1)",
        "CREATE TABLE shop.`a.b` (id INT PRIMARY KEY) WITH SYSTEM VERSIONING",
    ] {
        bench.exec("source", statement).await;
    }
    let found = step.inspect().await.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for words in [
        "shop.hidden.h (an invisible column)",
        "shop.a.b (its history)",
        "shop.numbers (a sequence)",
        "shop.a.b (its name)",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
}
