//! What can be opened to be read: help, what blocks, what a command would do, why a gate stands as it does.

use ratatui::layout::Rect;

use super::bottom::rollback_goal;
use super::canvas::{Canvas, version_name};
use super::gates::in_unit;
use super::journal::wrap;
use crate::engine::{Command, Snapshot};
use crate::ui::actions::{Danger, Row, table};
use crate::ui::text::{age, contains, width};
use crate::ui::theme::Role;
use crate::ui::view::Overlay;
use crate::ui::view::command::WORDS;
use crate::ui::view::prompt::candidate;

/// Draws what lies over the panes.
pub fn overlay(canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
    let (title, scroll, lines) = match canvas.view.overlay.as_ref()? {
        Overlay::Help { scroll, search, typing } => {
            let title = match (search.is_empty(), typing) {
                (true, false) => "HELP   / search   Esc close".to_owned(),
                (_, true) => format!("HELP   search: {search}_"),
                (false, false) => format!("HELP   only {search:?}"),
            };
            (title, *scroll, help(search))
        }
        Overlay::Explain { scroll } => ("WHAT BLOCKS   Esc close".to_owned(), *scroll, explain(canvas.live())),
        Overlay::Preview(command) => {
            (format!("PREVIEW {}   nothing is sent   Esc close", command.verb()), 0, preview(canvas.live(), command))
        }
        Overlay::Record { title, lines, scroll } => {
            let wide = usize::from(area.width).saturating_sub(4).max(1);
            let lines = lines.iter().flat_map(|line| wrap(line, wide)).collect();
            (format!("{title}   c copy   Esc close"), *scroll, lines)
        }
        Overlay::Gate { name, scroll } => (format!("GATE {name}   Esc close"), *scroll, gate(canvas.live(), name)),
    };
    let longest = lines.iter().map(|line| width(line) + 4).max().unwrap_or(0).max(width(&title) + 6).max(60);
    let wide = (longest as u16).min(area.width);
    let high = (lines.len() as u16 + 2).min(area.height);
    if wide < 6 || high < 3 {
        return None;
    }
    let at =
        Rect { x: area.x + (area.width - wide) / 2, y: area.y + (area.height - high) / 2, width: wide, height: high };
    canvas.clear(at);
    let rows = usize::from(high - 2);
    let scroll = scroll.min(lines.len().saturating_sub(rows));
    let more =
        if lines.len() > rows { format!("{}-{} of {}", scroll + 1, scroll + rows, lines.len()) } else { String::new() };
    let inner = canvas.frame(at, &[(&title, Role::Title)], &more, ["", ""]);
    for (row, line) in lines.iter().skip(scroll).take(rows).enumerate() {
        canvas.put(inner.x + 1, inner.y + row as u16, inner.width.saturating_sub(2), line, Role::Text);
    }
    None
}

fn help(search: &str) -> Vec<String> {
    // What acts comes first: that is what is looked up in a hurry.
    let (acts, looks): (Vec<&Row>, Vec<&Row>) = table().iter().partition(|row| row.danger != Danger::Looks);
    let keys = acts.into_iter().chain(looks).map(|row| format!("{:<16} {}", row.keys.join(" "), row.help));
    let words = WORDS.iter().map(|(word, rest)| format!(":{word} {rest}"));
    keys.chain(words).filter(|line| contains(line, search)).collect()
}

fn explain(snapshot: Option<&Snapshot>) -> Vec<String> {
    let Some(snapshot) = snapshot else { return vec!["nothing was read yet".into()] };
    let status = &snapshot.status;
    let mut lines: Vec<String> = status.faults.iter().map(|fault| format!("FAULT     {fault}")).collect();
    for (side, s) in status.sides.iter() {
        lines.extend(s.faults.iter().map(|fault| format!("{:<9} {fault}", side.title())));
    }
    lines.extend(status.blocked.iter().map(|blocked| format!("{:<9} {}", blocked.command, blocked.because)));
    if lines.is_empty() {
        lines.push("nothing blocks, no faults".into());
    }
    lines
}

fn preview(snapshot: Option<&Snapshot>, command: &Command) -> Vec<String> {
    let Some(snapshot) = snapshot else { return vec!["nothing was read yet".into()] };
    let status = &snapshot.status;
    let (side, _) = candidate(snapshot);
    let now = status.split.observed.map_or_else(|| "?".into(), |split| split.share(side).to_string());
    let target = format!("{} {}", side.title(), version_name(snapshot, side));
    let effect = match command {
        Command::Promote => {
            status.step.next.map_or_else(|| "no step is left".into(), |next| format!("{target} {now}% > {next}%"))
        }
        Command::Switch => format!("{target} {now}% > 100%"),
        Command::Abort => format!("{target} {now}% > 0%, the rollout is given up"),
        Command::Rollback => rollback_goal(Some(snapshot)),
        other => other.verb().to_owned(),
    };
    let verb = command.verb();
    let mut lines = vec![format!("effect    {effect}")];
    let blocked = status.blocked.iter().filter(|blocked| blocked.command == verb);
    lines.extend(blocked.map(|blocked| format!("blocked   {}", blocked.because)));
    if lines.len() == 1 {
        lines.push("blocked   no".into());
    }
    let expect = match command {
        Command::Promote | Command::Switch => format!(" --expect {}", status.digest),
        _ => String::new(),
    };
    lines.push(format!("CLI twin  cutover {verb} --yes{expect}"));
    let driver = &status.driver;
    if !driver.may_drive {
        lines.push(format!("driver    {}", driver.holder.as_deref().unwrap_or("nobody; this console may only look")));
    }
    if *command == Command::Rollback {
        lines.push("R asks, y sends".into());
    }
    lines
}

fn gate(snapshot: Option<&Snapshot>, name: &str) -> Vec<String> {
    let found = snapshot.and_then(|s| s.status.gates.iter().find(|gate| gate.name == name));
    let Some(gate) = found else { return vec!["this gate is gone".into()] };
    let value = gate.value.map_or_else(|| "-".into(), |value| in_unit(value, &gate.unit, false));
    let limit = gate.limit.map_or_else(|| "-".into(), |limit| in_unit(limit, &gate.unit, true));
    let bound = if gate.at_least { "at least" } else { "at most" };
    let version = gate.version_digest.as_deref().map_or("-", |digest| digest.get(..12).unwrap_or(digest));
    let when = gate.age_s.map_or_else(|| "not run".into(), |s| format!("{} ago", age(s)));
    let required = if gate.required { "required" } else { "optional" };
    let mut lines = vec![
        format!("{}   {}   {required}   {when}", gate.status.title(), gate.kind),
        format!("value {value}   limit {bound} {limit}   samples {}", gate.samples),
        format!("seen on version digest {version}"),
        format!("note {}", gate.note),
    ];
    lines.extend(gate.details.iter().map(|detail| format!("- {detail}")));
    lines
}
