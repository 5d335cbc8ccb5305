//! The server that is cloned, as the target reaches it: by a tunnel, on its own host, or by TLS. Never in plain text from
//! host to host, unless the policy lets that be.

use super::super::CopyServer;
use crate::dialect::clone::CloneFrom;
use crate::domain::endpoint::Endpoint;
use crate::domain::{Action, Sql, Words};
use crate::effects::LoginPath;
use crate::error::{Failure, Result};
use crate::kinds::support::place::{authority, dialect, server};
use crate::kinds::{Complaint, Ctx};
use crate::playbook::inventory::{Account, Encryption, Server};
use crate::playbook::world::World;
use std::net::Ipv6Addr;

/// A way to the source.
pub struct Donor<'a> {
    copy: &'a CopyServer,
    source: &'a Server,
    /// As the target sees it: `host:port`.
    pub address: &'a str,
    /// The authority's file on the target's host, where nothing but TLS shelters the connection.
    pub authority: Option<&'a str>,
}

impl<'a> Donor<'a> {
    /// The way that the inventory and the step give.
    ///
    /// # Errors
    /// When the inventory lacks something that it needs.
    pub fn of(copy: &'a CopyServer, world: &'a World) -> Result<Self> {
        let source = server(world, copy.source())?;
        let stays = copy.source_host(world) == copy.target_host(world);
        let straight = if stays { source.address.as_str() } else { source.endpoint() };
        let address = copy.through().map_or(straight, |through| &through.listen);
        let by_tls = copy.through().is_none() && !stays && source.tls.is_some();
        let authority = if by_tls { Some(authority(world, copy.source())?) } else { None };
        Ok(Self { copy, source, address, authority })
    }

    /// What is wrong with it before anything is asked. Pure.
    pub fn complaints(&self, world: &World) -> Vec<Complaint> {
        let stays = self.copy.source_host(world) == self.copy.target_host(world);
        let required = world.inventory.policy.encrypted_replication == Encryption::Required;
        let mut found = Vec::new();
        if self.copy.through().is_none() && self.authority.is_none() && !stays && required {
            let message = "the clone would not be encrypted between the hosts, which the policy refuses";
            let help = "add a `tunnel` step and `through: ID`, or `tls` to the source in the inventory";
            found.push(Complaint::new("through", message).help(help));
        }
        if Endpoint::of(self.address).host.parse::<Ipv6Addr>().is_ok() {
            let message = format!("CLONE accepts no IPv6 address, and `{}` is one", self.address);
            found.push(
                Complaint::new("through", message).help("make the tunnel listen on 127.0.0.1, or give a host name"),
            );
        }
        found
    }

    /// As `clone_valid_donor_list` names it.
    pub fn listed(&self) -> String {
        let Endpoint { host, port } = Endpoint::of(self.address);
        format!("{host}:{port}")
    }

    /// The statement that clones it into `folder`.
    pub fn statement(&self, world: &World, folder: Words) -> Sql {
        let Endpoint { host, port } = Endpoint::of(self.address);
        dialect(world, self.copy.target()).clone_instance(&CloneFrom {
            host: host.into(),
            port: port.into(),
            user: (&self.source.user).into(),
            password: self.source.password.as_ref().map_or_else(|| "".into(), Into::into),
            folder,
            encrypted: self.authority.is_some(),
        })
    }

    /// The login that the target will make: that of the runner's own account, from the target's host.
    fn login(&self, world: &'a World) -> Option<(Account, LoginPath<'a>)> {
        let password = self.source.password.clone()?;
        let account = Account { user: self.source.user.clone(), host: None, password };
        let host = self.copy.target_host(world);
        Some((account, LoginPath { host, address: self.address, authority: self.authority, bare: false }))
    }

    /// What [`Donor::proved`] does.
    pub fn login_actions(&self, world: &'a World) -> Vec<Action> {
        let login = self.login(world);
        login.map(|(account, path)| path.actions(self.copy.source(), &account.user)).unwrap_or_default()
    }

    /// Tries the login.
    ///
    /// # Errors
    /// When it is refused, or another account is let in.
    pub async fn proved(&self, cx: &Ctx<'_>) -> Result<()> {
        let Some((account, path)) = self.login(cx.world) else { return Ok(()) };
        let arrived = cx.fx.try_login(self.copy.source(), &account, path).await.map_err(|failure| {
            let help = "the target logs in to the source with the runner's account, from its own host";
            if failure.help.is_some() || failure.passes() { failure } else { failure.help(help) }
        })?;
        if arrived.starts_with(&format!("{}@", account.user)) {
            return Ok(());
        }
        let answer = format!("the login arrived as account {arrived} instead");
        Err(Failure::permanent(format!("log in as {}", account.user), answer)
            .at(self.copy.source())
            .help("drop the anonymous accounts on the source"))
    }
}
