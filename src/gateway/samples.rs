//! The latest requests of live traffic, kept in memory for gates that send them to a candidate. Only if the user
//! enables it.
//!
//! At most one request every [`PAUSE`] is copied while it passes, and kept if its answer was 2xx. Anything that may
//! hold a secret is left out: some headers, and requests whose query names a secret. Bodies that are long or not text
//! are not kept either.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request, Response};

use crate::domain::SampledRequest;
use crate::domain::sample::{may_keep, may_keep_path};

/// The shortest time between two kept requests.
const PAUSE: Duration = Duration::from_millis(100);
/// The most kept requests.
const MOST: usize = 100;
/// Longest body kept, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// The most headers kept of a request, and the longest value in bytes.
const MAX_HEADERS: (usize, usize) = (50, 1024);
/// The total size, in bytes.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// The longest answer, in bytes. The caller reads at most 1 MiB.
const MAX_ANSWER: usize = 900 * 1024;

/// The kept requests.
#[derive(Debug)]
pub(super) struct Samples {
    started: Instant,
    /// When the next request may be copied, in milliseconds since the start.
    next_ms: AtomicU64,
    kept: Mutex<VecDeque<SampledRequest>>,
}

/// A request in flight that may be kept.
pub(super) struct Draft {
    sample: SampledRequest,
    heard: Arc<Mutex<Heard>>,
}

/// The part of a body that has passed.
#[derive(Debug, Default)]
struct Heard {
    bytes: Vec<u8>,
    is_whole: bool,
    is_too_long: bool,
}

/// A client's body on its way to a replica. Its bytes are copied if the request may be kept.
pub(super) struct ClientBody {
    inner: Incoming,
    heard: Option<Arc<Mutex<Heard>>>,
}

impl Samples {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), next_ms: AtomicU64::new(0), kept: Mutex::new(VecDeque::with_capacity(MOST)) }
    }

    /// Starts to copy the request, if it is time and the request may be kept.
    pub(super) fn begin<B>(&self, request: &Request<B>) -> Option<Draft> {
        let now = u64::try_from(self.started.elapsed().as_millis()).ok()?;
        let next = self.next_ms.load(Ordering::Relaxed);
        if now < next || !matches!(*request.method(), Method::GET | Method::POST) {
            return None;
        }
        let path = request.uri().path_and_query().map(ToString::to_string).filter(|path| may_keep_path(path))?;
        let pause = now + PAUSE.as_millis() as u64;
        self.next_ms.compare_exchange(next, pause, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        let sample = SampledRequest {
            method: request.method().to_string(),
            path,
            headers: headers(request.headers())?,
            body: String::new(),
            status: 0,
            answer_type: String::new(),
        };
        Some(Draft { sample, heard: Arc::default() })
    }

    /// Keeps the request if its answer is 2xx.
    pub(super) fn keep<B>(&self, draft: Draft, response: &Response<B>) {
        let Draft { sample, heard } = draft;
        let heard = std::mem::take(&mut *locked(&heard));
        let Ok(body) = String::from_utf8(heard.bytes) else { return };
        if !response.status().is_success() || !heard.is_whole || heard.is_too_long {
            return;
        }
        let answer_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let answer_type = answer_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim().to_owned();
        let sample = SampledRequest { body, status: response.status().as_u16(), answer_type, ..sample };
        let mut kept = locked(&self.kept);
        kept.push_back(sample);
        while kept.len() > MOST || (kept.len() > 1 && kept.iter().map(size).sum::<usize>() > MAX_BYTES) {
            kept.pop_front();
        }
    }

    /// The latest requests, newest first, at most `count`, as the list of an answer.
    pub(super) fn latest(&self, count: usize) -> Vec<serde_json::Value> {
        let kept = locked(&self.kept);
        let mut bytes = 0;
        let as_json = |sample: &SampledRequest| serde_json::to_value(sample).ok();
        let fits = |value: &serde_json::Value| {
            bytes += value.to_string().len() + 1;
            bytes <= MAX_ANSWER
        };
        kept.iter().rev().take(count).filter_map(as_json).take_while(fits).collect()
    }
}

fn size(sample: &SampledRequest) -> usize {
    let headers: usize = sample.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    sample.body.len() + sample.path.len() + headers
}

