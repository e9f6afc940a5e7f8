//! What a capital would do, told by its lower-case twin: nothing is sent.

use super::canvas::version_name;
use super::rollback::rollback_goal;
use crate::domain::{Side, Split};
use crate::engine::snapshot::Status;
use crate::engine::{Command, Snapshot};
use crate::ui::Keymap;
use crate::ui::actions::Act;
use crate::ui::text::fit;
use crate::ui::view::prompt::candidate;

/// Effect, what blocks it, the very request, the command line's twin, who drives.
pub fn preview(snapshot: Option<&Snapshot>, command: &Command, keymap: &Keymap) -> Vec<String> {
    let Some(snapshot) = snapshot else { return vec!["nothing was read yet".into()] };
    let status = &snapshot.status;
    let mut lines = vec![format!("effect    {}", effect(snapshot, command))];
    lines.extend(blockers(status, command));
    lines.extend(request(snapshot, command));
    lines.push(format!("CLI twin  {}", twin(status, command)));
    let driver = &status.driver;
    let who = match (driver.may_drive, driver.holder.as_deref()) {
        (true, _) => format!("{}, this console", driver.me),
        (false, Some(holder)) if driver.read_only => format!("{holder}; this console was started read-only"),
        (false, Some(holder)) => {
            let (take, back) = (keymap.name(Act::TakeOver), keymap.name(Act::Rollback));
            format!("{holder}; {take} takes over, {back} y works from here too")
        }
        (false, None) => "nobody; this console was started read-only".into(),
    };
    lines.push(format!("driver    {who}"));
    if !driver.read_only {
        lines.extend(answer(status, command, keymap).map(|text| format!("keys      {text}")));
    }
    lines
}

fn effect(snapshot: &Snapshot, command: &Command) -> String {
    let status = &snapshot.status;
    let (side, _) = candidate(snapshot);
    let named = |side: Side| format!("{} {}", side.title(), fit(version_name(snapshot, side), 20));
    let now = |side: Side| status.split.observed.map_or_else(|| "?".into(), |split| split.share(side).to_string());
    let moves = |split: Split| {
        let part = |side: Side| format!("{} {}% > {}%", named(side), now(side), split.share(side));
        format!("{}, {}", part(side), part(side.other()))
    };
    match command {
        Command::Promote => {
            status.step.next.map_or_else(|| "no step is left".into(), |next| moves(Split::toward(side, next)))
        }
        Command::Switch => moves(Split::all(side)),
        Command::Abort => format!("{}; the rollout is given up", moves(Split::all(side.other()))),
        Command::Rollback => rollback_goal(Some(snapshot)),
        Command::Pause => "the plan stays where it is; no traffic moves".into(),
        Command::Resume => "the plan goes on; no traffic moves by this".into(),
        Command::Override { gate, .. } => format!("gate {gate} may pass for {}", named(side)),
        Command::Approve { gate, .. } => format!("gate {gate} is signed for {}", named(side)),
        Command::Finalize => format!("the rollback window ends, {} may be let go", status.rollback.to),
        Command::Auto { .. } => "the plan is walked unattended".into(),
        Command::TakeOver => format!("{} drives", status.driver.me),
        Command::RunGates { .. } | Command::Note { .. } => command.verb().into(),
    }
}

fn blockers(status: &Status, command: &Command) -> Vec<String> {
    let lines: Vec<String> = status.blockers(command).map(|blocked| format!("blocked   {}", blocked.because)).collect();
    match (lines.is_empty(), status.driver.read_only) {
        (false, _) => lines,
        (true, true) => vec!["blocked   this console was started read-only".into()],
        (true, false) => vec!["blocked   no".into()],
    }
}

fn request(snapshot: &Snapshot, command: &Command) -> Vec<String> {
    let moves = matches!(command, Command::Promote | Command::Switch | Command::Abort | Command::Rollback);
    let Some((target, lines)) = snapshot.previews.get(command.verb()).and_then(|lines| lines.split_first()) else {
        let text = if moves { "not known: nothing to send, or the router was not read" } else { "none to the router" };
        return vec![format!("request   {text}")];
    };
    let (first, rest) = lines.split_first().map_or(("", lines), |(first, rest)| (first.as_str(), rest));
    let first = std::iter::once(format!("request   {first}  to {target}"));
    first.chain(rest.iter().map(|line| format!("  {line}"))).collect()
}

/// The same on the command line.
fn twin(status: &Status, command: &Command) -> String {
    let verb = command.verb();
    let expect = &status.digest;
    match command {
        Command::Promote if status.step.next.is_some() => {
            format!("cutover promote --to-step {} --expect {expect} --yes", status.step.index + 1)
        }
        Command::Promote | Command::Switch | Command::Abort | Command::Resume | Command::Finalize => {
            format!("cutover {verb} --expect {expect} --yes")
        }
        Command::Override { gate, .. } => {
            format!("cutover override {gate} --reason \"..\" --expect {expect} --yes")
        }
        Command::Approve { gate, .. } => {
            format!("cutover approve {gate} --reason \"..\" --expect {expect} --yes")
        }
        Command::Rollback => "cutover rollback --yes".into(),
        Command::Pause => "cutover pause".into(),
        Command::Auto { .. } | Command::TakeOver => "none: this is for a console".into(),
        Command::RunGates { .. } | Command::Note { .. } => format!("cutover {verb}"),
    }
}

/// The keys that would do it.
fn answer(status: &Status, command: &Command, keymap: &Keymap) -> Option<String> {
    let typed = *command == Command::Switch || status.wants_typed(command);
    let act = match command {
        Command::Promote => Act::Promote,
        Command::Switch => Act::Switch,
        Command::Abort => Act::Abort,
        Command::Rollback => Act::Rollback,
        _ => return None,
    };
    let key = keymap.name(act);
    Some(if typed { format!("{key} asks, the version typed and Enter send") } else { format!("{key} asks, y sends") })
}
