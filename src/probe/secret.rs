//! Secrets, read when they are needed and never kept.

use std::io::Read;

use crate::domain::SecretRef;
use crate::domain::text::clean;

/// Longest secret, in bytes.
const MAX_SECRET: u64 = 16 * 1024;
/// A secret this short would hide too much of an answer, in bytes.
const MIN_SECRET: usize = 8;

/// The secret itself, trimmed.
///
/// # Errors
/// Why there is none, in words that hold nothing of it.
pub fn secret(from: &SecretRef) -> Result<String, String> {
    let text = match from {
        SecretRef::Env(name) => std::env::var(name).map_err(|_| "its environment variable is not set".to_owned()),
        SecretRef::File(path) => {
            let mut text = String::new();
            std::fs::File::open(path)
                .and_then(|file| file.take(MAX_SECRET).read_to_string(&mut text))
                .map(|_| text)
                .map_err(|err| format!("{}: {err}", clean(&path.display().to_string(), 120)))
        }
    }?;
    let secret = text.trim();
    if secret.len() < MIN_SECRET || !secret.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Err(format!("it is shorter than {MIN_SECRET} bytes, or no visible ASCII"));
    }
    Ok(secret.to_owned())
}
