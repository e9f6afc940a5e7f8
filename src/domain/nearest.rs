//! Which known word was probably meant by one that is not known.

/// The word of `known` that was probably meant by `typed`; small and capital letters, `-` and `_` are the same.
pub(crate) fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Nothing that people type by mistake is longer, and the distance costs the square of it.
    if typed.len() > 40 {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let typed = plain(typed);
    let near = |word: &&str| distance(&typed, &plain(word)) <= (word.len().max(typed.len()) / 3).max(1);
    known.into_iter().filter(near).min_by_key(|word| distance(&typed, &plain(word)))
}

/// How many insertions, deletions, changes and swaps of neighbours lie between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j - 1] + change).min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
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
        assert_eq!((distance("ab", "ba"), distance("", "abc"), distance("abc", "abc")), (1, 3, 0));
    }
}
