//! Reads the config file for a command.

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::config::{self, Config};

/// Reads and validates the config.
pub(crate) fn load(context: &Context) -> Result<Config, Failure> {
    loaded(config::load(context.config.as_deref(), &variable, &current_dir()))
}

/// Reads the config for a rollback, and prints what a rollback ignores.
pub(crate) fn load_to_go_back(context: &mut Context) -> Result<Config, Failure> {
    let config = loaded(config::load_to_go_back(context.config.as_deref(), &variable, &current_dir()))?;
    for warning in &config.warnings {
        context.out.say(&format!("{warning} (a rollback ignores this)"));
    }
    Ok(config)
}

fn loaded<E: ToString>(config: Result<Config, E>) -> Result<Config, Failure> {
    config.map_err(|error| Failure::new(Exit::Config, error.to_string()))
}

fn variable(key: &str) -> Option<String> {
    std::env::var(key).ok()
}

fn current_dir() -> std::path::PathBuf {
    std::env::current_dir().unwrap_or_default()
}
