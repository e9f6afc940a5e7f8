//! The time that serving takes: a queue in front of a few workers, as on a real accelerator.
//!
//! The models are tiny and would answer in microseconds. So each batch occupies a worker for a service time with
//! jitter and a tail. The rest is real queueing: when more requests arrive than the workers can serve, they wait,
//! latency rises, and beyond a bound they are rejected.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time;

use crate::domain::Side;

/// How much each image after the first adds to a batch's service time, as a share of it.
const PER_IMAGE: f64 = 0.05;
/// The share of batches that hit a pause (a garbage collection, a clock change), 0 to 1.
const TAIL_SHARE: f64 = 0.01;
/// How much longer such a batch takes.
const TAIL_FACTOR: f64 = 2.0;

/// The speed of an accelerator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Mean service time of one image, in milliseconds.
    pub service_ms: f64,
    /// Batches served at once.
    pub workers: usize,
    /// The most waiting requests; further ones are rejected.
    pub queue: usize,
}

impl Pace {
    /// The speed of a side in the demo: green's model is larger and takes a little longer.
    pub const fn of(side: Side) -> Self {
        let service_ms = match side {
            Side::Blue => 7.5,
            Side::Green => 8.5,
        };
        Self { service_ms, workers: 4, queue: 128 }
    }
}

/// How a batch is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceProfile {
    /// The factor on the normal service time.
    pub times: u8,
    /// Whether it needs every worker for itself.
    pub alone: bool,
}

impl ServiceProfile {
    /// Normal service.
    pub const FAIR: Self = Self { times: 1, alone: false };
}

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull;

/// Workers behind a bounded queue.
#[derive(Debug)]
pub struct Accelerator {
    pace: Pace,
    workers: Semaphore,
    /// Places for all requests inside, waiting or served.
    places: Semaphore,
    /// Requests that wait for a worker.
    waiting: AtomicU64,
    images: AtomicU64,
    busy_us: AtomicU64,
}

/// The metrics of an accelerator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gauges {
    /// Requests that wait for a worker.
    pub waiting: u64,
    /// Images served since the start.
    pub images: u64,
    /// The busy time since the start, summed over the workers, in seconds.
    pub busy_s: f64,
}

/// A request in the queue; dropped when it is served or its client has gone.
struct Waits<'a>(&'a AtomicU64);

