//! The questions before anything is done: two lines at the bottom, or a box.

use ratatui::layout::Rect;

use super::bottom::typed;
use super::canvas::{Canvas, version_name};
use super::rollback::{about, rollback_goal};
use crate::domain::{Role as SideRole, Side};
use crate::engine::Snapshot;
use crate::engine::snapshot::{GateState, GateStatus, Status};
use crate::ui::text::{age, fit, left, width};
use crate::ui::theme::Role;
use crate::ui::view::prompt::{Ask, Prompt, REASON_MIN, candidate};

/// A question that takes the last two lines; false when none is open.
pub fn bottom_question(canvas: &mut Canvas<'_>, first: Rect, second: Rect) -> bool {
    let Some(prompt) = canvas.view.prompt.as_ref().filter(|prompt| !prompt.ask.is_forward()) else { return false };
    let [upper, lower] = texts(canvas, prompt);
    let left = format!("{}s ", prompt.left_s(canvas.now));
    for area in [first, second] {
        canvas.fill(area, " ", Role::Prompt);
    }
    canvas.line(first, &[(&upper, Role::Prompt)], &[]);
    canvas.line(second, &[(&lower, Role::Prompt)], &[(&left, Role::Prompt)]);
    true
}

/// The same where there is one line for it; a box that cannot be shown says so.
pub fn in_one_line(canvas: &mut Canvas<'_>, area: Rect) -> bool {
    let view = canvas.view;
    let text = match (&view.prompt, &view.notice) {
        (Some(prompt), _) => match prompt.ask {
            Ask::Rollback => "y ROLL BACK NOW?".to_owned(),
            Ask::Abort => "y ABORT?".to_owned(),
            Ask::Quit => "y LEAVE?".to_owned(),
            _ => "too small: Esc".to_owned(),
        },
        (None, Some(notice)) => notice.lines.join(" "),
        (None, None) => return false,
    };
    canvas.fill(area, " ", Role::Prompt);
    canvas.put(area.x, area.y, area.width, &text, Role::Prompt);
    true
}

fn texts(canvas: &Canvas<'_>, prompt: &Prompt) -> [String; 2] {
    let live = canvas.live();
    match prompt.ask {
        Ask::Rollback => [
            format!(" ROLL BACK NOW?  {}", rollback_goal(live)),
            " y = yes     any other key = no     (R does nothing more)".into(),
        ],
        Ask::Abort => {
            let to = live.map_or_else(String::new, |snapshot| {
                let side = candidate(snapshot).0.other();
                format!("{} {}", side.title(), fit(version_name(snapshot, side), 20))
            });
            let digest = prompt.expect().unwrap_or_default();
            [
                format!(" ABORT THE ROLLOUT?  back to 100% {to}   state {digest}"),
                " y = yes     any other key = no     (A does nothing more)".into(),
            ]
        }
        _ => [
            " LEAVE?  an order is on its way: the backend goes on without this console".into(),
            " y = leave     any other key = stay".into(),
        ],
    }
}

/// A box for what moves forward, or the notice that one was closed. Returns where the cursor belongs.
pub fn question(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    if let Some(prompt) = canvas.view.prompt.as_ref().filter(|prompt| prompt.ask.is_forward()) {
        return forward(canvas, area, prompt);
    }
    let notice = canvas.view.notice.as_ref()?;
    let lines: Vec<Line> = notice.lines.iter().map(|line| Line::plain(line.clone())).collect();
    boxed(canvas, area, "", &lines);
    None
}

/// A line of a box: text at its left, text at its right, and whether it deserves attention.
struct Line {
    left: String,
    right: String,
    role: Role,
}

impl Line {
    fn plain(left: String) -> Self {
        Self { left, right: String::new(), role: Role::Text }
    }

    fn key(left: &str, right: String) -> Self {
        Self { left: left.to_owned(), right, role: Role::Key }
    }
}

