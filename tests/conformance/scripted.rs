//! The scripted systems in memory: set directly, driven by a controller, slow.

use std::sync::Arc;
use std::time::Duration;

use cutover::testing::backend::TrafficBackend;
use cutover::testing::domain::{Side, Split, Stamp};

use crate::rig::{Rig, Trouble};
use crate::support::scripted::Served;
use crate::support::scripted::controller::{Pause, Rollouts};
use crate::support::scripted::direct::{Script, Scripted};
use crate::support::scripted::slow::{CHANGE_MS, PACE, Platform};

pub struct Memory(Scripted);

impl Rig for Memory {
    async fn start(split: Split) -> Self {
        Self(Scripted::new(split))
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        Arc::new(self.0.clone())
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        self.0.script(match trouble {
            Trouble::Down => Script::Down,
            Trouble::Silent => Script::Hang,
            Trouble::Html | Trouble::CutOff => Script::Garble,
            Trouble::WrongCredentials => Script::Deny,
            Trouble::HalfApplied => Script::HalfApply,
        });
        true
    }
}

/// A controller whose every step waits for a person.
pub struct ByController(Served<Rollouts>);

impl Rig for ByController {
    const EVERY: Duration = Duration::from_secs(1);

    async fn start(split: Split) -> Self {
        assert_eq!(split, Split::all(Side::Blue), "it begins where nothing has moved");
        tokio::time::pause();
        let steps = [(10, Pause::Person), (50, Pause::Person), (100, Pause::Person)];
        Self(Served::new(Rollouts::new(&steps, Stamp::epoch().wall)))
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        Arc::new(self.0.clone())
    }
}

/// A platform that takes 20 minutes for each change.
pub struct Slow(Served<Platform>);

impl Rig for Slow {
    const SETTLES: Duration = Duration::from_millis(2 * CHANGE_MS);
    const EVERY: Duration = Duration::from_millis(PACE.read_every_ms);

    async fn start(split: Split) -> Self {
        tokio::time::pause();
        Self(Served::new(Platform::new(split)))
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        Arc::new(self.0.clone())
    }
}