/// The headers that may be kept; `None` if there are too many or one is too long.
fn headers(all: &HeaderMap) -> Option<Vec<(String, String)>> {
    let mut kept = Vec::new();
    for (name, value) in all.iter().filter(|(name, value)| may_keep(name.as_str()) && !value.is_sensitive()) {
        if kept.len() >= MAX_HEADERS.0 || value.len() > MAX_HEADERS.1 {
            return None;
        }
        kept.push((name.to_string(), value.to_str().ok()?.to_owned()));
    }
    Some(kept)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientBody {
    /// The body; copied for `draft` if there is one.
    pub(super) fn new(inner: Incoming, draft: Option<&Draft>) -> Self {
        let heard = draft.map(|draft| Arc::clone(&draft.heard));
        let body = Self { inner, heard };
        body.note(None);
        body
    }

    fn note(&self, bytes: Option<&Bytes>) {
        let Some(heard) = &self.heard else { return };
        let mut heard = locked(heard);
        if let Some(bytes) = bytes {
            heard.is_too_long |= heard.bytes.len() + bytes.len() > MAX_BODY;
            if !heard.is_too_long {
                heard.bytes.extend_from_slice(bytes);
            }
        }
        heard.is_whole |= self.inner.is_end_stream();
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if self.heard.is_some() {
            match &frame {
                Poll::Ready(Some(Ok(frame))) => self.note(frame.data_ref()),
                Poll::Ready(None) => {
                    if let Some(heard) = &self.heard {
                        locked(heard).is_whole = true;
                    }
                }
                Poll::Ready(Some(Err(_))) => self.heard = None,
                Poll::Pending => {}
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl fmt::Debug for ClientBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBody").field("is_noted", &self.heard.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(samples: &Samples, request: &Request<()>, body: &[u8], status: u16) -> bool {
        samples.next_ms.store(0, Ordering::Relaxed);
        let before = locked(&samples.kept).back().cloned();
        let Some(draft) = samples.begin(request) else { return false };
        *locked(&draft.heard) = Heard { bytes: body.to_vec(), is_whole: true, is_too_long: false };
        samples.keep(draft, &Response::builder().status(status).body(()).unwrap());
        locked(&samples.kept).back().cloned() != before
    }

    fn post(path: &str) -> Request<()> {
        let request = Request::post(path).header("authorization", "Bearer s3cret").header("x-api-key", "s3cret");
        request.header("content-type", "application/json").header("cookie", "s3cret").body(()).unwrap()
    }

    #[test]
    fn no_secret_and_nothing_unfit_is_kept() {
        let samples = Samples::new();
        assert!(kept(&samples, &post("/infer?n=1"), b"{}", 200));
        let sample = locked(&samples.kept)[0].clone();
        assert_eq!(sample.headers, [("content-type".to_owned(), "application/json".to_owned())]);
        assert_eq!((sample.path.as_str(), sample.body.as_str()), ("/infer?n=1", "{}"));
        assert!(!serde_json::to_string(&sample).unwrap().contains("s3cret"));
        assert!(!kept(&samples, &post("/infer"), b"{}", 500), "only good answers");
        assert!(!kept(&samples, &post("/infer"), b"\xff", 200), "only text");
        assert!(!kept(&samples, &post("/infer?api_key=abc"), b"{}", 200), "no secret in the query");
        assert!(!kept(&samples, &Request::delete("/x").body(()).unwrap(), b"", 200), "only GET and POST");
    }

    #[test]
    fn number_bytes_and_rate_are_bounded() {
        let samples = Samples::new();
        for n in 0..150 {
            assert!(kept(&samples, &post(&format!("/{n}")), b"{}", 200));
        }
        assert_eq!(locked(&samples.kept).len(), MOST);
        assert_eq!(samples.latest(2).iter().map(|s| s["path"].clone()).collect::<Vec<_>>(), ["/149", "/148"]);
        let long = vec![b'x'; MAX_BODY];
        for n in 0..20 {
            assert!(kept(&samples, &post(&format!("/long{n}")), &long, 200));
        }
        assert!(locked(&samples.kept).iter().map(size).sum::<usize>() <= MAX_BYTES);
        let answer = serde_json::to_string(&samples.latest(100)).unwrap();
        assert!(answer.len() <= MAX_ANSWER && answer.len() > MAX_BODY, "{}", answer.len());
        samples.next_ms.store(u64::MAX, Ordering::Relaxed);
        assert!(samples.begin(&post("/x")).is_none(), "its turn has not come");
    }
}
