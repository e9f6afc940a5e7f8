//! What every real server of a test needs: a port, a config that names it, and time to come up.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use cutover::testing::config::{Config, ConfigError};

/// Longer than anything here takes.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A port that was free a moment ago.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Asks again and again whether `condition` holds; `false` when it never did.
pub fn in_time(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + DEADLINE;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        pause();
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    assert!(in_time(condition), "waited in vain: {what}");
}

/// Between two looks at a condition that has a deadline.
pub fn pause() {
    std::thread::park_timeout(Duration::from_millis(5));
}

/// A whole config around a `[backend]`, which is sound.
pub fn config(backend: &str, dir: &Path) -> Config {
    read_config(backend, dir).expect("the config is sound")
}

/// A whole config around a `[backend]`.
pub fn read_config(backend: &str, dir: &Path) -> Result<Config, ConfigError> {
    let toml = format!(
        "service.name = \"m\"\nblue.urls = [\"http://127.0.0.1:1\"]\ngreen.urls = [\"http://127.0.0.1:2\"]\n\
         [state]\ndir = \"state\"\n{backend}"
    );
    cutover::testing::config::parse(&toml, &dir.join("cutover.toml"), &|_| None)
}
