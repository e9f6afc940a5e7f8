//! A real nginx, whose file is written and who is told to reload.

use std::sync::Arc;

use cutover::testing::backend::TrafficBackend;
use cutover::testing::domain::Split;
use cutover::testing::runtime;

use crate::rig::{Rig, Trouble, is_there};
use crate::support::local::config;

use crate::support::nginx as server;

use server::{Server, program};

pub struct Reloaded(Server);

impl Rig for Reloaded {
    fn is_there(test: &str) -> bool {
        is_there(test, program().is_none().then_some("nginx is not there"))
    }

    async fn start(split: Split) -> Self {
        Self(Server::start(split))
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        runtime::connect(&config(&self.0.backend(), self.0.dir.path()))
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        let file = self.0.path("split.conf");
        match trouble {
            Trouble::Down => self.0.stop(),
            // A file and a signal: nobody answers, so nobody can be silent. Whether this user may write and signal is
            // for the tests of nginx alone: root always may.
            Trouble::Silent | Trouble::WrongCredentials => return false,
            Trouble::Html => std::fs::write(file, "<html>sign in</html>").unwrap(),
            Trouble::CutOff => std::fs::write(file, "split_clients \"${request_id}\" $cutover_side { 10% gr").unwrap(),
            Trouble::HalfApplied => self.0.freeze(),
        }
        true
    }

    async fn restart(&mut self) -> bool {
        self.0.stop();
        self.0.run();
        true
    }
}
