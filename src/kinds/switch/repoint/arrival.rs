//! Whether the application has come to its new server: a session of one of its accounts is seen there.

use super::Repoint;
use crate::dialect::Dialect;
use crate::domain::Sql;
use crate::domain::units::Span;
use crate::error::{Failure, Result};
use crate::kinds::support::answer;
use crate::kinds::support::answer::is_closed;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Ctx};
use crate::playbook::inventory::Application;
use crate::playbook::world::World;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// Sessions are looked for this often.
const EVERY: Duration = Duration::from_millis(100);
/// How many checks before the switch must find no session of an application before it counts as idle: an application
/// that connects for each request has no session for moments.
const QUIET_LOOKS: u32 = 10;
/// Key of the memo: whether the application had a session on the server that it leaves.
const WAS_THERE: &str = "was_there";

/// How long an application is looked for on its new server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Sessions are not checked.
    Nobody,
    /// At most so long.
    Within(Span),
}

impl Serialize for Arrival {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nobody => serializer.serialize_str("none"),
            Self::Within(time) => time.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Arrival {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let within = || text.parse().map(Self::Within).map_err(serde::de::Error::custom);
        if text == "none" { Ok(Self::Nobody) } else { within() }
    }
}

impl JsonSchema for Arrival {
    fn schema_name() -> Cow<'static, str> {
        "Arrival".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "duration-or-none", "examples": ["10s", "none"] })
    }
}

impl Repoint {
    /// How long to wait for sessions; `None` when they are not checked.
    pub(super) fn arrival(&self) -> Option<Span> {
        match self.arrival {
            Some(Arrival::Within(time)) => Some(time),
            Some(Arrival::Nobody) | None => None,
        }
    }

    /// The server that the application leaves, if sessions are checked: as stated, or the only other one.
    pub(super) fn left<'a>(&'a self, world: &'a World) -> Option<&'a str> {
        self.arrival()?;
        let mut others = world.inventory.servers.keys().filter(|name| **name != self.to);
        let only = others.next().filter(|_| others.next().is_none());
        self.from.as_deref().or(only.map(String::as_str))
    }

    fn sessions(application: &Application, dialect: Dialect) -> Sql {
        let users: Vec<&str> = application.accounts.iter().map(|account| account.user.as_str()).collect();
        dialect.sessions_of(&users)
    }

    /// What is asked of the server that is left, before the block begins.
    pub(super) fn quiet_actions(&self, world: &World, application: &Application) -> Vec<Action> {
        let Some(left) = self.left(world) else { return Vec::new() };
        let dialect = dialect(world, left);
        vec![
            Action::note("before the block begins, to find out whether the application is idle:"),
            Action::sql(left, dialect.read_only()),
            Action::sql(left, Self::sessions(application, dialect)),
        ]
    }

    pub(super) fn arrival_actions(&self, world: &World, application: &Application) -> Vec<Action> {
        let Some(arrival) = self.arrival() else { return Vec::new() };
        let sessions = Self::sessions(application, dialect(world, &self.to));
        vec![Action::note(format!("until a session is there, at most {arrival}:")), Action::sql(&self.to, sessions)]
    }

    /// Notes whether the application has sessions on the server that it leaves, while that server is open: after the
    /// fence they have ended, and the earlier note counts. A server that does not answer gives no information.
    pub(super) async fn note_presence(&self, cx: &Ctx<'_>, application: &Application) -> Result<()> {
        let Some(left) = self.left(cx.world) else { return Ok(()) };
        let was_there = match self.presence(cx, application, left).await {
            Ok(Some(was_there)) => return cx.memo.set(WAS_THERE, was_there.into()).await,
            Ok(None) => true,
            Err(failure) if failure.passes() => true,
            Err(failure) => return Err(failure),
        };
        cx.memo.keep(WAS_THERE, was_there).await.map(drop)
    }

    /// Whether a session of it is on `left`; `None` when that server is closed already.
    async fn presence(&self, cx: &Ctx<'_>, application: &Application, left: &str) -> Result<Option<bool>> {
        let (session, dialect) = (cx.fx.sql(left).await?, dialect(cx.world, left));
        if is_closed(&session, dialect).await? {
            return Ok(None);
        }
        let sessions = Self::sessions(application, dialect);
        for _ in 0..QUIET_LOOKS {
            if answer::number::<u64>(&session, &sessions).await? > 0 {
                return Ok(Some(true));
            }
            cx.pause(EVERY, "check whether the application is idle").await?;
        }
        Ok(Some(false))
    }

    /// Waits until it is there. It may be too late to go back: a failure here is for people to act on.
    pub(super) async fn arrived(&self, cx: &Ctx<'_>, application: &Application) -> Result<()> {
        let Some(arrival) = self.arrival() else { return Ok(()) };
        let session = cx.fx.sql(&self.to).await?;
        let sessions = Self::sessions(application, dialect(cx.world, &self.to));
        let begin = Instant::now();
        loop {
            let count: u64 = answer::number(&session, &sessions).await?;
            if count > 0 {
                cx.progress.note(format!("sessions of the application on the new server: {count}"));
                return Ok(());
            }
            if begin.elapsed() >= arrival.0 {
                return self.missed(cx, arrival);
            }
            cx.pause(EVERY, "confirm that the application reached its new server").await?;
        }
    }

    /// No session appeared: a failure, unless there was none before.
    fn missed(&self, cx: &Ctx<'_>, arrival: Span) -> Result<()> {
        if cx.memo.read(WAS_THERE)? == Some(false) {
            let left = self.left(cx.world).unwrap_or_default();
            let quiet = format!("`{}` is idle: it had no session on `{left}` before the switch", self.application);
            cx.progress.note(format!("{quiet}, and none appeared on `{}` within {arrival}", self.to));
            return Ok(());
        }
        let answer =
            format!("`{}` was repointed, but none of its sessions appeared within {arrival}", self.application);
        Err(Failure::permanent("confirm that the application reached its new server", answer)
            .at(&self.to)
            .now("the new server accepts writes, the old one does not; the application's settings name the new one")
            .help(
                "restart the application by hand, or run `cutover resume`: it repoints the application again and \
                 checks again",
            ))
    }
}

#[cfg(test)]
mod tests {
    use super::Arrival;
    use crate::domain::units::Span;
    use std::time::Duration;

    #[test]
    fn none_and_a_time_are_read_and_written() {
        let read = |text: &str| serde_json::from_str::<Arrival>(text);
        assert_eq!(read("\"none\"").unwrap(), Arrival::Nobody);
        assert_eq!(read("\"10s\"").unwrap(), Arrival::Within(Span(Duration::from_secs(10))));
        assert!(read("\"never\"").is_err() && read("10").is_err());
        for text in ["\"none\"", "\"10s\""] {
            assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
        }
    }
}
