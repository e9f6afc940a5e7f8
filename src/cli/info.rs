//! `info`: the paths and settings in use.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::config_file::load;
use super::exit::Exit;
use super::files::shown;
use super::{Context, appearance, paths};
use crate::engine::snapshot::SCHEMA_VERSION;
use crate::journal;

/// Prints the paths in use, and what flags, environment and config have selected.
pub(crate) fn run(context: &mut Context) -> Exit {
    let rows = paths(context);
    let chosen = in_effect(context);
    if context.out.is_json() {
        let mut document = json!({"schema_version": SCHEMA_VERSION, "version": env!("CARGO_PKG_VERSION")});
        for (name, file) in &rows {
            document[*name] = json!(file.as_deref().map(shown));
        }
        document["in_effect"] = chosen.into_iter().collect();
        context.out.json(&document);
        return Exit::Reached;
    }
    context.out.line(&format!("{:<14}{}", "version", env!("CARGO_PKG_VERSION")));
    for (name, file) in &rows {
        context.out.line(&format!("{name:<14}{}", file.as_deref().map_or_else(|| "-".into(), shown)));
    }
    for (name, value) in &chosen {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        context.out.line(&format!("{name:<14}{value}"));
    }
    Exit::Reached
}

/// Every path, even if no file exists there; `None` if it is unknown.
fn paths(context: &mut Context) -> Vec<(&'static str, Option<PathBuf>)> {
    let dirs = directories::ProjectDirs::from("", "", "cutover");
    let of = |dir: fn(&directories::ProjectDirs) -> Option<&Path>| dirs.as_ref().and_then(dir).map(Path::to_path_buf);
    let config_dir = of(|dirs| Some(dirs.config_dir()));
    let state = of(directories::ProjectDirs::state_dir);
    let in_config = |leaf: &str| config_dir.as_ref().map(|dir| dir.join(leaf));
    let mut rows = vec![
        ("program", std::env::current_exe().ok()),
        ("config_dir", config_dir.clone()),
        ("cache_dir", of(|dirs| Some(dirs.cache_dir()))),
        ("crash_dir", paths::crash_dir()),
        ("themes", in_config("themes")),
        ("keys", super::keymap::find(context.keys.as_deref()).map(|found| found.path)),
    ];
    match load(context) {
        Ok(config) => {
            let service = &config.service;
            rows.push(("config", Some(config.file.clone())));
            rows.push(("state_dir", Some(service.state_dir.clone())));
            rows.push(("journal", Some(paths::journal_file(service))));
            rows.push(("gate_logs", journal::log_path(&service.state_dir, "x").parent().map(Into::into)));
            rows.push(("gateway_state", config.gateway.as_ref().map(|gateway| gateway.state.clone())));
        }
        Err(failure) => {
            rows.push(("config", None));
            rows.push(("state_dir", state));
            context.out.say(&format!("no config: {failure}"));
        }
    }
    rows
}

/// The settings in use, by name.
fn in_effect(context: &Context) -> Vec<(String, Value)> {
    let mut rows = vec![
        ("ascii".to_owned(), json!(context.out.style.ascii)),
        ("color".to_owned(), json!(context.out.style.color)),
        (
            "console".to_owned(),
            json!(if appearance::is_linear() || appearance::is_dumb() { "lines" } else { "full screen" }),
        ),
    ];
    let names = ["CUTOVER_CONFIG", "CUTOVER_LINEAR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "NO_COLOR"];
    rows.extend(names.into_iter().filter_map(|name| {
        let value = std::env::var_os(name)?;
        Some((name.to_owned(), json!(shown(Path::new(&value)))))
    }));
    rows
}
