//! One request to a webhook. Its failures never contain its address or headers, which may be secret.

use super::message::{Message, Target};
use crate::domain::secret::SecretRef;
use crate::effects::Secrets;
use secrecy::ExposeSecret;
use std::path::Path;
use std::time::Duration;
use ureq::Agent;

/// Longest time for a request, the answer included.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// What makes requests.
pub(super) fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(LIMIT))
        .http_status_as_error(false)
        .max_redirects(0) // a secret address is not carried elsewhere
        .max_redirects_will_error(false)
        .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")));
    config.build().into()
}

/// Sends a message. `key` is the same each time it is sent.
///
/// # Errors
/// Why the message was not accepted, in words.
pub(super) fn send(agent: &Agent, target: &Target, message: &Message, key: &str) -> Result<(), String> {
    let secrets = Secrets::read(target.webhook.secrets(), Path::new(&target.folder))
        .map_err(|failures| failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let value = |secret: &SecretRef| secrets.value(secret).map_err(|failure| failure.to_string());
    let mut request = agent.post(value(&target.webhook.url)?.expose_secret().trim());
    request = request.header("content-type", "application/json").header("idempotency-key", key);
    for (name, header) in &target.webhook.headers {
        request = request.header(name, value(header)?.expose_secret().trim());
    }
    let answer = request.send(message.body(target.webhook.format)).map_err(|error| words(&error))?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
}

/// The library's own words may hold the address.
fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("it did not answer within {LIMIT:?}"),
        ureq::Error::HostNotFound => "its host name cannot be resolved".to_owned(),
        ureq::Error::ConnectionFailed => "it cannot be reached".to_owned(),
        ureq::Error::Io(error) => format!("it cannot be reached: {}", error.kind()),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "its address or a header is not valid".to_owned(),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "the TLS connection failed".to_owned(),
        _ => "the request failed".to_owned(),
    }
}
