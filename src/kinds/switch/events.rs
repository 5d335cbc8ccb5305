//! `events`: makes the new server run exactly the scheduled events that the old one ran.

use crate::dialect::Dialect;
use crate::domain::{Sql, Words};
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::role::{MovesEvents, Role};
use crate::kinds::support::answer;
use crate::kinds::support::place::{dialect, server};
use crate::kinds::support::privileges::require;
use crate::kinds::{
    Action, Complaint, Condition, Ctx, Need, Needs, On, Output, OutputType, Outputs, Probe, Reversibility, Step,
};
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[Output {
    name: "enabled",
    kind: OutputType::Integer,
    about: "Number of events that are enabled on the new server.",
}];

const ATTEMPT: &str = "move the events to the new server";
const ENABLED: &str = "ENABLED";
const DISABLED: &str = "DISABLED";
/// Keys of the memo: statuses and scheduler of the new server before.
const BEFORE: &str = "before";
const SCHEDULER: &str = "scheduler";

/// Makes the new server run exactly the events that are enabled on the old one, which is closed by now. Enables the
/// events that replication created disabled, disables all others, and switches the event scheduler on if it was on
/// there. None of this enters the binary log, so it is not replicated back to the old server.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "Events and event scheduler of the new server are set back to their state before this step.",
    "examples" = [{ "from": "source", "to": "target", "scheduler": "{{ steps.fence.event_scheduler }}" }]
))]
pub struct Events {
    /// Server that ran the events: closed, with its event scheduler stopped.
    #[schemars(extend("format" = "server"))]
    from: String,
    /// Server that runs the events from now on.
    #[schemars(extend("format" = "server"))]
    to: String,
    /// State of the scheduler on the old server before the fence: `"{{ steps.fence.event_scheduler }}"`. Without it,
    /// the scheduler is not changed.
    #[serde(default)]
    scheduler: Option<String>,
}

/// An event of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Event {
    db: String,
    name: String,
    definer: String,
    status: String,
}

impl Event {
    fn is_same(&self, other: &Self) -> bool {
        (&self.db, &self.name) == (&other.db, &other.name)
    }
    fn set(&self, dialect: Dialect) -> Sql {
        dialect.set_event_status(&Dialect::definer(&self.definer), &self.db, &self.name, &self.status)
    }
}

async fn events(session: &Session, dialect: Dialect) -> Result<Vec<Event>> {
    let rows = session.query(dialect.events(), LOOK).await?;
    let event = |row: crate::effects::Row<'_>| {
        let text = |name: &str| answer::column(row, name, session, dialect.events()).map(str::to_owned);
        Ok(Event { db: text("db")?, name: text("name")?, definer: text("definer")?, status: text("status")? })
    };
    rows.iter().map(event).collect()
}

/// The statement for an event that is known only at run time.
fn some_event(dialect: Dialect, status: &str) -> Sql {
    dialect.set_event_status(&Dialect::some_definer(), Words::late("database"), Words::late("event"), status)
}

/// What must be changed on the new server, given both sides' events.
fn changes(old: &[Event], new: &[Event]) -> Vec<Event> {
    let wanted = |event: &Event| old.iter().any(|old| old.status == ENABLED && old.is_same(event));
    let change = |event: &Event| match (wanted(event), event.status == ENABLED) {
        (true, false) => Some(Event { status: ENABLED.into(), ..event.clone() }),
        (false, true) => Some(Event { status: DISABLED.into(), ..event.clone() }),
        _ => None,
    };
    new.iter().filter_map(change).collect()
}

impl Events {
    /// An event that runs on both servers runs twice.
    async fn old_is_silent(&self, cx: &Ctx<'_>) -> Result<()> {
        let session = cx.fx.sql(&self.from).await?;
        if answer::value(&session, dialect(cx.world, &self.from).event_scheduler()).await? != "ON" {
            return Ok(());
        }
        Err(Failure::permanent(ATTEMPT, "its event scheduler is running, so every event would run twice")
            .at(&self.from)
            .now(format!("no event was changed on `{}`", self.to))
            .help(
                "put a `fence` step, which stops it, before this step; or run SET GLOBAL event_scheduler = OFF there",
            ))
    }

