//! The gateway as a process of its own: what a `kill -9` leaves behind. The process is also what the
//! benchmark `tests/bench/gateway --child` measures.

#![allow(clippy::unwrap_used, reason = "a test's helper fails the test")]

#[path = "support_gateway/kit.rs"]
mod kit;

use std::process::Stdio;

use cutover::domain::{Pair, Side, Split};
use cutover::gateway::{Admin, Gateway, Settings};
use kit::{admin_at, eventually, nobody};
use serde::Deserialize;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

const SETTINGS: &str = "CUTOVER_TEST_GATEWAY";

#[derive(Deserialize)]
struct Wish {
    listen: std::net::SocketAddr,
    admin: std::path::PathBuf,
    state: std::path::PathBuf,
    blue: Vec<String>,
    green: Vec<String>,
    ready_path: String,
}

#[test]
#[ignore = "runs until it is killed: the other test here and the benchmark start it"]
fn serve() {
    let wish = std::env::var(SETTINGS).expect("the settings are in the environment, as JSON");
    let wish: Wish = serde_json::from_str(&wish).unwrap();
    let settings = Settings {
        listen: wish.listen,
        admin: Admin::Unix(wish.admin),
        state: wish.state,
        sides: Pair { blue: wish.blue, green: wish.green },
        ready_path: wish.ready_path,
        initial: Split::all(Side::Blue),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let gateway = Gateway::bind(settings).await.unwrap();
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        let told = async move {
            term.recv().await;
        };
        gateway.run(told).await.unwrap();
    });
}

async fn start(dir: &std::path::Path, side: &str) -> Child {
    let wish = serde_json::json!({
        "listen": "127.0.0.1:0", "admin": dir.join("admin.sock"), "state": dir.join("state.json"),
        "blue": [side], "green": [side], "ready_path": "/ready",
    });
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "serve"])
        .env(SETTINGS, wish.to_string())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let socket = dir.join("admin.sock");
    eventually("the gateway answers", async || UnixStream::connect(&socket).await.is_ok()).await;
    child
}

#[tokio::test]
async fn the_split_and_the_orders_survive_kill_9_and_the_stale_socket_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (socket, side) = (dir.path().join("admin.sock"), nobody().await);
    let put = r#"{"split":{"blue":75,"green":25},"expected":"1","order":"first"}"#;
    let mut child = start(dir.path(), &side).await;
    let first = admin_at(&socket, "PUT", "/v1/split", put).await;
    assert_eq!((first.status(), first.json()["persisted"].as_bool()), (200, Some(true)));
    child.kill().await.unwrap();
    assert!(socket.exists(), "a killed process leaves its socket behind");
    let mut child = start(dir.path(), &side).await;
    let status = admin_at(&socket, "GET", "/v1/status", "").await.json();
    assert_eq!((&status["split"]["green"], &status["revision"]), (&25.into(), &2.into()));
    assert_eq!(status["last_order"], "first");
    let again = admin_at(&socket, "PUT", "/v1/split", put).await;
    assert_eq!(again.json(), first.json(), "a retry across the restart is the same act");
    child.kill().await.unwrap();
}
