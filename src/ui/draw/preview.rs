//! What a capital would do, told by its lower-case twin: nothing is sent.

use super::canvas::version_name;
use super::rollback::rollback_goal;
use crate::engine::{Command, Snapshot};
use crate::ui::view::prompt::candidate;

/// Effect, what blocks it, the command line's twin.
pub fn preview(snapshot: Option<&Snapshot>, command: &Command) -> Vec<String> {
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
