//! The way back: whether there is one, where it leads, how long it takes and how long it lasts.

use chrono::{DateTime, Utc};
use ratatui::layout::Rect;

use super::canvas::{Canvas, version_name};
use crate::dialogue::{Words, about};
use crate::domain::RollbackClass;
use crate::engine::snapshot::RollbackStatus;
use crate::engine::{Phase, Snapshot, Status, words};
use crate::ui::actions::Act;
use crate::ui::text::{fit, left, rate, width};
use crate::ui::theme::Role;

/// Columns of the line besides the text and the keys: ` ROLLBACK READY` and the gap behind it.
const FRAME: usize = 18;

/// Whether there is a way back.
pub(super) fn rollback(canvas: &mut Canvas<'_>, area: Rect) {
    let key = canvas.view.key_name(Act::Rollback);
    let (long, short) = (format!("press {key} then y "), format!("{key} y"));
    let hint = [(long.as_str(), Role::Key)];
    let Some(snapshot) = canvas.live() else {
        canvas.line(area, &[(" ROLLBACK", Role::Title), ("  state unknown, works all the same", Role::Text)], &hint);
        return;
    };
    let way = &snapshot.status.rollback;
    let elapsed = canvas.view.elapsed_s(canvas.now);
    let side = &snapshot.status.sides[way.to];
    let because = way.because.as_deref().unwrap_or("");
    let (word, role, text) = if snapshot.status.driver.read_only {
        (" ROLLBACK READ-ONLY", Role::Fail, "this console holds no driver".to_owned())
    } else if let Some((word, why)) = ended(&snapshot.status).filter(|_| !way.needed) {
        (word, Role::Fail, why)
    } else if !way.needed && way.ready {
        (" ROLLBACK NOT NEEDED", Role::Title, because.to_owned())
    } else if way.ready {
        let text = format!(
            "{}{} warm {}/{}",
            way.to,
            version_of(snapshot, area.width),
            side.ready.unwrap_or(0),
            side.replicas
        );
        let now = snapshot.status.time + chrono::TimeDelta::milliseconds((elapsed * 1000.0) as i64);
        let speed = speed(way, now);
        let word = if area.width >= 100 { "window closes in" } else { "window" };
        let window = way.window_left_s.map_or_else(String::new, |s| format!(", {word} {}", left(s - elapsed)));
        let text = format!("{text}, {speed}{window}");
        let space = usize::from(area.width).saturating_sub(width(&text) + width(&long) + FRAME);
        let text = format!("{text}{}", served(way.served_rps, space));
        (" ROLLBACK READY", Role::Title, text)
    } else {
        (" ROLLBACK NOT READY", Role::Fail, because.to_owned())
    };
    let gap = if area.width >= 100 { "   " } else { "  " };
    let hint: &[_] = match area.width {
        _ if snapshot.status.driver.read_only => &[],
        0..50 => &[(short.as_str(), Role::Key)],
        _ => &hint,
    };
    canvas.line(area, &[(word, role), (gap, Role::Text), (&text, Role::Text)], hint);
}

/// How and why the last rollout ended early; it stays on the screen until the next one.
fn ended(status: &Status) -> Option<(&'static str, String)> {
    let word = match status.phase {
        Phase::RolledBack => " ROLLED BACK",
        Phase::Aborted => " ABORTED",
        _ => return None,
    };
    let order = status.last_order.as_ref().filter(|order| order.command.is_back())?;
    let why = order.why.clone()?;
    Some((word, format!("by {}: {why}", order.by)))
}

/// How fast the way back is: by the last order where one order is all, else by the system's own word.
pub(super) fn speed(way: &RollbackStatus, now: DateTime<Utc>) -> String {
    match way.last_took_s.filter(|_| way.class == Some(RollbackClass::Instant) && way.takes_s.is_none()) {
        Some(s) => format!("~{}{}", about(s), words::lasts(way, now).unwrap_or_default()),
        None => words::way_back(way, now),
    }
}

/// The peak traffic of the side to go back to, in `space` columns at most: an operator wants to know whether that side
/// can carry everything again.
fn served(rps: Option<f64>, space: usize) -> String {
    let Some(rps) = rps else { return String::new() };
    let short = format!(", served {}/s", rate(rps));
    [format!("{short} at its peak"), short].into_iter().find(|text| width(text) <= space).unwrap_or_default()
}

fn version_of(snapshot: &Snapshot, columns: u16) -> String {
    if columns >= 100 {
        format!(" {}", fit(version_name(snapshot, snapshot.status.rollback.to), 20))
    } else {
        String::new()
    }
}

/// What a rollback would do, in half a line: `100% to BLUE v41, ~4s, green kept up`.
pub(super) fn rollback_goal(status: Option<&Status>) -> String {
    let short = |name: &str| fit(name, 20);
    status.map_or_else(|| "100% to where the rollout began".into(), |status| Words::new(status, &short).way_back())
}
