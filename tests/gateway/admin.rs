//! The gateway's admin side: orders, the state file, the sockets; and the backend that speaks to it.

use crate::support::gateway as kit;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cutover::testing::backend::embedded::{AdminAddress, Embedded};
use cutover::testing::backend::{BackendError, TrafficBackend, sequenced};
use cutover::testing::domain::{Goal, Move, Order, OrderId, Revision, Side, Split};
use cutover::testing::gateway::{Admin, Gateway, GatewayError, Settings};
use kit::{Replica, Rig, Wire, eventually, get, nobody, settings};
use tokio::net::{TcpStream, UnixListener};

async fn rig_in(dir: &tempfile::TempDir) -> Rig {
    Rig::start(settings(dir, vec![nobody()], vec![nobody()])).await
}

#[tokio::test]
async fn an_order_needs_the_revision_it_was_made_for_and_a_rollback_none() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_in(&dir).await;
    assert_eq!(rig.status().await.revision, 1);
    let first = rig.order(10, Some(1), "a").await;
    assert_eq!((first.status(), first.json()["revision"].as_u64()), (200, Some(2)));
    let stale = rig.order(50, Some(1), "b").await;
    assert_eq!((stale.status(), &stale.json()["status"]["split"]["green"]), (409, &10.into()));
    assert_eq!(rig.order(0, None, "c").await.status(), 200);
    let status = rig.status().await;
    assert_eq!((status.split, status.revision, status.last_order.as_deref()), (Split::all(Side::Blue), 3, Some("c")));
}

#[tokio::test]
async fn the_same_order_twice_is_one_act() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_in(&dir).await;
    let first = rig.order(10, Some(1), "a").await;
    rig.order(0, None, "back").await;
    let again = rig.order(10, Some(1), "a").await;
    assert_eq!((again.status(), again.json()), (200, first.json()), "answers as the first did");
    assert_eq!(rig.status().await.split, Split::all(Side::Blue), "and does nothing");
    rig.order(0, None, "back").await;
    assert_eq!(rig.status().await.revision, 3);
    assert_eq!(rig.order(20, Some(3), "a").await.status(), 422, "an id stands for one split");
    // The memory is bounded: 64 orders on, the id is a new one.
    for n in 0..64 {
        rig.order(5, None, &format!("n{n}")).await;
    }
    assert_eq!(rig.order(10, Some(1), "a").await.status(), 409);
}

#[tokio::test]
async fn concurrent_forward_orders_for_one_revision_have_one_winner() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_in(&dir).await;
    let ids: Vec<String> = (0..8).map(|n| format!("o{n}")).collect();
    let answers = tokio::join!(
        rig.order(10, Some(1), &ids[0]),
        rig.order(20, Some(1), &ids[1]),
        rig.order(30, Some(1), &ids[2]),
        rig.order(40, Some(1), &ids[3])
    );
    let mut codes = [answers.0.status(), answers.1.status(), answers.2.status(), answers.3.status()];
    codes.sort_unstable();
    assert_eq!(codes, [200, 409, 409, 409]);
    assert_eq!(rig.status().await.revision, 2);
}

#[tokio::test]
async fn the_state_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_in(&dir).await;
    rig.order(25, Some(1), "a").await;
    let before = rig.status().await;
    rig.end().await;
    assert!(!dir.path().join("admin.sock").exists(), "a clean end leaves no socket");
    let rig = rig_in(&dir).await;
    let after = rig.status().await;
    assert_eq!((after.split, after.revision, after.last_order), (before.split, before.revision, before.last_order));
    assert_ne!(after.traffic.epoch, before.traffic.epoch);
}

#[tokio::test]
async fn a_state_that_cannot_be_written_refuses_forward_and_never_a_rollback() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_in(&dir).await;
    assert_eq!(rig.order(10, Some(1), "a").await.status(), 200);
    // A directory where the new state is to be written: refused to everybody, root included.
    let in_the_way = dir.path().join("state.json.tmp");
    fs::create_dir(&in_the_way).unwrap();
    let forward = rig.order(50, Some(2), "b").await;
    assert_eq!(
        (forward.status(), rig.status().await.split),
        (507, Split::toward(Side::Green, 10)),
        "{}",
        forward.text()
    );
    // A disk that refused is asked before anything is in force: the revision stays.
    let revision = rig.status().await.revision;
    assert_eq!((rig.order(50, Some(revision), "b2").await.status(), rig.status().await.revision), (507, revision));
    let back = rig.order(0, None, "c").await;
    assert_eq!((back.status(), back.json()["persisted"].as_bool()), (200, Some(false)));
    assert_eq!(rig.status().await.split, Split::all(Side::Blue));
    assert!(rig.admin("GET", "/metrics", "").await.text().contains("state_persisted 0"));
    fs::remove_dir(&in_the_way).unwrap();
    eventually("it is saved after all", async || {
        rig.admin("GET", "/metrics", "").await.text().contains("state_persisted 1")
    })
    .await;
    // What was undone has a revision of its own: nobody's order for it can hit another state.
    let revision = rig.status().await.revision;
    assert_eq!(revision, 5);
    assert_eq!(rig.order(50, Some(revision), "b").await.status(), 200, "and forward is possible again");
}

