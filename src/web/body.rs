//! Bodies of requests: small, and there in time, before anything is asked of whoever answers.

use super::guard::Refusal;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::time::Duration;

/// Largest body, in bytes. Forms hold a few words.
pub(super) const LARGEST: usize = 16 * 1024;
/// For the whole body.
const TIME: Duration = Duration::from_secs(10);
/// What comes after a refusal is read and thrown away, for so long and so many bytes: a connection that is closed while
/// something comes takes the answer from who is still sending.
const PATIENCE: Duration = Duration::from_secs(2);
const PASSED_OVER: usize = 16 << 20;

/// The request with all of its body.
///
/// # Errors
/// 413 when it is too large, at once where it says so itself; 408 when it does not come in time; 400 when it breaks off.
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
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a form here has at most {LARGEST} bytes"))
}

/// Reads what a refused request still sends, beside the answer.
pub(super) fn pass_over(body: Body) {
    let mut body = Limited::new(body, PASSED_OVER);
    tokio::spawn(tokio::time::timeout(PATIENCE, async move {
        while let Some(Ok(_)) = body.frame().await {} // nothing of it is kept
    }));
}
