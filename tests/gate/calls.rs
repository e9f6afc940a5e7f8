//! The http and integration gates against real servers, good and bad.

use crate::support::gate as bench;
use crate::support::server;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bench::{Bench, gate};
use cutover::testing::domain::{Bound, Call, Evidence, Expect, HeaderValue, Scalar, SecretRef, Step, Verdict};
use cutover::testing::gate::{Http, Integration};
use server::{Answer, Request, Server, dead_url};

fn get(url: &str) -> Call {
    let (method, url, transport) = ("GET".into(), url.into(), cutover::testing::domain::Transport::default());
    Call { method, url, headers: Vec::new(), body: None, timeout_ms: 5000, transport }
}

fn equals(pointer: &str, text: &str) -> Expect {
    Expect { pointer: Some(pointer.into()), equals: Some(Scalar::Text(text.into())), ..Expect::default() }
}

fn at_most(pointer: &str, limit: f64) -> Expect {
    Expect { pointer: Some(pointer.into()), bound: Some(Bound { limit, at_least: false }), ..Expect::default() }
}

async fn http(call: Call, expect: Expect) -> Evidence {
    let pending = vec![Scalar::Text("running".into())];
    // No replica is needed: it is not the side that is asked.
    Bench::new([""; 0]).run(gate(Http { call, expect, pending })).await
}

async fn served(body: &'static str) -> (Server, Call) {
    let server = Server::start(move |_| Answer::json(body)).await;
    let call = get(&format!("{}/status", server.url));
    (server, call)
}

