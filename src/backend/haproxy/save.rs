//! The entry in a map file. HAProxy reads the file at a reload.

use std::path::Path;

use super::spec::MapEntry;
use crate::backend::replace::{Fault, replace, text};

/// The value of the key in a map file. The first one counts, as in HAProxy.
pub(super) fn value_in(map: &str, key: &str) -> Option<String> {
    map.lines().find_map(|line| {
        let (found, value) = line.trim().split_once([' ', '\t'])?;
        (found == key).then(|| value.trim().to_owned())
    })
}

/// Refuses a file that holds something else than a map: every line of a map has a key and a value.
pub(super) fn is_map(path: &Path) -> Result<(), Fault> {
    let text = text(path)?;
    let is_entry = |line: &str| line.split_ascii_whitespace().nth(1).is_some();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    owned(path, lines.into_iter().all(is_entry), "map file")
}

/// Refuses a file that holds something else than the state of servers.
pub(super) fn is_state(path: &Path) -> Result<(), Fault> {
    let text = text(path)?;
    owned(path, text.trim().is_empty() || text.starts_with(STATE), "server state file")
}

/// How a server state file begins.
pub(super) const STATE: &str = "1\n# be_id";

fn owned(path: &Path, is_ours: bool, kind: &str) -> Result<(), Fault> {
    if is_ours {
        return Ok(());
    }
    Err(Fault::of(path, &format!("is no {kind}: cutover does not write over it; name another file")))
}

/// Sets the entry in the map file at `path`; every other line stays as it is.
pub(super) fn set_entry(path: &Path, entry: &MapEntry, value: &str) -> Result<(), Fault> {
    is_map(path)?;
    let old = text(path)?;
    let mut new = String::with_capacity(old.len() + 64);
    let line = format!("{} {value}\n", entry.key);
    let mut is_set = false;
    for kept in old.split_inclusive('\n') {
        if kept.split_ascii_whitespace().next() == Some(entry.key.as_str()) {
            new.push_str(if is_set { "" } else { &line });
            is_set = true;
        } else {
            new.push_str(kept);
        }
    }
    if !is_set {
        if !new.is_empty() && !new.ends_with('\n') {
            new.push('\n');
        }
        new.push_str(&line);
    }
    if new == old {
        return Ok(());
    }
    replace(path, &new)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;
    use crate::backend::replace::can_replace;

    fn entry() -> MapEntry {
        MapEntry { map: "m".into(), key: "active".into() }
    }

    #[test]
    fn one_line_is_changed_and_mode_and_link_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real.map");
        let link = dir.path().join("active.map");
        fs::write(&real, "# sides\nother x\n  active\tblue  \nactive twice").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        set_entry(&link, &entry(), "green").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "# sides\nother x\nactive green\n");
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(value_in(&text(&link).unwrap(), "active").as_deref(), Some("green"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn what_cannot_be_replaced_is_told_beforehand() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("new.map");
        can_replace(&new).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
        assert!(can_replace(dir.path()).unwrap_err().text.contains("not a file"));
        assert!(can_replace(&dir.path().join("no/such.map")).is_err());
        set_entry(&new, &entry(), "green").unwrap();
        assert_eq!(fs::read_to_string(&new).unwrap(), "active green\n");
    }

    #[test]
    fn a_file_of_another_kind_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let file = dir.path().join(name);
            fs::write(&file, text).unwrap();
            file
        };
        let config = "global\n    stats socket /run/x level admin\nbackend b\n";
        let (cfg, map, state) = (
            file("haproxy.cfg", config),
            file("a.map", "# sides\nactive blue\n"),
            file("state", "1\n# be_id be_name\n5 b\n"),
        );
        for ours in [is_map(&map), is_map(&dir.path().join("new")), is_map(&file("none.map", "\n")), is_state(&state)] {
            ours.unwrap();
        }
        assert!(is_map(&cfg).unwrap_err().text.contains("is no map file: cutover does not write over it"));
        assert!(is_state(&cfg).unwrap_err().text.contains("is no server state file"));
        assert!(is_state(&map).is_err() && is_map(&state).is_err(), "nor are the two each other");
        assert!(set_entry(&cfg, &entry(), "green").is_err());
        assert_eq!(fs::read_to_string(&cfg).unwrap(), config);
    }
}
