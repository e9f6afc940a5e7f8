//! What the terminal can show, decided only from the environment.
//!
//! Pure: the caller fills [`Env`], so every rule is a row of a table in the tests. In doubt the poorer answer wins: a
//! console with fewer colours than possible is readable; one with too many is not.

/// How many colours may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// No colour; bold and reverse remain.
    None,
    /// The sixteen colours that the user can configure.
    Ansi16,
    /// The 256-colour palette.
    Indexed256,
    /// 24-bit colour.
    Rgb,
}

/// What a flag or the config asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum ColorChoice {
    /// Decide from the environment.
    #[default]
    Auto,
    /// Colour even if the environment says no; the depth is still detected.
    Always,
    /// No colour.
    Never,
    /// Exactly this depth. (SSH does not forward COLORTERM, so the config can name the depth.)
    Exactly(Depth),
}

impl ColorChoice {
    /// Combines the config's `color` and `depth`.
    pub(crate) const fn of_config(color: Self, depth: Option<Depth>) -> Self {
        match (color, depth) {
            (Self::Never, _) | (_, None) => color,
            (_, Some(depth)) => Self::Exactly(depth),
        }
    }
}

/// The input of the decision; `None` means that the variable is not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Env {
    /// `--color`.
    pub flag: ColorChoice,
    /// The config's choice.
    pub config: ColorChoice,
    /// Whether only ASCII may be drawn, if a flag, `CUTOVER_ASCII` or the config says so.
    pub ascii: Option<bool>,
    /// Whether the output is a terminal.
    pub tty: bool,
    /// `NO_COLOR`: no colour if set and not empty (no-color.org).
    pub no_color: Option<String>,
    /// `CLICOLOR_FORCE`: colour if set and neither empty nor `0`.
    pub clicolor_force: Option<String>,
    /// `FORCE_COLOR`: like `CLICOLOR_FORCE`; 2 means 256 colours and 3 means 24 bits.
    pub force_color: Option<String>,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `TERM`.
    pub term: Option<String>,
    /// `LC_ALL`.
    pub lc_all: Option<String>,
    /// `LC_CTYPE`.
    pub lc_ctype: Option<String>,
    /// `LANG`.
    pub lang: Option<String>,
}

impl Env {
    /// Reads the process's environment; takes the two choices and whether the output is a terminal.
    pub(crate) fn of_process(flag: ColorChoice, config: ColorChoice, tty: bool) -> Self {
        let get = |name: &str| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned());
        Self {
            flag,
            config,
            ascii: None,
            tty,
            no_color: get("NO_COLOR"),
            clicolor_force: get("CLICOLOR_FORCE"),
            force_color: get("FORCE_COLOR"),
            colorterm: get("COLORTERM"),
            term: get("TERM"),
            lc_all: get("LC_ALL"),
            lc_ctype: get("LC_CTYPE"),
            lang: get("LANG"),
        }
    }
}

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Colours.
    pub depth: Depth,
    /// Whether characters beyond ASCII may be sent.
    pub unicode: bool,
    /// A terminal without cursor movement (`TERM` is `dumb`, empty or not set): no full screen, lines instead.
    pub dumb: bool,
}

/// Decides. Precedence: flag > config > `NO_COLOR` > `CLICOLOR_FORCE` / `FORCE_COLOR` > detection.
pub(crate) fn detect(env: &Env) -> Capability {
    Capability { depth: depth(env), unicode: unicode(env), dumb: is_dumb(env) }
}

fn depth(env: &Env) -> Depth {
    let at_least_16 = detected(env).max(Depth::Ansi16);
    for choice in [env.flag, env.config] {
        match choice {
            ColorChoice::Auto => {}
            // The config may still set the depth.
            ColorChoice::Always => match env.config {
                ColorChoice::Exactly(depth) if depth != Depth::None => return depth,
                _ => return at_least_16,
            },
            ColorChoice::Never => return Depth::None,
            ColorChoice::Exactly(depth) => return depth,
        }
    }
    if env.no_color.as_deref().is_some_and(|v| !v.is_empty()) {
        return Depth::None;
    }
    if forces(env.force_color.as_deref()) {
        return match env.force_color.as_deref() {
            Some("2") => Depth::Indexed256,
            Some("3") => Depth::Rgb,
            _ => at_least_16,
        };
    }
    if forces(env.clicolor_force.as_deref()) {
        return at_least_16;
    }
    if env.tty { detected(env) } else { Depth::None }
}

fn forces(value: Option<&str>) -> bool {
    value.is_some_and(|v| !matches!(v, "" | "0" | "false"))
}

