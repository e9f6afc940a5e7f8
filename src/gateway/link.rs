//! One connection to a replica, and one exchange on it.
//!
//! The task of the request drives the connection itself: there is no second task and no wake-up between two tasks. An
//! idle connection is not polled. The next request finds out whether it was closed before it writes a byte.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::samples::ClientBody;

/// The most bytes read ahead and the largest header accepted from a replica.
pub(super) const MAX_BUFFER: usize = 64 * 1024;

/// Boxed once per connection: it is large and would otherwise move with every request.
type Driver = Box<http1::Connection<TokioIo<TcpStream>, ClientBody>>;

/// A connection to a replica.
#[derive(Debug)]
pub(super) struct Link {
    send: SendRequest<ClientBody>,
    /// `None` after the connection has ended, or when another task drives it.
    driver: Option<Driver>,
}

/// Why an exchange got no answer.
#[derive(Debug)]
pub(super) enum Broken {
    /// No byte of the request was written. It is returned and may be sent again.
    Unsent(Box<Request<ClientBody>>),
    /// It was or may have been written. It must never be sent again.
    Sent,
}

impl Link {
    pub(super) async fn open(stream: TcpStream) -> hyper::Result<Self> {
        let (send, driver) = builder().handshake(TokioIo::new(stream)).await?;
        Ok(Self { send, driver: Some(Box::new(driver)) })
    }

    /// A connection that may be upgraded to another protocol. Its own task drives it.
    pub(super) async fn open_for_upgrade(stream: TcpStream) -> hyper::Result<Self> {
        let (send, driver) = builder().handshake(TokioIo::new(stream)).await?;
        // The task that waits for the answer also gets the error.
        tokio::spawn(async move { drop(driver.with_upgrades().await) });
        Ok(Self { send, driver: None })
    }

    /// Sends the request and waits for the head of the answer.
    pub(super) async fn exchange(&mut self, request: Request<ClientBody>) -> Result<Response<Incoming>, Broken> {
        let mut answer = pin!(self.send.try_send_request(request));
        let driver = &mut self.driver;
        let answer = poll_fn(|cx| {
            drive(driver, cx);
            answer.as_mut().poll(cx)
        });
        answer.await.map_err(|mut broken| match broken.take_message() {
            Some(request) => Broken::Unsent(Box::new(request)),
            None => Broken::Sent,
        })
    }

    /// Reads and writes as much as possible without waiting.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.driver, cx);
    }

    /// Whether another request can use it.
    pub(super) fn is_reusable(&mut self) -> bool {
        if self.driver.is_some() && !self.send.is_ready() {
            // The end of the last exchange may not be noticed yet.
            self.drive(&mut Context::from_waker(Waker::noop()));
        }
        self.driver.is_some() && self.send.is_ready()
    }
}

fn drive(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    // The task that waits for the answer or the body gets the error and reports it. Dropping the connection returns a
    // request that was not sent.
    if driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(cx).is_ready()) {
        *driver = None;
    }
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_BUFFER);
    builder
}

/// Yields, so that the runtime checks the sockets. After that, closed connections are known.
pub(super) async fn look_at_sockets() {
    tokio::task::yield_now().await;
}
