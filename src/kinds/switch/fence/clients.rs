//! Who is logged in when the fence falls: they are ended, and named.

use super::Fence;
use crate::dialect::Dialect;
use crate::domain::sql::{list, number};
use crate::domain::{Sql, Words};
use crate::effects::past_read_only::{Client, client, counted};
use crate::effects::replica::LOOK;
use crate::effects::{Row, Session};
use crate::error::{Failure, Result};
use crate::kinds::support::answer;
use crate::kinds::{Action, Ctx};
use std::time::{Duration, Instant};

/// How often clients are listed again when one of them disconnected meanwhile.
const ROUNDS: usize = 5;
const NO_SUCH_THREAD: u16 = 1094;
/// What our own connections are called in a plan.
const OURS: &str = "own connections";
/// What the one request is called that ends all others.
const KILLS: &str = "all clients, in one request";
/// What sessions that were killed are called in a plan.
pub(super) const ENDED: &str = "sessions that were ended";
/// Pause between checks whether sessions have ended.
const PAUSE: Duration = Duration::from_millis(1);

/// Sessions that the fence has ended.
#[derive(Default)]
pub(super) struct Ended(Vec<(String, Client)>);

impl Ended {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// `4 sessions of shop@10.0.0.7`, one line for each client.
    pub(super) fn lines(&self) -> Vec<String> {
        let counted = counted(self.0.iter().map(|(_, client)| client.clone()));
        let line = |(client, number): (Client, usize)| {
            format!("{number} {} of {client}", if number == 1 { "session" } else { "sessions" })
        };
        counted.into_iter().map(line).collect()
    }

    /// Numbers of those that logged in as one of these users.
    fn of(&self, users: &[String]) -> Vec<String> {
        let theirs = self.0.iter().filter(|(_, client)| users.contains(&client.user));
        theirs.map(|(id, _)| id.clone()).collect()
    }
}

impl Fence {
    /// Ends every client session except our own and replication, all with one request: each round trip is downtime.
    /// Open transactions roll back; no acknowledged write is lost.
    pub(super) async fn end_clients(&self, cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<Ended> {
        let ours = cx.fx.connections(&self.server).await;
        let keep = list(OURS, ours.ids.iter().map(|id| number(*id)));
        let list = dialect.killable_clients(Some(keep));
        let mut ended = Ended::default();
        for round in 1..=ROUNDS {
            let clients = session.query(&list, LOOK).await?;
            let mut ids = Vec::with_capacity(clients.len());
            for row in clients.iter() {
                let id = answer::column(row, "id", session, &list)?.to_owned();
                if !ended.0.iter().any(|(known, _)| *known == id) {
                    ended.0.push((id.clone(), client(row)));
                }
                ids.push(id);
            }
            if ids.is_empty() || self.kill(session, dialect, &ids, round == ROUNDS).await? {
                break;
            }
        }
        Ok(ended)
    }

    /// Ends these, all at once or `one_by_one`; `false` when one of them had disconnected, so that the others were not
    /// ended.
    async fn kill(&self, session: &Session, dialect: Dialect, ids: &[String], one_by_one: bool) -> Result<bool> {
        let requests: Vec<Sql> = if one_by_one {
            ids.iter().map(|id| dialect.kill(id)).collect()
        } else {
            vec![dialect.kill_all(Sql::found(KILLS, &Sql::join(ids.iter().map(number), Dialect::AND_KILL)))]
        };
        let mut all = true;
        for request in requests {
            match session.try_query(&request, LOOK).await {
                Ok(_) => {}
                Err(error) if error.code == Some(NO_SUCH_THREAD) => all = one_by_one,
                Err(error) => return Err(Failure::permanent("end the clients", error.to_string()).at(&self.server)),
            }
        }
        Ok(all)
    }

    /// Waits until no session of `ended` is left that may belong to one of `users`: a killed session may still be at
    /// work, and the strongest lock will not always be there. An application's session that was inside of an
    /// administrator's trigger is itself again while it rolls back, and that may take long: this does not wait for it.
    pub(super) async fn are_gone(
        &self,
        session: &Session,
        dialect: Dialect,
        ended: &Ended,
        users: &[String],
    ) -> Result<()> {
        let ids = ended.of(users);
        if ids.is_empty() {
            return Ok(());
        }
        let question = dialect.still_connected(list(ENDED, ids.iter().map(number)));
        let is_theirs = |row: &Row<'_>| row.get("user").is_none_or(|user| users.iter().any(|one| one == user));
        let begin = Instant::now();
        loop {
            let rows = session.query(&question, LOOK).await?;
            let left = rows.iter().filter(is_theirs);
            let left: Vec<String> = left.filter_map(|row| row.get("id").map(str::to_owned)).collect();
            if left.is_empty() {
                return Ok(());
            }
            if begin.elapsed() > self.lock_timeout.0 {
                let answer = format!("connections still open after KILL: {}", left.join(", "));
                return Err(Failure::permanent("end the clients", answer).at(&self.server));
            }
            self.kill(session, dialect, &left, true).await?;
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(super) fn client_actions(&self, dialect: Dialect) -> Vec<Action> {
        let texts = [
            dialect.killable_clients(Some(Sql::late(OURS))),
            dialect.kill_all(Sql::late(KILLS)),
            dialect.kill(Words::late("each client")),
        ];
        texts.map(|text| Action::sql(&self.server, text)).into()
    }
}
