//! What fails after the copy never costs the copy: a step that fails is put behind each step after the import in turn, and
//! the cause is mended then. The replica goes on following, and `resume` reaches the end.
//!
//! A few places by default; `CUTOVER_LATE=all` takes every one of them.

use crate::stage::{SHIPPED, Stage};
use cutover::store::{Event, Journal, Store};

/// Steps behind which something fails by default: while the replica gets up, and behind the fence.
const SOME: [&str; 2] = ["replicate", "fence"];
/// Steps of the block that is the switch.
const SWITCH: [&str; 4] = ["fence", "final", "promote", "app"];
const PAST: [&str; 8] =
    ["promote", "app", "events", "forget", "production_config", "events_after_restart", "reverse", "tidy"];

/// The shipped playbook with a step `late` behind `step`, which fails as long as `file` is not there.
fn with_a_failure_behind(step: &str, file: &str) -> String {
    let lines: Vec<&str> = SHIPPED.lines().collect();
    let head = |line: &str| line.trim_start().starts_with("- id: ");
    let begin = lines.iter().position(|line| line.trim() == format!("- id: {step}")).unwrap();
    let end = (begin + 1..lines.len()).find(|&ix| head(lines[ix])).unwrap_or(lines.len());
    let in_block = SWITCH.contains(&step);
    let pad = if in_block { "      " } else { "  " };
    let needs = if in_block { String::new() } else { format!("{pad}  needs: [{step}]\n") };
    let stop = if PAST.contains(&step) && !in_block { format!("{pad}  on_failure: stop\n") } else { String::new() };
    let with = format!("{{ host: \"{{{{ servers.target.host }}}}\", run: [test, -e, \"{file}\"] }}");
    let late = format!("{pad}- id: late\n{needs}{stop}{pad}  uses: command\n{pad}  with: {with}\n");
    let mut text = lines[..end].join("\n") + "\n" + &late;
    for line in &lines[end..] {
        // whatever needs the step waits for what fails behind it
        let waits = line.trim_start().starts_with("needs:") && !in_block;
        let line = if waits {
            line.replace(&format!("{step}]"), "late]").replace(&format!("{step},"), "late,")
        } else {
            (*line).to_owned()
        };
        text += &line;
        text.push('\n');
    }
    text
}

async fn fails_behind(step: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mended = folder.path().join("mended");
    let mut stage = Stage::new(&with_a_failure_behind(step, &mended.display().to_string())).await;
    let (code, said) = stage.run(&["--yes"]).end().await;
    let status = stage.status();
    let run = status["run"].as_str().unwrap().to_owned();
    let expected = if PAST.contains(&step) { ("stopped", 4) } else { ("kept", 3) };
    assert_eq!((status["outcome"].as_str().unwrap(), code), expected, "{step}: {said}");
    if !PAST.contains(&step) {
        assert!(stage.open().await.0, "{step}: the application writes on the old server");
    }
    std::fs::write(&mended, "").unwrap();
    let (code, said) = stage.say(&["resume", "--yes", &run]);
    assert_eq!(code, 0, "{step}: {said}");
    stage.assert_done().await;
    let journal = Store::open_existing(&stage.sandbox.dir().join("state")).unwrap().unwrap();
    let entries = journal.entries(&run).unwrap();
    let times = |wanted: &str| {
        entries.iter().filter(|entry| matches!(&entry.event, Event::StepIntent { step, .. } if step == wanted)).count()
    };
    format!("{step}: {} dumps, {} imports, {} fences", times("dump"), times("import"), times("fence"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_after_the_import_never_costs_the_copy() {
    let all = std::env::var("CUTOVER_LATE").is_ok_and(|text| text == "all");
    let mut steps: Vec<&str> = if all {
        vec!["import", "app_accounts", "replicate", "catch_up", "durable", "keeps_up", "go", "fence", "final"]
    } else {
        SOME.to_vec()
    };
    steps.extend(PAST.iter().filter(|_| all));
    for step in steps {
        let row = fails_behind(step).await;
        println!("{row}");
        assert!(row.contains("1 dumps, 1 imports"), "{row}");
    }
}

/// The applier stops at a row that is there already: the copy stands, and the replica goes on from where it had come to.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stopped_goes_on_from_where_it_was() {
    let mut stage = Stage::new(SHIPPED).await;
    let runner = stage.run(&["--yes"]);
    stage.until("import", "succeeded").await;
    let target = stage.sandbox.on_target().await.unwrap();
    let limit = std::time::Duration::from_secs(20);
    let last: u64 = stage.value(true, "SELECT MAX(seq) FROM shop.ledger WHERE writer = 1").await.parse().unwrap();
    let rows: Vec<String> = (last + 20..last + 400).map(|seq| format!("(1, {seq}, 'in the way')")).collect();
    let text = format!("INSERT INTO shop.ledger (writer, seq, token) VALUES {}", rows.join(", "));
    target.exec("SET SESSION sql_log_bin = 0", limit).await.unwrap();
    target.exec(cutover::domain::Sql::verbatim(&text), limit).await.unwrap();
    let (code, said) = runner.end().await;
    assert!(code == 3 && said.contains("Duplicate entry"), "{code} {said}");
    assert_eq!(stage.status()["outcome"], "kept");
    target.exec("DELETE FROM shop.ledger WHERE token = 'in the way'", limit).await.unwrap();
    let (code, said) = stage.say(&["resume", "--yes"]);
    assert_eq!(code, 0, "{said}");
    stage.assert_done().await;
}

/// Whoever takes up a run waits for a server that is just restarting.
#[tokio::test(flavor = "multi_thread")]
async fn a_resume_waits_for_a_server_that_restarts() {
    let mut stage = Stage::new(SHIPPED).await;
    let runner = stage.run(&[]);
    stage.until("go", "waiting").await;
    runner.kill();
    stage.sandbox.target.kill();
    let mut resume = stage.start(&["resume", "--yes"]);
    resume.until_said("waiting for `target`");
    stage.sandbox.target.restart().await.unwrap();
    let (code, said) = resume.end().await;
    assert_eq!(code, 0, "{said}");
    stage.assert_done().await;
}
