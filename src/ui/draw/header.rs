//! The lines at the top: who and where, how traffic is shared, the steps of the plan.

use ratatui::layout::Rect;

use super::canvas::{Canvas, side_role, version_name};
use crate::domain::{OnDisconnect, Side};
use crate::engine::snapshot::Status;
use crate::engine::{Phase, Snapshot};
use crate::ui::text::{self, age, fit, left};
use crate::ui::theme::Role;

/// Environment, service, phase and step; data age, rights, driver.
pub fn header(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(snapshot) = canvas.live() else {
        let me = format!("{} ", canvas.view.options.me.name);
        canvas.line(
            area,
            &[(" cutover", Role::Title), ("   reading, nothing is known yet", Role::Text)],
            &[(&me, Role::Dim)],
        );
        return;
    };
    let status = &snapshot.status;
    let wide = area.width >= 100;
    let gap = if wide { "  " } else { " " };
    let environment = status.environment.to_uppercase();
    let banner = if environment.is_empty() { String::new() } else { fit(&environment, 16) };
    let phase = phase(canvas, status, wide);
    let bake = bake(canvas, status);
    let narrow = area.width < 60;
    let frozen = canvas.view.frozen.as_ref().map_or_else(String::new, |(_, since)| {
        format!("FROZEN {}", age(canvas.now.saturating_sub(*since) as f64 / 1000.0))
    });
    let auto = if status.step.auto { "  AUTO" } else { "" };
    let right = right(canvas, status, area.width);
    let clock = if wide { format!("{}Z ", status.time.format("%H:%M:%S")) } else { String::new() };
    let gap_right = if wide { "   " } else { "  " };
    let frozen_gap = if frozen.is_empty() { "" } else { gap_right };
    let last_gap = if wide { "  " } else { "" };
    // Service and environment give way first: the phase must be read in full, then the bake time.
    let ends = [&frozen, frozen_gap, &right.0, gap_right, &right.1, last_gap, &clock, &phase, auto];
    let taken: usize = ends.iter().map(|text| text::width(text)).sum::<usize>() + if narrow { 4 } else { 6 };
    let space = usize::from(area.width).saturating_sub(taken);
    let bake = if text::width(&bake) + 12 > space { String::new() } else { bake };
    let space = space.saturating_sub(text::width(&bake));
    let banner = if space < 5 { String::new() } else { fit(&banner, space / 2) };
    let service = fit(&status.service, space.saturating_sub(text::width(&banner)));
    canvas.line(
        area,
        &[
            (" ", Role::Text),
            (&banner, Role::Banner),
            (if banner.is_empty() { "" } else { gap }, Role::Text),
            (&service, Role::Title),
            (if narrow { " " } else { "   " }, Role::Text),
            (&phase, phase_role(status.phase)),
            (auto, Role::Warn),
            (&bake, Role::Text),
        ],
        &[
            (&frozen, Role::Fail),
            (frozen_gap, Role::Text),
            (&right.0, if status.stale { Role::Fail } else { Role::Text }),
            (gap_right, Role::Text),
            (&right.1, if status.driver.may_drive { Role::Text } else { Role::Warn }),
            (last_gap, Role::Text),
            (&clock, Role::Dim),
        ],
    );
}

fn phase(canvas: &Canvas<'_>, status: &Status, wide: bool) -> String {
    let title = status.phase.title();
    let step = &status.step;
    if step.of == 0 || matches!(status.phase, Phase::Idle) || canvas.area().width < 36 {
        return title.to_owned();
    }
    let word = if wide { "step " } else { "" };
    format!("{title} {word}{}/{}", step.index, step.of)
}

fn bake(canvas: &Canvas<'_>, status: &Status) -> String {
    let elapsed = canvas.view.elapsed_s(canvas.now);
    status.step.bake_left_s.map_or_else(String::new, |s| {
        format!("{}bake {} left", if canvas.area().width >= 100 { "   " } else { "  " }, left(s - elapsed))
    })
}

/// Data age; rights and driver.
fn right(canvas: &Canvas<'_>, status: &Status, width: u16) -> (String, String) {
    let elapsed = canvas.view.elapsed_s(canvas.now);
    let data = match (status.data_age_s, status.stale) {
        (None, _) => "data ?".to_owned(),
        (Some(s), true) => format!("STALE {}", age(s + elapsed)),
        (Some(s), false) => format!("data {}", age(s + elapsed)),
    };
    let driver = &status.driver;
    let me = fit(&driver.me, 12);
    let gap = if width >= 100 { "   " } else { "  " };
    let who = match &driver.holder {
        _ if width < 50 => String::new(),
        Some(holder) if !driver.may_drive => format!("{gap}{me} ({}*)", fit(holder, 16)),
        _ if driver.may_drive => format!("{gap}{me}*"),
        _ => format!("{gap}{me}"),
    };
    let rights = match (driver.read_only, driver.may_drive) {
        (true, _) => "READ-ONLY",
        (false, true) => "rw",
        (false, false) => "ro",
    };
    (data, format!("{rights}{who} "))
}

const fn phase_role(phase: Phase) -> Role {
    match phase {
        Phase::Unknown => Role::Fail,
        Phase::Paused | Phase::RolledBack | Phase::Aborted => Role::Warn,
        _ => Role::Title,
    }
}

