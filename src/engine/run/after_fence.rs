//! A check, before a run counts as done, of every server that it closed for good.

use crate::dialect::Dialect;
use crate::effects::own_transactions::Budget;
use crate::engine::fenced::{Fenced, fenced};
use crate::engine::runner::Setup;
use crate::engine::state::RunState;
use crate::kinds::after_fence::{FencedServer, look};
use crate::playbook::inventory::Server;
use std::time::Duration;
use tokio::time::Instant;

/// How long events may be read. Without GTIDs all events applied since the fence are skipped one by one.
const READING: Budget = Budget(Duration::from_mins(15));
/// How long an unreachable server is tried again.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_secs(1);

/// The findings for each of them; none if the run has no switch. A fence of an older program left no
/// record to compare with: `watch` and `status --live` report that, and it makes no run fail.
pub(in crate::engine) async fn look_at_all(setup: &Setup, state: &RunState) -> Vec<FencedServer> {
    let mut found = Vec::new();
    for pair in fenced(state).iter().filter(|pair| pair.before.is_some() && !pair.excused) {
        found.push(look_at(setup, pair).await);
    }
    found
}

async fn look_at(setup: &Setup, pair: &Fenced) -> FencedServer {
    let begin = Instant::now();
    let product = setup.plan.world.inventory.server(&pair.old).map(Server::product).unwrap_or_default();
    loop {
        let found = tokio::select! {
            found = look(&setup.effects, Dialect::from(product), &pair.old, pair.before.as_ref(), READING) => found,
            () = setup.halt.cancelled() => FencedServer::unseen(&pair.old, "stopped on request"),
        };
        if found.closed.is_some() || begin.elapsed() >= PATIENCE || setup.interrupt.is_cancelled() {
            return found;
        }
        tokio::select! {
            () = setup.interrupt.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
