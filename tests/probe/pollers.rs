//! Pollers against real servers, good and bad.

use crate::support::server;

use std::time::Duration;

use cutover::testing::domain::{self, Pair, ProbeSpec, Side, SideSpec, Version, VersionSource};
use cutover::testing::http::{Ask, Client, FetchError, Target, fetch};
use cutover::testing::probe::{ProbeEvent, ProbeOutcome, ReplicaPollers, start};
use server::{Answer, Server, dead_url};
use tokio::sync::mpsc;
use tokio::time::timeout;

fn spec() -> ProbeSpec {
    ProbeSpec { interval_ms: 20, timeout_ms: 500, path: "/ready".into(), ..ProbeSpec::default() }
}

fn watch(green: Vec<String>, version: VersionSource, spec: &ProbeSpec) -> (ReplicaPollers, mpsc::Receiver<ProbeEvent>) {
    let (sink, events) = mpsc::channel(1000);
    let sides = Pair { blue: SideSpec::default(), green: SideSpec { urls: green, version } };
    (start(&sides, spec, &sink).unwrap(), events)
}

/// The first event that `wanted` makes something of, within ten seconds.
async fn first<T>(events: &mut mpsc::Receiver<ProbeEvent>, mut wanted: impl FnMut(ProbeEvent) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = wanted(events.recv().await.unwrap()) {
                return found;
            }
        }
    };
    timeout(Duration::from_secs(10), found).await.expect("the event comes")
}

async fn first_outcome(url: String, spec: &ProbeSpec) -> ProbeOutcome {
    let (_pollers, mut events) = watch(vec![url], VersionSource::Unknown, spec);
    first(&mut events, |event| match event {
        ProbeEvent::Probe { outcome, .. } => Some(outcome),
        ProbeEvent::Version { .. } | ProbeEvent::Metrics { .. } | ProbeEvent::Front { .. } => None,
    })
    .await
}

