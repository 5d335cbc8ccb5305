//! `replication_account`: creates the account that a replica logs in with on the source, and proves it with a login.

use crate::dialect::OPTION_PREVENTS;
use crate::domain::Sql;
use crate::domain::endpoint::Endpoint;
use crate::domain::sql::literal;
use crate::effects::past_read_only::AccountName;
use crate::effects::replica::LOOK;
use crate::effects::{LoginPath, Session};
use crate::error::{Failure, Result};
use crate::kinds::support::answer;
use crate::kinds::support::follow_filters::Followed;
use crate::kinds::support::place::{account_fact, authority, dialect, server};
use crate::kinds::{
    Action, Complaint, Condition, Ctx, Need, Needs, Output, OutputType, Outputs, Probe, Reversibility, Step,
};
use crate::playbook::inventory::Account;
use crate::playbook::through::Through;
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[Output {
    name: "account",
    kind: OutputType::Text,
    about: "The account that the login arrived as, in the form user@host.",
}];

/// Creates the replication account on the source, for the host that its connection arrives from, with no privilege
/// except replication. Proves it with a login along the path that replication takes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The account is dropped, if this step created it.",
    "examples" = [{ "server": "source", "replica": "target", "through": "tunnel" }]
))]
pub struct ReplicationAccount {
    /// Source: the account is created there.
    #[schemars(extend("format" = "server"))]
    server: String,
    /// Replica: its `replication` account in the inventory is created.
    #[schemars(extend("format" = "server"))]
    replica: String,
    /// Tunnel that replication goes through.
    #[serde(default)]
    through: Option<Through>,
    /// The account accepts encrypted connections only, and the test login verifies the source's certificate (`tls.ca`
    /// of the server).
    #[serde(default)]
    tls: bool,
    /// Whether the statements that create the account enter the server's binary log. Set it to `false` on a server that
    /// is itself a replica: otherwise that server has a transaction that no other server has.
    #[serde(default = "yes")]
    binlog: bool,
    /// Databases that must be replicated; empty means every user database. A filter on either server that leaves one
    /// out is refused here, before the switch, and not only when replication starts.
    #[serde(default)]
    databases: Vec<String>,
}

fn yes() -> bool {
    true
}

