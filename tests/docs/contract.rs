//! Every line of the terminal contract, T01 to T56, has a test that carries its number in its name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Test functions by their number: `fn t32_split_sequences_never_act` counts for 32.
fn numbered(folder: &Path, found: &mut BTreeMap<u8, BTreeSet<String>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            numbered(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                    is_test = true;
                }
                let name = line.trim_start_matches("async ").strip_prefix("fn ");
                let Some(name) = name.and_then(|rest| rest.split('(').next()) else { continue };
                if std::mem::take(&mut is_test) {
                    for number in numbers(name) {
                        found.entry(number).or_default().insert(name.to_owned());
                    }
                }
            }
        }
    }
}

/// `t12_t13_depth` carries 12 and 13.
fn numbers(name: &str) -> Vec<u8> {
    let number = |part: &str| {
        let digits = part.strip_prefix('t').filter(|digits| digits.len() == 2)?;
        digits.parse().ok()
    };
    name.split('_').map_while(number).collect()
}

#[test]
fn every_line_of_the_contract_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    numbered(&root.join("src"), &mut found);
    numbered(&root.join("tests"), &mut found);
    let missing: Vec<String> = (1..=56).filter(|id| !found.contains_key(id)).map(|id| format!("T{id:02}")).collect();
    assert!(missing.is_empty(), "no test carries {}", missing.join(", "));
}

#[test]
fn numbers_are_read_from_the_front_of_a_name() {
    assert_eq!(numbers("t12_t13_depth_t14"), [12, 13]);
    assert_eq!(numbers("t1_x"), [0; 0]);
    assert_eq!(numbers("tail_22"), [0; 0]);
}
