//! Numbers and names as the screen spells them, and their width in columns.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::Span;

/// How many columns `text` takes as it is [shown](shown()).
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { Span::raw(settled(text)).width() }
}

/// `text` without what terminals disagree on the width of.
///
/// A variation selector, a skin tone or a joiner changes how wide the character before it is on one terminal and adds
/// columns of its own on the next; they go, and the plain characters stay. The letters that make flags become letters.
pub(crate) fn settled(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|c| is_modifier(c) || is_flag_letter(c)) {
        return text.into();
    }
    let plain = |c: char| {
        if is_flag_letter(c) { char::from_u32(u32::from(c) - 0x1f1e6 + u32::from('A')) } else { Some(c) }
    };
    text.chars().filter(|&c| !is_modifier(c)).filter_map(plain).collect::<String>().into()
}

/// Variation selectors, joiners, the keycap, skin tones, and the tags of flags.
const fn is_modifier(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{20e3}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0000}'..='\u{e01ef}')
}

const fn is_flag_letter(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// `text` as it goes to the screen: [settled](settled()), and with everything beyond ASCII replaced by `?` where
/// `ascii` asks for it, a `?` for each column.
pub(crate) fn shown(text: &str, ascii: bool) -> Cow<'_, str> {
    let text = settled(text);
    if !ascii || text.is_ascii() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        let mut bytes = [0; 4];
        for _ in 0..width(c.encode_utf8(&mut bytes)) {
            out.push('?');
        }
    }
    out.into()
}

