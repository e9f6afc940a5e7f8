//! What the screen sends while both sides are polled once a second and traffic flows with all its jitter.

use crate::support::ui as fixture;

use std::sync::Arc;

use chrono::TimeDelta;
use cutover::testing::domain::{Pair, Point, Side};
use cutover::testing::engine::Snapshot;
use cutover::testing::engine::snapshot::History;
use cutover::testing::terminal::Depth;
use cutover::testing::terminal::screen::{DrawOutcome, Notices, Screen, ScreenOptions};
use cutover::testing::ui::{Glyphs, Input, View, draw};

use fixture::{free, now, seeing};

const OPTIONS: ScreenOptions = ScreenOptions {
    synchronized: true,
    depth: Depth::Rgb,
    unicode: true,
    title: false,
    tmux: false,
    notices: Notices::Off,
};

/// A second of a service with a tail that jumps.
fn second(rng: &mut fastrand::Rng, base: f64) -> Point {
    let mut near = |value: f64, by: f64| (value * (1.0 + by * (rng.f64() * 2.0 - 1.0))) as f32;
    let (p50, p95, p99, rps) = (near(base, 0.1), near(base * 2.8, 0.2), near(base * 4.5, 0.35), near(1_800.0, 0.15));
    let error_rate = near(0.0009, 0.6);
    Point { p50: Some(p50), p95: Some(p95), p99: Some(p99), error_rate, rps }
}

struct World {
    rng: fastrand::Rng,
    points: Pair<Vec<Option<Point>>>,
    seconds: i64,
}

impl World {
    fn after(seconds: i64) -> Self {
        let mut world = Self { rng: fastrand::Rng::with_seed(24), points: Pair::default(), seconds: 0 };
        (0..seconds).for_each(|_| world.tick());
        world
    }

    fn tick(&mut self) {
        self.seconds += 1;
        for (side, base) in [(Side::Blue, 41.0), (Side::Green, 44.0)] {
            let point = second(&mut self.rng, base);
            self.points[side].push(Some(point));
            let more = self.points[side].len().saturating_sub(3_600);
            self.points[side].drain(..more);
        }
    }

    fn snapshot(&mut self) -> Snapshot {
        let mut snapshot = free();
        snapshot.status.time = now() + TimeDelta::seconds(self.seconds);
        snapshot.status.step.bake_left_s = Some(4_000.0 - self.seconds as f64);
        for side in Side::BOTH {
            let points = Arc::new(self.points[side].clone());
            snapshot.history[side] = History { traffic: Arc::clone(&points), probes: points, ..History::default() };
            let status = &mut snapshot.status.sides[side];
            // Figures of a minute wander slowly.
            let last = second(&mut self.rng, 41.0);
            let calm = |was: Option<f64>, value: Option<f32>| Some(was? * 0.98 + f64::from(value?) * 0.02);
            status.latency_ms.p50 = calm(status.latency_ms.p50, last.p50);
            status.latency_ms.p95 = calm(status.latency_ms.p95, last.p95);
            status.latency_ms.p99 = calm(status.latency_ms.p99, last.p99);
            status.rps = Some(f64::from(last.rps));
            status.samples += self.seconds as u64 * 1_800;
            status.in_flight = Some(self.rng.u64(2..30));
            for replica in &mut snapshot.detail.replicas[side] {
                replica.latency_ms = Some(2.0 + self.rng.f64() * 4.0);
            }
        }
        snapshot
    }
}

/// Draws what changed, and how many bytes that took.
fn send(screen: &mut Screen, view: &mut View, now_ms: u64) -> usize {
    while !screen.is_idle() {
        std::thread::yield_now();
    }
    let sent = match screen.draw(|buffer| draw(view, buffer, now_ms)) {
        DrawOutcome::Sent(bytes) => bytes,
        DrawOutcome::Unchanged => 0,
        other => panic!("{other:?}"),
    };
    view.update(Input::Drawn, now_ms);
    sent
}

/// The first frame, the largest tick, and a minute of a console that has been looking for `seconds`.
fn minute(size: (u16, u16), seconds: i64) -> [usize; 3] {
    let mut world = World::after(seconds);
    let mut view = seeing(world.snapshot(), "dark", Glyphs::Unicode);
    view.update(Input::Resize(size.0, size.1), 0);
    let mut screen = Screen::new(size, OPTIONS, std::io::sink(), || ()).unwrap();
    let first = send(&mut screen, &mut view, 0);
    let (mut largest, mut all) = (0, 0);
    for n in 1..=60_u64 {
        world.tick();
        view.update(Input::Snapshot(Arc::new(world.snapshot())), n * 1_000);
        let sent = send(&mut screen, &mut view, n * 1_000);
        largest = largest.max(sent);
        all += sent;
    }
    [first, largest, all]
}

#[test]
fn t24_a_minute_of_traffic_stays_within_its_bytes() {
    const KIB: usize = 1_024;
    let budgets = [
        ((80, 24), [8 * KIB, 2 * KIB, 20_000]),
        ((120, 35), [16 * KIB, 5 * KIB, 40_000]),
        ((200, 50), [32 * KIB, 12 * KIB, 60_000]),
    ];
    let mut over = Vec::new();
    for (size, budget) in budgets {
        for looking in [0, 60, 300, 900, 3_600] {
            let sent = minute(size, looking);
            let text = format!("{size:?} after {looking} s: first frame, largest tick, minute {sent:?} of {budget:?}");
            if sent.iter().zip(budget).any(|(sent, budget)| *sent > budget) {
                over.push(text);
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}
