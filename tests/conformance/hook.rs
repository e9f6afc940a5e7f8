//! Hooks: the script of the set-up page, and the embedded gateway driven by HTTP calls of a config.

use std::path::Path;
use std::sync::Arc;

use cutover::testing::backend::TrafficBackend;
use cutover::testing::config;
use cutover::testing::domain::{Side, Split};
use cutover::testing::gateway::{Admin, Gateway, Settings};
use cutover::testing::runtime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::relay::{At, Relay, http};
use crate::rig::{Rig, TOKEN, Trouble, WRONG_TOKEN};

const PAGE: &str = include_str!("../../src/backend/hook/exec.md");

/// The first block of `language` on a set-up page.
pub fn block<'a>(page: &'a str, language: &str) -> &'a str {
    let from = page.split(&format!("\n```{language}\n")).nth(1).expect("the page has such a block");
    from.split("\n```").next().unwrap()
}

pub fn backend_of(toml: &str, dir: &Path) -> Arc<dyn TrafficBackend> {
    let toml = format!("{toml}\n[state]\ndir = \"state\"\n");
    let config = config::parse(&toml, &dir.join("cutover.toml"), &|_| None).expect("the config is sound");
    runtime::connect(&config)
}

pub fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    // Renamed into place: a file that is still open for writing somewhere cannot be run.
    let fresh = path.with_extension("fresh");
    std::fs::write(&fresh, text).unwrap();
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(&fresh, path).unwrap();
}

pub struct Script {
    dir: tempfile::TempDir,
}

impl Rig for Script {
    async fn start(split: Split) -> Self {
        let dir = tempfile::tempdir().unwrap();
        executable(&dir.path().join("router"), block(PAGE, "sh"));
        std::fs::write(dir.path().join("router.state"), format!("{} 1\n", split.share(Side::Green))).unwrap();
        Self { dir }
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        backend_of(&format!("{}\ntimeout = \"500ms\"", block(PAGE, "toml")), self.dir.path())
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        let script = match trouble {
            Trouble::Down => "echo 'connection refused' >&2; exit 69",
            Trouble::Silent => "sleep 600",
            Trouble::Html => "echo '<html>sign in</html>'",
            Trouble::CutOff => "printf '{\"spl'",
            Trouble::WrongCredentials => "echo 'token is not accepted' >&2; exit 77",
            Trouble::HalfApplied => {
                "[ $1 = set ] || echo '{\"split\":{\"green\":10},\"revision\":2,\"mixed\":\"node 2 says 100/0\"}'"
            }
        };
        executable(&self.dir.path().join("router"), &format!("#!/bin/sh\n{script}\n"));
        true
    }

    async fn restart(&mut self) -> bool {
        // Nothing runs between two commands: the file is the router.
        true
    }
}

/// The embedded gateway, as a foreign system that only its HTTP interface is known of.
pub struct Calls {
    dir: tempfile::TempDir,
    split: Split,
    address: std::net::SocketAddr,
    running: Option<JoinHandle<()>>,
}

impl Calls {
    async fn run(&mut self) {
        let settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            admin: Admin::Tcp { addr: ([127, 0, 0, 1], 0).into(), token: TOKEN.into() },
            state: self.dir.path().join("state.json"),
            sides: cutover::testing::domain::Pair::from_fn(|side| {
                vec![format!("http://127.0.0.1:{}", 1 + side as u16)]
            }),
            ready_path: "/ready".into(),
            initial: self.split,
            sample: false,
        };
        let gateway = Gateway::bind(settings).await.expect("the gateway binds");
        self.address = gateway.admin_addr().unwrap();
        self.running = Some(tokio::spawn(async move {
            let _ = gateway.run(std::future::pending()).await;
        }));
    }

    async fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    async fn impostor(&mut self, answer: Option<&'static str>) {
        self.kill().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.address = listener.local_addr().unwrap();
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

impl Calls {
    fn backend_at(&self, address: std::net::SocketAddr, timeout: &str) -> Arc<dyn TrafficBackend> {
        let base = format!("http://{address}/v1");
        let split = r#"{"split":{"blue":{{blue}},"green":{{green}}},"order":"{{order}}""#;
        let toml = format!(
            r#"
            service.name = "m"
            blue.urls = ["http://127.0.0.1:1"]
            green.urls = ["http://127.0.0.1:2"]
            [backend]
            kind = "http"
            timeout = "{timeout}"
            survives_restart = true
            compare_and_set = true
            read = {{ url = "{base}/status", bearer = {{ file = "token" }} }}
            [backend.set]
            url = "{base}/split"
            method = "PUT"
            bearer = {{ file = "token" }}
            body = '{split},"expected":"{{{{expected}}}}"}}'
            [backend.rollback]
            url = "{base}/split"
            method = "PUT"
            bearer = {{ file = "token" }}
            body = '{split}}}'
            "#
        );
        backend_of(&toml, self.dir.path())
    }
}

impl Rig for Calls {
    async fn start(split: Split) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), TOKEN).unwrap();
        let mut rig = Self { dir, split, address: ([127, 0, 0, 1], 1).into(), running: None };
        rig.run().await;
        rig
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        self.backend_at(self.address, "500ms")
    }

    async fn relayed(&self) -> Option<(Relay, Arc<dyn TrafficBackend>)> {
        let relay = Relay::before(At::Tcp(self.address), |bytes| http("PUT ", bytes)).await;
        let At::Tcp(at) = relay.at else { return None };
        Some((relay, self.backend_at(at, "10s")))
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
                let cut = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"spl";
                self.impostor(Some(cut)).await;
            }
            Trouble::WrongCredentials => std::fs::write(self.dir.path().join("token"), WRONG_TOKEN).unwrap(),
            Trouble::HalfApplied => return false,
        }
        true
    }

    async fn restart(&mut self) -> bool {
        self.kill().await;
        self.run().await;
        true
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}
