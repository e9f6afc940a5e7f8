//! The theme while the console runs: `:theme NAME`, its completion and its result.

use super::View;
use crate::domain::text::clean;
use crate::ui::input::Action;
use crate::ui::theme::Theme;

/// What the view knows of themes besides the one it draws with.
#[derive(Debug, Clone)]
pub(super) struct Themes {
    /// Every name there is, for completion and messages.
    names: Vec<String>,
    /// A user's theme that is to be loaded.
    wanted: Option<String>,
}

impl Default for Themes {
    fn default() -> Self {
        Self { names: Theme::names().map(str::to_owned).collect(), wanted: None }
    }
}

impl View {
    /// Draws with the theme of this name from now on. What comes with the program is at hand; one of the user's is
    /// asked for, and the old one stays until it is there.
    pub(super) fn set_theme(&mut self, name: &str, now_ms: u64) {
        if name.is_empty() {
            let text = format!("theme {}; there are {}", self.options.theme.name(), self.themes.names.join(", "));
            return self.say(&clean(&text, 400), now_ms);
        }
        match Theme::load(name) {
            Ok(theme) => self.take_theme(theme, now_ms),
            Err(_) => self.themes.wanted = Some(name.to_owned()),
        }
    }

    /// A theme of the user's was read, or why not.
    pub(super) fn theme_read(&mut self, name: &str, theme: Result<Box<Theme>, String>, now_ms: u64) {
        match theme {
            Ok(theme) => self.take_theme(*theme, now_ms),
            Err(fault) => {
                let still = self.options.theme.name();
                let text = format!("theme {} stays; {}: {fault}", clean(still, 40), clean(name, 40));
                self.warn(&text, now_ms);
            }
        }
    }

    /// The names of all themes there are.
    pub(super) fn themes_known(&mut self, names: Vec<String>) {
        self.themes.names = names;
    }

    /// The names that begin with `part`.
    pub(super) fn theme_names<'a>(&'a self, part: &'a str) -> impl Iterator<Item = &'a str> {
        self.themes.names.iter().map(String::as_str).filter(move |name| name.starts_with(part))
    }

    /// What has to be read, once.
    pub(super) fn theme_action(&mut self) -> Option<Action> {
        self.themes.wanted.take().map(Action::LoadTheme)
    }

    fn take_theme(&mut self, theme: Theme, now_ms: u64) {
        let theme = theme.for_depth(self.options.theme.depth());
        let name = clean(theme.name(), 60);
        self.options.theme = theme;
        self.say(&format!("theme {name}, until you leave; [ui] theme = \"{name}\" keeps it"), now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Actor;
    use crate::ui::theme::{Depth, Role};
    use crate::ui::{Code, Glyphs, Input, Key, Options};

    fn view(depth: Depth) -> View {
        View::new(Options {
            theme: Theme::load("dark").unwrap().for_depth(depth),
            glyphs: Glyphs::Unicode,
            me: Actor { name: "op1".into(), via: "console".into() },
            scenarios: Vec::new(),
        })
    }

    fn typed(view: &mut View, line: &str) -> Vec<Action> {
        let keys = line.chars().map(Key::char).chain([Key::new(Code::Enter)]);
        keys.flat_map(|key| view.update(Input::Key(key), 0)).collect()
    }

    fn says(view: &View) -> String {
        view.message.as_ref().map_or_else(String::new, |message| message.text.clone())
    }

    #[test]
    fn a_shipped_theme_is_taken_at_once_at_the_terminals_depth() {
        let mut view = view(Depth::Indexed256);
        assert_eq!(typed(&mut view, ":theme light"), []);
        assert_eq!(view.options.theme, Theme::load("light").unwrap().for_depth(Depth::Indexed256));
        assert!(says(&view).starts_with("theme light"), "{}", says(&view));
        assert!(view.is_dirty());
    }

    #[test]
    fn a_theme_of_the_users_is_asked_for_and_a_broken_one_changes_nothing() {
        let mut view = view(Depth::Ansi16);
        assert_eq!(typed(&mut view, ":theme my-own"), [Action::LoadTheme("my-own".into())]);
        assert_eq!(view.options.theme.name(), "dark");
        view.update(Input::Theme { name: "my-own".into(), theme: Err("my-own.toml:3:1: bad; mend it".into()) }, 1);
        assert_eq!(says(&view), "theme dark stays; my-own: my-own.toml:3:1: bad; mend it");
        assert!(view.message.as_ref().is_some_and(|message| message.warn));
        let own = Theme::parse("inherits = \"dark\"\n[roles]\ntitle = { fg = \"#ff00ff\" }").unwrap();
        view.update(Input::Theme { name: "my-own".into(), theme: Ok(Box::new(own)) }, 2);
        assert_eq!(view.options.theme.style(Role::Title).fg, Some(ratatui::style::Color::LightMagenta));
    }

    #[test]
    fn names_are_completed_and_listed() {
        let mut view = view(Depth::Rgb);
        assert_eq!(view.complete("theme hi").as_deref(), Some("theme high-contrast"));
        view.update(Input::Themes(vec!["dark".into(), "dusk".into()]), 0);
        assert_eq!(view.complete("theme du").as_deref(), Some("theme dusk"));
        assert_eq!(typed(&mut view, ":theme"), []);
        assert_eq!(says(&view), "theme dark; there are dark, dusk");
    }
}
