//! Several nodes of one router: merges their notes and their errors.

use super::BackendError;

/// Merges the notes of nodes, given as `(name, notes)`; there are `all` nodes. With one node its notes stay
/// unchanged. With more, a note of several nodes appears once, after the names of its nodes or after `every noun`.
pub(super) fn notes<'a>(told: &[(String, &'a [String])], all: usize, noun: &str) -> Vec<String> {
    let mut grouped: Vec<(&'a str, Vec<&str>)> = Vec::new();
    for (name, notes) in told {
        for note in *notes {
            match grouped.iter_mut().find(|(known, _)| *known == note) {
                Some((_, names)) => names.push(name),
                None => grouped.push((note, vec![name])),
            }
        }
    }
    let line = |(note, names): (&str, Vec<&str>)| match names.len() {
        _ if all == 1 => note.to_owned(),
        n if n == all => format!("every {noun}: {note}"),
        _ => format!("{}: {note}", names.join(", ")),
    };
    grouped.into_iter().map(line).collect()
}

/// One error for all nodes, with the messages of all of them. Its kind is that of the first error after which the order
/// may have taken effect, or else that of the first error. `none` is the message if there is no node.
pub(super) fn worst<'a>(errors: impl Iterator<Item = &'a BackendError>, none: &str) -> BackendError {
    let errors: Vec<&BackendError> = errors.collect();
    let told: Vec<&str> = errors.iter().map(|error| error.detail()).collect();
    let told = told.join("; ");
    let kind = errors.iter().find(|error| error.may_have_happened()).or(errors.first());
    match kind.copied() {
        None => BackendError::Unreachable(none.to_owned()),
        Some(BackendError::Unreachable(_)) => BackendError::Unreachable(told),
        Some(BackendError::Unknown(_)) => BackendError::Unknown(told),
        Some(BackendError::Conflict(_)) => BackendError::Conflict(told),
        Some(BackendError::Denied(_)) => BackendError::Denied(told),
        Some(BackendError::Refused(_)) => BackendError::Refused(told),
        Some(BackendError::Garbled(_)) => BackendError::Garbled(told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_happened_goes_before_what_did_not() {
        let [gone, silent] = [BackendError::Unreachable("a".into()), BackendError::Unknown("b".into())];
        assert_eq!(worst([&gone, &silent].into_iter(), "no"), BackendError::Unknown("a; b".into()));
        assert_eq!(worst([&gone].into_iter(), "no"), gone);
        assert_eq!(worst([].into_iter(), "no"), BackendError::Unreachable("no".into()));
    }

    #[test]
    fn the_same_note_of_several_stands_once() {
        let [a, b] = [vec!["x".to_owned(), "y".to_owned()], vec!["y".to_owned()]];
        let told = [("1".to_owned(), a.as_slice()), ("2".to_owned(), b.as_slice())];
        assert_eq!(notes(&told, 2, "node"), ["1: x", "every node: y"]);
        assert_eq!(notes(&told, 3, "node"), ["1: x", "1, 2: y"], "one is down and tells nothing");
        assert_eq!(notes(&told[..1], 1, "node"), ["x", "y"]);
        assert!(notes(&[], 2, "node").is_empty());
    }
}
