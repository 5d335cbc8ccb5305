//! The runner's own SQL by TLS, and what it keeps to itself where there is none.

mod certificates;
mod fake;
mod fakes;
mod recorder;
mod servers;

use cutover::domain::secret::SecretRef;
use cutover::effects::{Cover, Login, Secrets, Session};
use cutover::error::Failure;
use std::sync::Arc;
use std::time::Duration;

/// Stands nowhere but in a login.
const PASSWORD: &str = "pass-that-nobody-sees";
const LIMIT: Duration = Duration::from_secs(10);

/// A login to `address`, covered by `cover`.
async fn log_in(address: &str, cover: Cover) -> Result<Session, Failure> {
    let password = SecretRef::Env("P".into());
    let secrets = Arc::new(Secrets::known([(password.clone(), PASSWORD.to_owned())]));
    let (server, address, user) = ("main".into(), address.into(), "migrate".into());
    Session::open(Login { server, address, user, password: Some(password), cover }, secrets).await
}

/// Everything that a failure says, on one line.
fn words(failure: &Failure) -> String {
    format!("{failure} {}", failure.help.as_deref().unwrap_or_default())
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|piece| piece == text.as_bytes())
}
