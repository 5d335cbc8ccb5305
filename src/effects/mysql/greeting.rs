//! What a server sends before a login: its version, and the number of this connection.
//!
//! The server counts a greeting without a login as an interrupted connection (`Aborted_connects`). From loopback that is
//! all; from another address it counts against `max_connect_errors` until the next successful login from there, so it
//! must not be used there more than some dozen times in a row.

use crate::domain::units::Span;
use crate::error::{Failure, Result};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A connection that has been greeted and has not logged in. The server lists it until it is dropped, or until its
/// `connect_timeout` ends (10 s by default).
#[derive(Debug)]
pub struct Greeting {
    /// The version that the server greets with.
    pub version: String,
    /// The server's number of this connection.
    pub connection: u32,
    _held: TcpStream,
}

impl Greeting {
    /// Connects to `address` and is greeted within `limit`.
    ///
    /// # Errors
    /// Transient when nothing answers, when the program that answers is not a server, or when the server refuses.
    pub async fn read(address: &str, limit: Duration) -> Result<Self> {
        let failed = |answer: String| Failure::transient(format!("get a greeting from {address}"), answer);
        let (packet, held) = match timeout(limit, first_packet(address)).await {
            Ok(packet) => packet.map_err(|error| failed(error.to_string()))?,
            Err(_) => return Err(failed(format!("no answer within {}", Span(limit)))),
        };
        let (version, connection) = parse(&packet).map_err(failed)?;
        Ok(Self { version, connection, _held: held })
    }
}

/// The version that a server greets with, without logging in: a sign of life. Ends after `limit`.
///
/// # Errors
/// As for [`Greeting::read`].
pub async fn greeting(address: &str, limit: Duration) -> Result<String> {
    Greeting::read(address, limit).await.map(|greeting| greeting.version)
}

async fn first_packet(address: &str) -> std::io::Result<(Vec<u8>, TcpStream)> {
    let mut stream = TcpStream::connect(address).await?;
    let mut header = [0; 4];
    stream.read_exact(&mut header).await?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
    let mut packet = vec![0; usize::try_from(length.min(1024)).unwrap_or(1024)];
    stream.read_exact(&mut packet).await?;
    Ok((packet, stream))
}

/// Version and connection in a server's first packet: `10`, text up to a NUL, four bytes of the number, low ones first
/// (protocol `HandshakeV10`); `255` marks an error.
fn parse(packet: &[u8]) -> std::result::Result<(String, u32), String> {
    match packet {
        [10, rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == 0).ok_or("its greeting is incomplete")?;
            let number = rest.get(end + 1..end + 5).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
            let number = number.ok_or("its greeting is cut off")?;
            Ok((String::from_utf8_lossy(&rest[..end]).into_owned(), u32::from_le_bytes(number)))
        }
        [255, low, high, rest @ ..] => {
            let code = u16::from_le_bytes([*low, *high]);
            Err(format!("error {code}: {}", String::from_utf8_lossy(rest)))
        }
        _ => Err("the program that answers there does not speak the MySQL protocol".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_greetings_and_refusals() {
        let greeting = parse(b"\x0a10.11.19-MariaDB\0\x2a\x01\0\0salt").unwrap();
        assert_eq!(greeting, ("10.11.19-MariaDB".to_owned(), 298));
        assert_eq!(parse(b"\xff\x10\x04Too many connections").unwrap_err(), "error 1040: Too many connections");
        for broken in [&b"SSH-2.0"[..], b"\x0a8.0", b"\x0a8.0\0\x01\0", b""] {
            assert!(parse(broken).is_err());
        }
    }
}
