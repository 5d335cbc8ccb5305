//! Where a server is found: a host and a port. `host:port`, `192.0.2.7:port` or `[2001:db8::7]:port` in documents; without
//! brackets wherever the host stands alone.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The port of a server when none is named.
const DEFAULT_PORT: &str = "3306";

/// A host and a port, taken from the text that holds both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// Name or address, without brackets.
    pub host: &'a str,
    /// Port: digits, or a marker.
    pub port: &'a str,
}

impl<'a> Endpoint<'a> {
    /// Both parts of `text`. A port that is missing is the usual one.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        if let Some((host, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            return Self { host, port: rest.strip_prefix(':').unwrap_or(DEFAULT_PORT) };
        }
        match text.rsplit_once(':') {
            Some((host, port)) if text.parse::<Ipv6Addr>().is_err() => Self { host, port },
            _ => Self { host: text, port: DEFAULT_PORT },
        }
    }

    /// Both parts of `text`, where it is a host and a port, an IPv6 address in brackets.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let bracketed = text.starts_with('[');
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once("]:")?,
            None => text.rsplit_once(':')?,
        };
        let fits = if bracketed { host.parse::<Ipv6Addr>().is_ok() } else { !host.is_empty() && !host.contains(':') };
        let endpoint = Self { host, port };
        (fits && endpoint.number().is_some()).then_some(endpoint)
    }

    /// The port as a number.
    #[must_use]
    pub fn number(self) -> Option<u16> {
        self.port.parse().ok()
    }

    /// A client's address as a server's list of sessions shows it: the part after the last colon is its port, also where
    /// an IPv6 address stands without brackets.
    #[must_use]
    pub fn client(text: &'a str) -> Self {
        let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
        Self { host: host.trim_start_matches('[').trim_end_matches(']'), port }
    }

    /// Whether it is the machine itself.
    #[must_use]
    pub fn is_loopback(self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The host that a server sees when something on its own machine connects to this endpoint.
    #[must_use]
    pub fn arrives_from(self) -> &'static str {
        if self.host.parse::<Ipv6Addr>().is_ok() { "::1" } else { "127.0.0.1" }
    }

    /// The host without what makes no difference: case, and the dot at the end of a full name.
    #[must_use]
    pub fn plain_host(self) -> String {
        self.host.strip_suffix('.').unwrap_or(self.host).to_ascii_lowercase()
    }
}

impl fmt::Display for Endpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn host_and_port_of_every_kind() {
        for (text, host, port) in [
            ("127.0.0.1:3307", "127.0.0.1", "3307"),
            ("[::1]:3307", "::1", "3307"),
            ("[2001:db8::7]", "2001:db8::7", "3306"),
            ("2001:db8::7", "2001:db8::7", "3306"),
            ("DB1.example.:3306", "DB1.example.", "3306"),
            ("db", "db", "3306"),
            ("db:‹steps.a.port›", "db", "‹steps.a.port›"),
        ] {
            assert_eq!(Endpoint::of(text), Endpoint { host, port }, "{text}");
        }
        assert_eq!(Endpoint::of("[::1]:3307").to_string(), "[::1]:3307");
        assert_eq!(Endpoint::of("DB1.example.:1").plain_host(), "db1.example");
    }

    #[test]
    fn only_addresses_with_a_port_are_read() {
        for text in ["127.0.0.1:3306", "[::1]:3306", "db:1"] {
            assert!(Endpoint::parse(text).is_some(), "{text}");
        }
        for text in ["db", ":1", "db:x", "::1:3306", "[db]:3306", "[::1]3306", "[::1]", "db:70000", "[::1:1"] {
            assert_eq!(Endpoint::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_server_sees() {
        assert_eq!(Endpoint::client("::1:51234").host, "::1");
        assert_eq!(Endpoint::client("[::1]:51234").host, "::1");
        assert_eq!(Endpoint::client("10.0.0.7:5").host, "10.0.0.7");
        assert_eq!(Endpoint::client("localhost").host, "localhost");
        assert!(Endpoint::of("[::1]:1").is_loopback() && Endpoint::of("127.0.0.2:1").is_loopback());
        assert!(!Endpoint::of("10.0.0.1:1").is_loopback());
        assert_eq!(
            (Endpoint::of("[::1]:1").arrives_from(), Endpoint::of("localhost:1").arrives_from()),
            ("::1", "127.0.0.1")
        );
    }
}
