//! One request, as a program makes it that is no browser: no header but those it is given.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
    /// Name and value of the cookie that is set.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }
    /// What forms on this page carry.
    pub fn form_key(&self) -> String {
        let after = self.body.split("name=\"form_key\" value=\"").nth(1).unwrap_or_else(|| panic!("{}", self.body));
        after.split('"').next().unwrap().to_owned()
    }
}

/// Calls; `more` are further headers, whole lines.
pub fn call(address: SocketAddr, method: &str, path: &str, more: &[&str], body: &str) -> Answer {
    let mut line = TcpStream::connect(address).unwrap();
    line.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !more.iter().any(|line| line.starts_with("Host:")) {
        write!(head, "Host: {address}\r\n").unwrap();
    }
    if method == "POST" {
        head += "Content-Type: application/x-www-form-urlencoded\r\n";
    }
    for line in more {
        write!(head, "{line}\r\n").unwrap();
    }
    line.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let _ = line.read_to_end(&mut bytes); // what was said before a reset counts
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    call(address, "GET", path, &[], "")
}
