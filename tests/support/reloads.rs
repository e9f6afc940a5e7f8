//! Load on a router that reloads its listeners: connections that are kept, and what they meet while it is switched.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use cutover::testing::backend::{Applying, TrafficBackend};
use cutover::testing::domain::Move;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

use super::driving::{apply, look, order, verified};

/// What clients met in some switches to and fro.
pub struct Met {
    pub asked: u32,
    /// Kept connections that were closed before they were answered.
    pub closed: u32,
    /// Requests on connections of their own that went to the old side after VERIFIED.
    pub stale: u32,
}

/// One request of a connection that stays open; `None` when the connection was closed.
pub async fn ask(stream: &mut UnixStream) -> Option<String> {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.ok()?;
    let mut answer = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => answer.extend_from_slice(&chunk[..read]),
        }
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if length.and_then(|length| length.parse().ok()) == Some(body.len()) {
                return Some(if head.starts_with("HTTP/1.1 200") { body.to_owned() } else { head.to_owned() });
            }
        }
    }
}

/// Switches `backend` to green and back under four kept connections to `listen`; `who` says who answers a new one.
pub async fn switches_under_load(
    backend: &Arc<dyn TrafficBackend>,
    listen: &Path,
    who: impl AsyncFn() -> String,
) -> Met {
    assert_eq!(backend.capabilities().applying, Applying::ReloadsListeners);
    let over = Arc::new(AtomicBool::new(false));
    let (asked, closed) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (over, asked, closed) = (Arc::clone(&over), Arc::clone(&asked), Arc::clone(&closed));
            let listen = listen.to_owned();
            tokio::spawn(async move {
                let mut stream = UnixStream::connect(&listen).await.unwrap();
                while !over.load(Ordering::Relaxed) && asked.fetch_add(1, Ordering::Relaxed) < 200_000 {
                    match ask(&mut stream).await.as_deref() {
                        Some("blue" | "green") => sleep(Duration::from_millis(2)).await,
                        Some(other) => panic!("{other}"),
                        None => {
                            closed.fetch_add(1, Ordering::Relaxed);
                            stream = UnixStream::connect(&listen).await.unwrap();
                        }
                    }
                }
            })
        })
        .collect();
    let (mut stale, mut took) = (0, Vec::new());
    for round in 0..8_u8 {
        let (kind, percent, side) =
            if round % 2 == 0 { (Move::Switch, 100, "green") } else { (Move::Rollback, 0, "blue") };
        let expected = if kind.is_forward() { Some(look(backend).await.revision) } else { None };
        let started = Instant::now();
        apply(backend, &order(&format!("o{round}"), kind, percent, expected)).await.unwrap();
        verified(backend, percent).await;
        took.push(started.elapsed().as_millis());
        for _ in 0..20 {
            stale += u32::from(who().await != side);
        }
    }
    over.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    let (asked, closed) = (asked.load(Ordering::Relaxed), closed.load(Ordering::Relaxed));
    println!("order to VERIFIED {took:?} ms; {closed} connections closed under {asked} keep-alive requests");
    Met { asked, closed, stale }
}
