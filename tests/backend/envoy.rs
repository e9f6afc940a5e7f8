//! Envoy as a backend against the real server: traffic, processes that fail, restarts, other hands, impostors.

use crate::support::child;
use crate::support::driving;
use crate::support::envoy;
use crate::support::haproxy as kit;
use crate::support::local;
use crate::support::program;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cutover::testing::backend::envoy::{Address, EnvoySpec, EnvoyWay};
use cutover::testing::backend::{Applying, BackendError, TrafficBackend};
use cutover::testing::domain::{Observation, Order, OrderId, Pair, Revision, Side, Split};
use driving::{apply, back, forward, fresh, green, has_note, look};
use envoy::{Holding, KEY, Proxy, Setup, answer, filled, impostor, rename_into, routes_in, swallows_changes};
use kit::{Client, Model};
use rustix::process::Signal;

fn is_there(test: &str) -> bool {
    program::need(test, "envoy").is_some()
}

fn backend(spec: EnvoySpec) -> Arc<dyn TrafficBackend> {
    cutover::testing::backend::Backend::new(spec).connect()
}

async fn fault(backend: &Arc<dyn TrafficBackend>) -> BackendError {
    backend.observer().observe().await.unwrap_err()
}

/// Where no model needs to answer.
fn nowhere(green: u8) -> Setup {
    Setup::new(&Pair::from_fn(|_| ([127, 0, 0, 1], 9).into()), green)
}

#[tokio::test]
async fn a_fraction_shares_traffic_and_is_counted() {
    if !is_there("a_fraction_shares_traffic_and_is_counted") {
        return;
    }
    let proxy = Proxy::start(Setup::new(&Model::both(), 0));
    let backend = backend(proxy.spec());
    assert_eq!(backend.capabilities().applying, Applying::Atomic);
    let mut client = Client::to(proxy.listen);
    for (percent, least, most) in [(0, 0, 0), (1, 12, 90), (25, 860, 1140), (100, 4000, 4000)] {
        forward(&backend, percent).await.unwrap();
        assert_eq!(look(&backend).await.split, green(percent));
        let greens = (0..4000).filter(|_| client.get("/").unwrap().1 == "green").count();
        println!("{greens} of 4000 at {percent} %");
        // Drawn anew for each request: five standard deviations.
        assert!((least..=most).contains(&greens), "{greens} of 4000 at {percent} %");
    }
    back(&backend).await.unwrap();
    let before = look(&backend).await.traffic.unwrap();
    for n in 0..50 {
        assert_eq!(client.get(if n < 10 { "/fail" } else { "/" }).unwrap().0, if n < 10 { 500 } else { 200 });
    }
    // The last answer may be counted a moment after the client has it, and times come every five seconds.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let timed =
        |it: &Observation| it.traffic.as_ref().unwrap().sides.blue.latency_us.iter().map(|it| it.1).sum::<u64>();
    let mut seen = look(&backend).await;
    let count = |seen: &Observation| seen.traffic.as_ref().unwrap().sides.blue.total() - before.sides.blue.total();
    while count(&seen) < 50 || timed(&seen) < 50 {
        assert!(std::time::Instant::now() < end, "{:?}", seen.traffic);
        seen = look(&backend).await;
    }
    let now = seen.traffic.unwrap();
    assert_eq!(now.epoch, before.epoch);
    assert_eq!(now.sides.blue.errors() - before.sides.blue.errors(), 10);
    assert_eq!(now.sides.green.total(), before.sides.green.total());
    assert_eq!(seen.sides.blue.replicas.map(|it| (it.ready, it.total)), Some((1, 1)));
}

