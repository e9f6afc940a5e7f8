//! The gateway as a process of its own: what a `kill -9` leaves behind.

use crate::support::gateway as kit;

use std::path::Path;
use std::process::Stdio;

use kit::{admin_at, eventually, nobody};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

async fn start(dir: &Path, blue: &str, green: &str) -> Child {
    let config = format!(
        r#"[service]
name = "m"

[blue]
urls = ["{blue}"]

[green]
urls = ["{green}"]

[backend]
kind = "embedded"

[gateway]
listen = "127.0.0.1:0"
admin = "admin.sock"
state = "state.json"

[state]
dir = "state"
"#
    );
    std::fs::write(dir.join("cutover.toml"), config).unwrap();
    let said = dir.join("stderr");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cutover"))
        .arg("-c")
        .arg(dir.join("cutover.toml"))
        .arg("gateway")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&said).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let socket = dir.join("admin.sock");
    let is_up = async || {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}: {}", std::fs::read_to_string(&said).unwrap());
        UnixStream::connect(&socket).await.is_ok()
    };
    eventually("the gateway answers", is_up).await;
    child
}

#[tokio::test]
async fn the_split_and_the_orders_survive_kill_9_and_the_stale_socket_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (socket, blue, green) = (dir.path().join("admin.sock"), nobody(), nobody());
    let put = r#"{"split":{"blue":75,"green":25},"expected":"1","order":"first"}"#;
    let mut child = start(dir.path(), &blue, &green).await;
    let first = admin_at(&socket, "PUT", "/v1/split", put).await;
    assert_eq!((first.status(), first.json()["persisted"].as_bool()), (200, Some(true)));
    child.kill().await.unwrap();
    assert!(socket.exists(), "a killed process leaves its socket behind");
    let mut child = start(dir.path(), &blue, &green).await;
    let status = admin_at(&socket, "GET", "/v1/status", "").await.json();
    assert_eq!((&status["split"]["green"], &status["revision"]), (&25.into(), &2.into()));
    assert_eq!(status["last_order"], "first");
    let again = admin_at(&socket, "PUT", "/v1/split", put).await;
    assert_eq!(again.json(), first.json(), "a retry across the restart is the same act");
    child.kill().await.unwrap();
}
