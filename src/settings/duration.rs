//! Durations as people write them: `800ms`, `1s`, `5m`, `24h`, `1h30m`.

use std::fmt::Write as _;

/// Unit and its milliseconds, largest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Milliseconds of `text`; `None` when it is not a duration or does not fit into 64 bits.
///
/// Whole numbers, each with its unit, larger units first, each unit once.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = 0_u64;
    let mut allowed = &UNITS[..];
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|&at| at > 0)?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = &rest[..rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())];
        let at = allowed.iter().position(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(allowed[at].1)?)?;
        allowed = &allowed[at + 1..];
        rest = &rest[unit.len()..];
    }
    Some(total)
}

/// The shortest text for `ms` that [`parse`] can read.
pub(crate) fn format(mut ms: u64) -> String {
    if ms == 0 {
        return "0s".into();
    }
    let mut out = String::new();
    // Days are read but not written: people say 24h and 48h for a rollback window.
    for (name, size) in &UNITS[1..] {
        if ms >= *size {
            let _ = write!(out, "{}{name}", ms / size);
            ms %= size;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, ms) in [
            ("800ms", 800),
            ("1s", 1000),
            ("5m", 300_000),
            ("24h", 86_400_000),
            ("1h30m", 5_400_000),
            ("1d2h3m4s5ms", 93_784_005),
            ("0s", 0),
            (" 2s ", 2000),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else_and_never_overflows() {
        for text in
            ["", " ", "fast", "5", "s", "-1s", "1.5s", "1 s", "1s2", "1m1h", "1s1s", "5M", "1µs", "١s", "1ss", "1e3s"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse("18446744073709551615ms"), Some(u64::MAX));
        for text in ["18446744073709551616ms", "18446744073709551615s", "213503982335d", "1d18446744073709551615ms"] {
            assert_eq!(parse(text), None, "{text}");
        }
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..20_000 {
            let text: String = (0..rng.usize(0..8))
                .map(|_| rng.choice("019dhms .µ".chars().collect::<Vec<_>>()).unwrap_or('0'))
                .collect();
            let _ = parse(&text);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut rng = fastrand::Rng::with_seed(5);
        for ms in (0..2000).map(|_| rng.u64(0..200_000_000)).chain([0, 1, 999, 1000, u64::MAX]) {
            assert_eq!(parse(&format(ms)), Some(ms), "{}", format(ms));
        }
        assert_eq!(format(5_400_000), "1h30m");
    }
}
