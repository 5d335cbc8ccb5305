//! The visitor: a person with a session cookie or a bearer token, or an anonymous reader.

use super::connections::{Caller, Seat};
use super::guard::Refusal;
use super::{Page, Peer};
use crate::people::{PeopleFile, Right};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;

/// The visitor who made a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Visitor {
    /// Whether there are people at all who may do more than read.
    pub people: bool,
    person: Option<Known>,
    address: Option<IpAddr>,
}

#[derive(Debug, Clone)]
struct Known {
    name: String,
    start: bool,
    approve: bool,
    /// Missing for a bearer token: no browser sends that by itself.
    form_key: Option<String>,
    /// The file of people that lists this person.
    file: Arc<PeopleFile>,
}

impl Visitor {
    /// Somebody who has not logged in, where people can.
    pub(super) fn nobody() -> Self {
        Self { people: true, ..Self::default() }
    }
    /// The person's name.
    pub(super) fn name(&self) -> Option<&str> {
        self.person.as_ref().map(|person| person.name.as_str())
    }
    /// The file of people that the person is known by.
    pub(super) fn file(&self) -> Option<&PeopleFile> {
        self.person.as_ref().map(|person| &*person.file)
    }
    /// Whose connections and streams are counted together: those of a session, a token, or an address.
    pub(super) fn caller(&self) -> Caller {
        match &self.person {
            Some(person) => Caller::Person(person.form_key.clone().unwrap_or_else(|| person.name.clone())),
            None => Caller::Address(self.address),
        }
    }
    /// Whether it is a person who may do this.
    pub(super) fn may(&self, right: Right) -> bool {
        self.person.as_ref().is_some_and(|person| match right {
            Right::Start => person.start,
            Right::Approve => person.approve,
        })
    }
    /// What the forms of this visitor carry.
    pub(super) fn form_key(&self) -> &str {
        self.person.as_ref().and_then(|person| person.form_key.as_deref()).unwrap_or_default()
    }
    /// Whether it comes without a browser.
    pub(super) fn is_program(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.form_key.is_none())
    }
    /// The person's name, if that person may do this and the form is one that this page gave out.
    ///
    /// # Errors
    /// 401 for an anonymous visitor, 403 for a form of another session or a missing right.
    pub(super) fn allowed(&self, right: Right, form_key: &str) -> Result<&str, Refusal> {
        let Some(person) = &self.person else {
            let how =
                if self.people { "log in first" } else { "this page is read-only: it was started without --people" };
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, how));
        };
        self.own_form(form_key)?;
        if self.may(right) {
            Ok(&person.name)
        } else {
            let word = if right == Right::Start { "start" } else { "approve" };
            Err(Refusal::new(
                StatusCode::FORBIDDEN,
                format!("{} may not {word}: see `may` in the file of people", person.name),
            ))
        }
    }
    /// Sees that the form is one that this page gave to this visitor.
    ///
    /// # Errors
    /// 403, when it is not.
    pub(super) fn own_form(&self, form_key: &str) -> Result<(), Refusal> {
        let known = self.person.as_ref().and_then(|person| person.form_key.as_deref());
        // hashes are compared in constant time
        if known.is_none_or(|known| blake3::hash(known.as_bytes()) == blake3::hash(form_key.as_bytes())) {
            return Ok(());
        }
        Err(Refusal::new(StatusCode::FORBIDDEN, "this form is not from this session: load the page again"))
    }
}

impl FromRequestParts<Arc<Page>> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, page: &Arc<Page>) -> Result<Self, Refusal> {
        let address = caller(parts, page);
        let visitor = see(parts, page, address);
        if let Some(seat) = parts.extensions.get::<Seat>() {
            let known = visitor.as_ref().ok().filter(|visitor| visitor.person.is_some());
            seat.is_of(known.map(Self::caller)); // again for every request, because a session ends
        }
        visitor
    }
}

fn see(parts: &Parts, page: &Arc<Page>, address: Option<IpAddr>) -> Result<Visitor, Refusal> {
    let Some(keys) = &page.parts.keys else { return Ok(Visitor { address, ..Visitor::default() }) };
    let (known, changed) = keys.now();
    if changed {
        page.sessions.end_all();
    }
    let people = known.people;
    let known = |name: &str, form_key: Option<String>| {
        let person = people.person(name)?;
        let file = known.file.clone();
        let (start, approve) = (person.may(Right::Start), person.may(Right::Approve));
        Some(Known { name: name.to_owned(), start, approve, form_key, file })
    };
    let Some(token) = bearer(&parts.headers) else {
        let session = cookie(&parts.headers, page.parts.reach.by_tls).and_then(|id| page.sessions.find(id));
        let person = session.and_then(|session| known(&session.person, Some(session.form_key)));
        return Ok(Visitor { people: true, person, address });
    };
    if address.is_some_and(|address| page.sessions.is_barred(address)) {
        return Err(Refusal::too_often());
    }
    let person = people.by_token(token).and_then(|(name, _)| known(name, None));
    if person.is_none() {
        if let Some(address) = address {
            page.sessions.failed(address);
        }
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "unknown or revoked token"));
    }
    Ok(Visitor { people: true, person, address })
}

fn caller(parts: &Parts, page: &Page) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<Peer>>()?;
    Some(peer.caller(&parts.headers, page.parts.reach.behind_proxy))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Name of the cookie: with TLS one that no page on another port or path can set.
pub(super) fn cookie_name(by_tls: bool) -> &'static str {
    if by_tls { "__Host-cutover" } else { "cutover" }
}

/// The session id from the browser's cookie. With TLS a cookie without the prefix is not accepted: a page on another port,
/// or one without TLS, could have set it.
pub(super) fn cookie(headers: &HeaderMap, by_tls: bool) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == cookie_name(by_tls)).map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::cookie;
    use axum::http::HeaderMap;
    use axum::http::header::COOKIE;

    #[test]
    fn by_tls_no_cookie_is_taken_without_its_prefix() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "cutover=planted; a=b".parse().unwrap());
        assert_eq!((cookie(&headers, true), cookie(&headers, false)), (None, Some("planted")));
        headers.append(COOKIE, "__Host-cutover=own".parse().unwrap());
        assert_eq!(cookie(&headers, true), Some("own"));
    }
}
