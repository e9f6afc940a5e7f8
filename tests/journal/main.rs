//! The journal and the lease, on real files and with real processes that are really killed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod chain;
mod children;
mod crash;
mod lease;
mod limits;

/// Not a test of its own: what this binary does when a test starts it again as another process.
#[test]
fn child() {
    if let Ok(part) = std::env::var(children::PART) {
        match part.as_str() {
            "writer" => crash::writer(),
            "holder" => lease::holder(),
            "taker" => lease::taker(),
            "file-limit" => limits::file_limit(),
            "small-disk" => limits::small_disk(),
            "read-only" => limits::read_only(),
            "no-rights" => limits::no_rights(),
            other => panic!("no part {other:?}"),
        }
    }
}
