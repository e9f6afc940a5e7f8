//! What `c` puts on the clipboard: the selected line, the figures of a side, or the whole pane when it is alone.

use super::log::Row;
use super::{Pane, View};
use crate::domain::Side;
use crate::engine::Snapshot;
use crate::engine::snapshot::GateStatus;
use crate::ui::input::Action;
use crate::ui::text::{age, millis, percent, rate};

/// Lines of a pane copied at most: what a clipboard takes over a terminal is bounded.
const LINES_MAX: usize = 500;

impl View {
    pub(super) fn copy(&mut self, now_ms: u64, out: &mut Vec<Action>) {
        let Some(snapshot) = self.shown() else {
            return self.warn("copy: nothing was read yet", now_ms);
        };
        let (what, text) = self.copied(snapshot);
        if text.is_empty() {
            return self.warn(&format!("copy: {what} is empty"), now_ms);
        }
        let lines = text.lines().count();
        let told = if lines == 1 { format!("copied {what}: {text}") } else { format!("copied {what}: {lines} lines") };
        self.say(&told, now_ms);
        out.push(Action::Copy(text));
    }

    /// What it is, and its text.
    fn copied(&self, snapshot: &Snapshot) -> (&'static str, String) {
        let status = &snapshot.status;
        let all = self.zoom;
        match self.focus {
            Pane::Blue => ("blue", side(snapshot, Side::Blue)),
            Pane::Green => ("green", side(snapshot, Side::Green)),
            Pane::Gates if all => ("the gates", joined(status.gates.iter().map(gate))),
            Pane::Gates => {
                let at = self.gate.min(status.gates.len().saturating_sub(1));
                ("gate", status.gates.get(at).map_or_else(String::new, gate))
            }
            Pane::Log => {
                if all {
                    ("the log", joined(self.log.window(LINES_MAX, self.cursor).iter().map(log_line)))
                } else {
                    ("log line", joined(self.log.current(self.cursor).iter().map(log_line)))
                }
            }
            Pane::Events => {
                let event = |e: &crate::engine::snapshot::EventLine| {
                    format!("{} {} {}", e.at.format("%Y-%m-%dT%H:%M:%SZ"), e.by, e.text)
                };
                let skip = if all { 0 } else { snapshot.events.len().saturating_sub(1) };
                let what = if all { "the events" } else { "event" };
                (what, joined(snapshot.events.iter().skip(skip).map(event)))
            }
        }
    }
}

fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.take(LINES_MAX).collect::<Vec<_>>().join("\n")
}

fn log_line(line: &Row<'_>) -> String {
    let at = line.at.format("%Y-%m-%dT%H:%M:%SZ");
    format!("{at} {} {} {}", line.level.title(), line.source, line.text)
}

fn gate(gate: &GateStatus) -> String {
    let when = gate.age_s.map_or_else(|| "not run".into(), |s| format!("{} ago", age(s)));
    format!("{} {} {when} {}", gate.status.title(), gate.name, gate.note)
}

/// A side's figures in one line; what is not known is a dash.
fn side(snapshot: &Snapshot, side: Side) -> String {
    let s = &snapshot.status.sides[side];
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let ms = |value: Option<f64>| dash(value.map(|ms| millis(ms, " ")));
    let version = s.version.as_ref().map_or("unknown version", |version| version.name.as_str());
    let share = dash(snapshot.status.split.observed.map(|split| format!("{}%", split.share(side))));
    format!(
        "{side} {version} share {share} ready {}/{} p50 {} p95 {} p99 {} errors {} rps {} samples {}",
        dash(s.ready.map(|ready| ready.to_string())),
        s.replicas,
        ms(s.latency_ms.p50),
        ms(s.latency_ms.p95),
        ms(s.latency_ms.p99),
        dash(s.error_rate.map(percent)),
        dash(s.rps.map(rate)),
        s.samples,
    )
}
