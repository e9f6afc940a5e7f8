//! What several nodes of one router tell of themselves, told once.

/// The notes of nodes as `(name, notes)`, of `all` nodes that there are: with one node its notes as they are, with
/// more the same note of several stands once, behind the names of those that told it, or behind `every noun`.
pub(super) fn of_nodes<'a>(told: &[(String, &'a [String])], all: usize, noun: &str) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_note_of_several_stands_once() {
        let [a, b] = [vec!["x".to_owned(), "y".to_owned()], vec!["y".to_owned()]];
        let told = [("1".to_owned(), a.as_slice()), ("2".to_owned(), b.as_slice())];
        assert_eq!(of_nodes(&told, 2, "node"), ["1: x", "every node: y"]);
        assert_eq!(of_nodes(&told, 3, "node"), ["1: x", "1, 2: y"], "one is down and tells nothing");
        assert_eq!(of_nodes(&told[..1], 1, "node"), ["x", "y"]);
        assert!(of_nodes(&[], 2, "node").is_empty());
    }
}