#[tokio::test]
async fn http_passes_fails_and_waits_by_what_the_endpoint_says() {
    let at = "/run/status";
    for (body, verdict, note) in [
        (r#"{"run":{"status":"passed"}}"#, Verdict::Passed, ""),
        (r#"{"run":{"status":"failed"}}"#, Verdict::Failed, "\"failed\" at /run/status, expected \"passed\""),
        (r#"{"run":{"status":"running"}}"#, Verdict::NotYet, "\"running\" at /run/status: not yet"),
        (r#"{"run":{"status":null}}"#, Verdict::NotYet, "null at /run/status"),
        (r#"{"run":{}}"#, Verdict::NotYet, "nothing at /run/status in the answer"),
        ("<html>login</html>", Verdict::NotYet, "HTML instead of JSON"),
        ("", Verdict::NotYet, "nothing instead of JSON"),
        ("passed", Verdict::NotYet, "something instead of JSON"),
    ] {
        let (_server, call) = served(body).await;
        let evidence = http(call, equals(at, "passed")).await;
        assert_eq!((evidence.verdict, evidence.note.as_str()), (verdict, note), "{body}");
    }
}

#[tokio::test]
async fn http_holds_numbers_against_their_limit_and_absent_is_not_zero() {
    for (body, verdict, value) in [
        (r#"{"drift":0.04}"#, Verdict::Passed, Some(0.04)),
        (r#"{"drift":0.05}"#, Verdict::Passed, Some(0.05)),
        (r#"{"drift":0.06}"#, Verdict::Failed, Some(0.06)),
        (r#"{"drift":"0.04"}"#, Verdict::NotYet, None),
        (r#"{"drift":NaN}"#, Verdict::NotYet, None),
        (r#"{"drift":null}"#, Verdict::NotYet, None),
        ("{}", Verdict::NotYet, None),
    ] {
        let (_server, call) = served(body).await;
        let evidence = http(call, at_most("/drift", 0.05)).await;
        assert_eq!((evidence.verdict, evidence.value), (verdict, value), "{body}: {evidence:?}");
        assert_eq!((evidence.limit, evidence.at_least), (Some(0.05), false));
    }
}

#[tokio::test]
async fn http_cannot_tell_from_a_server_that_does_not_answer() {
    let status = |status| Server::start(move |_| Answer::status(status));
    let round = Server::start(|_| Answer::Reply(302, vec![("location", "/login".into())], Vec::new())).await;
    let (down, away, busy) = (status(503).await, status(404).await, status(429).await);
    let (hang, cut, flood) = (
        Server::start(|_| Answer::Hang).await,
        Server::start(|_| Answer::Drop).await,
        Server::start(|_| Answer::Flood(10 * 1024 * 1024)).await,
    );
    for (url, said) in [
        (&down.url, "status 503"),
        (&away.url, "status 404"),
        (&busy.url, "status 429"),
        (&round.url, "redirects to /login"),
        (&hang.url, "no answer within 300 ms"),
        (&cut.url, "answer cut off"),
        (&flood.url, "answer longer than"),
        (&dead_url(), "cannot connect"),
    ] {
        let evidence = http(Call { timeout_ms: 300, ..get(url) }, equals("/status", "passed")).await;
        assert_eq!((evidence.verdict, evidence.value), (Verdict::NotYet, None), "{said}: {evidence:?}");
        assert!(evidence.note.starts_with(said), "{said}: {}", evidence.note);
    }
    // Where only the status is asked for, another one is an answer, but for what a broken server says.
    let expect = Expect { status: Some(200), ..Expect::default() };
    assert_eq!(http(get(&away.url), expect.clone()).await.verdict, Verdict::Failed);
    assert_eq!(http(get(&down.url), expect.clone()).await.verdict, Verdict::NotYet);
    assert_eq!(http(get(&round.url), expect).await.verdict, Verdict::Failed);
    let expect = Expect { status: Some(404), ..Expect::default() };
    assert_eq!(http(get(&away.url), expect).await.verdict, Verdict::Passed);
}

/// A server that keeps what it was asked and gives the credential back.
async fn parrot() -> (Server, Arc<Mutex<Vec<Request>>>) {
    let seen = Arc::<Mutex<Vec<Request>>>::default();
    let keep = Arc::clone(&seen);
    let server = Server::start(move |request| {
        keep.lock().unwrap().push(request.clone());
        let credential = request.headers.get("authorization").cloned().unwrap_or_default();
        Answer::json(&serde_json::json!({"status": format!("denied: {credential}")}).to_string())
    })
    .await;
    (server, seen)
}

#[tokio::test]
async fn secrets_are_sent_and_never_shown() {
    let (server, seen) = parrot().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "s3cret-of-ci-42").unwrap();
    let secret = SecretRef::File(file.path().into());
    let headers = vec![
        ("authorization".into(), HeaderValue::Bearer(secret.clone())),
        ("x-key".into(), HeaderValue::Secret(secret)),
        ("x-version".into(), HeaderValue::Plain("{{version}} of {{service}}".into())),
    ];
    let call = Call { headers, ..get(&server.url) };
    let mut bench = Bench::new([""; 0]);
    let check = Http { call: call.clone(), expect: equals("/status", "ok"), pending: Vec::new() };
    assert!(!format!("{check:?}").contains("s3cret"));
    let evidence = bench.run(gate(check)).await;
    assert_eq!(evidence.verdict, Verdict::Failed);
    assert_eq!(evidence.note, "\"denied: Bearer ***\" at /status, expected \"ok\"");
    assert!(!format!("{evidence:?} {:?}", bench.log()).contains("s3cret"));
    let asked = seen.lock().unwrap().remove(0);
    assert_eq!(asked.headers["authorization"], "Bearer s3cret-of-ci-42");
    assert_eq!(
        (asked.headers["x-key"].as_str(), asked.headers["x-version"].as_str()),
        ("s3cret-of-ci-42", "v2 of scorer")
    );
    // A secret that is gone, or none: nothing is sent.
    let path = file.path().to_owned();
    std::fs::write(&path, "short\n").unwrap();
    let evidence = http(call.clone(), equals("/status", "ok")).await;
    assert_eq!(evidence.verdict, Verdict::NotYet);
    assert!(evidence.note.contains("shorter than 8 bytes") && !evidence.note.contains("short\n"), "{}", evidence.note);
    drop(file);
    let evidence = http(call, equals("/status", "ok")).await;
    assert!(evidence.note.starts_with("no secret for authorization: "), "{}", evidence.note);
    assert_eq!(server.served(), 1);
}

#[tokio::test]
async fn placeholders_are_values_and_no_more() {
    let (server, seen) = parrot().await;
    let mut bench = Bench::new([""; 0]);
    bench.version_name = "a&b=\"c\"/é".into();
    let call = Call {
        method: "POST".into(),
        body: Some(r#"{"version":"{{version}}","side":"{{side}}"}"#.into()),
        ..get(&format!("{}/runs/{{{{version}}}}?d={{{{version_digest}}}}", server.url))
    };
    let check = Http { call: call.clone(), expect: equals("/status", "denied: "), pending: Vec::new() };
    assert_eq!(bench.run(gate(check.clone())).await.verdict, Verdict::Passed);
    let asked = seen.lock().unwrap().remove(0);
    assert_eq!(asked.path, format!("/runs/a%26b%3D%22c%22%2F%C3%A9?d={}", bench.version));
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!((&body["version"], &body["side"]), (&"a&b=\"c\"/é".into(), &"green".into()));
    assert_eq!(asked.headers["content-type"], "application/json");
    // What nobody knows is not asked for.
    bench.version_name = String::new();
    let evidence = bench.run(gate(check)).await;
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::NotYet, "{{version}} is not known"));
    assert_eq!(server.served(), 1);
}

// --- integration

fn step(name: &str, url: &str, expect: Expect) -> Step {
    Step { name: name.into(), call: get(url), expect }
}

#[tokio::test]
async fn steps_go_in_order_and_through_every_replica() {
    let order = Arc::<Mutex<Vec<String>>>::default();
    let server = |name: &'static str| {
        let order = Arc::clone(&order);
        Server::start(move |request| {
            order.lock().unwrap().push(format!("{name} {} {}", request.method, request.path));
            Answer::json(r#"{"state":"ready","score":0.7}"#)
        })
    };
    let (upstream, one, two, downstream) =
        (server("up").await, server("one").await, server("two").await, server("down").await);
    let mut score = step("scored", "/infer?v={{version}}", at_most("/score", 1.0));
    (score.call.method, score.call.body) = ("POST".into(), Some("{}".into()));
    let steps = vec![
        step("features", &format!("{}/ready", upstream.url), equals("/state", "ready")),
        score,
        step("ledger", &downstream.url, Expect { max_latency_ms: Some(4000), ..Expect::default() }),
    ];
    let mut bench = Bench::new([&one.url, &two.url]);
    let evidence = bench.run(gate(Integration { steps })).await;
    assert_eq!((evidence.verdict, evidence.value, evidence.samples), (Verdict::Passed, Some(0.0), 4), "{evidence:?}");
    assert_eq!(evidence.note, "3 steps as expected");
    let seen = order.lock().unwrap().clone();
    assert_eq!(seen, ["up GET /ready", "one POST /infer?v=v2", "two POST /infer?v=v2", "down GET /"]);
    let log: Vec<_> = bench.log().iter().map(|line| line.text.clone()).collect();
    assert_eq!(log.iter().filter(|line| line.starts_with("step ")).count(), 4, "each step is a line: {log:?}");
    assert!(log.iter().any(|line| line.starts_with("step scored on 127.0.0.1:")), "{log:?}");
}

#[tokio::test]
async fn the_first_step_that_does_not_hold_ends_it_and_is_named() {
    let good = Server::start(|_| Answer::json(r#"{"state":"ready"}"#)).await;
    let odd = Server::start(|_| Answer::After(Duration::from_millis(60), 200, b"<html>".to_vec())).await;
    let dead = dead_url();
    let last = || step("last", &good.url, Expect::default());
    for (bad, said) in [
        (step("ledger", &dead, Expect::default()), "step ledger: cannot connect: "),
        (step("ledger", &odd.url, equals("/state", "ready")), "step ledger: HTML instead of JSON; 1 step not tried"),
        (step("ledger", &odd.url, Expect { max_latency_ms: Some(20), ..Expect::default() }), "step ledger: took "),
        (
            step("ledger", &good.url, Expect { contains: Some("\"open\"".into()), ..Expect::default() }),
            "step ledger: its answer does not hold \"\"open\"\"",
        ),
        (
            step("ledger", &good.url, Expect { status: Some(201), ..Expect::default() }),
            "step ledger: status 200, expected 201",
        ),
    ] {
        let before = good.served();
        let steps = vec![step("first", &good.url, equals("/state", "ready")), bad.clone(), last()];
        let evidence = Bench::new([&good.url]).run(gate(Integration { steps })).await;
        assert_eq!((evidence.verdict, evidence.value), (Verdict::Failed, Some(1.0)), "{evidence:?}");
        assert!(evidence.note.starts_with(said), "{said}: {}", evidence.note);
        assert!(evidence.details[0].starts_with("step ledger"), "{evidence:?}");
        assert!(good.served() - before <= 2, "what came after it was not tried");
    }
}