async fn failure(url: String, spec: &ProbeSpec) -> String {
    match first_outcome(url, spec).await {
        ProbeOutcome::Failed { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_replica_is_watched_one_request_at_a_time() {
    let good = Server::start(|_| Answer::After(Duration::from_millis(5), 200, b"ok".to_vec())).await;
    let loading = Server::start(|_| Answer::status(503)).await;
    let urls = vec![format!("{}/", good.url), loading.url.clone(), dead_url()];
    let (pollers, mut events) = watch(urls, VersionSource::Unknown, &spec());
    let mut seen: [Option<ProbeOutcome>; 3] = [const { None }; 3];
    first(&mut events, |event| {
        let ProbeEvent::Probe { side: Side::Green, replica, outcome } = event else { panic!("{event:?}") };
        seen[replica as usize] = Some(outcome);
        (seen.iter().all(Option::is_some) && good.served() > 10).then_some(())
    })
    .await;
    assert!(matches!(seen[0], Some(ProbeOutcome::Ready { latency_us: 5000.. })), "{seen:?}");
    assert!(
        matches!(&seen[1], Some(ProbeOutcome::NotReady { status: 503, note, .. }) if note == "status 503"),
        "{seen:?}"
    );
    let Some(ProbeOutcome::Failed { reason }) = &seen[2] else { panic!("{seen:?}") };
    assert!(reason.starts_with("cannot connect: connection refused"), "{reason}");
    assert_eq!(good.most_at_once(), 1, "requests never pile up");
    drop(pollers);
    timeout(Duration::from_secs(5), async { while events.recv().await.is_some() {} })
        .await
        .expect("dropping them ends them all");
}

#[tokio::test]
async fn a_server_that_drips_or_hangs_is_a_timeout() {
    let drip = Server::start(|_| Answer::Drip(Duration::from_millis(20))).await;
    let spec = ProbeSpec { timeout_ms: 150, ..spec() };
    assert_eq!(failure(drip.url.clone(), &spec).await, "no answer within 150 ms");
    let hang = Server::start(|_| Answer::Hang).await;
    assert_eq!(failure(hang.url.clone(), &spec).await, "no answer within 150 ms");
}

#[tokio::test]
async fn ten_megabytes_of_garbage_are_not_read() {
    let flood = Server::start(|_| Answer::Flood(10 * 1024 * 1024)).await;
    let spec = ProbeSpec { timeout_ms: 10_000, ..spec() };
    assert_eq!(failure(flood.url.clone(), &spec).await, "answer longer than 64 KiB");
}

#[tokio::test]
async fn redirects_are_told_and_not_followed() {
    let round = Server::start(|_| Answer::Reply(302, vec![("location", "/ready?\u{202e}x".into())], Vec::new())).await;
    let outcome = first_outcome(round.url.clone(), &spec()).await;
    let expected = "redirects to /ready?<U+202E>x";
    assert!(matches!(&outcome, ProbeOutcome::NotReady { status: 302, note, .. } if note == expected), "{outcome:?}");
    // An escape sequence in a header is no header: the answer counts as broken, and nothing of it is passed on.
    let escape = Server::start(|_| Answer::Reply(302, vec![("location", "/\u{1b}[2J".into())], Vec::new())).await;
    assert_eq!(failure(escape.url.clone(), &spec()).await, "answer cut off: invalid HTTP header parsed");
    let round = Server::start(|_| Answer::Reply(307, vec![("location", "/login".into())], Vec::new())).await;
    let outcome = first_outcome(round.url.clone(), &spec()).await;
    assert!(matches!(&outcome, ProbeOutcome::NotReady { note, .. } if note == "redirects to /login"), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_no_failure() {
    // Answers and closes: the next request on that connection would break.
    let server = Server::start(|request| match request.number % 2 {
        1 => Answer::json("{}"),
        _ => Answer::Drop,
    })
    .await;
    let (_pollers, mut events) = watch(vec![server.url.clone()], VersionSource::Unknown, &spec());
    let mut ready = 0;
    first(&mut events, |event| match event {
        ProbeEvent::Probe { outcome: ProbeOutcome::Ready { .. }, .. } => {
            ready += 1;
            (ready == 10).then_some(())
        }
        other => panic!("{other:?}"),
    })
    .await;
    let broken = Server::start(|_| Answer::Drop).await;
    let reason = failure(broken.url.clone(), &spec()).await;
    assert!(reason.starts_with("answer cut off: "), "{reason}");
}

#[tokio::test]
async fn a_full_queue_drops_and_counts_and_stops_nothing() {
    let server = Server::start(|_| Answer::status(200)).await;
    let (sink, mut events) = mpsc::channel(2);
    let green = SideSpec { urls: vec![server.url.clone()], version: VersionSource::Fixed("v9".into()) };
    let pollers = start(&Pair { blue: SideSpec::default(), green }, &spec(), &sink).unwrap();
    let full = async {
        while server.served() < 6 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(10), full).await.expect("it goes on asking");
    assert!(pollers.dropped() >= 3, "{}", pollers.dropped());
    let mut next = async || timeout(Duration::from_secs(10), events.recv()).await.expect("an event in time");
    assert!(matches!(next().await, Some(ProbeEvent::Probe { .. })));
    let version = Ok(Version::from_text("v9"));
    assert_eq!(next().await, Some(ProbeEvent::Version { side: Side::Green, replica: 0, version }));
}

#[tokio::test]
async fn versions_are_read_per_replica() {
    let serving = |version: &'static str| {
        Server::start(move |request| match request.path.as_str() {
            "/base/meta" => Answer::json(&format!(r#"{{"versions":["{version}"]}}"#)),
            _ => Answer::json("{}"),
        })
    };
    let (one, two) = (serving("v1").await, serving("v2\\u001b]0;x\\u0007").await);
    let source = VersionSource::Pointer { path: "/meta".into(), pointer: "/versions/0".into() };
    let urls = vec![format!("{}/base", one.url), format!("{}/base/", two.url)];
    let (_pollers, mut events) = watch(urls, source, &spec());
    let mut seen = [None, None];
    first(&mut events, |event| {
        if let ProbeEvent::Version { replica, version, .. } = event {
            seen[replica as usize] = Some(version.unwrap());
        }
        seen.iter().all(Option::is_some).then_some(())
    })
    .await;
    assert_eq!(seen[0], Some(Version::from_text("v1")));
    assert_eq!(seen[1].as_ref().unwrap().name, "v2");
}

#[tokio::test]
async fn a_version_that_is_not_there_is_told() {
    let html = Server::start(|_| Answer::Reply(200, vec![("x-version", " ".into())], b"<html>".to_vec())).await;
    for (source, said) in [
        (VersionSource::Pointer { path: "/m".into(), pointer: "/v".into() }, "the answer is not JSON"),
        (VersionSource::Header { path: "/m".into(), header: "x-other".into() }, "no header x-other"),
        (VersionSource::Header { path: "/m".into(), header: "x-version".into() }, "the version is empty"),
    ] {
        let (_pollers, mut events) = watch(vec![html.url.clone()], source, &spec());
        let version = first(&mut events, |event| match event {
            ProbeEvent::Version { version, .. } => Some(version),
            ProbeEvent::Probe { .. } | ProbeEvent::Metrics { .. } | ProbeEvent::Front { .. } => None,
        })
        .await;
        assert_eq!(version, Err(said.to_owned()));
    }
}

#[tokio::test]
async fn https_that_is_none_and_urls_that_are_none_say_so_without_their_secrets() {
    let plain = Server::start(|_| Answer::status(200)).await;
    let url = plain.url.replace("http://", "https://bob:hunter2@");
    let reason = failure(url, &spec()).await;
    assert!(reason.starts_with("cannot connect: ") && !reason.contains("hunter2"), "{reason}");
    let reason = failure("http://bob:hunter2@[/".into(), &spec()).await;
    assert!(reason.starts_with("cannot be asked: ") && !reason.contains("hunter2"), "{reason}");
}

#[tokio::test]
async fn headers_pick_the_side() {
    let server = Server::start(|request| {
        let picked = request.headers.get("x-side").cloned().unwrap_or_default();
        Answer::Reply(if picked == "green" { 200 } else { 404 }, Vec::new(), Vec::new())
    })
    .await;
    let mut target = Target::new(&server.url);
    let ask = || Ask::get("/", Duration::from_secs(5), 1024);
    let client = Client::new(&cutover::testing::domain::Transport::default()).unwrap();
    assert_eq!(fetch(&client, &target, ask()).await.unwrap().status, 404);
    target.headers.push(("x-side".into(), "green".into()));
    assert_eq!(fetch(&client, &target, ask()).await.unwrap().status, 200);
    target.headers.push(("x bad".into(), "s3cret\n".into()));
    let err = fetch(&client, &target, ask()).await.unwrap_err();
    assert!(matches!(&err, FetchError::Request(why) if !why.words.contains("s3cret")), "{err:?}");
}

#[tokio::test]
async fn pollers_follow_the_replicas_with_their_headers() {
    let by_header = |request: &server::Request| match request.headers.get("x-side").map(String::as_str) {
        Some("green") => Answer::status(200),
        _ => Answer::status(503),
    };
    let (gone, stays) = (Server::start(|_| Answer::status(200)).await, Server::start(by_header).await);
    let (mut pollers, mut events) = watch(vec![gone.url.clone()], VersionSource::Unknown, &spec());
    let of = |replica: u32| {
        move |event| match event {
            ProbeEvent::Probe { replica: it, outcome, .. } if it == replica => Some(outcome),
            _ => None,
        }
    };
    assert!(matches!(first(&mut events, of(0)).await, ProbeOutcome::Ready { .. }));
    let headers = vec![("x-side".to_owned(), "green".to_owned())];
    let target = domain::Target { headers, ..domain::Target::plain(stays.url.clone()) };
    pollers.set(Side::Green, &[(7, target)]);
    assert!(matches!(first(&mut events, of(7)).await, ProbeOutcome::Ready { .. }), "the header chooses the side");
    // What was on its way from the one that went is read; then it is silent.
    let asked = gone.served();
    for _ in 0..20 {
        first(&mut events, of(7)).await;
    }
    assert!(gone.served() <= asked + 1, "the one that went is not asked any more");
}
