//! The scripted system in memory.

use std::sync::Arc;

use cutover::testing::backend::TrafficBackend;
use cutover::testing::domain::Split;

use crate::rig::{Rig, Trouble};
use crate::support::scripted::{Script, Scripted};

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

    async fn restart(&mut self) -> bool {
        false
    }
}