/// Terminals with 8 or 16 colours, by the start of their names up to a `-`. A bare `xterm` is in the list: all kinds
/// of terminals use that name, and SSH forwards `TERM` but usually not `COLORTERM`.
const SIXTEEN: [&str; 18] = [
    "xterm", "linux", "ansi", "cygwin", "rxvt", "screen", "tmux", "putty", "konsole", "gnome", "vte", "Eterm", "eterm",
    "teraterm", "cons25", "pcansi", "sun", "dtterm",
];

/// Decides from `COLORTERM` and `TERM` alone. An unknown terminal gets 256 colours: terminals of the last twenty
/// years have them, and others skip what they cannot show. 24 bits are never guessed.
fn detected(env: &Env) -> Depth {
    let term = env.term.as_deref().unwrap_or("");
    let family = term.split(['-', '.']).next().unwrap_or("");
    // `xterm-NAME` means NAME, except for the variants of xterm itself.
    let own = ["xterm", "xterm-color", "xterm-16color", "xterm-mono", "xterm-old", "xterm-r6", "xterm-basic"];
    let sixteen = match family {
        "xterm" => own.contains(&term),
        _ => SIXTEEN.contains(&family) || term.ends_with("-16color") || term.ends_with("-8color"),
    };
    if is_dumb(env) || without_colour(family, term) {
        Depth::None
    } else if matches!(env.colorterm.as_deref(), Some("truecolor" | "24bit")) || term.ends_with("-direct") {
        Depth::Rgb
    } else if sixteen {
        if term.ends_with("-256color") { Depth::Indexed256 } else { Depth::Ansi16 }
    } else {
        Depth::Indexed256
    }
}

/// Terminals without colour: `vt100`, `vt220`, and names that say monochrome.
fn without_colour(family: &str, term: &str) -> bool {
    let vt = family.strip_prefix("vt").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    vt || term.ends_with("-m") || term.ends_with("-mono")
}

fn is_dumb(env: &Env) -> bool {
    matches!(env.term.as_deref(), None | Some("" | "dumb"))
}

/// The explicit choice, or else what the locale can encode. The Linux console has too few glyphs in any locale.
fn unicode(env: &Env) -> bool {
    match env.ascii {
        Some(ascii) => !ascii,
        None => utf8_locale(env) && env.term.as_deref() != Some("linux"),
    }
}

