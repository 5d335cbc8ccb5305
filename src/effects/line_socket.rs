//! Programs with a line protocol over a socket, such as `HAProxy` over its runtime socket.

use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Longest time for one question.
const LIMIT: Duration = Duration::from_secs(5);
/// Longest answer, in bytes: thousands of servers of a proxy. The program that listens there may never stop sending.
const LARGEST: u64 = 4 << 20;

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
    // one byte more than allowed shows that there is more
    stream.take(LARGEST + 1).read_to_string(&mut answer).await?;
    if answer.len() as u64 > LARGEST {
        let words = format!("the answer has more than {LARGEST} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, words));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::{LARGEST, ask};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn an_answer_without_an_end_is_not_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let some = vec![b'a'; 1 << 20];
            let begin = std::time::Instant::now();
            // until nobody reads it any more
            while begin.elapsed().as_secs() < 20 && stream.write_all(&some).await.is_ok() {}
        });
        let error = ask(&address, "show stat").await.unwrap_err();
        assert!(error.to_string().contains(&LARGEST.to_string()), "{error}");
    }
}
