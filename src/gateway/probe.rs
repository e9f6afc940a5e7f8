//! Checks whether the replicas are ready. The gateway asks each one itself, one request at a time.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST};
use hyper_util::rt::TokioIo;
use tokio::time::{sleep, timeout};

use super::replica::Replica;
use super::side::Place;

const INTERVAL: Duration = Duration::from_secs(1);
/// The longest interval. An unready replica is asked less and less often, down to this.
const MAX_INTERVAL: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// One slow answer may be a pause of the server. This many in a row count as not ready.
const SLOW_ANSWERS: u32 = 2;

/// The result of one check.
enum Finding {
    Ready,
    Slow,
    NotReady,
}

/// Watches one replica while the gateway runs.
pub(super) async fn watch(place: Arc<Place>, index: usize, path: String) {
    let replica = &place.replicas[index];
    let (mut failures, mut slow) = (0_u32, 0_u32);
    loop {
        match ask(replica, &path).await {
            Finding::Ready => {
                (failures, slow) = (0, 0);
                replica.set_ready(true);
            }
            Finding::Slow if slow + 1 < SLOW_ANSWERS => slow += 1,
            Finding::Slow | Finding::NotReady => {
                failures += 1;
                replica.set_ready(false);
            }
        }
        let pause = INTERVAL.saturating_mul(1 << failures.saturating_sub(1).min(3)).min(MAX_INTERVAL);
        let end = tokio::time::Instant::now() + pause.mul_f64(0.9 + 0.2 * fastrand::f64());
        loop {
            replica.sweep();
            let left = end.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                break;
            }
            tokio::select! {
                () = sleep(left.min(INTERVAL)) => {}
                () = replica.doubt.notified() => break,
            }
        }
    }
}

async fn ask(replica: &Replica, path: &str) -> Finding {
    match timeout(ANSWER_LIMIT, answer(replica, path)).await {
        Ok(Some(true)) => Finding::Ready,
        Ok(_) => Finding::NotReady,
        Err(_) => Finding::Slow,
    }
}

/// Whether the replica answered with 2xx; `None` without an answer.
async fn answer(replica: &Replica, path: &str) -> Option<bool> {
    let stream = replica.target.connect().await.ok()?;
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(format!("{}{path}", replica.target.base))
        .header(HOST, &replica.target.authority)
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(send.send_request(request));
    tokio::select! {
        biased;
        answer = answer.as_mut() => Some(answer.ok()?.status().is_success()),
        _ = connection.as_mut() => Some(answer.await.ok()?.status().is_success()),
    }
}
