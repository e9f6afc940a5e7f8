//! Real HAProxy: two nodes with a map of percents, and one with weights that are saved.

use std::net::SocketAddr;
use std::sync::Arc;

use cutover::testing::backend::haproxy::{Address, HaproxySpec};
use cutover::testing::backend::{Spec, TrafficBackend};
use cutover::testing::domain::{Pair, Side, Split};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::relay::{At, Relay, http};
use crate::rig::{Rig, Trouble};
use crate::support::haproxy::{Proxy, Way, is_installed};

/// Where no model needs to answer.
fn nowhere() -> Pair<SocketAddr> {
    Pair { blue: ([127, 0, 0, 1], 9).into(), green: ([127, 0, 0, 1], 9).into() }
}

/// What stands between us and a node.
struct Between {
    task: JoinHandle<()>,
}

impl Drop for Between {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Something else answers where `node`'s socket was.
fn impostor(proxy: &Proxy, answer: Option<&'static str>) -> Between {
    drop(std::fs::remove_file(proxy.socket()));
    let listener = UnixListener::bind(proxy.socket()).unwrap();
    let task = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if let Some(answer) = answer {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            } else {
                held.push(stream);
            }
        }
    });
    Between { task }
}

/// A relay to `proxy` that says of every change that it was made, and makes none.
fn swallows_changes(proxy: &Proxy) -> (Address, Between) {
    let path = proxy.dir().join("relay.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let real = proxy.socket();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut line = [0; 4096];
            let n = stream.read(&mut line).await.unwrap_or(0);
            if line[..n].starts_with(b"set ") {
                let _ = stream.write_all(b"\n").await;
                continue;
            }
            let mut to = UnixStream::connect(&real).await.unwrap();
            to.write_all(&line[..n]).await.unwrap();
            let mut answer = Vec::new();
            to.read_to_end(&mut answer).await.unwrap();
            let _ = stream.write_all(&answer).await;
        }
    });
    (Address::Unix(path), Between { task })
}

const HTML: &str = "<html>hi</html>";
const CUT: &str = "Name: HAProxy\nVersion: 2.6.12\nPid: 1";

/// Two nodes that are one router; nothing is saved.
pub struct TwoNodes {
    nodes: [Proxy; 2],
    split: Split,
    spec: HaproxySpec,
    between: Vec<Between>,
}

impl TwoNodes {
    fn spec(nodes: &[Proxy; 2]) -> HaproxySpec {
        let [first, second] = nodes;
        // Each node has a map of its own; their configs name the same path, so the second reads the first one's.
        HaproxySpec { nodes: vec![first.node(), second.node()], ..first.spec() }
    }
}

impl Rig for TwoNodes {
    fn is_there(test: &str) -> bool {
        is_installed(test)
    }

    async fn start(split: Split) -> Self {
        let green = split.share(Side::Green);
        let first = Proxy::start(Way::Percent, &nowhere(), green);
        let second = Proxy::start_beside(&first, green);
        let nodes = [first, second];
        let spec = Self::spec(&nodes);
        Self { nodes, split, spec, between: Vec::new() }
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        self.spec.connect()
    }

    async fn relayed(&self) -> Option<(Relay, Arc<dyn TrafficBackend>)> {
        let relay = Relay::before(At::Unix(self.nodes[0].socket()), |bytes| http("set ", bytes)).await;
        let At::Unix(at) = &relay.at else { return None };
        let mut spec = self.spec.clone();
        spec.nodes[0] = Address::Unix(at.clone());
        let backend = spec.connect();
        Some((relay, backend))
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Down => self.nodes.iter_mut().for_each(Proxy::kill),
            Trouble::Silent => self.between = self.nodes.iter().map(|node| impostor(node, None)).collect(),
            Trouble::Html => self.between = self.nodes.iter().map(|node| impostor(node, Some(HTML))).collect(),
            Trouble::CutOff => self.between = self.nodes.iter().map(|node| impostor(node, Some(CUT))).collect(),
            // A map may be set with every level.
            Trouble::WrongCredentials => return false,
            Trouble::HalfApplied => {
                let (address, between) = swallows_changes(&self.nodes[1]);
                self.spec.nodes[1] = address;
                self.between.push(between);
            }
        }
        true
    }

    async fn restart(&mut self) -> bool {
        for node in &mut self.nodes {
            node.kill();
            assert!(node.run());
        }
        let _ = self.split;
        true
    }
}

/// One node, whose weights are written to its server state file.
pub struct SavedWeights {
    node: Proxy,
    spec: HaproxySpec,
    between: Option<Between>,
}

impl Rig for SavedWeights {
    fn is_there(test: &str) -> bool {
        is_installed(test)
    }

    async fn start(split: Split) -> Self {
        let node = Proxy::start(Way::Weights, &nowhere(), split.share(Side::Green));
        let spec = node.saved();
        Self { node, spec, between: None }
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        self.spec.connect()
    }

    async fn relayed(&self) -> Option<(Relay, Arc<dyn TrafficBackend>)> {
        let relay = Relay::before(At::Unix(self.node.socket()), |bytes| http("set ", bytes)).await;
        let At::Unix(at) = &relay.at else { return None };
        let mut spec = self.spec.clone();
        spec.nodes[0] = Address::Unix(at.clone());
        let backend = spec.connect();
        Some((relay, backend))
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Down => self.node.kill(),
            Trouble::Silent => self.between = Some(impostor(&self.node, None)),
            Trouble::Html => self.between = Some(impostor(&self.node, Some(HTML))),
            Trouble::CutOff => self.between = Some(impostor(&self.node, Some(CUT))),
            // The other socket has level user: it reads, and may set no weight.
            Trouble::WrongCredentials => self.spec.nodes = vec![Address::Net(self.node.reader.to_string())],
            // One command line to one process.
            Trouble::HalfApplied => return false,
        }
        true
    }

    async fn restart(&mut self) -> bool {
        self.node.kill();
        assert!(self.node.run());
        true
    }
}
