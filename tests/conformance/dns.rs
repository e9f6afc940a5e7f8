//! Real DNS servers: BIND by signed updates, PowerDNS by its interface.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use cutover::testing::backend::TrafficBackend;
use cutover::testing::domain::{Side, Split};
use cutover::testing::runtime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::relay::{At, Relay, dns_update, http};
use crate::rig::{Rig, TOKEN, Trouble, WRONG_TOKEN, is_there};

use crate::support::dns as server;

use server::{API_KEY, Bind, PowerDns, SECRET, WRONG_SECRET, config, find, powerdns_lacks};

const HTML: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<html>hi</html>";

/// Something else that listens where the server was.
async fn impostor(answer: Option<Vec<u8>>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let running = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if let Some(answer) = &answer {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer).await;
            } else {
                held.push(stream);
            }
        }
    });
    (address, running)
}

fn backend_of(toml: &str, dir: &Path) -> Arc<dyn TrafficBackend> {
    runtime::connect(&config(toml, dir).expect("the config is sound"))
}

/// BIND with weights: SRV records.
pub struct Updated {
    server: Bind,
    address: SocketAddr,
    /// A second server that never hears of a change.
    secondary: Option<Bind>,
    running: Option<JoinHandle<()>>,
}

fn srv(split: Split) -> String {
    let one = |side| match split.share(side) {
        0 => String::new(),
        share => format!("api 30 IN SRV 0 {share} 8080 {side}.ml.test.\n"),
    };
    format!("blue IN A 127.0.0.11\ngreen IN A 127.0.0.12\n{}{}", one(Side::Blue), one(Side::Green))
}

impl Updated {
    fn backend_at(&self, address: SocketAddr) -> Arc<dyn TrafficBackend> {
        let secondaries =
            self.secondary.as_ref().map_or_else(String::new, |server| format!("\"{}\"", server.address()));
        let toml = format!(
            "method = \"update\"\nrecord = \"SRV\"\nserver = \"{address}\"\nkey = \"cutover\"\nsecret = {{ file = \"secret\" }}\n\
             blue = [\"blue.ml.test:8080\"]\ngreen = [\"green.ml.test:8080\"]\nsecondaries = [{secondaries}]\n"
        );
        backend_of(&toml, self.server.dir.path())
    }
}

impl Rig for Updated {
    fn is_there(test: &str) -> bool {
        is_there(test, find("named").is_none().then_some("named is not there"))
    }

    async fn start(split: Split) -> Self {
        let server = Bind::start(&srv(split));
        std::fs::write(server.dir.path().join("secret"), SECRET).unwrap();
        Self { address: server.address(), server, secondary: None, running: None }
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        self.backend_at(self.address)
    }

    async fn relayed(&self) -> Option<(Relay, Arc<dyn TrafficBackend>)> {
        let relay = Relay::before(At::Tcp(self.address), dns_update).await;
        let At::Tcp(at) = relay.at else { return None };
        Some((relay, self.backend_at(at)))
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Down => self.server.stop(),
            Trouble::Silent => {
                let (address, running) = impostor(None).await;
                (self.address, self.running) = (address, Some(running));
            }
            Trouble::Html => {
                let (address, running) = impostor(Some(HTML.into())).await;
                (self.address, self.running) = (address, Some(running));
            }
            Trouble::CutOff => {
                let (address, running) = impostor(Some(b"\0\x40\x12\x34\x84\0".to_vec())).await;
                (self.address, self.running) = (address, Some(running));
            }
            Trouble::WrongCredentials => {
                std::fs::write(self.server.dir.path().join("secret"), WRONG_SECRET).unwrap();
            }
            Trouble::HalfApplied => self.secondary = Some(Bind::start(&srv(Split::all(Side::Blue)))),
        }
        true
    }

    async fn restart(&mut self) -> bool {
        self.server.stop();
        assert!(self.server.run(), "the port is free again");
        true
    }
}

impl Drop for Updated {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}

/// PowerDNS with LUA records.
pub struct Picked {
    server: PowerDns,
    api: u16,
    running: Option<JoinHandle<()>>,
}

impl Picked {
    fn backend_at(&self, api: u16) -> Arc<dyn TrafficBackend> {
        let toml = format!(
            "method = \"powerdns\"\napi = \"http://127.0.0.1:{}\"\napi_key = {{ file = \"key\" }}\n\
             server = \"127.0.0.1:{}\"\nblue = [\"127.0.0.11\"]\ngreen = [\"127.0.0.12\"]\n",
            api, self.server.dns
        );
        backend_of(&toml, self.server.dir.path())
    }
}

impl Rig for Picked {
    fn is_there(test: &str) -> bool {
        is_there(test, powerdns_lacks().as_deref())
    }

    async fn start(split: Split) -> Self {
        assert_eq!(TOKEN, API_KEY);
        let (blue, green) = (split.share(Side::Blue), split.share(Side::Green));
        let content = format!("A \"pickwrandom({{{{{blue},'127.0.0.11'}},{{{green},'127.0.0.12'}}}})\"");
        let server = PowerDns::start(&content, true);
        std::fs::write(server.dir.path().join("key"), TOKEN).unwrap();
        Self { api: server.api, server, running: None }
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        self.backend_at(self.api)
    }

    async fn relayed(&self) -> Option<(Relay, Arc<dyn TrafficBackend>)> {
        let relay = Relay::before(At::Tcp(([127, 0, 0, 1], self.api).into()), |bytes| http("PATCH ", bytes)).await;
        let At::Tcp(at) = relay.at else { return None };
        Some((relay, self.backend_at(at.port())))
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        let answer = match trouble {
            Trouble::Down => {
                self.server.stop();
                return true;
            }
            Trouble::WrongCredentials => {
                std::fs::write(self.server.dir.path().join("key"), WRONG_TOKEN).unwrap();
                return true;
            }
            // One server with one database.
            Trouble::HalfApplied => return false,
            Trouble::Silent => None,
            Trouble::Html => Some(HTML.into()),
            Trouble::CutOff => Some(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"rrs".to_vec()),
        };
        let (address, running) = impostor(answer).await;
        (self.api, self.running) = (address.port(), Some(running));
        true
    }

    async fn restart(&mut self) -> bool {
        self.server.stop();
        assert!(self.server.run(), "the ports are free again");
        true
    }
}

impl Drop for Picked {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}
