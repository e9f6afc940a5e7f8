//! A model server: the Open Inference Protocol v2 over HTTP/1.1.
//!
//! Everything is bounded: connections, the size and time of a body, requests waiting for the accelerator. A dead
//! server ([`Mode::Dead`]) closes its port, so that connections are refused as by a process that is gone. When it is
//! revived it opens the same port again.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use super::accelerator::{Accelerator, ServiceProfile};
use super::behaviour::{Behaviour, Mode, Treatment};
use super::exports;
use super::model::{Model, transposed};
use super::protocol::{self, MODEL, Refusal, Route, Verb};

/// The largest request body that is read, in bytes.
pub const MAX_BODY: usize = 1 << 20;
/// The response header with the version that answered.
pub(crate) const VERSION_HEADER: &str = "x-model-version";

/// The most connections; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 1024;
/// The time limit of a request body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit of a request head; also of an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of a body that is too large is still read, in bytes, so that the client finishes writing and reads the
/// refusal.
const MAX_DISCARDED: usize = 32 << 20;
/// How long a sluggish server waits before it says that it is ready: within the demo's probe timeout, but beyond its
/// gate.
const SLUGGISH: Duration = Duration::from_millis(650);
/// The pause before the next try to listen or to accept.
const RETRY: Duration = Duration::from_millis(100);

/// The state of a model server.
#[derive(Debug)]
pub struct Server {
    model: Model,
    version: HeaderValue,
    accelerator: Accelerator,
    behaviour: Arc<Behaviour>,
}

/// The error that closes a connection without an answer.
const DROPPED: &str = "connection dropped on purpose";

type Reply = Response<Full<Bytes>>;

impl Server {
    /// A server of `model`. Its behaviour can be changed while it runs.
    pub fn new(model: Model, accelerator: Accelerator, behaviour: Arc<Behaviour>) -> Self {
        let version = HeaderValue::from_str(&model.version).unwrap_or(HeaderValue::from_static("unknown"));
        Self { model, version, accelerator, behaviour }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Reply, &'static str> {
        let path = request.uri().path().to_owned();
        let Some(route) = Route::parse(&path) else {
            return Ok(
                self.refuse(&Refusal::new(404, "no such path: this server speaks the open inference protocol v2"))
            );
        };
        if request.method().as_str() != route.method() {
            let refusal = Refusal::new(405, format!("use {} here", route.method()));
            let mut reply = self.refuse(&refusal);
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static(route.method()));
            return Ok(reply);
        }
        let body = match route {
            Route::Metrics => return Ok(self.metrics()),
            Route::Server => protocol::server_metadata(),
            Route::Live => json!({ "live": true }),
            Route::Ready => {
                if self.behaviour.mode() == Mode::Sluggish {
                    time::sleep(SLUGGISH).await;
                }
                json!({ "ready": true })
            }
            Route::Model { name, version, verb } => {
                if name != MODEL || version.is_some_and(|version| version != self.model.version) {
                    return Ok(self.refuse(&Refusal::new(404, format!("no such model: ask for {MODEL:?}"))));
                }
                match verb {
                    Verb::Metadata => protocol::model_metadata(&self.model),
                    Verb::Ready => json!({ "name": MODEL, "ready": true }),
                    Verb::Infer => return self.infer(request.into_body()).await,
                }
            }
        };
        Ok(self.reply(StatusCode::OK, &body))
    }

    async fn infer(&self, body: Incoming) -> Result<Reply, &'static str> {
        let request = match read_body(body).await {
            Ok(bytes) => protocol::parse_infer(&bytes, self.model.pixel_max),
            Err(refusal) => Err(refusal),
        };
        let mut request = match request {
            Ok(request) => request,
            Err(_) if self.behaviour.mode() == Mode::Fragile => {
                return Ok(self.refuse(&Refusal::new(500, "unhandled: the request could not be read")));
            }
            Err(refusal) => return Ok(self.refuse(&refusal)),
        };
        let treatment = self.behaviour.treat();
        let profile = match treatment {
            Treatment::Slow(times) => ServiceProfile { times, alone: false },
            Treatment::InTurn => ServiceProfile { times: 1, alone: true },
            _ => ServiceProfile::FAIR,
        };
        if self.accelerator.serve(request.images.len(), profile).await.is_err() {
            return Ok(self.refuse(&Refusal::new(503, "too many requests are waiting: try again later")));
        }
        match treatment {
            Treatment::Dropped => return Err(DROPPED),
            Treatment::Error => return Ok(self.refuse(&Refusal::new(500, "accelerator fault: the batch was lost"))),
            Treatment::Transposed => {
                for image in &mut request.images {
                    *image = transposed(image);
                }
            }
            Treatment::Fair | Treatment::Slow(_) | Treatment::InTurn => {}
        }
        let predictions: Vec<_> = request.images.iter().map(|image| self.model.predict(image)).collect();
        Ok(self.reply(StatusCode::OK, &protocol::infer_reply(&self.model, &request, &predictions)))
    }

    fn metrics(&self) -> Reply {
        let mut reply = Response::new(Full::from(exports::text(&self.accelerator.gauges())));
        reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(exports::CONTENT_TYPE));
        reply
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut reply = self.reply(status, &refusal.body());
        if matches!(refusal.status, 408 | 413) {
            // The rest of the body may still arrive. It must not be read as the next request.
            reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        reply
    }

    fn reply(&self, status: StatusCode, body: &Value) -> Reply {
        let mut reply = Response::new(Full::from(body.to_string()));
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(VERSION_HEADER, self.version.clone());
        reply
    }
}

