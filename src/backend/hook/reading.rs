//! Reads the split out of a hook's answer.

use serde_json::Value;

use super::fill::is_plain;
use crate::backend::BackendError;
use crate::backend::hook::spec::AnswerAt;
use crate::domain::observation::{Replicas, SideSeen};
use crate::domain::text::clean;
use crate::domain::{Observation, Pair, Revision, Side, Split, Version};

/// The most notes. The last one then says that more were left out.
const MAX_NOTES: usize = 8;
/// How far a share may be from a whole percent. Weights can only be whole.
const ROUNDING: f64 = 0.01;

/// Reads an answer's body. `header` is the revision from a response header.
pub(super) fn read(at: &AnswerAt, body: &[u8], header: Option<&str>) -> Result<Observation, BackendError> {
    let answer = json(body)?;
    let (split, rounded) = split(at, &answer)?;
    let told = match (header, answer.pointer(&at.revision)) {
        (Some(header), _) => Some(header.to_owned()),
        (None, Some(Value::String(text))) => Some(text.clone()),
        (None, Some(Value::Number(number))) => Some(number.to_string()),
        (None, None | Some(Value::Null)) => None,
        (None, Some(_)) => return Err(garbled(format!("{} is neither text nor number", named(&at.revision)))),
    };
    let revision = match told.filter(|told| !told.is_empty()) {
        // Without a revision of its own, the split is the revision.
        None => format!("split-{}-{}", split.share(Side::Blue), split.share(Side::Green)),
        Some(told) if is_plain(&told) => told,
        Some(told) => {
            return Err(garbled(format!(
                "the revision {:?} holds characters that could not be passed back; letters, digits and . _ : + / = @ , - can",
                clean(&told, 60)
            )));
        }
    };
    let mixed = answer.pointer("/mixed").and_then(Value::as_str).filter(|text| !text.is_empty());
    Ok(Observation {
        mixed: mixed.map(|text| clean(text, 200)).or(rounded),
        sides: Pair::from_fn(|side| SideSeen {
            replicas: replicas(&answer, side),
            version: answer.pointer(&format!("/versions/{side}")).and_then(Value::as_str).map(Version::from_text),
            ..SideSeen::default()
        }),
        notes: notes(&answer),
        ..Observation::of(split, Revision(revision))
    })
}

/// Checks the answer to an act: it may say anything.
///
/// # Errors
/// The answer is not valid: HTML, or JSON that is cut off.
pub(super) fn after_act(body: &[u8]) -> Result<(), BackendError> {
    match body.trim_ascii_start().first() {
        Some(b'<') => Err(garbled("it answered HTML: is this the router, or a page in front of it?".into())),
        Some(b'{' | b'[') => json(body).map(|_| ()),
        // Text for people.
        _ => Ok(()),
    }
}

fn json(body: &[u8]) -> Result<Value, BackendError> {
    serde_json::from_slice(body).map_err(|fault| {
        let begins = clean(&String::from_utf8_lossy(&body[..body.len().min(120)]), 60);
        let what = if body.trim_ascii().is_empty() {
            "the answer is empty; it must be JSON".to_owned()
        } else {
            format!("no JSON ({}); the answer begins with {begins:?}", clean(&fault.to_string(), 120))
        };
        garbled(what)
    })
}

/// The split, and what is wrong if it is not whole.
fn split(at: &AnswerAt, answer: &Value) -> Result<(Split, Option<String>), BackendError> {
    let number = |pointer: &String| {
        let value = answer.pointer(pointer).and_then(Value::as_f64);
        value.filter(|value| value.is_finite() && *value >= 0.0).ok_or_else(|| {
            let keys: Vec<&str> =
                answer.as_object().into_iter().flatten().take(8).map(|(key, _)| key.as_str()).collect();
            garbled(format!("no number at {}; keys of the answer: {}", named(pointer), clean(&keys.join(", "), 120)))
        })
    };
    let green = number(&at.green)?;
    let percent = match &at.blue {
        None => green,
        Some(blue) => {
            let all = green + number(blue)?;
            if all <= 0.0 {
                return Err(garbled("both weights are 0: no side takes traffic".into()));
            }
            green * 100.0 / all
        }
    };
    if percent > 100.0 {
        return Err(garbled(format!("green's share is {percent}, above 100 percent")));
    }
    let whole = percent.round();
    let rounded = ((percent - whole).abs() > ROUNDING).then(|| format!("green takes {percent:.2} %, no whole percent"));
    Ok((Split::toward(Side::Green, whole as u8), rounded))
}

