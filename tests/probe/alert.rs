//! Alerts on their way to real servers and commands.

use std::collections::VecDeque;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use cutover::testing::alert::{Ended, Places};
use cutover::testing::domain::*;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

fn alert() -> Alert {
    Alert {
        schema_version: 1,
        id: "7f3e00aa11bb".into(),
        kind: AlertKind::Guard,
        severity: Severity::Critical,
        time: Stamp::epoch().wall,
        service: "fraud-scorer".into(),
        environment: "prod".into(),
        title: "fraud-scorer prod: guard p99 on green: 612 ms over 250 ms <b>&".into(),
        side: Some(Side::Green),
        value: Some(612.0),
        limit: Some(250.0),
        at_least: false,
        unit: "ms".into(),
        samples: Some(1204),
        evidence: vec!["green (v42): p99 612 ms".into()],
        by: "auto".into(),
        versions: Pair { blue: Some("v41".into()), green: Some("v42".into()) },
        split: Some(Pair { blue: 90, green: 10 }),
        done: "all traffic is being sent back to blue".into(),
        way_back: "under way".into(),
        log: vec!["14:02:12 guard ``` p99".into()],
    }
}

/// One request as a server saw it.
struct Posted {
    head: String,
    body: Value,
}

/// A server that answers each request with the next of `answers`; an empty one is never answered, the last one stays.
async fn server(answers: &[&str]) -> (String, mpsc::Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut answers: VecDeque<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let (posted_in, posted) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut got = Vec::new();
            let (top, body) = loop {
                let mut chunk = [0; 4096];
                let n = stream.read(&mut chunk).await.unwrap_or(0);
                got.extend_from_slice(&chunk[..n]);
                let text = String::from_utf8_lossy(&got).into_owned();
                if let Some((top, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str(body)
                {
                    break (top.to_ascii_lowercase(), body);
                }
                assert!(n > 0, "cut off: {text}");
            };
            let _ = posted_in.send(Posted { head: top, body }).await;
            let answer = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
            if answer.is_empty() {
                held.push(stream);
            } else {
                let text = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(text.as_bytes()).await;
            }
        }
    });
    (base, posted)
}

fn hook(url: &str, form: AlertForm) -> AlertSpec {
    AlertSpec {
        name: "hook".into(),
        way: AlertWay::Webhook {
            url: AlertUrl::Plain(format!("{url}/in?x=1")),
            headers: Vec::new(),
            form,
            transport: cutover::testing::domain::Transport::default(),
        },
        on: AlertKind::TROUBLE.into(),
        timeout_ms: 2_000,
    }
}

async fn told(spec: AlertSpec) -> Ended {
    let (ended_in, mut ended) = mpsc::channel(8);
    let to = [spec.name.clone()];
    let mut places = Places::new(&[spec], ended_in).unwrap().with_first_pause(PAUSE);
    places.tell(&alert(), &to);
    let end = timeout(DEADLINE, ended.recv()).await.expect("it ends in time").unwrap();
    assert_eq!(places.finish(DEADLINE).await, 0);
    assert!(ended.try_recv().is_err(), "one receipt for one alert");
    end
}

#[tokio::test]
async fn a_webhook_gets_the_whole_diagnosis_once() {
    let (base, mut posted) = server(&["204 No Content"]).await;
    let end = told(hook(&base, AlertForm::Json)).await;
    assert_eq!((end.delivered, end.tries, end.alert.as_str()), (true, 1, "7f3e00aa11bb"));
    let seen = posted.recv().await.unwrap();
    assert!(seen.head.starts_with("post /in?x=1 http/1.1"), "{}", seen.head);
    assert!(seen.head.contains("idempotency-key: 7f3e00aa11bb"), "{}", seen.head);
    assert_eq!(serde_json::from_value::<Alert>(seen.body).unwrap(), alert());
    assert!(posted.try_recv().is_err());
}