#[tokio::test]
async fn no_request_is_lost_or_late_in_twenty_switches() {
    if !is_there("no_request_is_lost_or_late_in_twenty_switches") {
        return;
    }
    let proxy = Proxy::start(Setup::new(&Model::both(), 0));
    let backend = backend(proxy.spec());
    let load = Load::start(proxy.listen);
    let mut client = Client::to(proxy.listen);
    let (mut took, mut stale) = (Vec::new(), 0);
    for n in 0..20 {
        let (percent, side) = if n % 2 == 0 { (100, "green") } else { (0, "blue") };
        let began = std::time::Instant::now();
        apply(&backend, &fresh(green(percent), None)).await.unwrap();
        took.push(began.elapsed());
        assert_eq!(look(&backend).await.split, green(percent));
        for _ in 0..10 {
            let (status, body) = client.get("/").unwrap();
            assert_eq!(status, 200);
            stale += u32::from(body != side);
        }
    }
    let (sent, failed) = load.end();
    took.sort();
    println!("20 switches of {:?} (median), {sent} requests, {failed} failed, {stale} late", took[10]);
    assert_eq!((failed, stale), (0, 0), "of {sent}: failed, and went to the old side after it was read back");
}

#[tokio::test]
async fn requests_under_way_end_where_they_began_and_are_told() {
    if !is_there("requests_under_way_end_where_they_began_and_are_told") {
        return;
    }
    kit::STREAMS_END.store(false, Ordering::Relaxed);
    let proxy = Proxy::start(Setup::new(&Model::both(), 0));
    let backend = backend(proxy.spec());
    let mut streams: Vec<Client> = (0..2).map(|_| Client::to(proxy.listen)).collect();
    for stream in &mut streams {
        assert!(stream.get("/stream").unwrap().1.starts_with("data: 1"));
    }
    forward(&backend, 100).await.unwrap();
    let seen = look(&backend).await;
    assert!(has_note(&seen, "blue: 2 requests still under way"), "{:?}", seen.notes);
    kit::STREAMS_END.store(true, Ordering::Relaxed);
    let mut seen = look(&backend).await;
    while has_note(&seen, "still under way") {
        seen = look(&backend).await;
    }
    assert_eq!(seen.traffic.unwrap().sides.blue.in_flight, 0);
}

#[tokio::test]
async fn the_preview_is_what_is_sent() {
    let spec = EnvoySpec {
        admin: vec![Address::Unix("/run/envoy/admin.sock".into()), Address::Net("http://10.0.0.5:9901".into())],
        clusters: Pair { blue: "blue".into(), green: "green".into() },
        way: EnvoyWay::Runtime { key: "a.b".into() },
    };
    let order = Order { id: OrderId("same".into()), ..fresh(green(10), Some(Revision("x".into()))) };
    let preview = backend(spec).observer().preview(&order);
    assert_eq!(preview.target, "/run/envoy/admin.sock, http://10.0.0.5:9901");
    let line = &preview.lines[0];
    assert!(line.starts_with("POST /runtime_modify?a.b=10&a.b.order=o") && line.len() == 55, "{line}");
}

/// Reads until it is one clean value; how many looks that took.
async fn settles(backend: &Arc<dyn TrafficBackend>, split: Split) -> u32 {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    for looks in 1.. {
        let seen = look(backend).await;
        if seen.split == split && seen.mixed.is_none() {
            return looks;
        }
        assert!(std::time::Instant::now() < end, "never read back: {split}: {seen:?}");
    }
    0
}

#[tokio::test]
async fn a_file_of_routes_loses_nothing_in_twenty_switches() {
    if !is_there("a_file_of_routes_loses_nothing_in_twenty_switches") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let routes = Some(routes_in(dir.path(), 0));
    let proxy = Proxy::start(Setup { routes, ..Setup::new(&Model::both(), 0) });
    let backend = backend(proxy.spec_of_routes());
    let can = backend.capabilities();
    assert!(can.survives_restart && can.applying == Applying::Asynchronous);
    let load = Load::start(proxy.listen);
    let mut client = Client::to(proxy.listen);
    let (mut took, mut stale) = (Vec::new(), 0);
    for n in 0..20 {
        let (percent, side) = if n % 2 == 0 { (100, "green") } else { (0, "blue") };
        let began = std::time::Instant::now();
        apply(&backend, &fresh(green(percent), None)).await.unwrap();
        settles(&backend, green(percent)).await;
        took.push(began.elapsed());
        for _ in 0..10 {
            let (status, body) = client.get("/").unwrap();
            assert_eq!(status, 200);
            stale += u32::from(body != side);
        }
    }
    let (sent, failed) = load.end();
    took.sort();
    println!("20 switches read back after {:?} (median), {sent} requests, {failed} failed, {stale} late", took[10]);
    assert_eq!((failed, stale), (0, 0), "of {sent}: failed, and went to the old side after it was read back");
    forward(&backend, 25).await.unwrap();
    settles(&backend, green(25)).await;
    let greens = (0..2000).filter(|_| client.get("/").unwrap().1 == "green").count();
    assert!((400..=600).contains(&greens), "{greens} of 2000 at 25 %");
}

