//! What a command would do, shown by the lower-case twin of its key: nothing is sent.

use crate::dialogue::{Words, cli_twin};
use crate::engine::snapshot::Status;
use crate::engine::{Command, Snapshot};
use crate::ui::Keymap;
use crate::ui::actions::{Act, table};
use crate::ui::text::fit;

/// Effect, what blocks it, the very request, the command line's twin, who drives.
pub(super) fn preview(snapshot: Option<&Snapshot>, command: &Command, keymap: &Keymap) -> Vec<String> {
    let Some(snapshot) = snapshot else { return vec!["nothing was read yet".into()] };
    let status = &snapshot.status;
    let short = |name: &str| fit(name, 20);
    let mut lines = vec![format!("effect    {}", Words::new(status, &short).effect(command).join("; "))];
    lines.extend(blockers(status, command));
    lines.extend(request(snapshot, command));
    let twin = cli_twin(command, status).unwrap_or_else(|| "none: this is for a console".into());
    lines.push(format!("CLI twin  {twin}"));
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

fn blockers(status: &Status, command: &Command) -> Vec<String> {
    let lines: Vec<String> = status.blockers(command).map(|blocked| format!("blocked   {}", blocked.because)).collect();
    match (lines.is_empty(), status.driver.read_only) {
        (false, _) => lines,
        (true, true) => vec!["blocked   this console was started read-only".into()],
        (true, false) => vec!["blocked   no".into()],
    }
}

fn request(snapshot: &Snapshot, command: &Command) -> Vec<String> {
    let Some((target, lines)) = snapshot.previews.get(command.verb()).and_then(|lines| lines.split_first()) else {
        let text = if command.moves_traffic() {
            "not known: nothing to send, or the router was not read"
        } else {
            "none to the router"
        };
        return vec![format!("request   {text}")];
    };
    let (first, rest) = lines.split_first().map_or(("", lines), |(first, rest)| (first.as_str(), rest));
    let first = std::iter::once(format!("request   {first}  to {target}"));
    first.chain(rest.iter().map(|line| format!("  {line}"))).collect()
}

/// The keys that would do it.
fn answer(status: &Status, command: &Command, keymap: &Keymap) -> Option<String> {
    let typed = *command == Command::Switch || status.wants_typed(command);
    let opener = table().iter().find(|row| row.act.command().as_ref() == Some(command) && command.moves_traffic())?;
    let key = keymap.name(opener.act);
    Some(if typed { format!("{key} asks, the version typed and Enter send") } else { format!("{key} asks, y sends") })
}
