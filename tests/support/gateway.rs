//! Real sockets for the gateway's tests: replicas with a script, a gateway, and a plain HTTP client.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cutover::testing::domain::{Pair, RouterStatus, Split};
use cutover::testing::gateway::{Admin, Gateway, GatewayError, Settings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here takes, shorter than a test run's patience.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until `check` holds.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !check().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(DEADLINE, waiting).await.is_ok(), "never came true: {what}");
}

/// One HTTP message as it was on the wire.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Start line and header lines, lower-cased names.
    pub head: Vec<String>,
    pub body: Vec<u8>,
}

impl Message {
    pub fn status(&self) -> u16 {
        self.head[0].split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head[1..].iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// One end of a connection, with what was read ahead.
pub struct Wire<S> {
    pub stream: S,
    pub ahead: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new() }
    }

    pub async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).await.unwrap();
    }

    /// Reads more; `false` at the end.
    pub async fn more(&mut self) -> bool {
        let read = timeout(DEADLINE, self.stream.read_buf(&mut self.ahead)).await.expect("nothing came in time");
        read.is_ok_and(|count| count > 0)
    }

    /// The next head; `None` at the end of the connection.
    pub async fn head(&mut self) -> Option<Vec<String>> {
        let end = loop {
            if let Some(end) = self.ahead.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            if !self.more().await {
                return None;
            }
        };
        let head: Vec<u8> = self.ahead.drain(..end + 4).collect();
        let lines = String::from_utf8_lossy(&head).into_owned();
        let lower = |line: &str| match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
            None => line.to_owned(),
        };
        Some(lines.trim_end().split("\r\n").map(lower).collect())
    }

    pub async fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.ahead.len() < count {
            if !self.more().await {
                return None;
            }
        }
        Some(self.ahead.drain(..count).collect())
    }

    /// One chunk of a chunked body; empty at its end.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let end = loop {
            if let Some(end) = self.ahead.windows(2).position(|bytes| bytes == b"\r\n") {
                break end;
            }
            if !self.more().await {
                return None;
            }
        };
        let line: Vec<u8> = self.ahead.drain(..end + 2).collect();
        let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
        let chunk = self.exactly(size).await?;
        self.exactly(2).await?;
        Some(chunk)
    }

    /// A whole message; `bodyless` for the answer to HEAD. `None` if the connection ended before it did.
    pub async fn message(&mut self, bodyless: bool) -> Option<Message> {
        let mut message = Message { head: self.head().await?, body: Vec::new() };
        if message.head[0].contains(" 100 ") {
            message.head = self.head().await?;
        }
        let answer = message.head[0].starts_with("HTTP/");
        if bodyless || (answer && [204, 304, 101].contains(&message.status())) {
        } else if message.header("transfer-encoding") == Some("chunked") {
            loop {
                let chunk = self.chunk().await?;
                if chunk.is_empty() {
                    break;
                }
                message.body.extend(chunk);
            }
        } else if let Some(length) = message.header("content-length") {
            message.body = self.exactly(length.parse().unwrap()).await?;
        } else if answer {
            while self.more().await {}
            message.body = std::mem::take(&mut self.ahead);
        }
        Some(message)
    }

    /// Sends a request and reads the answer.
    pub async fn ask(&mut self, request: &str) -> Message {
        self.send(request).await;
        self.message(request.starts_with("HEAD ")).await.expect("the connection ended before the answer")
    }
}

