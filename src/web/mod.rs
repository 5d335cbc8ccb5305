//! The web page: runs and their live graphs, approvals, the reviewed plan, metrics. Everyone who reaches it may read;
//! approving and starting need a person's token. It contacts no other host.
//!
//! May know the journal, plans, reports and people. Decides nothing about a run: an answer is an entry in the journal, as
//! `cutover approve` writes it; every started run is a process of its own.

mod arrival;
mod assets;
mod body;
mod confirm;
mod connections;
mod decide;
mod documents;
mod estimate;
mod events;
mod fragments;
mod frame;
mod guard;
mod keys;
pub mod listen;
mod login;
mod mark;
mod metrics;
mod rehearsals;
mod run;
mod runs;
mod schedules;
mod sessions;
mod start;
mod step_log;
mod visitor;
mod waits;
mod watch;
mod wording;

pub use arrival::Peer;
pub use connections::descriptors;
pub use keys::Keys;
pub use rehearsals::Rehearsals;
pub use schedules::{ScheduleRow, Schedules};

use crate::engine::Home;
use crate::error::Result;
use crate::store::Store;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use connections::{Connections, Streams};
use sessions::Sessions;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waits::Waits;

/// How often surplus connections are closed.
const THIN_OUT: Duration = Duration::from_secs(1);
/// How long the list of working processes is cached.
const BELIEVED: Duration = Duration::from_millis(200);

/// How the page is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Browsers come by TLS, to this process or to a proxy before it: cookies may travel by nothing else.
    pub by_tls: bool,
    /// A proxy is in front of it: host name and client address come from the proxy.
    pub behind_proxy: bool,
}

/// The parts of the page.
pub struct Parts {
    /// Where the runs are, and who works on them.
    pub home: Home,
    /// How it is reached.
    pub reach: Reach,
    /// People who may act; without them everything can only be read.
    pub keys: Option<Keys>,
    /// Playbooks that can be rehearsed from the page.
    pub rehearsals: Option<Rehearsals>,
    /// Schedules, where there are some.
    pub schedules: Option<Arc<dyn Schedules>>,
    /// How many notifications wait to be sent, where there are some to send.
    pub outbox_depth: Option<Box<dyn Fn() -> Result<u64> + Send + Sync>>,
    /// Ends everything that would run forever.
    pub over: CancellationToken,
}

/// The run at the start of a worker's description.
fn run_of(worker: &str) -> Option<&str> {
    worker.strip_prefix("run ")?.split(' ').next()
}

/// The page of one state directory, or of one shared store.
pub struct Page {
    parts: Parts,
    journal: Store,
    sessions: Sessions,
    connections: Arc<Connections>,
    streams: Arc<Streams>,
    workers: Mutex<Option<(Instant, Vec<String>)>>,
    waits: Mutex<BTreeMap<String, Waits>>,
}

impl Page {
    /// The page of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            journal: parts.home.store.clone(),
            parts,
            sessions: Sessions::default(),
            connections: Arc::default(),
            streams: Arc::default(),
            workers: Mutex::default(),
            waits: Mutex::default(),
        })
    }

    /// All its routes.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/", get(runs::show))
            .route("/events", get(events::of_runs))
            .route("/runs/{run}", get(run::show))
            .route("/runs/{run}/events", get(events::of_run))
            .route("/runs/{run}/plan", get(documents::plan))
            .route("/runs/{run}/report", get(documents::report))
            .route("/runs/{run}/steps/{step}/decision", post(decide::decide))
            .route("/rehearse", post(start::rehearse))
            .route("/schedules/{name}/start", post(start::schedule))
            .route("/login", get(login::form).post(login::log_in))
            .route("/logout", post(login::log_out))
            .route("/metrics", get(metrics::show))
            .route("/assets/page.css", get(assets::style))
            .route("/assets/page.js", get(assets::script))
            .route("/assets/icon.svg", get(assets::icon))
            .route("/favicon.ico", get(assets::icon))
            .fallback(guard::nothing_here)
            .layer(DefaultBodyLimit::max(body::LARGEST))
            .layer(axum::middleware::from_fn_with_state(self.clone(), guard::guard))
            .with_state(self)
    }

    /// Answers on `door` until the page ends. Connections never use more file descriptors than [`descriptors::prepare`] assumes:
    /// a connection that is asked to close keeps its slot until it is closed.
    pub async fn serve(self: Arc<Self>, door: listen::Door) {
        let over = self.parts.over.clone();
        let routes = self.clone().router();
        let (open, tasks) = (Arc::new(Semaphore::new(connections::OPEN)), TaskTracker::new());
        let mut tick = tokio::time::interval(THIN_OUT);
        loop {
            let Ok(permit) = open.clone().acquire_owned().await else { break };
            let (stream, peer) = tokio::select! {
                accepted = door.next(|| self.connections.send_one_away()) => accepted,
                () = over.cancelled() => break,
                _ = tick.tick() => {
                    self.connections.thin_out();
                    continue;
                }
            };
            let address = (!self.parts.reach.behind_proxy).then(|| peer.ip()); // behind a proxy, all connections come from it
            let seat = self.connections.enter(address);
            let line = connections::serve(stream, peer, door.tls(), seat, routes.clone(), over.clone());
            tasks.spawn(async move {
                line.await;
                drop(permit);
            });
            tokio::task::yield_now().await; // what has come with the connection is read before the next one is let in
        }
        drop(door);
        tasks.close();
        tasks.wait().await;
    }

    fn state_dir(&self) -> &Path {
        self.parts.home.dir()
    }

    /// Who works on which run now: descriptions that start with `run ID`.
    fn workers(&self) -> Vec<String> {
        let mut known = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((at, workers)) if at.elapsed() < BELIEVED => workers.clone(),
            _ => {
                let workers = self.parts.home.workers();
                *known = Some((Instant::now(), workers.clone()));
                workers
            }
        }
    }

    /// Who works on `run`.
    fn worker_of(&self, run: &str) -> Option<String> {
        self.workers().into_iter().find(|worker| run_of(worker) == Some(run))
    }

    /// Runs work that waits for the disk on a separate thread.
    async fn aside<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T, guard::Refusal> + Send + 'static,
    ) -> Result<T, guard::Refusal> {
        let page = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&page)).await;
        done.unwrap_or_else(|error| Err(guard::Refusal::broken(error.to_string())))
    }
}

/// Whether only this machine can reach a listener there.
#[must_use]
pub fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().is_loopback()
}