/// The first of the three variables that is set and not empty decides, as in POSIX.
fn utf8_locale(env: &Env) -> bool {
    [&env.lc_all, &env.lc_ctype, &env.lang].into_iter().flatten().find(|v| !v.is_empty()).is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        let mut env = Env { tty: true, ..Env::default() };
        for (name, value) in pairs {
            let value = Some((*value).to_string());
            match *name {
                "NO_COLOR" => env.no_color = value,
                "CLICOLOR_FORCE" => env.clicolor_force = value,
                "FORCE_COLOR" => env.force_color = value,
                "COLORTERM" => env.colorterm = value,
                "TERM" => env.term = value,
                "LC_ALL" => env.lc_all = value,
                "LC_CTYPE" => env.lc_ctype = value,
                "LANG" => env.lang = value,
                other => panic!("{other} is not read"),
            }
        }
        env
    }

    #[test]
    fn t13_t14_depth_follows_colorterm_then_term() {
        for (pairs, want) in [
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")][..], Depth::Rgb),
            (&[("TERM", "xterm"), ("COLORTERM", "24bit")], Depth::Rgb),
            (&[("TERM", "xterm-direct")], Depth::Rgb),
            (&[("TERM", "tmux-256color")], Depth::Indexed256),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "yes")], Depth::Indexed256),
            (&[("TERM", "xterm")], Depth::Ansi16),
            (&[("TERM", "linux")], Depth::Ansi16),
            (&[("TERM", "linux"), ("COLORTERM", "")], Depth::Ansi16),
            (&[("TERM", "screen")], Depth::Ansi16),
            (&[("TERM", "screen.xterm-256color")], Depth::Indexed256),
            (&[("TERM", "rxvt-unicode-256color")], Depth::Indexed256),
            (&[("TERM", "xterm-16color")], Depth::Ansi16),
            (&[("TERM", "xterm-kitty")], Depth::Indexed256),
            (&[("TERM", "alacritty")], Depth::Indexed256),
            (&[("TERM", "never-heard-of")], Depth::Indexed256),
            (&[("TERM", "vt220")], Depth::None),
            (&[("TERM", "vt100"), ("COLORTERM", "truecolor")], Depth::None),
            (&[("TERM", "vte-direct")], Depth::Rgb),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Depth::None),
            (&[], Depth::None),
        ] {
            assert_eq!(detect(&env(pairs)).depth, want, "{pairs:?}");
        }
    }

    #[test]
    fn t12_the_nearer_word_wins() {
        use ColorChoice::{Always, Auto, Exactly, Never};
        let no = ("NO_COLOR", "1");
        let force = ("CLICOLOR_FORCE", "1");
        let x256 = ("TERM", "xterm-256color");
        for (flag, config, pairs, tty, want) in [
            (Always, Never, &[x256, no][..], true, Depth::Indexed256),
            (Never, Always, &[x256, force], true, Depth::None),
            (Auto, Always, &[x256, no], true, Depth::Indexed256),
            (Auto, Never, &[x256, force], true, Depth::None),
            (Auto, Exactly(Depth::Rgb), &[("TERM", "xterm")], true, Depth::Rgb),
            (Never, Exactly(Depth::Rgb), &[("TERM", "xterm")], true, Depth::None),
            (Always, Exactly(Depth::Rgb), &[("TERM", "xterm"), no], true, Depth::Rgb),
            (Always, Exactly(Depth::None), &[x256], true, Depth::Indexed256),
            (Auto, Exactly(Depth::Ansi16), &[x256, no], true, Depth::Ansi16),
            (Auto, Exactly(Depth::None), &[x256, force], true, Depth::None),
            (Auto, Auto, &[("TERM", "xterm"), ("FORCE_COLOR", "2")], true, Depth::Indexed256),
            (Auto, Auto, &[("TERM", "vt100"), force], true, Depth::Ansi16),
            (Auto, Auto, &[x256, no, force], true, Depth::None),
            (Auto, Auto, &[x256, ("NO_COLOR", "")], true, Depth::Indexed256),
            (Auto, Auto, &[x256, force], false, Depth::Indexed256),
            (Auto, Auto, &[x256, ("CLICOLOR_FORCE", "0")], false, Depth::None),
            (Auto, Auto, &[x256, ("FORCE_COLOR", "3")], false, Depth::Rgb),
            (Auto, Auto, &[x256, ("FORCE_COLOR", "0")], false, Depth::None),
            (Always, Auto, &[("TERM", "dumb")], true, Depth::Ansi16),
            (Auto, Auto, &[x256], false, Depth::None),
        ] {
            let env = Env { flag, config, tty, ..env(pairs) };
            assert_eq!(detect(&env).depth, want, "{env:?}");
        }
    }

    #[test]
    fn t12_the_configs_two_words_come_to_one() {
        use ColorChoice::{Always, Auto, Exactly, Never};
        for (color, depth, want) in [
            (Auto, None, Auto),
            (Always, None, Always),
            (Never, None, Never),
            (Auto, Some(Depth::Rgb), Exactly(Depth::Rgb)),
            (Always, Some(Depth::Indexed256), Exactly(Depth::Indexed256)),
            (Never, Some(Depth::Rgb), Never),
        ] {
            assert_eq!(ColorChoice::of_config(color, depth), want);
        }
    }

    #[test]
    fn t18_ascii_is_what_was_said_else_what_locale_and_console_can() {
        let utf8 = ("LANG", "C.UTF-8");
        for (ascii, pairs, want) in [
            (None, &[utf8, ("TERM", "xterm")][..], true),
            (None, &[utf8, ("TERM", "linux")], false),
            (Some(false), &[utf8, ("TERM", "linux")], true),
            (Some(true), &[utf8, ("TERM", "xterm")], false),
            (Some(false), &[("LC_ALL", "POSIX")], true),
        ] {
            let env = Env { ascii, ..env(pairs) };
            assert_eq!(detect(&env).unicode, want, "{env:?}");
        }
    }

    #[test]
    fn unicode_is_what_the_first_set_locale_says() {
        for (pairs, want) in [
            (&[("LANG", "en_GB.UTF-8")][..], true),
            (&[("LANG", "C.utf8")], true),
            (&[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")], false),
            (&[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")], true),
            (&[("LC_CTYPE", "POSIX"), ("LANG", "de_DE.UTF-8")], false),
            (&[], false),
        ] {
            assert_eq!(detect(&env(pairs)).unicode, want, "{pairs:?}");
        }
    }

    #[test]
    fn a_dumb_terminal_gets_lines() {
        assert!(detect(&env(&[("TERM", "dumb")])).dumb);
        assert!(detect(&env(&[])).dumb);
        assert!(!detect(&env(&[("TERM", "vt100")])).dumb);
    }
}
