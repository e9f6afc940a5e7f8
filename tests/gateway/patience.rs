//! How long the gateway waits for a client; on a clock that jumps ahead whenever everyone waits.

use crate::support::gateway as kit;

use std::time::Duration;

use kit::{Replica, Rig, Wire, get, is_probe, nobody, reply, settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// A client that never ends is caught by this, not by the test's runner.
const FOREVER: Duration = Duration::from_secs(600);

/// The gateway before a replica that takes 200 s for `/slow`.
async fn rig() -> (tempfile::TempDir, Replica, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let replica = Replica::start(|mut wire| async move {
        while let Some(request) = wire.message(false).await {
            if !is_probe(&request) && request.head[0].contains("/slow") {
                sleep(Duration::from_secs(200)).await;
            }
            wire.send(reply("fine")).await;
        }
    })
    .await;
    let rig = Rig::start(settings(&dir, vec![replica.url()], vec![nobody()])).await;
    (dir, replica, rig)
}

/// Waits for the end of the connection; how many seconds that took.
async fn closed(wire: &mut Wire<TcpStream>, began: Instant) -> u64 {
    let end = timeout(FOREVER, wire.stream.read(&mut [0; 64])).await.expect("the connection was never closed");
    assert_eq!(end.unwrap_or_default(), 0, "closed without an answer");
    began.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_is_given_a_minute() {
    let (_dir, _replica, rig) = rig().await;
    let mut wire = rig.client().await;
    let began = Instant::now();
    let (mut read, mut write) = wire.stream.split();
    let drip = async {
        write.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
        loop {
            sleep(Duration::from_secs(5)).await;
            if write.write_all(b"y").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut byte = [0];
    let end = tokio::select! {
        end = timeout(FOREVER, read.read(&mut byte)) => end.expect("the connection was never closed"),
        () = drip => unreachable!(),
    };
    assert_eq!(end.unwrap_or_default(), 0, "closed without an answer");
    let after = began.elapsed().as_secs();
    assert!((59..75).contains(&after), "closed after {after} s");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_given_a_minute_after_every_answer() {
    let (_dir, _replica, rig) = rig().await;
    let mut silent = rig.client().await;
    let began = Instant::now();
    let after = closed(&mut silent, began).await;
    assert!((59..75).contains(&after), "the silent one was closed after {after} s");
    let mut wire = rig.client().await;
    for _ in 0..3 {
        assert_eq!(wire.ask(&get("/")).await.text(), "fine");
        sleep(Duration::from_secs(45)).await;
    }
    assert_eq!(wire.ask(&get("/")).await.text(), "fine");
    let after = closed(&mut wire, Instant::now()).await;
    assert!((59..75).contains(&after), "the idle one was closed after {after} s");
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_is_given_all_the_time_it_takes() {
    let (_dir, _replica, rig) = rig().await;
    let mut wire = rig.client().await;
    let began = Instant::now();
    wire.send(get("/slow")).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"fine") {
        let read = timeout(FOREVER, wire.stream.read_buf(&mut answer)).await.expect("the answer never came");
        assert!(read.unwrap() > 0, "closed under way, after {} s", began.elapsed().as_secs());
    }
    assert!(began.elapsed() >= Duration::from_secs(199));
    assert_eq!(wire.ask(&get("/")).await.text(), "fine");
}