/// A replica: every connection is handled by `serve`; counts connections.
pub struct Replica {
    pub addr: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Replica {
    pub async fn start<F, Fut>(serve: F) -> Self
    where
        F: Fn(Wire<TcpStream>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut clients = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                clients.spawn(serve(Wire::new(stream)));
            }
        });
        Self { addr, connections, task }
    }

    /// A replica that answers every request with `answer`, readiness questions with 200.
    pub async fn answering<F>(answer: F) -> Self
    where
        F: Fn(&Message) -> String + Send + Sync + 'static,
    {
        let answer = Arc::new(answer);
        Self::start(move |mut wire| {
            let answer = Arc::clone(&answer);
            async move {
                while let Some(request) = wire.message(false).await {
                    let text = if is_probe(&request) { reply("ready") } else { answer(&request) };
                    if wire.stream.write_all(text.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
    }

    /// A replica that answers its name.
    pub async fn named(name: &'static str) -> Self {
        Self::answering(move |_| reply(name)).await
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn is_probe(request: &Message) -> bool {
    request.head[0].contains(" /ready ")
}

/// A plain 200.
pub fn reply(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// An address nobody listens on.
pub fn nobody() -> String {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    // Bound and not listening, as long as the test's process lives: no one else can be given the port meanwhile.
    let held: &'static _ = Box::leak(Box::new(socket));
    format!("http://{}", held.local_addr().unwrap())
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: models\r\n\r\n")
}

pub fn settings(dir: &TempDir, blue: Vec<String>, green: Vec<String>) -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        admin: Admin::Unix(dir.path().join("admin.sock")),
        state: dir.path().join("state.json"),
        sides: Pair { blue, green },
        ready_path: "/ready".into(),
        initial: Split::all(cutover::testing::domain::Side::Blue),
        sample: false,
    }
}

/// A running gateway.
pub struct Rig {
    pub addr: SocketAddr,
    pub admin: Admin,
    pub admin_addr: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<Result<(), GatewayError>>>,
}

impl Rig {
    pub async fn start(settings: Settings) -> Self {
        let admin = settings.admin.clone();
        // A child that another test starts has a copy of an earlier gateway's lock until its exec.
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        let gateway = loop {
            match Gateway::bind(settings.clone()).await {
                Err(GatewayError::StateLocked(_)) if std::time::Instant::now() < deadline => {
                    tokio::task::yield_now().await;
                }
                gateway => break gateway.unwrap(),
            }
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let (addr, admin_addr) = (gateway.local_addr(), gateway.admin_addr());
        let task = tokio::spawn(gateway.run(async {
            drop(stopped.await);
        }));
        Self { addr, admin, admin_addr, stop: Some(stop), task: Some(task) }
    }

    pub async fn client(&self) -> Wire<TcpStream> {
        Wire::new(TcpStream::connect(self.addr).await.unwrap())
    }

    pub async fn admin(&self, method: &str, path: &str, body: &str) -> Message {
        let Admin::Unix(path_of_socket) = &self.admin else { panic!("a unix socket is needed") };
        admin_at(path_of_socket, method, path, body).await
    }

    pub async fn status(&self) -> RouterStatus {
        serde_json::from_value(self.admin("GET", "/v1/status", "").await.json()).unwrap()
    }

    /// Sets green's share; `expected` makes it a forward order.
    pub async fn order(&self, green: u8, expected: Option<u64>, id: &str) -> Message {
        let expected = expected.map_or("null".to_owned(), |revision| format!("\"{revision}\""));
        let blue = 100 - green;
        let body = format!(r#"{{"split":{{"blue":{blue},"green":{green}}},"expected":{expected},"order":"{id}"}}"#);
        self.admin("PUT", "/v1/split", &body).await
    }

    /// Waits until that many replicas are ready.
    pub async fn ready(&self, blue: u32, green: u32) {
        eventually("replicas are ready", async || {
            let replicas = self.status().await.replicas;
            (replicas.blue.ready, replicas.green.ready) == (blue, green)
        })
        .await;
    }

    /// Begins the shutdown.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Shuts down and waits for the end.
    pub async fn end(mut self) {
        self.stop();
        self.task.take().unwrap().await.unwrap().unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

pub async fn admin_at(socket: &PathBuf, method: &str, path: &str, body: &str) -> Message {
    let mut wire = Wire::new(UnixStream::connect(socket).await.unwrap());
    let length = body.len();
    wire.ask(&format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}")).await
}
