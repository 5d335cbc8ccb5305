//! Request bodies: small and complete in time, before a handler sees the request.

use super::guard::Refusal;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::time::Duration;

/// Largest body, in bytes. Forms hold a few words.
pub(super) const LARGEST: usize = 16 * 1024;
/// Time limit for the whole body.
const TIME: Duration = Duration::from_secs(10);
/// Limits of time and bytes for reading on after a refusal. The data is discarded: a client that is still sending would not
/// get the answer from a closed connection.
const PATIENCE: Duration = Duration::from_secs(2);
const PASSED_OVER: usize = 16 << 20;

/// The request with all of its body.
///
/// # Errors
/// 413 when it is too large, at once if its length header says so; 408 when it is late; 400 when it is incomplete.
pub(super) async fn whole(request: Request) -> Result<Request, Refusal> {
    let (head, mut body) = request.into_parts();
    let stated = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > LARGEST as u64) {
        pass_over(body);
        return Err(too_large());
    }
    let read = tokio::time::timeout(TIME, Limited::new(&mut body, LARGEST).collect()).await;
    let refusal = match read {
        Ok(Ok(read)) => return Ok(Request::from_parts(head, Body::from(read.to_bytes()))),
        Ok(Err(error)) if error.is::<LengthLimitError>() => too_large(),
        Ok(Err(error)) => Refusal::new(StatusCode::BAD_REQUEST, format!("the request cannot be read: {error}")),
        Err(_) => Refusal::new(StatusCode::REQUEST_TIMEOUT, format!("the request took longer than {TIME:?}")),
    };
    pass_over(body);
    Err(refusal)
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is too large: at most {LARGEST} bytes are accepted"))
}

/// Reads the rest of a refused request while the answer is sent.
pub(super) fn pass_over(body: Body) {
    let mut body = Limited::new(body, PASSED_OVER);
    tokio::spawn(tokio::time::timeout(PATIENCE, async move {
        while let Some(Ok(_)) = body.frame().await {} // nothing of it is kept
    }));
}
