//! Someone on the way to a server, who keeps what the client sends, and may take the offer of TLS out of the greeting.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The flag of TLS in the lower half of a server's flags.
const TLS: u8 = 0x08;

pub struct Recorder {
    /// Where it listens.
    pub address: String,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    /// On the way to `server`.
    pub async fn before(server: &str, strips: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let sent: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (kept, server) = (sent.clone(), server.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, server.clone(), strips, kept.clone()));
            }
        });
        Self { address, sent }
    }

    /// What clients have sent since it was asked last.
    pub fn sent(&self) -> Vec<u8> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

async fn pass_on(client: TcpStream, server: String, strips: bool, kept: Arc<Mutex<Vec<u8>>>) {
    let server = TcpStream::connect(server).await.unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let there = async {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
            kept.lock().unwrap().extend_from_slice(&bytes[..count]);
            if to_server.write_all(&bytes[..count]).await.is_err() {
                break;
            }
        }
    };
    let back = async {
        let mut bytes = vec![0; 64 << 10];
        let mut is_first = strips;
        while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
            if std::mem::take(&mut is_first) {
                let end = 5 + bytes[5..].iter().position(|byte| *byte == 0).unwrap();
                bytes[end + 15] &= !TLS;
            }
            if to_client.write_all(&bytes[..count]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! { () = there => {}, () = back => {} }
}
