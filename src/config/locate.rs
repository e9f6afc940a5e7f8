//! Finds the config file and the state directory, and reads the file within limits.

use std::path::{Path, PathBuf};

use crate::settings::{ConfigError, text_file};
use directories::ProjectDirs;

const KIND: text_file::Kind = text_file::Kind {
    most_kb: 1024,
    too_large: "a config holds one service; is this the right file?",
    missing: "check the path given with -c or CUTOVER_CONFIG; cutover init writes a config",
};

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A config file: its name in messages, and its path.
pub(super) struct ConfigFile {
    pub shown: PathBuf,
    pub path: PathBuf,
}

/// `-c FILE`, or else `CUTOVER_CONFIG`, or else `./cutover.toml`, or else the file in the user's config directory.
pub(super) fn find(given: Option<&Path>, env: Env<'_>, cwd: &Path) -> Result<ConfigFile, ConfigError> {
    let found = |shown: PathBuf| ConfigFile { path: cwd.join(&shown), shown };
    if let Some(path) = given {
        return Ok(found(path.into()));
    }
    if let Some(path) = env("CUTOVER_CONFIG").filter(|path| !path.is_empty()) {
        return Ok(found(path.into()));
    }
    let here = found("cutover.toml".into());
    let user = config_dir(env).map(|dir| found(dir.join("cutover.toml")));
    let mut looked = vec!["-c FILE and CUTOVER_CONFIG (not given)".to_owned(), here.path.display().to_string()];
    if let Some(user) = &user {
        looked.push(user.path.display().to_string());
    }
    // The first existing entry is used, even if it is a directory or a dangling link: using the next place would be a
    // surprise.
    for place in std::iter::once(here).chain(user) {
        if std::fs::symlink_metadata(&place.path).is_ok() {
            return Ok(place);
        }
    }
    let message = format!("no config found; looked at {}", looked.join(", "));
    Err(ConfigError::whole("", message, "cutover init writes one, cutover demo needs none"))
}

/// `$XDG_CONFIG_HOME/cutover`, or the system's equivalent.
fn config_dir(env: Env<'_>) -> Option<PathBuf> {
    xdg(env, "XDG_CONFIG_HOME").or_else(|| Some(ProjectDirs::from("", "", "cutover")?.config_dir().into()))
}

/// `$XDG_STATE_HOME/cutover`, or the system's equivalent.
pub(super) fn state_base(env: Env<'_>) -> Option<PathBuf> {
    xdg(env, "XDG_STATE_HOME").or_else(|| {
        let dirs = ProjectDirs::from("", "", "cutover")?;
        Some(dirs.state_dir().unwrap_or(dirs.data_local_dir()).into())
    })
}

/// The XDG specification says that relative paths are ignored.
fn xdg(env: Env<'_>, name: &str) -> Option<PathBuf> {
    env(name).map(PathBuf::from).filter(|dir| dir.is_absolute()).map(|dir| dir.join("cutover"))
}

/// The text of the file.
pub(super) fn read(found: &ConfigFile) -> Result<String, ConfigError> {
    text_file::read(&found.path, &found.shown, &KIND)
}
