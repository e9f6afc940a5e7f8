//! Holds the sources to the house rules: who may know whom, how long files are, what lies at the top.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which of our modules each top-level module may use, besides itself. `lib` and `main` may use all.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("narrate", &["domain"]),
    ("engine", &["domain", "narrate"]),
    ("settings", &["domain", "http"]),
    ("http", &["domain"]),
    ("backend", &["domain", "http", "process", "settings"]),
    ("probe", &["domain", "http"]),
    ("gate", &["domain", "http", "process", "settings"]),
    ("alert", &["domain", "http", "process"]),
    ("process", &[]),
    ("journal", &["domain"]),
    ("logs", &["domain", "process"]),
    ("config", &["backend", "domain", "settings", "gate"]),
    ("manual", &["domain", "backend", "config"]),
    ("gateway", &["domain"]),
    ("demo", EVERYTHING),
    ("dialogue", &["domain", "engine"]),
    ("ui", &["domain", "engine", "manual", "dialogue", "settings"]),
    ("record", &["domain", "engine"]),
    ("report", &["domain", "engine", "narrate"]),
    ("terminal", EVERYTHING),
    ("testing", EVERYTHING),
    ("runtime", EVERYTHING),
    ("cli", EVERYTHING),
];

const EVERYTHING: &[&str] = &[
    "alert", "process", "domain", "engine", "backend", "http", "probe", "gate", "journal", "logs", "config", "gateway",
    "demo", "dialogue", "narrate", "ui", "terminal", "runtime", "cli", "record", "report", "settings", "manual",
];

/// Which outside names each pure module must never use; a name stands for its whole path.
const NEVER: &[(&str, &[&str])] = &[
    ("domain", PURE),
    ("engine", PURE),
    ("report", PURE),
    ("dialogue", PURE),
    ("narrate", PURE),
    (
        "ui",
        &[
            "reqwest",
            "hyper",
            "tokio",
            "std::net",
            "std::time::Instant",
            "Instant::now",
            "SystemTime",
            "Utc::now",
            "Local::now",
        ],
    ),
    ("settings", &["tokio", "reqwest", "hyper", "ratatui", "crossterm", "std::net::Tcp"]),
    ("config", &["tokio", "reqwest", "hyper", "ratatui", "crossterm", "std::net::Tcp"]),
    ("journal", &["ratatui", "crossterm", "reqwest", "hyper"]),
    ("gateway", &["ratatui", "crossterm", "reqwest"]),
    ("logs", &["ratatui", "crossterm", "reqwest", "hyper"]),
    ("backend", &["ratatui", "crossterm"]),
    ("http", &["ratatui", "crossterm"]),
    ("probe", &["ratatui", "crossterm"]),
    ("gate", &["ratatui", "crossterm"]),
    ("alert", &["ratatui", "crossterm"]),
    ("process", &["ratatui", "crossterm", "reqwest", "hyper"]),
    ("demo", &["ratatui", "crossterm", "crate::cli"]),
    ("record", &["ratatui", "crossterm", "tokio", "reqwest", "hyper"]),
];

/// What the demo must not reach into: of `ui` it knows the types at its head, none of the rooms behind them.
const CLOSED: (&str, &str) = ("demo", "crate::ui::");

const PURE: &[&str] = &[
    "tokio",
    "reqwest",
    "hyper",
    "ratatui",
    "crossterm",
    "rustix",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
    "std::io",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Utc::now",
    "Local::now",
];

/// Files longer than this are refused, tests not counted; longer than [`LONG`] are listed.
const TOO_LONG: usize = 500;
const LONG: usize = 400;

/// What may lie at the top besides dotfiles; `target` is made by building.
const TOP: &[&str] = &["Cargo.toml", "Cargo.lock", "src", "themes", "tests", "assets", "README.md", "target"];

/// The source without comments, strings, and the tests at its end, each replaced by nothing.
fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or(source);
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut out, mut i) = (String::new(), 0);
    while i < chars.len() {
        match (at(i), at(i + 1)) {
            ('/', '/') => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            ('/', '*') => {
                i += 2;
                while i < chars.len() && (at(i), at(i + 1)) != ('*', '/') {
                    i += 1;
                }
                i += 2;
            }
            ('r', '"' | '#') if !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                i = after_raw(&chars, i, &mut out);
            }
            ('"', _) => {
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    i += if at(i) == '\\' { 2 } else { 1 };
                }
                i += 1;
                out.push_str("\"\"");
            }
            // A character literal, not a lifetime.
            ('\'', '\\') => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            ('\'', _) if at(i + 2) == '\'' => i += 3,
            (c, _) => {
                out.push(c);
                i += 1;
            }
        }
    }
    out
}

