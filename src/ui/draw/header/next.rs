//! What a plan that is walked unattended does next, and when.

use crate::engine::snapshot::{Status, Step};
use crate::engine::{Command, Phase};
use crate::ui::draw::canvas::Canvas;
use crate::ui::text::left;

/// Seconds until the bake is over. It does not run on while the bake waits.
pub(super) fn bake_left_s(canvas: &Canvas<'_>, step: &Step) -> Option<f64> {
    let elapsed = if step.waits.is_some() { 0.0 } else { canvas.view.elapsed_s(canvas.now) };
    step.bake_left_s.map(|left| left - elapsed)
}

/// ` next 50% in 03:12`, shown after `AUTO`; `None` where no step is going to come automatically.
pub(super) fn step(canvas: &Canvas<'_>, status: &Status) -> Option<String> {
    let step = &status.step;
    // Reason: another console's plan is not walked by this one.
    if !step.auto || status.phase != Phase::Shifting || !status.driver.may_drive {
        return None;
    }
    let (next, bakes) = (step.next?, bake_left_s(canvas, step)?);
    if step.waits.is_some() {
        // The line of blockers says why.
        return (bakes <= 0.0).then(|| format!(" next {next}% waits"));
    }
    // A time in the past promises nothing: the line of blockers says what holds the step.
    let when = match status.blockers(&Command::Promote).next().is_some() {
        true if bakes <= 0.0 => "when unblocked".to_owned(),
        _ if bakes <= 0.0 => "now".to_owned(),
        _ => format!("in {}", left(bakes)),
    };
    Some(format!(" next {next}% {when}"))
}
