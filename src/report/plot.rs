//! One plot as SVG: axes with units, lines with gaps, limits, numbered marks. Styled by the page's CSS.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::escape::html as escape;
use super::words;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 232.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 104.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 30.0;
/// Labels closer than this would touch.
const LABEL: f64 = 15.0;

/// What the y axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Percent,
    Ms,
    Rate,
    PerSecond,
}

impl Unit {
    fn tick(self, value: f64) -> String {
        let plain = |value: f64| {
            let text = format!("{value:.2}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        match self {
            Self::Percent => format!("{} %", plain(value)),
            Self::Ms if value >= 1_000.0 => format!("{} s", plain(value / 1_000.0)),
            Self::Ms => format!("{} ms", plain(value)),
            Self::Rate => format!("{} %", plain(value * 100.0)),
            Self::PerSecond => format!("{}/s", plain(value)),
        }
    }
}

/// A line; pieces are apart where nothing was measured.
#[derive(Debug)]
pub(super) struct Line {
    /// Its CSS classes.
    pub(super) class: &'static str,
    /// Stands at its end.
    pub(super) label: String,
    /// Moment and value.
    pub(super) pieces: Vec<Vec<(DateTime<Utc>, f64)>>,
    /// Goes level to the next moment, then up or down; with its area filled.
    pub(super) is_steps: bool,
}

/// Something that happened, as a line from top to bottom with its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) at: DateTime<Utc>,
    pub(super) number: u32,
    pub(super) warn: bool,
}

/// A limit and what is written at it.
pub(super) type Limit = (f64, String);

/// A plot.
#[derive(Debug)]
pub(super) struct Plot<'a> {
    /// Makes its ids differ from those of any other in the page.
    pub(super) id: String,
    pub(super) title: &'a str,
    pub(super) unit: Unit,
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    /// The y axis goes at least this far.
    pub(super) at_least: f64,
    pub(super) lines: Vec<Line>,
    pub(super) limits: Vec<Limit>,
    pub(super) marks: &'a [Mark],
}

/// Where things are in one plot.
struct Frame {
    from: DateTime<Utc>,
    span_s: f64,
    top: f64,
    /// The value at the bottom of a logarithmic axis; `None` for one that counts from zero.
    bottom: Option<f64>,
}

impl Frame {
    fn x(&self, at: DateTime<Utc>) -> f64 {
        let part = (at - self.from).num_milliseconds() as f64 / 1000.0 / self.span_s;
        LEFT + part.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let part = match self.bottom {
            None => value / self.top,
            Some(bottom) => (value.max(bottom) / bottom).ln() / (self.top / bottom).ln(),
        };
        let part = part.clamp(0.0, 1.0);
        HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)
    }
}