/// The index after a raw string that begins at `i`, or after the `r` where none does.
fn after_raw(chars: &[char], i: usize, out: &mut String) -> usize {
    let hashes = chars[i + 1..].iter().take_while(|&&c| c == '#').count();
    if chars.get(i + 1 + hashes) != Some(&'"') {
        out.push('r');
        return i + 1;
    }
    let mut end = i + 2 + hashes;
    while end < chars.len() {
        if chars[end] == '"' && chars[end + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes {
            break;
        }
        end += 1;
    }
    out.push_str("\"\"");
    end + 1 + hashes
}

/// Every path in the code, with `use a::{b, c::d}` unfolded: `a::b`, `a::c::d`.
fn paths(code: &str) -> BTreeSet<String> {
    let mut tokens: Vec<String> = Vec::new();
    for c in code.chars() {
        match c {
            c if c.is_alphanumeric() || c == '_' => match tokens.last_mut() {
                Some(last) if last.ends_with(|c: char| c.is_alphanumeric() || c == '_') => last.push(c),
                _ => tokens.push(c.into()),
            },
            c if c.is_whitespace() => tokens.push(" ".into()),
            ':' if tokens.last().is_some_and(|last| last == ":") => *tokens.last_mut().unwrap() = "::".into(),
            c => tokens.push(c.into()),
        }
    }
    tokens.retain(|token| token != " ");
    let mut found = BTreeSet::new();
    let mut i = 0;
    while i < tokens.len() {
        if tokens[i] == "use" {
            i = tree(&tokens, i + 1, "", &mut found);
        } else if is_word(&tokens[i]) && tokens.get(i + 1).is_some_and(|next| next == "::") {
            let mut path = tokens[i].clone();
            while tokens.get(i + 1).is_some_and(|next| next == "::")
                && tokens.get(i + 2).is_some_and(|next| is_word(next))
            {
                path.push_str("::");
                path.push_str(&tokens[i + 2]);
                i += 2;
            }
            found.insert(path);
            i += 1;
        } else {
            i += 1;
        }
    }
    found
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads one tree of a `use` from `i` on; answers with the index after it.
fn tree(tokens: &[String], mut i: usize, prefix: &str, found: &mut BTreeSet<String>) -> usize {
    let mut path = prefix.to_owned();
    loop {
        match tokens.get(i).map(String::as_str) {
            Some("{") => {
                i += 1;
                while !matches!(tokens.get(i).map(String::as_str), Some("}") | None) {
                    i = tree(tokens, i, &path, found);
                    if tokens.get(i).is_some_and(|token| token == ",") {
                        i += 1;
                    }
                }
                return i + 1;
            }
            Some("as") => i += 2,
            Some("::") => {
                if !path.is_empty() {
                    path.push_str("::");
                }
                i += 1;
            }
            Some("*") => {
                path.push('*');
                i += 1;
            }
            Some(word) if is_word(word) => {
                path.push_str(word);
                i += 1;
            }
            other => {
                found.insert(path.trim_end_matches("::").to_owned());
                return if other == Some(";") { i + 1 } else { i };
            }
        }
    }
}

/// What breaks the table in a file of `module`.
fn faults(module: &str, source: &str) -> Vec<String> {
    let paths = paths(&code(source));
    let mut faults = Vec::new();
    if let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) {
        let used: BTreeSet<&str> = paths
            .iter()
            .filter_map(|path| path.strip_prefix("crate::").or_else(|| path.strip_prefix("cutover::")))
            .filter_map(|rest| rest.split("::").next())
            .collect();
        for name in used {
            let is_module = MAY_USE.iter().any(|(known, _)| *known == name);
            if name == "*" || (is_module && name != module && !allowed.contains(&name)) {
                faults.push(format!("{module} may not use crate::{name}"));
            }
        }
    }
    let (closed_to, head) = CLOSED;
    if module == closed_to {
        let inside = paths.iter().filter_map(|path| path.strip_prefix(head));
        let deep = inside.filter(|rest| !rest.starts_with(char::is_uppercase));
        faults.extend(deep.map(|rest| format!("{module} may not look into {head}{rest}")));
    }
    if let Some((_, never)) = NEVER.iter().find(|(name, _)| *name == module) {
        for name in *never {
            // `Utc::now` is also found as `chrono::Utc::now`; `tokio` only as the head of a path.
            let is_inside = name.starts_with(char::is_uppercase);
            let hit = paths.iter().find(|path| {
                let is_head = *path == name || path.starts_with(&format!("{name}::"));
                let is_std = name.starts_with("std::net::Tcp") && path.starts_with(name);
                is_head || is_std || (is_inside && format!("::{path}::").contains(&format!("::{name}::")))
            });
            if let Some(path) = hit {
                faults.push(format!("{module} may never use {path}"));
            }
        }
    }
    faults
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file with its top-level module.
fn sources() -> Vec<(String, PathBuf)> {
    let src = root().join("src");
    let (mut files, mut dirs) = (Vec::new(), vec![src.clone()]);
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let first = path.strip_prefix(&src).unwrap().iter().next().unwrap().to_string_lossy().into_owned();
                files.push((first.trim_end_matches(".rs").to_owned(), path));
            }
        }
    }
    files.sort();
    files
}

