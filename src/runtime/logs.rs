//! The user's logs on their way to the screen.

use crate::logs::Batch;
use crate::ui;

/// A batch as the view takes it.
pub(super) fn lines(batch: Batch) -> ui::Input {
    ui::Input::Lines { lines: batch.lines, dropped: batch.dropped }
}
