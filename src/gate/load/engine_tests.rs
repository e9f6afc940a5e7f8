//! The load against servers with known latency. Connections are in memory and the clock is paused, so measured values
//! can be compared with calculated ones.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use hyper::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;
use tokio::time::{self, Instant};

use super::super::Stage;
use super::{Job, Tick, drive};
use crate::domain::Transport;
use crate::gate::load::place::{Place, Prepared};
use crate::gate::load::profile::Profile;
use crate::gate::load::response::Fault;
use crate::gate::load::tally::Tally;
use crate::gate::load::wire::Dial;
use crate::http::Target;

/// How the server reacts to a request.
#[derive(Clone, Copy)]
enum Does {
    /// Answers after so many milliseconds.
    After(u64),
    /// The same, but closes the connection without announcing it.
    AndCloses(u64),
    /// Never answers.
    Hangs,
}

/// A server in memory: how it reacts to request `number`, milliseconds after the start.
struct Memory {
    script: Rc<dyn Fn(u64, u64) -> Does>,
    start: Instant,
    number: Rc<Cell<u64>>,
    under_way: Rc<Cell<usize>>,
    most: Rc<Cell<usize>>,
}

impl Dial for Memory {
    type Stream = DuplexStream;

    async fn dial(&self, _: &Place) -> Result<DuplexStream, Fault> {
        let (ours, mut theirs) = duplex(4096);
        let (script, start, number) = (Rc::clone(&self.script), self.start, Rc::clone(&self.number));
        let (under_way, most) = (Rc::clone(&self.under_way), Rc::clone(&self.most));
        tokio::task::spawn_local(async move {
            let mut seen = Vec::new();
            while theirs.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {
                if !seen.ends_with(b"\r\n\r\n") {
                    continue;
                }
                seen.clear();
                under_way.set(under_way.get() + 1);
                most.set(most.get().max(under_way.get()));
                let does = script(number.replace(number.get() + 1), start.elapsed().as_millis() as u64);
                match does {
                    Does::After(ms) | Does::AndCloses(ms) => time::sleep(Duration::from_millis(ms)).await,
                    Does::Hangs => std::future::pending().await,
                }
                under_way.set(under_way.get() - 1);
                theirs.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                if matches!(does, Does::AndCloses(_)) {
                    return;
                }
            }
        });
        Ok(ours)
    }
}

/// The result of a whole run: all measurements, the most requests in flight at once, and the duration.
struct Shown {
    all: Tally,
    most: usize,
    elapsed: Duration,
}

fn load(rps: f64, seconds: u64, connections: usize, script: impl Fn(u64, u64) -> Does + 'static) -> Shown {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, async move {
        let most = Rc::new(Cell::new(0));
        let script: Rc<dyn Fn(u64, u64) -> Does> = Rc::new(script);
        let memory = Memory {
            script,
            start: Instant::now(),
            number: Rc::default(),
            under_way: Rc::default(),
            most: Rc::clone(&most),
        };
        let target = Target::new("http://memory");
        let places = vec![Place::new(&target, &Transport::default()).unwrap()];
        let job = Job {
            targets: vec![target],
            requests: vec![Prepared::new(Method::GET, "/".into(), None, None).unwrap()],
            profile: Profile::new(&[Stage { from_rps: rps, to_rps: rps, for_ms: seconds * 1000 }]),
            connections,
            limit: Duration::from_secs(1),
            flat_out: false,
            transport: Transport::default(),
        };
        let (tick, mut ticks) = mpsc::channel::<Tick>(16);
        let (_stop, stopped) = watch::channel(());
        let (all, elapsed) = (Rc::new(RefCell::new(Tally::default())), Cell::new(Duration::ZERO));
        let reading = async {
            while let Some(tick) = ticks.recv().await {
                assert!(tick.in_flight <= connections && tick.sent <= tick.due, "{} of {}", tick.sent, tick.due);
                all.borrow_mut().join(&tick.part);
                elapsed.set(tick.elapsed);
            }
        };
        tokio::join!(drive(job, places, memory, tick, stopped), reading);
        Shown { all: all.take(), most: most.get(), elapsed: elapsed.get() }
    })
}

