//! Reads secrets at the moment of use. They are not kept.

use std::io::Read;

use crate::domain::SecretRef;
use crate::domain::text::clean;

/// Longest secret, in bytes.
const MAX_SECRET: u64 = 16 * 1024;
/// Shortest secret, in bytes: masking a shorter one would hide too much of an answer.
const MIN_SECRET: usize = 8;

/// The secret, trimmed. A secret that is too short to be masked is an error.
///
/// # Errors
/// Why it cannot be used, in words without the secret.
pub(crate) fn secret(from: &SecretRef) -> Result<String, String> {
    let secret = any_secret(from)?;
    if secret.len() < MIN_SECRET { Err(format!("it is shorter than {MIN_SECRET} bytes")) } else { Ok(secret) }
}

/// The secret, trimmed, of any length. For a traffic system, which a rollback must reach.
///
/// # Errors
/// Why it cannot be used, in words without the secret.
pub(crate) fn any_secret(from: &SecretRef) -> Result<String, String> {
    let text = match from {
        SecretRef::Env(name) => std::env::var(name).map_err(|_| format!("the environment variable {name} is not set")),
        SecretRef::File(path) => {
            let mut text = String::new();
            let read = std::fs::File::open(path).and_then(|file| file.take(MAX_SECRET).read_to_string(&mut text));
            read.map(|_| text).map_err(|error| format!("{}: {error}", clean(&path.display().to_string(), 120)))
        }
    }?;
    let secret = text.trim();
    if secret.is_empty() || !secret.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Err("it is empty, or holds other than visible ASCII characters".to_owned());
    }
    Ok(secret.to_owned())
}
