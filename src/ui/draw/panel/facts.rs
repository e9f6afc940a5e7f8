//! What is known of a side besides its figures: what is under way, its version, each replica, what is wrong.

use ratatui::layout::Rect;

use crate::domain::Side;
use crate::engine::Snapshot;
use crate::engine::detail::ReplicaStatus;
use crate::ui::draw::canvas::Canvas;
use crate::ui::text::{count, fit, millis, width};
use crate::ui::theme::Role;

/// As many lines as `area` has: the side's own first, then what is wrong with it, then its replicas.
pub(super) fn facts(canvas: &mut Canvas<'_>, area: Rect, snapshot: &Snapshot, side: Side, (faults, rows): (bool, u16)) {
    if area.height == 0 || area.width < 8 {
        return;
    }
    if canvas.view.cursor.is_some() {
        let text = "in flight, replicas: known of now alone (Esc)";
        canvas.put(area.x, area.y, area.width, text, Role::Dim);
        return;
    }
    canvas.put(area.x, area.y, area.width, &own(snapshot, side, usize::from(area.width)), Role::Dim);
    let mut y = area.y + 1;
    let rest = super::rows::rest(snapshot, side, rows, usize::from(area.width));
    if !rest.is_empty() && y < area.bottom() {
        canvas.put(area.x, y, area.width, &rest, Role::Dim);
        y += 1;
    }
    if faults {
        for fault in snapshot.status.sides[side].faults.iter().take(usize::from(area.height / 2)) {
            let text: [(&str, Role); 2] = [("FAULT ", Role::Fail), (fault, Role::Warn)];
            canvas.parts(area.x, y, area.width, &text);
            y += 1;
        }
    }
    let left = Rect { y, height: area.bottom().saturating_sub(y), ..area };
    replicas(canvas, left, &snapshot.detail.replicas[side]);
}

/// One line: as many of the facts as fit, whole ones, the most telling first.
fn own(snapshot: &Snapshot, side: Side, space: usize) -> String {
    let status = &snapshot.status.sides[side];
    let flying = status.in_flight.map_or_else(|| "-".into(), count);
    let probes = status.probe_ms.p99.map_or_else(|| "-".into(), |ms| millis(ms, " "));
    let digest = status.version.as_ref().map(|version| version.digest.as_str());
    let digest = digest.map_or("unknown", |digest| digest.get(..12).unwrap_or(digest));
    // Numbers have room to grow, so that what follows stays where it is.
    let facts = [
        format!("in flight {flying:<4}"),
        format!("probes p99 {probes:<7}"),
        format!("samples {:<7}", count(status.samples)),
        format!("digest {digest}"),
    ];
    let mut line = String::new();
    for fact in facts {
        let gap = if line.is_empty() { "" } else { "  " };
        if width(&line) + gap.len() + width(fact.trim_end()) > space {
            break;
        }
        line.push_str(gap);
        line.push_str(&fact);
    }
    line
}

/// The columns of the replicas' table.
struct Grid {
    longest: usize,
    column: usize,
    across: usize,
}

impl Grid {
    fn of(replicas: &[ReplicaStatus], space: u16) -> Self {
        let longest = replicas.iter().map(|replica| width(name(replica))).max().unwrap_or(0).min(32);
        // A name, a word of four columns and a latency of six.
        let column = longest + 13;
        Self { longest, column, across: ((usize::from(space) + 2) / (column + 2)).max(1) }
    }
}

/// The lines that all of a side's facts take in a panel `inner` wide.
pub(super) fn wanted(snapshot: &Snapshot, side: Side, inner: u16) -> u16 {
    let replicas = &snapshot.detail.replicas[side];
    let across = Grid::of(replicas, inner.saturating_sub(2)).across;
    let rest = u16::from(!super::rows::rest(snapshot, side, 0, 40).is_empty());
    1 + rest + replicas.len().div_ceil(across).min(200) as u16
}

/// Host and port: what is the same for all replicas need not be read.
fn name(replica: &ReplicaStatus) -> &str {
    replica.url.split_once("://").map_or(&*replica.url, |(_, rest)| rest)
}

/// Replicas in columns; those that do not answer come first. Where there is no room for all, they are summed up.
fn replicas(canvas: &mut Canvas<'_>, area: Rect, replicas: &[ReplicaStatus]) {
    if area.height == 0 || replicas.is_empty() {
        return;
    }
    let grid = Grid::of(replicas, area.width);
    let mut order: Vec<&ReplicaStatus> = replicas.iter().collect();
    order.sort_by_key(|replica| replica.ready != Some(false));
    let mut area = area;
    if order.len() > grid.across * usize::from(area.height) {
        sum(canvas, area, &order);
        area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    }
    let shown = grid.across * usize::from(area.height);
    for (n, replica) in order.iter().take(shown).enumerate() {
        let x = area.x + ((n % grid.across) * (grid.column + 2)) as u16;
        let at = Rect { x, y: area.y + (n / grid.across) as u16, width: area.right().saturating_sub(x), height: 1 };
        one(canvas, at, replica, &grid);
    }
}

fn one(canvas: &mut Canvas<'_>, at: Rect, replica: &ReplicaStatus, grid: &Grid) {
    let (word, role) = match replica.ready {
        Some(true) => ("ok  ", Role::Dim),
        Some(false) => ("DOWN", Role::Fail),
        None => ("?   ", Role::Dim),
    };
    let short = fit(name(replica), grid.longest);
    let pad = " ".repeat(grid.longest.saturating_sub(width(&short)) + 1);
    let up = replica.latency_ms.filter(|_| replica.ready == Some(true));
    let ms = format!(" {:>7}", up.map_or_else(String::new, |ms| millis(ms, "")));
    let space = at.width.min(grid.column as u16);
    canvas.parts(at.x, at.y, space, &[(&short, Role::Dim), (&pad, Role::Text), (word, role), (&ms, Role::Dim)]);
    // Alone in its line it can say why.
    if let Some(fault) = replica.fault.as_deref().filter(|_| grid.across == 1) {
        let after = (grid.longest + 6) as u16;
        canvas.put(at.x + after, at.y, at.width.saturating_sub(after), fault, Role::Warn);
    }
}

/// `replicas 6/6 answer in 3.1ms to 3.6ms`, or which do not.
fn sum(canvas: &mut Canvas<'_>, area: Rect, order: &[&ReplicaStatus]) {
    let up = order.iter().filter(|replica| replica.ready == Some(true));
    let times = up.clone().filter_map(|replica| replica.latency_ms);
    let (low, high) = times.fold((f64::MAX, 0.0), |(low, high), ms| (f64::min(low, ms), f64::max(high, ms)));
    let head = format!("replicas {}/{}", up.count(), order.len());
    let down: Vec<&str> = order.iter().filter(|replica| replica.ready == Some(false)).map(|r| name(r)).collect();
    let (text, role) = match down.as_slice() {
        [] if high > 0.0 => (format!("{head} answer in {} to {}", millis(low, ""), millis(high, "")), Role::Dim),
        [] => (head, Role::Dim),
        down => (format!("{head}  DOWN {}", down.join(", ")), Role::Fail),
    };
    canvas.put(area.x, area.y, area.width, &text, role);
}
