//! A server that is down when it is needed: its `start` command is run on its host, once, and its answer awaited.
//!
//! Down means both: a connection is refused, and nothing on the host listens at the server's port. A server that is only
//! unreachable, or answers too late, is never started.

use super::host::complaint;
use super::{Effects, Session};
use crate::domain::endpoint::Endpoint;
use crate::domain::units::Span;
use crate::error::{Class, Failure, Result};
use crate::playbook::inventory::Server;
use futures_util::future::BoxFuture;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Ends with 0 when something listens at the port `$1` (four hexadecimal digits), with 1 when nothing does.
const LISTENS: &str = "[ -r /proc/net/tcp ] || exit 2; \
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q \": [0-9A-F]*:$1 [0-9A-F]*:0000 0A \"";
/// How long a connection has to be refused.
const LOOK: Duration = Duration::from_secs(3);
/// Number of checks that must find the server down, and the pause between them: a server that is being restarted by
/// others is not started.
const LOOKS: u32 = 2;
const PAUSE: Duration = Duration::from_secs(1);
/// Pause between two tries to reach a server that is starting.
const POLL: Duration = Duration::from_millis(200);
/// How long a refused login counts as that of a server that is still starting.
const REFUSAL_LIMIT: Duration = Duration::from_secs(10);

impl Effects {
    /// Whether nothing runs where `server` should: its connections are refused, and nothing listens at its port. No, when
    /// that cannot be seen.
    #[must_use]
    pub fn is_down<'a>(&'a self, server: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            if self.hands.stand_in.is_some() {
                return false;
            }
            let Some(access) = self.hands.inventory.server(server) else { return false };
            for look in 0..LOOKS {
                if look > 0 {
                    sleep(PAUSE).await;
                }
                if !Box::pin(self.looks_down(access)).await.unwrap_or(false) {
                    return false;
                }
            }
            true
        })
    }

    async fn looks_down(&self, access: &Server) -> Result<bool> {
        let Some(port) = Endpoint::parse(&access.address).and_then(Endpoint::number) else {
            return Ok(false);
        };
        if !refuses(&self.reach(&access.host, &access.address).await?).await {
            return Ok(false);
        }
        let host = self.bare_host(&access.host).await?;
        let ran = host.run(&["sh", "-c", LISTENS, "sh", &format!("{port:04X}")], None).await?;
        Ok(ran.code == Some(1))
    }

    /// Opens a connection to a server that has just refused one: when this work may start it, it has a `start` command,
    /// and it is down. `None` when it is not for this work to start it.
    pub(super) async fn open_started(&self, server: &str, access: &Server) -> Option<Result<Arc<Session>>> {
        let told = self.activity.starts.as_ref().filter(|_| !access.start.is_empty())?;
        let turn = self.hands.sessions.start_turn(server);
        let mut started = turn.lock().await;
        if *started {
            return Some(Box::pin(self.log_in(server, access)).await); // it may have come up while this one waited
        }
        if !self.is_down(server).await {
            return None;
        }
        *started = true;
        told.tell(format!("{server} is down: starting it with `{}`", shell_words::join(&access.start)));
        let opened = self.run_start(server, access).await;
        if opened.is_ok() {
            told.tell(format!("{server} answers again"));
        }
        Some(opened)
    }

    async fn run_start(&self, server: &str, access: &Server) -> Result<Arc<Session>> {
        let host = self.bare_host(&access.host).await?;
        let argv: Vec<&str> = access.start.iter().map(String::as_str).collect();
        let limit = access.restart_limit();
        let ran = host.run_within(&argv, None, limit.0).await?;
        let failed = |answer: String| {
            let by_hand = format!("start it there by hand (`{}`), and check its error log", shell_words::join(&argv));
            Failure::permanent(format!("start {server}"), answer).at(host.name()).help(by_hand)
        };
        if ran.code != Some(0) {
            return Err(failed(complaint(ran.code, &ran.stderr)));
        }
        let began = Instant::now();
        loop {
            let failure = match Box::pin(self.log_in(server, access)).await {
                Ok(session) => return Ok(session),
                Err(failure) => failure,
            };
            let answers = failure.class != Class::Transient && began.elapsed() > REFUSAL_LIMIT;
            if answers || self.activity.end.is_cancelled() {
                return Err(failure);
            }
            if began.elapsed() > limit.0 {
                return Err(failed(format!("it did not answer within {}: {}", Span(limit.0), failure.answer)));
            }
            sleep(POLL).await;
        }
    }
}

/// Whether a connection to `address` is refused. Behind an ssh forward it is closed without a word instead.
async fn refuses(address: &str) -> bool {
    let look = async {
        let mut greeting = [0];
        TcpStream::connect(address).await?.read(&mut greeting).await
    };
    match timeout(LOOK, look).await {
        Ok(Ok(read)) => read == 0,
        Ok(Err(error)) => {
            use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
            matches!(error.kind(), ConnectionRefused | ConnectionReset | ConnectionAborted)
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::refuses;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn only_a_refusal_is_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let talking = async { listener.accept().await.unwrap().0.write_all(b"J").await };
        assert!(!tokio::join!(refuses(&address), talking).0, "it greets");
        let closing = async { drop(listener.accept().await.unwrap()) };
        assert!(tokio::join!(refuses(&address), closing).0, "closed without a word");
        drop(listener);
        assert!(refuses(&address).await);
    }
}
