//! `benchmark`: fio on a real disk.

use crate::bench::Bench;
use cutover::error::Class;
use serde_json::{Value, json};

fn with(bench: &Bench, directory: &str, more: &Value) -> Value {
    let _ = std::fs::create_dir(bench.path("disk"));
    let mut with = json!({ "host": "new", "directory": directory, "size": "8MiB", "duration": "1s",
                           "allow_buffered": true });
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    with
}

#[tokio::test]
async fn measures_a_disk_and_refuses_a_slow_one_with_nothing_left_behind() {
    let bench = Bench::with_shop(10).await;
    let disk = bench.path("disk").display().to_string();
    let direct = with(&bench, &disk, &json!({ "allow_buffered": false, "duration": "2s" }));
    let figures = bench.step("benchmark", &direct).execute().await.unwrap();
    let figure = |name: &str| figures[name].as_f64().unwrap();
    assert!(figure("write_iops") > 10.0 && figure("write_iops") < 10_000_000.0, "{figures:?}");
    let ratio = figure("read_iops") / figure("write_iops");
    assert!((2.0..4.5).contains(&ratio), "three reads for each write: {figures:?}");
    assert!((0.000_1..5_000.0).contains(&figure("fsync_p99_ms")), "{figures:?}");
    assert_eq!(bench.leftovers(), [""; 0]);

    let gates = [
        (json!({ "write_iops": 1e9, "read_iops": 1e9 }), "random writes per second, required are 1000000000"),
        (json!({ "fsync_p99": "0ms" }), "allowed is 0s"),
    ];
    for (require, words) in gates {
        let step = bench.step("benchmark", &with(&bench, &disk, &json!({ "require": require })));
        let failure = step.execute().await.unwrap_err();
        assert_eq!(failure.class, Class::Refused);
        assert!(failure.answer.contains(words), "{failure}");
        assert_eq!(bench.leftovers(), [""; 0]);
        assert_eq!(std::fs::read_dir(&disk).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_live_disk_a_full_one_and_none_are_refused_and_memory_is_measured_buffered() {
    let bench = Bench::with_shop(10).await;
    let refusal = async |directory: &str, more: Value| {
        let step = bench.step("benchmark", &with(&bench, directory, &more));
        let found = step.inspect().await;
        let failure = step.execute().await.unwrap_err();
        assert_eq!((failure.class, found.first()), (Class::Refused, Some(&failure)));
        failure.to_string()
    };
    let live = bench.source.data_dir().display().to_string();
    let on_old = json!({ "host": "old" });
    let answer = refusal(&live, on_old.clone()).await;
    assert!(answer.contains("the server `source` has tables (4)"), "{answer}");
    assert!(refusal("/nowhere/at/all", json!({})).await.contains("not a directory"));
    assert!(refusal("/dev/shm", json!({ "size": "900TiB" })).await.contains("needed: "));

    let empty = bench.target.data_dir().display().to_string();
    let step = bench.step("benchmark", &with(&bench, &empty, &json!({})));
    assert_eq!(step.inspect().await, [], "a server without tables is no reason");

    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let figures = bench.step("benchmark", &with(&bench, memory.path().to_str().unwrap(), &json!({}))).execute().await;
    assert!(figures.unwrap()["write_iops"].as_f64().unwrap() > 100.0);
    assert_eq!(std::fs::read_dir(memory.path()).unwrap().count(), 0);
    let mut allowed = on_old;
    allowed["allow_live_disk"] = json!(true);
    assert_eq!(bench.step("benchmark", &with(&bench, &live, &allowed)).inspect().await, []);
}
