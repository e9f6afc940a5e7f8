//! The name of the person or script that uses this process.

use crate::domain::{Actor, text};

/// The operator. `via` is `cli`, `console` or `demo`.
pub(crate) fn me(via: &str) -> Actor {
    let name = ["USER", "LOGNAME"].iter().find_map(|key| std::env::var(key).ok().filter(|name| !name.is_empty()));
    let name = name.or_else(login_name).unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    Actor { name: text::clean(&name, 40), via: via.into() }
}

/// The login name of the process's user, if the environment has no name.
fn login_name() -> Option<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut fields = users.lines().map(|line| line.split(':'));
    fields.find_map(|mut user| {
        let name = user.next()?;
        (user.nth(1)? == uid).then(|| name.to_owned())
    })
}
