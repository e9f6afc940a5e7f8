//! A real Traefik that reads a file, and one that reads a real Redis.

use std::net::SocketAddr;
use std::sync::Arc;

use cutover::testing::backend::TrafficBackend;
use cutover::testing::domain::{Side, Split};
use cutover::testing::runtime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::relay::{At, Relay};
use crate::rig::{Rig, TOKEN, Trouble, WRONG_TOKEN};
use crate::support::program;

use crate::support::traefik as server;

use server::{From, PASSWORD, Redis, Traefik, WRONG, With, config, lay_out, nowhere};

const HTML: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<html>hi</html>";

/// Something else that listens where the server was.
struct Impostor {
    at: SocketAddr,
    running: JoinHandle<()>,
}

impl Impostor {
    async fn start(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let running = tokio::spawn(async move {
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
        });
        Self { at, running }
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn are_there(test: &str, programs: &[&str]) -> bool {
    programs.iter().all(|name| program::need(test, name).is_some())
}

/// The file provider.
pub struct FileOf {
    dir: tempfile::TempDir,
    traefik: Traefik,
    /// Reads the same file, once.
    second: Option<Traefik>,
    impostor: Option<Impostor>,
}

impl Rig for FileOf {
    fn is_there(test: &str) -> bool {
        are_there(test, &["traefik"])
    }

    async fn start(split: Split) -> Self {
        let dir = tempfile::tempdir().unwrap();
        lay_out(dir.path(), From::Yaml, split, &nowhere());
        let traefik = Traefik::start(dir.path(), From::Yaml, With::default());
        Self { dir, traefik, second: None, impostor: None }
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        let first = self.impostor.as_ref().map_or(self.traefik.api, |it| it.at);
        let second = self.second.as_ref().map_or_else(String::new, |it| format!(", \"{}\"", it.url()));
        let toml = format!(
            "api = [\"http://{first}\"{second}]\nfile = \"dyn/split.yml\"\nheaders = {{ authorization = {{ file = \"auth\" }} }}\n"
        );
        runtime::connect(&config(&toml, self.dir.path()))
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Down => self.traefik.kill(),
            Trouble::Silent => self.impostor = Some(Impostor::start(None).await),
            Trouble::Html => self.impostor = Some(Impostor::start(Some(HTML)).await),
            Trouble::CutOff => {
                let cut = "HTTP/1.1 200 OK\r\ncontent-length: 184\r\n\r\n{\"weighted\":{\"serv";
                self.impostor = Some(Impostor::start(Some(cut)).await);
            }
            Trouble::WrongCredentials => std::fs::write(self.dir.path().join("auth"), WRONG).unwrap(),
            Trouble::HalfApplied => {
                let with = With { watch: false, ..With::default() };
                self.second = Some(Traefik::start(self.dir.path(), From::Yaml, with));
            }
        }
        true
    }

    async fn restart(&mut self) -> bool {
        self.traefik.kill();
        self.traefik.run();
        true
    }
}

/// The Redis provider.
pub struct RedisOf {
    dir: tempfile::TempDir,
    traefik: Traefik,
    redis: Redis,
    /// Reads another Redis, which never hears of a change.
    second: Option<Copy>,
    impostor: Option<Impostor>,
}

struct Copy {
    traefik: Traefik,
    _redis: Redis,
    _dir: tempfile::TempDir,
}

impl Copy {
    fn start(split: Split) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let redis = Redis::start();
        let from = From::Redis(redis.port);
        lay_out(dir.path(), from, split, &nowhere());
        Self { traefik: Traefik::start(dir.path(), from, With::default()), _redis: redis, _dir: dir }
    }
}

impl RedisOf {
    fn backend_at(&self, port: u16) -> Arc<dyn TrafficBackend> {
        let second = self.second.as_ref().map_or_else(String::new, |it| format!(", \"{}\"", it.traefik.url()));
        let toml = format!(
            "api = [\"{}\"{second}]\nredis = \"127.0.0.1:{port}\"\nuser = \"cutover\"\npassword = {{ file = \"password\" }}\n\
             blue = \"blue@file\"\ngreen = \"green@file\"\nheaders = {{ authorization = {{ file = \"auth\" }} }}\n",
            self.traefik.url()
        );
        runtime::connect(&config(&toml, self.dir.path()))
    }
}

impl Rig for RedisOf {
    fn is_there(test: &str) -> bool {
        are_there(test, &["traefik", "redis-server"])
    }

    async fn start(split: Split) -> Self {
        assert_eq!(TOKEN, PASSWORD);
        let dir = tempfile::tempdir().unwrap();
        let redis = Redis::start();
        let from = From::Redis(redis.port);
        lay_out(dir.path(), from, split, &nowhere());
        std::fs::write(dir.path().join("password"), TOKEN).unwrap();
        let traefik = Traefik::start(dir.path(), from, With::default());
        Self { dir, traefik, redis, second: None, impostor: None }
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        self.backend_at(self.impostor.as_ref().map_or(self.redis.port, |it| it.at.port()))
    }

    async fn relayed(&self) -> Option<(Relay, Arc<dyn TrafficBackend>)> {
        let is_change: crate::relay::IsChange = |bytes| bytes.windows(5).any(|word| word == b"MULTI");
        let relay = Relay::before(At::Tcp(([127, 0, 0, 1], self.redis.port).into()), is_change).await;
        let At::Tcp(at) = relay.at else { return None };
        Some((relay, self.backend_at(at.port())))
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Down => self.redis.kill(),
            Trouble::Silent => self.impostor = Some(Impostor::start(None).await),
            Trouble::Html => self.impostor = Some(Impostor::start(Some(HTML)).await),
            Trouble::CutOff => self.impostor = Some(Impostor::start(Some("+OK\r\n*2\r\n$22\r\nnotify-")).await),
            Trouble::WrongCredentials => std::fs::write(self.dir.path().join("password"), WRONG_TOKEN).unwrap(),
            Trouble::HalfApplied => self.second = Some(Copy::start(Split::all(Side::Blue))),
        }
        true
    }

    async fn restart(&mut self) -> bool {
        self.traefik.kill();
        self.traefik.run();
        true
    }
}
