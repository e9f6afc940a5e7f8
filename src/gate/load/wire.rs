//! One connection to a replica: writes requests and reads responses. Its buffers are reused.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use hyper::header::CONTENT_TYPE;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::place::{Place, Prepared, Secure};
use super::response::{Fault, Response};
use crate::gate::{MAX_REPLY, REQUEST_TIMEOUT};

/// Bytes of one read: most responses are smaller.
const READ: usize = 4 * 1024;
/// A body of up to this many bytes is written together with its head, in one call.
const TOGETHER: usize = 16 * 1024;

/// Connects to replicas.
pub(super) trait Dial {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin;
    /// Connects to a replica.
    async fn dial(&self, place: &Place) -> Result<Self::Stream, Fault>;
}

/// Over TCP.
pub(super) struct Tcp;

impl Dial for Tcp {
    type Stream = TcpStream;

    async fn dial(&self, place: &Place) -> Result<TcpStream, Fault> {
        if place.addresses.is_empty() {
            return Err("cannot connect: host not found".into());
        }
        let stream = TcpStream::connect(place.addresses.as_slice())
            .await
            .map_err(|err| Fault::from(format!("cannot connect: {}", err.kind())))?;
        drop(stream.set_nodelay(true));
        Ok(stream)
    }
}

/// The connection of one worker; it is opened when a request needs it.
pub(super) struct Connection<S> {
    stream: Option<S>,
    sent: Vec<u8>,
    read: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) const fn new() -> Self {
        Self { stream: None, sent: Vec::new(), read: Vec::new() }
    }

    /// Closes the connection.
    pub(super) fn close(&mut self) {
        self.stream = None;
    }

    /// Sends `request`, reads its response to the end and gives the status. A fault closes the connection.
    pub(super) async fn exchange<D: Dial<Stream = S>>(
        &mut self,
        dial: &D,
        place: &Place,
        request: &Prepared,
    ) -> Result<u16, Fault> {
        if let Some(secure) = &place.tls {
            return exchange_tls(secure, request).await;
        }
        // The replica may have closed an idle connection meanwhile, which is not a fault.
        let mut kept = self.stream.take();
        if let Some(open) = &mut kept
            && !is_quiet(open).await
        {
            kept = None;
        }
        let mut stream = match kept {
            Some(open) => open,
            None => dial.dial(place).await?,
        };
        let response = self.send(&mut stream, place, request).await?;
        if response.keep && self.read.is_empty() {
            self.stream = Some(stream);
        }
        Ok(response.status)
    }

    async fn send(&mut self, stream: &mut S, place: &Place, request: &Prepared) -> Result<Response, Fault> {
        self.read.clear();
        self.sent.clear();
        place.write_head(request, &mut self.sent);
        let body = request.body();
        let (with_head, apart) = if body.len() <= TOGETHER { (body, &[][..]) } else { (&[][..], body) };
        self.sent.extend_from_slice(with_head);
        let mut written = stream.write_all(&self.sent).await;
        if written.is_ok() && !apart.is_empty() {
            written = stream.write_all(apart).await;
        }
        let mut response = Response::new(request.is_bare());
        loop {
            let Ok(read) = self.fill(stream).await else { return Err("connection broken".into()) };
            if read == 0 {
                response.closed(self.read.len())?;
            } else {
                let used = response.take(&self.read)?;
                self.drop_front(used);
            }
            if response.is_done() {
                // A replica that answers before the whole request was sent does not read the rest.
                response.keep &= written.is_ok();
                return Ok(response);
            }
        }
    }

    /// Reads more bytes and appends them.
    async fn fill(&mut self, stream: &mut S) -> std::io::Result<usize> {
        self.read.reserve(READ);
        stream.read_buf(&mut self.read).await
    }

    fn drop_front(&mut self, used: usize) {
        if used == self.read.len() {
            self.read.clear();
        } else if used > 0 {
            self.read.drain(..used);
        }
    }
}

/// Whether the connection is open and quiet: no unrequested bytes, and not closed.
async fn is_quiet<S: AsyncRead + Unpin>(stream: &mut S) -> bool {
    let mut one = [0; 1];
    let mut buf = ReadBuf::new(&mut one);
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *stream).poll_read(cx, &mut buf).is_pending())).await
}

async fn exchange_tls(secure: &Secure, request: &Prepared) -> Result<u16, Fault> {
    let (method, path, body) = request.parts();
    let mut headers = secure.headers.clone();
    if body.is_none() {
        headers.remove(CONTENT_TYPE);
    }
    let sent = secure.client.request(method.clone(), &format!("{}{path}", secure.base)).set(headers);
    let sent = sent.body(body.unwrap_or_default().to_vec());
    let reply = sent.send(REQUEST_TIMEOUT, MAX_REPLY).await.map_err(|error| error.to_string())?;
    Ok(reply.status)
}