#[tokio::test]
async fn the_socket_is_private_a_stale_one_is_replaced_and_a_live_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists(), "stale");
    let rig = rig_in(&dir).await;
    assert_eq!(rig.status().await.revision, 1, "the first state is saved before the first answer");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::metadata(dir.path().join("state.json")).unwrap().permissions().mode() & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with(".c")), "{names:?}");
    let mut other = settings(&dir, vec![nobody()], vec![nobody()]);
    let error = Gateway::bind(other.clone()).await.unwrap_err();
    assert!(matches!(error, GatewayError::StateLocked(_)), "{error}");
    other.state = dir.path().join("other.json");
    let error = Gateway::bind(other.clone()).await.unwrap_err();
    assert!(matches!(error, GatewayError::SocketTaken { alive: true, .. }), "{error}");
    assert_eq!(rig.status().await.revision, 1, "the first goes on undisturbed");
    let file = dir.path().join("file");
    fs::write(&file, "mine").unwrap();
    other.admin = Admin::Unix(file.clone());
    let error = Gateway::bind(other.clone()).await.unwrap_err();
    assert!(matches!(error, GatewayError::SocketTaken { alive: false, .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    other.listen = rig.addr;
    let error = Gateway::bind(other).await.unwrap_err().to_string();
    assert!(error.contains("already in use") && error.contains(&rig.addr.to_string()), "{error}");
}

#[tokio::test]
async fn faulty_settings_stop_the_start_and_show_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let good = settings(&dir, vec![nobody()], vec![nobody()]);
    let refused = async |change: &dyn Fn(&mut Settings)| {
        let mut settings = good.clone();
        change(&mut settings);
        Gateway::bind(settings).await.unwrap_err().to_string()
    };
    let token = || "sesame-open".to_owned();
    let outside = refused(&|s| s.admin = Admin::Tcp { addr: "0.0.0.0:0".parse().unwrap(), token: token() }).await;
    assert!(outside.contains("loopback"), "{outside}");
    let short = refused(&|s| s.admin = Admin::Tcp { addr: "127.0.0.1:0".parse().unwrap(), token: "abc".into() }).await;
    assert!(short.contains('8') && !short.contains("abc"), "{short}");
    assert!(refused(&|s| s.sides.green.clear()).await.contains("green has no replica"));
    assert!(refused(&|s| s.sides.blue[0] = "10.0.0.1:80".into()).await.contains("blue"));
    assert!(refused(&|s| s.ready_path = "ready".into()).await.contains("path"));
    let shown = format!("{:?}", Admin::Tcp { addr: "127.0.0.1:1".parse().unwrap(), token: token() });
    assert!(!shown.contains("sesame"), "{shown}");
}

#[tokio::test]
async fn over_tcp_nothing_works_without_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let mut wish = settings(&dir, vec![nobody()], vec![nobody()]);
    wish.admin = Admin::Tcp { addr: "127.0.0.1:0".parse().unwrap(), token: "sesame-open".into() };
    let rig = Rig::start(wish).await;
    let addr = rig.admin_addr.unwrap();
    for token in ["", "authorization: Bearer wrong\r\n", "authorization: Basic sesame-open\r\n"] {
        for path in ["/v1/status", "/metrics", "/v1/drain", "/else"] {
            let mut wire = Wire::new(TcpStream::connect(addr).await.unwrap());
            assert_eq!(
                wire.ask(&format!("GET {path} HTTP/1.1\r\nhost: a\r\n{token}\r\n")).await.status(),
                401,
                "{path}"
            );
        }
    }
    let backend = |token: &str| backend(AdminAddress::Tcp { addr, token: token.into() });
    assert!(matches!(backend("wrong-token").observer().observe().await, Err(BackendError::Denied(_))));
    assert_eq!(backend("sesame-open").observer().observe().await.unwrap().split, Split::all(Side::Blue));
}

