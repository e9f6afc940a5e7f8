//! The boxes before anything that moves forward or lasts.

use ratatui::layout::Rect;

use super::boxed::{Line, Rank, boxed, labelled, room, wrap};
use super::facts::{Facts, measured};
use crate::domain::{OnFailure, Side};
use crate::engine::{RefusalKind, Snapshot};
use crate::ui::actions::Act;
use crate::ui::draw::bottom::typed;
use crate::ui::draw::canvas::{Canvas, version_name};
use crate::ui::text::{age, fit, width};
use crate::ui::theme::Role;
use crate::ui::view::prompt::{Ask, Prompt, candidate};

/// Draws the box; returns where the cursor belongs.
pub fn forward(canvas: &mut Canvas<'_>, area: Rect, prompt: &Prompt) -> Option<(u16, u16)> {
    // Reason: consent is bound to the digest it was opened on, so the newest reading is of the same state; its request
    // carries the revision of now.
    let seen = canvas.live().or(prompt.seen.as_deref())?;
    let facts =
        Facts { seen, elapsed_s: canvas.view.elapsed_s(canvas.now), room: room(area), keymap: &canvas.view.keymap };
    let mut lines = match &prompt.ask {
        Ask::Promote => promote(&facts),
        Ask::Switch => switch(&facts),
        Ask::Override { gate } => override_lines(&facts, gate),
        Ask::Resume => resume(&facts),
        Ask::Finalize => finalize(&facts),
        Ask::AutoOn => auto(&facts),
        _ => take_over(&facts),
    };
    let left = prompt.left_s(canvas.now);
    let label = prompt.is_typing().then(|| {
        let label = match &prompt.ask {
            Ask::Override { .. } => "Why may it pass?  ".to_owned(),
            _ => format!("Type {} to {}:  ", wanted(prompt), prompt.ask.name()),
        };
        lines.push(Line::plain("", Rank::Air));
        lines.push(Line { rank: Rank::Keys, ..Line::plain(label.clone(), Rank::Keys) });
        lines.push(Line::keys(typing_help(prompt, facts.room.saturating_sub(6)), format!("{left}s")));
        label
    });
    if label.is_none() {
        lines.extend(answer(canvas, prompt, facts.room));
    }
    let inner = boxed(canvas, area, &title(prompt, seen), lines)?;
    let label = label?;
    let y = inner.bottom().checked_sub(2).filter(|y| *y >= inner.y)?;
    let x = inner.x + 1 + width(&label) as u16;
    Some(typed(canvas, x, y, inner.right().saturating_sub(x + 1), &prompt.line))
}

/// The keys that answer a question that wants no text, or no more.
fn answer(canvas: &Canvas<'_>, prompt: &Prompt, room: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if prompt.confirming {
        lines.extend(labelled("because", prompt.line.value().trim(), Role::Text, Rank::Fact, room));
    }
    let no = if prompt.confirming { "Esc / n = no" } else { "Esc / n / Enter = no" };
    let wait = if prompt.shown.is_armed(canvas.now) { "" } else { "(wait)  " };
    let left = prompt.left_s(canvas.now);
    lines.push(Line::keys(&format!("y = {}     {no}", prompt.ask.name()), format!("{wait}auto-no in {left}s")));
    lines
}

fn wanted(prompt: &Prompt) -> String {
    let seen = prompt.seen.as_deref();
    let side = seen.map_or("candidate", |seen| candidate(seen).0.name());
    if seen.is_some_and(|seen| candidate(seen).1.version.is_some()) {
        format!("the {side} version")
    } else {
        format!("the word {side}")
    }
}

/// What Enter does now, in as many words as there is room for.
fn typing_help(prompt: &Prompt, room: usize) -> &'static str {
    let forms: [&str; 2] = match (&prompt.ask, prompt.is_complete()) {
        (Ask::Override { .. }, false) => {
            ["At least 10 characters, then Enter.  Paste refused.  Esc = no", "10 characters, then Enter.  Esc = no"]
        }
        (Ask::Override { .. }, true) => ["Enter = go on to y.  Paste refused.  Esc = no", "Enter = go on.  Esc = no"],
        (_, false) => ["Enter is dead until it matches.  Paste refused.  Esc = no", "Enter: not yet.  Esc = no"],
        (Ask::Promote, true) => ["It matches: Enter = promote.  Esc = no", "Enter = promote.  Esc = no"],
        (_, true) => ["It matches: Enter = switch.  Esc = no", "Enter = switch.  Esc = no"],
    };
    forms.into_iter().find(|form| form.len() <= room).unwrap_or(forms[1])
}

