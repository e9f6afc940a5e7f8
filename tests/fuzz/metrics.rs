//! What a model server exports: the text format of Prometheus.

use cutover::testing::parsers;
use fastrand::Rng;

const WORDS: [&[u8]; 12] =
    [b"\n", b"{", b"}", b"=\"", b"\"", b"\\", b",", b"# TYPE ", b" NaN", b" +Inf", b"le=\"0.1\"", b"\xef\xbb\xbf"];

fn target(bytes: &[u8], _: &mut Rng) {
    match parsers::metrics_text(bytes) {
        Ok(samples) => {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert!(samples.len() <= lines, "{} samples in {lines} lines", samples.len());
            let text: usize = samples.iter().map(|(name, labels)| name.len() + labels.concat().len()).sum();
            assert!(text <= bytes.len(), "{text} characters out of {} bytes", bytes.len());
            assert!(samples.iter().all(|(name, _)| !name.is_empty()));
        }
        Err(why) => assert!(!why.is_empty() && why.len() < 400 && !why.chars().any(char::is_control), "{why:?}"),
    }
}

#[test]
fn metrics_of_a_model_server() {
    super::fuzz("metrics", &WORDS, target);
}
