//! The engine `clone`: the target itself reads the source's data, into a folder beside its own data directory.
//!
//! The statement keeps running in the server when its connection is lost, and so does the clone when its runner dies: a
//! later runner finds it in the server's own status tables. No program on a host is involved, and nothing is read on
//! the source's host.

mod donor;
mod fit;
mod folder;
mod look;
mod status;
mod variables;

use super::CopyServer;
use super::data_dir;
use super::engine::{Arrival, CopyEngine, Taken};
use super::files;
use super::place::Place;
use crate::dialect::{Dialect, lock};
use crate::domain::{Script, Words};
use crate::effects::Session;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::support::log_kept::require_log;
use crate::kinds::support::long_work::ask_afterwards;
use crate::kinds::support::place::dialect;
use crate::kinds::support::privileges::swap;
use crate::kinds::{Action, Complaint, Ctx, Need};
use crate::playbook::position::Position;
use crate::playbook::world::World;
use async_trait::async_trait;
use donor::Donor;
use folder::{Todo, WHOLE};
use status::{ATTEMPTED, PAUSE, Status};
use std::pin::pin;
use std::time::{Duration, Instant};

/// Key of the memo: that something of it may be there.
const BEGUN: &str = "begun";
/// Key of the memo: where the server makes it.
const FOLDER: &str = "folder";
/// Key of the memo: what was taken, once it is there.
const TAKEN: &str = "taken";
/// Key of the memo: where the copy stands, once it was asked.
const PLACE: &str = "place";
/// Purpose of the connection that the clone runs on.
const SESSION: &str = "clone";
/// A clone takes as long as it takes: the step has a limit of its own.
const NO_LIMIT: Duration = Duration::from_hours(24 * 365);
/// Longest time to rename a folder, or to remove half a clone.
const TIDY: Duration = Duration::from_mins(10);

/// The engine.
#[derive(Debug)]
pub struct Clone;

