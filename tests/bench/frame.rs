//! What a frame costs at three sizes, beside ratatui's own comparison of two frames; and what the log pane costs.
//!
//!     cargo bench --bench frame
//!
//! The bound for a frame at 200x50 is 1 000 microseconds, for a log line a fiftieth of a millisecond (50 000 a second
//! are a flood). Nothing else should run meanwhile. Exit code 1 when a bound is missed.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints figures and ends with a code"
)]

#[path = "../support/ui.rs"]
mod fixture;

use std::io::Write as _;
use std::time::{Duration, Instant};

use cutover::testing::domain::{LogLevel, LogLine};
use cutover::testing::ui::view::log::LogPane;
use cutover::testing::ui::{Glyphs, Input, Key, draw};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use fixture::{seeing, shifting};

/// Frames per figure.
const FRAMES: usize = 2_000;

fn median(mut run: impl FnMut()) -> Duration {
    let mut took: Vec<Duration> = (0..FRAMES)
        .map(|_| {
            let from = Instant::now();
            run();
            from.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[FRAMES / 2]
}

fn main() -> std::io::Result<()> {
    let frames = frames()?;
    let log = log()?;
    std::process::exit(i32::from(!(frames && log)));
}

/// Frames at every size; whether all are cheap enough.
fn frames() -> std::io::Result<bool> {
    let mut out = std::io::stdout();
    let mut ok = true;
    writeln!(out, "median of {FRAMES} frames, microseconds")?;
    writeln!(out, "{:<10} {:<14} {:>10} {:>16}", "size", "view", "one frame", "ratatui's diff")?;
    for (width, height) in [(80, 24), (120, 35), (200, 50)] {
        for (name, keys) in [("as it starts", ""), ("zoomed", "2+"), ("time cursor", "[[[["), ("help", "?")] {
            let mut view = seeing(shifting(), "dark", Glyphs::Unicode);
            view.update(Input::Resize(width, height), 0);
            for key in keys.chars() {
                view.update(Input::Key(Key::char(key)), 0);
            }
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            let frame = median(|| {
                std::hint::black_box(draw(&view, &mut buffer, 500));
            });
            let mut later = Buffer::empty(buffer.area);
            draw(&view, &mut later, 1_500);
            let diff = median(|| {
                std::hint::black_box(buffer.diff(&later));
            });
            let [frame, diff] = [frame, diff].map(|took| took.as_secs_f64() * 1e6);
            ok &= frame < 1_000.0;
            writeln!(out, "{:<10} {name:<14} {frame:>10.0} {diff:>16.0}", format!("{width}x{height}"))?;
        }
    }
    Ok(ok)
}

/// Lines into the log pane with and without a filter; whether a flood of 50 000 a second is bearable.
fn log() -> std::io::Result<bool> {
    const LINES: u32 = 80_000;
    let mut out = std::io::stdout();
    let text = "GET /v2/models/fraud/infer 200 12.3ms batch=8 shard=3 tenant=eu-west-1 trace=9f2c41d07d91d4c0";
    writeln!(out, "\nlog pane, 16 sources, microseconds\n{:<32} {:>8} {:>14}", "filter", "a line", "50 lines shown")?;
    let mut ok = true;
    for typed in ["", "shard=7", "tenant=(us|ap)-[a-z]+-[0-9]"] {
        let mut pane = LogPane::default();
        typed.clone_into(&mut pane.filter);
        while pane.settle(true) {}
        let begun = Instant::now();
        for n in 0..LINES {
            let at = chrono::DateTime::from_timestamp(1_767_225_600 + i64::from(n / 1000), 0).unwrap_or_default();
            let (source, text) = (format!("s{}", n % 16), text.to_owned());
            pane.push(LogLine { at, level: LogLevel::Info, source, text }, false);
        }
        let line = begun.elapsed().as_secs_f64() * 1e6 / f64::from(LINES);
        let window = median(|| drop(std::hint::black_box(pane.window(50, None)))).as_secs_f64() * 1e6;
        ok &= line < 20.0;
        writeln!(out, "{typed:<32} {line:>8.2} {window:>14.1}")?;
    }
    Ok(ok)
}
