//! One connection, from its handshake to its end. Every wait has a deadline.

use super::Seat;
use crate::web::Peer;
use crate::web::listen::{Line, greet};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Time limit for the head of a request, from the connection or from the answer before it; so also for an idle connection.
const HEAD: Duration = Duration::from_secs(10);
/// Time limit for sent data to be acknowledged, for a browser that is gone or does not read.
const DELIVERY: Duration = Duration::from_secs(30);
/// Time limit for an answer that is being sent when the page ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// Largest head of a request, in bytes. Browsers send two thousand.
const LARGEST_HEAD: usize = 16 * 1024;
/// Most header lines. Browsers send twenty.
const HEADERS: usize = 64;

/// Serves a connection until its end, until another takes its slot, or until the page ends.
pub(in crate::web) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    seat: Seat,
    routes: Router,
    over: CancellationToken,
) {
    deliver_in_time(&stream);
    tokio::select! {
        () = seat.taken() => {}
        () = async {
            if let Some(line) = greet(stream, peer, tls).await {
                answer(line, peer, seat.clone(), routes, over).await;
            }
        } => {}
    }
}

async fn answer(line: Box<dyn Line>, peer: SocketAddr, seat: Seat, routes: Router, over: CancellationToken) {
    let routes = TowerToHyperService::new(routes);
    let respond = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(Peer(peer)));
        request.extensions_mut().insert(seat.clone());
        let (answer, seat) = (routes.call(request), seat.clone());
        async move { answer.await.map(|response| until_answered(response, seat)) }
    });
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LARGEST_HEAD).max_headers(HEADERS);
    let mut connection = pin!(protocol.serve_connection(TokioIo::new(line), respond));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = over.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(FAREWELL, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection of {peer} ended: {error}");
    }
}

/// The response; its body informs the seat when it ends.
fn until_answered(response: Response<Body>, seat: Seat) -> Response<Body> {
    let answering = Answering(seat);
    response.map(|body| {
        Body::new(body.map_err(move |error| {
            let _until_here = &answering; // dropped with the body
            error
        }))
    })
}

struct Answering(Seat);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answered();
    }
}

#[cfg(target_os = "linux")]
fn deliver_in_time(stream: &TcpStream) {
    let time = u32::try_from(DELIVERY.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, time); // without it the system's own limit holds
}

#[cfg(not(target_os = "linux"))]
fn deliver_in_time(_stream: &TcpStream) {}
