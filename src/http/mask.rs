//! Masks secrets in answers: a server may echo what it was sent.

use std::fmt;

const HIDDEN: &str = "***";
/// Below this many bytes a secret is masked only where it is a whole word. Inside a word it is most likely a
/// coincidence.
const SHORT: usize = 8;

/// The secrets that were sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mask {
    secrets: Vec<String>,
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({})", self.secrets.len())
    }
}

impl Mask {
    /// Masks `secret` from now on.
    pub fn add(&mut self, secret: &str) {
        if !secret.is_empty() && !self.secrets.iter().any(|known| known == secret) {
            self.secrets.push(secret.to_owned());
        }
    }

    /// Also masks everything that `other` masks.
    pub fn join(&mut self, other: &Self) {
        other.secrets.iter().for_each(|secret| self.add(secret));
    }

    /// A text for people, with the secrets masked.
    pub fn text(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            if secret.len() < SHORT { replace_word(&text, secret) } else { text.replace(secret.as_str(), HIDDEN) }
        })
    }

    /// A body for a parser, with the long secrets masked. A short one stays, since it may be part of the data.
    pub fn body(&self, body: Vec<u8>) -> Vec<u8> {
        let long = || self.secrets.iter().filter(|secret| secret.len() >= SHORT);
        if !long().any(|secret| body.windows(secret.len()).any(|part| part == secret.as_bytes())) {
            return body;
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        long().fold(text, |text, secret| text.replace(secret.as_str(), HIDDEN)).into_bytes()
    }
}

/// Replaces `word` where it has no letter or digit next to it.
fn replace_word(text: &str, word: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(word) {
        let (before, from) = rest.split_at(at);
        let after = &from[word.len()..];
        let left = before.chars().next_back().or_else(|| out.chars().next_back());
        let is_word = ![left, after.chars().next()].into_iter().flatten().any(char::is_alphanumeric);
        out.push_str(before);
        out.push_str(if is_word { HIDDEN } else { word });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_and_a_short_one_only_as_a_word() {
        let mut mask = Mask::default();
        for secret in ["hunter2hunter2", "hi", ""] {
            mask.add(secret);
        }
        assert_eq!(mask.text("key=hunter2hunter2; hi, this is hi-fi, hihi"), "key=***; ***, this is ***-fi, hihi");
        assert_eq!(mask.body(b"{\"a\":\"hi\",\"b\":\"xhunter2hunter2x\"}".to_vec()), b"{\"a\":\"hi\",\"b\":\"x***x\"}");
        assert_eq!(mask.body(vec![0xff, 0x00]), [0xff, 0x00], "what holds no secret stays as it is");
        assert_eq!(format!("{mask:?}"), "Mask(2)");
    }
}
