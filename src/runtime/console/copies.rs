//! Keeps the last copied text in a file: many terminals refuse copies, and none reports that.

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::domain::text;

/// The file's name.
const FILE: &str = "clipboard.txt";

/// Writes `copied` to the file in `dir` and returns its path. The file is 0600; `dir` is created 0700 if it is missing.
///
/// # Errors
/// When the file cannot be written. The earlier file is then unchanged.
pub(super) fn keep(dir: &Path, copied: &str) -> io::Result<PathBuf> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let path = dir.join(FILE);
    let part = dir.join(format!("{FILE}.{}", std::process::id()));
    // Removes a file of an earlier process with this number, and never writes through a link.
    drop(std::fs::remove_file(&part));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(copied.as_bytes())?;
    file.write_all(b"\n")?;
    std::fs::rename(&part, &path)?;
    Ok(path)
}

/// The message about a copy that was `sent` to the terminal or not, and `kept` in a file. `true` for a warning.
pub(super) fn message(sent: bool, kept: Option<io::Result<PathBuf>>) -> (String, bool) {
    let kept = kept.map(|kept| kept.map(|path| shown(&path)));
    match (sent, kept) {
        (true, None) => ("copied, as far as the terminal allows it".into(), false),
        (true, Some(Ok(path))) => (format!("copied; also in {path}"), false),
        (true, Some(Err(error))) => (format!("copied; not kept in a file: {error}"), false),
        (false, None) => ("too long for a terminal's clipboard: not copied".into(), true),
        (false, Some(Ok(path))) => (format!("too long for a terminal's clipboard: it is in {path}"), true),
        (false, Some(Err(error))) => {
            (format!("not copied: too long for a terminal's clipboard, and no file: {error}"), true)
        }
    }
}

/// The path with the home directory as `~`.
fn shown(path: &Path) -> String {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let short = home.and_then(|home| path.strip_prefix(home).ok().map(|rest| Path::new("~").join(rest)));
    text::clean(&short.unwrap_or_else(|| path.to_owned()).to_string_lossy(), 200)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn t37_a_copy_is_kept_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = keep(&dir.path().join("deep"), "one").unwrap();
        assert_eq!(keep(&dir.path().join("deep"), "two").unwrap(), path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path().join("deep")).unwrap().count(), 1);
    }

    #[test]
    fn t37_a_copy_that_cannot_be_kept_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let (text, warn) = message(false, Some(keep(&file, "x")));
        assert!(warn && text.contains("no file: "), "{text}");
        assert_eq!(
            message(true, Some(Ok("/x/clipboard.txt".into()))),
            ("copied; also in /x/clipboard.txt".into(), false)
        );
    }
}