impl ReplicationAccount {
    fn followed(&self) -> Followed<'_> {
        Followed { source: &self.server, replica: &self.replica, databases: &self.databases }
    }
    fn account<'a>(&self, world: &'a World) -> Result<&'a Account> {
        let own = server(world, &self.replica)?.replication.as_ref();
        own.or(server(world, &self.server)?.replication.as_ref()).ok_or_else(|| {
            let answer = format!("server `{}` has no `replication` account in the inventory", self.replica);
            Failure::permanent("find the replication account", answer)
                .help("add `replication: { user: repl, password: { env: REPL_PASSWORD } }` to the server")
        })
    }
    /// The account's host part: a connection that comes out of a tunnel arrives from the source's own loopback, of the
    /// family that its address has.
    fn host<'a>(&self, world: &World, account: &'a Account) -> &'a str {
        let arrives = |address: &String| Endpoint::of(address).arrives_from();
        let address = world.inventory.server(&self.server).map(|server| &server.address);
        let looped = self.through.as_ref().and(address).map_or("%", arrives);
        account.host.as_deref().unwrap_or(looped)
    }
    async fn exists(&self, cx: &Ctx<'_>, account: &Account) -> Result<bool> {
        let session = cx.fx.sql(&self.server).await?;
        let text = dialect(cx.world, &self.server).account_exists(&account.user, self.host(cx.world, account));
        Ok(answer::number::<u64>(&session, &text).await? > 0)
    }
    /// The way that the replica will take.
    fn path<'a>(&'a self, world: &'a World) -> Result<LoginPath<'a>> {
        let (replica, source) = (server(world, &self.replica)?, server(world, &self.server)?);
        let address = self.through.as_ref().map_or(source.endpoint(), |through| &through.listen);
        let authority = if self.tls { Some(authority(world, &self.server)?) } else { None };
        Ok(LoginPath { host: &replica.host, address, authority, bare: true })
    }
    async fn prove(&self, cx: &Ctx<'_>, account: &Account) -> Result<Outputs> {
        let arrived = match cx.fx.try_login(&self.server, account, self.path(cx.world)?).await {
            Ok(arrived) => arrived,
            Err(failure) => return Err(self.explain(cx, failure).await),
        };
        let expected = format!("{}@{}", account.user, self.host(cx.world, account));
        if !arrived.starts_with(&format!("{}@", account.user)) {
            return Err(Failure::permanent(
                format!("log in as {expected}"),
                format!("the login arrived as account {arrived} instead"),
            )
            .at(&self.server)
            .help("drop the anonymous accounts on the source"));
        }
        Ok(Outputs::from_iter([("account".to_owned(), arrived.into())]))
    }
    /// An anonymous account for a closer host is taken before the one that was named, and refuses its password.
    async fn explain(&self, cx: &Ctx<'_>, failure: Failure) -> Failure {
        let Ok(session) = cx.fx.sql(&self.server).await else { return failure };
        let Ok(rows) = session.query(dialect(cx.world, &self.server).accounts(), LOOK).await else { return failure };
        let anonymous = rows.iter().filter(|row| row.get("user").is_none_or(str::is_empty));
        let names: Vec<String> =
            anonymous.map(|row| format!("''@{}", literal(row.get("host").unwrap_or_default()))).collect();
        if names.is_empty() {
            return failure;
        }
        let names = names.join(", ");
        let answer = format!("{}; the anonymous accounts {names} may have matched first", failure.answer);
        Failure { answer, ..failure }.help(format!("DROP USER {names} on the source"))
    }
    /// A session of its own where its statements stay out of the binary log.
    async fn session(&self, cx: &Ctx<'_>) -> Result<Arc<Session>> {
        if self.binlog {
            return cx.fx.sql(&self.server).await;
        }
        let session = cx.fx.session(&self.server, cx.step).await?;
        session.query(dialect(cx.world, &self.server).without_binlog(), LOOK).await?;
        Ok(session)
    }
    async fn done_with(&self, cx: &Ctx<'_>) {
        if !self.binlog {
            cx.fx.close_session(&self.server, cx.step).await;
        }
    }
    fn quiet(&self, world: &World) -> Option<Action> {
        (!self.binlog).then(|| Action::sql(&self.server, dialect(world, &self.server).without_binlog()))
    }
    /// Makes the account: by the hash of its password, where the server takes one.
    async fn create(&self, cx: &Ctx<'_>, session: &Session, create: &Sql) -> Result<()> {
        let Err(error) = session.try_query(create, LOOK).await else { return Ok(()) };
        let by_password = self.by_password(cx.world)?.filter(|_| error.code == Some(OPTION_PREVENTS));
        let Some(by_password) = by_password else { return Err(error.failure(session.server(), create)) };
        session.query(by_password, LOOK).await.map(drop)
    }
    fn by_password(&self, world: &World) -> Result<Option<Sql>> {
        let (account, dialect) = (self.account(world)?, dialect(world, &self.server));
        let host = self.host(world, account);
        Ok(dialect.create_replication_account_by_password(&account.user, host, &account.password, self.tls))
    }
    fn statements(&self, world: &World) -> Result<[Sql; 2]> {
        let account = self.account(world)?;
        Ok(dialect(world, &self.server).create_replication_account(
            &account.user,
            self.host(world, account),
            &account.password,
            self.tls,
        ))
    }
}