impl<'a> Waits<'a> {
    fn on(waiting: &'a AtomicU64) -> Self {
        waiting.fetch_add(1, Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Accelerator {
    /// An idle accelerator.
    pub fn new(pace: Pace) -> Self {
        let workers = pace.workers.max(1);
        let (workers, places) = (Semaphore::new(workers), Semaphore::new(workers + pace.queue));
        Self { pace, workers, places, waiting: 0.into(), images: 0.into(), busy_us: 0.into() }
    }

    /// The current values and the totals.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            waiting: self.waiting.load(Relaxed),
            images: self.images.load(Relaxed),
            busy_s: Duration::from_micros(self.busy_us.load(Relaxed)).as_secs_f64(),
        }
    }

    /// Waits for a worker, and then for the service time of `images` images.
    ///
    /// Dropping the future (the client has gone) frees the place at once.
    ///
    /// # Errors
    /// [`QueueFull`], at once, when too many requests are waiting.
    pub async fn serve(&self, images: usize, profile: ServiceProfile) -> Result<(), QueueFull> {
        let _place = self.places.try_acquire().map_err(|_| QueueFull)?;
        let workers = if profile.alone { self.pace.workers.max(1) } else { 1 };
        let waits = Waits::on(&self.waiting);
        let _workers = self.workers.acquire_many(workers as u32).await.map_err(|_| QueueFull)?;
        drop(waits);
        let takes = self.service_time(images, profile.times);
        time::sleep(takes).await;
        self.images.fetch_add(images as u64, Relaxed);
        self.busy_us.fetch_add(takes.as_micros() as u64 * workers as u64, Relaxed);
        Ok(())
    }

    fn service_time(&self, images: usize, times: u8) -> Duration {
        let jitter = 0.75 + 0.5 * fastrand::f64();
        let tail = if fastrand::f64() < TAIL_SHARE { TAIL_FACTOR } else { 1.0 };
        let batch = 1.0 + PER_IMAGE * images.saturating_sub(1) as f64;
        Duration::from_secs_f64(self.pace.service_ms / 1000.0 * jitter * tail * f64::from(times) * batch)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use super::*;

    async fn all_served(n: usize) -> (Duration, usize) {
        let accelerator = Arc::new(Accelerator::new(Pace { service_ms: 10.0, workers: 2, queue: 8 }));
        let (start, mut tasks) = (Instant::now(), JoinSet::new());
        for _ in 0..n {
            let accelerator = accelerator.clone();
            tasks.spawn(async move { accelerator.serve(1, ServiceProfile::FAIR).await });
        }
        let refused = tasks.join_all().await.into_iter().filter(Result::is_err).count();
        (start.elapsed(), refused)
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_waits_and_past_the_queue_is_turned_away() {
        let (two, refused) = all_served(2).await;
        assert!(refused == 0 && two < Duration::from_millis(30), "{two:?}");
        let (ten, refused) = all_served(10).await;
        assert!(refused == 0 && ten > Duration::from_millis(35), "{ten:?}");
        assert_eq!(all_served(25).await.1, 15);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_is_slower_than_any_guard_of_the_demo_allows() {
        let accelerator = Accelerator::new(Pace::of(Side::Green));
        let start = Instant::now();
        accelerator.serve(1, ServiceProfile { times: 50, alone: false }).await.unwrap();
        assert!(start.elapsed() > Duration::from_millis(300));
    }

    #[tokio::test(start_paused = true)]
    async fn alone_is_one_at_a_time() {
        let accelerator = Arc::new(Accelerator::new(Pace { service_ms: 10.0, workers: 4, queue: 8 }));
        let (start, mut tasks) = (Instant::now(), JoinSet::new());
        for _ in 0..8 {
            let accelerator = accelerator.clone();
            tasks.spawn(async move { accelerator.serve(1, ServiceProfile { times: 1, alone: true }).await });
        }
        assert!(tasks.join_all().await.into_iter().all(|served| served.is_ok()));
        assert!(start.elapsed() > Duration::from_millis(60), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn it_tells_who_waits_and_how_busy_it_was() {
        let accelerator = Arc::new(Accelerator::new(Pace { service_ms: 10.0, workers: 2, queue: 8 }));
        let mut tasks = JoinSet::new();
        for _ in 0..6 {
            let accelerator = accelerator.clone();
            tasks.spawn(async move { accelerator.serve(3, ServiceProfile::FAIR).await });
        }
        time::sleep(Duration::from_millis(1)).await;
        assert_eq!(accelerator.gauges(), Gauges { waiting: 4, images: 0, busy_s: 0.0 });
        // A waiting request leaves the queue with its client.
        let gave_up = time::timeout(Duration::from_millis(1), accelerator.serve(1, ServiceProfile::FAIR)).await;
        assert!(gave_up.is_err());
        assert_eq!(accelerator.gauges().waiting, 4);
        tasks.join_all().await;
        let gauges = accelerator.gauges();
        assert_eq!((gauges.waiting, gauges.images), (0, 18));
        assert!((0.049..=0.166).contains(&gauges.busy_s), "six batches of 8 to 28 ms: {gauges:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_goes_frees_its_place() {
        let accelerator = Accelerator::new(Pace { service_ms: 10.0, workers: 1, queue: 0 });
        for _ in 0..5 {
            let gave_up = time::timeout(Duration::from_millis(1), accelerator.serve(1, ServiceProfile::FAIR)).await;
            assert!(gave_up.is_err());
        }
        assert_eq!(accelerator.serve(1, ServiceProfile::FAIR).await, Ok(()));
    }
}
