//! Draws the open question: two lines at the bottom, or a box.

mod boxed;
mod facts;
mod forward;

use ratatui::layout::Rect;

use self::boxed::{Line, Rank, boxed, room, wrap};
use super::canvas::Canvas;
use super::rollback::rollback_goal;
use crate::dialogue::{Question, Words};
use crate::domain::Move;
use crate::engine::Command;
use crate::engine::snapshot::OrderStatus;
use crate::ui::actions::Act;
use crate::ui::text::{fit, width};
use crate::ui::theme::Role;

/// A question that takes the last two lines; false when none is open.
pub(super) fn bottom_question(canvas: &mut Canvas<'_>, first: Rect, second: Rect) -> bool {
    let Some(prompt) = canvas.view.prompt.as_ref().filter(|prompt| !prompt.question.is_heavy()) else { return false };
    let [upper, lower] = texts(canvas, &prompt.question);
    let left = format!("{}s ", prompt.question.left_s(canvas.now));
    for area in [first, second] {
        canvas.fill(area, " ", Role::Prompt);
    }
    let request = request(canvas, &prompt.question, usize::from(first.width).saturating_sub(width(&upper) + 3));
    canvas.line(first, &[(&upper, Role::Prompt)], &[(&request, Role::Prompt)]);
    canvas.line(second, &[(&lower, Role::Prompt)], &[(&left, Role::Prompt)]);
    true
}

/// The request that will be sent, where there is room for all of it; `r` and `a` show it everywhere.
fn request(canvas: &Canvas<'_>, question: &Question, room: usize) -> String {
    let lines = question.command().and_then(|command| canvas.live()?.previews.get(command.verb()));
    let Some([_, first, .., body]) = lines.map(Vec::as_slice) else { return String::new() };
    let text = format!("{first} {body} ");
    if width(&text) <= room { text } else { String::new() }
}

/// The question on a screen of one or two lines; where a box is needed, it says that there is no room.
pub(super) fn in_one_line(canvas: &mut Canvas<'_>, area: Rect) -> bool {
    let view = canvas.view;
    let text = match (&view.prompt, &view.notice) {
        (Some(prompt), _) => match prompt.question.command() {
            Some(Command::Rollback) => "y ROLL BACK NOW?".to_owned(),
            Some(Command::Abort) => "y ABORT?".to_owned(),
            None => "y LEAVE?".to_owned(),
            Some(_) => "too small: Esc".to_owned(),
        },
        (None, Some(notice)) => notice.lines.join(" "),
        (None, None) => return false,
    };
    canvas.fill(area, " ", Role::Prompt);
    canvas.put(area.x, area.y, area.width, &text, Role::Prompt);
    true
}

fn texts(canvas: &Canvas<'_>, question: &Question) -> [String; 2] {
    let status = canvas.live().map(|snapshot| &snapshot.status);
    let short = |name: &str| fit(name, 16);
    match question.command() {
        Some(Command::Rollback) => {
            let running = status.and_then(|status| status.last_order.as_ref()).filter(|order| is_on_its_way(order));
            let running =
                running.map_or_else(String::new, |order| format!("  {} is {}", order.id, order.state.title()));
            let key = canvas.view.key_name(Act::Rollback);
            [
                format!(" ROLL BACK NOW?  {}{running}", rollback_goal(status)),
                format!(" y = yes     any other key = no     ({key} does nothing more)"),
            ]
        }
        Some(command) => {
            let goal = status.and_then(|status| Words::new(status, &short).effect(command).into_iter().next());
            let digest = question.expect().unwrap_or_default();
            [
                format!(" ABORT THE ROLLOUT?  {}   state {digest}", goal.unwrap_or_default()),
                " y = yes     any other key = no     (A does nothing more)".into(),
            ]
        }
        None => [
            " LEAVE?  an order is on its way: the backend goes on without this console".into(),
            " y = leave     any other key = stay".into(),
        ],
    }
}

/// Whether a rollback is under way already: a second one changes nothing.
fn is_on_its_way(order: &OrderStatus) -> bool {
    order.command == Move::Rollback && !order.state.is_settled()
}

/// The box of a heavy question, or the notice that it was closed. Returns the place of the cursor.
pub(super) fn question(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    if let Some(prompt) = canvas.view.prompt.as_ref().filter(|prompt| prompt.question.is_heavy()) {
        return forward::forward(canvas, area, prompt);
    }
    let notice = canvas.view.notice.as_ref()?;
    let lines = notice.lines.iter().flat_map(|line| wrap(line, room(area)));
    let lines = lines.map(|line| Line::plain(line, Rank::Keys)).collect();
    boxed(canvas, area, "", lines);
    None
}
