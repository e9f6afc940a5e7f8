//! What a plan that is walked unattended does next, and when.

use crate::engine::snapshot::Status;
use crate::engine::{Command, Phase};
use crate::ui::draw::canvas::Canvas;
use crate::ui::text::left;

/// ` next 50% in 03:12`, shown after `AUTO`; `None` where no step is going to come automatically.
pub(super) fn step(canvas: &Canvas<'_>, status: &Status) -> Option<String> {
    let step = &status.step;
    // Reason: another console's plan is not walked by this one.
    if !step.auto || status.phase != Phase::Shifting || !status.driver.may_drive {
        return None;
    }
    let (next, bakes) = (step.next?, step.bake_left_s?);
    let bakes = bakes - canvas.view.elapsed_s(canvas.now);
    // A time in the past promises nothing: the line of blockers says what holds the step.
    let when = match status.blockers(&Command::Promote).next().is_some() {
        true if bakes <= 0.0 => "when unblocked".to_owned(),
        _ if bakes <= 0.0 => "now".to_owned(),
        _ => format!("in {}", left(bakes)),
    };
    Some(format!(" next {next}% {when}"))
}