#[async_trait]
impl Step for ReplicationAccount {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let complain =
            |failure: Failure| vec![Complaint { help: failure.help, ..Complaint::new("replica", failure.answer) }];
        let account = self.account(world).map_err(complain)?;
        if self.tls {
            authority(world, &self.server).map_err(complain)?;
        }
        let exists = dialect(world, &self.server).account_exists(&account.user, self.host(world, account));
        let mut actions = self.followed().actions(world);
        actions.extend([Action::sql(&self.server, exists), Action::note("if it does not exist:")]);
        actions.extend(self.quiet(world));
        actions.extend(self.statements(world).map_err(complain)?.map(|text| Action::sql(&self.server, text)));
        if let Some(text) = self.by_password(world).map_err(complain)? {
            actions.push(Action::note(
                "if the server accepts no password hashes (strict_password_validation); the password is then visible \
                 in the server's logs:",
            ));
            actions.push(Action::sql(&self.server, text));
        }
        actions.extend(self.path(world).map_err(complain)?.actions(&self.server, &account.user));
        actions.push(Action::note("if the server refuses that:"));
        actions.push(Action::sql(&self.server, dialect(world, &self.server).accounts()));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let Ok(account) = self.account(world) else { return Vec::new() };
        let text = dialect(world, &self.server).drop_account(&account.user, self.host(world, account));
        let exists = dialect(world, &self.server).account_exists(&account.user, self.host(world, account));
        let mut actions = vec![Action::note("if this step created it:"), Action::sql(&self.server, exists)];
        actions.extend(self.quiet(world));
        actions.push(Action::sql(&self.server, text));
        actions
    }

    fn settles(&self, world: &World) -> Vec<String> {
        let account = self.account(world).ok();
        account
            .map(|account| account_fact(&self.server, &account.user, self.host(world, account)))
            .into_iter()
            .collect()
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let dialect = dialect(world, &self.server);
        let look = Needs::on(&self.server, "read which accounts exist").everywhere([dialect.reads_accounts()]);
        let Ok(account) = self.account(world) else { return look.into() };
        let missing = Condition::Missing(vec![AccountName::new(&account.user, self.host(world, account))]);
        let make =
            Needs::on(&self.server, "create the account that the replica logs in with, and grant it REPLICATION SLAVE");
        let make = make.passed_on(Some(&missing), dialect.replication_account_privileges());
        let make = if self.binlog { make } else { make.only_if(&missing, [dialect.leaves_log_out()]) };
        [look, make].into_iter().flat_map(Vec::from).collect()
    }

    fn unproved(&self, world: &World) -> Vec<String> {
        let host = world.inventory.host_of(&self.replica);
        vec![format!("that the replication account can log in to `{}` from {host}: this step tries it", self.server)]
    }

    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        let account = self.account(cx.world)?;
        // a runner that died between the two statements left an account that may log in, and nothing else
        if cx.outputs.is_empty() || !self.exists(cx, account).await? {
            return Ok(Probe::NotDone);
        }
        Ok(self.prove(cx, account).await.map_or(Probe::NotDone, Probe::Done))
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let account = self.account(cx.world)?;
        self.followed().comes_through(cx).await?;
        let there = self.exists(cx, account).await?;
        let ours = cx.memo.keep("ours", !there).await?;
        let [create, grant] = self.statements(cx.world)?;
        if ours {
            let session = self.session(cx).await?;
            if !there {
                self.create(cx, &session, &create).await?;
            }
            session.query(&grant, LOOK).await?;
            self.done_with(cx).await;
        }
        self.prove(cx, account).await
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        if !cx.memo.flag("ours")? {
            return Ok(());
        }
        let account = self.account(cx.world)?;
        if !self.exists(cx, account).await? {
            return Ok(()); // it could not even be made
        }
        let session = self.session(cx).await?;
        let text = dialect(cx.world, &self.server).drop_account(&account.user, self.host(cx.world, account));
        session.query(&text, LOOK).await?;
        self.done_with(cx).await;
        Ok(())
    }
}
