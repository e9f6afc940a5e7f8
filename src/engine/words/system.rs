//! What the traffic system says of itself, in an operator's words.

use chrono::{DateTime, Utc};

use super::span;
use crate::domain::{Controller, ControllerState, RollbackClass};
use crate::engine::snapshot::{FrontStatus, RollbackStatus};

/// How fast the way back is and how long it lasts: `instant`, `instant until 14:32 (12 min)`, `redeploy, about 6 min`.
pub(crate) fn way_back(way: &RollbackStatus, now: DateTime<Utc>) -> String {
    let about = |s: u64| format!("about {}", span(s as f64));
    let fast = match (way.class, way.takes_s) {
        (None, _) => return "not read yet".to_owned(),
        (Some(RollbackClass::Instant), None) => "instant".to_owned(),
        (Some(RollbackClass::Instant), Some(s)) => about(s),
        (Some(RollbackClass::AfterTtl), None) => "felt when caches let go".to_owned(),
        (Some(RollbackClass::AfterTtl), Some(s)) => format!("caches let go within {}", span(s as f64)),
        (Some(RollbackClass::Redeploy), None) => "redeploy".to_owned(),
        (Some(RollbackClass::Redeploy), Some(s)) => format!("redeploy, {}", about(s)),
        (Some(RollbackClass::None), _) => "none".to_owned(),
    };
    format!("{fast}{}", lasts(way, now).unwrap_or_default())
}

/// ` until 14:32 (12 min)`; `None` where the system takes nothing down by itself.
pub(crate) fn lasts(way: &RollbackStatus, now: DateTime<Utc>) -> Option<String> {
    let until = way.until?;
    let left = (until - now).as_seconds_f64().max(0.0);
    Some(format!(" until {} ({})", until.format("%H:%M"), span(left)))
}

/// Who answers users: `users' address, last 10 s: 18 by blue, 2 by green`.
pub(crate) fn front(front: &FrontStatus) -> String {
    let lead = format!("users' address, last {}", span(front.window_s));
    if let Some(fault) = &front.fault {
        return format!("{lead}: not answered: {fault}");
    }
    let neither = if front.neither > 0 { format!(", {} by an unknown one", front.neither) } else { String::new() };
    format!("{lead}: {} by blue, {} by green{neither}", front.blue, front.green)
}

/// What a controller does: `step 2/5, paused: CanaryPauseStep, goes on in 40 s`.
pub(crate) fn controller(controller: &Controller, now: DateTime<Utc>) -> String {
    let steps = match controller.steps.len() {
        0 => String::new(),
        of => format!("step {}/{of}, ", controller.reached),
    };
    let state = match controller.state {
        ControllerState::Resting => "nothing under way",
        ControllerState::Working => "at work",
        ControllerState::Paused => "paused",
        ControllerState::Aborted => "gave up",
        ControllerState::Failed => "failed",
    };
    let message = if controller.message.is_empty() { String::new() } else { format!(": {}", controller.message) };
    let next = controller.next_change.map(|at| (at - now).as_seconds_f64()).filter(|s| *s > 0.0);
    let next = next.map(|s| format!(", goes on in {}", span(s))).unwrap_or_default();
    format!("{steps}{state}{message}{next}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Side;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn way(class: RollbackClass) -> RollbackStatus {
        RollbackStatus {
            ready: true,
            class: Some(class),
            until: None,
            takes_s: None,
            window_left_s: None,
            window_s: 0.0,
            to: Side::Blue,
            because: None,
            needed: true,
            served_rps: None,
            last_took_s: None,
        }
    }

    #[test]
    fn the_way_back_says_how_far_it_reaches() {
        let now = at("2026-11-30T14:20:00Z");
        assert_eq!(way_back(&way(RollbackClass::Instant), now), "instant");
        let until = RollbackStatus { until: Some(at("2026-11-30T14:32:00Z")), ..way(RollbackClass::Instant) };
        assert_eq!(way_back(&until, now), "instant until 14:32 (12 min)");
        let anew = RollbackStatus { takes_s: Some(360), ..way(RollbackClass::Redeploy) };
        assert_eq!(way_back(&anew, now), "redeploy, about 6 min");
        assert_eq!(way_back(&RollbackStatus { class: None, ..until }, now), "not read yet");
    }

    #[test]
    fn a_controller_says_where_it_is_and_when_it_goes_on() {
        let now = at("2026-11-30T14:20:00Z");
        let paused = Controller {
            state: ControllerState::Paused,
            steps: vec![10, 50, 100],
            reached: 1,
            message: "CanaryPauseStep".into(),
            next_change: Some(at("2026-11-30T14:20:40Z")),
        };
        assert_eq!(controller(&paused, now), "step 1/3, paused: CanaryPauseStep, goes on in 40 s");
        let works = Controller { state: ControllerState::Working, steps: Vec::new(), next_change: None, ..paused };
        assert_eq!(controller(&works, now), "at work: CanaryPauseStep");
    }
}
