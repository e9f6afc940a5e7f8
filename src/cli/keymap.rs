//! `keys.toml`: finds it, reads it within limits, and prints it for `cutover keys`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::engine::snapshot::SCHEMA_VERSION;
use crate::settings::{ConfigError, text_file};
use crate::ui::Keymap;
use crate::ui::actions::table;

const KIND: text_file::Kind = text_file::Kind {
    most_kb: 64,
    too_large: "a keymap has about fifty lines; name another file with --keys",
    missing: "name another file with --keys",
};

/// A keymap file.
pub(crate) struct KeymapFile {
    /// Its path.
    pub path: PathBuf,
    /// Whether the user named it. Then it must exist.
    pub named: bool,
}

/// `--keys FILE` or `CUTOVER_KEYS`, or else `keys.toml` in the user's config directory.
pub(crate) fn find(named: Option<&Path>) -> Option<KeymapFile> {
    if let Some(path) = named.filter(|path| !path.as_os_str().is_empty()) {
        return Some(KeymapFile { path: path.into(), named: true });
    }
    let dirs = directories::ProjectDirs::from("", "", "cutover")?;
    Some(KeymapFile { path: dirs.config_dir().join("keys.toml"), named: false })
}

/// The active keymap.
///
/// # Errors
/// The named file cannot be read, or a file has faults: every fault with file, line and remedy, exit code 78.
pub(crate) fn load(context: &Context) -> Result<Arc<Keymap>, Failure> {
    let Some(found) = find(context.keys.as_deref()) else { return Ok(Arc::default()) };
    read(&found).map(Arc::new).map_err(|error| Failure::new(Exit::Config, error.to_string()))
}

fn read(found: &KeymapFile) -> Result<Keymap, ConfigError> {
    let is_missing = std::fs::metadata(&found.path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    if is_missing && !found.named {
        return Ok(Keymap::default());
    }
    Keymap::parse(&text_file::read(&found.path, &found.path, &KIND)?, &found.path)
}

/// `keys`: the active keymap as a table, as JSON, or as a file that can be read again.
pub(crate) fn run(context: &mut Context, print: bool) -> Result<Exit, Failure> {
    let keymap = load(context)?;
    if context.out.is_json() {
        let keys: Vec<_> = table()
            .iter()
            .map(|row| {
                let spelled = keymap.spelled(row.act);
                json!({
                    "keys": spelled.join(" "), "bound": spelled, "action": row.name, "help": row.help,
                    "danger": row.danger.told(), "panes": row.panes, "remapped": keymap.is_remapped(row),
                })
            })
            .collect();
        context.out.json(&json!({"schema_version": SCHEMA_VERSION, "keys": keys}));
        return Ok(Exit::Reached);
    }
    if print {
        context.out.text(&keymap.to_toml());
        return Ok(Exit::Reached);
    }
    let spelled = |row: &crate::ui::actions::Row| keymap.spelled(row.act).join(" ");
    let keys = table().iter().map(|row| spelled(row).chars().count()).max().unwrap_or(0);
    let names = table().iter().map(|row| row.name.len()).max().unwrap_or(0);
    for row in table() {
        let was = if keymap.is_remapped(row) { format!("  (was {})", row.keys.join(" ")) } else { String::new() };
        let danger = if row.danger.told().is_empty() { String::new() } else { format!("  [{}]", row.danger.told()) };
        let line = format!("{:<keys$}  {:<names$}  {}{danger}{was}", spelled(row), row.name, row.help);
        context.out.line(&line);
    }
    Ok(Exit::Reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(found: &KeymapFile) -> Result<Keymap, String> {
        read(found).map_err(|error| error.to_string())
    }

    fn reading(bytes: &[u8], named: bool) -> Result<Keymap, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        std::fs::write(&path, bytes).unwrap();
        told(&KeymapFile { path, named })
    }

    #[test]
    fn a_file_that_is_not_there_matters_only_when_it_was_named() {
        let path = PathBuf::from("no-such-dir/keys.toml");
        assert_eq!(told(&KeymapFile { path: path.clone(), named: false }), Ok(Keymap::default()));
        assert!(
            told(&KeymapFile { path, named: true })
                .unwrap_err()
                .contains("no-such-dir/keys.toml: there is no such file; name")
        );
        let directory = told(&KeymapFile { path: ".".into(), named: false });
        assert!(directory.unwrap_err().contains("is a directory"), "a directory is no keymap");
    }

    #[test]
    fn faults_name_the_file_and_bounds_hold() {
        assert_eq!(reading(b"", true), Ok(Keymap::default()));
        assert!(reading(b"[keys]\npromot = 'F'\n", false).unwrap_err().contains("keys.toml:2:1: there is no action"));
        assert!(reading(b"\n\n\xff", false).unwrap_err().contains("keys.toml:3:1: byte 0xff is not UTF-8"));
        assert!(reading(&vec![b'\n'; 70_000], false).unwrap_err().contains("larger than 64 KB"));
    }
}