fn replicas(answer: &Value, side: Side) -> Option<Replicas> {
    let at = |key: &str| {
        let value = answer.pointer(&format!("/replicas/{side}/{key}")).and_then(Value::as_u64);
        value.and_then(|value| u32::try_from(value).ok())
    };
    Some(Replicas { ready: at("ready")?, total: at("total")? })
}

fn notes(answer: &Value) -> Vec<String> {
    let Some(told) = answer.pointer("/notes").and_then(Value::as_array) else { return Vec::new() };
    let mut notes: Vec<String> =
        told.iter().filter_map(Value::as_str).take(MAX_NOTES).map(|note| clean(note, 160)).collect();
    if told.len() > MAX_NOTES {
        notes.push(format!("{} more notes", told.len() - MAX_NOTES));
    }
    notes
}

fn named(pointer: &str) -> String {
    format!("{:?}", clean(pointer, 60))
}

fn garbled(text: String) -> BackendError {
    BackendError::Garbled(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(blue: Option<&str>) -> AnswerAt {
        AnswerAt {
            green: if blue.is_some() { "/w/green".into() } else { "/split/green".into() },
            blue: blue.map(str::to_owned),
            revision: "/revision".into(),
            revision_header: None,
        }
    }

    #[test]
    fn an_answer_is_read_whole() {
        let body = br#"{"split":{"green":10},"revision":7,"replicas":{"blue":{"ready":2,"total":3}},
            "versions":{"green":"v42"},"notes":["old\u001b[2J worker"]}"#;
        let seen = read(&at(None), body, None).unwrap();
        assert_eq!((seen.split, seen.mixed), (Split::toward(Side::Green, 10), None));
        assert_eq!(seen.revision, Revision("7".into()));
        assert_eq!(seen.sides.blue.replicas, Some(Replicas { ready: 2, total: 3 }));
        assert_eq!(seen.sides.green.replicas, None);
        assert_eq!(seen.sides.green.version.unwrap().name, "v42");
        assert_eq!(seen.notes, ["old worker"]);
        let plain = read(&at(None), br#"{"split":{"green":0}}"#, None).unwrap();
        assert_eq!(plain.revision, Revision("split-100-0".into()));
        assert_eq!(read(&at(None), body, Some("e1")).unwrap().revision, Revision("e1".into()));
    }

    #[test]
    fn weights_become_percent_and_what_does_not_fit_is_told() {
        let read = |body: &[u8]| read(&at(Some("/w/blue")), body, None);
        assert_eq!(read(br#"{"w":{"blue":9,"green":1}}"#).unwrap().split, Split::toward(Side::Green, 10));
        let odd = read(br#"{"w":{"blue":2,"green":1}}"#).unwrap();
        assert_eq!(
            (odd.split, odd.mixed.unwrap().as_str()),
            (Split::toward(Side::Green, 33), "green takes 33.33 %, no whole percent")
        );
        assert!(read(br#"{"w":{"blue":0,"green":0}}"#).is_err());
    }

    #[test]
    fn what_makes_no_sense_is_no_reading() {
        for body in [
            &b""[..],
            b"<html>",
            b"{\"split\":{\"green\":",
            br#"{"split":{"green":"10"}}"#,
            br#"{"split":{"green":101}}"#,
            br#"{"split":{"green":-1}}"#,
            br#"{"split":{"green":1},"revision":{}}"#,
            br#"{"split":{"green":1},"revision":"$(id)"}"#,
            b"[]",
        ] {
            assert!(matches!(read(&at(None), body, None), Err(BackendError::Garbled(_))), "{body:?}");
        }
    }

    #[test]
    fn an_act_may_say_nothing_but_not_html() {
        assert_eq!(after_act(b""), Ok(()));
        assert_eq!(after_act(b"done, thanks"), Ok(()));
        assert_eq!(after_act(br#"{"revision":8}"#), Ok(()));
        assert!(after_act(b" <html>").is_err());
        assert!(after_act(b"{\"revi").is_err());
    }
}
