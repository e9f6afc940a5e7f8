//! Values in their units, in words.

/// `612 ms`, `4.20%`, `18.2 GiB`; for an unknown unit the plain number.
pub(crate) fn in_unit(value: f64, unit: &str) -> String {
    match unit {
        "ratio" => format!("{:.2}%", value * 100.0),
        "share" => format!("{:.0}%", value * 100.0),
        "ms" if value.abs() < 10.0 => format!("{value:.1} ms"),
        "ms" => format!("{value:.0} ms"),
        "bytes" => bytes(value),
        "per_second" => format!("{}/s", plain(value)),
        _ => plain(value),
    }
}

fn plain(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut at) = (value, 0);
    while value.abs() >= 1024.0 && at + 1 < UNITS.len() {
        (value, at) = (value / 1024.0, at + 1);
    }
    if at == 0 || value.abs() >= 100.0 {
        format!("{value:.0} {}", UNITS[at])
    } else {
        format!("{value:.1} {}", UNITS[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_short_as_people_write_them() {
        let cases = [
            (612.0, "ms", "612 ms"),
            (4.25, "ms", "4.2 ms"),
            (0.042, "ratio", "4.20%"),
            (0.614, "share", "61%"),
            (31.5, "per_second", "31.5/s"),
            (19_542_101_197.0, "bytes", "18.2 GiB"),
            (512.0, "bytes", "512 B"),
            (12.0, "count", "12"),
            (12.0, "", "12"),
        ];
        for (value, unit, words) in cases {
            assert_eq!(in_unit(value, unit), words);
        }
    }
}
