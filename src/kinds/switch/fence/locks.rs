//! Accounts that can write despite `read_only`: which of them may be logged in at the fence, and which are locked from
//! then on.

use super::Fence;
use crate::dialect::Dialect;
use crate::domain::Sql;
use crate::effects::Session;
use crate::effects::past_read_only::{self, AccountName, Bypasser};
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::account_locks::{self, TO_LOCK, names};
use crate::kinds::support::answer;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use std::sync::Arc;

/// Key of the memo: accounts that this step locks.
const LOCKED: &str = "locked";

/// What is done about accounts at the moment of the fence: all of it is made ready beforehand.
pub(super) struct Locks {
    /// Connection whose work stays on this server.
    session: Arc<Session>,
    /// Locks the accounts; `None` when there are none.
    statement: Option<Sql>,
    /// Users whose sessions must have ended before the final position is read.
    pub(super) users: Vec<String>,
}

impl Locks {
    /// Locks the accounts.
    pub(super) async fn shut(locks: Option<&Self>) -> Result<()> {
        match locks.and_then(|locks| Some((locks, locks.statement.as_ref()?))) {
            Some((locks, statement)) => locks.session.query(statement, LOOK).await.map(drop),
            None => Ok(()),
        }
    }
}

/// What this step has noted that it locks.
pub(super) fn noted(cx: &Ctx<'_>) -> Result<Vec<AccountName>> {
    Ok(cx.memo.read(LOCKED)?.unwrap_or_default())
}

impl Fence {
    /// Everyone who gets past `read_only` but the runner's own account.
    async fn bypassers(&self, cx: &Ctx<'_>, main: &Session) -> Result<Vec<Bypasser>> {
        let dialect = dialect(cx.world, &self.server);
        let own = AccountName::parse(&answer::value(main, dialect.current_account()).await?);
        let all = past_read_only::look(main, dialect).await?;
        Ok(all.into_iter().filter(|one| one.account != own).collect())
    }

    /// Accounts that the inventory does not name and that are not locked, with their sessions; sessions of the runner's
    /// own user do not count.
    async fn unnamed(&self, cx: &Ctx<'_>, main: &Session) -> Result<Vec<Bypasser>> {
        let dialect = dialect(cx.world, &self.server);
        let named = cx.world.inventory.named_past_read_only(&self.server);
        let user = cx.world.inventory.server(&self.server).map_or("", |server| &server.user);
        let own = AccountName::parse(&answer::value(main, dialect.current_account()).await?);
        let is_unnamed = |one: &Bypasser| one.account != own && !one.is_locked && !one.account.is_named(&named);
        let is_loud = |one: &Bypasser| one.account.user != user && is_unnamed(one);
        let mut all = past_read_only::look_for_long(main, dialect, is_loud).await?;
        all.retain(is_unnamed);
        for one in all.iter_mut().filter(|one| one.account.user == user) {
            one.sessions.clear();
        }
        Ok(all)
    }

    /// Only accounts that the inventory names are ended or locked out: an administrator at work on the machine must log
    /// out first.
    pub(super) async fn nobody_unnamed(&self, cx: &Ctx<'_>, main: &Session, dialect: Dialect) -> Result<()> {
        if !account_locks::needed(dialect) {
            return Ok(());
        }
        let there = self.unnamed(cx, main).await?.into_iter();
        let there = there.filter(|one| !one.sessions.is_empty() && one.is_local_administrator());
        let there: Vec<String> = there.map(|one| one.to_string()).collect();
        if there.is_empty() {
            return Ok(());
        }
        let answer = format!("{} is logged in and can write despite read_only", there.join(", "));
        Err(Failure::not_yet("close the server to writes", answer)
            .at(&self.server)
            .now("the application still writes there as before")
            .help(
                "wait until these sessions end, or name the account in the inventory: `past_read_only` of this server",
            ))
    }

