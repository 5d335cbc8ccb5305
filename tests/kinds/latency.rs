//! `latency`: a server behind a slow line beside one that is near, measured from the application's host.

use crate::bench::Bench;
use cutover::error::Class;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// How much later everything arrives, in each direction.
const DELAY: Duration = Duration::from_millis(4);

/// A line to `address` on which everything arrives late.
async fn slow_line(address: String, listener: TcpListener) {
    while let Ok((near, _)) = listener.accept().await {
        let far = TcpStream::connect(&address).await.unwrap();
        near.set_nodelay(true).unwrap();
        far.set_nodelay(true).unwrap();
        let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
        tokio::spawn(late(near_read, far_write));
        tokio::spawn(late(far_read, near_write));
    }
}

async fn late(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut buffer = vec![0; 65536];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        tokio::time::sleep(DELAY).await;
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_far_server_is_told_from_a_near_one_and_a_gate_says_no() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let far = listener.local_addr().unwrap().to_string();
    let bench = Bench::with(|inventory| inventory["servers"]["source"]["endpoint"] = json!(far)).await;
    tokio::spawn(slow_line(bench.source.address(), listener));
    for server in ["source", "target"] {
        bench.exec(server, "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden'").await;
    }
    let both = json!({ "application": "shop", "servers": ["source", "target"], "samples": 50, "per_page": 20 });
    let step = bench.step("latency", &both);
    assert_eq!(step.inspect().await, []);
    let outputs = step.execute().await.unwrap();
    let ms = |name: &str| outputs[name].as_f64().unwrap();
    assert!((8.0..400.0).contains(&ms("before_p50_ms")), "{outputs:?}");
    assert!(ms("before_p50_ms") <= ms("before_p95_ms") && ms("before_p95_ms") <= ms("before_p99_ms"), "{outputs:?}");
    assert!(ms("after_p50_ms") > 0.0 && ms("after_p50_ms") < 4.0, "no part of the line's delay: {outputs:?}");
    assert!(ms("before_page_ms") >= 160.0 && ms("after_page_ms") < ms("before_page_ms"), "{outputs:?}");
    assert_eq!(bench.leftovers(), [""; 0], "no file with a password stays");
    eprintln!("{outputs:?}");

    let mut gated =
        json!({ "host": "new", "servers": ["target", "source"], "samples": 20, "require": { "p95": "5ms" } });
    let refused = bench.step("latency", &gated).execute().await.unwrap_err();
    assert_eq!(refused.class, Class::Refused);
    assert!(refused.answer.contains("allowed is 5ms"), "{refused}");
    gated["servers"] = json!(["source", "target"]);
    bench.step("latency", &gated).execute().await.unwrap();
}

#[tokio::test]
async fn a_login_that_is_refused_is_said_and_no_password_stays() {
    let bench = Bench::new().await;
    let step = bench.step("latency", &json!({ "application": "shop", "servers": ["source", "target"], "samples": 20 }));
    let failure = step.execute().await.unwrap_err();
    assert!(failure.answer.contains("Access denied for user 'shop'"), "{failure}");
    assert!(failure.help.clone().unwrap().contains("as shop at"), "{failure:?}");
    assert!(!failure.to_string().contains("laden"));
    assert_eq!(bench.leftovers(), [""; 0]);
}
