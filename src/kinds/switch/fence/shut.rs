//! The fence itself, from the first lock to the final position in the log: everything in here is downtime.

use super::before::Before;
use super::clients::Ended;
use super::locks::Locks;
use super::{Fence, PURPOSE};
use crate::dialect::Dialect;
use crate::effects::own_transactions;
use crate::effects::replica::LOOK;
use crate::effects::{Rows, Session};
use crate::error::{Class, Failure, Result};
use crate::kinds::support::answer::is_closed;
use crate::kinds::support::place::dialect;
use crate::kinds::{Ctx, Outputs};
use crate::playbook::position::Position;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

impl Fence {
    /// Accounts are locked before clients are ended, so that none of them comes back, and clients go before the
    /// strongest lock, which would wait for their running statements. The sessions of locked accounts must have ended
    /// before the position is read: if the runner dies then, the strongest lock ends with it, and no session is left
    /// that could write.
    pub(super) async fn shut(
        &self,
        cx: &Ctx<'_>,
        main: &Session,
        holder: &Arc<Session>,
        locks: Option<&Locks>,
        before: &Before,
    ) -> Result<Outputs> {
        let dialect = dialect(cx.world, &self.server);
        let limit = self.lock_timeout.0;
        let begin = Instant::now();
        holder.query(dialect.set_read_only(), limit).await.map_err(|failure| self.not_shut(failure))?;
        let token = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let token = token.to_string();
        let last_row = dialect.write_token(cx.run, PURPOSE, &token);
        write_and_lock(main.query(&last_row, limit), Locks::shut(locks)).await?;
        let ended = self.end_clients(cx, main, dialect).await?;
        holder.query(dialect.strongest_fence().close, limit).await.map_err(|failure| self.not_shut(failure))?;
        self.keep_guard(cx, holder, dialect).await?;
        if let Some(locks) = locks {
            self.are_gone(main, dialect, &ended, &locks.users).await?;
        }
        if !is_closed(main, dialect).await? {
            return Err(Failure::permanent(
                "close the server to writes",
                "the server reports that it is not read-only",
            )
            .at(&self.server));
        }
        let own_log = own_transactions::at_fence(main, holder, dialect).await?;
        let position = &own_log.position;
        let millis = begin.elapsed().as_secs_f64() * 1e3;
        Self::tell(cx, position, millis, &ended);
        let mut outputs = Outputs::new();
        outputs.insert("position".into(), serde_json::to_value(position).unwrap_or_default());
        outputs.insert("own_log".into(), serde_json::to_string(&own_log).unwrap_or_default().into());
        outputs.insert("token".into(), token.parse::<u64>().unwrap_or(0).into());
        outputs.insert("fence_ms".into(), millis.into());
        outputs.insert("event_scheduler".into(), if before.ran_events()? { "ON" } else { "OFF" }.into());
        outputs.insert("ended".into(), ended.lines().into());
        Ok(outputs)
    }

    fn tell(cx: &Ctx<'_>, position: &Position, millis: f64, ended: &Ended) {
        if ended.len() > 0 {
            cx.progress.note(format!("ended {}", ended.lines().join(", ")));
        }
        cx.progress.note(format!("closed at {position} in {millis:.1} ms, client sessions ended: {}", ended.len()));
    }

    fn not_shut(&self, failure: Failure) -> Failure {
        let class = if failure.class == Class::Cancelled { failure.class } else { Class::Permanent };
        Failure { class, attempted: "close the server to writes".into(), ..failure }
            .now(format!("`{}` may be partly closed; a rollback opens it again", self.server))
            .help("look for long statements and LOCK TABLES in its process list, and switch when it is quiet")
    }

    /// A scheduler that is not running stays untouched: a disabled one refuses even to be stopped, and a stopped one
    /// must not cost the account a privilege.
    pub(super) async fn stop_events(&self, before: &Before, session: &Session, dialect: Dialect) -> Result<()> {
        if before.ran_events()? {
            session.query(dialect.set_event_scheduler(false), LOOK).await?;
        }
        Ok(())
    }
}

/// At the same time, on two connections: each round trip is downtime.
async fn write_and_lock(
    write: impl Future<Output = Result<Rows>>,
    lock: impl Future<Output = Result<()>>,
) -> Result<()> {
    let (written, locked) = tokio::join!(write, lock);
    written.map(drop).and(locked)
}
