//! Text over several rows.

use crate::ui::text::width;

/// Marks that one character carries at most; more would fill a cell without end.
const MARKS: usize = 3;

/// `text` in rows of at most `columns`, at least one. Rows end at a blank where one is near; marks without a width
/// of their own stay with their character, and what is too many of them is left out.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let (mut rows, mut row, mut used, mut marks) = (Vec::new(), String::new(), 0, 0);
    let mut bytes = [0; 4];
    for c in text.chars() {
        let wide = if c.is_ascii() { 1 } else { width(c.encode_utf8(&mut bytes)) };
        if wide == 0 {
            marks += 1;
            if marks <= MARKS {
                row.push(c);
            }
            continue;
        }
        marks = 0;
        if used + wide > columns {
            let rest = break_off(&mut row, columns);
            used = width(&rest);
            rows.push(std::mem::replace(&mut row, rest));
            if c == ' ' && row.is_empty() {
                continue;
            }
        }
        row.push(c);
        used += wide;
    }
    rows.push(row);
    rows
}

/// Takes the beginning of a word off the end of a full row, if it is short.
fn break_off(row: &mut String, columns: usize) -> String {
    match row.rfind(' ') {
        Some(at) if width(&row[at..]) <= columns / 3 => {
            let rest = row.split_off(at + 1);
            row.truncate(row.trim_end().len());
            rest
        }
        _ => String::new(),
    }
}

/// The beginning of `text` that fills `columns`; the caller that draws it cuts what does not fit.
pub(super) fn head(text: &str, columns: usize) -> String {
    let (mut out, mut used, mut marks) = (String::new(), 0, 0);
    let mut bytes = [0; 4];
    for c in text.chars() {
        let wide = if c.is_ascii() { 1 } else { width(c.encode_utf8(&mut bytes)) };
        marks = if wide == 0 { marks + 1 } else { 0 };
        if marks > MARKS {
            continue;
        }
        out.push(c);
        used += wide;
        // One more than fits, so that the cut is seen.
        if used > columns {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_full_and_nothing_is_lost() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("日本語", 1), ["日", "本", "語"], "what is wider than the screen is cut there");
        for columns in 1..30 {
            let text = "the quick brown fox-jumps over 日本語 and so on";
            let rows = wrap(text, columns);
            assert!(rows.iter().all(|row| width(row) <= columns.max(2)), "{columns}: {rows:?}");
            let plain = |text: &str| text.replace(' ', "");
            assert_eq!(plain(&rows.concat()), plain(text));
        }
    }

    #[test]
    fn t20_a_cell_holds_a_few_marks_only() {
        let zalgo = format!("a{}b", "\u{301}".repeat(10_000));
        assert_eq!(wrap(&zalgo, 10)[0].chars().count(), 2 + MARKS);
        assert_eq!(head(&zalgo, 10).chars().count(), 2 + MARKS);
        assert_eq!(head("abcdef", 3), "abcd");
    }
}
