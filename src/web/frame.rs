//! The frame around every page.

use super::visitor::Visitor;
use axum::http::StatusCode;
use maud::{DOCTYPE, Markup, html};

/// A page. `events` is the address of its event stream.
pub(super) fn page(title: &str, visitor: &Visitor, events: Option<&str>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, events.is_some(), has_fields(body)))
            body data-events=[events] {
                a.skip href="#content" { "To the content" }
                header.top {
                    a.home href="/" { "cutover" }
                    nav aria-label="person" { (person(visitor)) }
                }
                p #connection role="status" {}
                main #content tabindex="-1" { (body) }
            }
        }
    }
}

/// A page that explains a refusal.
pub(super) fn refusal(status: StatusCode, said: &str, help: Option<&str>) -> String {
    let body = html! {
        h1 { (status.canonical_reason().unwrap_or("Refused")) }
        p.said { (said) }
        @if let Some(help) = help { p { (help) } }
        p {
            a href="/" { "All runs" }
            @if status == StatusCode::UNAUTHORIZED { " · " a href="/login" { "Log in" } }
        }
    };
    page(status.canonical_reason().unwrap_or("Refused"), &Visitor::default(), None, &body).into_string()
}

/// Whether a person may be typing on it.
fn has_fields(body: &Markup) -> bool {
    body.0.contains("<input")
}

/// Without a script a page is reloaded every few seconds, unless it has fields that a person may be typing in.
fn head(title: &str, live: bool, has_fields: bool) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · cutover" }
            link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
            link rel="stylesheet" href="/assets/page.css";
            @if live {
                script src="/assets/page.js" defer {}
                @if !has_fields { noscript { meta http-equiv="refresh" content="5"; } }
            }
        }
    }
}

fn person(visitor: &Visitor) -> Markup {
    html! {
        @if let Some(name) = visitor.name() {
            span.person { (name) }
            form method="post" action="/logout" {
                input type="hidden" name="form_key" value=(visitor.form_key());
                button.quiet { "Log out" }
            }
        } @else if visitor.people {
            span.person { "read-only" }
            a.button href="/login" { "Log in" }
        } @else {
            span.person { "read-only" }
        }
    }
}