/// How traffic is shared: the bar is what the router says; what was asked stands beside it where it differs.
pub fn split(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(snapshot) = canvas.live() else {
        canvas.fill(
            Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area },
            canvas.set.unread,
            Role::Dim,
        );
        return;
    };
    let name_max = (usize::from(area.width) / 6).max(3);
    let label = |side: Side| share(snapshot, side, area.width >= 100);
    let blue = format!(" BLUE {} {} ", fit(version_name(snapshot, Side::Blue), name_max), label(Side::Blue));
    let green = format!(" {} GREEN {} ", label(Side::Green), fit(version_name(snapshot, Side::Green), name_max));
    let (blue, green) = if area.width < 50 {
        (format!(" BLUE {} ", label(Side::Blue)), format!(" {} GREEN ", label(Side::Green)))
    } else {
        (blue, green)
    };
    let end = canvas.put(area.x, area.y, area.width, &blue, Role::SideBlue);
    let from = canvas.put_right(area.right(), area.y, area.right().saturating_sub(end), &green, Role::SideGreen);
    let bar = Rect { x: end, width: from.saturating_sub(end), ..area };
    match snapshot.status.split.observed {
        Some(split) => {
            let cells = (u32::from(bar.width) * u32::from(split.share(Side::Blue)) + 50) / 100;
            let blue = Rect { width: cells as u16, ..bar };
            canvas.fill(blue, canvas.set.blue, Role::SideBlue);
            let green = Rect { x: blue.right(), width: bar.width - blue.width, ..bar };
            canvas.fill(green, canvas.set.green, Role::SideGreen);
        }
        None => canvas.fill(bar, canvas.set.unread, Role::Dim),
    }
    if let Some(note) = split_note(canvas, &snapshot.status) {
        let note = format!(" {} ", fit(&note, usize::from(bar.width.saturating_sub(2))));
        let wide = text::width(&note) as u16;
        if bar.width >= 8 {
            canvas.put(bar.x + (bar.width.saturating_sub(wide)) / 2, bar.y, wide, &note, Role::Fail);
        }
    }
}

/// `90%`, or `90>50%` while something else is asked for than what is read.
fn share(snapshot: &Snapshot, side: Side, wide: bool) -> String {
    let split = &snapshot.status.split;
    match (split.observed, split.desired) {
        (None, _) => "?%".to_owned(),
        (Some(observed), Some(desired)) if observed != desired && !split.drift => {
            format!("{}>{}%", observed.share(side), desired.share(side))
        }
        (Some(observed), _) if wide => format!("{:>3}%", observed.share(side)),
        (Some(observed), _) => format!("{}%", observed.share(side)),
    }
}

/// What the bar alone would not say.
fn split_note(canvas: &Canvas<'_>, status: &Status) -> Option<String> {
    let split = &status.split;
    let elapsed = canvas.view.elapsed_s(canvas.now);
    let read = split.age_s.map(|s| s + elapsed);
    let Some(observed) = split.observed else {
        return Some("ROUTER NOT READ".into());
    };
    if let Some(mixed) = &split.mixed {
        return Some(format!("MIXED: {mixed}"));
    }
    if split.drift {
        let asked = split.desired.map_or_else(|| "nothing".into(), |split| split.to_string());
        return Some(format!("DRIFT: router says {observed}, asked {asked}"));
    }
    let old = read.filter(|s| *s > 2.0 && (status.stale || status.phase == Phase::Unknown));
    if let Some(s) = old {
        return Some(format!("OLD: router read {} ago", age(s)));
    }
    (split.desired? != observed).then(|| format!("router says {observed}"))
}

/// The steps of the plan, and what a lost operator means.
pub fn plan(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(snapshot) = canvas.live() else { return };
    let step = &snapshot.status.step;
    let (arrow, mark) = (canvas.set.arrow, canvas.set.step);
    let elapsed = canvas.view.elapsed_s(canvas.now);
    let mut x = area.x + 3.min(area.width);
    let right = format!(
        "on disconnect: {} ",
        match step.on_disconnect {
            OnDisconnect::Hold => "HOLD",
            OnDisconnect::Rollback => "ROLLBACK",
        }
    );
    let limit = canvas.put_right(area.right(), area.y, area.width / 3, &right, Role::Dim).saturating_sub(2);
    let mut before = 0;
    for (at, share) in step.steps.iter().enumerate() {
        let (word, role) = match at + 1 {
            n if n < step.index => ("done ", Role::Dim),
            n if n == step.index => ("now ", Role::Title),
            n if n == step.index + 1 => ("next ", Role::Text),
            _ => ("", Role::Dim),
        };
        let word = if at + 1 < step.index && at > 0 { "" } else { word };
        let bake = step.bake_left_s.filter(|_| at + 1 == step.index);
        let bake = bake.map_or_else(String::new, |s| format!(" bake {}", left(s - elapsed)));
        let text = format!("{word}{} {mark} {before}{arrow}{share}{bake}", at + 1);
        x = canvas.put(x, area.y, limit.saturating_sub(x), &text, role).saturating_add(3);
        before = *share;
    }
}

/// Split and phase in as few columns as possible.
pub fn short(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(snapshot) = canvas.live() else {
        canvas.put(area.x, area.y, area.width, "reading", Role::Text);
        return;
    };
    let status = &snapshot.status;
    let split = status.split.observed.map_or_else(|| "?/?".into(), |split| split.to_string());
    let stale = if status.stale { " STALE" } else { "" };
    let parts: [(&str, Role); 4] = [
        (&split, side_role(Side::Blue)),
        (" ", Role::Text),
        (status.phase.title(), phase_role(status.phase)),
        (stale, Role::Fail),
    ];
    canvas.parts(area.x, area.y, area.width, &parts);
}
