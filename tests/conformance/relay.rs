//! Stands between a backend and a system, and holds one change back: as a socket or a slow network does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Where a system or a relay listens.
#[derive(Debug, Clone)]
pub enum At {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Whether what is sent is a change, by its first bytes.
pub type IsChange = fn(&[u8]) -> bool;

pub struct Relay {
    /// Where it listens: as the system does, TCP or a socket.
    pub at: At,
    state: Arc<State>,
    _dir: tempfile::TempDir,
    task: JoinHandle<()>,
}

struct State {
    real: At,
    is_change: IsChange,
    /// The next change is held.
    is_armed: AtomicBool,
    is_holding: AtomicBool,
    held: Semaphore,
    go: Semaphore,
    answered: Semaphore,
    /// Other changes that were answered while one is held.
    passed: Semaphore,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Relay {
    pub async fn before(real: At, is_change: IsChange) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = Arc::new(State {
            is_change,
            is_armed: AtomicBool::new(false),
            is_holding: AtomicBool::new(false),
            held: Semaphore::new(0),
            go: Semaphore::new(0),
            answered: Semaphore::new(0),
            passed: Semaphore::new(0),
            real: real.clone(),
        });
        let it = Arc::clone(&state);
        let (at, task) = match real {
            At::Tcp(_) => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let at = At::Tcp(listener.local_addr().unwrap());
                (
                    at,
                    tokio::spawn(async move {
                        while let Ok((client, _)) = listener.accept().await {
                            tokio::spawn(Arc::clone(&it).pass(Box::new(client)));
                        }
                    }),
                )
            }
            At::Unix(_) => {
                let path = dir.path().join("relay.sock");
                let listener = UnixListener::bind(&path).unwrap();
                (
                    At::Unix(path),
                    tokio::spawn(async move {
                        while let Ok((client, _)) = listener.accept().await {
                            tokio::spawn(Arc::clone(&it).pass(Box::new(client)));
                        }
                    }),
                )
            }
        };
        Self { at, state, _dir: dir, task }
    }

    /// Holds the next change.
    pub fn arm(&self) {
        self.state.is_armed.store(true, Ordering::SeqCst);
    }

    /// A change is held.
    pub async fn is_held(&self) {
        one(&self.state.held, "a change is held").await;
    }

    /// Another change was answered meanwhile.
    pub async fn has_passed(&self) {
        one(&self.state.passed, "a change passes").await;
    }

    /// Lets the change go on, and waits until the system has answered it.
    pub async fn let_go(&self) {
        self.state.go.add_permits(1);
        one(&self.state.answered, "the change is answered").await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn one(semaphore: &Semaphore, what: &str) {
    tokio::time::timeout(Duration::from_secs(15), semaphore.acquire()).await.expect(what).unwrap().forget();
}

impl State {
    async fn pass(self: Arc<Self>, client: Box<dyn Stream>) {
        let real: Box<dyn Stream> = match &self.real {
            At::Tcp(real) => match TcpStream::connect(real).await {
                Ok(real) => Box::new(real),
                Err(_) => return,
            },
            At::Unix(real) => match UnixStream::connect(real).await {
                Ok(real) => Box::new(real),
                Err(_) => return,
            },
        };
        let (mut from, mut answers) = tokio::io::split(client);
        let (mut real_answers, mut to) = tokio::io::split(real);
        let (is_late, is_passing) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let is_closed = Arc::new(AtomicBool::new(false));
        let (me, late, passing) = (Arc::clone(&self), Arc::clone(&is_late), Arc::clone(&is_passing));
        let closed = Arc::clone(&is_closed);
        tokio::spawn(async move {
            let mut chunk = vec![0; 65_536];
            while let Ok(n @ 1..) = from.read(&mut chunk).await {
                let is_change = (me.is_change)(&chunk[..n]);
                if is_change && me.is_armed.swap(false, Ordering::SeqCst) {
                    me.is_holding.store(true, Ordering::SeqCst);
                    me.held.add_permits(1);
                    // Whether its sender is gone meanwhile makes no difference.
                    me.go.acquire().await.unwrap().forget();
                    late.store(true, Ordering::SeqCst);
                } else if is_change && me.is_holding.load(Ordering::SeqCst) {
                    passing.store(true, Ordering::SeqCst);
                }
                let is_written = to.write_all(&chunk[..n]).await.is_ok();
                // A system that has closed the connection meanwhile (Caddy, when it reloads) gives no other answer.
                if closed.load(Ordering::SeqCst) && late.swap(false, Ordering::SeqCst) {
                    me.answered.add_permits(1);
                }
                if !is_written {
                    return;
                }
            }
            let _ = to.shutdown().await;
        });
        let mut chunk = vec![0; 65_536];
        while let Ok(n @ 1..) = real_answers.read(&mut chunk).await {
            let _ = answers.write_all(&chunk[..n]).await;
            if is_late.swap(false, Ordering::SeqCst) {
                self.answered.add_permits(1);
            }
            if is_passing.swap(false, Ordering::SeqCst) {
                self.passed.add_permits(1);
            }
        }
        is_closed.store(true, Ordering::SeqCst);
        if is_late.swap(false, Ordering::SeqCst) {
            self.answered.add_permits(1);
        }
    }
}

/// The request line of a change over HTTP begins so.
pub fn http(method: &str, bytes: &[u8]) -> bool {
    bytes.starts_with(method.as_bytes())
}

/// An update message over TCP (RFC 2136): two bytes of length, two of id, then the code of the operation.
pub fn dns_update(bytes: &[u8]) -> bool {
    bytes.get(4).is_some_and(|flags| (flags >> 3) & 0xf == 5)
}
