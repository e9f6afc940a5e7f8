//! What a model server answers to the load gate: heads, lengths, chunks.

use cutover::testing::parsers;
use fastrand::Rng;

const WORDS: [&[u8]; 12] = [
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 ",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"0\r\n\r\n",
    b"a\r\n",
    b"ffffffffffffffff",
    b": ",
];

fn target(bytes: &[u8], rng: &mut Rng) {
    let pieces = super::pieces(bytes, rng);
    for bare in [false, true] {
        let whole = parsers::http_response(&[bytes], bare);
        assert_eq!(whole, parsers::http_response(&pieces, bare), "in pieces");
        match whole {
            Ok(read) => {
                assert!((200..1000).contains(&read.status), "{read:?}");
                assert!(read.left_over <= bytes.len(), "{read:?}");
            }
            Err(why) => assert!(why.len() < 100, "faults are counted by their text: {why}"),
        }
    }
}

#[test]
fn responses_of_a_model_server() {
    super::fuzz("http", &WORDS, target);
}
