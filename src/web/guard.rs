//! Checks before every route: the host name of the request, no forms from other sites, headers that restrict the browser to
//! what the page needs, and refusals in words.

use super::connections::Seat;
use super::{Page, body, frame};
use crate::domain::endpoint::Endpoint;
use crate::error::{Class, Failure};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN,
    REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

/// The page loads its own three files, listens to its own events and sends its own forms; nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    status: StatusCode,
    said: String,
    help: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, said: impl Into<String>) -> Self {
        Self { status, said: said.into(), help: None }
    }
    /// Adds what to do instead.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
    /// An error of the server.
    pub(super) fn broken(said: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, said)
    }
    /// There is no such thing.
    pub(super) fn missing(said: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, said)
    }
    /// Too many attempts with a wrong token.
    pub(super) fn too_often() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens from this address: wait a minute")
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let status = match failure.class {
            Class::Refused | Class::Locked => StatusCode::CONFLICT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, said: failure.to_string(), help: failure.help }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self); // rendered later, for the format that the client accepts
        response
    }
}

/// Every address that is none of the page's.
pub(super) async fn nothing_here() -> Refusal {
    Refusal::missing("there is no such page")
}

/// Lets a request through or refuses it, and sets the headers of the answer.
pub(super) async fn guard(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    let for_people = accepts_html(request.headers());
    let mut response = match admitted(&page, request).await {
        Err(refusal) => refusal.into_response(),
        Ok(request) => next.run(request).await,
    };
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = worded(&refusal, for_people);
    }
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // `no-referrer` would take the origin away from the page's own forms
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// The complete request, if it may be answered.
async fn admitted(page: &Page, request: Request) -> Result<Request, Refusal> {
    let refused = strange_name(page, request.headers()).or_else(|| cross_site(page, &request));
    let seat = request.extensions().get::<Seat>().cloned();
    let request = match refused {
        None => body::whole(request).await?,
        Some(refusal) => {
            body::pass_over(request.into_body());
            return Err(refusal);
        }
    };
    seat.iter().for_each(Seat::asked);
    Ok(request)
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"))
}

fn worded(refusal: &Refusal, for_people: bool) -> Response {
    let Refusal { status, said, help } = refusal;
    let (kind, body) = if for_people {
        ("text/html; charset=utf-8", frame::refusal(*status, said, help.as_deref()))
    } else {
        ("application/json", json!({ "error": said, "help": help }).to_string())
    };
    let mut response = (*status, [(CONTENT_TYPE, kind)], Body::from(body)).into_response();
    if *status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

/// A foreign site can point its own name at this machine (DNS rebinding) and then read this page. It cannot do that with
/// the name `localhost`.
fn strange_name(page: &Page, headers: &HeaderMap) -> Option<Refusal> {
    let reach = page.parts.reach;
    if reach.behind_proxy || reach.by_tls {
        return None; // the proxy decides, or the certificate's name
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = Endpoint::parse(host).map_or_else(|| host.trim_matches(['[', ']']), |at| at.host);
    let own = Endpoint { host: name, port: "" }.is_loopback();
    (!own).then(|| {
        let said = format!("this page does not serve the host name `{name}`: open it as localhost, on its own machine");
        Refusal::new(StatusCode::MISDIRECTED_REQUEST, said)
    })
}

/// A form sent from another site. Browsers state the origin of a form; a program does not, and has no cookie that a
/// browser would add by itself.
fn cross_site(page: &Page, request: &Request) -> Option<Refusal> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let headers = request.headers();
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let own = match (text(SITE), text(ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_own(origin, text(HOST).unwrap_or_default(), page.parts.reach.behind_proxy),
        (None, None) => super::visitor::cookie(headers, page.parts.reach.by_tls).is_none(),
    };
    (!own).then(|| Refusal::new(StatusCode::FORBIDDEN, "this form was sent from another site"))
}

/// Whether `origin` is this page under the name `host`. This process need not know the name of a proxy.
fn is_own(origin: &str, host: &str, behind_proxy: bool) -> bool {
    let Some((scheme, name)) = origin.split_once("://") else { return false };
    (scheme == "https" || !behind_proxy) && name.eq_ignore_ascii_case(host)
}
