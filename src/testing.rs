//! The parts of the inside that tests and benches need. Nothing in the program uses them through here.

/// The engine of the load gate.
pub mod load {
    pub use crate::gate::load::{Job, Prepared, Profile, Running, Tally, Tick, start};
}

/// The parsers of bytes that others send.
pub mod parsers {
    use crate::backend::dns::wire;
    use crate::gate::load::Response;
    use crate::probe::metrics::text;
    use crate::probe::stream::sse::Sse;

    /// What was read of an HTTP response.
    #[derive(Debug, PartialEq, Eq)]
    pub struct HttpResponse {
        /// Its status.
        pub status: u16,
        /// Whether the connection can carry another request.
        pub keep: bool,
        /// Bytes after its end.
        pub left_over: usize,
    }

    /// Reads a response that comes in `pieces`, after which the connection closes; `bare` is one to a HEAD request.
    pub fn http_response(pieces: &[&[u8]], bare: bool) -> Result<HttpResponse, String> {
        let (mut response, mut held) = (Response::new(bare), Vec::new());
        for piece in pieces {
            held.extend_from_slice(piece);
            let used = response.take(&held).map_err(String::from)?;
            held.drain(..used);
        }
        if !response.is_done() {
            response.closed(held.len()).map_err(String::from)?;
        }
        Ok(HttpResponse { status: response.status, keep: response.keep, left_over: held.len() })
    }

    /// The names of the answers in a DNS message.
    pub fn dns_message(bytes: &[u8]) -> Result<Vec<String>, String> {
        wire::parse(bytes).map(|reply| reply.answers.into_iter().map(|record| record.name).collect())
    }

    /// The samples of an export: name and labels' values.
    pub fn metrics_text(body: &[u8]) -> Result<Vec<(String, Vec<String>)>, String> {
        let mut samples = Vec::new();
        text::read(body, |sample| {
            let values = sample.labels.into_iter().map(|(_, value)| value.into_owned()).collect();
            samples.push((sample.name.into_owned(), values));
        })?;
        Ok(samples)
    }

    /// The events of a stream that comes in `pieces`, with what its end leaves; `None` for one that is too long.
    pub fn server_sent_events(pieces: &[&[u8]]) -> Option<Vec<(String, String)>> {
        let (mut parser, mut events) = (Sse::default(), Vec::new());
        for piece in pieces {
            parser.push(piece, &mut events).ok()?;
        }
        events.extend(parser.rest());
        Some(events.into_iter().map(|event| (event.kind, event.data)).collect())
    }
}
