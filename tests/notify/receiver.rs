//! A receiver of webhooks: real TCP, and answers by a script.

use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What came in.
#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    pub key: String,
    pub headers: Vec<String>,
    pub body: Value,
    /// What it was answered.
    pub status: u16,
}

pub struct Receiver {
    pub port: u16,
    pub received: Arc<Mutex<Vec<Received>>>,
    closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Listens on `port` (0 for any) and answers with these, then with success.
    pub fn open(port: u16, answers: &[u16]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (received, closed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (to, until, mut answers) = (received.clone(), closed.clone(), VecDeque::from(answers.to_vec()));
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => to.lock().unwrap().extend(answer(stream, answers.pop_front().unwrap_or(200))),
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Self { port, received, closed, thread: Some(thread) }
    }
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
    /// What was taken, by its key.
    pub fn taken(&self) -> Vec<String> {
        self.received().into_iter().filter(|one| one.status == 200).map(|one| one.key).collect()
    }
    /// Waits for so many messages that are taken.
    pub fn until(&self, count: usize) {
        let begin = Instant::now();
        while self.taken().len() < count {
            assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", self.received());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn answer(stream: TcpStream, status: u16) -> Option<Received> {
    stream.set_nonblocking(false).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        headers.push(line.trim().to_owned());
    }
    let value = |name: &str| {
        let found =
            headers.iter().find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let mut body = vec![0; value("content-length").parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let key = value("idempotency-key");
    write!(reader.get_mut(), "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok()?;
    Some(Received { path, key, headers, body: serde_json::from_slice(&body).ok()?, status })
}
