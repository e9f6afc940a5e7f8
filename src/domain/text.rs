//! Text that came from outside, made safe to show (law 9).

/// `text` with everything removed or made visible that could act on a terminal.
///
/// Whole escape sequences (CSI, OSC, DCS and the two-byte kind) vanish; other control characters vanish
/// too, but tabs and line ends become one space. Bidi overrides, zero-width characters and other
/// invisible format characters are shown as `<U+202E>`. At most `max` characters are kept; a cut
/// is marked with `~`.
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max.saturating_add(8)));
    let mut kept = 0_usize;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if kept >= max {
            out.push('~');
            break;
        }
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_csi(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            '\t' | '\n' | '\r' => {
                out.push(' ');
                kept += 1;
            }
            c if c.is_control() => {}
            c if is_invisible(c) => {
                let shown = format!("<U+{:04X}>", u32::from(c));
                kept += shown.len();
                out.push_str(&shown);
            }
            c => {
                out.push(c);
                kept += 1;
            }
        }
    }
    out
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(chars: &mut Chars<'_>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_csi(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        Some(c) if !c.is_control() => {
            chars.next();
        }
        _ => {}
    }
}

/// A CSI sequence ends with a byte from `@` to `~`; a broken one ends where it stops being one.
fn skip_csi(chars: &mut Chars<'_>) {
    while let Some(&c) = chars.peek() {
        match c {
            '\u{20}'..='\u{3f}' => {
                chars.next();
            }
            '\u{40}'..='\u{7e}' => {
                chars.next();
                return;
            }
            _ => return,
        }
    }
}

/// An OSC or DCS string ends with BEL, ST or ESC \.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                if chars.peek() == Some(&'\\') {
                    chars.next();
                }
                return;
            }
            _ => {}
        }
    }
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn sequences_vanish_and_text_stays() {
        assert_eq!(clean("a\u{1b}[31mred\u{1b}[0m b", 99), "ared b");
        assert_eq!(clean("x\u{1b}]52;c;aGk=\u{7}y\u{1b}Pq#0\u{1b}\\z", 99), "xyz");
        assert_eq!(clean("v4\u{202e}2\tok\r\n", 99), "v4<U+202E>2 ok  ");
        assert_eq!(clean("\u{9b}2Jclear\u{0}\u{8}\u{7f}", 99), "clear");
        assert_eq!(clean("half \u{1b}[", 99), "half ");
    }

    #[test]
    fn no_control_character_survives_any_bytes() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..rng.usize(0..80)).map(|_| rng.u8(..)).collect();
            let text = clean(&String::from_utf8_lossy(&bytes), 60);
            assert!(!text.chars().any(char::is_control), "{bytes:?} -> {text:?}");
        }
    }

    #[test]
    fn length_is_bounded() {
        assert_eq!(clean(&"x".repeat(1_000_000), 5), "xxxxx~");
    }
}
