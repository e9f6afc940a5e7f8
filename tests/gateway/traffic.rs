//! The gateway's traffic side: the split, streaming, heads, retries, drain.

use crate::support::gateway as kit;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cutover::testing::domain::{Side, Split};
use kit::{DEADLINE, Message, Replica, Rig, Wire, eventually, get, is_probe, nobody, reply, settings};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Blue, green and a gateway in front of them.
async fn pair() -> (tempfile::TempDir, Replica, Replica, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let (blue, green) = (Replica::named("blue").await, Replica::named("green").await);
    let rig = Rig::start(settings(&dir, vec![blue.url()], vec![green.url()])).await;
    (dir, blue, green, rig)
}

/// A side of one replica, all traffic to it.
async fn single(replica: &Replica) -> (tempfile::TempDir, Rig) {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(settings(&dir, vec![replica.url()], vec![nobody()])).await;
    (dir, rig)
}

#[tokio::test]
async fn the_split_is_exact_over_any_hundred_under_concurrent_keep_alive() {
    let (_dir, blue, green, rig) = pair().await;
    rig.order(37, None, "a").await;
    let picks = Arc::new(Mutex::new(Vec::new()));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (mut wire, picks) = (rig.client().await, Arc::clone(&picks));
        clients.spawn(async move {
            for _ in 0..50 {
                let side = wire.ask(&get("/")).await.text();
                picks.lock().unwrap().push(side);
            }
        });
    }
    clients.join_all().await;
    let green_picks = picks.lock().unwrap().iter().filter(|side| *side == "green").count();
    assert_eq!(green_picks, 8 * 37, "800 requests are eight times any hundred");
    // One after the other, every window is exact, wherever it begins.
    let mut wire = rig.client().await;
    let mut row = Vec::new();
    for _ in 0..250 {
        row.push(wire.ask(&get("/")).await.text() == "green");
    }
    for window in row.windows(100) {
        assert_eq!(window.iter().filter(|green| **green).count(), 37);
    }
    let (blue, green) = (blue.connections.load(Ordering::SeqCst), green.connections.load(Ordering::SeqCst));
    assert!(blue < 40 && green < 40, "connections are reused: {blue} and {green}");
    let status = rig.status().await;
    assert_eq!(status.traffic.sides.blue.by_class[2] + status.traffic.sides.green.by_class[2], 1050);
    assert_eq!(
        status.traffic.sides.green.latency_us.iter().map(|cell| cell.1).sum::<u64>(),
        status.traffic.sides.green.total()
    );
}

#[tokio::test]
async fn requests_finish_where_they_started() {
    let dir = tempfile::tempdir().unwrap();
    let go = Arc::new(Notify::new());
    let held = Arc::clone(&go);
    let blue = Replica::start(move |mut wire| {
        let held = Arc::clone(&held);
        async move {
            while let Some(request) = wire.message(false).await {
                if !is_probe(&request) {
                    held.notified().await;
                }
                wire.send(reply("blue")).await;
            }
        }
    })
    .await;
    let green = Replica::named("green").await;
    let rig = Rig::start(settings(&dir, vec![blue.url()], vec![green.url()])).await;
    let mut first = rig.client().await;
    first.send(get("/slow")).await;
    eventually("blue has it", async || rig.status().await.traffic.sides.blue.in_flight == 1).await;
    let revision = rig.status().await.revision;
    assert_eq!(rig.order(100, Some(revision), "switch").await.status(), 200);
    assert_eq!(rig.client().await.ask(&get("/")).await.text(), "green");
    let drain = rig.admin("GET", "/v1/drain", "").await.json();
    assert_eq!(drain, serde_json::json!({"blue": {"in_flight": 1}, "green": {"in_flight": 0}}));
    go.notify_one();
    assert_eq!(first.message(false).await.unwrap().text(), "blue");
    assert_eq!(
        first.ask(&get("/")).await.text(),
        "green",
        "the same connection's next request goes where the split says"
    );
}

