//! Real Envoy: two processes that are one router, by their runtime and by a file of routes.

use std::net::SocketAddr;
use std::sync::Arc;

use cutover::testing::backend::envoy::{Address, EnvoySpec};
use cutover::testing::backend::{Spec, TrafficBackend};
use cutover::testing::domain::{Pair, Side, Split};

use crate::relay::{At, Relay, http};
use crate::rig::{Rig, Trouble};
use crate::support::envoy::{Between, Proxy, Setup, answer, impostor, routes_in, swallows_changes};
use crate::support::program;

/// Where no model needs to answer.
fn nowhere() -> Pair<SocketAddr> {
    Pair::from_fn(|_| ([127, 0, 0, 1], 9).into())
}

pub struct TwoProcesses {
    nodes: [Proxy; 2],
    spec: EnvoySpec,
    between: Vec<Between>,
}

impl TwoProcesses {
    fn impostors(&mut self, answer: Option<&str>) {
        self.between = self.nodes.iter().map(|node| impostor(&node.socket(), answer.map(str::to_owned))).collect();
    }
}

impl Rig for TwoProcesses {
    fn is_there(test: &str) -> bool {
        program::need(test, "envoy").is_some()
    }

    async fn start(split: Split) -> Self {
        let nodes = [0, 1].map(|_| Proxy::start(Setup::new(&nowhere(), split.share(Side::Green))));
        let spec = EnvoySpec { admin: nodes.iter().map(Proxy::place).collect(), ..nodes[0].spec() };
        Self { nodes, spec, between: Vec::new() }
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        self.spec.connect()
    }

    async fn relayed(&self) -> Option<(Relay, Arc<dyn TrafficBackend>)> {
        let relay = Relay::before(At::Unix(self.nodes[0].socket()), |bytes| http("POST ", bytes)).await;
        let At::Unix(at) = &relay.at else { return None };
        let mut spec = self.spec.clone();
        spec.admin[0] = Address::Unix(at.clone());
        let backend = spec.connect();
        Some((relay, backend))
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Down => self.nodes.iter_mut().for_each(Proxy::kill),
            Trouble::Silent => self.impostors(None),
            Trouble::Html => self.impostors(Some(&answer("<html>hi</html>"))),
            Trouble::CutOff => {
                self.impostors(Some("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"entries\": {"));
            }
            // The admin interface knows no users; it can be closed path by path.
            Trouble::WrongCredentials => {
                for node in &mut self.nodes {
                    node.kill();
                    node.setup.allowed = Some(vec!["/runtime?", "/config_dump", "/stats", "/ready", "/listeners"]);
                    node.run();
                }
            }
            Trouble::HalfApplied => {
                let ok = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nOK\n";
                let (place, between) = swallows_changes(&self.nodes[1], ok);
                self.spec.admin[1] = place;
                self.between.push(between);
            }
        }
        true
    }

    async fn restart(&mut self) -> bool {
        for node in &mut self.nodes {
            node.kill();
            node.run();
        }
        true
    }
}

/// Two processes that watch one file of routes.
pub struct OneFile {
    inner: TwoProcesses,
    dir: tempfile::TempDir,
    other: tempfile::TempDir,
}

impl Rig for OneFile {
    fn is_there(test: &str) -> bool {
        program::need(test, "envoy").is_some()
    }

    async fn start(split: Split) -> Self {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let green = split.share(Side::Green);
        let routes = Some(routes_in(dir.path(), green));
        let setup = Setup { routes, ..Setup::new(&nowhere(), green) };
        let nodes = [0, 1].map(|_| Proxy::start(setup.clone()));
        let spec = EnvoySpec { admin: nodes.iter().map(Proxy::place).collect(), ..nodes[0].spec_of_routes() };
        Self { inner: TwoProcesses { nodes, spec, between: Vec::new() }, dir, other }
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        self.inner.backend()
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        match trouble {
            // Who may write the file is shown elsewhere: here nobody may look.
            Trouble::WrongCredentials => {
                for node in &mut self.inner.nodes {
                    node.kill();
                    node.setup.allowed = Some(vec!["/ready", "/listeners"]);
                    node.run();
                }
            }
            // One of them watches a file that is not ours.
            Trouble::HalfApplied => {
                let node = &mut self.inner.nodes[1];
                node.kill();
                node.setup.routes = Some(routes_in(self.other.path(), 0));
                node.run();
            }
            // A file needs nobody to answer: what is read before an order does.
            other => return self.inner.trouble(other).await,
        }
        assert!(self.dir.path().is_dir());
        true
    }

    async fn restart(&mut self) -> bool {
        self.inner.restart().await
    }
}
