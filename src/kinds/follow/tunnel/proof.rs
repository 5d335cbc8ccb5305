//! The proof that a tunnel leads to its server: connections made through it, and not logged in, show in that server's own
//! list under the numbers that they were greeted with.
//!
//! So it is proved before any password is sent, for every account that may see the list (`PROCESS`), and whatever
//! address the tunnel's connections arrive from. Two connections are held at the same time: that another server gives
//! the same two numbers while two connections with them also wait for a login on the right server is practically
//! impossible. So it detects every mistake: a port of another server, a tunnel to the wrong host. An attacker who
//! relays the connections to the server passes it; ssh's host keys, and `tls` between the servers, protect against
//! that.

use super::Tunnel;
use crate::domain::endpoint::Endpoint;
use crate::domain::marker;
use crate::effects::{Greeting, Identity};
use crate::error::{Failure, Result};
use crate::kinds::support::answer;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;
use std::time::Duration;

/// How long a greeting through the tunnel may take.
const GREETING: Duration = Duration::from_secs(3);

impl Tunnel {
    /// The inventory's name of the server that the tunnel must lead to.
    pub(super) fn behind<'a>(&'a self, world: &'a World) -> Result<&'a str> {
        if let Some(name) = &self.server {
            return Ok(name);
        }
        let end = |address: &str| same(address, &self.forward);
        let mut found = world.inventory.servers.iter().filter(|(_, server)| {
            server.host == self.to && (end(&server.address) || server.endpoint.as_deref().is_some_and(end))
        });
        found.next().map(|(name, _)| name.as_str()).ok_or_else(|| {
            let answer = format!("no server in the inventory has the address {} on host `{}`", self.forward, self.to);
            Failure::permanent("find the server behind the tunnel", answer)
                .help("correct `forward`, or name the server that the tunnel leads to: `server: NAME`")
        })
    }

    /// The statements of [`Tunnel::proved`].
    pub(super) fn proof_actions(&self, world: &World, name: &str) -> Vec<Action> {
        let ask = |name: &str| {
            let number = marker::late("number in the greeting");
            Action::sql(name, dialect(world, name).arrival(&number))
        };
        let mut actions = vec![
            Action::note(format!(
                "wait until a server greets two connections through {} on {}",
                self.listen, self.from
            )),
            Action::connect(&self.from, &self.listen),
            ask(name),
            Action::note(format!(
                "refuse unless both are in the process list of `{name}`; to report which server it is instead:"
            )),
        ];
        actions.extend(world.inventory.servers.keys().filter(|other| *other != name).map(|other| ask(other)));
        actions
    }

    /// The version of the server behind the tunnel, once it is proved to be the right one.
    ///
    /// # Errors
    /// A refusal when another server answers; otherwise that none does, or that the right one cannot be asked.
    pub(super) async fn proved(&self, cx: &Ctx<'_>) -> Result<String> {
        let name = self.behind(cx.world)?;
        let local = cx.fx.connect(&self.from, &self.listen).await?;
        let pair = [Greeting::read(&local, GREETING).await?, Greeting::read(&local, GREETING).await?];
        if arrived(cx, name, &pair).await? {
            let [greeting, _] = pair;
            return Ok(greeting.version);
        }
        Err(self.wrong(cx, name, &pair).await)
    }

    async fn wrong(&self, cx: &Ctx<'_>, name: &str, pair: &[Greeting; 2]) -> Failure {
        let mut other = format!("a server with the greeting {}", pair[0].version);
        for known in cx.world.inventory.servers.keys().filter(|known| *known != name) {
            if arrived(cx, known, pair).await.is_ok_and(|arrived| arrived) {
                other = format!("`{known}` ({})", described(cx, known));
            }
        }
        let wanted = described(cx, name);
        let answer = format!("{other} answers through {}, instead of `{name}` ({wanted})", self.listen);
        Failure::refused("open the tunnel", answer)
            .at(&self.from)
            .now("no password was sent through it")
            .help("check what listens there, and correct `listen`, `to` and `forward` of the tunnel")
    }
}

/// Whether both connections wait for their login on this server.
async fn arrived(cx: &Ctx<'_>, name: &str, pair: &[Greeting; 2]) -> Result<bool> {
    let session = cx.fx.sql(name).await?;
    for greeting in pair {
        let question = dialect(cx.world, name).arrival(greeting.connection.to_string());
        if answer::number::<u64>(&session, &question).await? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The identity that a server reports, in words.
fn described(cx: &Ctx<'_>, name: &str) -> String {
    let identity = cx.fx.seen().get(name).cloned().unwrap_or_default();
    words(&identity)
}

fn words(identity: &Identity) -> String {
    let known = identity.iter().map(|(variable, value)| format!("{variable} {value}"));
    known.collect::<Vec<_>>().join(", ")
}

/// Whether two addresses are one, seen from the same host.
fn same(one: &str, other: &str) -> bool {
    let parts = |address: &str| {
        let at = Endpoint::parse(address)?;
        Some((if at.is_loopback() { "localhost".to_owned() } else { at.plain_host() }, at.port.to_owned()))
    };
    one == other || parts(one).is_some_and(|one| parts(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn names_of_loopback_are_one() {
        assert!(same("localhost:3306", "127.0.0.1:3306") && same("db1:3306", "db1:3306"));
        assert!(!same("127.0.0.1:3306", "127.0.0.1:3307") && !same("db1:3306", "127.0.0.1:3306") && !same("a", "b"));
    }
}