#[tokio::test]
async fn a_chunk_arrives_before_the_next_is_sent() {
    let step = Arc::new(Notify::new());
    let steps = Arc::clone(&step);
    let replica = Replica::start(move |mut wire| {
        let steps = Arc::clone(&steps);
        async move {
            while let Some(request) = wire.message(false).await {
                if is_probe(&request) {
                    wire.send(reply("ready")).await;
                    continue;
                }
                wire.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
                    .await;
                for token in 0..5 {
                    steps.notified().await;
                    wire.send(format!("9\r\ndata: {token}\n\n\r\n")).await;
                }
                wire.send("0\r\n\r\n").await;
            }
        }
    })
    .await;
    let (_dir, rig) = single(&replica).await;
    let mut wire = rig.client().await;
    wire.send(get("/stream")).await;
    let head = wire.head().await.unwrap();
    assert!(head.contains(&"transfer-encoding: chunked".to_owned()), "{head:?}");
    for token in 0..5 {
        step.notify_one();
        assert_eq!(wire.chunk().await.unwrap(), format!("data: {token}\n\n").into_bytes());
    }
    assert!(wire.chunk().await.unwrap().is_empty());
    assert_eq!(wire.ask(&get("/ready")).await.text(), "ready", "the connection lives on");
}

#[tokio::test]
async fn a_large_upload_streams_through_with_bounded_memory() {
    const SIZE: usize = 64 * 1024 * 1024;
    let go = Arc::new(Notify::new());
    let held = Arc::clone(&go);
    let replica = Replica::start(move |mut wire| {
        let held = Arc::clone(&held);
        async move {
            while let Some(head) = wire.head().await {
                if head[0].contains("/ready") {
                    wire.send(reply("ready")).await;
                    continue;
                }
                held.notified().await;
                let mut left = SIZE;
                while left > 0 {
                    left -= std::mem::take(&mut wire.ahead).len();
                    if left > 0 && !wire.more().await {
                        return;
                    }
                }
                wire.send(reply("took all of it")).await;
            }
        }
    })
    .await;
    let (_dir, rig) = single(&replica).await;
    let mut wire = rig.client().await;
    wire.send(format!("POST /upload HTTP/1.1\r\nhost: models\r\ncontent-length: {SIZE}\r\n\r\n")).await;
    let block = vec![b'x'; 64 * 1024];
    // While the replica does not read, only sockets and the gateway's small buffers take anything.
    let mut sent = 0;
    while let Ok(written) = timeout(std::time::Duration::from_millis(300), wire.stream.write(&block)).await {
        sent += written.unwrap();
        assert!(sent < SIZE / 2, "the gateway took {sent} bytes that the replica did not read");
    }
    go.notify_one();
    while sent < SIZE {
        let take = block.len().min(SIZE - sent);
        sent += wire.stream.write(&block[..take]).await.unwrap();
    }
    assert_eq!(wire.message(false).await.unwrap().text(), "took all of it");
}

