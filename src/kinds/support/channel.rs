//! A replication channel between two servers, as every kind that makes one needs it: where it leads, who logs in, and
//! whether both of its threads run.
//!
//! May know: inventory, dialect and servers. Nothing of why the channel is made.

use crate::dialect::{ChangeSource, ChannelTls, StartAt};
use crate::domain::Sql;
use crate::domain::endpoint::Endpoint;
use crate::effects::Session;
use crate::effects::replica::{LOOK, ReplicaStatus};
use crate::error::{Failure, Result};
use crate::kinds::support::account_statements;
use crate::kinds::support::answer;
use crate::kinds::support::place::{authority, dialect, server};
use crate::kinds::{Action, Complaint, Ctx};
use crate::playbook::inventory::{Account, Encryption};
use crate::playbook::through::Through;
use crate::playbook::world::World;
use std::time::{Duration, Instant};

/// How long both threads may take to run.
const SETTLE: Duration = Duration::from_secs(30);
/// Asked of both sides.
pub const SERVER_ID: &str = "SELECT @@GLOBAL.server_id";

/// Two servers, and what lies between them.
#[derive(Debug, Clone, Copy)]
pub struct Channel<'a> {
    /// Server that follows.
    pub replica: &'a str,
    /// Server that is followed.
    pub source: &'a str,
    /// Tunnel that it goes through.
    pub through: Option<&'a Through>,
    /// Whether the servers encrypt it themselves.
    pub tls: bool,
}

