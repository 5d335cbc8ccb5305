//! One check of the servers of a switch.

use super::choose::Switch;
use super::verdict::{Look, WayBack};
use crate::dialect::Dialect;
use crate::effects::own_transactions::{Budget, OwnTransactions, Scan, marks, since};
use crate::effects::past_read_only;
use crate::effects::replica::{LOOK, ReplicaStatus, binlog_position};
use crate::effects::{Effects, Session};
use crate::engine::fenced::Fenced;
use crate::error::{Failure, Result};
use crate::playbook::inventory::Server;
use crate::playbook::position::Position;
use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Longest time for one server: ssh, login and all questions.
const LIMIT: Duration = Duration::from_secs(25);
/// How long events of a log are read in one check.
const READING: Budget = Budget(Duration::from_secs(3));
/// Number of remembered positions of the new server's log, for the lag.
const PLACES: usize = 1000;

/// Checks one switch at intervals.
pub struct Watcher {
    switch: Switch,
    fx: Effects,
    /// How far logs were read, by old server.
    scans: BTreeMap<String, Scan>,
    /// Positions of new servers' logs at earlier checks that are not applied yet.
    written: BTreeMap<String, VecDeque<(i64, Position)>>,
    /// Whether to ask for accounts that bypass `read_only`.
    asks_accounts: bool,
}

/// The answers of the old server.
struct Old {
    closed: bool,
    own: OwnTransactions,
    status: Option<ReplicaStatus>,
    past_read_only: Option<Vec<String>>,
}

/// The answers of the new server.
struct New {
    open: bool,
    server_id: u32,
    written: Position,
}

impl Watcher {
    /// For `switch`, with connections to its servers.
    #[must_use]
    pub fn new(switch: Switch, fx: Effects, asks_accounts: bool) -> Self {
        let (scans, written) = Default::default();
        Self { switch, fx, scans, written, asks_accounts }
    }

    /// The run whose switch is checked.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.switch.run
    }

    /// Closes its connections.
    pub async fn close(&self) {
        self.fx.close().await;
    }

    /// One check of each pair, `at` milliseconds since 1970. The result names the servers that did not answer.
    pub async fn look(&mut self, at: i64) -> Vec<Look> {
        let mut looks = Vec::new();
        for pair in self.switch.pairs.clone() {
            looks.push(self.look_at(&pair, at).await);
        }
        looks
    }

    async fn look_at(&mut self, pair: &Fenced, at: i64) -> Look {
        let mut scan = self.scans.remove(&pair.old).unwrap_or_default();
        let (old, new) =
            tokio::join!(within(&pair.old, self.ask_old(pair, &mut scan)), within(&pair.new, self.ask_new(&pair.new)));
        self.scans.insert(pair.old.clone(), scan);
        let mut unseen = Vec::new();
        for (server, failure) in [(&pair.old, old.as_ref().err()), (&pair.new, new.as_ref().err())] {
            if let Some(failure) = failure {
                unseen.push(failure.to_string().lines().next().unwrap_or_default().to_owned());
                self.fx.close_session(server, PURPOSE).await; // the next check connects again
            }
        }
        let (old, new) = (old.ok(), new.ok());
        let way_back = pair.has_way_back.then(|| self.way_back(&pair.new, at, old.as_ref(), new.as_ref()));
        let unknown = || OwnTransactions::unknown("the server did not answer");
        Look {
            at,
            run: self.switch.run.clone(),
            old: pair.old.clone(),
            new: pair.new.clone(),
            old_closed: old.as_ref().map(|old| old.closed),
            new_open: new.as_ref().map(|new| new.open),
            past_read_only: old.as_ref().and_then(|old| old.past_read_only.clone()),
            own: old.map_or_else(unknown, |old| old.own),
            way_back,
            unseen,
        }
    }

    fn dialect(&self, server: &str) -> Dialect {
        Dialect::from(self.switch.plan.world.inventory.server(server).map(Server::product).unwrap_or_default())
    }

    async fn ask_old(&self, pair: &Fenced, scan: &mut Scan) -> Result<Old> {
        let dialect = self.dialect(&pair.old);
        let session = self.fx.session(&pair.old, PURPOSE).await?;
        let closed = is_closed(&session, dialect).await?;
        let own = match &pair.before {
            Some(before) => since(&session, dialect, before, scan, READING).await?.0,
            None => OwnTransactions::unknown("the fence did not record its log position"),
        };
        let status = if pair.has_way_back { ReplicaStatus::read(&session, dialect).await? } else { None };
        let past_read_only = if self.asks_accounts { Some(bypassers(&session, dialect).await?) } else { None };
        Ok(Old { closed, own, status, past_read_only })
    }

    async fn ask_new(&self, server: &str) -> Result<New> {
        let dialect = self.dialect(server);
        let session = self.fx.session(server, PURPOSE).await?;
        let open = !is_closed(&session, dialect).await?;
        let server_id = marks(&session, dialect).await?.server_id;
        Ok(New { open, server_id, written: binlog_position(&session, dialect).await? })
    }

    fn way_back(&mut self, server: &str, at: i64, old: Option<&Old>, new: Option<&New>) -> WayBack {
        let Some(old) = old else { return WayBack::default() };
        let Some(status) = &old.status else {
            let why = Some("it does not replicate: the channel is gone".to_owned());
            return WayBack { applies: Some(false), why, ..WayBack::default() };
        };
        let why = why_not(status, new.map(|new| new.server_id));
        let places = self.written.entry(server.to_owned()).or_default();
        let lag = lag(places, at, &status.applied, new.map(|new| &new.written), behind(status));
        WayBack {
            applies: Some(why.is_none()),
            why,
            lag_seconds: lag,
            applied: Some(status.applied.clone()),
            written: new.map(|new| new.written.clone()),
            broken_since: None,
        }
    }
}

