//! How strong the guards' comparison with the live side is, in simulated rollouts.
//!
//!     cargo bench --bench guards              # 10 000 healthy rollouts of an hour; some minutes on two cores
//!     cargo bench --bench guards -- 500       # fewer
//!
//! 500 requests a second, 10 % of them on green. Both sides fail 1 % and answer in a log-normal time (sigma 0.5). Every
//! second of an hour the comparison is looked at, at its default level of 1 %. Then green fails 2 %, or is 30 % slower
//! throughout: how long until it is told? Beside it: the usual check every 60 s on the last 60 s, against a threshold that
//! gives the same share of false alarms, failing at once, at two or at three checks in a row.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints figures and ends with a code"
)]

use std::collections::VecDeque;

use cutover::testing::domain::sequential::{ErrorRatio, quantile_excess};

const SECONDS: usize = 3600;
const GREEN: u64 = 50;
const BLUE: u64 = 450;
const LEVEL: f64 = 0.01;
const WINDOW: usize = 60;
const SICK_RUNS: u64 = 1000;

/// xoshiro-like; the runs are the same everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            random.unit();
        }
        random
    }

    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn hits(&mut self, n: u64, p: f64) -> u64 {
        (0..n).filter(|_| self.unit() < p).count() as u64
    }
}

/// The upper tail of a log-normal latency in cells 2 % wide; what is below its 80 % quantile is one cell.
struct Latency {
    /// How much is below each cell's upper end, and its value.
    cells: Vec<(f64, u64)>,
}

const CELL: f64 = 1.02;
const CELLS: usize = 140;

impl Latency {
    fn new(factor: f64) -> Self {
        let start: f64 = 20_000.0 * (0.5_f64 * 0.841_6).exp();
        // Cells are the same for both sides: a slower one has more in the higher ones.
        let below = |value: f64| normal((value / (20_000.0 * factor)).ln() / 0.5);
        let cells =
            (0..CELLS).map(|at| start * CELL.powi(at as i32)).map(|value| (below(value), value as u64)).collect();
        Self { cells }
    }

    fn draw(&self, random: &mut Random, n: u64, into: &mut [u64]) {
        for _ in 0..n {
            let unit = random.unit();
            let at = self.cells.partition_point(|cell| cell.0 < unit);
            into[at.min(CELLS - 1)] += 1;
        }
    }
}

/// The normal distribution function (Abramowitz and Stegun 7.1.26, to 1.5e-7).
fn normal(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let sum =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let erf = 1.0 - sum * (-x * x).exp();
    0.5 * (1.0 + if z < 0.0 { -erf } else { erf })
}

/// What a run came to: when the sequential test spoke, and what the fixed check saw each minute.
struct Run {
    told: Option<usize>,
    minutes: Vec<f64>,
}

fn errors(seed: u64, rate: f64, stop: bool) -> Run {
    let mut random = Random::new(seed);
    let mut ratio = ErrorRatio::new(1.0);
    let mut run = Run { told: None, minutes: Vec::new() };
    let mut window: VecDeque<(u64, u64)> = VecDeque::new();
    for second in 1..=SECONDS {
        let (green, blue) = (random.hits(GREEN, rate), random.hits(BLUE, 0.01));
        if run.told.is_none() {
            ratio.absorb((GREEN, green), (BLUE, blue));
            run.told = ratio.is_worse(LEVEL).then_some(second);
        }
        window.push_back((green, blue));
        if window.len() > WINDOW {
            window.pop_front();
        }
        if second % WINDOW == 0 {
            let (green, blue) = window.iter().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
            run.minutes.push(green as f64 / GREEN as f64 / (blue.max(1) as f64 / BLUE as f64));
        }
        if stop && run.told.is_some() && second > 40 * WINDOW {
            break;
        }
    }
    run
}

