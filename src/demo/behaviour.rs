//! How a model server behaves: well, or with one fault that is switched on while it runs.
//!
//! Slow and flaky are faults **under traffic**: a side at 0 % that only gates talk to shows nothing
//! of them, as with a cache that is cold in a test and thrashes in production. What tells traffic
//! from a gate is its length alone, never who asks: [`Stretch`] calls traffic sustained once
//! inferences have come for [`SUSTAINED_AFTER`] at [`SUSTAINED_RPS`] or more without a pause of
//! [`PAUSE`]. The golden and smoke gates are a burst of a second or two.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

/// Traffic is sustained when it has come for this long.
pub const SUSTAINED_AFTER: Duration = Duration::from_secs(5);
/// Traffic is sustained at this many inferences per second or more.
pub const SUSTAINED_RPS: f64 = 3.0;
/// A pause this long ends a stretch of traffic.
pub const PAUSE: Duration = Duration::from_secs(3);
/// Share of inferences that a flaky server spoils under traffic, 0 to 1.
pub const FLAKY_SHARE: f64 = 0.1;

/// How a model server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As it should.
    #[default]
    Good,
    /// Every inference takes 50 times as long, under sustained traffic.
    Slow,
    /// Fast and wrong: images are transposed before prediction, a feature skew.
    Wrong,
    /// One inference in ten is answered with 500 or not at all, under sustained traffic.
    Flaky,
    /// Every inference takes four times as long, under sustained traffic: within every limit, and worse all the same.
    Worse,
    /// One worker instead of four: fast while little comes, and a queue when more does.
    Narrow,
    /// Answers 500 to what it cannot read, instead of refusing it.
    Fragile,
    /// Says that it is ready, but takes its time over it.
    Sluggish,
    /// Refuses connections and has closed those it had.
    Dead,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Good,
        Self::Slow,
        Self::Wrong,
        Self::Flaky,
        Self::Worse,
        Self::Narrow,
        Self::Fragile,
        Self::Sluggish,
        Self::Dead,
    ];

    /// As `behave` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Slow => "slow",
            Self::Wrong => "wrong",
            Self::Flaky => "flaky",
            Self::Worse => "worse",
            Self::Narrow => "narrow",
            Self::Fragile => "fragile",
            Self::Sluggish => "sluggish",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Mode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| {
            let text = crate::domain::text::clean(text, 40);
            format!("no behaviour {text:?}: {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// What happens to one inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Answered as it should be.
    Fair,
    /// Answered late: the service takes this many times as long.
    Slow(u8),
    /// Answered in its turn: one at a time.
    InTurn,
    /// Answered for the transposed image.
    Transposed,
    /// Answered with 500.
    Error,
    /// The connection is closed without an answer.
    Dropped,
}

/// A server's behaviour, shared between the server and whoever changes it.
#[derive(Debug, Default)]
pub struct Behaviour {
    mode: watch::Sender<Mode>,
    stretch: Mutex<Stretch>,
}

impl Behaviour {
    /// A server that starts in `mode`.
    pub fn new(mode: Mode) -> Self {
        Self { mode: watch::Sender::new(mode), stretch: Mutex::default() }
    }

    /// The mode now.
    pub fn mode(&self) -> Mode {
        *self.mode.borrow()
    }

    /// Changes the mode, from the next request on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Tells of changes.
    pub fn watch(&self) -> watch::Receiver<Mode> {
        self.mode.subscribe()
    }

    /// Counts an inference that came in at `now` and says what happens to it.
    pub fn treat(&self, now: Instant) -> Treatment {
        let sustained = self.stretch.lock().unwrap_or_else(PoisonError::into_inner).note(now);
        match self.mode() {
            Mode::Wrong => Treatment::Transposed,
            Mode::Slow if sustained => Treatment::Slow(50),
            Mode::Worse if sustained => Treatment::Slow(4),
            Mode::Narrow => Treatment::InTurn,
            Mode::Flaky if sustained && fastrand::f64() < FLAKY_SHARE => {
                if fastrand::bool() {
                    Treatment::Error
                } else {
                    Treatment::Dropped
                }
            }
            _ => Treatment::Fair,
        }
    }
}

/// A stretch of traffic without a long pause.
#[derive(Debug, Default)]
pub struct Stretch {
    seen: Option<(Instant, Instant)>,
    count: u64,
}

impl Stretch {
    /// Counts a request at `now`; true when traffic is sustained by now.
    pub fn note(&mut self, now: Instant) -> bool {
        let since = match self.seen {
            Some((since, last)) if now.saturating_duration_since(last) < PAUSE => since,
            _ => {
                self.count = 0;
                now
            }
        };
        self.seen = Some((since, now));
        self.count += 1;
        let lasted = now.saturating_duration_since(since);
        lasted >= SUSTAINED_AFTER && self.count as f64 / lasted.as_secs_f64() >= SUSTAINED_RPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second at which traffic that comes at the given milliseconds counts as sustained.
    fn sustained_at(at_ms: impl Iterator<Item = u64>) -> Option<u64> {
        let (start, mut stretch) = (Instant::now(), Stretch::default());
        at_ms.into_iter().find(|&ms| stretch.note(start + Duration::from_millis(ms))).map(|ms| ms / 1000)
    }

    #[test]
    fn a_tenth_of_sixty_a_second_is_sustained_however_it_is_spread() {
        assert_eq!(sustained_at((0..).map(|i| i * 167).take(600)), Some(5));
        // The split in blocks: ten requests in a row, then ninety for the other side.
        assert_eq!(sustained_at((0..600).map(|i| i / 10 * 1670 + i % 10 * 17)), Some(5));
    }

    #[test]
    fn gates_and_trickles_are_not() {
        // A golden gate one by one, then smoke.
        assert_eq!(sustained_at((0..430).map(|i| i * 10)), None);
        // The same every eight seconds.
        assert_eq!(sustained_at((0..4300).map(|i| i / 430 * 8000 + i % 430 * 10)), None);
        // Two a second for ever.
        assert_eq!(sustained_at((0..10_000).map(|i| i * 500)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_mode_shows_from_the_next_request_on() {
        let behaviour = Behaviour::new(Mode::Slow);
        for _ in 0..50 {
            assert_eq!(behaviour.treat(Instant::now()), Treatment::Fair);
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(behaviour.treat(Instant::now()), Treatment::Slow(50));
        behaviour.set(Mode::Worse);
        assert_eq!(behaviour.treat(Instant::now()), Treatment::Slow(4));
        behaviour.set(Mode::Wrong);
        assert_eq!(behaviour.treat(Instant::now()), Treatment::Transposed);
        behaviour.set(Mode::Flaky);
        fastrand::seed(1);
        let spoilt = (0..1000).filter(|_| behaviour.treat(Instant::now()) != Treatment::Fair).count();
        assert!((60..140).contains(&spoilt), "{spoilt} of 1000");
        tokio::time::advance(PAUSE).await;
        assert!((0..100).all(|_| behaviour.treat(Instant::now()) == Treatment::Fair));
        behaviour.set(Mode::Good);
        assert_eq!(behaviour.treat(Instant::now()), Treatment::Fair);
    }

    #[test]
    fn names_lead_back_to_modes() {
        for mode in Mode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!("Slow\u{1b}[2J".parse::<Mode>().unwrap_err().contains("good, slow, wrong"));
    }
}
