//! Log in and log out: a token for a session, which lasts a working day.

use super::guard::Refusal;
use super::visitor::{Visitor, cookie, cookie_name};
use super::{Page, Peer, frame};
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub(super) struct After {
    #[serde(default)]
    next: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Leaving {
    #[serde(default)]
    form_key: String,
}

pub(super) async fn form(visitor: Visitor, Query(after): Query<After>) -> Result<Markup, Refusal> {
    if !visitor.people {
        return Err(Refusal::missing(
            "login is not available: this page was started without --people and is read-only",
        ));
    }
    Ok(frame::page("Log in", &visitor, None, &fields(&after.next, false)))
}

fn fields(next: &str, failed: bool) -> Markup {
    html! {
        h1 { "Log in" }
        @if failed { p.said role="alert" { "Unknown or revoked token." } }
        form.login method="post" action="/login" {
            // a password manager needs a user name
            input.hidden type="text" name="username" autocomplete="username" value="cutover" readonly tabindex="-1" aria-hidden="true";
            label for="token" { "Your token" }
            input #token type="password" name="token" autocomplete="current-password" required autofocus;
            input type="hidden" name="next" value=(next);
            button { "Log in" }
        }
        p.quiet { "A token is created with " code { "cutover token NAME" } "; reading needs none." }
    }
}

pub(super) async fn log_in(
    State(page): State<Arc<Page>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    Form(said): Form<Said>,
) -> Result<Response, Refusal> {
    let Some(keys) = &page.parts.keys else {
        return Err(Refusal::missing("login is not available: this page was started without --people"));
    };
    let caller = peer.caller(&headers, page.parts.reach.behind_proxy);
    if page.sessions.is_barred(caller) {
        return Err(Refusal::too_often());
    }
    let (known, changed) = keys.now();
    if changed {
        page.sessions.end_all();
    }
    let Some((name, _)) = known.people.by_token(said.token.trim()) else {
        page.sessions.failed(caller);
        let visitor = Visitor::nobody();
        let body = frame::page("Log in", &visitor, None, &fields(&said.next, true));
        return Ok((StatusCode::UNAUTHORIZED, body).into_response());
    };
    let id = page.sessions.begin(name)?;
    let set = set_cookie(&id, page.parts.reach.by_tls, "");
    Ok((StatusCode::SEE_OTHER, [(SET_COOKIE, set), (LOCATION, own_address(&said.next))]).into_response())
}

pub(super) async fn log_out(
    State(page): State<Arc<Page>>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(leaving): Form<Leaving>,
) -> Result<Response, Refusal> {
    visitor.own_form(&leaving.form_key)?;
    if let Some(id) = cookie(&headers, page.parts.reach.by_tls) {
        page.sessions.end(id);
    }
    let gone = set_cookie("", page.parts.reach.by_tls, "; Max-Age=0");
    Ok((StatusCode::SEE_OTHER, [(SET_COOKIE, gone), (LOCATION, "/".to_owned())]).into_response())
}

fn set_cookie(id: &str, by_tls: bool, more: &str) -> String {
    let secure = if by_tls { "; Secure" } else { "" };
    format!("{}={id}; Path=/; HttpOnly; SameSite=Strict{secure}{more}", cookie_name(by_tls))
}

/// `next`, when it is an address of this page.
fn own_address(next: &str) -> String {
    let own = next.starts_with('/') && !next[1..].starts_with(['/', '\\']) && !next.contains(char::is_control);
    if own { next.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_is_led_elsewhere_after_logging_in() {
        for (next, goes) in [
            ("/runs/r#row-1", "/runs/r#row-1"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: b", "/"),
        ] {
            assert_eq!(super::own_address(next), goes);
        }
    }
}
