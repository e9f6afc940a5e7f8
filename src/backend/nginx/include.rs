//! The file that cutover owns in nginx's configuration: written from a fixed pattern, read strictly.

use std::fmt::Write as _;
use std::time::Duration;

use crate::backend::nginx::spec::NginxSpec;
use crate::domain::text::clean;
use crate::domain::{Digest, OrderId, Revision, Side, Split};

/// How far a share may be from a whole percent.
const ROUNDING: f64 = 0.005;

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) split: Split,
    /// Why the split is not the whole truth.
    pub(super) odd: Option<String>,
    pub(super) revision: Revision,
    /// Increases with every change by cutover.
    pub(super) number: u64,
}

/// The file for `split`, written at `now` if that is known.
pub(super) fn write(spec: &NginxSpec, split: Split, number: u64, order: &OrderId, now: Option<&Instant>) -> String {
    let text = directive(spec, split);
    let order = clean(&order.0, 60).replace('\n', " ");
    let stamp = now.map_or_else(String::new, |now| {
        format!("{STAMP}{} {}, text {}\n", now.boot, now.since.as_millis(), short(&text))
    });
    format!(
        "# Written by cutover, and written over at the next change.\n# revision {number}, order {order}\n{stamp}{text}"
    )
}

/// The line with the time of writing, by a clock that cannot be set.
const STAMP: &str = "# at boot ";

/// A time since the machine started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instant {
    /// The id of the machine's start: letters, digits and `-`.
    pub(super) boot: String,
    /// The time since that start.
    pub(super) since: Duration,
}

/// The time of writing in the file; `None` if it is missing or the file was changed since.
pub(super) fn written(text: &str) -> Option<Instant> {
    let line = text.lines().find_map(|line| line.strip_prefix(STAMP))?;
    let (at, of) = line.split_once(", text ")?;
    let (boot, since) = at.split_once(' ')?;
    let own: String = text.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
    let since = Duration::from_millis(since.parse().ok()?);
    (short(&own) == of).then(|| Instant { boot: boot.to_owned(), since })
}

fn short(text: &str) -> String {
    Digest::of([text]).as_str().chars().take(16).collect()
}

/// The part for nginx. A share of 0 has no line: nginx accepts nothing below 0.01 %.
fn directive(spec: &NginxSpec, split: Split) -> String {
    let mut text = format!("split_clients \"{}\" ${} {{\n", spec.key, spec.variable);
    let (green, blue) = (split.share(Side::Green), &spec.names.blue);
    match green {
        100 => {
            let _ = writeln!(text, "    * {};", spec.names.green);
        }
        0 => {
            let _ = writeln!(text, "    * {blue};");
        }
        percent => {
            let _ = writeln!(text, "    {percent}% {};\n    * {blue};", spec.names.green);
        }
    }
    text.push_str("}\n");
    text
}

/// What stands for the next word where the file ends.
const END: &str = "the end";

/// Reads the file, also after a manual edit that still splits between the two sides.
///
/// # Errors
/// What the file holds instead, in words.
pub(super) fn read(spec: &NginxSpec, text: &str) -> Result<Reading, String> {
    let words = words(text);
    let mut words = words.iter().map(String::as_str);
    let mut next = || words.next().unwrap_or(END);
    let expected = |what: &str, found: &str| Err(format!("{what} belongs where {:?} stands", clean(found, 40)));
    let variable = format!("${}", spec.variable);
    match (next(), next(), next(), next()) {
        ("split_clients", _, name, "{") if name == variable => {}
        ("split_clients", _, name, "{") => return expected(&variable, name),
        (first, ..) => return expected("split_clients", first),
    }
    let (mut green, mut blue, mut rest) = (0.0, 0.0, None);
    loop {
        let share = next();
        if share == "}" {
            if next() != END {
                return Err("something else follows the split_clients block: it needs a file of its own".into());
            }
            break;
        }
        let (name, end) = (next(), next());
        if end != ";" {
            return expected("a ;", end);
        }
        let side = Side::BOTH.into_iter().find(|side| spec.names[*side] == name);
        let Some(side) = side else { return expected("the name of a side", name) };
        let percent = share.strip_suffix('%').and_then(|text| text.parse::<f64>().ok());
        match (share, percent) {
            ("*", _) if rest.is_none() => rest = Some(side),
            (_, Some(percent)) if (0.0..=100.0).contains(&percent) => match side {
                Side::Green => green += percent,
                Side::Blue => blue += percent,
            },
            _ => return expected("a share in percent", share),
        }
    }
    let left = 100.0 - green - blue;
    if left < -ROUNDING {
        return Err(format!("its shares sum to {}", green + blue));
    }
    match rest {
        Some(Side::Green) => green += left,
        None if left > ROUNDING => return Err(format!("{left} % of requests have no side")),
        Some(Side::Blue) | None => {}
    }
    let odd = ((green - green.round()).abs() > ROUNDING).then(|| format!("green takes {green:.2} %, no whole percent"));
    Ok(Reading {
        split: Split::toward(Side::Green, green.round() as u8),
        odd,
        revision: revision(text),
        number: number(text),
    })
}

