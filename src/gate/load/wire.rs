//! One connection to a replica: a request's bytes out, its answer's bytes in, into memory that is used again.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use hyper::header::CONTENT_TYPE;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::answer::{Answer, Fault};
use super::place::{Place, Prepared, Secure};
use crate::gate::MAX_REPLY;

/// Read at once, in bytes: a usual answer is smaller.
const READ: usize = 4 * 1024;
/// A body up to this length leaves with its head, in one call.
const TOGETHER: usize = 16 * 1024;

/// How replicas are connected to.
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

/// What one worker sends on: at most one connection.
pub(super) struct Line<S> {
    stream: Option<S>,
    sent: Vec<u8>,
    read: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub(super) const fn new() -> Self {
        Self { stream: None, sent: Vec::new(), read: Vec::new() }
    }

    /// Gives the connection up.
    pub(super) fn hang_up(&mut self) {
        self.stream = None;
    }

    /// Sends `request` and reads its answer to the end; gives the status. After a fault the connection is gone.
    pub(super) async fn exchange<D: Dial<Stream = S>>(
        &mut self,
        dial: &D,
        place: &Place,
        request: &Prepared,
    ) -> Result<u16, Fault> {
        if let Some(secure) = &place.tls {
            return exchange_tls(secure, request).await;
        }
        // A kept connection may have been closed meanwhile: that is no fault.
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
        let answer = self.ask(&mut stream, place, request).await?;
        if answer.keep && self.read.is_empty() {
            self.stream = Some(stream);
        }
        Ok(answer.status)
    }

    async fn ask(&mut self, stream: &mut S, place: &Place, request: &Prepared) -> Result<Answer, Fault> {
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
        let mut answer = Answer::new(request.is_bare());
        loop {
            let Ok(read) = self.fill(stream).await else { return Err("connection broken".into()) };
            if read == 0 {
                answer.closed(self.read.len())?;
            } else {
                let used = answer.take(&self.read)?;
                self.drop_front(used);
            }
            if answer.is_done() {
                // Who answers before all was sent does not read the rest.
                answer.keep &= written.is_ok();
                return Ok(answer);
            }
        }
    }

    /// Reads more behind what is there.
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

/// Whether nothing has come in that nobody asked for, the end of the connection least of all.
async fn is_quiet<S: AsyncRead + Unpin>(stream: &mut S) -> bool {
    let mut one = [0; 1];
    let mut buf = ReadBuf::new(&mut one);
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *stream).poll_read(cx, &mut buf).is_pending())).await
}

async fn exchange_tls(secure: &Secure, request: &Prepared) -> Result<u16, Fault> {
    let fault = |err: &reqwest::Error| Fault::from(if err.is_connect() { "cannot connect" } else { "answer cut off" });
    let (method, path, body) = request.parts();
    let mut headers = secure.headers.clone();
    let mut sent = secure.client.request(method.clone(), format!("{}{path}", secure.base));
    if let Some(body) = body {
        sent = sent.body(body.to_vec());
    } else {
        headers.remove(CONTENT_TYPE);
    }
    let mut answer = sent.headers(headers).send().await.map_err(|err| fault(&err))?;
    let mut read = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|err| fault(&err))? {
        read += chunk.len();
        if read > MAX_REPLY {
            return Err("answer cut off or too long".into());
        }
    }
    Ok(answer.status().as_u16())
}