#[async_trait]
impl CopyEngine for Clone {
    fn name(&self) -> &'static str {
        "clone"
    }

    fn arrival(&self) -> Arrival {
        Arrival::Files
    }

    fn unfit(&self, source: Dialect, target: Dialect) -> Option<String> {
        fit::unfit(source, target)
    }

    fn preview(&self, copy: &CopyServer, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let faulty = |failure: Failure| vec![Complaint { help: failure.help, ..Complaint::new("to", failure.answer) }];
        let donor = Donor::of(copy, world).map_err(faulty)?;
        let complaints = donor.complaints(world);
        if !complaints.is_empty() {
            return Err(complaints);
        }
        let (host, target) = (copy.target_host(world), copy.target());
        let dialect = dialect(world, target);
        let script = |todo| script(copy, world, &data_dir::planned_suffix(), todo);
        let mut actions = Vec::new();
        if dialect.clone_holds_changes_of_tables() {
            actions.push(Action::note("table changes (DDL) wait on the source during the clone (before 8.0.27)"));
        }
        actions.push(Action::command(host, script(Todo::Find).map_err(faulty)?));
        actions.push(Action::sql(target, dialect.clone_status()));
        actions.push(Action::note("unless a clone of this step is running or complete there:"));
        actions.push(Action::command(host, script(Todo::Anew).map_err(faulty)?));
        actions.extend(donor.login_actions(world));
        actions.extend(variables::actions(copy, world, &donor));
        actions.push(Action::note("on a connection of its own, which may outlive the runner:"));
        actions.push(Action::sql(target, lock::UNMARK));
        actions.push(Action::sql(target, donor.statement(world, Words::late("that folder"))));
        actions.push(Action::sql(target, dialect.clone_progress()));
        actions.push(Action::note("when it is complete:"));
        actions.push(Action::command(host, script(Todo::Whole).map_err(faulty)?));
        actions.push(Action::note("otherwise:"));
        actions.push(Action::command(host, script(Todo::Remove).map_err(faulty)?));
        actions.extend(variables::undo_actions(copy, world));
        Ok(actions)
    }

    fn place_actions(&self, copy: &CopyServer, world: &World) -> Vec<Action> {
        vec![Action::sql(copy.target(), dialect(world, copy.target()).clone_place())]
    }

    fn questions(&self, copy: &CopyServer, world: &World) -> Vec<Action> {
        let mut actions = look::questions(copy, world);
        if let (None, Ok(donor)) = (copy.through(), Donor::of(copy, world)) {
            actions.extend(donor.login_actions(world));
        }
        actions
    }

    fn unproved(&self, copy: &CopyServer, world: &World) -> Vec<String> {
        let host = copy.target_host(world);
        let tunnel = copy.through().map(|through| &through.step);
        let by = |tunnel| {
            format!(
                "that the runner's account can log in to `{}` from {host} through `{tunnel}`: the step tries it first",
                copy.source()
            )
        };
        tunnel.map(by).into_iter().collect()
    }

    fn preview_undo(&self, copy: &CopyServer, world: &World) -> Vec<Action> {
        let target = copy.target();
        let mut actions = vec![
            Action::note("if it has not replaced the data directory:"),
            Action::sql(target, dialect(world, target).clone_status()),
            Action::note("if it runs:"),
            Action::sql(target, lock::end(Words::late("its connection"))),
        ];
        actions.extend(variables::undo_actions(copy, world));
        let remove = script(copy, world, &data_dir::planned_suffix(), Todo::Remove);
        actions.extend(remove.map(|remove| Action::command(copy.target_host(world), remove)));
        actions
    }

    fn needs(&self, copy: &CopyServer, world: &World) -> Vec<Need> {
        swap::being_cloned(world, copy.source()).into_iter().chain(swap::cloning(world, copy.target())).collect()
    }

    async fn inspect(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Vec<Failure> {
        let mut failures = look::faults(copy, cx).await;
        // a tunnel of this run is not there yet
        if copy.through().is_none() {
            let proved = match Donor::of(copy, cx.world) {
                Ok(donor) => donor.proved(cx).await,
                Err(failure) => Err(failure),
            };
            failures.extend(proved.err().map(|failure| failure.now("nothing was touched")));
        }
        failures
    }

    async fn take(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Result<Taken> {
        if let Some(taken) = cx.memo.read::<Taken>(TAKEN)? {
            return Ok(taken);
        }
        let began = Instant::now();
        cx.memo.keep(BEGUN, true).await?;
        let found = told(copy, cx, Todo::Find).await?;
        if found != WHOLE {
            let folder: String = cx.memo.keep(FOLDER, found).await?;
            fill(copy, cx, &folder).await?;
        }
        let bytes = told(copy, cx, Todo::Whole).await?.parse().unwrap_or_default();
        variables::put_back(copy, cx).await?;
        cx.memo.keep(TAKEN, Taken { place: None, bytes, seconds: began.elapsed().as_secs_f64() }).await
    }

    async fn stands_at(&self, copy: &CopyServer, cx: &Ctx<'_>, _: &Taken) -> Result<Place> {
        if let Some(place) = cx.memo.read::<Place>(PLACE)? {
            return Ok(place);
        }
        let rows = cx.fx.sql(copy.target()).await?.query(dialect(cx.world, copy.target()).clone_place(), LOOK).await?;
        let value = |name: &str| rows.first().and_then(|row| row.get(name)).unwrap_or_default();
        let file = value("file").rsplit('/').next().unwrap_or_default();
        let offset = value("position").parse::<u64>().unwrap_or_default();
        if file.is_empty() || offset == 0 {
            let answer = "the server that started with the clone does not report its position";
            return Err(Failure::permanent("find the binlog position of the clone", answer)
                .at(copy.target())
                .help("the source must write a binary log"));
        }
        let gtid = value("gtid").split_whitespace().collect();
        let place = Place { position: Position::new(file, offset), gtid };
        ask_afterwards(|| require_log(cx, copy.source(), &place.position)).await?;
        cx.memo.keep(PLACE, place).await
    }

    async fn undo(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Result<()> {
        if !cx.memo.flag(BEGUN)? {
            return Ok(());
        }
        // once the folders are swapped the clone has long ended, and the server may be down
        if !cx.memo.flag(files::SWAP)? {
            if let Some(folder) = cx.memo.read::<String>(FOLDER)? {
                status::end(copy, cx, &folder).await?;
            }
            cx.fx.close_session(copy.target(), SESSION).await;
            variables::put_back(copy, cx).await?;
        }
        told(copy, cx, Todo::Remove).await.map(drop)
    }
}

fn script(copy: &CopyServer, world: &World, suffix: &Words, todo: Todo) -> Result<Script> {
    Ok(folder::script(files::data(copy, world)?, suffix, todo))
}

/// Does something with the folder, and gives back what was printed.
async fn told(copy: &CopyServer, cx: &Ctx<'_>, todo: Todo) -> Result<String> {
    let script = script(copy, cx.world, &data_dir::suffix(cx.run, cx.step), todo)?;
    let host = cx.fx.host(copy.target_host(cx.world)).await?;
    let ran = host.run_within(&script, None, TIDY).await?;
    if ran.code == Some(0) {
        return Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned());
    }
    Err(Failure::permanent("manage the folder of the clone", ran.last_words()).at(host.name()))
}

/// Makes sure that a complete clone is in `folder`: waits for a running one, uses a complete one, and clears anything
/// else and starts again.
async fn fill(copy: &CopyServer, cx: &Ctx<'_>, folder: &str) -> Result<()> {
    let before = status::status(copy, cx, folder).await?;
    if let Status::Runs(_) = before {
        cx.progress.note(format!("{} is already cloning; waiting for that clone", copy.target()));
    }
    let mut ended = status::ended(copy, cx, folder).await?;
    if ended != Status::Whole {
        told(copy, cx, Todo::Anew).await?;
        let donor = Donor::of(copy, cx.world)?;
        donor.proved(cx).await?;
        variables::fit(copy, cx, &donor).await?;
        ended = begin(copy, cx, &donor, folder).await?;
    }
    let failure = match ended {
        Status::Whole => return Ok(()),
        Status::Failed(code, message) => status::failed(copy, code, &message),
        Status::None | Status::Runs(_) => {
            Failure::transient(ATTEMPTED, "the server was restarted meanwhile, which ended the clone").at(copy.target())
        }
    };
    told(copy, cx, Todo::Remove).await?;
    variables::put_back(copy, cx).await?;
    Err(failure)
}

/// Sends the statement and sees it to its end.
async fn begin(copy: &CopyServer, cx: &Ctx<'_>, donor: &Donor<'_>, folder: &str) -> Result<Status> {
    let session = cx.fx.session(copy.target(), SESSION).await?;
    session.query(lock::UNMARK, LOOK).await?;
    let code = watched(copy, cx, &session, donor, folder).await?;
    cx.fx.close_session(copy.target(), SESSION).await;
    match code {
        Ok(()) => Ok(Status::Whole),
        Err(Some((code, message))) => Ok(Status::Failed(code, message)),
        Err(None) => status::ended(copy, cx, folder).await, // the line was lost, and the clone goes on
    }
}

/// What the statement came to; `Err(None)` where its connection was lost.
type Came = std::result::Result<(), Option<(u16, String)>>;

async fn watched(copy: &CopyServer, cx: &Ctx<'_>, session: &Session, donor: &Donor<'_>, folder: &str) -> Result<Came> {
    let statement = donor.statement(cx.world, folder.into());
    let mut asked = pin!(session.try_query(&statement, NO_LIMIT));
    let error = loop {
        tokio::select! {
            biased;
            answered = &mut asked => match answered {
                Ok(_) => return Ok(Ok(())),
                Err(error) => break error,
            },
            paused = cx.pause(PAUSE, ATTEMPTED) => {
                if let Err(cancelled) = paused {
                    session.hang_up(); // without a word: the clone goes on, and a later runner finds it
                    return Err(cancelled);
                }
                status::tell_progress(copy, cx).await;
            }
        }
    };
    match error.code {
        Some(code) => Ok(Err(Some((code, error.message)))),
        None if error.lost => Ok(Err(None)),
        None => Err(error.failure(session.server(), &statement)),
    }
}
