//! The body of an answer, passed on as it arrives without delay.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::clients::Busy;
use super::link::Link;
use super::side::Flight;

/// The body sent to a client.
#[derive(Debug)]
pub(super) struct AnswerBody {
    content: Content,
    /// Held until the last byte was passed on.
    _busy: Busy,
}

impl AnswerBody {
    pub(super) fn new(content: Content, busy: Busy) -> Self {
        Self { content, _busy: busy }
    }
}

/// The source of an answer.
#[derive(Debug)]
pub(super) enum Content {
    /// A replica's answer.
    Relayed(Relayed),
    /// A short text made here; `None` after it was sent.
    Text(Option<Bytes>),
}

/// A replica's answer on its way through.
#[derive(Debug)]
pub(super) struct Relayed {
    body: Incoming,
    /// The connection it arrives on; `None` after it was given back.
    link: Option<Link>,
    flight: Flight,
}

impl Relayed {
    pub(super) fn new(body: Incoming, link: Link, flight: Flight) -> Self {
        let mut relayed = Self { body, link: Some(link), flight };
        relayed.release_at_end();
        relayed
    }

    /// Gives the connection back as soon as the body is complete, so that the next request can use it.
    fn release_at_end(&mut self) {
        if self.body.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(mut link) = self.link.take()
            && link.is_reusable()
        {
            self.flight.replica().keep(link);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let Some(link) = &mut self.link else { return Poll::Pending };
        link.drive(cx);
        Pin::new(&mut self.body).poll_frame(cx)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        match &mut self.content {
            Content::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Content::Relayed(relayed) => {
                let frame = relayed.poll(cx);
                match &frame {
                    Poll::Ready(Some(Ok(_))) => relayed.release_at_end(),
                    Poll::Ready(None) => relayed.release(),
                    Poll::Ready(Some(Err(_))) => {
                        relayed.link = None;
                        relayed.flight.cut_off();
                    }
                    Poll::Pending => {}
                }
                frame
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Text(text) => text.is_none(),
            Content::Relayed(relayed) => relayed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Content::Relayed(relayed) => relayed.body.size_hint(),
        }
    }
}