/// Connection of a look; others of the process have their own.
const PURPOSE: &str = "watch";

async fn within<T>(server: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| {
        let answer = format!("no answer within {} s", LIMIT.as_secs());
        Err(Failure::transient("check the server", answer).at(server))
    };
    tokio::time::timeout(LIMIT, work).await.unwrap_or_else(late)
}

async fn is_closed(session: &Session, dialect: Dialect) -> Result<bool> {
    let rows = session.query(dialect.read_only(), LOOK).await?;
    let value = rows.value().unwrap_or("NULL");
    Dialect::closed(value).ok_or_else(|| {
        let answer = format!("read_only is `{value}`, which means neither open nor closed");
        Failure::permanent("check whether the server is closed", answer).at(session.server())
    })
}

/// Accounts that could write to the closed server now: those that bypass `read_only` and are not locked.
async fn bypassers(session: &Session, dialect: Dialect) -> Result<Vec<String>> {
    let all = past_read_only::look(session, dialect).await?;
    Ok(all.iter().filter(|found| !found.is_locked).map(ToString::to_string).collect())
}

/// The replica's own estimate, in seconds. When the applier is idle, it does not include events that were not received.
fn behind(status: &ReplicaStatus) -> Option<u64> {
    let names = ["Seconds_Behind_Master", "Seconds_Behind_Source"];
    status.all.iter().find(|(name, _)| names.contains(&name.as_str())).and_then(|(_, value)| value.parse().ok())
}

/// Why the writes of the new server do not arrive, if so.
fn why_not(status: &ReplicaStatus, server_id: Option<u32>) -> Option<String> {
    let ids = ["Master_Server_Id", "Source_Server_Id"];
    let follows = status.all.iter().find(|(name, _)| ids.contains(&name.as_str())).and_then(|(_, id)| id.parse().ok());
    let other =
        follows.zip(server_id).filter(|(follows, server_id): &(u32, u32)| *follows != 0 && follows != server_id);
    if let Some((follows, _)) = other {
        return Some(format!("it replicates from another server, server_id {follows} at {}", status.source));
    }
    if !status.applying {
        return Some(status.apply_error.clone().unwrap_or_else(|| "the applier is stopped".into()));
    }
    if status.receiving {
        return None;
    }
    let state = if status.connecting { "the receiver is trying to connect" } else { "the receiver is stopped" };
    Some(status.receive_error.as_ref().map_or_else(|| state.into(), |error| format!("{state}: {error}")))
}

/// The lag in seconds: at least the time since the first check with a write that is not applied yet.
fn lag(
    places: &mut VecDeque<(i64, Position)>,
    at: i64,
    applied: &Position,
    written: Option<&Position>,
    behind: Option<u64>,
) -> Option<u64> {
    places.retain(|(_, place)| applied.order(place) == Ordering::Less);
    let seen = places.front().map(|(since, _)| at.saturating_sub(*since).max(0).unsigned_abs() / 1000);
    let Some(written) = written else { return seen.max(behind) };
    if applied.order(written) != Ordering::Less {
        return Some(0);
    }
    if places.back().is_none_or(|(_, last)| last != written) && places.len() < PLACES {
        places.push_back((at, written.clone()));
    }
    seen.max(behind)
}

#[cfg(test)]
mod tests {
    use super::{lag, why_not};
    use crate::effects::replica::ReplicaStatus;
    use crate::playbook::position::Position;
    use std::collections::VecDeque;

    fn place(offset: u32) -> Position {
        Position::new("b.000001", offset)
    }

    #[test]
    fn lag_grows_while_what_was_written_is_not_applied() {
        let mut places = VecDeque::new();
        assert_eq!(lag(&mut places, 0, &place(10), Some(&place(10)), Some(0)), Some(0));
        assert_eq!(lag(&mut places, 1_000, &place(10), Some(&place(20)), Some(0)), Some(0));
        assert_eq!(lag(&mut places, 11_000, &place(10), Some(&place(30)), Some(0)), Some(10));
        assert_eq!(lag(&mut places, 21_000, &place(20), Some(&place(30)), Some(0)), Some(10));
        assert_eq!(lag(&mut places, 31_000, &place(20), None, None), Some(20));
        assert_eq!(lag(&mut places, 41_000, &place(30), Some(&place(30)), Some(7)), Some(0));
        assert_eq!(lag(&mut places, 51_000, &place(30), None, None), None);
    }

    #[test]
    fn each_reason_for_not_applying_is_told() {
        let well = ReplicaStatus {
            receiving: true,
            connecting: false,
            applying: true,
            state: String::new(),
            read: place(9),
            applied: place(9),
            source: "127.0.0.1:3308".into(),
            receive_error: None,
            apply_error: None,
            all: vec![("Master_Server_Id".into(), "2".into())],
        };
        let why = |status: &ReplicaStatus| why_not(status, Some(2)).unwrap_or_default();
        assert_eq!((why(&well).as_str(), why_not(&well, None)), ("", None));
        assert!(why_not(&well, Some(3)).unwrap().contains("server_id 2"));
        let connecting = ReplicaStatus { receiving: false, connecting: true, ..well.clone() };
        assert_eq!(why(&connecting), "the receiver is trying to connect");
        let stopped = ReplicaStatus { applying: false, ..well.clone() };
        assert_eq!(why(&stopped), "the applier is stopped");
        let error = Some("error 1062: Duplicate entry".to_owned());
        assert_eq!(why(&ReplicaStatus { apply_error: error, ..stopped }), "error 1062: Duplicate entry");
        assert_eq!(why(&ReplicaStatus { receiving: false, ..well }), "the receiver is stopped");
    }
}
