//! Theme and terminal, by flags, environment and config.

use super::super::args::ColorChoice;
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::Context;
use crate::config;
use crate::runtime::looks::{load_theme, themes_dir};
use crate::terminal::{self, Capability};
use crate::ui::Theme;

/// Whether `TERM` says that the terminal cannot move its cursor.
pub(crate) fn is_dumb() -> bool {
    let auto = terminal::ColorChoice::Auto;
    terminal::capability::detect(&terminal::capability::Env::of_process(auto, auto, true)).dumb
}

/// The theme that was asked for, and what the terminal can show of it: flags, then the environment, then the config.
pub(super) fn looks(
    theme: Option<&str>,
    spec: &config::UiSpec,
    context: &Context,
) -> Result<(Theme, Capability), Failure> {
    use std::io::IsTerminal;

    use terminal::ColorChoice::{Always, Auto, Never};
    let flag = match context.color {
        ColorChoice::Always => Always,
        ColorChoice::Never => Never,
        ColorChoice::Auto => Auto,
    };
    let color = match spec.color {
        config::ColorWhen::Always => Always,
        config::ColorWhen::Never => Never,
        config::ColorWhen::Auto => Auto,
    };
    let depth = spec.depth.map(|depth| match depth {
        config::ColorDepth::None => terminal::Depth::None,
        config::ColorDepth::Sixteen => terminal::Depth::Ansi16,
        config::ColorDepth::Indexed => terminal::Depth::Indexed256,
        config::ColorDepth::Truecolor => terminal::Depth::Rgb,
    });
    let color = terminal::ColorChoice::of_config(color, depth);
    let mut env = terminal::capability::Env::of_process(flag, color, std::io::stdout().is_terminal());
    env.ascii = ascii_asked(context.ascii).or(spec.ascii);
    let of_env = std::env::var("CUTOVER_THEME").ok().filter(|name| !name.is_empty());
    let name = theme.or(of_env.as_deref()).unwrap_or(&spec.theme);
    let theme = load_theme(name, themes_dir().as_deref()).map_err(|error| {
        Failure::new(Exit::Config, format!("the theme {name} cannot be used:\n{error}\n--theme dark starts without it"))
    })?;
    Ok((theme, terminal::capability::detect(&env)))
}

/// Whether ASCII was asked for by flag, or asked for or refused by `CUTOVER_ASCII`.
pub(crate) fn ascii_asked(flag: bool) -> Option<bool> {
    let word = std::env::var("CUTOVER_ASCII").ok().filter(|word| !word.is_empty());
    if flag { Some(true) } else { word.map(|word| !matches!(word.as_str(), "0" | "false" | "no")) }
}
