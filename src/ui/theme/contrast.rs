//! How well two colours can be distinguished: relative luminance and contrast as WCAG 2 defines them.

/// The least contrast of text that people read.
pub(crate) const READABLE: f64 = 4.5;

/// How bright a colour is: 0 for black, 1 for white.
pub(crate) fn luminance(rgb: [u8; 3]) -> f64 {
    let linear = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2])
}

/// The contrast between two colours: 1 for equal ones, 21 for black and white.
pub(crate) fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t17_contrast_agrees_with_known_pairs() {
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
        // The grey that is the limit of AA on white.
        assert!(contrast([0x76; 3], [255; 3]) >= READABLE && contrast([0x77; 3], [255; 3]) < READABLE);
    }
}
