//! `import`: a dump into an empty server, half a dump, an old client, and all of it taken back.

use crate::bench::{Bench, Work, until};
use cutover::error::Class;
use cutover::kinds::{Probe, Update};
use serde_json::json;

const COUNTS: &str = "SELECT CONCAT((SELECT COUNT(*) FROM shop.accounts), ' ', (SELECT COUNT(*) FROM shop.cards), ' ', \
     (SELECT SUM(CRC32(CONCAT(id, name, balance, note))) FROM shop.accounts))";
pub const MADE: &str = "SELECT GROUP_CONCAT(SCHEMA_NAME ORDER BY 1) FROM information_schema.SCHEMATA \
     WHERE SCHEMA_NAME NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')";

/// A bench with a dump on the new host, and the step that loads it.
async fn ready(rows: u64) -> (Bench, String) {
    let bench = Bench::with_shop(rows).await;
    let outputs = bench.step("dump", &json!({ "server": "source" })).execute().await.unwrap();
    let file = outputs["file"].as_str().unwrap().to_owned();
    (bench, file)
}

pub async fn assert_loaded(bench: &Bench) {
    assert_eq!(bench.ask("target", COUNTS).await, bench.ask("source", COUNTS).await);
    assert_eq!(bench.ask("target", "SELECT shop.balance_of(2)").await, "1000");
    let code = "SELECT CONCAT((SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop'), \
                (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'shop'), \
                (SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop'), \
                (SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'shop'))";
    assert_eq!(bench.ask("target", code).await, "1221");
}

async fn undone(bench: &Bench, step: &Work<'_>) {
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(bench.ask("target", MADE).await, "keep");
    }
    let left = bench.leftovers();
    assert!(left.iter().all(|path| path.contains("/dump")), "{left:?}");
}

#[tokio::test]
async fn loads_everything_outside_the_binary_log_and_undo_drops_just_that() {
    let (bench, file) = ready(60_000).await;
    bench.exec("target", "SET GLOBAL read_only = OFF").await;
    bench.exec("target", "CREATE DATABASE keep").await;
    let place = bench.column("target", "SHOW MASTER STATUS", "Position").await;
    let step = bench.step("import", &json!({ "server": "target", "file": file }));
    assert_eq!((step.inspect().await, step.probe().await), (vec![], Probe::NotDone));
    let outputs = step.execute().await.unwrap();
    assert_eq!(outputs["databases"], "keep shop");
    assert_eq!(step.probe().await, Probe::Done(outputs), "a runner that died now need not load again");
    assert_loaded(&bench).await;
    assert_eq!(bench.column("target", "SHOW MASTER STATUS", "Position").await, place);
    let told = step.told();
    let size = std::fs::metadata(&file).unwrap().len();
    let bytes = told.iter().filter_map(|update| match update {
        Update::Bytes { done, total } => Some((*done, *total)),
        _ => None,
    });
    let bytes: Vec<_> = bytes.collect();
    assert!(bytes.iter().any(|(done, total)| *done > 0 && *done <= size && *total == Some(size)), "{told:?}");
    assert!(bytes.is_sorted(), "{bytes:?}");

    let full = bench.step("import", &json!({ "server": "target", "file": file }));
    for failure in [full.inspect().await.remove(0), full.execute().await.unwrap_err()] {
        assert_eq!(failure.class, Class::Refused);
        assert!(failure.answer.contains("not empty: it has the "), "{failure}");
    }
    full.undo().await.unwrap();
    assert_loaded(&bench).await; // a step that never began has nothing to drop
    undone(&bench, &step).await;
    assert_eq!(bench.column("target", "SHOW MASTER STATUS", "Position").await, place);

    let logged = bench.step("import", &json!({ "server": "target", "file": file, "binlog": true }));
    logged.execute().await.unwrap();
    assert_ne!(bench.column("target", "SHOW MASTER STATUS", "Position").await, place);
    undone(&bench, &logged).await;
}

#[tokio::test]
async fn a_load_killed_in_the_middle_is_cleared_and_made_anew() {
    let (bench, file) = ready(20_000).await;
    bench.exec("target", "CREATE DATABASE keep").await;
    let half = "case $1 in --no-defaults) exec /usr/bin/mariadb \"$@\";; esac\nhead -c 1500000 | /usr/bin/mariadb \"$@\"\nread leader rest < pid\nkill -9 $leader $PPID $$";
    let step = bench.step("import", &json!({ "server": "target", "file": file }));
    bench.program("new", "mariadb", half);
    let failure = step.execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert!(failure.answer.contains("ended without a result"), "{failure}");
    let loaded: u64 = bench.ask("target", "SELECT COUNT(*) FROM shop.accounts").await.parse().unwrap();
    assert!(loaded > 0 && loaded < 20_000, "{loaded}");
    std::fs::remove_file(bench.path("ssh/new/home/bin/mariadb")).unwrap();
    step.execute().await.unwrap();
    assert_loaded(&bench).await;
    undone(&bench, &step).await;
}

