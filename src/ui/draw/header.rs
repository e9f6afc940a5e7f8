//! The lines at the top: who and where, how traffic is shared, the steps of the plan.

mod next;
mod plan;

use chrono::{DateTime, Utc};
use ratatui::layout::Rect;

pub(super) use self::plan::plan;

use super::canvas::{Canvas, side_role, version_name};
use crate::domain::Side;
use crate::engine::snapshot::Status;
use crate::engine::{Phase, Snapshot};
use crate::ui::Replay;
use crate::ui::text::{self, age, fit, left};
use crate::ui::theme::Role;

/// Environment, service, phase and step; data age, rights, driver.
pub(super) fn header(canvas: &mut Canvas<'_>, area: Rect) {
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
    let narrow = area.width < 60;
    let environment = status.environment.to_uppercase();
    let phase = phase(canvas, status, wide);
    let auto = if status.step.auto { "  AUTO" } else { "" };
    let right = right(canvas, status, area.width);
    // Service and environment give way first: the phase must be readable in full, then the notes beside it.
    let ends: usize = right.iter().map(|(text, _)| text::width(text)).sum();
    let taken = ends + text::width(&phase) + auto.len() + if narrow { 4 } else { 7 };
    let mut space = usize::from(area.width).saturating_sub(taken);
    let mut more = String::new();
    let names = if wide { text::width(&environment).min(16) + text::width(&status.service).min(40) + 2 } else { 12 };
    for fact in besides(canvas, snapshot, area.width) {
        if text::width(&fact) + names <= space {
            space -= text::width(&fact);
            more.push_str(&fact);
        }
    }
    let banner = if space < 5 { String::new() } else { fit(&fit(&environment, 16), space / 2) };
    let service = fit(&status.service, space.saturating_sub(text::width(&banner)));
    let gap = match (banner.is_empty(), wide) {
        (true, _) => "",
        (false, true) => "  ",
        (false, false) => " ",
    };
    let right: Vec<(&str, Role)> = right.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    canvas.line(
        area,
        &[
            (" ", Role::Text),
            (&banner, Role::Banner),
            (gap, Role::Text),
            (&service, Role::Title),
            (if narrow { " " } else { "   " }, Role::Text),
            (&phase, phase_role(status.phase)),
            (auto, Role::Warn),
            (&more, Role::Text),
        ],
        &right,
    );
}

/// The notes beside the phase where there is room, the most important first.
fn besides(canvas: &Canvas<'_>, snapshot: &Snapshot, width: u16) -> [String; 3] {
    let status = &snapshot.status;
    let since = snapshot.detail.started.filter(|_| width >= 120).map(|started| status.time - started);
    let elapsed = since.map_or_else(String::new, |since| {
        format!("   elapsed {}", left(since.as_seconds_f64() + canvas.view.elapsed_s(canvas.now)))
    });
    let backend = if width >= 150 { format!("   backend {}", fit(&status.backend, 16)) } else { String::new() };
    let soon = next::step(canvas, status).unwrap_or_else(|| bake(canvas, status));
    [soon, elapsed, backend]
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
    let gap = if canvas.area().width >= 100 { "   " } else { "  " };
    match (next::bake_left_s(canvas, &status.step), &status.step.waits) {
        (None, _) => String::new(),
        (Some(s), Some(why)) if s > 0.0 => format!("{gap}bake waits: {why}"),
        (Some(s), _) => format!("{gap}bake {} left", left(s)),
    }
}

/// Whether what is seen is not now; data age; rights and driver; the time.
fn right(canvas: &Canvas<'_>, status: &Status, width: u16) -> Vec<(String, Role)> {
    let elapsed = canvas.view.elapsed_s(canvas.now);
    let (wide, tight) = (width >= 100, width < 60);
    let gap = if wide { "   " } else { "  " };
    let mut parts = Vec::new();
    let mut not_now = |word: &str, at: Option<DateTime<Utc>>| {
        let Some(at) = at else { return };
        let since = if wide && word == "FROZEN" { " since" } else { "" };
        let text = if tight { format!("{word}{gap}") } else { format!("{word}{since} {}{gap}", text::clock(at)) };
        parts.push((text, Role::Fail));
    };
    if let Some(replay) = &canvas.view.replay {
        not_now(&playing(*replay), Some(status.time));
    }
    not_now("CURSOR", canvas.view.cursor);
    not_now("FROZEN", canvas.view.frozen.as_ref().map(|(frozen, _)| frozen.status.time));
    // A fixed width, so that the text beside it does not move with a digit.
    let data = match (status.data_age_s, status.stale) {
        (None, _) => "data ?".to_owned(),
        (Some(s), true) => format!("STALE {:<3}", age(s + elapsed)),
        (Some(s), false) => format!("data {:<3}", age(s + elapsed)),
    };
    parts.push((data, if status.stale { Role::Fail } else { Role::Text }));
    let driver = &status.driver;
    let me = fit(&driver.me, 12);
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
    let before = if wide { "  " } else { " " };
    parts.push((format!("{before}{rights}{who} "), if driver.may_drive { Role::Text } else { Role::Warn }));
    if wide {
        let form = if width >= 180 { "  %Y-%m-%d %H:%M:%SZ " } else { "  %H:%M:%SZ " };
        parts.push((status.time.format(form).to_string(), Role::Dim));
    }
    parts
}

fn playing(replay: Replay) -> String {
    match replay {
        Replay { is_over: true, .. } => "REPLAY END".into(),
        Replay { is_paused: true, .. } => "REPLAY PAUSED".into(),
        Replay { speed, .. } => format!("REPLAY x{speed}"),
    }
}

const fn phase_role(phase: Phase) -> Role {
    match phase {
        Phase::Unknown => Role::Fail,
        Phase::Paused | Phase::RolledBack | Phase::Aborted => Role::Warn,
        _ => Role::Title,
    }
}

/// How traffic is shared: the bar shows what the router says; the desired split is beside it where it differs.
pub(super) fn split(canvas: &mut Canvas<'_>, area: Rect) {
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
    if area.width < 24 {
        let [blue, green] = Side::BOTH.map(|side| format!("{} {}", &side.title()[..1], label(side)));
        let fits = text::width(&blue) + text::width(&green) + 3 <= usize::from(area.width);
        let (before, between) = if fits { (" ", "  ") } else { ("", " ") };
        let [blue, green] = [blue, green].map(|text| if fits { text } else { text.replace([' ', '%'], "") });
        let parts = [(before, Role::Text), (&*blue, Role::SideBlue), (between, Role::Text), (&*green, Role::SideGreen)];
        canvas.parts(area.x, area.y, area.width, &parts);
        return;
    }
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

/// Split and phase in as few columns as possible.
pub(super) fn short(canvas: &mut Canvas<'_>, area: Rect) {
    let Some(snapshot) = canvas.live() else {
        canvas.put(area.x, area.y, area.width, "reading", Role::Text);
        return;
    };
    let status = &snapshot.status;
    let split = status.split.observed.map_or_else(|| "?/?".into(), |split| split.to_string());
    let stale = if status.stale { " STALE" } else { "" };
    let back = if canvas.view.cursor.is_some() { " CURSOR" } else { "" };
    let frozen = if canvas.view.frozen.is_some() { " FROZEN" } else { "" };
    let parts: [(&str, Role); 6] = [
        (&split, side_role(Side::Blue)),
        (" ", Role::Text),
        (status.phase.title(), phase_role(status.phase)),
        (stale, Role::Fail),
        (back, Role::Fail),
        (frozen, Role::Fail),
    ];
    canvas.parts(area.x, area.y, area.width, &parts);
}