impl Plot<'_> {
    /// The largest value that is drawn; `None` without values.
    fn largest(&self) -> Option<f64> {
        let values = self.lines.iter().flat_map(|line| line.pieces.iter().flatten()).map(|(_, value)| *value);
        values.filter(|value| value.is_finite()).reduce(f64::max)
    }

    /// Where a logarithmic axis begins; on a linear axis latencies of different size could not be distinguished.
    pub(super) fn bottom(&self) -> Option<f64> {
        let values = self.lines.iter().flat_map(|line| line.pieces.iter().flatten()).map(|(_, value)| *value);
        let mut values: Vec<f64> = values.filter(|value| value.is_finite() && *value > 0.0).collect();
        values.sort_by(f64::total_cmp);
        let (lowest, middle, highest) = (values.first()?, values.get(values.len() / 2)?, values.last()?);
        let is_wide = self.unit == Unit::Ms && *highest > 20.0 * middle;
        is_wide.then(|| 10f64.powf(lowest.max(0.1).log10().floor()))
    }

    /// Limits that can be drawn without pressing everything else to the ground, and those that cannot.
    fn limits(&self, largest: f64) -> (Vec<&Limit>, Vec<&Limit>) {
        let room = largest.max(self.at_least) * if self.bottom().is_some() { 30.0 } else { 3.0 };
        self.limits.iter().filter(|(limit, _)| limit.is_finite()).partition(|(limit, _)| *limit <= room)
    }

    /// The plot with its title and description; figures that are not there are said to be not there.
    pub(super) fn svg(&self) -> String {
        let largest = self.largest();
        let (drawn, above) = self.limits(largest.unwrap_or(0.0));
        let limit = drawn.iter().map(|(limit, _)| *limit).fold(0.0, f64::max);
        let highest = largest.unwrap_or(0.0).max(limit * 1.08).max(self.at_least);
        let bottom = self.bottom();
        let (ticks, top) = if let Some(bottom) = bottom { decades(bottom, highest) } else { ticks(highest) };
        let span_s = words::seconds(self.from, self.to).max(1.0);
        let frame = Frame { from: self.from, span_s, top, bottom };
        let mut out = String::new();
        let (id, title) = (&self.id, escape(self.title));
        let _ = write!(
            out,
            "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{}</desc>",
            escape(&self.description(largest))
        );
        self.y_axis(&frame, &ticks, &mut out);
        self.x_axis(&frame, &mut out);
        self.draw_marks(&frame, &mut out);
        Self::draw_limits(&frame, &drawn, &mut out);
        for line in &self.lines {
            draw(line, &frame, &mut out);
        }
        self.labels(&frame, &mut out);
        if largest.is_none() {
            let middle = ((LEFT + WIDTH - RIGHT) / 2.0, (TOP + HEIGHT - BOTTOM) / 2.0);
            text(&mut out, "none", middle, "middle", "no figures were kept");
        }
        for (n, (_, label)) in above.iter().enumerate() {
            let at = (WIDTH - RIGHT - 6.0, TOP + 12.0 + n as f64 * LABEL);
            text(&mut out, "limit-label", at, "end", &format!("{label}: above this plot"));
        }
        out.push_str("</svg>");
        out
    }

    fn description(&self, largest: Option<f64>) -> String {
        let largest = largest.map_or_else(|| "no figures".into(), |value| format!("at most {}", self.unit.tick(value)));
        format!("from {} to {}; {largest}", words::moment(self.from), words::moment(self.to))
    }

    fn y_axis(&self, frame: &Frame, ticks: &[f64], out: &mut String) {
        for (n, value) in ticks.iter().copied().enumerate() {
            let y = frame.y(value);
            line(out, if n == 0 { "axis" } else { "grid" }, (LEFT, y), (WIDTH - RIGHT, y));
            text(out, "tick", (LEFT - 8.0, y + 4.0), "end", &self.unit.tick(value));
        }
    }

    fn x_axis(&self, frame: &Frame, out: &mut String) {
        let every = time_step(frame.span_s);
        let format = if every % 60 == 0 { "%H:%M" } else { "%H:%M:%S" };
        let first = self.from.timestamp().div_euclid(every) * every + every;
        let ticks = (0..12).map(|n| first + n * every).take_while(|at| *at <= self.to.timestamp());
        for at in ticks.filter_map(|at| DateTime::from_timestamp(at, 0)) {
            let (x, y) = (frame.x(at), HEIGHT - BOTTOM);
            line(out, "axis", (x, y), (x, y + 4.0));
            text(out, "tick", (x, y + 19.0), "middle", &at.format(format).to_string());
        }
        text(out, "tick", (WIDTH - RIGHT + 36.0, HEIGHT - BOTTOM + 19.0), "start", "UTC");
    }

    fn draw_marks(&self, frame: &Frame, out: &mut String) {
        let mut last = f64::MIN;
        let end = frame.from + TimeDelta::milliseconds((frame.span_s * 1000.0) as i64);
        for mark in self.marks.iter().filter(|mark| mark.at >= frame.from && mark.at <= end) {
            let x = frame.x(mark.at);
            let class = if mark.warn { "mark warn" } else { "mark" };
            line(out, class, (x, TOP), (x, HEIGHT - BOTTOM));
            // Where two would touch, the later label moves aside; its line stays in place.
            let at = x.max(last + 19.0);
            if at - x > 60.0 || at > WIDTH - 12.0 {
                continue;
            }
            last = at;
            let y = TOP - 14.0;
            let _ = write!(
                out,
                "<path class=\"{class}\" d=\"M{x:.1} {TOP}L{at:.1} {:.1}\"/>\
                 <circle class=\"{class}\" cx=\"{at:.1}\" cy=\"{y:.1}\" r=\"9\"/>",
                y + 9.0
            );
            text(out, "mark-number", (at, y + 4.0), "middle", &mark.number.to_string());
        }
    }

    fn draw_limits(frame: &Frame, limits: &[&Limit], out: &mut String) {
        for (limit, label) in limits {
            let y = frame.y(*limit);
            line(out, "limit", (LEFT, y), (WIDTH - RIGHT, y));
            text(out, "limit-label", (LEFT + 6.0, y - 5.0), "start", label);
        }
    }

    /// Names the lines at their ends, moved apart where they would touch.
    fn labels(&self, frame: &Frame, out: &mut String) {
        let mut ends: Vec<(f64, &Line)> = self
            .lines
            .iter()
            .filter_map(|line| Some((frame.y(line.pieces.iter().flatten().next_back()?.1), line)))
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let room = ends.len() as f64 * LABEL;
        let mut free = TOP;
        for (n, (y, line)) in ends.iter().enumerate() {
            let lowest = HEIGHT - BOTTOM - room + (n as f64 + 1.0) * LABEL - 4.0;
            let at = y.min(lowest).max(free);
            free = at + LABEL;
            text(out, &format!("label {}", line.class), (WIDTH - RIGHT + 8.0, at + 4.0), "start", &line.label);
        }
    }
}

