//! A run's reviewed plan, and its report: self-contained pages, as they are sent to others.

use super::Page;
use super::guard::Refusal;
use super::watch::Watched;
use crate::plan::display;
use crate::report::html::{self, Material};
use crate::report::progress::{Reader, lag};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// They contain their own style, no script, and load nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

fn document(page: String) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)], page).into_response()
}

/// The plan that was stored with the run.
pub(super) async fn plan(State(page): State<Arc<Page>>, Path(run): Path<String>) -> Result<Response, Refusal> {
    page.aside(move |page| Ok(document(display::html(&Watched::open(page, &run)?.plan)))).await
}

/// The report as it stands now.
pub(super) async fn report(State(page): State<Arc<Page>>, Path(run): Path<String>) -> Result<Response, Refusal> {
    page.aside(move |page| {
        let watched = Watched::open(page, &run)?;
        let (summary, mut progress) = (watched.summary()?, Reader::new(page.state_dir(), &run));
        progress.look()?;
        Ok(document(html::page(&Material {
            summary: &summary,
            entries: watched.entries(),
            alive: watched.worker(),
            lag: &lag(progress.news()),
        })))
    })
    .await
}