/// The longest beginning of `text` that fits `max` columns; a cut is marked with `~` and parts no character from its
/// marks.
pub(crate) fn fit(text: &str, max: usize) -> String {
    let text = settled(text);
    if width(&text) <= max {
        return text.into_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in Span::raw(text.as_ref()).styled_graphemes(Style::new()) {
        let wide = width(grapheme.symbol);
        if used + wide + 1 > max {
            break;
        }
        used += wide;
        out.push_str(grapheme.symbol);
    }
    if max > 0 {
        out.push('~');
    }
    out
}

/// Milliseconds: `4.2ms`, `243ms`, `12.3s`; `gap` is put between number and unit.
pub(crate) fn millis(ms: f64, gap: &str) -> String {
    if ms < 9.95 {
        format!("{ms:.1}{gap}ms")
    } else if ms < 9999.5 {
        format!("{ms:.0}{gap}ms")
    } else {
        format!("{:.1}{gap}s", ms / 1000.0)
    }
}

/// A share of 1 as percent: `0.08%`, `2.5%`, `99.4%`, `100%`.
pub(crate) fn percent(share: f64) -> String {
    format!("{}%", percent_number(share))
}

/// A share of 1 as percent, without the sign.
pub(crate) fn percent_number(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 0.995 {
        format!("{percent:.2}")
    } else if percent < 99.95 {
        format!("{percent:.1}")
    } else {
        format!("{percent:.0}")
    }
}

/// A limit without zeros at its end: `60`, `0.5`, `12.25`.
pub(crate) fn limit_number(limit: f64) -> String {
    let text = format!("{limit:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A whole number in groups of three: `12 304`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// Requests a second: `0.4`, `205`, `1 842`.
pub(crate) fn rate(rps: f64) -> String {
    if rps > 0.0 && rps < 9.95 { format!("{rps:.1}") } else { count(rps.round() as u64) }
}

/// Time that is left: `04:12`, `55:48`, `23h59m`.
pub(crate) fn left(seconds: f64) -> String {
    let s = seconds.max(0.0) as u64;
    if s < 3600 { format!("{:02}:{:02}", s / 60, s % 60) } else { format!("{}h{:02}m", s / 3600, s % 3600 / 60) }
}

/// The time of day, UTC: `14:02:08`.
pub(crate) fn clock(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%H:%M:%S").to_string()
}

/// Time that has passed, roughly: `1s`, `9m`, `3h`, `2d`.
pub(crate) fn age(seconds: f64) -> String {
    let s = seconds.max(0.0).round() as u64;
    match s {
        0..=99 => format!("{s}s"),
        100..=5999 => format!("{}m", s / 60),
        6000..=172_799 => format!("{}h", s / 3600),
        _ => format!("{}d", s / 86_400),
    }
}

/// How long an order took: `3.8s`.
pub(crate) fn took(seconds: f64) -> String {
    if seconds < 99.95 { format!("{:.1}s", seconds.max(0.0)) } else { age(seconds) }
}

/// Whether `text` contains `needle`, small and capital ASCII letters being the same.
pub(crate) fn contains(text: &str, needle: &str) -> bool {
    let (text, needle) = (text.as_bytes(), needle.as_bytes());
    needle.is_empty() || text.windows(needle.len()).any(|part| part.eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_short() {
        assert_eq!(count(1_842), "1 842");
        assert_eq!(count(12), "12");
        assert_eq!(count(1_000_000), "1 000 000");
        assert_eq!(millis(243.4, ""), "243ms");
        assert_eq!(millis(0.36, " "), "0.4 ms");
        assert_eq!(millis(12_345.0, ""), "12.3s");
        assert_eq!(percent(0.0008), "0.08%");
        assert_eq!(percent(0.994), "99.4%");
        assert_eq!(percent(1.0), "100%");
        assert_eq!(limit_number(250.0), "250");
        assert_eq!(limit_number(0.5), "0.5");
        assert_eq!(left(252.9), "04:12");
        assert_eq!(left(86_399.0), "23h59m");
        assert_eq!(age(540.0), "9m");
        assert_eq!(rate(0.0), "0");
        assert_eq!(rate(0.4), "0.4");
    }

    #[test]
    fn width_is_columns_not_characters() {
        assert_eq!(width("日本"), 4);
        assert_eq!(shown("a日b", true), "a??b");
        assert_eq!(fit("日本語版", 5), "日本~");
        assert_eq!(fit("v41", 3), "v41");
        assert_eq!(fit("v41", 2), "v~");
        assert_eq!(fit("v41", 0), "");
    }

    /// What shifts columns somewhere: wide, combining, joined, coloured, right to left, flags, private, jamo.
    const TROUBLE: [&str; 20] = [
        "a",
        " ",
        "日",
        "本",
        "e\u{301}",
        "\u{302}",
        "👍🏽",
        "👩\u{200d}🔬",
        "❤\u{fe0f}",
        "🇩🇪",
        "1\u{fe0f}\u{20e3}",
        "שלום",
        "مرحبا",
        "\u{e0b0}",
        "각",
        "ᄀ",
        "─",
        "\u{200d}",
        "ﷺ",
        "क्षि",
    ];

    #[test]
    fn t20_whatever_the_text_it_fits_and_is_as_wide_as_said() {
        let mut rng = fastrand::Rng::with_seed(20);
        for _ in 0..20_000 {
            let text: String = (0..rng.usize(..12)).map(|_| TROUBLE[rng.usize(..TROUBLE.len())]).collect();
            let max = rng.usize(..16);
            let cut = fit(&text, max);
            assert!(width(&cut) <= max, "{text:?} in {max}: {cut:?}");
            assert!(width(&text) <= max || max == 0 || cut.ends_with('~'), "{text:?} in {max}: {cut:?}");
            if width(&text) <= max {
                assert_eq!(cut, settled(&text));
            }
            let plain = shown(&text, true);
            assert!(plain.is_ascii(), "{plain:?}");
            assert_eq!(settled(&settled(&text)), settled(&text), "nothing left to settle");
            // On cells it ends where it was said to end.
            let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 120, 1));
            let end = buffer.set_stringn(0, 0, shown(&text, false), 120, Style::new()).0;
            assert_eq!(usize::from(end), width(&text), "{text:?}");
        }
    }

    #[test]
    fn t20_what_terminals_disagree_on_goes_and_letters_stay() {
        for (text, want, columns) in [
            ("👍🏽!", "👍!", 3),
            ("👩\u{200d}🔬", "👩🔬", 4),
            ("❤\u{fe0f}", "❤", 1),
            ("🇩🇪", "DE", 2),
            ("e\u{301}", "e\u{301}", 1),
            ("שלום", "שלום", 4),
            ("日本", "日本", 4),
        ] {
            assert_eq!((settled(text).as_ref(), width(text)), (want, columns));
        }
        assert_eq!(fit("cafe\u{301}s", 5), "cafe\u{301}s");
        assert_eq!(fit("cafe\u{301}s", 4), "caf~");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}~");
    }

    #[test]
    fn a_filter_ignores_case() {
        assert!(contains("gate Feature-Drift FAIL", "drift fail"));
        assert!(!contains("gate", "gates"));
        assert!(contains("", ""));
    }
}