#[tokio::test]
async fn a_file_that_envoy_did_not_take_in_is_not_in_force() {
    if !is_there("a_file_that_envoy_did_not_take_in_is_not_in_force") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = routes_in(dir.path(), 0);
    let mut proxy = Proxy::start(Setup { routes: Some(file.clone()), ..nowhere(0) });
    let backend = backend(proxy.spec_of_routes());
    let shown = look(&backend).await;
    assert_eq!((shown.split, &shown.mixed), (green(0), &None));
    forward(&backend, 50).await.unwrap();
    settles(&backend, green(50)).await;
    let stale = apply(&backend, &fresh(green(60), Some(shown.revision))).await;
    assert!(matches!(&stale, Err(BackendError::Conflict(_))), "{stale:?}");
    // The same split under another order: nothing in the routes changes but the version.
    apply(&backend, &fresh(green(50), None)).await.unwrap();
    settles(&backend, green(50)).await;
    let mixed = async |words: &str| {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let seen = look(&backend).await;
            if seen.mixed.as_ref().is_some_and(|mixed| mixed.contains(words)) {
                assert_eq!(seen.split, green(50), "what Envoy serves by");
                return;
            }
            assert!(std::time::Instant::now() < end, "{words}: {seen:?}");
        }
    };
    // Somebody's editor writes in place: Envoy reads nothing.
    std::fs::write(&file, filled("by-hand", 10, 90)).unwrap();
    mixed("written in place").await;
    // What Envoy rejects, and tells nobody.
    let long = filled("odd", 10, 90).replace("\"prefix\": \"/\"", "\"safe_regex\": { \"regex\": \"(\" }");
    rename_into(&file, &long);
    mixed("has rejected 1").await;
    rename_into(&file, &filled("none", 0, 0));
    mixed("all weights of a route are 0").await;
    rename_into(&file, "{");
    mixed("no JSON").await;
    std::fs::remove_file(&file).unwrap();
    mixed("not there").await;
    apply(&backend, &fresh(green(0), None)).await.expect("the way back needs no sound file");
    settles(&backend, green(0)).await;
    forward(&backend, 10).await.unwrap();
    settles(&backend, green(10)).await;
    proxy.kill();
    proxy.run();
    settles(&backend, green(10)).await;
    // Routes of somebody else's in the same file are somebody else's change: told, and a forward order refused.
    let shown = look(&backend).await.revision;
    rename_into(&file, &filled("theirs", 70, 30));
    settles(&backend, green(30)).await;
    let refused = apply(&backend, &fresh(green(50), Some(shown))).await;
    assert!(matches!(&refused, Err(BackendError::Conflict(text)) if text.contains("70/30")), "{refused:?}");
    // A template that was broken meanwhile changes nothing.
    std::fs::write(dir.path().join("template.json"), filled("{{version}}", 0, 0)).unwrap();
    let refused = forward(&backend, 50).await;
    assert!(
        matches!(&refused, Err(BackendError::Refused(text)) if text.contains("nothing was written")),
        "{refused:?}"
    );
    assert_eq!(look(&backend).await.split, green(30));
}

/// Clients that keep their connections and ask without a pause.
struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<std::thread::JoinHandle<(u32, u32)>>,
}

