//! Converts the terminal's inputs to the view's.

use crate::terminal::Input;
use crate::ui;

/// The view's input; `None` if the loop handles it.
pub(super) fn view_input(input: Input) -> Option<ui::Input> {
    match input {
        Input::Key(key) => Some(ui::Input::Key(key)),
        Input::Paste(text) => Some(ui::Input::Paste(text)),
        Input::LooksLikePaste => Some(ui::Input::LooksLikePaste),
        Input::FocusGained => Some(ui::Input::FocusGained),
        Input::FocusLost => Some(ui::Input::FocusLost),
        Input::Resize(width, height) => Some(ui::Input::Resize(width, height)),
        Input::Stop | Input::Continued | Input::HangUp => None,
    }
}
