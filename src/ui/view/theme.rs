//! `:theme NAME`: another look while the console runs.

use ratatui::style::Color;

use super::View;
use crate::ui::theme::{Depth, ROLES, Theme};

impl View {
    pub(super) fn set_theme(&mut self, name: &str, now_ms: u64) {
        match Theme::load(name) {
            Ok(theme) => {
                self.options.theme = theme.for_depth(depth_of(&self.options.theme));
                self.say(&format!("theme {name}"), now_ms);
            }
            Err(error) => self.warn(&format!("theme: {error}"), now_ms),
        }
    }
}

/// The depth a theme was reduced to, by the colours left in it.
fn depth_of(theme: &Theme) -> Depth {
    let of = |color: Color| match color {
        Color::Rgb(..) => 3,
        Color::Indexed(_) => 2,
        _ => 1,
    };
    let deepest = ROLES.iter().filter_map(|role| theme.style(*role).fg).map(of).max();
    match deepest {
        None => Depth::None,
        Some(1) => Depth::Ansi16,
        Some(2) => Depth::Indexed256,
        Some(_) => Depth::Rgb,
    }
}