#[tokio::test]
async fn slack_gets_its_form_and_nothing_it_could_misread() {
    let (base, mut posted) = server(&["200 OK"]).await;
    assert!(told(hook(&base, AlertForm::Slack)).await.delivered);
    let body = posted.recv().await.unwrap().body;
    assert_eq!(
        body["text"], "CRITICAL fraud-scorer prod: guard p99 on green: 612 ms over 250 ms &lt;b&gt;&amp;",
        "{body:#}"
    );
    let attachment = &body["attachments"][0];
    assert_eq!(attachment["color"], "danger");
    let text = attachment["text"].as_str().unwrap();
    assert_eq!(text.matches("```").count(), 4, "{text}");
    let fields = attachment["fields"].as_array().unwrap();
    let field = |title: &str| fields.iter().find(|f| f["title"] == title).unwrap()["value"].clone();
    assert_eq!((field("Value"), field("Limit"), field("Samples")), ("612 ms".into(), "250 ms".into(), "1204".into()));
    assert_eq!(field("Split"), "blue 90 %, green 10 %");
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again_and_what_was_taken_is_not() {
    let (base, mut posted) = server(&["503 Busy", "429 Slow\r\nretry-after: 0", "500 Oh", "200 OK"]).await;
    let end = told(hook(&base, AlertForm::Json)).await;
    assert_eq!((end.delivered, end.tries), (true, 4), "{end:?}");
    for _ in 0..4 {
        assert_eq!(posted.recv().await.unwrap().body["id"], "7f3e00aa11bb");
    }
    assert!(posted.try_recv().is_err());
}

#[tokio::test]
async fn what_will_never_be_taken_is_told_at_once() {
    for (answer, why) in [("404 Not Found", "status 404"), ("302 Found\r\nlocation: /login", "redirects to /login")] {
        let (base, _posted) = server(&[answer]).await;
        let end = told(hook(&base, AlertForm::Json)).await;
        assert_eq!((end.delivered, end.tries, end.detail.as_str()), (false, 1, why));
    }
}

#[tokio::test]
async fn a_webhook_that_never_answers_is_given_up_and_nothing_waits_for_it() {
    let (silent, _silent) = server(&[""]).await;
    let (base, _posted) = server(&["200 OK"]).await;
    let (ended_in, mut ended) = mpsc::channel(8);
    let dead = AlertSpec { name: "dead".into(), timeout_ms: 100, ..hook(&silent, AlertForm::Json) };
    let specs = [dead, hook(&base, AlertForm::Json)];
    let mut places = Places::new(&specs, ended_in).unwrap().with_first_pause(PAUSE);
    places.tell(&alert(), &["dead".into(), "hook".into()]);
    let first = timeout(DEADLINE, ended.recv()).await.unwrap().unwrap();
    assert_eq!((first.to.as_str(), first.delivered), ("hook", true), "it did not wait for the dead one");
    let last = timeout(DEADLINE, ended.recv()).await.unwrap().unwrap();
    assert_eq!((last.delivered, last.tries, last.detail.as_str()), (false, 6, "no answer within 100 ms"));
}

#[tokio::test]
async fn no_more_than_a_few_are_on_their_way_at_once() {
    let (silent, _posted) = server(&[""]).await;
    let (ended_in, mut ended) = mpsc::channel(64);
    let mut places = Places::new(&[hook(&silent, AlertForm::Json)], ended_in).unwrap();
    for _ in 0..17 {
        places.tell(&alert(), &["hook".into()]);
    }
    let end = timeout(DEADLINE, ended.recv()).await.unwrap().unwrap();
    assert_eq!((end.delivered, end.tries), (false, 0), "{end:?}");
    assert_eq!(places.finish(Duration::ZERO).await, 16);
}

#[tokio::test]
async fn no_url_and_no_secret_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("url");
    std::fs::write(&file, "http://127.0.0.1:1/services/T000/S3CR3T-TOKEN").unwrap();
    let way = AlertWay::Webhook {
        url: AlertUrl::Secret(SecretRef::File(file)),
        headers: vec![("authorization".into(), HeaderValue::Bearer(SecretRef::File("/nonexistent/token".into())))],
        form: AlertForm::Json,
        transport: cutover::testing::domain::Transport::default(),
    };
    let end = told(AlertSpec { way, ..hook("", AlertForm::Json) }).await;
    assert!(!end.delivered && end.detail.contains("no secret for authorization"), "{end:?}");
    let way = AlertWay::Webhook {
        url: AlertUrl::Secret(SecretRef::File(dir.path().join("url"))),
        headers: Vec::new(),
        form: AlertForm::Slack,
        transport: cutover::testing::domain::Transport::default(),
    };
    let end = told(AlertSpec { way, ..hook("", AlertForm::Json) }).await;
    assert!(!end.delivered && end.detail.contains("cannot connect"), "{end:?}");
    assert!(!end.detail.contains("S3CR3T") && !end.detail.contains("T000"), "{end:?}");
}

fn command(dir: &Path, script: &str) -> AlertSpec {
    let file = dir.join("page.sh");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    AlertSpec {
        way: AlertWay::Command { argv: vec![file.display().to_string(), "--now".into()], dir: dir.into() },
        timeout_ms: 5_000,
        ..hook("", AlertForm::Json)
    }
}

#[tokio::test]
async fn a_command_reads_it_and_its_exit_code_counts() {
    let dir = tempfile::tempdir().unwrap();
    let spec = command(dir.path(), "cat > got.json; echo \"$1 $CUTOVER_ALERT_KIND $CUTOVER_ALERT_SEVERITY\" > got.txt");
    let end = told(spec).await;
    assert_eq!((end.delivered, end.tries), (true, 1), "{end:?}");
    let got: Alert = serde_json::from_slice(&std::fs::read(dir.path().join("got.json")).unwrap()).unwrap();
    assert_eq!(got, alert());
    assert_eq!(std::fs::read_to_string(dir.path().join("got.txt")).unwrap(), "--now guard critical\n");
}

#[tokio::test]
async fn a_command_that_fails_is_tried_again_and_its_complaint_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let spec = command(dir.path(), "echo x >> tries; [ $(wc -l < tries) -ge 3 ] || { echo 'no route' >&2; exit 4; }");
    let end = told(spec).await;
    assert_eq!((end.delivered, end.tries), (true, 3), "{end:?}");
    let end = told(command(dir.path(), "echo 'no route to pager' >&2; exit 4")).await;
    assert_eq!((end.delivered, end.tries), (false, 6));
    assert!(end.detail.contains("exit status: 4: no route to pager"), "{end:?}");
}

#[tokio::test]
async fn a_command_that_hangs_or_is_not_there_ends() {
    let dir = tempfile::tempdir().unwrap();
    let hangs = AlertSpec { timeout_ms: 100, ..command(dir.path(), "sleep 60 & sleep 60") };
    let end = told(hangs).await;
    assert!(!end.delivered && end.detail.contains("did not end within 100 ms"), "{end:?}");
    let way = AlertWay::Command { argv: vec!["/nonexistent/pager".into()], dir: dir.path().into() };
    let end = told(AlertSpec { way, ..hook("", AlertForm::Json) }).await;
    assert!(!end.delivered && end.detail.contains("cannot start"), "{end:?}");
}
