//! Converts the terminal's inputs to the view's.

use crate::terminal::{Input, Key, KeyCode, KeyKind};
use crate::ui;

/// The view's input; `None` if the loop handles it.
pub(super) fn view_input(input: Input) -> Option<ui::Input> {
    match input {
        Input::Key(key) => Some(ui::Input::Key(view_key(key))),
        Input::Paste(text) => Some(ui::Input::Paste(text)),
        Input::LooksLikePaste => Some(ui::Input::LooksLikePaste),
        Input::FocusGained => Some(ui::Input::FocusGained),
        Input::FocusLost => Some(ui::Input::FocusLost),
        Input::Resize(width, height) => Some(ui::Input::Resize(width, height)),
        Input::Stop | Input::Continued | Input::HangUp => None,
    }
}

fn view_key(key: Key) -> ui::Key {
    let code = match key.code {
        KeyCode::Char(c) => ui::Code::Char(c),
        KeyCode::Enter => ui::Code::Enter,
        KeyCode::Esc => ui::Code::Esc,
        KeyCode::Tab => ui::Code::Tab,
        KeyCode::BackTab => ui::Code::BackTab,
        KeyCode::Backspace => ui::Code::Backspace,
        KeyCode::Delete => ui::Code::Delete,
        KeyCode::Left => ui::Code::Left,
        KeyCode::Right => ui::Code::Right,
        KeyCode::Up => ui::Code::Up,
        KeyCode::Down => ui::Code::Down,
        KeyCode::Home => ui::Code::Home,
        KeyCode::End => ui::Code::End,
        KeyCode::PageUp => ui::Code::PageUp,
        KeyCode::PageDown => ui::Code::PageDown,
        KeyCode::Insert | KeyCode::F(_) => ui::Code::Other,
    };
    ui::Key { code, ctrl: key.mods.ctrl, alt: key.mods.alt, repeat: key.kind == KeyKind::Repeat }
}
