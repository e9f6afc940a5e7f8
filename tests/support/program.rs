//! Where the real servers are that Debian has not: `tests/support/routers-setup` brings them.

use std::path::{Path, PathBuf};

/// The program of this name: `CUTOVER_NAME`, else what was set up under `target/`, else the first in the `PATH`.
pub fn program(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os(format!("CUTOVER_{}", name.to_uppercase())).map(PathBuf::from);
    let set_up = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/routers").join(name);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|dir| dir.join(name));
    named.into_iter().chain([set_up]).chain(installed).find(|file| file.is_file())
}

/// The program, or a line that says why `test` was not run.
pub fn need(test: &str, name: &str) -> Option<PathBuf> {
    let found = program(name);
    if found.is_none() {
        println!("SKIPPED {test}: {name} is not there (tests/support/routers-setup target/routers brings it)");
    }
    found
}
