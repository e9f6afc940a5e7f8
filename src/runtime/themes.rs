//! Finds and reads the user's theme files; `ui` itself reads no files.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use crate::settings::{ConfigError, text_file};
use crate::ui::theme::Source;
use crate::ui::{Input, Theme};

/// The most theme names for completion.
const NAMES_MAX: usize = 200;
/// The longest name of a theme, in bytes.
const NAME_MAX: usize = 64;
const KIND: text_file::Kind = text_file::Kind {
    most_kb: 64,
    too_large: "a theme is a few lines; is this the right file?",
    missing: "check the path and its rights",
};

/// The directory of the user's themes: `themes` in the XDG config directory. `None` without a home.
pub(crate) fn themes_dir() -> Option<PathBuf> {
    Some(directories::ProjectDirs::from("", "", "cutover")?.config_dir().join("themes"))
}

/// The names of all themes: first those of the program, then the user's in alphabetical order.
pub(crate) fn theme_names(dir: Option<&Path>) -> Vec<String> {
    let files = dir.and_then(|dir| std::fs::read_dir(dir).ok()).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| {
        let file = entry.file_name();
        file.to_str()?.strip_suffix(".toml").filter(|name| is_name(name) && !Theme::is_shipped(name)).map(str::to_owned)
    };
    let mut own: Vec<String> = files.take(10 * NAMES_MAX).filter_map(name).take(NAMES_MAX).collect();
    own.sort_unstable();
    Theme::names().map(str::to_owned).chain(own).collect()
}

/// Loads a theme by name, or from a file if `asked` has a `/` or ends in `.toml`.
///
/// # Errors
/// Every fault of the first file that has faults, each with its line and remedy.
pub(crate) fn load_theme(asked: &str, dir: Option<&Path>) -> Result<Theme, ConfigError> {
    let mut find = |name: &str| own(name, dir);
    if asked.contains('/') || Path::new(asked).extension().is_some_and(|ending| ending == "toml") {
        let name = Path::new(asked).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        return Theme::resolve(Source { name, file: asked.into(), text: read(Path::new(asked))? }, &mut find);
    }
    if !Theme::is_shipped(asked) {
        return Theme::resolve(own(asked, dir)?, &mut find);
    }
    let shadow = dir.map(|dir| dir.join(format!("{asked}.toml"))).filter(|file| file.symlink_metadata().is_ok());
    match shadow {
        None => Theme::load(asked),
        Some(file) => Err(ConfigError::whole(
            file,
            format!("has the name of the theme {asked} that comes with cutover"),
            &format!("give the file another name, and write inherits = \"{asked}\" in it"),
        )),
    }
}

/// Loads the theme in another thread, because a directory may hang, and sends it to `answers`.
pub(super) fn load_later(asked: String, answers: mpsc::Sender<Input>) {
    tokio::task::spawn_blocking(move || {
        let theme = load_theme(&asked, themes_dir().as_deref()).map_err(|error| error.first());
        // The console may have ended.
        let _ = answers.try_send(Input::Theme { name: asked, theme: theme.map(Box::new) });
    });
}

/// Whether `name` can be a file name without a path.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    (1..=NAME_MAX).contains(&name.len()) && name.chars().all(plain)
}

fn own(name: &str, dir: Option<&Path>) -> Result<Source, ConfigError> {
    let known = || theme_names(dir).join(", ");
    let nameless = |message: String, remedy: &str| Err(ConfigError::whole("", message, remedy));
    if !is_name(name) {
        let remedy = "names have letters, digits, - and _; a file is written with its / or .toml";
        return nameless(format!("{name:?} is no theme's name"), remedy);
    }
    let Some(dir) = dir else {
        let remedy = format!("known are {}; your own need HOME or XDG_CONFIG_HOME to be set", known());
        return nameless(format!("there is no theme {name:?}"), &remedy);
    };
    let file = dir.join(format!("{name}.toml"));
    if file.symlink_metadata().is_err() {
        let remedy = format!("known are {}; your own are files in {}", known(), dir.display());
        return nameless(format!("there is no theme {name:?}"), &remedy);
    }
    Ok(Source { name: name.into(), text: read(&file)?, file })
}

fn read(path: &Path) -> Result<String, ConfigError> {
    text_file::read(path, path, &KIND)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        dir
    }

    #[test]
    fn a_theme_is_found_by_name_and_by_file() {
        let dir =
            dir(&[("night.toml", b"inherits = \"dim\""), ("dim.toml", b"inherits = \"dark\"\n[roles]\ntitle = {}")]);
        let at = Some(dir.path());
        assert_eq!(theme_names(at), ["dark", "light", "high-contrast", "ansi16", "mono", "dim", "night"]);
        let night = load_theme("night", at).unwrap();
        let file = dir.path().join("night.toml").display().to_string();
        assert_eq!(load_theme(&file, at).unwrap(), night);
        assert_ne!(
            night.style(crate::ui::theme::Role::Title),
            Theme::load("dark").unwrap().style(crate::ui::theme::Role::Title)
        );
        assert_eq!(load_theme("light", at).unwrap(), Theme::load("light").unwrap());
    }

    #[test]
    fn every_file_that_is_no_theme_is_told_with_its_name_and_a_remedy() {
        let big = vec![b'#'; 10_000_000];
        let dir = dir(&[
            ("big.toml", &big),
            ("bytes.toml", b"inherits = \"dark\"\n# \xff"),
            ("dark.toml", b""),
            ("lost.toml", b"\ninherits = \"nowhere\""),
        ]);
        std::fs::create_dir(dir.path().join("folder.toml")).unwrap();
        let shown = dir.path().display().to_string();
        for (asked, says) in [
            ("big", format!("{shown}/big.toml: is larger than 64 KB; a theme")),
            ("bytes", format!("{shown}/bytes.toml:2:3: byte 0xff is not UTF-8; save")),
            ("dark", format!("{shown}/dark.toml: has the name of the theme dark that comes with cutover; give")),
            ("folder", format!("{shown}/folder.toml: is a directory; name")),
            ("lost", format!("{shown}/lost.toml:2:12: inherits: there is no theme \"nowhere\"; known are dark, ")),
            ("nowhere", format!("your own are files in {shown}")),
            ("a b", "is no theme's name; names have letters".into()),
            ("/nowhere/x.toml", "/nowhere/x.toml: there is no such file; check".into()),
        ] {
            let told = load_theme(asked, Some(dir.path())).unwrap_err().to_string();
            assert!(told.contains(&says), "{asked}: {told}");
        }
        let homeless = load_theme("x", None).unwrap_err().to_string();
        assert!(homeless.contains("HOME"), "{homeless}");
    }
}
