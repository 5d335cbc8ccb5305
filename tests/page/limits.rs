//! What the page takes from one caller: bodies, heads, time, streams.

use super::call::{call, get};
use super::served::Served;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const SAME: &str = "Sec-Fetch-Site: same-origin";

fn connect(address: SocketAddr) -> TcpStream {
    let line = TcpStream::connect(address).unwrap();
    line.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    line
}

/// The status of what is answered, and after how long the connection was closed.
fn until_closed(mut line: TcpStream, begin: Instant) -> (String, Duration) {
    let mut bytes = Vec::new();
    let _ = line.read_to_end(&mut bytes); // what was said before a reset counts
    let text = String::from_utf8_lossy(&bytes);
    (text.split(' ').nth(1).unwrap_or_default().to_owned(), begin.elapsed())
}

#[test]
fn a_body_of_ten_megabytes_is_refused_early_and_one_without_a_length_too() {
    let served = Served::new(&[], |_| {});
    let begin = Instant::now();
    let refused = call(served.address, "POST", "/login", &[SAME], &"x".repeat(10 << 20));
    assert_eq!(refused.status, 413, "{}", refused.head);
    let mut line = connect(served.address);
    let head = format!("POST /login HTTP/1.1\r\nHost: localhost\r\n{SAME}\r\nContent-Length: 10485760\r\n\r\n");
    line.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    line.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413", "before any of the body was sent");
    let mut line = connect(served.address);
    let head = format!("POST /login HTTP/1.1\r\nHost: localhost\r\n{SAME}\r\nTransfer-Encoding: chunked\r\n\r\n");
    line.write_all(head.as_bytes()).unwrap();
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    (0..3).for_each(|_| line.write_all(chunk.as_bytes()).unwrap());
    line.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(get(served.address, "/").status, 200);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let served = Served::new(&[], |_| {});
    let mut line = connect(served.address);
    line.write_all(format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-A: {}", "a".repeat(20_000)).as_bytes()).unwrap();
    assert_eq!(until_closed(line, Instant::now()).0, "431");
    let mut line = connect(served.address);
    let lines = "X-A: a\r\n".repeat(100);
    line.write_all(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n").as_bytes()).unwrap();
    assert_eq!(until_closed(line, Instant::now()).0, "431");
}

#[test]
fn heads_bodies_and_idle_connections_have_ten_seconds() {
    let served = Served::new(&[], |_| {});
    let address = served.address;
    let slow = |said: String| {
        std::thread::spawn(move || {
            let (begin, mut line) = (Instant::now(), connect(address));
            line.write_all(said.as_bytes()).unwrap();
            let mut drip = line.try_clone().unwrap();
            std::thread::spawn(move || {
                while drip.write_all(b"a").is_ok() {
                    std::thread::sleep(Duration::from_millis(500));
                }
            });
            until_closed(line, begin)
        })
    };
    let head = slow("GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ".to_owned());
    let post = format!("POST /login HTTP/1.1\r\nHost: localhost\r\n{SAME}\r\nConnection: close\r\n");
    let body = slow(format!("{post}Content-Length: 1000\r\n\r\n"));
    let idle = std::thread::spawn(move || {
        let (begin, mut line) = (Instant::now(), connect(address));
        line.write_all(b"GET /assets/icon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        until_closed(line, begin)
    });
    let silent = std::thread::spawn(move || until_closed(connect(address), Instant::now()));
    let answers = [head, body, idle, silent].map(|call| call.join().unwrap());
    for (status, took) in &answers {
        assert!((Duration::from_secs(8)..Duration::from_secs(16)).contains(took), "{status:?} after {took:?}");
    }
    assert_eq!((answers[1].0.as_str(), answers[2].0.as_str()), ("408", "200"));
}

/// Opens streams and reads the status of each.
fn streams(address: SocketAddr, more: &str, count: usize) -> (Vec<TcpStream>, usize) {
    let mut taken = 0;
    let mut lines = Vec::new();
    for _ in 0..count {
        let mut line = connect(address);
        line.write_all(format!("GET /events HTTP/1.1\r\nHost: localhost\r\n{more}\r\n").as_bytes()).unwrap();
        let mut answer = [0; 12];
        let said = line.read_exact(&mut answer).is_ok();
        assert!(!said || &answer == b"HTTP/1.1 200" || &answer == b"HTTP/1.1 503", "{answer:?}");
        taken += usize::from(said && &answer == b"HTTP/1.1 200");
        lines.push(line);
    }
    (lines, taken)
}

#[test]
fn a_hundred_streams_of_events_harm_nobody() {
    let served = Served::new(&[], |_| {});
    let login = call(served.address, "POST", "/login", &[SAME], &format!("token={}", served.anna));
    let cookie = format!("Cookie: {}", login.cookie());
    let (strangers, taken) = streams(served.address, "", 100);
    assert_eq!(taken, 8);
    let (own, taken) = streams(served.address, &format!("{cookie}\r\n"), 100);
    assert_eq!(taken, 8);
    let begin = Instant::now();
    let page = call(served.address, "GET", "/", &[&cookie], "");
    assert!(page.status == 200 && page.body.contains("anna"), "{}", page.head);
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    drop((strangers, own));
    // their places are free again once they are gone
    let begin = Instant::now();
    while streams(served.address, "", 1).1 == 0 {
        assert!(begin.elapsed() < Duration::from_secs(30), "the streams are never given back");
        std::thread::sleep(Duration::from_millis(200));
    }
}