/// Tests in a file of their own, beside what they test.
fn is_test_file(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    name == "tests" || name.ends_with("_tests") || name == "testing" || path.iter().any(|part| part == "tests")
}

#[test]
fn every_module_keeps_to_the_table() {
    let known: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    for (module, path) in sources() {
        if module == "lib" || module == "main" {
            continue;
        }
        assert!(known.contains(module.as_str()), "{module} is not in the table: decide what it may use");
        seen.insert(module.clone());
        if is_test_file(&path) {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        all.extend(faults(&module, &source).into_iter().map(|fault| format!("{}: {fault}", path.display())));
    }
    assert!(all.is_empty(), "the table of modules is broken:\n{}", all.join("\n"));
    let missing: Vec<&&str> = known.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missing.is_empty(), "in the table but not in src: {missing:?}");
}

#[test]
fn no_file_is_too_long() {
    let mut lengths = BTreeMap::new();
    for (_, path) in sources().into_iter().filter(|(_, path)| !is_test_file(path)) {
        let source = std::fs::read_to_string(&path).unwrap();
        let lines = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default().lines().count();
        lengths.insert(path.strip_prefix(root()).unwrap().display().to_string(), lines);
    }
    for (path, lines) in lengths.iter().filter(|(_, lines)| **lines > LONG) {
        println!("long: {path} has {lines} lines");
    }
    let too_long: Vec<_> = lengths.iter().filter(|(_, lines)| **lines > TOO_LONG).collect();
    assert!(too_long.is_empty(), "more than {TOO_LONG} lines: {too_long:?}");
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    for (_, path) in sources().into_iter().filter(|(_, path)| !is_test_file(path)) {
        let source = std::fs::read_to_string(&path).unwrap();
        assert!(source.starts_with("//! "), "{} does not open with `//! `", path.display());
    }
}

#[test]
fn modules_have_no_mod_rs() {
    let found: Vec<_> = sources().into_iter().filter(|(_, path)| path.ends_with("mod.rs")).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn only_what_belongs_there_lies_at_the_top() {
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || TOP.contains(&name.as_str()), "{name} does not belong at the top");
    }
}

#[test]
fn the_main_file_is_thin() {
    let main = std::fs::read_to_string(root().join("src/main.rs")).unwrap();
    assert!(main.lines().count() < 50);
}

