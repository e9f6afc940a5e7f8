//! A scripted HTTP server on a port of its own: well behaved, or as bad as a test needs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub number: usize,
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// What the server does with a request.
pub enum Answer {
    /// Status, further header lines, body.
    Reply(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The same after a while.
    After(Duration, u16, Vec<u8>),
    /// A head, and then a byte at a time, without end.
    Drip(Duration),
    /// A head without length, and then garbage: so many bytes.
    Flood(usize),
    /// Closes the connection without a word.
    Drop,
    /// Never answers.
    Hang,
}

impl Answer {
    pub fn json(body: &str) -> Self {
        Self::Reply(200, vec![("content-type", "application/json".into())], body.as_bytes().to_vec())
    }

    pub fn status(status: u16) -> Self {
        Self::Reply(status, Vec::new(), Vec::new())
    }
}

/// Ends with the test.
pub struct Server {
    pub url: String,
    served: Arc<AtomicUsize>,
    most_at_once: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (served, now, most) = (Arc::<AtomicUsize>::default(), Arc::default(), Arc::<AtomicUsize>::default());
        let shared =
            Shared { served: Arc::clone(&served), at_once: now, most: Arc::clone(&most), answer: Arc::new(answer) };
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(shared.clone().serve(stream));
            }
        });
        Self { url, served, most_at_once: most, task }
    }

    /// Requests read so far.
    pub fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    /// The most requests that were under way together.
    pub fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct Shared {
    served: Arc<AtomicUsize>,
    at_once: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    answer: Arc<dyn Fn(&Request) -> Answer + Send + Sync>,
}

/// Counts a request as under way until it is dropped.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(mut request) = read(&mut stream).await {
            request.number = self.served.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(self.at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let _under_way = UnderWay(Arc::clone(&self.at_once));
            if !write(&mut stream, (self.answer)(&request), request.method == "HEAD").await {
                return;
            }
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { number: 0, method, path, headers, body })
}

/// Whether the connection can go on.
async fn write(stream: &mut BufReader<TcpStream>, answer: Answer, head_only: bool) -> bool {
    match answer {
        Answer::Reply(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.extend([name, ": ", &value, "\r\n"]);
            }
            let body = if head_only { Vec::new() } else { body };
            let all = [head.into_bytes(), b"\r\n".to_vec(), body].concat();
            stream.write_all(&all).await.is_ok()
        }
        Answer::After(delay, status, body) => {
            tokio::time::sleep(delay).await;
            Box::pin(write(stream, Answer::Reply(status, Vec::new(), body), head_only)).await
        }
        Answer::Drip(pause) => {
            let mut alive = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n").await.is_ok();
            while alive {
                tokio::time::sleep(pause).await;
                alive = stream.write_all(b" ").await.is_ok();
            }
            false
        }
        Answer::Flood(bytes) => {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await);
            let chunk = vec![0xa5; 16 * 1024];
            for _ in 0..bytes / chunk.len() {
                if stream.write_all(&chunk).await.is_err() {
                    break;
                }
            }
            false
        }
        Answer::Drop => false,
        Answer::Hang => std::future::pending().await,
    }
}

/// An address where nothing listens.
pub fn dead_url() -> String {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    // Bound and not listening, as long as the test's process lives: no one else can be given the port meanwhile.
    let held: &'static _ = Box::leak(Box::new(socket));
    format!("http://{}", held.local_addr().unwrap())
}
