//! The terminal contract for what goes out: bytes of the drawn rollout, frame by frame, through the real encoder.

use crate::support::ui as fixture;

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use chrono::TimeDelta;
use cutover::testing::domain::{LogLevel, LogLine, Point};
use cutover::testing::engine::Snapshot;
use cutover::testing::terminal::{Depth, DrawOutcome, Notices, Screen, ScreenOptions};
use cutover::testing::ui::{self, Glyphs, Input, View};

const LONG: Duration = Duration::from_secs(20);

/// The three sizes, and the contract's limits for them in KiB: first frame, busy tick.
const SIZES: [((u16, u16), usize, usize); 3] = [((80, 24), 8, 2), ((120, 35), 16, 5), ((200, 50), 32, 12)];

/// Hands every write call to the test.
struct Tap(SyncSender<Vec<u8>>);

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| std::io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A view, the screen it is drawn on, and the seconds that have gone by.
struct Console {
    view: View,
    screen: Screen,
    writes: Receiver<Vec<u8>>,
    seconds: u64,
}

impl Console {
    fn new((width, height): (u16, u16)) -> Self {
        let (to, writes) = sync_channel(64);
        let options = ScreenOptions {
            synchronized: true,
            depth: Depth::Rgb,
            unicode: true,
            title: true,
            tmux: false,
            notices: Notices::Bell,
        };
        let mut view = fixture::seeing(fixture::shifting(), "dark", Glyphs::Unicode);
        view.update(Input::Resize(width, height), 0);
        Self { view, screen: Screen::new((width, height), options, Tap(to), || {}).unwrap(), writes, seconds: 0 }
    }

    /// Draws; the bytes it took, which came in one write.
    fn draw(&mut self) -> usize {
        let now = self.seconds * 1000;
        self.screen.set_title("cutover PROD fraud-scorer 90/10");
        let outcome = self.screen.draw(|buffer| ui::draw(&self.view, buffer, now));
        self.view.update(Input::Drawn, now);
        let bytes = match outcome {
            DrawOutcome::Sent(bytes) => {
                assert_eq!(self.writes.recv_timeout(LONG).unwrap().len(), bytes, "one write a frame");
                bytes
            }
            DrawOutcome::Unchanged => 0,
            other => unreachable!("{other:?}"),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            while !self.screen.is_idle() {
                tokio::time::timeout(LONG, self.screen.written()).await.unwrap();
            }
        });
        self.view.update(Input::Flushed, now);
        bytes
    }

    /// A second goes by: `change` says what else is new.
    fn tick(&mut self, change: impl FnOnce(&mut Snapshot, u64)) {
        self.seconds += 1;
        let mut snapshot = fixture::shifting();
        snapshot.status.time += TimeDelta::seconds(self.seconds as i64);
        change(&mut snapshot, self.seconds);
        self.view.update(Input::Snapshot(Arc::new(snapshot)), self.seconds * 1000);
    }
}

/// Both sides under traffic: every figure moves, the histories go on by a point, the bake counts down.
fn busy(snapshot: &mut Snapshot, second: u64) {
    let wobble = 1.0 + (second * 7 % 13) as f64 / 40.0;
    let status = &mut snapshot.status;
    status.step.bake_left_s = Some(252.0 - second as f64);
    status.rollback.window_left_s = Some(3348.0 - second as f64);
    for side in [&mut status.sides.blue, &mut status.sides.green] {
        for value in [&mut side.latency_ms.p50, &mut side.latency_ms.p95, &mut side.latency_ms.p99, &mut side.rps] {
            *value = value.map(|value| value * wobble);
        }
        side.error_rate = side.error_rate.map(|rate| rate * wobble);
        side.samples += 2047 * second;
        side.in_flight = Some(10 + second % 9);
    }
    for gate in &mut status.gates {
        gate.age_s = gate.age_s.map(|age| age + second as f64);
    }
    histories(snapshot, second);
}

/// The histories are longer by so many seconds.
fn histories(snapshot: &mut Snapshot, second: u64) {
    for history in [&mut snapshot.history.blue, &mut snapshot.history.green] {
        for points in [&mut history.traffic, &mut history.probes] {
            *points = Arc::new(moved_on(points, second));
        }
    }
}

/// The history `seconds` later: each point moves on by one, and the new ones are no copies.
fn moved_on(points: &[Option<Point>], seconds: u64) -> Vec<Option<Point>> {
    let seconds = seconds as usize;
    let mut moved = points[seconds.min(points.len())..].to_vec();
    let last = points.last().copied().flatten().unwrap();
    moved.extend((0..seconds).map(|i| {
        let wobble = 1.0 + (i * 5 % 11) as f32 / 20.0;
        let p99 = last.p99.map(|p99| p99 * wobble);
        Some(Point { p99, rps: last.rps * wobble, ..last })
    }));
    moved
}

#[test]
fn t22_t24_the_first_frame_and_a_busy_tick_are_within_their_budgets() {
    for (size, first_kib, tick_kib) in SIZES {
        let mut console = Console::new(size);
        let first = console.draw();
        assert!(first > 1_000 && first <= first_kib * 1024, "{size:?}: first frame {first} bytes");
        let mut most = 0;
        for _ in 0..20 {
            console.tick(busy);
            let second = console.seconds;
            let at = fixture::now() + TimeDelta::seconds(second as i64);
            let text = format!("0.{second}9% n={} window=5m", 12_304 + second);
            let line = LogLine { at, level: LogLevel::Info, source: "error-rate".into(), text };
            console.view.update(Input::Line(line), second * 1000);
            most = most.max(console.draw());
        }
        println!("{size:?}: first frame {first}, busy tick at most {most} bytes");
        assert!(most > 100 && most <= tick_kib * 1024, "{size:?}: busy tick {most} bytes");
    }
}

/// Nothing but the clock moves: every second was like the one before.
fn idle(snapshot: &mut Snapshot, _: u64) {
    for history in [&mut snapshot.history.blue, &mut snapshot.history.green] {
        for points in [&mut history.traffic, &mut history.probes] {
            *points = Arc::new(vec![*points.last().unwrap(); points.len()]);
        }
    }
}

#[test]
fn t24_an_idle_minute_costs_the_clock_alone() {
    for (size, ..) in SIZES {
        let mut console = Console::new(size);
        console.tick(idle);
        console.draw();
        let mut bytes = 0;
        for _ in 0..60 {
            console.tick(idle);
            bytes += console.draw();
        }
        println!("{size:?}: idle minute {bytes} bytes");
        assert!((bytes > 0 || size.0 < 100) && bytes <= 8 * 1024, "{size:?}: idle minute {bytes} bytes");
    }
}

#[test]
fn t23_the_same_state_again_is_no_byte() {
    for (size, ..) in SIZES {
        let mut console = Console::new(size);
        console.draw();
        for _ in 0..5 {
            console.view.update(Input::Snapshot(Arc::new(fixture::shifting())), 0);
            assert_eq!(console.draw(), 0, "{size:?}");
        }
    }
}

#[test]
fn a_history_that_moves_on_is_drawn_anew() {
    let cost = |change: fn(&mut Snapshot, u64)| {
        let mut console = Console::new((120, 35));
        console.draw();
        let mut cost = 0;
        for _ in 0..10 {
            console.tick(change);
            cost += console.draw();
        }
        cost
    };
    let (still, moving) = (cost(|_, _| {}), cost(histories));
    assert!(still > 0 && moving > still + 20, "the clock alone takes {still} bytes, with histories {moving}");
}
