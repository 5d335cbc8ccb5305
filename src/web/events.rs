//! Server-sent events: whenever something on a page has changed, the changed parts are sent.

use super::Page;
use super::connections::{self, Caller};
use super::guard::Refusal;
use super::runs::{self, Shown};
use super::visitor::Visitor;
use super::watch::{Parts, Watched};
use crate::engine::clock::wall;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::json;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How often a run is read, so that the end of a step shows soon.
const LOOK: Duration = Duration::from_millis(250);
/// How often the list of runs is read.
const LOOK_AT_LIST: Duration = Duration::from_secs(1);
/// Proxies take a connection for dead that is silent for longer than this.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

type Events = Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>;
type Answer = Result<Sse<KeepAliveStream<Events>>, Refusal>;

/// Renders all parts again, or nothing when nothing has changed.
type Look = Box<dyn FnMut() -> Result<Option<Parts>, Refusal> + Send>;

struct Watcher {
    page: Arc<Page>,
    look: Option<Look>,
    every: Duration,
    sent: Parts,
    first: bool,
    _place: connections::Stream,
}

/// Of one run.
pub(super) async fn of_run(State(page): State<Arc<Page>>, visitor: Visitor, Path(run): Path<String>) -> Answer {
    let (mut watched, caller) = (page.aside(move |page| Watched::open(page, &run)).await?, visitor.caller());
    let mut first = true;
    let look = move || {
        let changed = watched.look()? || std::mem::take(&mut first);
        Ok(if changed { Some(watched.parts(&visitor)?) } else { None })
    };
    stream(&page, caller, LOOK, Box::new(look))
}

/// Of the list.
pub(super) async fn of_runs(State(page): State<Arc<Page>>, visitor: Visitor, Query(shown): Query<Shown>) -> Answer {
    let (own, caller) = (page.clone(), visitor.caller());
    stream(&page, caller, LOOK_AT_LIST, Box::new(move || Ok(Some(runs::parts(&own, &shown, &visitor)?))))
}

fn stream(page: &Arc<Page>, caller: Caller, every: Duration, look: Look) -> Answer {
    let place = page.streams.begin(caller).map_err(|said| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, said))?;
    let watcher =
        Watcher { page: page.clone(), look: Some(look), every, sent: Parts::new(), first: true, _place: place };
    let events: Events = Box::pin(unfold(watcher, next));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)))
}

/// Waits for the next change. The stream ends when the page does, or when what it shows cannot be read.
async fn next(mut watcher: Watcher) -> Option<(Result<Event, Infallible>, Watcher)> {
    loop {
        let pause = if std::mem::take(&mut watcher.first) { Duration::ZERO } else { watcher.every };
        tokio::select! {
            () = watcher.page.parts.over.cancelled() => return None,
            () = tokio::time::sleep(pause) => {}
        }
        let mut look = watcher.look.take()?;
        let (look, parts) = tokio::task::spawn_blocking(move || {
            let parts = look();
            (look, parts)
        })
        .await
        .ok()?;
        watcher.look = Some(look);
        let Some(parts) = parts.ok()? else { continue };
        let new: Parts = parts.into_iter().filter(|(id, part)| watcher.sent.get(id) != Some(part)).collect();
        if !new.is_empty() {
            let event = Event::default().data(json!({ "now": wall(), "parts": new }).to_string());
            watcher.sent.extend(new);
            return Some((Ok(event), watcher));
        }
    }
}
