//! What a frame costs, beside ratatui's own comparison of two frames. Figures, no judgement: `tests/bench/frame` runs it.

#[path = "support/ui.rs"]
mod fixture;

use std::io::Write as _;
use std::time::{Duration, Instant};

use cutover::ui::{Glyphs, Input, Key, draw};
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

#[test]
#[ignore = "prints figures that mean something in a release build alone"]
fn frame_cost() -> std::io::Result<()> {
    let mut out = std::io::stdout();
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
            writeln!(out, "{:<10} {name:<14} {frame:>10.0} {diff:>16.0}", format!("{width}x{height}"))?;
        }
    }
    Ok(())
}
