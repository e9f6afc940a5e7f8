//! Two consoles that drive one HAProxy at the same moment: what stands is what somebody ordered, on every node.

use crate::support::driving;
use crate::support::haproxy as kit;
use crate::support::local;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cutover::testing::backend::haproxy::{Address, HaproxySpec};
use cutover::testing::backend::{BackendError, TrafficBackend};
use cutover::testing::domain::{Order, Pair};
use driving::{apply, fresh, green, look};
use kit::{Client, Model, Proxy, Way, is_installed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

fn backend(spec: HaproxySpec) -> Arc<dyn TrafficBackend> {
    cutover::testing::backend::Backend::new(spec).connect()
}

/// The weights of blue's and green's server on one node.
fn weights(node: &Proxy) -> (u64, u64) {
    let said = node.say("show servers state be_split");
    let of = |server: &str| {
        let row = said.lines().find(|line| line.split(' ').nth(3) == Some(server)).unwrap();
        row.split(' ').nth(7).unwrap().parse().unwrap()
    };
    (of("blue1"), of("green1"))
}

/// Three nodes of one router, which share traffic by weights.
fn three(models: &Pair<std::net::SocketAddr>, percent: u8) -> (Vec<Proxy>, HaproxySpec) {
    let nodes: Vec<Proxy> = (0..3).map(|_| Proxy::start(Way::Weights, models, percent)).collect();
    let spec = HaproxySpec { nodes: nodes.iter().map(Proxy::node).collect(), ..nodes[0].spec() };
    (nodes, spec)
}

/// Stands before a node and holds the first order that comes, after `at` of its commands, until it is let go.
struct Holding {
    /// Given when the order is held.
    held: Arc<Semaphore>,
    /// Given to let it go on.
    go: Arc<Semaphore>,
    address: Address,
    task: tokio::task::JoinHandle<()>,
}

impl Holding {
    fn before(node: &Proxy, at: usize) -> Self {
        let path = node.dir().join("hold.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let (held, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let task = tokio::spawn(hold(listener, node.socket(), at, Arc::clone(&held), Arc::clone(&go)));
        Self { held, go, address: Address::Unix(path), task }
    }

    async fn is_held(&self) {
        tokio::time::timeout(local::DEADLINE, self.held.acquire()).await.expect("an order is held").unwrap().forget();
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hold(listener: UnixListener, real: PathBuf, at: usize, held: Arc<Semaphore>, go: Arc<Semaphore>) {
    let is_first = Arc::new(AtomicBool::new(true));
    while let Ok((stream, _)) = listener.accept().await {
        let (real, is_first) = (real.clone(), Arc::clone(&is_first));
        let (held, go) = (Arc::clone(&held), Arc::clone(&go));
        tokio::spawn(async move {
            let mut stream = stream;
            let mut line = vec![0; 4096];
            let n = stream.read(&mut line).await.unwrap_or(0);
            let line = String::from_utf8_lossy(&line[..n]).trim().to_owned();
            let commands: Vec<&str> = line.split(';').collect();
            let stops = line.starts_with("set ") && is_first.swap(false, Ordering::SeqCst);
            let (now, later) = commands.split_at(if stops { at } else { 0 });
            let mut answer = pass(&real, now).await;
            if stops {
                held.add_permits(1);
                go.acquire().await.unwrap().forget();
            }
            answer.extend(pass(&real, later).await);
            let _ = stream.write_all(&answer).await;
        });
    }
}

async fn pass(real: &PathBuf, commands: &[&str]) -> Vec<u8> {
    if commands.is_empty() {
        return Vec::new();
    }
    let mut to = UnixStream::connect(real).await.unwrap();
    to.write_all(format!("{}\n", commands.join(";")).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    to.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_rollback_between_two_commands_never_leaves_both_sides_without_weight() {
    if !is_installed("a_rollback_between_two_commands_never_leaves_both_sides_without_weight") {
        return;
    }
    let proxy = Proxy::start(Way::Weights, &Model::both(), 50);
    let (holding, two) = (Holding::before(&proxy, 1), backend(proxy.saved()));
    let one = backend(HaproxySpec { nodes: vec![holding.address.clone()], ..proxy.saved() });
    let shown = look(&one).await.revision;
    let forward = tokio::spawn(async move { apply(&one, &fresh(green(100), Some(shown))).await });
    holding.is_held().await;
    assert_eq!(weights(&proxy), (50, 100), "green is raised, blue not yet lowered");
    apply(&two, &fresh(green(0), None)).await.unwrap();
    assert_eq!(weights(&proxy), (100, 0));
    holding.go.add_permits(1);
    let result = forward.await.unwrap();
    assert!(matches!(&result, Err(BackendError::Conflict(text)) if text.contains("100/0")), "{result:?}");
    assert_eq!(weights(&proxy), (100, 0), "the way back stands");
    assert_eq!(Client::to(proxy.listen).get("/").unwrap(), (200, "blue".to_owned()));
    let kept = std::fs::read_to_string(proxy.state()).unwrap();
    assert!(
        kept.contains(" 100 ") && proxy.say("show servers state be_split").lines().all(|it| kept.contains(it)),
        "{kept}"
    );
}

/// As a socket keeps it: the caller is gone, the command is still to come.
#[tokio::test]
async fn an_order_that_was_given_up_and_comes_late_does_not_outlive_the_way_back() {
    if !is_installed("an_order_that_was_given_up_and_comes_late_does_not_outlive_the_way_back") {
        return;
    }
    let proxy = Proxy::start(Way::Weights, &Model::both(), 50);
    let holding = Holding::before(&proxy, 0);
    let one = backend(HaproxySpec { nodes: vec![holding.address.clone()], ..proxy.saved() });
    let shown = look(&one).await.revision;
    let forward = fresh(green(100), Some(shown));
    let driver = one.driver().unwrap();
    tokio::select! {
        result = driver.apply(&forward) => panic!("{result:?}"),
        () = holding.is_held() => {}
    }
    let back = {
        let one = Arc::clone(&one);
        tokio::spawn(async move { apply(&one, &fresh(green(0), None)).await })
    };
    driving::until(&one, |_| weights(&proxy) == (100, 0)).await;
    holding.go.add_permits(1);
    back.await.unwrap().unwrap();
    assert_eq!(weights(&proxy), (100, 0), "the way back stands");
    assert_eq!(look(&one).await.split, green(0));
}

#[tokio::test]
async fn an_order_that_is_late_on_one_node_goes_along_with_the_way_back() {
    if !is_installed("an_order_that_is_late_on_one_node_goes_along_with_the_way_back") {
        return;
    }
    let (nodes, spec) = three(&Model::both(), 50);
    let (holding, two) = (Holding::before(&nodes[1], 0), backend(spec.clone()));
    let mut through = spec;
    through.nodes[1] = holding.address.clone();
    let one = backend(through);
    let shown = look(&one).await.revision;
    let forward = tokio::spawn(async move { apply(&one, &fresh(green(100), Some(shown))).await });
    holding.is_held().await;
    local::eventually("the other nodes took it", || weights(&nodes[0]) == (0, 100) && weights(&nodes[2]) == (0, 100));
    apply(&two, &fresh(green(0), None)).await.unwrap();
    holding.go.add_permits(1);
    let result = forward.await.unwrap();
    assert!(matches!(&result, Err(BackendError::Conflict(_))), "{result:?}");
    for node in &nodes {
        assert_eq!(weights(node), (100, 0));
    }
}

/// Both at once, each on a thread of its own, as two processes are.
fn together(orders: [(&Arc<dyn TrafficBackend>, Order); 2]) -> [Result<(), BackendError>; 2] {
    let barrier = std::sync::Barrier::new(2);
    let one = |(backend, order): (&Arc<dyn TrafficBackend>, Order)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        barrier.wait();
        runtime.block_on(apply(backend, &order)).map(|_| ())
    };
    let [first, second] = orders;
    std::thread::scope(|scope| {
        let (first, second) = (scope.spawn(|| one(first)), scope.spawn(|| one(second)));
        [first.join().unwrap(), second.join().unwrap()]
    })
}

#[tokio::test]
async fn what_two_consoles_leave_is_what_one_of_them_ordered() {
    if !is_installed("what_two_consoles_leave_is_what_one_of_them_ordered") {
        return;
    }
    let (nodes, spec) = three(&Model::both(), 0);
    let (one, two) = (backend(spec.clone()), backend(spec));
    let mut conflicts = 0;
    for round in 0..120_u8 {
        apply(&one, &fresh(green(50), None)).await.unwrap();
        let shown = look(&one).await.revision;
        let first = fresh(green(100), Some(shown.clone()));
        // Another forward order, or the way back.
        let second = if round % 2 == 0 { fresh(green(75), Some(shown)) } else { fresh(green(0), None) };
        let ordered = [first.target, second.target];
        let is_back = second.expected.is_none();
        let results = together([(&one, first), (&two, second)]);
        let found: Vec<(u64, u64)> = nodes.iter().map(weights).collect();
        assert!(found.iter().all(|node| *node == found[0]), "{round}: {found:?} {results:?}");
        let split = green(u8::try_from(found[0].1).unwrap());
        assert_eq!(found[0].0 + found[0].1, 100, "{round}: {found:?} {results:?}");
        assert!(ordered.contains(&split), "{round}: {found:?} is what nobody ordered; {results:?}");
        for result in &results {
            assert!(matches!(result, Ok(()) | Err(BackendError::Conflict(_))), "{round}: {result:?}");
        }
        assert!(!is_back || results[1].is_ok(), "the way back is never told that it lost: {:?}", results[1]);
        match (&results[0], &results[1]) {
            (Ok(()), Err(_)) => assert_eq!(split, ordered[0], "{round}: the one that was told yes has it"),
            (Err(_), Ok(())) => assert_eq!(split, ordered[1], "{round}: the one that was told yes has it"),
            _ => {}
        }
        conflicts += results.iter().filter(|result| result.is_err()).count();
    }
    println!("120 meetings, {conflicts} conflicts");
}
