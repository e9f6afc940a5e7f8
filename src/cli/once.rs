//! `--once`: one plain frame of the screen, and an exit code for the state.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::args::ConsoleArgs;
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::session::with_session;
use super::{Context, appearance, status};
use crate::domain::OrderState;
use crate::engine::snapshot::GateState;
use crate::engine::{Access, Phase, RefusalKind, Snapshot, Status};
use crate::ui::{self, Input, View, text};

/// The default width.
const WIDTH: u16 = 80;
/// The smallest height. A narrow frame has more panes below each other.
const HEIGHT: u16 = 24;
const WIDE_HEIGHT: u16 = 35;
/// From this width on, the screen shows its events beside the gates.
const WIDE: u16 = 100;
/// The largest width and height.
const MOST: u16 = 500;
/// The number of gates that fit into the smallest height.
const GATES: usize = 4;

/// Prints the frame.
pub(crate) async fn run(args: &ConsoleArgs, context: &mut Context) -> Result<Exit, Failure> {
    let looks = load(context)?.ui;
    let mut view = appearance::plain_view(args.theme.as_deref(), &looks, context)?;
    let columns = std::env::var("COLUMNS").ok();
    let width = width(args.width, columns.as_deref());
    let height = args.height;
    with_session(context, Access::Look, async |session, context| {
        let snapshot = status::whole(session).await?;
        if context.out.is_json() {
            context.out.json(&snapshot.status);
        } else {
            let height = height.unwrap_or_else(|| self::height(width, snapshot.status.gates.len()));
            let text = frame(&mut view, &snapshot, width, height);
            context.out.text(&text);
        }
        Ok(exit_of(&snapshot.status))
    })
    .await
}

/// `--width`, or else `COLUMNS` if it is a sensible number, or else 80.
fn width(typed: Option<u16>, columns: Option<&str>) -> u16 {
    let columns = columns.and_then(|columns| columns.trim().parse().ok()).filter(|columns| *columns > 0);
    typed.or(columns).unwrap_or(WIDTH).min(MOST)
}

/// `COLUMNS` where it is a sensible number, then 80.
pub(super) fn columns() -> u16 {
    width(None, std::env::var("COLUMNS").ok().as_deref())
}

/// High enough for the whole content.
fn height(width: u16, gates: usize) -> u16 {
    let least = if width < WIDE { HEIGHT } else { WIDE_HEIGHT };
    least + u16::try_from(gates.saturating_sub(GATES)).unwrap_or(0).min(MOST - WIDE_HEIGHT)
}

