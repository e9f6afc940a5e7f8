//! The set-up pages: their configs are accepted, ours by cutover and the server's by the server itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of tests may panic and say what was not tested"
)]

use std::path::Path;

use cutover::backend::setup::{HEADINGS, PAGES};
use cutover::{cli, config};

fn env(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/operator".into()),
        name if name.starts_with("XDG_") => None,
        _ => Some("0123456789abcdef".into()),
    }
}

#[test]
fn every_kind_has_a_page_with_all_its_parts() {
    let kinds: Vec<&str> = config::kinds().collect();
    let pages: Vec<&str> = PAGES.iter().map(|page| page.kind).collect();
    assert_eq!(kinds, pages);
    for page in PAGES {
        let headings: Vec<&str> = page.text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, HEADINGS, "{}", page.kind);
        for heading in HEADINGS {
            assert!(!page.part(heading).trim().is_empty(), "{}: nothing under {heading}", page.kind);
        }
    }
}

#[test]
fn every_config_of_ours_is_accepted_and_says_what_the_system_can() {
    for page in PAGES {
        let examples = page.examples();
        assert!(!examples.is_empty(), "{} shows no config", page.kind);
        for example in examples {
            let read = config::parse(&example.toml, Path::new("cutover.toml"), &env);
            let config = read.unwrap_or_else(|error| panic!("{} {}: {error}", page.kind, example.way));
            assert_eq!(config.backend.kind(), page.kind);
        }
    }
    let rows = cli::backends::abilities().unwrap();
    assert!(rows.len() >= PAGES.len());
}
