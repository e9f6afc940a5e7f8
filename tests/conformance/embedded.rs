//! The embedded gateway, real: sockets, admin interface and state file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cutover::testing::backend::embedded::{AdminAddress, Embedded, EmbeddedSpec};
use cutover::testing::backend::{Spec, TrafficBackend, sequenced};
use cutover::testing::domain::{Pair, Side, Split};
use cutover::testing::gateway::{Admin, Gateway, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use crate::relay::{At, Relay, http};
use crate::rig::{Rig, TOKEN, Trouble, WRONG_TOKEN};

/// How long the backend waits for an answer here.
const LIMIT: Duration = Duration::from_millis(500);

pub struct EmbeddedGateway {
    dir: tempfile::TempDir,
    split: Split,
    running: Option<JoinHandle<()>>,
    address: AdminAddress,
}

impl EmbeddedGateway {
    fn socket(&self) -> PathBuf {
        self.dir.path().join("admin.sock")
    }

    fn sides() -> Pair<Vec<String>> {
        Pair::from_fn(|side: Side| vec![format!("http://127.0.0.1:{}", if side == Side::Blue { 1 } else { 2 })])
    }

    async fn run(&mut self, admin: Admin) -> Option<std::net::SocketAddr> {
        let settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            admin,
            state: self.dir.path().join("state.json"),
            sides: Self::sides(),
            ready_path: "/ready".into(),
            initial: self.split,
            sample: false,
        };
        let gateway = Gateway::bind(settings).await.expect("the gateway binds");
        let admin = gateway.admin_addr();
        self.running = Some(tokio::spawn(async move {
            let _ = gateway.run(std::future::pending()).await;
        }));
        admin
    }

    /// Ends it as kill -9 would: nothing is told, nothing is tidied up.
    async fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    /// Something else answers on the admin socket.
    async fn impostor(&mut self, answer: Option<&'static str>) {
        self.kill().await;
        let _ = std::fs::remove_file(self.socket());
        let listener = UnixListener::bind(self.socket()).unwrap();
        self.running = Some(tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                if let Some(answer) = answer {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                } else {
                    held.push(stream);
                }
            }
        }));
    }
}

impl Rig for EmbeddedGateway {
    async fn start(split: Split) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let address = AdminAddress::Unix(dir.path().join("admin.sock"));
        let mut rig = Self { dir, split, running: None, address };
        let socket = rig.socket();
        rig.run(Admin::Unix(socket)).await;
        rig
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        sequenced("embedded", Embedded::with_limit(self.address.clone(), LIMIT))
    }

    async fn relayed(&self) -> Option<(Relay, Arc<dyn TrafficBackend>)> {
        let relay = Relay::before(At::Unix(self.socket()), |bytes| http("PUT ", bytes)).await;
        let At::Unix(at) = &relay.at else { return None };
        let backend = EmbeddedSpec { admin: AdminAddress::Unix(at.clone()) }.connect();
        Some((relay, backend))
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Down => self.kill().await,
            Trouble::Silent => self.impostor(None).await,
            Trouble::Html => {
                let html = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<html>hi</html>";
                self.impostor(Some(html)).await;
            }
            Trouble::CutOff => {
                self.impostor(Some(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"spl",
                ))
                .await;
            }
            Trouble::WrongCredentials => {
                self.kill().await;
                let admin = Admin::Tcp { addr: ([127, 0, 0, 1], 0).into(), token: TOKEN.into() };
                let addr = self.run(admin).await.expect("the admin listens on loopback");
                self.address = AdminAddress::Tcp { addr, token: WRONG_TOKEN.into() };
            }
            // One gateway is one node with one atomic value.
            Trouble::HalfApplied => return false,
        }
        true
    }

    async fn restart(&mut self) -> bool {
        self.kill().await;
        let socket = self.socket();
        self.run(Admin::Unix(socket)).await;
        true
    }
}

impl Drop for EmbeddedGateway {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}
