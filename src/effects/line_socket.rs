//! Programs that are spoken to in lines over a socket, such as `HAProxy` over its runtime socket.

use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Longest time for one question.
const LIMIT: Duration = Duration::from_secs(5);

/// Sends `line` to `address` (a path, or `host:port`) and reads until the other side closes.
pub async fn ask(address: &str, line: &str) -> io::Result<String> {
    let talk = async {
        if address.starts_with('/') {
            exchange(UnixStream::connect(address).await?, line).await
        } else {
            exchange(TcpStream::connect(address).await?, line).await
        }
    };
    tokio::time::timeout(LIMIT, talk).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn exchange(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, line: &str) -> io::Result<String> {
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