fn latency(seed: u64, factor: f64) -> Run {
    let mut random = Random::new(seed);
    let (slow, base) = (Latency::new(factor), Latency::new(1.0));
    let (mut green, mut blue) = (vec![0; CELLS], vec![0; CELLS]);
    let (mut last_green, mut last_blue) = (green.clone(), blue.clone());
    let mut run = Run { told: None, minutes: Vec::new() };
    let cells = |counts: &[u64]| base.cells.iter().zip(counts).map(|(cell, &n)| (cell.1, n)).collect::<Vec<_>>();
    for second in 1..=SECONDS {
        slow.draw(&mut random, GREEN, &mut green);
        base.draw(&mut random, BLUE, &mut blue);
        if run.told.is_none() {
            let excess = quantile_excess(&cells(&green), &cells(&blue), 0.99, LEVEL);
            run.told = excess.is_some_and(|by| by > 0.0).then_some(second);
        }
        if second % WINDOW == 0 {
            let minute = |now: &[u64], last: &[u64]| {
                let counts: Vec<u64> = now.iter().zip(last).map(|(now, last)| now - last).collect();
                quantile(&cells(&counts), 0.99)
            };
            run.minutes.push(minute(&green, &last_green) / minute(&blue, &last_blue));
            (last_green, last_blue) = (green.clone(), blue.clone());
        }
    }
    run
}

fn quantile(cells: &[(u64, u64)], q: f64) -> f64 {
    let wanted = (cells.iter().map(|cell| cell.1).sum::<u64>() as f64 * q).ceil() as u64;
    let mut before = 0;
    let found = cells.iter().find(|cell| {
        before += cell.1;
        before >= wanted
    });
    found.map_or(0.0, |cell| cell.0 as f64)
}

fn many(runs: u64, run: impl Fn(u64) -> Run + Sync) -> Vec<Run> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let run = &run;
                scope.spawn(move || (part..runs).step_by(threads as usize).map(run).collect::<Vec<_>>())
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// The highest value that `in_a_row` checks one after the other all reached.
fn worst(minutes: &[f64], in_a_row: usize) -> f64 {
    minutes.windows(in_a_row).map(|some| some.iter().copied().fold(f64::INFINITY, f64::min)).fold(0.0, f64::max)
}

fn median(mut seconds: Vec<usize>) -> String {
    seconds.sort_unstable();
    match seconds[seconds.len() / 2] {
        usize::MAX => "never".into(),
        found => format!("{found} s"),
    }
}

fn table(what: &str, runs: u64, healthy: &[Run], sick: &[Run]) -> bool {
    let alarms = healthy.iter().filter(|run| run.told.is_some()).count();
    let share = alarms as f64 / healthy.len() as f64;
    let found = |told: &dyn Fn(&Run) -> Option<usize>| sick.iter().map(|run| told(run).unwrap_or(usize::MAX)).collect();
    let ours: Vec<usize> = found(&|run| run.told);
    println!("\n{what}: {runs} healthy rollouts of an hour, {} sick ones", sick.len());
    println!("| check | false alarms | found after (median) |");
    println!("|---|---|---|");
    println!("| sequential, every second | {:.2} % | {} |", share * 100.0, median(ours.clone()));
    let mut ok = share <= LEVEL;
    let (mut ours, wanted) = (ours, share.max(1.0 / healthy.len() as f64));
    ours.sort_unstable();
    for in_a_row in 1..=3 {
        let mut highest: Vec<f64> = healthy.iter().map(|run| worst(&run.minutes, in_a_row)).collect();
        highest.sort_by(|a, b| b.total_cmp(a));
        let threshold = highest[((healthy.len() as f64 * wanted) as usize).min(healthy.len() - 1)];
        let theirs: Vec<usize> = found(&|run| {
            let hit = run.minutes.windows(in_a_row).position(|some| some.iter().all(|value| *value > threshold));
            hit.map(|at| (at + in_a_row) * WINDOW)
        });
        let mut sorted = theirs.clone();
        sorted.sort_unstable();
        ok &= ours[ours.len() / 2] < sorted[sorted.len() / 2];
        println!(
            "| last 60 s every 60 s, {in_a_row} in a row over {threshold:.2} times blue | {:.2} % | {} |",
            wanted * 100.0,
            median(theirs)
        );
    }
    println!("{}", if ok { "ok" } else { "MISSED: too many false alarms, or not sooner" });
    ok
}

fn main() {
    let runs = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(10_000);
    let healthy = many(runs, |seed| errors(seed, 0.01, false));
    let sick = many(SICK_RUNS, |seed| errors(seed + 1_000_000, 0.02, true));
    let errors_ok = table("errors, 1 % against 2 % on green", runs, &healthy, &sick);
    let healthy = many(runs, |seed| latency(seed, 1.0));
    let sick = many(SICK_RUNS.min(runs), |seed| latency(seed + 1_000_000, 1.3));
    let latency_ok = table("p99, green 30 % slower", runs, &healthy, &sick);
    std::process::exit(i32::from(!(errors_ok && latency_ok)));
}