/// The checks themselves, on samples that break the rules and samples that do not.
#[test]
fn the_checks_can_fail() {
    let broken = [
        ("domain", "use crate::engine::State;"),
        ("domain", "fn f() { let x = std::fs::read(\"a\"); }"),
        ("domain", "use chrono::Utc;\nfn f() { Utc::now(); }"),
        ("domain", "fn f() -> DateTime<Utc> { chrono::Utc::now() }"),
        ("engine", "use tokio::sync::mpsc;"),
        ("dialogue", "use crate::ui::View;"),
        ("dialogue", "use std::time::Instant;"),
        ("engine", "use crate::{domain::Side, backend::Driver};"),
        ("engine", "use std::{fmt, time::Instant};"),
        ("backend", "fn f(x: crate::ui::View) {}"),
        ("backend", "use crate::engine as e;"),
        ("config", "async fn f() { tokio::time::sleep(d).await }"),
        ("ui", "use crate::backend::{self, Driver};"),
        ("gate", "use crate::{\n    domain::Side,\n    engine::{Command, Event},\n};"),
        ("gateway", "pub use crate::config::Config;"),
        ("journal", "use crate::*;"),
        ("demo", "use crate::ui::view::View;"),
        ("demo", "use crate::cli::Context;"),
        ("domain", "fn f<'a>(x: &'a str) { let q = '\"'; std::fs::read(x) }"),
    ];
    for (module, source) in broken {
        assert!(!faults(module, source).is_empty(), "{module} should be refused: {source}");
    }
    let fine = [
        ("domain", "// use crate::engine::State;\n/* tokio::spawn */ use serde::Serialize;"),
        ("domain", "fn f() { let x = \"crate::engine::State\"; let y = r#\"std::fs::read(\"a\")\"#; }"),
        ("domain", "fn f() {}\n#[cfg(test)]\nmod tests { use tokio::time; }"),
        ("engine", "use crate::domain::{Side, text::clean};\nuse crate::engine::Command;"),
        ("cli", "use crate::{engine::Command, ui::View};"),
        ("gate", "use crate::http::Client; use reqwest::Client as Http;"),
        ("domain", "use crate::domain::tokio_like;"),
        ("demo", "use crate::ui::Theme;"),
    ];
    for (module, source) in fine {
        assert_eq!(faults(module, source), [""; 0], "{module} should pass: {source}");
    }
}

/// Files that mean the gateway that comes with cutover where they name `embedded`, and why.
const MEAN_THE_GATEWAY: &[(&str, &str)] = &[
    ("config/template.rs", "the config that init writes runs the gateway"),
    ("demo/settings.rs", "the demo runs the gateway"),
];

/// The kinds of backend that `source`, which is the file `path` below `src`, names and should not know.
fn kinds_named(path: &str, source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    // Reason: a cargo feature may have the name of the kind that it brings.
    let passed = |line: &&str| ["//", "#[cfg(feature"].iter().any(|begins| line.trim_start().starts_with(begins));
    let lines = || source.lines().filter(|line| !passed(line));
    let paths = paths(&code(source));
    let mut found = Vec::new();
    // Reason: exec and http are kinds of gate too, and http is a scheme; a use of their folder is found all the same.
    for kind in cutover::testing::backend::kinds::names() {
        let folder = if ["exec", "http"].contains(&kind) { "hook" } else { kind };
        let is_own = path.starts_with(&format!("backend/{folder}/")) || path == format!("backend/{folder}.rs");
        let is_gateway = kind == "embedded" && MEAN_THE_GATEWAY.iter().any(|(file, _)| *file == path);
        if is_own || is_gateway {
            continue;
        }
        let word = |line: &str| ["\"", "\\\""].iter().any(|quote| line.contains(&format!("\"{kind}{quote}")));
        let inside = path.starts_with("backend/") && paths.iter().any(|it| it.starts_with(&format!("super::{folder}")));
        let outside = paths.iter().any(|it| it.contains(&format!("backend::{folder}")));
        if (folder == kind && lines().any(word)) || inside || outside {
            found.push(format!("{path} names {kind}"));
        }
    }
    found
}

#[test]
fn a_kind_of_backend_is_known_to_its_folder_and_its_row_alone() {
    let mut found = Vec::new();
    for (_, path) in sources().into_iter().filter(|(_, path)| !is_test_file(path)) {
        let below = path.strip_prefix(root().join("src")).unwrap().display().to_string();
        if below != "backend/kinds.rs" {
            found.extend(kinds_named(&below, &std::fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    for (path, source) in [
        ("cli/x.rs", "match kind { \"haproxy\" => 1, _ => 2 }"),
        ("config/x.rs", "const KINDS: [&str; 1] = [\"envoy\"];"),
        ("config/x.rs", "out.section(\"kind = \\\"caddy\\\"\")"),
        ("runtime/x.rs", "use crate::backend::hook::Hook;"),
        ("backend/x.rs", "use super::{nginx, TrafficBackend};"),
        ("backend/envoy/x.rs", "use crate::backend::haproxy::save;"),
    ] {
        assert!(!kinds_named(path, source).is_empty(), "{path} should be refused: {source}");
    }
    assert_eq!(kinds_named("gate/x.rs", "// \"haproxy\" is not named\nlet it = \"http\";"), [""; 0]);
}
