//! What a plan that is walked unattended does next, and when.

use crate::engine::snapshot::Status;
use crate::engine::{Command, Phase};
use crate::ui::draw::canvas::Canvas;
use crate::ui::text::left;

/// ` next 50% in 03:12`, to stand behind `AUTO`; `None` where nothing is going to move by itself.
pub fn step(canvas: &Canvas<'_>, status: &Status) -> Option<String> {
    let step = &status.step;
    // Reason: another console's plan is not walked by this one.
    if !step.auto || status.phase != Phase::Shifting || !status.driver.may_drive {
        return None;
    }
    let (next, bakes) = (step.next?, step.bake_left_s?);
    let bakes = bakes - canvas.view.elapsed_s(canvas.now);
    // A time that has come and gone promises nothing: what holds the step stands on the line of what blocks.
    let when = match status.blockers(&Command::Promote).next().is_some() {
        true if bakes <= 0.0 => "when unblocked".to_owned(),
        _ if bakes <= 0.0 => "now".to_owned(),
        _ => format!("in {}", left(bakes)),
    };
    Some(format!(" next {next}% {when}"))
}
