//! Every line of the terminal contract, T01 to T56, has a test that carries its number in its name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Test functions of a folder by their number, those that check something: `fn t32_split_sequences_never_act` counts
/// for 32.
fn numbered(folder: &Path, found: &mut BTreeMap<u8, BTreeSet<String>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            numbered(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let checking = checking(&functions(&text));
            for function in functions(&text).iter().filter(|it| it.is_test && checking.contains(it.name)) {
                for number in numbers(function.name) {
                    found.entry(number).or_default().insert(function.name.to_owned());
                }
            }
        }
    }
}

struct Function<'a> {
    name: &'a str,
    is_test: bool,
    body: &'a str,
}

/// The functions of a formatted source: a body ends with the `}` that is indented as its `fn` is.
fn functions(text: &str) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    let (mut at, mut is_test) = (0, false);
    for line in text.split_inclusive('\n') {
        let (start, code) = (at, line.trim_start());
        at += line.len();
        if code.starts_with("#[test]") || code.starts_with("#[tokio::test") {
            is_test = true;
        }
        let code = ["pub ", "async "].iter().fold(code, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
        let Some(name) = code.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next()) else { continue };
        let end = format!("\n{}}}", &line[..line.len() - line.trim_start().len()]);
        let rest = &text[start..];
        let body = if line.trim_end().ends_with('}') { line } else { &rest[..rest.find(&end).unwrap_or(rest.len())] };
        let body = body.split_once('{').map_or("", |(_, body)| body);
        found.push(Function { name, is_test: std::mem::take(&mut is_test), body });
    }
    found
}

/// The functions that can fail a test: they assert, they wait for something with a deadline, or they call one that does.
fn checking<'a>(functions: &[Function<'a>]) -> BTreeSet<&'a str> {
    const CHECKS: [&str; 6] = ["assert", "panic!", "unreachable!", ".wait_for", ".wait_end", ".ends("];
    let mut checking: BTreeSet<&str> = BTreeSet::new();
    loop {
        let calls = |body: &str, name: &str| body.contains(&format!("{name}("));
        let more = functions.iter().filter(|it| {
            let checks = CHECKS.iter().any(|word| it.body.contains(word));
            !checking.contains(it.name) && (checks || checking.iter().any(|name| calls(it.body, name)))
        });
        let more: Vec<&str> = more.map(|it| it.name).collect();
        if more.is_empty() {
            return checking;
        }
        checking.extend(more);
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

#[test]
fn a_test_that_checks_nothing_is_not_counted() {
    let source = "#[test]\nfn t01_empty() {}\n#[test]\nfn t02_calls_nothing() {\n    let _ = 1;\n}\n\
        #[tokio::test]\nasync fn t03_asserts() {\n    assert!(true);\n}\n\
        mod m {\n    #[test]\n    fn t04_by_a_helper() {\n        holds(2);\n    }\n}\n\
        fn holds(n: u8) {\n    same(n);\n}\nfn same<T>(n: T) {\n    assert_eq!(n, n);\n}\n";
    let functions = functions(source);
    let tests: Vec<&str> = functions.iter().filter(|it| it.is_test).map(|it| it.name).collect();
    assert_eq!(tests, ["t01_empty", "t02_calls_nothing", "t03_asserts", "t04_by_a_helper"]);
    let checking = checking(&functions);
    let counted: Vec<&str> = tests.into_iter().filter(|name| checking.contains(name)).collect();
    assert_eq!(counted, ["t03_asserts", "t04_by_a_helper"]);
}
