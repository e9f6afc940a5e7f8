//! Connections of clients: accepts, serves and drains them.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::clients::Seat;
use super::link::MAX_BUFFER;
use super::proxy;
use super::shared::{Alive, Shared};

/// The most clients connected at once. Further ones wait in the listener's queue.
const MAX_CONNECTIONS: usize = 16_384;
/// How long accepting pauses when the process has no free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts clients until it is dropped.
pub(super) async fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (shared, alive) = (Arc::clone(shared), shared.alive());
                tokio::spawn(async move {
                    client(stream, shared, alive).await;
                    drop(place);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn client(stream: TcpStream, shared: Arc<Shared>, _alive: Option<Alive>) {
    // The client is already gone.
    let Ok(peer) = stream.peer_addr() else { return };
    let Ok(address) = HeaderValue::from_str(&peer.ip().to_canonical().to_string()) else { return };
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let seat = Seat::take(&shared, address);
    let client = Arc::clone(seat.client());
    let service = service_fn(move |request| proxy::handle(Arc::clone(&client), request));
    // Without hyper's timer, which costs an allocation and a timer entry per request. The time limit of heads is
    // checked for all clients together.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(MAX_BUFFER)
        .max_header_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let connection = std::pin::pin!(connection);
    seat.serve(connection, http1::UpgradeableConnection::graceful_shutdown).await;
}
