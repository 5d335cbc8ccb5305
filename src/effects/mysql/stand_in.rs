//! A session with a server that is not there.

use super::error::SqlError;
use super::gather::{Answer, Wanted};
use super::line::{Request, State};
use super::rows::Rows;
use super::session::Session;
use crate::domain::{Action, Sql};
use crate::effects::stand_in::StandIn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;

/// The answer of a server that refuses a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// Its number.
    pub code: u16,
    /// Its words.
    pub message: String,
}

impl Session {
    /// A session that asks `stand_in`.
    pub(in crate::effects) fn with(stand_in: &Arc<StandIn>, server: &str, id: u64) -> Self {
        let (requests, inbox) = mpsc::unbounded_channel();
        let state = Arc::new(State::new());
        let serving = serve(stand_in.clone(), server.to_owned(), state.clone(), inbox);
        Self::served(server.to_owned(), id, state, requests, tokio::spawn(serving).abort_handle())
    }
}

async fn serve(stand_in: Arc<StandIn>, server: String, state: Arc<State>, mut inbox: mpsc::UnboundedReceiver<Request>) {
    while let Some(request) = inbox.recv().await {
        match request {
            Request::Run { sql, wanted, answer, .. } => {
                let _ = answer.send(answered(&stand_in, &server, sql, wanted).await);
            }
            Request::Close(done) => {
                state.alive.store(false, Ordering::Release);
                let _ = done.send(());
                return;
            }
        }
    }
}

async fn answered(stand_in: &StandIn, server: &str, sql: Sql, wanted: Wanted) -> Result<Answer, SqlError> {
    let rows = stand_in.answers.sql(server, &sql);
    stand_in.note(Action::Sql { server: server.to_owned(), statement: sql });
    let rows = rows.map_err(|error| SqlError::said(error.code, error.message))?;
    let value = rows.value().map(str::to_owned);
    let has_rows = !rows.columns.is_empty();
    let rows = match wanted {
        Wanted::All => rows,
        Wanted::Lots(caller) => {
            let _ = caller.send(rows).await;
            Rows::default()
        }
        Wanted::Nothing | Wanted::First => Rows::default(),
    };
    Ok(Answer { rows, value, changed: 0, has_rows })
}