impl Load {
    fn start(at: std::net::SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let one = |_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let mut client = Client::to(at);
                let (mut sent, mut failed) = (0_u32, 0_u32);
                while !stop.load(Ordering::Relaxed) && sent < 200_000 {
                    sent += 1;
                    failed += u32::from(client.get("/").is_none_or(|(status, _)| status != 200));
                }
                (sent, failed)
            })
        };
        let clients = (0..4).map(one).collect();
        Self { stop, clients }
    }

    /// Requests sent, and failed.
    fn end(self) -> (u32, u32) {
        self.stop.store(true, Ordering::Relaxed);
        let counts = self.clients.into_iter().map(|it| it.join().unwrap());
        let (sent, failed) = counts.fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        assert!(sent > 100, "{sent} requests were sent");
        (sent, failed)
    }
}

/// Three processes of one router.
struct Three {
    nodes: Vec<Proxy>,
    spec: EnvoySpec,
}

impl Three {
    fn start() -> Self {
        let nodes: Vec<Proxy> = (0..3).map(|_| Proxy::start(nowhere(0))).collect();
        let spec = EnvoySpec { admin: nodes.iter().map(Proxy::place).collect(), ..nodes[0].spec() };
        Self { nodes, spec }
    }
}

#[tokio::test]
async fn a_process_that_is_down_stops_the_way_forward_and_not_the_way_back() {
    if !is_there("a_process_that_is_down_stops_the_way_forward_and_not_the_way_back") {
        return;
    }
    let mut three = Three::start();
    let backend = backend(three.spec.clone());
    assert_eq!(backend.capabilities().applying, Applying::Asynchronous);
    forward(&backend, 50).await.unwrap();
    three.nodes[1].kill();
    let down = three.nodes[1].socket().to_string_lossy().into_owned();
    let seen = look(&backend).await;
    assert_eq!((seen.split, &seen.mixed), (green(50), &None), "a process that is gone serves nobody");
    assert!(has_note(&seen, "Envoy is down") && has_note(&seen, &down), "{:?}", seen.notes);
    match forward(&backend, 100).await {
        Err(BackendError::Unreachable(text)) => assert!(text.contains(&down) && text.contains("every Envoy"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(look(&backend).await.split, green(50), "nothing was set anywhere");
    back(&backend).await.unwrap();
    let seen = look(&backend).await;
    assert_eq!((seen.split, &seen.mixed), (green(0), &None));
    assert!(has_note(&seen, &down), "the way back says which did not move: {:?}", seen.notes);
    // It comes back with the default of its routes, which somebody deployed meanwhile.
    three.nodes[1].setup.default = "{numerator: 50}".into();
    three.nodes[1].run();
    let seen = look(&backend).await;
    assert!(seen.mixed.as_ref().is_some_and(|mixed| mixed.contains(&format!("{down} says 50/50"))), "{:?}", seen.mixed);
    assert!(has_note(&seen, "default of 50 %"), "{:?}", seen.notes);
    back(&backend).await.unwrap();
    assert_eq!(look(&backend).await.mixed, None, "the next try settles it");
}

#[tokio::test]
async fn a_process_that_is_silent_may_still_serve() {
    if !is_there("a_process_that_is_silent_may_still_serve") {
        return;
    }
    let three = Three::start();
    let backend = backend(three.spec.clone());
    forward(&backend, 50).await.unwrap();
    three.nodes[2].signal(Signal::STOP);
    let silent = three.nodes[2].socket().to_string_lossy().into_owned();
    let went_back = fresh(green(0), None);
    match apply(&backend, &went_back).await {
        Err(BackendError::Unknown(text)) => {
            let (set, not) = text.split_once("; not on ").unwrap();
            assert!(set.contains(&*three.nodes[0].socket().to_string_lossy()) && not.contains(&silent), "{text}");
        }
        other => panic!("{other:?}"),
    }
    let seen = look(&backend).await;
    assert_eq!(seen.split, green(0));
    assert!(seen.mixed.as_ref().is_some_and(|mixed| mixed.contains(&silent)), "{:?}", seen.mixed);
    three.nodes[2].signal(Signal::CONT);
    apply(&backend, &went_back).await.expect("the same order again, to all");
    let seen = look(&backend).await;
    assert_eq!((seen.split, seen.mixed), (green(0), None));
}

#[tokio::test]
async fn an_order_that_is_cut_off_on_one_process_is_unknown_and_shown() {
    if !is_there("an_order_that_is_cut_off_on_one_process_is_unknown_and_shown") {
        return;
    }
    let three = Three::start();
    let mut spec = three.spec.clone();
    let (place, between) = swallows_changes(&three.nodes[2], "");
    spec.admin[2] = place;
    let backend = backend(spec);
    let shown = look(&backend).await.revision;
    let forward = fresh(green(10), Some(shown));
    let result = apply(&backend, &forward).await;
    assert!(matches!(&result, Err(BackendError::Unknown(text)) if text.contains("relay.sock")), "{result:?}");
    let seen = look(&backend).await;
    assert!(seen.mixed.as_ref().is_some_and(|mixed| mixed.contains("90/10") && mixed.contains("100/0")), "{seen:?}");
    drop(between);
    let whole = self::backend(three.spec.clone());
    back(&whole).await.unwrap();
    assert_eq!(look(&whole).await.mixed, None);
}

/// As a socket keeps it: the caller is gone, the change is still to come.
#[tokio::test]
async fn an_order_that_was_given_up_and_comes_late_does_not_outlive_the_way_back() {
    if !is_there("an_order_that_was_given_up_and_comes_late_does_not_outlive_the_way_back") {
        return;
    }
    let proxy = Proxy::start(nowhere(50));
    let holding = Holding::before(&proxy);
    let one = backend(EnvoySpec { admin: vec![holding.place.clone()], ..proxy.spec() });
    let late = fresh(green(100), Some(look(&one).await.revision));
    let driver = one.driver().unwrap();
    tokio::select! {
        result = driver.apply(&late) => panic!("{result:?}"),
        held = holding.held.acquire() => held.unwrap().forget(),
    }
    let back = {
        let one = Arc::clone(&one);
        tokio::spawn(async move { back(&one).await })
    };
    driving::until(&one, |seen| seen.split == green(0)).await;
    holding.go.add_permits(1);
    back.await.unwrap().unwrap();
    assert_eq!(look(&one).await.split, green(0), "the way back stands");
}

#[tokio::test]
async fn a_restart_loses_the_value_and_is_told() {
    if !is_there("a_restart_loses_the_value_and_is_told") {
        return;
    }
    let mut proxy = Proxy::start(nowhere(0));
    let backend = backend(proxy.spec());
    assert!(!backend.capabilities().survives_restart);
    let old = look(&backend).await;
    forward(&backend, 100).await.unwrap();
    assert!(!has_note(&look(&backend).await, "what was set before is gone"));
    proxy.kill();
    assert!(matches!(fault(&backend).await, BackendError::Unreachable(_)));
    proxy.run();
    let seen = look(&backend).await;
    assert_eq!(seen.split, green(0), "the route's default holds");
    assert!(has_note(&seen, "what was set before is gone"), "{:?}", seen.notes);
    assert_ne!(seen.revision, old.revision, "another process is another state");
    assert_ne!(seen.traffic.unwrap().epoch, old.traffic.unwrap().epoch);
}

#[tokio::test]
async fn other_hands_are_seen() {
    if !is_there("other_hands_are_seen") {
        return;
    }
    let proxy = Proxy::start(nowhere(0));
    let (one, two) = (backend(proxy.spec()), backend(proxy.spec()));
    let shown = look(&one).await;
    assert_eq!(shown.revision, look(&two).await.revision, "two consoles see one state");
    proxy.set("20");
    let result = apply(&one, &fresh(green(10), Some(shown.revision))).await;
    assert!(matches!(&result, Err(BackendError::Conflict(text)) if text.contains("80/20")), "{result:?}");
    // Two consoles with one revision: the second is told.
    let shown = look(&one).await.revision;
    let first = fresh(green(50), Some(shown.clone()));
    apply(&one, &first).await.unwrap();
    assert!(matches!(apply(&two, &fresh(green(100), Some(shown))).await, Err(BackendError::Conflict(_))));
    assert_eq!(look(&two).await.split, green(50));
    let settled = look(&one).await.revision;
    apply(&two, &first).await.expect("the same id is the same act, whoever sends it");
    assert_eq!(look(&one).await.revision, settled);
    // At once, Envoy having no compare-and-set: what came of it is read, and the way back is whole whoever asks.
    let (a, b) = (fresh(green(100), Some(settled.clone())), fresh(green(75), Some(settled)));
    let (first, second) = tokio::join!(apply(&one, &a), apply(&two, &b));
    for result in [&first, &second] {
        assert!(matches!(result, Ok(_) | Err(BackendError::Conflict(_))), "{result:?}");
    }
    assert!(first.is_ok() || second.is_ok());
    assert_eq!(look(&one).await.split, look(&two).await.split);
    let (a, b) = (fresh(green(0), None), fresh(green(0), None));
    let (first, second) = tokio::join!(apply(&one, &a), apply(&two, &b));
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    assert_eq!(look(&two).await.split, green(0));
}

#[tokio::test]
async fn nonsense_that_envoy_takes_is_no_split() {
    if !is_there("nonsense_that_envoy_takes_is_no_split") {
        return;
    }
    let proxy = Proxy::start(nowhere(30));
    let backend = backend(proxy.spec());
    assert_eq!(look(&backend).await.split, green(30));
    for odd in ["abc", "250", "-5", "12.5", "0x10", "true", "%1b%5b2J"] {
        proxy.set(odd);
        let seen = look(&backend).await;
        let told = seen.mixed.unwrap_or_else(|| panic!("{odd} is no percent: {}", seen.split));
        assert!(told.contains("no whole percent") && !told.contains('\u{1b}'), "{told}");
        back(&backend).await.unwrap();
        assert_eq!(look(&backend).await.mixed, None);
    }
    // An empty value takes the key away: the default of the routes holds.
    proxy.set("");
    assert_eq!(look(&backend).await.split, green(30));
}

#[tokio::test]
async fn an_envoy_that_could_not_be_driven_is_told() {
    if !is_there("an_envoy_that_could_not_be_driven_is_told") {
        return;
    }
    let mut proxy = Proxy::start(nowhere(0));
    let sound = proxy.setup.clone();
    let layers = |layers: &str| Setup { layers: layers.into(), ..sound.clone() };
    for (setup, words) in [
        (layers("[{name: static, static_layer: {}}]"), "no admin layer"),
        (
            layers("[{name: admin, admin_layer: {}}, {name: pinned, static_layer: {routing.traffic_shift.green: 5}}]"),
            "layer \"pinned\" lies above",
        ),
        (Setup { key: "other.key".into(), ..sound.clone() }, "no route uses the key"),
        (Setup { default: "{numerator: 5, denominator: TEN_THOUSAND}".into(), ..sound.clone() }, "write HUNDRED"),
    ] {
        proxy.kill();
        proxy.setup = setup;
        proxy.run();
        let backend = backend(proxy.spec());
        let error = fault(&backend).await;
        assert!(matches!(&error, BackendError::Refused(text) if text.contains(words)), "{words}: {error}");
        let forward = apply(&backend, &fresh(green(10), Some(Revision("x".into())))).await;
        assert!(matches!(&forward, Err(BackendError::Refused(_))), "{words}: {forward:?}");
        let went_back = back(&backend).await;
        match words {
            "no admin layer" => assert!(matches!(&went_back, Err(BackendError::Refused(_))), "{went_back:?}"),
            _ => assert!(went_back.is_ok(), "the way back asks nothing: {went_back:?}"),
        }
    }
    // A cluster that goes by another name.
    proxy.kill();
    proxy.setup = sound;
    proxy.run();
    let clusters = Pair { blue: "blue".into(), green: "verte".into() };
    let error = fault(&backend(EnvoySpec { clusters, ..proxy.spec() })).await;
    assert!(error.to_string().contains("not to green's cluster \"verte\""), "{error}");
}

#[tokio::test]
async fn sockets_that_are_none_and_paths_that_are_closed() {
    if !is_there("sockets_that_are_none_and_paths_that_are_closed") {
        return;
    }
    let setup = Setup { allowed: Some(vec!["/ready", "/listeners", "/stats"]), ..nowhere(0) };
    let proxy = Proxy::start(setup);
    let at = |place: Address| backend(EnvoySpec { admin: vec![place], ..proxy.spec() });
    let error = fault(&at(proxy.place())).await;
    assert!(matches!(&error, BackendError::Denied(text) if text.contains("admin.allow_paths")), "{error}");
    let file = proxy.dir().join("file");
    std::fs::write(&file, "").unwrap();
    for place in [
        Address::Unix(proxy.dir().join("none.sock")),
        Address::Unix(file),
        Address::Net(format!("http://{}", local::free_address())),
    ] {
        let error = fault(&at(place)).await;
        assert!(matches!(error, BackendError::Unreachable(_)), "{error}");
    }
    // A model, or anything else that speaks HTTP.
    let model = Address::Net(format!("http://{}", Model::start(Side::Blue).at));
    let error = fault(&at(model)).await;
    assert!(matches!(error, BackendError::Garbled(_)), "{error}");
    if rustix::process::geteuid().is_root() {
        println!("root opens every socket: permission denied is not shown");
        return;
    }
    std::fs::set_permissions(proxy.socket(), std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let error = fault(&at(proxy.place())).await;
    assert!(matches!(error, BackendError::Denied(_)), "{error}");
}

#[tokio::test]
async fn impostors_are_told_from_envoy() {
    let dir = tempfile::Builder::new().prefix("envoy").tempdir_in("/tmp").unwrap();
    let socket = dir.path().join("s");
    let spec = EnvoySpec {
        admin: vec![Address::Unix(socket.clone())],
        clusters: Pair { blue: "blue".into(), green: "green".into() },
        way: EnvoyWay::Runtime { key: KEY.into() },
    };
    for (text, wanted) in [
        (answer("<html>\u{1b}[2Jhi</html>"), "garbled"),
        (answer("{\"entries\": {}}"), "garbled"),
        (answer("[]"), "garbled"),
        (answer("{\"configs\": [{\"last_updated\": 5}]}"), "garbled"),
        (answer(&"x".repeat(5 * 1024 * 1024)), "garbled"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"entr".into(), "garbled"),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".into(), "denied"),
        ("HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n".into(), "garbled"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into(), "refused"),
        (String::new(), "unknown"),
    ] {
        let between = impostor(&socket, Some(text.clone()));
        let error = fault(&backend(spec.clone())).await;
        let kind = match &error {
            BackendError::Garbled(_) => "garbled",
            BackendError::Denied(_) => "denied",
            BackendError::Refused(_) => "refused",
            BackendError::Unknown(_) => "unknown",
            _ => "other",
        };
        assert_eq!(kind, wanted, "{:?}: {error}", &text[..text.len().min(80)]);
        assert!(!error.to_string().contains('\u{1b}') && error.to_string().len() < 2000, "{error}");
        drop(between);
    }
    // 200 and something else than OK is no success.
    let _between = impostor(&socket, Some(answer("<html>")));
    assert!(matches!(back(&backend(spec)).await, Err(BackendError::Garbled(_))));
}

/// The server's configs on the set-up page, accepted by Envoy itself and, with their paths moved, driven.
#[tokio::test]
async fn envoy_accepts_the_configs_of_the_set_up_page() {
    let Some(program) = program::need("envoy_accepts_the_configs_of_the_set_up_page", "envoy") else { return };
    let page = cutover::testing::backend::setup::pages().find(|page| page.kind == "envoy").unwrap();
    let configs = page.blocks("## Server", "yaml");
    assert_eq!(configs.len(), page.examples().len(), "a config of the server for each of ours");
    let dir = tempfile::tempdir().unwrap();
    let routes = routes_in(dir.path(), 0);
    for (way, text) in configs {
        let file = dir.path().join("envoy.yaml");
        let place = routes.parent().unwrap().to_string_lossy().into_owned();
        std::fs::write(&file, text.replace("/etc/envoy/rds", &place)).unwrap();
        let checked =
            std::process::Command::new(&program).args(["--mode", "validate", "-c"]).arg(&file).output().unwrap();
        let told = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success(), "{way}: {told}");
        assert!(!told.contains("warning") && !told.contains("deprecated"), "{way}: {told}");
    }
    // The page's template, in place of the kit's.
    let [(_, template)] = &page.blocks("## Server", "json")[..] else { panic!("one template") };
    std::fs::write(dir.path().join("template.json"), template).unwrap();
    let proxy = Proxy::start(Setup { routes: Some(routes), ..nowhere(0) });
    let backend = backend(proxy.spec_of_routes());
    forward(&backend, 40).await.unwrap();
    settles(&backend, green(40)).await;
}

/// The program itself, as an operator or a pipeline runs it.
struct Operator<'a> {
    proxy: &'a Proxy,
    config: std::path::PathBuf,
}

impl<'a> Operator<'a> {
    fn new(proxy: &'a Proxy, backend: &str) -> Self {
        let config = proxy.dir().join("cutover.toml");
        let (dir, sides) = (proxy.dir().display(), &proxy.setup.sides);
        let text = format!(
            "[service]\nname = \"digits\"\n[blue]\nurls = [\"http://{}\"]\nversion = \"v41\"\n\
             [green]\nurls = [\"http://{}\"]\nversion = \"v42\"\n\
             [backend]\nkind = \"envoy\"\nadmin = \"{dir}/admin.sock\"\n{backend}\n\
             [state]\ndir = \"{dir}/var\"\n[plan]\nbake = \"0s\"\n",
            sides.blue, sides.green
        );
        std::fs::write(&config, text).unwrap();
        Self { proxy, config }
    }

    fn ends(&self, words: &str, code: i32, says: &str) -> String {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.arg("-c").arg(&self.config).args(words.split(' '));
        command.env_clear().env("USER", "op1").env("HOME", self.proxy.dir()).env("LANG", "C.UTF-8");
        let output = child::output(&mut command);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words}: {text}");
        assert!(text.contains(says), "{words}: {text}");
        text
    }
}

#[test]
fn the_program_switches_and_rolls_back_under_load() {
    if !is_there("the_program_switches_and_rolls_back_under_load") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let sides = Model::both();
    let file = routes_in(dir.path(), 0);
    let template = dir.path().join("template.json");
    let of_routes = format!("routes = \"{}\"\ntemplate = \"{}\"", file.display(), template.display());
    for (routes, backend) in [(None, format!("key = \"{KEY}\"")), (Some(file), of_routes)] {
        let proxy = Proxy::start(Setup { routes, ..Setup::new(&sides, 0) });
        let operator = Operator::new(&proxy, &backend);
        let load = Load::start(proxy.listen);
        let mut client = Client::to(proxy.listen);
        operator.ends("check", 0, "ok   router");
        operator.ends("switch --dry-run", 0, "green");
        operator.ends("promote --yes --wait", 0, "VERIFIED");
        operator.ends("switch --yes --wait", 0, "VERIFIED");
        assert_eq!(client.get("/").unwrap().1, "green");
        operator.ends("rollback --yes --wait", 0, "VERIFIED");
        assert_eq!(client.get("/").unwrap().1, "blue");
        let text = operator.ends("status -o json", 0, "");
        let status: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&status["backend"], &status["last_order"]["state"]), (&"envoy".into(), &"verified".into()));
        assert!(status["sides"]["blue"]["samples"].is_u64(), "{text}");
        let (sent, failed) = load.end();
        assert_eq!(failed, 0, "{failed} of {sent} failed");
    }
}

#[test]
fn check_tells_what_is_wrong_with_envoy() {
    if !is_there("check_tells_what_is_wrong_with_envoy") {
        return;
    }
    let proxy = Proxy::start(Setup { layers: "[]".into(), ..Setup::new(&Model::both(), 0) });
    let operator = Operator::new(&proxy, &format!("key = \"{KEY}\""));
    operator.ends("check", 9, "no admin layer");
    let operator = Operator::new(&proxy, "routes = \"no/such.json\"\ntemplate = \"none.json\"");
    operator.ends("check", 9, "no route with weighted_clusters");
}
