//! A connection after `101 Switching Protocols`: copies bytes both ways.

use std::sync::Arc;

use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;

use super::body::Content;
use super::headers;
use super::shared::Shared;
use super::side::Flight;

/// Answers 101 to the client and copies bytes until either end closes or the gateway ends.
pub(super) fn open(
    shared: &Arc<Shared>,
    flight: Flight,
    mut response: Response<Incoming>,
    client: OnUpgrade,
) -> Response<Content> {
    let replica = hyper::upgrade::on(&mut response);
    let protocol = response.headers().get(UPGRADE).cloned();
    let mut phase = shared.phase.clone();
    let alive = shared.alive();
    tokio::spawn(async move {
        let copy = async {
            if let (Ok(client), Ok(replica)) = (client.await, replica.await) {
                let (mut client, mut replica) = (TokioIo::new(client), TokioIo::new(replica));
                // Errors of a tunnel concern only its two ends.
                drop(tokio::io::copy_bidirectional(&mut client, &mut replica).await);
            }
        };
        tokio::select! {
            () = copy => {}
            () = phase.ended() => {}
        }
        drop((flight, alive));
    });
    let (mut parts, _) = response.into_parts();
    headers::strip(&mut parts.headers);
    let mut answer = Response::new(Content::Text(None::<Bytes>));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *answer.headers_mut() = parts.headers;
    if let Some(protocol) = protocol {
        answer.headers_mut().insert(UPGRADE, protocol);
    }
    answer.headers_mut().insert(CONNECTION, const { HeaderValue::from_static("upgrade") });
    answer
}
