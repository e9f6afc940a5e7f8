//! How the panes share the room. By the room there is, not by a few fixed sizes.

use ratatui::layout::Rect;

use super::panel::Shape;
use crate::ui::view::View;

/// Where the panes are; one without room is `None`.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub plan: Option<Rect>,
    /// Both panels, and how they use their height.
    pub panels: Option<(Rect, Shape)>,
    /// Two lines in place of the panels.
    pub lines: Option<Rect>,
    pub gates: Option<Rect>,
    /// All gates in one line.
    pub summary: Option<Rect>,
    pub events: Option<Rect>,
    pub log: Option<Rect>,
    pub last: Option<Rect>,
    /// Whether gates and log have frames; otherwise rules.
    pub boxed: bool,
}

/// What more than the least height there is, and what it is given to.
struct Spare(u16);

impl Spare {
    /// Takes `n` lines where `keep` are left to the log after that.
    fn take(&mut self, n: u16, keep: u16) -> u16 {
        if self.0 < n + keep {
            return 0;
        }
        self.0 -= n;
        n
    }
}

/// The panes of `area` on a screen of `screen`, with `gates` gates, and `facts` lines of facts and `metrics` of what its
/// servers export a side.
pub(super) fn layout(screen: Rect, area: Rect, gates: u16, facts: u16, metrics: u16) -> Layout {
    let mut rest = area;
    let boxed = View::shows_events(screen);
    let mut out = Layout { boxed, ..Layout::default() };
    if area.width >= 100 && area.height >= 20 {
        out.plan = Some(take_top(&mut rest, 1));
    }
    if area.width < 56 || area.height < 12 {
        if rest.height >= 2 {
            out.lines = Some(take_top(&mut rest, 2));
        }
        return lower(out, rest, gates, false);
    }
    let least = Shape { rows: 1, metrics: 0, facts: 0 };
    // A box loses two lines to its frame, a rule one.
    let frame = if boxed { 2 } else { 1 };
    let gates_least = gates.clamp(1, 40) + frame;
    let mut spare = Spare(rest.height.saturating_sub(least.height() + gates_least + frame));
    // Each line of this list is worth more than further lines of log, once the log has as many as it says.
    let told = spare.take(2.min(facts), 8);
    let few = spare.take(metrics.min(2), 7);
    let rows = 1 + spare.take(5, 9) / 5;
    if boxed && area.width >= 132 && spare.take(1, 8) == 1 {
        out.last = Some(take_bottom(&mut rest, 1));
    }
    let headed = boxed && spare.take(1, 8) == 1;
    let metrics = if few > 0 { few + spare.take(metrics.saturating_sub(few).min(6), 10) } else { 0 };
    let more = facts.saturating_sub(told).min(4);
    let facts = told + if told > 0 { spare.take(more, 14) } else { 0 };
    let shape = Shape { rows, metrics, facts };
    out.panels = Some((take_top(&mut rest, shape.height()), shape));
    lower(out, rest, gates, headed)
}

/// Gates, events and log below the sides.
fn lower(mut out: Layout, mut rest: Rect, gates: u16, headed: bool) -> Layout {
    if !out.boxed || out.panels.is_none() {
        out.boxed = false;
        if rest.height < 5 {
            out.summary = (rest.height >= 1).then(|| take_top(&mut rest, 1));
            out.log = (rest.height >= 2).then_some(rest);
            return out;
        }
        let lines = rest.height - 2;
        let gates = gates.max(1).min(lines.saturating_sub(4).max(lines.div_ceil(2)));
        out.gates = Some(take_top(&mut rest, gates + 1));
        out.log = Some(rest);
        return out;
    }
    // Never fewer than seven lines for the events beside, never more than half for both.
    let high = (gates + u16::from(headed)).clamp(7, (rest.height / 2).max(7)) + 2;
    let upper = take_top(&mut rest, high);
    let left = Rect { width: (u32::from(upper.width) * 74 / 120) as u16, ..upper };
    out.gates = Some(left);
    out.events = Some(Rect { x: left.right(), width: upper.width - left.width, ..upper });
    out.log = Some(rest);
    out
}

/// Cuts lines off the top.
pub(super) fn take_top(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let top = Rect { height, ..*rest };
    rest.y += height;
    rest.height -= height;
    top
}

/// Cuts lines off the bottom.
pub(super) fn take_bottom(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    rest.height -= height;
    Rect { y: rest.bottom(), height, ..*rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_cover_the_room_and_never_overlap() {
        for width in 1..=260_u16 {
            for height in 1..=90_u16 {
                for gates in [0, 1, 6, 30] {
                    let screen = Rect::new(0, 0, width, height + 5);
                    let area = Rect::new(0, 2, width, height);
                    let l = layout(screen, area, gates, 3, gates / 6);
                    let all =
                        [l.plan, l.panels.map(|(at, _)| at), l.lines, l.gates, l.summary, l.events, l.log, l.last];
                    let cells: u32 = all.iter().flatten().map(|at| at.area()).sum();
                    assert!(all.iter().flatten().all(|at| area.intersection(*at) == *at), "{area}: {l:?}");
                    let idle = if l.log.is_none() { u32::from(width) * 2 } else { 0 };
                    assert!(cells <= area.area() && cells + idle >= area.area(), "{area} gates {gates}: {l:?}");
                }
            }
        }
    }
}
