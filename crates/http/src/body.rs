//! Reading the body of a request: within its length and its time. What it holds meanwhile is within the budget of the
//! server, which reads on only when there is room (`connection`).

use crate::server::Peer;
use crate::settings::BODY_WAITS;
use axum::body::{Body, Bytes};
use axum::http::Request;
use futures_util::StreamExt as _;
use tokio::time::timeout;

/// Why a body was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It did not arrive in time, or the pool had no room for it in that time.
    TooSlow,
    /// It is too long, or its connection broke.
    Unreadable(String),
}

/// The whole body of a request, which has none afterwards, if it is within `bytes_max` and comes in time.
///
/// # Errors
/// [`BodyError`]
pub async fn read_body(request: &mut Request<Body>, bytes_max: usize) -> Result<Bytes, BodyError> {
    let peer = request.extensions().get::<Peer>();
    let waits = peer.map_or(BODY_WAITS, |peer| peer.settings.body_waits);
    let body = core::mem::take(request.body_mut());
    match timeout(waits, collect(body, bytes_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(why)) => Err(BodyError::Unreadable(why)),
        Err(_) => Err(BodyError::TooSlow),
    }
}

/// Copied together as it comes: a list of its pieces would hold many times the bytes of a body in pieces of one byte.
async fn collect(body: Body, bytes_max: usize) -> Result<Bytes, String> {
    let mut whole = Vec::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| error.to_string())?;
        if piece.len() > bytes_max.saturating_sub(whole.len()) {
            return Err("length limit exceeded".to_owned());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}
