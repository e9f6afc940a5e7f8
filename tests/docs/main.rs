//! What is written about the program, and the rules of its sources, held against the program.

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod contract;
mod readme;
mod setup_pages;
