//! The state of a server before the fence, and how it is restored.

use crate::dialect::Dialect;
use crate::domain::{Sql, Words};
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::Ctx;
use crate::kinds::support::answer::{self, closed};
use serde::{Deserialize, Serialize};

/// Key of the memo.
const BEFORE: &str = "before";

/// The state of the server before the fence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Before {
    read_only: String,
    event_scheduler: String,
    /// `None` where there is no such variable.
    #[serde(default)]
    super_read_only: Option<String>,
}

impl Before {
    /// What was noted before anything was closed; `None` when the step never came so far.
    pub(super) fn read(cx: &Ctx<'_>) -> Result<Option<Self>> {
        let Some(before) = cx.memo.read::<Self>(BEFORE)? else { return Ok(None) };
        before.was_closed().and(before.ran_events())?;
        if let Some(administrators) = &before.super_read_only {
            closed(administrators).map_err(|answer| unclear(&answer))?;
        }
        Ok(Some(before))
    }

    /// The same, and notes it now when nothing was noted.
    pub(super) async fn remember(cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<Self> {
        if let Some(before) = Self::read(cx)? {
            return Ok(before);
        }
        let read_only = answer::value(session, dialect.read_only()).await?;
        let event_scheduler = answer::value(session, dialect.event_scheduler()).await?;
        let super_read_only = match dialect.super_read_only() {
            Some(question) => Some(answer::value(session, question).await?),
            None => None,
        };
        let before = Self { read_only, event_scheduler, super_read_only };
        before.was_closed().and(before.ran_events())?;
        cx.memo.keep(BEFORE, before).await
    }

    /// What [`Before::remember`] asks.
    pub(super) fn questions(dialect: Dialect) -> Vec<&'static str> {
        let asked = [Some(dialect.read_only()), Some(dialect.event_scheduler()), dialect.super_read_only()];
        asked.into_iter().flatten().collect()
    }

    pub(super) fn was_closed(&self) -> Result<bool> {
        closed(&self.read_only).map_err(|answer| unclear(&answer))
    }

    pub(super) fn ran_events(&self) -> Result<bool> {
        match self.event_scheduler.as_str() {
            "ON" => Ok(true),
            "OFF" | "DISABLED" => Ok(false),
            other => Err(unclear(&format!("unknown state of the event scheduler: `{other}`"))),
        }
    }

    /// Makes the server as open as it was, and reads that back.
    pub(super) async fn restore(&self, session: &Session, dialect: Dialect) -> Result<()> {
        for statement in dialect.restore_read_only(&self.read_only, self.super_read_only.as_deref().map(Words::from)) {
            session.query(&statement, LOOK).await?;
        }
        if self.ran_events()? {
            session.query(dialect.set_event_scheduler(true), LOOK).await?;
        }
        let now = answer::value(session, dialect.read_only()).await?;
        if Dialect::closed(&now) == Some(self.was_closed()?) {
            return Ok(());
        }
        Err(Failure::transient("open the server again", format!("read_only is {now}")).at(session.server()))
    }

    /// What [`Before::restore`] does.
    pub(super) fn restore_statements(dialect: Dialect) -> Vec<Sql> {
        let value = Words::late("its value before");
        let mut all = dialect.restore_read_only(&value, dialect.super_read_only().map(|_| value.clone()));
        all.extend([dialect.set_event_scheduler(true), dialect.read_only()].map(Sql::from));
        all
    }
}

fn unclear(answer: &str) -> Failure {
    Failure::permanent("read the server's state before the fence from the journal", answer)
        .now("nothing was changed")
        .help(
            "open the server by hand as far as it was open before, then run `cutover mark-undone RUN STEP --why TEXT`",
        )
}