#[tokio::test]
async fn one_hop_fields_do_not_travel_and_forwarding_fields_do() {
    let seen = Arc::new(Mutex::new(Message::default()));
    let store = Arc::clone(&seen);
    let replica = Replica::answering(move |request| {
        *store.lock().unwrap() = request.clone();
        "HTTP/1.1 200 OK\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nproxy-authenticate: Basic\r\n\
         trailer: x-t\r\nx-kept: 2\r\ncontent-length: 2\r\n\r\nok"
            .to_owned()
    })
    .await;
    let (_dir, rig) = single(&replica).await;
    let mut wire = rig.client().await;
    let answer = wire
        .ask(
            "POST /v2/infer?x=1 HTTP/1.1\r\nHost: models.example\r\nConnection: x-secret\r\nX-Secret: 1\r\nTE: trailers\r\n\
             Proxy-Authorization: Basic eA==\r\nKeep-Alive: 5\r\nX-Forwarded-For: 203.0.113.9\r\nAuthorization: Bearer t\r\n\
             Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        )
        .await;
    assert_eq!((answer.status(), answer.text().as_str(), answer.header("x-kept")), (200, "ok", Some("2")));
    for name in ["connection", "x-hop", "keep-alive", "proxy-authenticate", "trailer"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    let seen = seen.lock().unwrap().clone();
    assert_eq!((seen.head[0].as_str(), seen.body.as_slice()), ("POST /v2/infer?x=1 HTTP/1.1", &b"abc"[..]));
    assert_eq!(seen.header("host"), Some("models.example"));
    assert_eq!(seen.header("x-forwarded-for"), Some("203.0.113.9, 127.0.0.1"));
    assert_eq!(
        (seen.header("x-forwarded-proto"), seen.header("x-forwarded-host")),
        (Some("http"), Some("models.example"))
    );
    assert_eq!(seen.header("authorization"), Some("Bearer t"));
    for name in ["connection", "x-secret", "te", "proxy-authorization", "keep-alive", "content-length"] {
        assert_eq!(seen.header(name), None, "{name}: {seen:?}");
    }
}

#[tokio::test]
async fn old_clients_heads_and_empty_answers_are_answered_right() {
    let replica = Replica::answering(|request| match request.head[0].split(' ').next() {
        Some("HEAD") => "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n".into(),
        Some("DELETE") => "HTTP/1.1 204 No Content\r\n\r\n".into(),
        _ => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".into(),
    })
    .await;
    let (_dir, rig) = single(&replica).await;
    let mut old = rig.client().await;
    let answer = old.ask("GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.head[0].starts_with("HTTP/1.0 200"), "{answer:?}");
    assert_eq!((answer.text().as_str(), answer.header("transfer-encoding")), ("abc", None));
    let mut wire = rig.client().await;
    let answer = wire.ask("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!((answer.status(), answer.header("content-length")), (200, Some("7")));
    assert_eq!(wire.ask("DELETE / HTTP/1.1\r\nhost: a\r\n\r\n").await.status(), 204);
    assert_eq!(wire.ask(&get("/")).await.text(), "abc", "all on one connection");
    assert_eq!(wire.ask("GET / HTTP/1.1\r\n\r\n").await.status(), 400, "no Host");
    assert_eq!(rig.client().await.ask("CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n").await.status(), 501);
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    assert_eq!(rig.client().await.ask(&long).await.status(), 431);
}

#[tokio::test]
async fn expect_100_continue_is_answered_before_the_body_is_sent() {
    let replica = Replica::answering(|request| reply(&request.text())).await;
    let (_dir, rig) = single(&replica).await;
    let mut wire = rig.client().await;
    wire.send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n").await;
    assert_eq!(wire.head().await.unwrap()[0], "HTTP/1.1 100 Continue");
    wire.send("body").await;
    assert_eq!(wire.message(false).await.unwrap().text(), "body");
}

#[tokio::test]
async fn an_upgrade_becomes_a_tunnel_and_a_refused_one_an_answer() {
    let replica = Replica::start(|mut wire| async move {
        while let Some(request) = wire.message(false).await {
            if request.header("upgrade") != Some("echo") {
                wire.send(reply("no upgrade")).await;
                continue;
            }
            assert_eq!(request.header("connection"), Some("upgrade"));
            wire.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello ").await;
            while wire.more().await {
                let back = std::mem::take(&mut wire.ahead);
                wire.send(back).await;
            }
        }
    })
    .await;
    let (_dir, rig) = single(&replica).await;
    let mut wire = rig.client().await;
    let answer =
        wire.ask("GET /ws HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: echo\r\n\r\n").await;
    assert_eq!((answer.status(), answer.header("upgrade")), (101, Some("echo")));
    wire.send("there").await;
    assert_eq!(wire.exactly(11).await.unwrap(), b"hello there");
    assert_eq!(rig.status().await.traffic.sides.blue.in_flight, 1);
    drop(wire);
    eventually("the tunnel is over", async || rig.status().await.traffic.sides.blue.in_flight == 0).await;
    let mut wire = rig.client().await;
    let answer = wire.ask("GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n").await;
    assert_eq!(answer.text(), "no upgrade");
    assert_eq!(wire.ask(&get("/")).await.text(), "no upgrade");
}

#[tokio::test]
async fn a_refused_connection_is_tried_on_another_replica_of_the_same_side() {
    let dir = tempfile::tempdir().unwrap();
    let (blue, green) = (Replica::named("blue").await, Replica::named("green").await);
    let dead = nobody();
    let rig = Rig::start(settings(&dir, vec![dead.clone(), blue.url(), dead.clone()], vec![green.url()])).await;
    // From the first request on: nobody knows yet which replica is ready.
    for _ in 0..20 {
        assert_eq!(rig.client().await.ask(&get("/")).await.text(), "blue");
    }
    rig.ready(1, 1).await;
    let metrics = rig.admin("GET", "/metrics", "").await.text();
    assert!(!metrics.contains("retries_total{side=\"blue\"} 0"), "{metrics}");
    rig.end().await;
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(settings(&dir, vec![dead.clone(), dead], vec![green.url()])).await;
    let answer = rig.client().await.ask(&get("/")).await;
    assert_eq!((answer.status(), answer.text().contains("blue")), (503, true), "never on the other side");
    let status = rig.status().await;
    assert_eq!((status.traffic.sides.blue.by_class, status.traffic.sides.green.total()), ([1, 0, 0, 0, 0, 0], 0));
}

#[tokio::test]
async fn a_request_that_was_sent_is_never_sent_again() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let serve = move |mut wire: Wire<tokio::net::TcpStream>| {
        let count = Arc::clone(&count);
        async move {
            while let Some(request) = wire.message(false).await {
                if request.head[0].starts_with("POST /charge") {
                    count.fetch_add(1, Ordering::SeqCst);
                    wire.stream.set_zero_linger().unwrap();
                    return;
                }
                wire.send(reply("fine")).await;
            }
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (Replica::start(serve.clone()).await, Replica::start(serve).await);
    let rig = Rig::start(settings(&dir, vec![one.url(), two.url()], vec![nobody()])).await;
    let post = "POST /charge HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}";
    for (round, path) in ["/warm", "/warm", "/warm", "/warm"].into_iter().enumerate() {
        assert_eq!(rig.client().await.ask(&get(path)).await.status(), 200, "a pooled connection is there");
        let answer = rig.client().await.ask(post).await;
        assert_eq!((answer.status(), seen.load(Ordering::SeqCst)), (502, round + 1));
    }
    assert_eq!(rig.status().await.traffic.sides.blue.by_class[0], 4);
}

#[tokio::test]
async fn a_connection_that_closed_while_idle_costs_no_request() {
    // Closes after every answer without saying so in it.
    let closed = Arc::new(Notify::new());
    let tell = Arc::clone(&closed);
    let replica = Replica::start(move |mut wire| {
        let tell = Arc::clone(&tell);
        async move {
            if let Some(request) = wire.message(false).await {
                wire.send(reply("once")).await;
                drop(wire);
                if !is_probe(&request) {
                    tell.notify_one();
                }
            }
        }
    })
    .await;
    let (_dir, rig) = single(&replica).await;
    let mut wire = rig.client().await;
    for _ in 0..20 {
        assert_eq!(wire.ask(&get("/")).await.text(), "once");
        // From here on its end is at the gateway's socket, before the next request is.
        timeout(DEADLINE, closed.notified()).await.expect("the replica closes");
    }
    let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}";
    assert_eq!(wire.ask(post).await.text(), "once");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_or_breaks_off_is_told() {
    let replica = Replica::answering(|request| match request.head[0].as_str() {
        "GET /garbage HTTP/1.1" => "<html>hello</html>\r\n\r\n".into(),
        _ => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".into(),
    })
    .await;
    let (_dir, rig) = single(&replica).await;
    assert_eq!(rig.client().await.ask(&get("/garbage")).await.status(), 502);
    let closing = Replica::start(|mut wire| async move {
        if wire.message(false).await.is_some() {
            wire.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
        }
    })
    .await;
    let (_dir, rig) = single(&closing).await;
    let mut wire = rig.client().await;
    wire.send(get("/")).await;
    assert!(wire.message(false).await.is_none(), "a short body ends the connection; it is never made to look whole");
    let metrics = rig.admin("GET", "/metrics", "").await.text();
    assert!(metrics.contains("cut_off_total{side=\"blue\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_request_at_the_replica() {
    let gone = Arc::new(Notify::new());
    let tell = Arc::clone(&gone);
    let replica = Replica::start(move |mut wire| {
        let tell = Arc::clone(&tell);
        async move {
            while let Some(request) = wire.message(false).await {
                if is_probe(&request) {
                    wire.send(reply("ready")).await;
                } else {
                    assert!(!wire.more().await);
                    tell.notify_one();
                }
            }
        }
    })
    .await;
    let (_dir, rig) = single(&replica).await;
    let mut wire = rig.client().await;
    wire.send(get("/long")).await;
    eventually("it is under way", async || rig.status().await.traffic.sides.blue.in_flight == 1).await;
    drop(wire);
    timeout(DEADLINE, gone.notified()).await.expect("the replica is told");
    eventually("it is over", async || rig.status().await.traffic.sides.blue.in_flight == 0).await;
    assert_eq!(rig.status().await.traffic.sides.blue.total(), 0, "neither an answer nor a failure of the side");
}

#[tokio::test]
async fn replicas_are_taken_by_turns_and_unready_ones_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (Replica::named("a").await, Replica::named("b").await);
    let unready = Replica::start(|mut wire| async move {
        while wire.message(false).await.is_some() {
            wire.send("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await;
        }
    })
    .await;
    let rig = Rig::start(settings(&dir, vec![a.url(), unready.url(), b.url()], vec![unready.url()])).await;
    rig.ready(2, 0).await;
    let mut wire = rig.client().await;
    let mut counts = [0; 2];
    for _ in 0..40 {
        match wire.ask(&get("/")).await.text().as_str() {
            "a" => counts[0] += 1,
            "b" => counts[1] += 1,
            other => panic!("{other:?} from an unready replica"),
        }
    }
    assert!(counts[0] >= 10 && counts[1] >= 10, "{counts:?}");
    rig.order(100, None, "x").await;
    assert_eq!(
        wire.ask(&get("/")).await.status(),
        503,
        "with none ready all are tried; the answer is the replica's own"
    );
    assert_eq!(rig.status().await.traffic.sides.green.by_class, [0, 0, 0, 0, 0, 1]);
}

#[tokio::test]
async fn a_shutdown_finishes_what_is_under_way() {
    let go = Arc::new(Notify::new());
    let held = Arc::clone(&go);
    let replica = Replica::start(move |mut wire| {
        let held = Arc::clone(&held);
        async move {
            while let Some(request) = wire.message(false).await {
                if !is_probe(&request) {
                    held.notified().await;
                }
                wire.send(reply("done")).await;
            }
        }
    })
    .await;
    let (_dir, mut rig) = single(&replica).await;
    let (mut busy, mut idle) = (rig.client().await, rig.client().await);
    busy.send(get("/slow")).await;
    eventually("it is under way", async || rig.status().await.traffic.sides.blue.in_flight == 1).await;
    let addr = rig.addr;
    rig.stop();
    eventually("no one is let in", async || tokio::net::TcpStream::connect(addr).await.is_err()).await;
    assert!(!idle.more().await, "idle connections are closed");
    assert_eq!(rig.order(0, None, "back").await.status(), 200, "a rollback is taken to the last");
    go.notify_one();
    assert_eq!(busy.message(false).await.unwrap().text(), "done");
    timeout(DEADLINE, rig.end()).await.expect("it ends when the last request has");
}

#[tokio::test]
async fn nothing_of_the_admin_interface_is_on_the_traffic_port() {
    let (_dir, _blue, _green, rig) = pair().await;
    for path in ["/metrics", "/v1/status", "/v1/drain"] {
        assert_eq!(rig.client().await.ask(&get(path)).await.text(), "blue", "{path} is proxied like any other");
    }
    let put = r#"{"split":{"blue":0,"green":100},"expected":null,"order":"x"}"#;
    let put = format!("PUT /v1/split HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{put}", put.len());
    assert_eq!(rig.client().await.ask(&put).await.text(), "blue");
    assert_eq!(rig.status().await.split, Split::all(Side::Blue));
}