/// The screen as lines, without trailing blanks.
pub(super) fn frame(view: &mut View, snapshot: &Snapshot, width: u16, height: u16) -> String {
    let (width, height) = (width.clamp(1, MOST), height.clamp(1, MOST));
    view.update(Input::Resize(width, height), 0);
    view.update(Input::Snapshot(std::sync::Arc::new(snapshot.clone())), 0);
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    ui::draw(view, &mut buffer, 0);
    let mut lines = String::new();
    for row in buffer.content.chunks(usize::from(width)) {
        let mut line = String::new();
        let mut cells = row.iter();
        while let Some(cell) = cells.next() {
            line.push_str(cell.symbol());
            // The cells after the first of a wide character are empty.
            for _ in 1..text::width(cell.symbol()) {
                cells.next();
            }
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// The exit code for a status, the most important first; [`ONCE`](super::exit::ONCE) says what each means.
pub(crate) fn exit_of(status: &Status) -> Exit {
    let gate_failed = status.gates.iter().any(|gate| gate.required && gate.status == GateState::Failed);
    let order = status.last_order.as_ref();
    match status.phase {
        _ if status.split.observed.is_none() || status.stale => Exit::Unreachable,
        _ if status.blocked.iter().any(|blocked| blocked.kind == RefusalKind::Journal) => Exit::Error,
        _ if order.is_some_and(|order| order.state == OrderState::Unknown || order.late) => Exit::TimedOut,
        Phase::RolledBack => Exit::RolledBack,
        Phase::Aborted => Exit::RolloutFailed,
        Phase::Paused => Exit::Paused,
        _ if gate_failed || status.split.drift || !status.faults.is_empty() => Exit::Blocked,
        Phase::Unknown => Exit::Unreachable,
        _ => Exit::Reached,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::{Script, order, status, wordless};
    use crate::engine::Command;
    use crate::engine::snapshot::{Blocked, Fault, FaultKind};

    fn well() -> Status {
        let mut status = status();
        status.blocked.clear();
        status.faults.clear();
        status.gates.iter_mut().for_each(|gate| gate.status = GateState::Passed);
        status
    }

    #[test]
    fn t41_t49_each_state_has_its_code() {
        type Change = fn(&mut Status);
        let table: [(&str, Change, Exit); 14] = [
            ("all is well", |_| {}, Exit::Reached),
            ("switched", |s| s.phase = Phase::Switched, Exit::Reached),
            ("a gate waits", |s| s.gates[0].status = GateState::Pending, Exit::Reached),
            ("a gate failed", |s| s.gates[0].status = GateState::Failed, Exit::Blocked),
            ("drift", |s| (s.phase, s.split.drift) = (Phase::Unknown, true), Exit::Blocked),
            (
                "a fault",
                |s| s.faults.push(Fault::new(FaultKind::Version, "green: the replicas disagree")),
                Exit::Blocked,
            ),
            ("aborted", |s| s.phase = Phase::Aborted, Exit::RolloutFailed),
            ("rolled back", |s| s.phase = Phase::RolledBack, Exit::RolledBack),
            ("paused", |s| s.phase = Phase::Paused, Exit::Paused),
            ("never read", |s| s.split.observed = None, Exit::Unreachable),
            ("old", |s| s.stale = true, Exit::Unreachable),
            ("nobody knows", |s| s.phase = Phase::Unknown, Exit::Unreachable),
            ("an order is lost", |s| s.last_order = Some(order("7f3e", OrderState::Unknown)), Exit::TimedOut),
            (
                "no journal",
                |s| {
                    let because = "journal: full".into();
                    s.blocked.push(Blocked {
                        command: Command::Promote,
                        because,
                        kind: RefusalKind::Journal,
                        gate: None,
                    });
                },
                Exit::Error,
            ),
        ];
        for (what, change, code) in table {
            let mut status = well();
            change(&mut status);
            assert_eq!(exit_of(&status), code, "{what}");
            assert_eq!(exit_of(&wordless(&status)), code, "{what}, in other words");
            assert!(crate::cli::exit::ONCE.iter().any(|(told, _)| *told == code), "{what} is not told");
        }
    }

    #[test]
    fn t41_width_is_what_was_typed_then_columns_then_80() {
        for (typed, columns, width) in [
            (Some(100), Some("60"), 100),
            (None, Some("60"), 60),
            (None, Some(" 60\n"), 60),
            (None, Some("garbage"), 80),
            (None, Some("-1"), 80),
            (None, Some("0"), 80),
            (None, Some("99999999"), 80),
            (None, Some("9999"), 500),
            (None, None, 80),
        ] {
            assert_eq!(super::width(typed, columns), width, "{typed:?} {columns:?}");
        }
    }

    #[test]
    fn t41_a_frame_fits_is_plain_and_ascii_where_that_is_wanted() {
        let snapshot = Script::new(status()).snapshot();
        for (width, height) in [(80, 24), (120, 35), (200, 50), (40, 10), (1, 1)] {
            for glyphs in [ui::Glyphs::Ascii, ui::Glyphs::Unicode] {
                let options = ui::Options {
                    theme: ui::Theme::load("dark").unwrap().for_depth(ui::Depth::None),
                    glyphs,
                    me: crate::domain::Actor { name: "op1".into(), via: "cli".into() },
                    scenarios: Vec::new(),
                };
                let text = frame(&mut View::new(options), &snapshot, width, height);
                assert_eq!(text.lines().count(), usize::from(height));
                assert!(text.lines().all(|line| text::width(line) <= usize::from(width) && !line.ends_with(' ')));
                assert!(!text.contains('\u{1b}'));
                assert!(glyphs == ui::Glyphs::Unicode || text.is_ascii(), "{text}");
                assert!(width < 80 || text.contains("ROLLBACK"), "{text}");
            }
        }
    }
}
