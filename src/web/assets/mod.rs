//! The files of the page, in the program itself.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

// asked for again each time, so that page and files are always of one program
fn answer(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text)
}

pub(super) async fn style() -> impl IntoResponse {
    answer("text/css; charset=utf-8", include_str!("page.css"))
}

pub(super) async fn script() -> impl IntoResponse {
    answer("text/javascript; charset=utf-8", include_str!("page.js"))
}

pub(super) async fn icon() -> impl IntoResponse {
    answer("image/svg+xml", include_str!("icon.svg"))
}
