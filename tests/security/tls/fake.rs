//! A server that says what a test wants, and keeps what it is told.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Lets the client in.
pub const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

pub struct Fake {
    /// Where it listens.
    pub address: String,
    told: Arc<Mutex<Vec<u8>>>,
}

impl Fake {
    /// Greets with `plugin`, offers no TLS, and says one of `answers` to each packet that it is sent.
    pub async fn new(plugin: &str, answers: &[&[u8]]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let told: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (kept, greeting) = (told.clone(), greeting(plugin));
        let answers: Vec<Vec<u8>> = answers.iter().map(|answer| answer.to_vec()).collect();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let _ = serve(client, &greeting, &answers, &kept).await; // the client may go at any time
            }
        });
        Self { address, told }
    }

    /// Everything that it was told.
    pub fn told(&self) -> Vec<u8> {
        self.told.lock().unwrap().clone()
    }
}

/// A request to log in by another plugin.
pub fn switch_to(plugin: &str) -> Vec<u8> {
    [b"\xfe", plugin.as_bytes(), b"\0", &[7; 20], b"\0"].concat()
}

async fn serve(
    mut client: TcpStream,
    greeting: &[u8],
    answers: &[Vec<u8>],
    kept: &Mutex<Vec<u8>>,
) -> std::io::Result<()> {
    send(&mut client, 0, greeting).await?;
    for answer in answers.iter().map(Some).chain(std::iter::repeat(None)) {
        let mut header = [0; 4];
        client.read_exact(&mut header).await?;
        let mut packet = vec![0; usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16];
        client.read_exact(&mut packet).await?;
        kept.lock().unwrap().extend_from_slice(&packet);
        if let Some(answer) = answer {
            send(&mut client, header[3] + 1, answer).await?;
        }
    }
    Ok(())
}

async fn send(client: &mut TcpStream, number: u8, packet: &[u8]) -> std::io::Result<()> {
    let [a, b, c, _] = u32::try_from(packet.len()).unwrap().to_le_bytes();
    client.write_all(&[&[a, b, c, number], packet].concat()).await
}

/// `HandshakeV10`, with every flag that a driver may want but that of TLS.
fn greeting(plugin: &str) -> Vec<u8> {
    let head = [b"\x0a8.0.36\0\x05\0\0\0", [7; 8].as_slice(), b"\0"].concat();
    let flags = [0xff, 0xf7, 45, 2, 0, 0x08, 0x01, 21];
    [&head, flags.as_slice(), &[0; 10], &[7; 12], b"\0", plugin.as_bytes(), b"\0"].concat()
}