#[tokio::test]
async fn malformed_orders_are_refused_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_in(&dir).await;
    for body in [
        "",
        "{}",
        "[]",
        "<html>",
        r#"{"split":{"blue":60,"green":60},"expected":null,"order":"x"}"#,
        r#"{"split":{"blue":0,"green":100},"expected":null,"order":""}"#,
        r#"{"split":{"blue":0,"green":100},"expectd":"1","order":"x"}"#,
        r#"{"split":{"blue":-1,"green":101},"expected":null,"order":"x"}"#,
    ] {
        assert_eq!(rig.admin("PUT", "/v1/split", body).await.status(), 400, "{body}");
    }
    assert_eq!(rig.admin("PUT", "/v1/split", &" ".repeat(20_000)).await.status(), 413);
    assert_eq!(rig.admin("POST", "/v1/split", "{}").await.status(), 405);
    assert_eq!(rig.admin("GET", "/v2", "").await.status(), 404);
    assert_eq!(rig.status().await.revision, 1);
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let dir = tempfile::tempdir().unwrap();
    let blue = Replica::named("blue").await;
    let rig = Rig::start(settings(&dir, vec![blue.url()], vec![nobody()])).await;
    rig.ready(1, 0).await;
    for _ in 0..3 {
        rig.client().await.ask(&get("/")).await;
    }
    let page = rig.admin("GET", "/metrics", "").await.text();
    for line in [
        "cutover_gateway_requests_total{side=\"blue\",class=\"2xx\"} 3",
        "cutover_gateway_request_duration_seconds_bucket{side=\"blue\",le=\"+Inf\"} 3",
        "cutover_gateway_request_duration_seconds_count{side=\"blue\"} 3",
        "cutover_gateway_split_percent{side=\"green\"} 0",
        "cutover_gateway_replicas_ready{side=\"blue\"} 1",
        "cutover_gateway_revision 1",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
}

fn backend(admin: AdminAddress) -> Arc<dyn TrafficBackend> {
    sequenced("embedded", Embedded::with_limit(admin, Duration::from_millis(800)))
}

fn at(socket: &Path) -> Arc<dyn TrafficBackend> {
    backend(AdminAddress::Unix(socket.to_owned()))
}

fn order(id: &str, green: u8, expected: Option<&str>) -> Order {
    Order {
        id: OrderId(id.into()),
        kind: if expected.is_some() { Move::Promote } else { Move::Rollback },
        from: None,
        target: Split::toward(Side::Green, green),
        toward: Side::Green,
        expected: expected.map(|revision| Revision(revision.into())),
    }
}

#[tokio::test]
async fn the_backend_observes_applies_and_is_told_of_conflicts() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_in(&dir).await;
    let backend = at(&dir.path().join("admin.sock"));
    let (observer, driver) = (backend.observer(), backend.driver().unwrap());
    let seen = observer.observe().await.unwrap();
    assert_eq!((seen.split, seen.revision.0.as_str()), (Split::all(Side::Blue), "1"));
    assert_eq!(seen.sides.blue.replicas.unwrap().total, 1);
    let accepted = driver.apply(&order("a", 10, Some("1"))).await.unwrap();
    assert_eq!(accepted.goal, Goal::Split(Split::toward(Side::Green, 10)));
    assert_eq!(observer.observe().await.unwrap().revision, Revision("2".into()));
    assert_eq!(driver.apply(&order("a", 10, Some("1"))).await.unwrap(), accepted, "a retry");
    assert!(matches!(driver.apply(&order("b", 50, Some("1"))).await, Err(BackendError::Conflict(_))));
    assert!(matches!(driver.apply(&order("a", 50, Some("2"))).await, Err(BackendError::Refused(_))));
    driver.apply(&order("c", 0, None)).await.unwrap();
    assert_eq!(observer.observe().await.unwrap().split, Split::all(Side::Blue));
    rig.end().await;
    assert!(matches!(driver.apply(&order("d", 0, None)).await, Err(BackendError::Unreachable(_))));
}

#[tokio::test]
async fn the_backend_tells_no_answer_from_a_wrong_one() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let long = "x".repeat(2_000_000);
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{long}", long.len());
    for (answer, wanted) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n<html>\u{1b}[2Jhi</html>", "garbled"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"split\":", "garbled"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "garbled"),
        ("<html>no HTTP at all</html>\r\n\r\n", "garbled"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\n\r\n<html>", "garbled"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 49\r\n\r\n{\"revision\":2,\"split\":{\"blue\":1,\"green\":99},\"order\"",
            "garbled",
        ),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 13\r\n\r\n{\"error\":\"no\"}", "denied"),
        ("", "unknown"),
        ("hang", "unknown"),
        (&long, "garbled"),
    ] {
        drop(fs::remove_file(&socket));
        let listener = UnixListener::bind(&socket).unwrap();
        let text = answer.to_owned();
        let fake = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut wire = Wire::new(stream);
            wire.message(false).await.unwrap();
            if text == "hang" {
                wire.more().await;
            }
            // The caller may have turned away in the middle of a long answer.
            drop(tokio::io::AsyncWriteExt::write_all(&mut wire.stream, text.as_bytes()).await);
        });
        let error = at(&socket).driver().unwrap().apply(&order("a", 10, Some("1"))).await.unwrap_err();
        let kind = match &error {
            BackendError::Garbled(_) => "garbled",
            BackendError::Unknown(_) => "unknown",
            BackendError::Denied(_) => "denied",
            _ => "other",
        };
        let begins = &answer[..answer.len().min(60)];
        assert_eq!(kind, wanted, "{begins:?}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
        fake.abort();
    }
    assert!(matches!(at(&dir.path().join("none")).observer().observe().await, Err(BackendError::Unreachable(_))));
}
