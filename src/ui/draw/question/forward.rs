//! Draws the box of a heavy question: one layout for each command.

use ratatui::layout::Rect;

use super::boxed::{Line, Rank, boxed, labelled, room};
use super::facts::{Facts, measured};
use crate::dialogue::{Question, Wants, on_failure};
use crate::domain::Side;
use crate::engine::{Command, RefusalKind, Status};
use crate::ui::actions::Act;
use crate::ui::draw::bottom::typed;
use crate::ui::draw::canvas::Canvas;
use crate::ui::text::{age, fit, width};
use crate::ui::theme::Role;
use crate::ui::view::prompt::Prompt;

/// Draws the box; returns the place of the cursor.
pub(super) fn forward(canvas: &mut Canvas<'_>, area: Rect, prompt: &Prompt) -> Option<(u16, u16)> {
    // Reason: consent is bound to the digest it was opened on, so the newest reading is of the same state; its request
    // carries the revision of now.
    let seen = canvas.live().or(prompt.question.seen())?;
    let facts =
        Facts { seen, elapsed_s: canvas.view.elapsed_s(canvas.now), room: room(area), keymap: &canvas.view.keymap };
    let command = prompt.question.command()?;
    let mut lines = match command {
        Command::Promote => promote(&facts),
        Command::Switch => switch(&facts),
        Command::Override { gate, .. } => override_lines(&facts, gate),
        Command::Resume => resume(&facts),
        Command::Finalize => finalize(&facts),
        Command::Auto { .. } => auto(&facts),
        Command::TakeOver => take_over(&facts),
        other => plain(&facts, other),
    };
    let left = prompt.question.left_s(canvas.now);
    let label = typing_label(&prompt.question, &seen.status).inspect(|label| {
        lines.push(Line::plain("", Rank::Air));
        lines.push(Line { rank: Rank::Keys, ..Line::plain(label.clone(), Rank::Keys) });
        lines.push(Line::keys(typing_help(prompt, facts.room.saturating_sub(6)), format!("{left}s")));
    });
    if label.is_none() {
        lines.extend(answer(canvas, &prompt.question, facts.room));
    }
    let inner = boxed(canvas, area, &facts.words(&|name| fit(name, 24)).title(command), lines)?;
    let label = label?;
    let y = inner.bottom().checked_sub(2).filter(|y| *y >= inner.y)?;
    let x = inner.x + 1 + width(&label) as u16;
    Some(typed(canvas, x, y, inner.right().saturating_sub(x + 1), &prompt.line))
}

/// The keys that answer, while no text is typed.
fn answer(canvas: &Canvas<'_>, question: &Question, room: usize) -> Vec<Line> {
    let reason = question.reason();
    let mut lines: Vec<Line> =
        reason.iter().flat_map(|reason| labelled("because", reason, Role::Text, Rank::Fact, room)).collect();
    let no = if reason.is_some() { "Esc / n = no" } else { "Esc / n / Enter = no" };
    let wait = if question.shown.is_armed(canvas.now) { "" } else { "(wait)  " };
    let left = question.left_s(canvas.now);
    lines.push(Line::keys(&format!("y = {}     {no}", question.topic().name()), format!("{wait}auto-no in {left}s")));
    lines
}

/// The label before the text field; `None` where no text is typed.
fn typing_label(question: &Question, status: &Status) -> Option<String> {
    let side = status.candidate;
    let what = match question.wants() {
        Wants::Yes => return None,
        Wants::Reason => return Some("Why may it pass?  ".into()),
        Wants::Version(_) if status.sides[side].version.is_some() => format!("the {side} version"),
        Wants::Version(_) => format!("the word {side}"),
    };
    Some(format!("Type {what} to {}:  ", question.topic().name()))
}

/// What Enter does now, in the longest form that fits.
fn typing_help(prompt: &Prompt, room: usize) -> &'static str {
    let forms: [&str; 2] = match (prompt.question.wants(), prompt.is_complete()) {
        (Wants::Reason, false) => {
            ["At least 10 characters, then Enter.  Paste refused.  Esc = no", "10 characters, then Enter.  Esc = no"]
        }
        (Wants::Reason, true) => ["Enter = go on to y.  Paste refused.  Esc = no", "Enter = go on.  Esc = no"],
        (_, false) => ["Enter is dead until it matches.  Paste refused.  Esc = no", "Enter: not yet.  Esc = no"],
        (_, true) if prompt.question.command() == Some(&Command::Promote) => {
            ["It matches: Enter = promote.  Esc = no", "Enter = promote.  Esc = no"]
        }
        (_, true) => ["It matches: Enter = switch.  Esc = no", "Enter = switch.  Esc = no"],
    };
    forms.into_iter().find(|form| form.len() <= room).unwrap_or(forms[1])
}

fn promote(facts: &Facts<'_>) -> Vec<Line> {
    let to = facts.seen.status.candidate;
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
    let to = facts.seen.status.candidate;
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
    let found = facts.seen.status.gates.iter().find(|known| known.name == gate);
    let saw = found.map_or_else(String::new, |gate| {
        let when = gate.age_s.map_or_else(String::new, |s| format!("   {} ago", age(s + facts.elapsed_s)));
        format!("{}{}{when}", measured(gate), gate.note)
    });
    let counts = facts.words(&|name| fit(name, 24)).scope();
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
    if !status.split.drift {
        let why = status.blocked.iter().find(|blocked| blocked.kind == RefusalKind::Paused);
        lines.extend(why.iter().flat_map(|why| labelled("now", &why.because, Role::Text, Rank::Fact, facts.room)));
    }
    lines.extend(facts.effect(&Command::Resume));
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
    let mut lines = facts.banner();
    lines.extend(facts.warnings());
    let steps = facts.words(&str::to_owned).steps();
    lines.extend(labelled("after", &steps, Role::Text, Rank::Fact, facts.room));
    lines.extend(labelled("fails", on_failure(&facts.seen.status), Role::Text, Rank::Fact, facts.room));
    let (hold, back) = (facts.keymap.name(Act::Hold), facts.keymap.name(Act::Rollback));
    let text = format!(":auto off stops it, {hold} holds it, {back} y goes back");
    lines.extend(labelled("undo", &text, Role::Text, Rank::Fact, facts.room));
    lines
}

fn take_over(facts: &Facts<'_>) -> Vec<Line> {
    let mut lines = facts.place();
    let holder = facts.seen.status.driver.holder.as_deref().unwrap_or("nobody");
    lines.extend(labelled("now", &format!("{holder} drives"), Role::Text, Rank::Fact, facts.room));
    let after = facts.words(&str::to_owned).effect(&Command::TakeOver).join("; ");
    lines.extend(labelled("after", &after, Role::Text, Rank::Fact, facts.room));
    lines.extend(facts.no_request("the lease changes hands"));
    lines
}

/// A command without lines of its own: where it acts, and what it does.
fn plain(facts: &Facts<'_>, command: &Command) -> Vec<Line> {
    let mut lines = facts.banner();
    lines.extend(facts.effect(command));
    lines.extend(facts.no_request("the journal is written"));
    lines
}
