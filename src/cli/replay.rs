//! `replay FILE`: a recording on the screen, or one moment of it as text or JSON.

use std::io::IsTerminal;
use std::time::Duration;

use chrono::{DateTime, NaiveTime, Utc};
use serde_json::json;

use super::args::{ConsoleArgs, ReplayArgs};
use super::exit::Exit;
use super::failure::Failure;
use super::operator::me;
use super::{Context, appearance, console, keymap, once, span};
use crate::config::UiSpec;
use crate::domain::Stamp;
use crate::engine::Access;
use crate::record::{Player, Recording, read};
use crate::runtime::console::full_screen::{Setup, replay};
use crate::runtime::replay::Replay;
use crate::ui::Input;

/// The default size of a frame.
const SIZE: (u16, u16) = (80, 24);

/// Shows the recording.
pub(crate) async fn run(args: &ReplayArgs, context: &mut Context) -> Result<Exit, Failure> {
    let recording = read(&args.file).map_err(|error| Failure::error(error.to_string()))?;
    if args.check {
        return Ok(check(&recording, context));
    }
    let mut player =
        Player::new(recording).ok_or_else(|| Failure::error("the recording does not begin with a state"))?;
    let (first, last) = player.span();
    let is_once = args.once || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal();
    let at = match &args.at {
        Some(text) => moment(text, first, last).map_err(Failure::usage)?,
        None if is_once => last.mono_ms,
        None => first.mono_ms,
    };
    let lines = player.seek(at);
    if is_once {
        return print(args, player, Input::Lines { lines, dropped: 0 }, context);
    }
    let (theme, capability) = appearance::of_terminal(args.theme.as_deref(), &UiSpec::default(), context)?;
    let setup = Setup {
        me: me("replay"),
        access: Access::ReadOnly,
        capability,
        theme,
        keymap: keymap::load(context)?,
        scenarios: None,
        story: tokio::sync::mpsc::channel(1).1,
        logs: Vec::new(),
        options: console::options(&ConsoleArgs::default()),
    };
    let code = replay(Replay::new(player, args.speed, lines), setup).await.map_err(Failure::error)?;
    Ok(Exit::of_code(code))
}

/// Prints one moment as a frame of text or as the status document.
fn print(args: &ReplayArgs, mut player: Player, lines: Input, context: &mut Context) -> Result<Exit, Failure> {
    let snapshot = player.snapshot();
    if context.out.is_json() {
        context.out.json(&snapshot.status);
        return Ok(Exit::Reached);
    }
    let mut view = appearance::plain_view(args.theme.as_deref(), &UiSpec::default(), context)?;
    let is_over = player.next_at().is_none();
    view.update(Input::Replay(crate::ui::Replay { speed: 1.0, is_paused: true, is_over }), 0);
    view.update(lines, 0);
    let (width, height) = args.size.unwrap_or(SIZE);
    context.out.text(&once::frame(&mut view, &snapshot, width, height));
    Ok(Exit::Reached)
}

/// Prints what is in the file.
fn check(recording: &Recording, context: &mut Context) -> Exit {
    let wall = |entry: Option<&crate::record::Entry>| entry.map(|entry| entry.at().wall);
    let (from, to) = (wall(recording.entries.first()), wall(recording.entries.last()));
    let (count, torn, lost) = (recording.entries.len(), recording.torn, recording.lost);
    if context.out.is_json() {
        context.out.json(&json!({ "entries": count, "from": from, "to": to, "torn": torn, "lost": lost }));
    } else {
        let shown =
            |at: Option<DateTime<Utc>>| at.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%SZ").to_string());
        context.out.line(&format!("{count} entries from {} to {}; {torn} torn, {lost} lost", shown(from), shown(to)));
    }
    Exit::Reached
}

/// The recorded time that `text` names, on the clock of the recording, in milliseconds.
fn moment(text: &str, first: Stamp, last: Stamp) -> Result<i64, String> {
    let at_wall = |wall: DateTime<Utc>| first.mono_ms + (wall - first.wall).num_milliseconds();
    let ms = |span: Duration| span.as_millis() as i64;
    if let Ok(wall) = text.parse::<DateTime<Utc>>() {
        return Ok(at_wall(wall));
    }
    if let Ok(clock) = text.trim_end_matches('Z').parse::<NaiveTime>() {
        let today = first.wall.date_naive().and_time(clock).and_utc();
        let is_tomorrow = today < first.wall && last.wall.date_naive() > first.wall.date_naive();
        return Ok(at_wall(if is_tomorrow { today + chrono::TimeDelta::days(1) } else { today }));
    }
    let wrong = |_| format!("`{text}` is no moment: write 10:15:00, 2026-11-30T10:15:00Z, 90s, or -10s before the end");
    match text.strip_prefix('-') {
        Some(back) => Ok(last.mono_ms - ms(span::parse(back).map_err(wrong)?)),
        None => Ok(first.mono_ms + ms(span::parse(text.trim_start_matches('+')).map_err(wrong)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_an_offset_from_either_end() {
        let first = Stamp { wall: "2026-11-30T23:59:00Z".parse().unwrap(), mono_ms: 500 };
        let last = first.plus_ms(120_000);
        for (text, ms) in [
            ("0", 500),
            ("90s", 90_500),
            ("+1m", 60_500),
            ("-10s", 110_500),
            ("23:59:30", 30_500),
            ("00:00:30Z", 90_500),
            ("2026-11-30T23:59:01.5Z", 2_000),
        ] {
            assert_eq!(moment(text, first, last), Ok(ms), "{text}");
        }
        assert!(moment("noon", first, last).is_err());
    }
}