fn title(prompt: &Prompt, seen: &Snapshot) -> String {
    let status = &seen.status;
    let (side, _) = candidate(seen);
    match &prompt.ask {
        Ask::Promote => {
            let step = &status.step;
            let now = status.split.observed.map_or_else(|| "?".into(), |split| split.share(side).to_string());
            let next = step.next.map_or_else(|| "?".into(), |next| next.to_string());
            format!("PROMOTE step {} > {}   {} {now}% > {next}%", step.index, step.index + 1, side.title())
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

fn promote(facts: &Facts<'_>) -> Vec<Line> {
    let (to, _) = candidate(facts.seen);
    let share = facts.seen.status.step.next.unwrap_or(100);
    let mut lines = facts.banner();
    lines.extend(facts.overridden());
    lines.extend(facts.shares(to, share, &if share == 100 { kept(facts, to) } else { String::new() }));
    lines.extend(facts.capacity(to, share));
    lines.extend(facts.warnings());
    lines.extend(facts.undo(share));
    lines.extend(facts.request("promote"));
    lines
}

fn switch(facts: &Facts<'_>) -> Vec<Line> {
    let (to, _) = candidate(facts.seen);
    let mut lines = facts.endpoint();
    lines.extend(facts.shares(to, 100, &kept(facts, to)));
    lines.extend(facts.gates());
    lines.extend(facts.capacity(to, 100));
    lines.extend(facts.warnings());
    lines.extend(facts.undo(100));
    lines.extend(facts.state());
    lines.extend(facts.request("switch"));
    lines
}

/// What becomes of the other side: `blue kept warm 24h`.
fn kept(facts: &Facts<'_>, to: Side) -> String {
    match facts.seen.status.rollback.window_s {
        s if s > 0.0 => format!("{} kept warm {}", to.other(), age(s)),
        _ => format!("{} kept warm", to.other()),
    }
}

fn override_lines(facts: &Facts<'_>, gate: &str) -> Vec<Line> {
    let (side, candidate) = candidate(facts.seen);
    let found = facts.seen.status.gates.iter().find(|known| known.name == gate);
    let saw = found.map_or_else(String::new, |gate| {
        let when = gate.age_s.map_or_else(String::new, |s| format!("   {} ago", age(s + facts.elapsed_s)));
        format!("{}{}{when}", measured(gate), gate.note)
    });
    let version = candidate.version.as_ref().map_or("?", |version| version.name.as_str());
    let counts = format!("for {side} {} only, until its version changes", fit(version, 24));
    let mut lines = facts.place();
    lines.extend(labelled("gate", &format!("{} FAIL  {saw}", fit(gate, 30)), Role::Text, Rank::Fact, facts.room));
    lines.extend(
        found
            .iter()
            .flat_map(|gate| gate.details.iter().take(2))
            .flat_map(|detail| labelled("", &format!("- {detail}"), Role::Text, Rank::Extra, facts.room)),
    );
    lines.extend(labelled("counts", &counts, Role::Text, Rank::Fact, facts.room));
    lines.extend(facts.no_request("your name and the reason go into the journal"));
    lines
}

fn resume(facts: &Facts<'_>) -> Vec<Line> {
    let status = &facts.seen.status;
    let mut lines = facts.place();
    let say = |text: &str| -> Vec<Line> {
        wrap(text, facts.room).into_iter().map(|part| Line::plain(part, Rank::Fact)).collect()
    };
    if status.split.drift {
        let text = |split: Option<crate::domain::Split>| split.map_or_else(|| "?".into(), |split| split.to_string());
        let (says, asked) = (text(status.split.observed), text(status.split.desired));
        lines.extend(say(&format!("DRIFT: the router says {says}, asked was {asked}")));
        lines.extend(say("yes accepts what the router says as what is wanted from now on"));
    } else {
        let why = status.blocked.iter().find(|blocked| blocked.kind == RefusalKind::Paused);
        lines.extend(why.iter().flat_map(|why| labelled("now", &why.because, Role::Text, Rank::Fact, facts.room)));
        lines.extend(say("the plan goes on from where it was paused; no traffic moves by this"));
        if status.step.auto {
            lines.extend(say("it is walked unattended: the next step is taken once gates pass and the bake is over"));
        }
    }
    lines.extend(facts.no_request("the journal is written"));
    lines
}

fn finalize(facts: &Facts<'_>) -> Vec<Line> {
    let way = &facts.seen.status.rollback;
    let mut lines = facts.banner();
    let left = way.window_left_s.map_or_else(String::new, |s| {
        format!(", {} before it would by itself", crate::ui::text::left(s - facts.elapsed_s))
    });
    let text = format!("the rollback window ends now{left}; {} may be let go", way.to.title());
    lines.extend(labelled("after", &text, Role::Text, Rank::Fact, facts.room));
    lines.extend(labelled("undo", "none: after this there is no quick way back", Role::Warn, Rank::Fact, facts.room));
    lines.extend(facts.no_request("the journal is written"));
    lines
}

fn auto(facts: &Facts<'_>) -> Vec<Line> {
    let step = &facts.seen.status.step;
    let steps: Vec<String> = step.steps.iter().skip(step.index).map(|share| format!("{share}%")).collect();
    let mut lines = facts.banner();
    lines.extend(facts.warnings());
    let text = format!("{} taken without asking, each once gates pass and the bake is over", steps.join(", "));
    lines.extend(labelled("after", &text, Role::Text, Rank::Fact, facts.room));
    let failure = match step.on_failure {
        OnFailure::Pause => "it stops and waits for a person",
        OnFailure::Abort => "all traffic goes to the live side",
        OnFailure::Rollback => "all traffic goes back",
    };
    lines.extend(labelled("fails", failure, Role::Text, Rank::Fact, facts.room));
    let (hold, back) = (facts.keymap.name(Act::Hold), facts.keymap.name(Act::Rollback));
    let text = format!(":auto off stops it, {hold} holds it, {back} y goes back");
    lines.extend(labelled("undo", &text, Role::Text, Rank::Fact, facts.room));
    lines
}

fn take_over(facts: &Facts<'_>) -> Vec<Line> {
    let driver = &facts.seen.status.driver;
    let mut lines = facts.place();
    let holder = driver.holder.as_deref().unwrap_or("nobody");
    lines.extend(labelled("now", &format!("{holder} drives"), Role::Text, Rank::Fact, facts.room));
    let text = format!("{} drives; the other console can still roll back, and no more", driver.me);
    lines.extend(labelled("after", &text, Role::Text, Rank::Fact, facts.room));
    lines.extend(facts.no_request("the lease changes hands"));
    lines
}
