//! Reads a text file of the operator's: a config, a keymap, a theme.

use std::io::{ErrorKind, Read};
use std::path::Path;

use super::error::{ConfigError, Fault, Place};

/// The limit of a kind of file, and what to do about a file that is not one.
pub(crate) struct Kind {
    /// Larger files are refused, in KiB; whole MiB from 1024 on.
    pub most_kb: u64,
    /// What to do about a file that is too large.
    pub too_large: &'static str,
    /// What to do about a file that does not exist.
    pub missing: &'static str,
}

/// The text of the file at `path`, which messages call `shown`.
///
/// # Errors
/// The file does not exist, cannot be read, is too large, or is not UTF-8.
pub(crate) fn read(path: &Path, shown: &Path, kind: &Kind) -> Result<String, ConfigError> {
    let no = |message: String, remedy: &str| Err(ConfigError::whole(shown, message, remedy));
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return no("is a directory".into(), "name the file in it"),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return no("there is no such file".into(), kind.missing),
        Err(error) => return no(format!("cannot be read: {error}"), "check the rights of the file and its directory"),
    }
    let mut bytes = Vec::new();
    let most = kind.most_kb * 1024;
    if let Err(error) = std::fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)) {
        return no(format!("cannot be read: {error}"), "check the rights of the file and its directory");
    }
    if bytes.len() as u64 > most {
        let size =
            if kind.most_kb < 1024 { format!("{} KB", kind.most_kb) } else { format!("{} MB", kind.most_kb / 1024) };
        return no(format!("is larger than {size}"), kind.too_large);
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(shown, error.as_bytes(), error.utf8_error().valid_up_to()))
}

fn not_utf8(file: &Path, bytes: &[u8], at: usize) -> ConfigError {
    let before = &bytes[..at];
    let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    let place = Some(Place { line: before.split(|&b| b == b'\n').count(), column });
    let message = format!("byte 0x{:02x} is not UTF-8", bytes.get(at).copied().unwrap_or_default());
    let fault = Fault { place, key: String::new(), message, remedy: "save the file as UTF-8".into() };
    ConfigError { file: file.into(), faults: vec![fault], dropped: 0 }
}
