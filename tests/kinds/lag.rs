//! `wait_for_lag`: a replica that really lags, one that stands still, one that cannot go on.

use crate::bench::{Bench, until};
use cutover::error::Class;
use cutover::kinds::Update;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn measures_lag_on_one_clock_and_never_takes_a_standstill_for_none() {
    let bench = Bench::new().await;
    bench.replicate().await;
    let step = bench.step("wait_for_lag", &json!({ "replica": "target", "max_lag": "250ms", "for": "1s" }));
    let quick = step.execute().await.unwrap();
    assert!(quick["lag_ms"].as_u64().unwrap() <= 250, "{quick:?}");

    // two seconds late, whatever the server's own figure says
    bench.exec("target", "STOP SLAVE").await;
    bench.exec("target", "CHANGE MASTER TO MASTER_DELAY = 2").await;
    bench.exec("target", "START SLAVE").await;
    step.told();
    let mut seen = Vec::new();
    {
        let mut late = std::pin::pin!(step.execute());
        let pause = tokio::time::sleep(Duration::from_secs(6));
        tokio::select! {
            ended = &mut late => panic!("{ended:?}"),
            () = pause => {}
        }
        seen.extend(step.told().into_iter().filter_map(|update| match update {
            Update::Lag { millis } => Some(millis),
            _ => None,
        }));
        let steady: Vec<_> = seen.iter().rev().take(8).collect();
        assert!(steady.iter().all(|lag| (900..4_000).contains(*lag)), "{seen:?}");
        bench.exec("target", "STOP SLAVE SQL_THREAD").await;
        let failure = late.await.unwrap_err();
        assert_eq!(failure.class, Class::Transient);
        assert!(failure.answer.contains("the applier is stopped"), "{failure}");
    }
    bench.exec("target", "STOP SLAVE").await;
    bench.exec("target", "CHANGE MASTER TO MASTER_DELAY = 0").await;
    bench.exec("target", "START SLAVE").await;
    let again = step.execute().await.unwrap();
    assert!(again["lag_ms"].as_u64().unwrap() <= 250, "rows of the attempt before do not count: {again:?}");

    bench.exec("target", "STOP SLAVE SQL_THREAD").await;
    bench.exec("target", "SET SESSION sql_log_bin = 0").await;
    bench.exec("target", "DROP DATABASE cutover").await;
    bench.exec("source", "UPDATE cutover.token SET value = value + 1").await;
    bench.exec("target", "START SLAVE SQL_THREAD").await;
    until("it stops", async || bench.column("target", "SHOW SLAVE STATUS", "Last_SQL_Errno").await != "0").await;
    let failure = step.execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.answer.contains("the replica stopped applying: error"), "{failure}");
    assert!(failure.now.unwrap().contains("it has applied the source's log up to"));

    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(bench.ask("source", "SHOW DATABASES LIKE 'cutover'").await, "nothing");
    }
}