    /// Events of databases that were moved must all be there.
    fn all_came(&self, old: &[Event], new: &[Event]) -> Result<()> {
        let moved = |event: &&Event| event.status == ENABLED && new.iter().any(|new| new.db == event.db);
        let lost = old.iter().filter(moved).filter(|event| !new.iter().any(|new| new.is_same(event)));
        let lost: Vec<String> = lost.map(|event| format!("{}.{}", event.db, event.name)).collect();
        if lost.is_empty() {
            return Ok(());
        }
        Err(Failure::permanent(ATTEMPT, format!("these events are missing: {}", lost.join(", "))).at(&self.to).help(
            format!(
                "read their definitions with SHOW CREATE EVENT on `{}`, create them by hand, then run `cutover resume`",
                self.from
            ),
        ))
    }

    async fn set(&self, cx: &Ctx<'_>, events: &[Event]) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let dialect = dialect(cx.world, &self.to);
        let session = cx.fx.session(&self.to, cx.step).await?;
        session.query(dialect.without_binlog(), LOOK).await?;
        for event in events {
            session.query(&event.set(dialect), LOOK).await?;
        }
        cx.fx.close_session(&self.to, cx.step).await;
        Ok(())
    }

    async fn set_scheduler(&self, cx: &Ctx<'_>, wanted: &str) -> Result<()> {
        let (session, dialect) = (cx.fx.sql(&self.to).await?, dialect(cx.world, &self.to));
        let now = answer::value(&session, dialect.event_scheduler()).await?;
        if (now == "ON") == (wanted == "ON") {
            return Ok(()); // one that is disabled refuses even to be stopped
        }
        let set = session.query(dialect.set_event_scheduler(wanted == "ON"), LOOK).await;
        set.map(drop)
            .map_err(|failure| failure.help("a server started with event_scheduler = DISABLED must be restarted"))
    }