impl<'a> Channel<'a> {
    /// Where the replica finds its source: host and port.
    ///
    /// # Errors
    /// When the inventory has no such server.
    fn address(self, world: &'a World) -> Result<Endpoint<'a>> {
        let source = server(world, self.source)?;
        let same_host = world.inventory.host_of(self.replica) == source.host;
        let plain = if same_host { &source.address } else { source.endpoint() };
        let address = self.through.map_or(plain, |through| &through.listen);
        Ok(Endpoint::of(address))
    }

    /// The account the replica logs in with.
    ///
    /// # Errors
    /// When the inventory states none for either server.
    fn account(self, world: &'a World) -> Result<&'a Account> {
        let own = server(world, self.replica)?.replication.as_ref();
        own.or(server(world, self.source)?.replication.as_ref()).ok_or_else(|| {
            Failure::permanent(
                "find the replication account",
                format!("server `{}` has no `replication` account in the inventory", self.replica),
            )
            .help("add `replication: { user: repl, password: { env: REPL_PASSWORD } }` to the server")
        })
    }

    /// How it is encrypted.
    ///
    /// # Errors
    /// When the inventory names no authority for the source's certificate.
    fn tls(self, world: &'a World) -> Result<ChannelTls> {
        if !self.tls {
            return Ok(ChannelTls::None);
        }
        Ok(ChannelTls::Verified { ca: Some(authority(world, self.source)?.into()) })
    }

    /// The statement that makes it, from `start` on; the password stands as its marker.
    ///
    /// # Errors
    /// When the inventory lacks something that it needs.
    pub fn statement(self, world: &World, start: StartAt) -> Result<Sql> {
        let Endpoint { host, port } = self.address(world)?;
        let account = self.account(world)?;
        Ok(dialect(world, self.replica).change_source(&ChangeSource {
            host: host.into(),
            port: port.into(),
            user: (&account.user).into(),
            password: (&account.password).into(),
            start,
            tls: self.tls(world)?,
        }))
    }

    /// What [`Channel::point`] sends.
    pub fn point_actions(self, world: &World, statement: Sql) -> Vec<Action> {
        let dialect = dialect(world, self.replica);
        let [off, on] = [true, false].map(|is_on| dialect.unlogged(is_on).map(Sql::from));
        [off, Some(statement), on].into_iter().flatten().map(|text| Action::sql(self.replica, text)).collect()
    }

    /// Sends the statement that makes it. Where the account may, nothing of it goes into the server's general log.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn point(self, cx: &Ctx<'_>, session: &Session, statement: &Sql) -> Result<()> {
        let dialect = dialect(cx.world, self.replica);
        if let Some(off) = dialect.unlogged(true)
            && session.query(off, LOOK).await.is_err()
        {
            let text = "the account cannot keep its statements out of the general log: if the general log is on, it \
                        contains the replication password";
            cx.progress.note(text);
        }
        let pointed = session.query(statement, LOOK).await;
        if let Some(on) = dialect.unlogged(false) {
            let _ = session.query(on, LOOK).await; // it was not off, or it goes with the session
        }
        pointed.map(drop)
    }

    /// What is wrong with it before anything is asked: plain text between hosts, or a server that follows itself.
    ///
    /// # Errors
    /// Those.
    pub fn check(self, world: &World) -> Result<(), Vec<Complaint>> {
        let same_host = world.inventory.host_of(self.replica) == world.inventory.host_of(self.source);
        let required = world.inventory.policy.encrypted_replication == Encryption::Required;
        if self.through.is_none() && !self.tls && !same_host && required {
            let message = "replication between the hosts would not be encrypted, which the policy refuses";
            let help = "add a `tunnel` step and `through: ID`, or `tls: true`; or set `policy.encrypted_replication: \
                        optional`, which reviewers will see";
            return Err(vec![Complaint::new("", message).help(help)]);
        }
        // its connection takes the name in the server's own character set: latin1 as installed (error 1045 on 10.11.19)
        if let Ok(account) = self.account(world)
            && dialect(world, self.replica).is_mariadb()
            && !account.user.is_ascii()
        {
            let message = format!("a replica of MariaDB cannot log in as `{}`", account.user);
            let help = "give the `replication` account in the inventory a name of ASCII characters";
            return Err(vec![Complaint::new("replica", message).help(help)]);
        }
        if self.replica == self.source {
            return Err(vec![
                Complaint::new("source", "a server cannot replicate from itself").help("name the other server"),
            ]);
        }
        Ok(())
    }

    /// Whether the channel that is there is this one.
    pub fn is_it(self, world: &World, status: &ReplicaStatus) -> bool {
        self.address(world).is_ok_and(|address| status.source == address.to_string())
    }

    /// Refuses a replica that follows somebody else, or the same source without a step of ours having begun that:
    /// `begun`.
    ///
    /// # Errors
    /// A refusal, or that the replica cannot be asked.
    pub async fn is_free(self, cx: &Ctx<'_>, begun: bool) -> Result<()> {
        let session = cx.fx.sql(self.replica).await?;
        match ReplicaStatus::read(&session, dialect(cx.world, self.replica)).await? {
            Some(status) if !self.is_it(cx.world, &status) || !begun => {
                let answer = format!("it already replicates from {}", status.source);
                Err(Failure::refused("replicate", answer)
                    .at(self.replica)
                    .help("if nothing needs that channel any more: run STOP, then RESET ... ALL there by hand"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses two servers with one `server_id`.
    ///
    /// # Errors
    /// A refusal, or that one of them cannot be asked.
    pub async fn ids_differ(self, cx: &Ctx<'_>) -> Result<()> {
        let mut ids = Vec::new();
        for name in [self.source, self.replica] {
            ids.push(answer::number::<u64>(&*cx.fx.sql(name).await?, SERVER_ID).await?);
        }
        if ids[0] != ids[1] {
            return Ok(());
        }
        Err(Failure::refused(
            "replicate",
            format!("`{}` and `{}` both have server_id {}", self.source, self.replica, ids[0]),
        )
        .at(self.replica)
        .help(
            "give the new server another one: state `server_id` in the inventory, and use a `render` step with \
             `restart`",
        ))
    }

    /// Waits until both threads run, and have been seen to in `looks` looks, 100 ms apart.
    ///
    /// # Errors
    /// What stopped them, or that they do not come up.
    pub async fn runs(self, cx: &Ctx<'_>, mut looks: u32) -> Result<ReplicaStatus> {
        let session = cx.fx.sql(self.replica).await?;
        let begin = Instant::now();
        loop {
            let status = account_statements::status(cx, self.replica, &session)
                .await?
                .ok_or_else(|| Failure::transient("replicate", "the server shows no channel").at(self.replica))?;
            match status.healthy(self.replica, "replicate") {
                Ok(()) if looks <= 1 => return Ok(status),
                Ok(()) => looks -= 1,
                Err(failure) if begin.elapsed() > SETTLE || status.apply_error.is_some() => return Err(failure),
                Err(_) => {}
            }
            cx.pause(Duration::from_millis(100), "replicate").await?;
        }
    }
}