/// Reads the whole body, within the limits of size and time.
async fn read_body(mut body: Incoming) -> Result<Vec<u8>, Refusal> {
    let read = async {
        let (mut bytes, mut total) = (Vec::new(), 0_usize);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::new(400, "the body ended too early"))?;
            let Some(data) = frame.data_ref() else { continue };
            total += data.len();
            if total <= MAX_BODY {
                bytes.extend_from_slice(data);
            } else if total > MAX_DISCARDED {
                break;
            } else {
                bytes = Vec::new();
            }
        }
        if total > MAX_BODY {
            return Err(Refusal::new(413, format!("the body is larger than {MAX_BODY} bytes")));
        }
        Ok(bytes)
    };
    let late = || Refusal::new(408, format!("the body did not come within {} s", BODY_TIMEOUT.as_secs()));
    time::timeout(BODY_TIMEOUT, read).await.unwrap_or_else(|_| Err(late()))
}

/// Serves on `listener` until `shutdown` resolves; then open connections are closed.
///
/// # Errors
/// The listener has no address.
pub async fn serve(listener: TcpListener, server: Arc<Server>, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut mode = server.behaviour.watch();
    tokio::select! {
        () = shutdown => {}
        never = live_and_die(listener, address, &server, &mut mode) => match never {},
    }
    Ok(())
}

/// Serves; closes everything while the server is dead; serves again.
async fn live_and_die(
    mut listener: TcpListener,
    address: SocketAddr,
    server: &Arc<Server>,
    mode: &mut watch::Receiver<Mode>,
) -> Infallible {
    loop {
        tokio::select! {
            never = accept(&listener, server) => match never {},
            () = until(mode, |mode| mode == Mode::Dead) => {}
        }
        drop(listener);
        until(mode, |mode| mode != Mode::Dead).await;
        listener = loop {
            match TcpListener::bind(address).await {
                Ok(listener) => break listener,
                Err(_) => time::sleep(RETRY).await,
            }
        };
    }
}

/// Resolves when the mode is as wanted; never if the sender is gone.
async fn until(mode: &mut watch::Receiver<Mode>, wanted: impl Fn(Mode) -> bool) {
    if mode.wait_for(|mode| wanted(*mode)).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Accepts and serves connections. Dropping this closes them all.
async fn accept(listener: &TcpListener, server: &Arc<Server>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, server.clone()));
                }
                // No free file descriptors, or a client that has already gone: go on after a pause.
                Err(_) => time::sleep(RETRY).await,
            },
        }
    }
}

async fn connection(stream: TcpStream, server: Arc<Server>) {
    // Without this, the second of two small writes waits for the client's acknowledgement. A failure only costs
    // speed.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let server = server.clone();
        async move { server.answer(request).await }
    });
    // An error means that a client went away or that a fault was made on purpose. Both end the connection.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
