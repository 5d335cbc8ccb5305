//! A relay of our own between the driver and a server, for the two things that the driver cannot do: keep the password
//! from a server that asks for it across an open network, and verify who has signed a certificate without looking at
//! the name in it.
//!
//! The driver talks to a socket in a folder that nobody else may enter. Until the login is over every packet is
//! checked; after that, bytes are passed on as they are.

mod chain;
mod packet;

use super::cover::Tls;
use packet::{Packet, offers_tls, with_tls};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, copy, split};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_rustls::rustls;

/// How long the driver may take to come to the socket, and after which a silent line is asked for a sign of life.
const LIMIT: Duration = Duration::from_secs(10);

/// Why a relay has cut its line.
#[derive(Debug)]
pub(super) enum Cut {
    /// The server asked for the password itself, and nothing encrypts the way there.
    AsksForPassword,
    /// The server offers no TLS.
    NoTls,
    /// The TLS handshake failed.
    Tls(rustls::Error),
}

/// A relay that waits for the driver.
pub(super) struct Guard {
    /// The socket that the driver is to talk to.
    pub path: PathBuf,
    cut: Arc<OnceLock<Cut>>,
}

impl Guard {
    /// Connects to the first of `addresses` that answers. With `tls` everything goes encrypted, by certificates that
    /// its authorities have signed; without it the password does not go at all.
    pub async fn open(addresses: &[SocketAddr], tls: Option<&Tls>) -> io::Result<Self> {
        let tls = tls.map(chain::Connector::new).transpose()?;
        let server = TcpStream::connect(addresses).await?;
        server.set_nodelay(true)?;
        let alive = socket2::TcpKeepalive::new().with_time(LIMIT);
        socket2::SockRef::from(&server).set_tcp_keepalive(&alive)?;
        let folder = tempfile::tempdir()?; // mode 0700
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path)?;
        let cut = Arc::new(OnceLock::new());
        let relay = Relay { cut: cut.clone() };
        tokio::spawn(async move {
            if let Ok(driver) = driver(listener, folder).await
                && let Err(error) = relay.serve(server, driver, tls).await
            {
                tracing::debug!("a relayed connection ended: {error}");
            }
        });
        Ok(Self { path, cut })
    }

    /// Why it has cut the line, if it has.
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.get()
    }
}

/// The one connection of the driver; the socket goes away with its folder.
async fn driver(listener: UnixListener, folder: TempDir) -> io::Result<UnixStream> {
    let accepted = timeout(LIMIT, listener.accept()).await.map_err(io::Error::from)?;
    drop(folder);
    accepted.map(|(driver, _)| driver)
}

struct Relay {
    cut: Arc<OnceLock<Cut>>,
}

impl Relay {
    /// Passes the greeting on, and the login and everything after it.
    async fn serve(
        &self,
        mut server: TcpStream,
        mut driver: UnixStream,
        tls: Option<chain::Connector>,
    ) -> io::Result<()> {
        let Some(tls) = tls else {
            return self.pass_on(split(server), split(driver), 0).await;
        };
        let greeting = Packet::read(&mut server).await?;
        greeting.write(&mut driver, 0).await?;
        if !greeting.is_greeting() {
            return Ok(()); // an error, such as too many connections
        }
        let login = Packet::read(&mut driver).await?;
        if !offers_tls(&greeting) {
            self.cut(Cut::NoTls);
            return Ok(());
        }
        let [request, login] = with_tls(login)?;
        request.write(&mut server, 0).await?;
        let mut server = match tls.connect(server).await {
            Ok(server) => server,
            Err(error) => return self.tls_failed(error),
        };
        login.write(&mut server, 1).await?;
        self.pass_on(split(server), split(driver), 1).await
    }

    /// The rest of a login and all that follows, until one side goes. The server's packets are numbered `ahead` of what
    /// the driver counts.
    async fn pass_on<S, D>(
        &self,
        server: (ReadHalf<S>, WriteHalf<S>),
        driver: (ReadHalf<D>, WriteHalf<D>),
        ahead: u8,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite,
        D: AsyncRead + AsyncWrite,
    {
        let is_over = AtomicBool::new(false);
        tokio::select! {
            ended = self.answers(server.0, driver.1, ahead, &is_over) => ended,
            ended = requests(driver.0, server.1, ahead, &is_over) => ended,
        }
    }

    /// From the server.
    async fn answers<S, D>(
        &self,
        mut server: ReadHalf<S>,
        mut driver: WriteHalf<D>,
        ahead: u8,
        is_over: &AtomicBool,
    ) -> io::Result<()>
    where
        S: AsyncRead,
        D: AsyncWrite,
    {
        loop {
            let packet = Packet::read(&mut server).await?;
            if ahead == 0 && packet.asks_for_password() {
                self.cut(Cut::AsksForPassword);
                return Ok(());
            }
            let is_last = packet.ends_login();
            is_over.store(is_last, Ordering::Release); // before the driver can answer it
            packet.write(&mut driver, 0u8.wrapping_sub(ahead)).await?;
            if is_last {
                return copy(&mut server, &mut driver).await.map(drop);
            }
        }
    }

    fn cut(&self, why: Cut) {
        let _ = self.cut.set(why); // nobody else sets it
    }

    fn tls_failed(&self, error: io::Error) -> io::Result<()> {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(why) => {
                self.cut(Cut::Tls(why.clone()));
                Ok(())
            }
            None => Err(error),
        }
    }
}

/// From the driver.
async fn requests<S, D>(
    mut driver: ReadHalf<D>,
    mut server: WriteHalf<S>,
    ahead: u8,
    is_over: &AtomicBool,
) -> io::Result<()>
where
    S: AsyncWrite,
    D: AsyncRead,
{
    loop {
        let header = Packet::header(&mut driver).await?;
        if is_over.load(Ordering::Acquire) {
            tokio::io::AsyncWriteExt::write_all(&mut server, &header).await?;
            return copy(&mut driver, &mut server).await.map(drop);
        }
        Packet::read_after(header, &mut driver).await?.write(&mut server, ahead).await?;
    }
}