    /// An event whose definer has no account fails at each of its hours, in the error log alone.
    async fn tell_of_missing_definers(&self, cx: &Ctx<'_>, enabled: &[&Event]) -> Result<()> {
        let (session, dialect) = (cx.fx.sql(&self.to).await?, dialect(cx.world, &self.to));
        let definers: BTreeSet<&str> = enabled.iter().map(|event| event.definer.as_str()).collect();
        for definer in definers {
            let Some((user, host)) = definer.rsplit_once('@') else { continue };
            if session.query(&dialect.account_exists(user, host), LOOK).await?.value() == Some("0") {
                cx.progress
                    .note(format!("`{}` has no account {definer}: the events with this definer fail there", self.to));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Step for Events {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        vec![MovesEvents { from: self.from.clone(), to: self.to.clone() }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        if self.from == self.to {
            return Err(vec![Complaint::new("to", "`from` and `to` are the same server").help("name the other one")]);
        }
        let (from, to) = (dialect(world, &self.from), dialect(world, &self.to));
        let new = On(&self.to);
        let mut actions = vec![
            Action::sql(&self.from, from.event_scheduler()),
            Action::note("refuse if the event scheduler runs there"),
            Action::sql(&self.from, from.events()),
            new.sql(to.events()),
            new.sql(to.event_scheduler()),
            Action::note(format!("for every event that is enabled on `{}`, and not on `{}`:", self.from, self.to)),
            new.sql(to.without_binlog()),
            new.sql(some_event(to, ENABLED)),
            Action::note("for every event that is not:"),
            new.sql(some_event(to, DISABLED)),
            new.sql(to.account_exists(Words::late("user"), Words::late("host"))),
        ];
        if self.scheduler.is_some() {
            actions.push(Action::note(format!("if the scheduler had another state on `{}` than here:", self.from)));
            actions.extend([true, false].map(|on| new.sql(to.set_event_scheduler(on))));
        }
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let to = dialect(world, &self.to);
        let mut actions = Vec::new();
        if self.scheduler.is_some() {
            actions.push(Action::note("if this step changed it:"));
            actions.push(Action::sql(&self.to, to.event_scheduler()));
            actions.extend([true, false].map(|on| Action::sql(&self.to, to.set_event_scheduler(on))));
        }
        actions.push(Action::note("every event that this step changed, back to its state before:"));
        actions.push(Action::sql(&self.to, to.without_binlog()));
        let statuses = [ENABLED, DISABLED, "SLAVESIDE_DISABLED"];
        actions.extend(statuses.map(|status| Action::sql(&self.to, some_event(to, status))));
        actions
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let (from, to) = (dialect(world, &self.from), dialect(world, &self.to));
        let mut needs = Vec::from(Needs::on(&self.from, "read its events").everywhere(from.sees_all()));
        let take_over = Needs::on(&self.to, "run the events of the other server")
            .everywhere(to.sees_all())
            .only_if(&Condition::EventsEnabled, to.event_privileges())
            .only_if(&Condition::AdministratorsDefine, to.sets_system_definers());
        needs.extend(Vec::from(match self.scheduler {
            Some(_) => take_over.only_if(&Condition::EventsRun, [to.sets_event_scheduler()]),
            None => take_over,
        }));
        needs
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let (from, to) = (dialect(world, &self.from), dialect(world, &self.to));
        vec![Action::sql(&self.from, from.events()), Action::sql(&self.to, to.own_privileges())]
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![format!("that the events work on `{}`: this shows when they run", self.to)]
    }

    /// Only where there is something to run: an account for a server without events needs nothing more.
    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let looked = async {
            let session = cx.fx.sql(&self.from).await?;
            events(&session, dialect(cx.world, &self.from)).await
        };
        let old = match looked.await {
            Ok(old) => old,
            Err(failure) => return vec![failure],
        };
        if old.iter().all(|event| event.status != ENABLED) {
            return Vec::new();
        }
        let mut needs = self.needs(cx.world);
        let needed = |condition: &Condition| *condition == Condition::EventsEnabled;
        needs.retain(|need| need.server == self.to && need.only_if.as_ref().is_none_or(needed));
        require(cx, &needs, "run the events after the switch").await
    }

    async fn prepare(&self, cx: &Ctx<'_>) -> Result<()> {
        server(cx.world, &self.to)?;
        cx.fx.sql(&self.to).await.map(drop)
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        self.old_is_silent(cx).await?;
        let (from, to) = (dialect(cx.world, &self.from), dialect(cx.world, &self.to));
        let (source, target) = (cx.fx.sql(&self.from).await?, cx.fx.sql(&self.to).await?);
        let (old, new) = (events(&source, from).await?, events(&target, to).await?);
        self.all_came(&old, &new)?;
        let changes = changes(&old, &new);
        let changed = |event: &&Event| changes.iter().any(|change| change.is_same(event));
        let before: Vec<Event> = new.iter().filter(changed).cloned().collect();
        cx.memo.keep(BEFORE, before).await?;
        cx.memo.keep(SCHEDULER, answer::value(&target, to.event_scheduler()).await?).await?;
        self.set(cx, &changes).await?;
        if let Some(scheduler) = &self.scheduler {
            self.set_scheduler(cx, scheduler).await?;
        }
        let now = events(&target, to).await?;
        let enabled: Vec<&Event> = now.iter().filter(|event| event.status == ENABLED).collect();
        if !self::changes(&old, &now).is_empty() {
            return Err(Failure::transient(ATTEMPT, "the events do not have the status that was set")
                .at(&self.to)
                .help("resume"));
        }
        self.tell_of_missing_definers(cx, &enabled).await?;
        cx.progress.note(format!("{} enabled, {} of them here", enabled.len(), changes.len()));
        Ok(Outputs::from_iter([("enabled".to_owned(), enabled.len().into())]))
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        let (before, scheduler) = (cx.memo.read::<Vec<Event>>(BEFORE)?, cx.memo.read::<String>(SCHEDULER)?);
        if let Some(scheduler) = scheduler.filter(|_| self.scheduler.is_some()) {
            self.set_scheduler(cx, &scheduler).await?;
        }
        match before {
            Some(before) => self.set(cx, &before).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, changes};

    fn event(name: &str, status: &str) -> Event {
        Event { db: "shop".into(), name: name.into(), definer: "a@b".into(), status: status.into() }
    }

    #[test]
    fn exactly_those_that_were_enabled_are() {
        let old =
            [event("a", "ENABLED"), event("b", "DISABLED"), event("c", "ENABLED"), event("d", "SLAVESIDE_DISABLED")];
        let new = [
            event("a", "SLAVESIDE_DISABLED"),
            event("b", "ENABLED"),
            event("c", "ENABLED"),
            event("d", "SLAVESIDE_DISABLED"),
            event("e", "ENABLED"),
        ];
        let wanted = [event("a", "ENABLED"), event("b", "DISABLED"), event("e", "DISABLED")];
        assert_eq!(changes(&old, &new), wanted);
        assert_eq!(changes(&[], &[]), []);
    }
}