/// A straight line.
fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = write!(out, "<line class=\"{class}\" x1=\"{x1:.1}\" x2=\"{x2:.1}\" y1=\"{y1:.1}\" y2=\"{y2:.1}\"/>");
}

/// A text; `anchor` is the part of it that is at the place.
fn text(out: &mut String, class: &str, (x, y): (f64, f64), anchor: &str, text: &str) {
    let text = escape(text);
    let _ = write!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

fn draw(line: &Line, frame: &Frame, out: &mut String) {
    for piece in line.pieces.iter().filter(|piece| !piece.is_empty()) {
        let points: Vec<(f64, f64)> = piece.iter().map(|(at, value)| (frame.x(*at), frame.y(*value))).collect();
        if let ([(x, y)], false) = (points.as_slice(), line.is_steps) {
            let _ = write!(out, "<circle class=\"dot {}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>", line.class);
            continue;
        }
        let mut path = String::new();
        for (n, (x, y)) in points.iter().enumerate() {
            let _ = match (n, line.is_steps) {
                (0, _) => write!(path, "M{x:.1} {y:.1}"),
                (_, true) => write!(path, "H{x:.1}V{y:.1}"),
                (_, false) => write!(path, "L{x:.1} {y:.1}"),
            };
        }
        if let (true, Some((first, _)), Some((last, _))) = (line.is_steps, points.first(), points.last()) {
            let floor = HEIGHT - BOTTOM;
            let _ = write!(out, "<path class=\"area {}\" d=\"{path}L{last:.1} {floor:.1}H{first:.1}Z\"/>", line.class);
        }
        let _ = write!(out, "<path class=\"line {}\" d=\"{path}\"/>", line.class);
    }
}

/// The ticks of a logarithmic axis from `bottom`, and its end, for values up to `largest`.
fn decades(bottom: f64, largest: f64) -> (Vec<f64>, f64) {
    let mut ticks = vec![bottom];
    while let Some(last) = ticks.last().copied().filter(|last| *last < largest && ticks.len() < 12) {
        ticks.push(last * 10.0);
    }
    let top = ticks.last().copied().unwrap_or(largest);
    // Half a decade more than is needed would press the lines down.
    if top > largest * 2.5 && ticks.len() > 2 {
        (ticks.iter().copied().take(ticks.len() - 1).collect(), largest * 1.2)
    } else {
        (ticks, top)
    }
}

/// The ticks of an axis from zero, and its end, for values up to `largest`.
fn ticks(largest: f64) -> (Vec<f64>, f64) {
    let largest = if largest.is_finite() && largest > 0.0 { largest.min(1e12) } else { 1.0 };
    let rough = largest / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|n| n * power).into_iter().find(|step| *step >= rough).unwrap_or(rough);
    let count = (largest / step - 1e-9).ceil();
    ((0..=count as u32).map(|n| f64::from(n) * step).collect(), count * step)
}

/// The distance of ticks of a time axis, in seconds: at most eight of them.
fn time_step(span_s: f64) -> i64 {
    const STEPS: [i64; 19] =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800];
    let rough = span_s / 8.0;
    STEPS.into_iter().find(|step| *step as f64 >= rough).unwrap_or((rough / 86_400.0).ceil() as i64 * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_values() {
        for (largest, step, top) in
            [(100.0, 25.0, 100.0), (612.0, 200.0, 800.0), (0.013, 0.005, 0.015), (0.0, 0.25, 1.0)]
        {
            let (got, end) = ticks(largest);
            assert!((got[1] - step).abs() < 1e-9 && (end - top).abs() < 1e-9, "{largest}: {got:?} {end}");
        }
        for bad in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let (ticks, end) = ticks(bad);
            assert!(ticks.len() < 10 && ticks[1] > 0.0 && end.is_finite(), "{bad}: {ticks:?} {end}");
        }
        assert_eq!(decades(1.0, 900.0), (vec![1.0, 10.0, 100.0, 1_000.0], 1_000.0));
        assert_eq!(decades(10.0, 300.0), (vec![10.0, 100.0], 360.0));
        assert!(decades(0.1, f64::MAX).0.len() <= 12);
        assert_eq!([7.0, 60.0, 3_600.0, 86_400.0, 1e9].map(time_step), [1, 10, 600, 10_800, 125_020_800]);
    }
}