    /// An account that can write despite `read_only`, and that can log in from elsewhere or is logged in now, must be
    /// named: so the fence of a switch back is checked like that of a swap by its `preflight`.
    pub(super) async fn all_are_named(&self, cx: &Ctx<'_>) -> Result<()> {
        let main = cx.fx.sql(&self.server).await?;
        let loud = self.unnamed(cx, &main).await?.into_iter();
        let loud: Vec<String> =
            loud.filter(|one| !one.is_local || !one.sessions.is_empty()).map(|one| one.to_string()).collect();
        if loud.is_empty() {
            return Ok(());
        }
        Err(Failure::refused(
            "close the server to writes later in this run",
            format!("read_only does not stop writes by {}", loud.join(", ")),
        )
        .at(&self.server)
        .now("nothing was touched")
        .help(past_read_only_remedy(&self.server)))
    }

    /// What [`Fence::all_are_named`] asks.
    pub(super) fn named_questions(&self, dialect: Dialect) -> Vec<Action> {
        let asked = [dialect.current_account().into()].into_iter().chain(past_read_only::questions(dialect));
        asked.map(|text| Action::sql(&self.server, text)).collect()
    }

    /// Finds and notes who is to be locked, in the journal and then on the server, and makes the statement ready.
    pub(super) async fn ready_locks(&self, cx: &Ctx<'_>, main: &Session, dialect: Dialect) -> Result<Option<Locks>> {
        if !account_locks::needed(dialect) {
            return Ok(None);
        }
        let named = cx.world.inventory.named_past_read_only(&self.server);
        let all = self.bypassers(cx, main).await?;
        let open = all.iter().filter(|one| !one.is_locked);
        let open = open.filter(|one| !one.is_local_administrator() || one.account.is_named(&named));
        let mut locked = noted(cx)?;
        locked.extend(open.map(|one| one.account.clone()));
        locked.sort();
        locked.dedup();
        let session = account_locks::session(cx, &self.server).await?;
        if !locked.is_empty() {
            cx.memo.set(LOCKED, serde_json::json!(locked)).await?;
            account_locks::record(&session, dialect, cx.run, &locked).await?;
        }
        let statement = (!locked.is_empty()).then(|| dialect.lock_accounts(names(TO_LOCK, &locked)));
        Ok(Some(Locks { session, statement, users: all.into_iter().map(|one| one.account.user).collect() }))
    }

    /// Gives back exactly what was noted.
    pub(super) async fn give_back(&self, cx: &Ctx<'_>, locked: &[AccountName]) -> Result<()> {
        if locked.is_empty() {
            return Ok(());
        }
        account_locks::give_back(cx, &self.server, locked).await?;
        cx.memo.set(LOCKED, serde_json::json!([])).await
    }

    /// What [`Fence::ready_locks`] asks and notes.
    pub(super) fn lock_questions(&self, dialect: Dialect) -> Vec<Action> {
        if !account_locks::needed(dialect) {
            return Vec::new();
        }
        self.named_questions(dialect)
    }

    pub(super) fn record_actions(&self, dialect: Dialect) -> Vec<Action> {
        if !account_locks::needed(dialect) {
            return Vec::new();
        }
        let mut actions = self.lock_questions(dialect);
        actions.push(Action::sql(&self.server, dialect.without_binlog()));
        actions.push(Action::note("if accounts other than this machine's administrators can write despite read_only:"));
        actions.extend(account_locks::record_actions(&self.server, dialect));
        actions
    }

    pub(super) fn lock_actions(&self, dialect: Dialect) -> Vec<Action> {
        if !account_locks::needed(dialect) {
            return Vec::new();
        }
        vec![Action::sql(&self.server, dialect.lock_accounts(Sql::late(TO_LOCK)))]
    }
}

/// What to do about an account that the inventory does not name.
pub fn past_read_only_remedy(server: &str) -> String {
    format!(
        "revoke SUPER and READ_ONLY ADMIN (CONNECTION_ADMIN) from it, or change code that has such a definer; if it \
         is an administrator on the machine, end its sessions; or name it in the inventory, in `past_read_only` of \
         `{server}`: the fence then ends its sessions and keeps it out"
    )
}
