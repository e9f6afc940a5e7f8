//! Which known word was probably meant by one that is not known.

use strsim::osa_distance;

/// The word of `known` that was probably meant by `typed`; small and capital letters, `-` and `_` are the same.
pub(crate) fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Nothing that people type by mistake is longer, and the distance costs the square of it.
    if typed.len() > 40 {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let typed = plain(typed);
    let near = |word: &&str| osa_distance(&typed, &plain(word)) <= (word.len().max(typed.len()) / 3).max(1);
    known.into_iter().filter(near).min_by_key(|word| osa_distance(&typed, &plain(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_stranger_is_not() {
        assert_eq!(nearest("intervall", ["interval", "timeout"]), Some("interval"));
        assert_eq!(nearest("tiemout", ["interval", "timeout"]), Some("timeout"));
        assert_eq!(nearest("rollback-window", ["rollback_window"]), Some("rollback_window"));
        assert_eq!(nearest("next_pnae", ["next-pane", "pane-log"]), Some("next-pane"));
        assert_eq!(nearest("colour", ["interval", "timeout"]), None);
        assert_eq!(nearest(&"x".repeat(100_000), ["interval"]), None);
    }
}