/// Whether the file may be written over: it is empty, or it holds one `split_clients` block and nothing else, complete or
/// not.
pub(super) fn is_ours(text: &str) -> bool {
    let words = words(text);
    let end = words.iter().position(|word| word == "}").map_or(words.len(), |at| at + 1);
    words.is_empty() || (words[0] == "split_clients" && end == words.len())
}

/// The digest of the whole file, so a manual edit changes it too.
pub(super) fn revision(text: &str) -> Revision {
    Revision(short(text))
}

fn number(text: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix("# revision "));
    line.and_then(|line| line.split(',').next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The words and symbols of nginx's language, without comments and quotes.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut word = String::new();
        // `${name}` is part of a word; any other brace is a symbol.
        let mut is_name = false;
        for c in line.chars() {
            match c {
                '{' if word.ends_with('$') => {
                    is_name = true;
                }
                '}' if is_name => is_name = false,
                ';' | '{' | '}' => {
                    found.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                    found.push(c.into());
                }
                c if c.is_whitespace() => found.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
                '"' | '\'' => {}
                c => word.push(c),
            }
        }
        found.extend((!word.is_empty()).then_some(word));
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::Pair;

    pub(in super::super) fn spec() -> NginxSpec {
        NginxSpec {
            include: "/x/split.conf".into(),
            variable: "cutover_side".into(),
            key: "${request_id}".into(),
            names: Pair { blue: "blue".into(), green: "green".into() },
            test: vec!["nginx".into(), "-t".into()],
            pid: None,
            reload: None,
            shares: None,
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for green in 0..=100 {
            let split = Split::toward(Side::Green, green);
            let text = write(&spec(), split, 7, &OrderId("7f3e".into()), None);
            let reading = read(&spec(), &text).unwrap();
            assert_eq!((reading.split, reading.odd, reading.number), (split, None, 7), "{text}");
            assert!(!text.contains(" 0%"), "nginx refuses 0%: {text}");
        }
        let whole = write(&spec(), Split::all(Side::Green), 1, &OrderId("a".into()), None);
        assert!(whole.contains("\n    * green;\n}"), "{whole}");
    }

    #[test]
    fn the_file_says_when_it_was_written_unless_somebody_changed_it() {
        let now = Instant { boot: "1b4e-28ba".into(), since: Duration::from_millis(123_456) };
        let text = write(&spec(), Split::toward(Side::Green, 10), 1, &OrderId("a".into()), Some(&now));
        assert_eq!(written(&text), Some(now));
        assert_eq!(read(&spec(), &text).unwrap().number, 1);
        assert_eq!(written(&text.replace("10%", "20%")), None);
        assert_eq!(written(&write(&spec(), Split::all(Side::Blue), 1, &OrderId("a".into()), None)), None);
    }

    #[test]
    fn a_hand_edit_is_understood_or_told() {
        let read = |body: &str| read(&spec(), &format!("split_clients $remote_addr $cutover_side {{ {body} }} # end"));
        assert_eq!(read("90% blue; 10% green;").unwrap().split, Split::toward(Side::Green, 10));
        assert_eq!(read("90% blue; * green;").unwrap().split, Split::toward(Side::Green, 10));
        assert_eq!(read("0.5% green; * blue;").unwrap().odd.as_deref(), Some("green takes 0.50 %, no whole percent"));
        for (body, told) in [
            ("10% red; * blue;", "the name of a side belongs where \"red\" stands"),
            ("10% green;", "90 % of requests have no side"),
            ("60% green; 60% blue;", "its shares sum to 120"),
            ("x green; * blue;", "a share in percent belongs where \"x\" stands"),
            ("10% green", "a ; belongs where \"}\" stands"),
        ] {
            assert_eq!(read(body).unwrap_err(), told);
        }
    }

    #[test]
    fn what_is_no_split_is_no_split() {
        for text in ["", "<html>", "split_clients $a $cutover_side { 10% gre", "split_clients $a $other { * blue; }"] {
            assert!(read(&spec(), text).is_err(), "{text}");
        }
        assert_ne!(revision("a"), revision("b"));
    }
}