fn forward(canvas: &mut Canvas<'_>, area: Rect, prompt: &Prompt) -> Option<(u16, u16)> {
    let seen = prompt.seen.as_deref()?;
    let mut lines = match &prompt.ask {
        Ask::Promote => promote(canvas, seen),
        Ask::Switch => switch(seen),
        Ask::Override { gate } => override_lines(seen, gate),
        Ask::Resume => resume(seen),
        Ask::Finalize => vec![
            banner(canvas, seen),
            format!("the rollback window ends now; {} may be let go", candidate(seen).0.other().title()),
            "after this there is no quick way back".to_owned(),
        ],
        Ask::AutoOn => vec![
            banner(canvas, seen),
            format!("steps {:?} are taken without asking once gates pass and the bake is over", seen.status.step.steps),
        ],
        _ => vec![
            banner(canvas, seen),
            format!(
                "{} drives now; its console becomes read-only",
                seen.status.driver.holder.as_deref().unwrap_or("nobody")
            ),
        ],
    }
    .into_iter()
    .map(Line::plain)
    .collect::<Vec<_>>();
    let left = prompt.left_s(canvas.now);
    let armed = prompt.shown.is_armed(canvas.now);
    let label = if prompt.is_typing() {
        let label = match &prompt.ask {
            Ask::Switch => format!("Type {} to switch:  ", wanted(prompt)),
            _ => "Why may it pass?  ".to_owned(),
        };
        lines.push(Line::plain(label.clone()));
        lines.push(Line::key(&typing_help(prompt), format!("{left}s")));
        Some(label)
    } else {
        let verb = prompt.ask.name();
        if prompt.confirming {
            lines.push(Line::plain(format!("because: {}", prompt.line.value().trim())));
        }
        let no = if prompt.confirming { "Esc / n = no" } else { "Esc / n / Enter = no" };
        let yes = if armed { format!("y = {verb}     {no}") } else { format!("(wait)  y = {verb}     {no}") };
        lines.push(Line::key(&yes, format!("auto-no in {left}s")));
        None
    };
    let inner = boxed(canvas, area, &title(prompt, seen), &lines)?;
    let label = label?;
    let y = inner.bottom().checked_sub(2).filter(|y| *y >= inner.y)?;
    let x = inner.x + 1 + width(&label) as u16;
    Some(typed(canvas, x, y, inner.right().saturating_sub(x + 1), &prompt.line))
}

fn wanted(prompt: &Prompt) -> String {
    let known = prompt.seen.as_deref().is_some_and(|seen| candidate(seen).1.version.is_some());
    let side = prompt.seen.as_deref().map_or("candidate", |seen| candidate(seen).0.name());
    if known {
        format!("the {side} version ({})", fit(prompt.wanted().unwrap_or(""), 24))
    } else {
        format!("the word {side}")
    }
}

fn typing_help(prompt: &Prompt) -> String {
    match (&prompt.ask, prompt.is_complete()) {
        (Ask::Switch, false) => "Enter is dead until it matches.  Paste refused.  Esc = no".into(),
        (Ask::Switch, true) => "It matches: Enter = switch.  Esc = no".into(),
        (_, false) => format!("At least {REASON_MIN} characters, then Enter.  Esc = no"),
        (_, true) => "Enter = go on to y.  Esc = no".into(),
    }
}

fn title(prompt: &Prompt, seen: &Snapshot) -> String {
    let status = &seen.status;
    let (side, _) = candidate(seen);
    match &prompt.ask {
        Ask::Promote => {
            let step = &status.step;
            format!("PROMOTE step {} > {}   {}", step.index, step.index + 1, shares(status, side))
        }
        Ask::Switch => {
            let environment = status.environment.to_uppercase();
            let of = if environment.is_empty() { String::new() } else { format!("OF {environment} ") };
            format!("SWITCH 100% {of}TRAFFIC TO {} {}", side.title(), fit(version_name(seen, side), 24))
        }
        Ask::Override { gate } => format!("OVERRIDE GATE {}", fit(gate, 30)),
        Ask::Resume => "RESUME THE PLAN".into(),
        Ask::Finalize => "FINALIZE".into(),
        Ask::AutoOn => "WALK THE PLAN UNATTENDED".into(),
        _ => "TAKE OVER".into(),
    }
}

fn shares(status: &Status, side: Side) -> String {
    let now = status.split.observed.map_or_else(|| "?".into(), |split| split.share(side).to_string());
    let next = status.step.next.map_or_else(|| "?".into(), |next| next.to_string());
    format!("{} {now}% > {next}%", side.title())
}

/// Environment, service, gates, data age, digest: `PROD fraud-scorer   gates 6 PASS 1 RUN 0 FAIL   data 1s   state a1c9`.
fn banner(canvas: &Canvas<'_>, seen: &Snapshot) -> String {
    let status = &seen.status;
    let data = status.data_age_s.map_or_else(|| "?".into(), |s| age(s + canvas.view.elapsed_s(canvas.now)));
    let n = |state| status.gates.iter().filter(|gate| gate.status == state).count();
    let gates =
        format!("gates {} PASS {} RUN {} FAIL", n(GateState::Passed), n(GateState::Running), n(GateState::Failed));
    format!(
        "{} {}   {gates}   data {data}   state {}",
        status.environment.to_uppercase(),
        fit(&status.service, 24),
        status.digest
    )
    .trim_start()
    .to_owned()
}

fn undo(seen: &Snapshot) -> String {
    let way = &seen.status.rollback;
    let time = way.last_took_s.map_or_else(|| way.class.replace('_', " "), |s| format!("~{}", about(s)));
    if way.ready {
        format!("R y, {time}")
    } else {
        format!("NOT READY: {}", way.because.as_deref().unwrap_or("no way back"))
    }
}