/// Compares quantiles with the expected values, in milliseconds. A timer rounds up to the next one.
fn assert_quantiles(shown: &Shown, wanted: &[(f64, f64)]) {
    for &(q, wanted) in wanted {
        let got = shown.all.quantile_ms(q).unwrap();
        assert!((got - wanted).abs() <= 2.0 + wanted * 0.002, "p{}: {got} ms, {wanted} reckoned", q * 100.0);
    }
}

#[test]
fn a_known_distribution_of_latencies_is_found_again() {
    let shown = load(500.0, 20, 64, |number, _| {
        Does::After(match number * 7919 % 1000 {
            0..900 => 10,
            900..990 => 50,
            990..999 => 200,
            _ => 900,
        })
    });
    assert_eq!((shown.all.finished, shown.all.errors), (10_000, 0));
    assert_quantiles(
        &shown,
        &[(0.5, 10.0), (0.89, 10.0), (0.95, 50.0), (0.985, 50.0), (0.995, 200.0), (0.9995, 900.0)],
    );
}

#[test]
fn a_stall_shows_as_if_every_request_had_been_sent_when_it_was_due() {
    // Nothing is answered from second 4 to 5. Of 10 000 requests, 1 000 are due in it, one a millisecond, and wait for its
    // end: the share q > 0.9 of all waits at most 1000 * (1 - (1 - q) / 0.1) ms.
    let shown = load(1000.0, 10, 64, |_, now| Does::After(if (4000..5000).contains(&now) { 5000 - now } else { 0 }));
    assert_eq!((shown.all.finished, shown.all.errors), (10_000, 0));
    let reckoned = |q: f64| (q, 1000.0 * (1.0 - (1.0 - q) / 0.1));
    assert_quantiles(&shown, &[(0.5, 0.0), (0.89, 0.0)]);
    assert_quantiles(&shown, &[0.92, 0.95, 0.99, 0.999].map(reckoned));
    assert_quantiles(&shown, &[(1.0, 1000.0)]);
    // A closed loop would have seen only 64 slow requests, too few to change the p99.
    assert_eq!(shown.most, 64);
}

#[test]
fn a_queue_that_grows_is_measured_to_its_end() {
    // Two connections at 50 ms give 40 a second; 100 are asked for. Request n is due at 10 n ms and sent with its pair.
    let shown = load(100.0, 2, 2, |_, _| Does::After(50));
    assert_eq!((shown.all.finished, shown.all.errors, shown.most), (200, 0, 2));
    let mut reckoned: Vec<f64> =
        (0..200_u32).map(|n| f64::from((n / 2 + 1) * 50) + f64::from(n % 2 * 10) - f64::from(n * 10)).collect();
    reckoned.sort_by(f64::total_cmp);
    for q in [0.25, 0.5, 0.9, 0.99] {
        let (got, wanted) = (shown.all.quantile_ms(q).unwrap(), reckoned[(q * 200.0) as usize - 1]);
        assert!((got - wanted).abs() <= 5.0, "p{}: {got} ms, {wanted} reckoned", q * 100.0);
    }
    assert!((5.0..5.3).contains(&shown.elapsed.as_secs_f64()), "{:?}", shown.elapsed);
}

#[test]
fn one_that_is_never_answered_counts_with_all_the_time_it_was_given() {
    let shown = load(100.0, 2, 8, |number, _| if number == 50 { Does::Hangs } else { Does::After(5) });
    assert_eq!((shown.all.finished, shown.all.errors), (200, 1));
    assert_eq!(shown.all.kinds.keys().collect::<Vec<_>>(), ["no answer within 10 s"]);
    assert_quantiles(&shown, &[(0.99, 5.0), (1.0, 10_000.0)]);
}

#[test]
fn a_connection_that_was_closed_between_two_requests_is_no_fault() {
    let shown =
        load(50.0, 4, 4, |number, _| if number.is_multiple_of(3) { Does::AndCloses(5) } else { Does::After(5) });
    assert_eq!((shown.all.finished, shown.all.errors), (200, 0), "{:?}", shown.all.kinds);
}
