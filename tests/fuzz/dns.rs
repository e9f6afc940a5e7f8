//! What a name server answers.

use cutover::testing::parsers;
use fastrand::Rng;

const WORDS: [&[u8]; 8] = [
    b"\xc0\x0c",
    b"\xc0\x00",
    b"\x00\x01\x00\x01",
    b"\x00\x21\x00\x01",
    b"\x00\xfa\x00\xff",
    b"\x3f",
    b"\x00",
    b"\xff\xff",
];

/// 255 bytes of a name at most (RFC 1035, 2.3.4); each may be written in four characters.
const MAX_NAME: usize = 4 * 255;

fn target(bytes: &[u8], _: &mut Rng) {
    let read = parsers::dns_message(bytes);
    assert_eq!(read, parsers::dns_message(bytes));
    match read {
        Ok(names) => {
            // A record takes ten bytes and a name.
            assert!(names.len() <= bytes.len() / 11, "{} records out of {} bytes", names.len(), bytes.len());
            let longest = names.iter().map(String::len).max().unwrap_or(0);
            assert!(longest <= MAX_NAME, "a name of {longest} characters");
        }
        Err(why) => assert!(!why.is_empty() && why.len() < 200, "{why}"),
    }
}

#[test]
fn messages_of_a_name_server() {
    super::fuzz("dns", &WORDS, target);
}