fn promote(canvas: &Canvas<'_>, seen: &Snapshot) -> Vec<String> {
    vec![banner(canvas, seen), format!("undo: {}", undo(seen))]
}

fn switch(seen: &Snapshot) -> Vec<String> {
    let status = &seen.status;
    let (to, _) = candidate(seen);
    let now =
        |side: Side| status.split.observed.map_or_else(|| "  ?%".into(), |split| format!("{:>3}%", split.share(side)));
    let after = |side: Side| if side == to { "100%" } else { "  0%" };
    let name = |side: Side| format!("{} {}", side.title(), fit(version_name(seen, side), 16));
    let overridden: Vec<&GateStatus> =
        status.gates.iter().filter(|gate| gate.status == GateState::Overridden).collect();
    let passed = status.gates.iter().filter(|gate| gate.status == GateState::Passed).count();
    let over = overridden
        .first()
        .map_or_else(String::new, |gate| format!("  {} OVERRIDDEN {} {}", overridden.len(), gate.name, gate.note));
    let ready = |side: Side| {
        let s = &status.sides[side];
        format!("{} {}/{}", side.title(), s.ready.map_or_else(|| "?".into(), |n| n.to_string()), s.replicas)
    };
    let until = status.rollback.window_left_s.map_or_else(String::new, |s| format!("  window {}", left(s)));
    vec![
        format!("endpoint  {}   {}", fit(&status.service, 24), status.environment.to_uppercase()),
        format!("now       {} {}      {} {}", name(Side::Blue), now(Side::Blue), name(Side::Green), now(Side::Green)),
        format!(
            "after     {} {}      {} {}    {} kept warm",
            name(Side::Blue),
            after(Side::Blue),
            name(Side::Green),
            after(Side::Green),
            to.other()
        ),
        format!("gates     {passed} PASS{over}"),
        format!("replicas  {} ready, {} ready", ready(Side::Blue), ready(Side::Green)),
        format!("undo      {}{until}", undo(seen)),
        format!("state     {}   any change to gates, split or revisions cancels", status.digest),
        String::new(),
    ]
}

fn override_lines(seen: &Snapshot, gate: &str) -> Vec<String> {
    let status = &seen.status;
    let found = status.gates.iter().find(|known| known.name == gate);
    let note = found.map_or("", |gate| gate.note.as_str());
    let version = status.sides.iter().find(|(_, side)| side.role == SideRole::Candidate);
    let version = version.and_then(|(_, side)| side.version.as_ref()).map_or("?", |version| version.name.as_str());
    vec![
        format!(
            "endpoint  {}   {}   state {}",
            fit(&status.service, 24),
            status.environment.to_uppercase(),
            status.digest
        ),
        format!("gate      {} FAIL  {note}", fit(gate, 30)),
        format!("counts    for {} {} only; goes into the journal with your name", candidate(seen).0, fit(version, 20)),
        String::new(),
    ]
}

fn resume(seen: &Snapshot) -> Vec<String> {
    let status = &seen.status;
    let mut lines = vec![
        format!("{} {}   state {}", status.environment.to_uppercase(), fit(&status.service, 24), status.digest)
            .trim_start()
            .to_owned(),
    ];
    if status.split.drift {
        let text = |split: Option<crate::domain::Split>| split.map_or_else(|| "?".into(), |split| split.to_string());
        lines.push(format!(
            "DRIFT: the router says {}, asked was {}",
            text(status.split.observed),
            text(status.split.desired)
        ));
        lines.push("yes accepts what the router says as what is wanted from now on".into());
    } else {
        lines.push("the plan goes on from where it was paused; no traffic moves by this".into());
    }
    lines
}

/// A box in the middle of `area`, as wide as the drawings have it where there is room; returns its inside.
fn boxed(canvas: &mut Canvas<'_>, area: Rect, title: &str, lines: &[Line]) -> Option<Rect> {
    let longest = lines.iter().map(|line| width(&line.left) + width(&line.right) + 3).max().unwrap_or(0);
    let wide = (longest.max(71).max(width(title) + 6) as u16).min(area.width);
    let high = (lines.len() as u16 + 2).min(area.height);
    if wide < 8 || high < 3 {
        return None;
    }
    let at =
        Rect { x: area.x + (area.width - wide) / 2, y: area.y + (area.height - high) / 2, width: wide, height: high };
    canvas.clear(at);
    let inner = canvas.frame(at, &[(title, Role::Title)], "", ["", ""]);
    // Where not all of it fits, the end with the keys stays.
    let skip = lines.len().saturating_sub(usize::from(inner.height));
    for (row, line) in lines.iter().skip(skip).enumerate() {
        let place = Rect { x: inner.x + 1, y: inner.y + row as u16, width: inner.width.saturating_sub(1), height: 1 };
        canvas.line(place, &[(&line.left, line.role)], &[(&line.right, Role::Text)]);
    }
    Some(inner)
}
