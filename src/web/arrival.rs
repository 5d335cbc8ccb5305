//! The address of a client: the other end of a connection, or the address that a proxy names.

use axum::http::HeaderMap;
use std::net::{IpAddr, SocketAddr};

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

impl Peer {
    /// The address that failed logins are counted for. Behind a proxy that is the last address that it names: the ones before
    /// come from the client and prove nothing.
    pub(super) fn caller(self, headers: &HeaderMap, behind_proxy: bool) -> IpAddr {
        let named = headers.get_all("x-forwarded-for").iter().next_back().filter(|_| behind_proxy);
        let named = named.and_then(|value| value.to_str().ok()).and_then(|value| value.rsplit(',').next());
        named.and_then(|address| address.trim().parse().ok()).unwrap_or(self.0.ip())
    }
}