#[tokio::test]
async fn a_server_that_was_emptied_meanwhile_is_not_taken_for_a_loaded_one() {
    let (bench, file) = ready(500).await;
    bench.exec("target", "CREATE DATABASE keep").await;
    let mut step = bench.step("import", &json!({ "server": "target", "file": file }));
    let outputs = step.execute().await.unwrap();
    std::fs::write(bench.path("work/new/r1/import.cnf"), "").unwrap();
    assert_eq!(step.probe().await, Probe::NotDone, "the file with the password must still go");
    assert_eq!(step.execute().await.unwrap(), outputs);
    bench.exec("target", "DROP DATABASE shop").await;
    assert_eq!(step.probe().await, Probe::NotDone, "nobody stands on it yet: it is loaded again");
    assert_eq!(step.execute().await.unwrap(), outputs);
    assert_loaded(&bench).await;
    step.outputs = outputs.clone();
    bench.exec("target", "DROP TABLE shop.cards").await;
    assert_eq!(step.probe().await, Probe::Done(outputs), "replication may have brought that");
    bench.exec("target", "DROP DATABASE shop").await;
    let Probe::Conflict(failure) = step.probe().await else { panic!("it is empty") };
    assert!(failure.answer.contains("has no tables any more"), "{failure}");
    undone(&bench, &step).await;
}

#[tokio::test]
async fn a_load_outlives_its_runner_and_an_old_client_can_do_it() {
    let (bench, file) = ready(5000).await;
    bench.exec("target", "CREATE DATABASE keep").await;
    let count = bench.path("count");
    let old = format!(
        "case $1 in --no-defaults) exec /usr/bin/mariadb \"$@\";; esac\n\
         echo x >> {}\ncat > all\ncase $* in *--binary-mode*) ;; *) grep -q 'enable the sandbox mode' all && \
         {{ echo 'ERROR at line 1: Unknown command' >&2; exit 1; }} ;; esac\nsleep 2\nexec /usr/bin/mariadb \"$@\" < all",
        count.display()
    );
    bench.program("new", "mariadb", &old);
    let step = bench.step("import", &json!({ "server": "target", "file": file }));
    tokio::select! {
        ended = step.execute() => panic!("{ended:?}"),
        () = until("the load runs", async || count.exists()) => {}
    }
    bench.die().await;
    step.execute().await.unwrap();
    assert_eq!(bench.text("count"), "x\n", "it was adopted, not begun again");
    assert_loaded(&bench).await;
    undone(&bench, &step).await;
}

#[tokio::test]
async fn half_a_file_and_none_are_failures_that_leave_nothing() {
    let (bench, file) = ready(5000).await;
    bench.exec("target", "CREATE DATABASE keep").await;
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(bench.path("whole"), &whole).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let step = bench.step("import", &json!({ "server": "target", "file": file }));
    let failure = step.execute().await.unwrap_err();
    assert!(failure.answer.contains("the dump cannot be read"), "{failure}");
    let output = std::process::Command::new("zstd").arg("-dcq").arg(bench.path("whole")).output().unwrap();
    let broken = String::from_utf8(output.stdout).unwrap().replace(",'customer 77'", ",'customer 77");
    std::fs::write(bench.path("broken.sql"), broken).unwrap();
    let zip = std::process::Command::new("zstd").arg("-qf").arg(bench.path("broken.sql")).arg("-o").arg(&file).status();
    assert!(zip.unwrap().success());
    let failure = step.execute().await.unwrap_err();
    assert!(failure.answer.contains("ERROR 1064") && !failure.answer.contains("customer 100"), "{failure}");
    undone(&bench, &step).await;
    a_dump_that_speaks_to_the_client_runs_nothing(&bench, &step, &file).await;
    let none = bench.step("import", &json!({ "server": "target", "file": "/nowhere.zst" }));
    let failure = none.execute().await.unwrap_err();
    assert!(failure.attempted.contains("find the dump") && failure.answer.contains("/nowhere.zst"), "{failure}");
    undone(&bench, &none).await;
}

/// Lines that a client program takes for its own: to run a program, to read a file, to write one.
async fn a_dump_that_speaks_to_the_client_runs_nothing(bench: &Bench, step: &Work<'_>, file: &str) {
    let canary = bench.path("ran");
    let read = bench.path("read");
    std::fs::write(&read, "1\n").unwrap();
    let (ran, read) = (canary.display(), read.display());
    for line in [
        format!("\\! touch {ran}"),
        format!("system touch {ran}"),
        format!("\\T {ran}"),
        format!("tee {ran}"),
        format!("\\P tee {ran}"),
        format!("/*!50000 SELECT 1 */;\\! touch {ran}"),
        format!("SELECT 1 \\! touch {ran}\n;"),
        format!("LOAD DATA LOCAL INFILE '{read}' INTO TABLE g.u;"),
        format!("\\. {read}"),
    ] {
        let text = format!("CREATE DATABASE g;\nCREATE TABLE g.u (a INT);\n{line}\nCREATE TABLE g.t (a INT);\n");
        std::fs::write(bench.path("odd.sql"), text).unwrap();
        let zip = std::process::Command::new("zstd").arg("-qf").arg(bench.path("odd.sql")).arg("-o").arg(file).status();
        assert!(zip.unwrap().success());
        let failure = step.execute().await.unwrap_err();
        assert!(!canary.exists(), "{line}: {failure}");
        let loaded = bench
            .ask("target", "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'u' AND TABLE_ROWS > 0");
        assert_eq!(loaded.await, "0", "{line}: {failure}");
        undone(bench, step).await;
    }
}
