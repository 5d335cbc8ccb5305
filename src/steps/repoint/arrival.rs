//! Whether the application has come to its new server: a session of one of its accounts is seen there.

use super::Repoint;
use crate::effects::dialect::Dialect;
use crate::error::{Failure, Result};
use crate::playbook::inventory::Application;
use crate::playbook::world::World;
use crate::steps::place::dialect;
use crate::steps::{Action, Ctx, answer};
use std::time::{Duration, Instant};

/// Sessions are looked for this often.
const EVERY: Duration = Duration::from_millis(100);

/// What it takes to see the sessions of others.
pub(super) const PRIVILEGES: &[&[&str]] = &[&["PROCESS"]];

impl Repoint {
    fn sessions(application: &Application, dialect: Dialect) -> String {
        let users: Vec<&str> = application.accounts.iter().map(|account| account.user.as_str()).collect();
        dialect.sessions_of(&users)
    }

    pub(super) fn arrival_actions(&self, world: &World, application: &Application) -> Vec<Action> {
        let Some(arrival) = self.arrival else { return Vec::new() };
        let sessions = Self::sessions(application, dialect(world, &self.to));
        vec![Action::note(format!("until a session is there, at most {arrival}:")), Action::sql(&self.to, sessions)]
    }

    /// Waits until it is there. It may be too late to go back: a failure here is for people to act on.
    pub(super) async fn arrived(&self, cx: &Ctx<'_>, application: &Application) -> Result<()> {
        let Some(arrival) = self.arrival else { return Ok(()) };
        let session = cx.fx.sql(&self.to).await?;
        let sessions = Self::sessions(application, dialect(cx.world, &self.to));
        let begin = Instant::now();
        loop {
            let count: u64 = answer::number(&session, &sessions).await?;
            if count > 0 {
                cx.progress.note(format!("{count} sessions of it are on the new server"));
                return Ok(());
            }
            if begin.elapsed() >= arrival.0 {
                let answer =
                    format!("`{}` was told to move, and no session of it came within {arrival}", self.application);
                return Err(Failure::permanent("see the application on its new server", answer)
                    .at(&self.to)
                    .now("the new server takes writes, the old one does not; the application's settings name the new one")
                    .help("restart the application by hand; a resume tells it again and looks again"));
            }
            cx.pause(EVERY, "see the application on its new server").await?;
        }
    }
}
