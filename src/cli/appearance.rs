//! The appearance of output: theme, colours, glyphs and the terminal's abilities, from flags, environment and config.

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::me;
use crate::config::{self, ColorWhen};
use crate::runtime::themes::{load_theme, themes_dir};
use crate::terminal::{self, Capability};
use crate::ui::{self, Theme, View};

/// Whether the environment asks for the console in lines.
pub(crate) fn is_linear() -> bool {
    std::env::var("CUTOVER_LINEAR").is_ok_and(|value| value == "1")
}

/// Whether `TERM` says that the terminal cannot move its cursor.
pub(crate) fn is_dumb() -> bool {
    let auto = terminal::ColorChoice::Auto;
    terminal::capability::detect(&terminal::capability::Env::of_process(auto, auto, true)).dumb
}

/// The chosen theme and the terminal's abilities. A flag wins over the environment, and the environment over the
/// config.
pub(crate) fn of_terminal(
    theme: Option<&str>,
    spec: &config::UiSpec,
    context: &Context,
) -> Result<(Theme, Capability), Failure> {
    use std::io::IsTerminal;
    let choice = |when| match when {
        ColorWhen::Always => terminal::ColorChoice::Always,
        ColorWhen::Never => terminal::ColorChoice::Never,
        ColorWhen::Auto => terminal::ColorChoice::Auto,
    };
    let depth = spec.depth.map(|depth| match depth {
        config::ColorDepth::None => terminal::Depth::None,
        config::ColorDepth::Sixteen => terminal::Depth::Ansi16,
        config::ColorDepth::Indexed => terminal::Depth::Indexed256,
        config::ColorDepth::Truecolor => terminal::Depth::Rgb,
    });
    let color = terminal::ColorChoice::of_config(choice(spec.color), depth);
    let mut env = terminal::capability::Env::of_process(choice(context.color), color, std::io::stdout().is_terminal());
    env.ascii = ascii_asked(context.ascii).or(spec.ascii);
    let of_env = std::env::var("CUTOVER_THEME").ok().filter(|name| !name.is_empty());
    let name = theme.or(of_env.as_deref()).unwrap_or(&spec.theme);
    let theme = load_theme(name, themes_dir().as_deref()).map_err(|error| {
        Failure::new(Exit::Config, format!("the theme {name} cannot be used:\n{error}\n--theme dark starts without it"))
    })?;
    Ok((theme, terminal::capability::detect(&env)))
}

/// Whether the flag or `CUTOVER_ASCII` chooses ASCII; `None` when neither is set.
pub(crate) fn ascii_asked(flag: bool) -> Option<bool> {
    let word = std::env::var("CUTOVER_ASCII").ok().filter(|word| !word.is_empty());
    if flag { Some(true) } else { word.map(|word| !matches!(word.as_str(), "0" | "false" | "no")) }
}

/// A view without colours that is not shown on a terminal.
pub(crate) fn plain_view(theme: Option<&str>, spec: &config::UiSpec, context: &Context) -> Result<View, Failure> {
    let (theme, capability) = of_terminal(theme, spec, context)?;
    Ok(View::new(ui::Options {
        theme: theme.for_depth(ui::Depth::None),
        glyphs: if capability.unicode { ui::Glyphs::Unicode } else { ui::Glyphs::Ascii },
        me: me("cli"),
        scenarios: Vec::new(),
    }))
}
