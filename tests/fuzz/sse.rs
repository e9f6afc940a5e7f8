//! What a streaming model server sends: server-sent events.

use cutover::testing::parsers;
use fastrand::Rng;

const WORDS: [&[u8]; 10] =
    [b"\n", b"\r", b"\r\n", b"\n\n", b"data: ", b"data", b"event: ", b": ", b"[DONE]", b"\xef\xbb\xbf"];

/// Bytes of an event; one that is not UTF-8 may be written in three.
const MAX_EVENT: usize = 3 * 64 * 1024;

fn target(bytes: &[u8], rng: &mut Rng) {
    let whole = parsers::server_sent_events(&[bytes]);
    assert_eq!(whole, parsers::server_sent_events(&super::pieces(bytes, rng)), "in pieces");
    let events = whole.unwrap_or_default();
    assert!(events.iter().all(|(kind, data)| kind.len() + data.len() <= MAX_EVENT));
    let text: usize = events.iter().map(|(kind, data)| kind.len() + data.len()).sum();
    assert!(text <= 3 * bytes.len(), "{text} bytes out of {}", bytes.len());
}

#[test]
fn events_of_a_model_server() {
    super::fuzz("sse", &WORDS, target);
}
