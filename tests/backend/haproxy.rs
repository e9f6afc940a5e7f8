//! HAProxy as a backend against the real server: traffic, nodes that fail, reloads, other hands, impostors.

use crate::support::child;
use crate::support::driving;
use crate::support::haproxy as kit;
use crate::support::local;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cutover::testing::backend::haproxy::{Address, HaproxySpec, Method, Save};
use cutover::testing::backend::{Applying, BackendError, TrafficBackend, Weights};
use cutover::testing::domain::{Move, Order, Pair, Revision, Side};
use driving::{apply, back, forward, fresh, green, has_note, look};
use kit::{Client, Model, Proxy, Way, is_installed};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

fn backend(spec: HaproxySpec) -> Arc<dyn TrafficBackend> {
    cutover::testing::backend::Backend::new(spec).connect()
}

#[tokio::test]
async fn weights_share_traffic_and_are_counted() {
    if !is_installed("weights_share_traffic_and_are_counted") {
        return;
    }
    let proxy = Proxy::start(Way::Weights, &Model::both(), 0);
    let backend = backend(proxy.spec());
    forward(&backend, 10).await.unwrap();
    let before = look(&backend).await;
    let mut client = Client::to(proxy.listen);
    let mut greens = 0;
    for n in 0..200 {
        let (status, body) = client.get(if n % 10 == 0 { "/fail" } else { "/" }).unwrap();
        assert_eq!(status, if n % 10 == 0 { 500 } else { 200 });
        greens += u64::from(body == "green");
    }
    // Each of HAProxy's threads has a turn of its own.
    assert!((16..=24).contains(&greens), "{greens} of 200 at 10 %");
    // The last answer may be counted a moment after the client has it.
    let mut seen = look(&backend).await;
    while seen.traffic.as_ref().unwrap().sides.blue.total() < 200 - greens {
        seen = look(&backend).await;
    }
    let (old, new) = (before.traffic.unwrap(), seen.traffic.unwrap());
    assert_eq!(old.epoch, new.epoch);
    let count = |side: Side| new.sides[side].total() - old.sides[side].total();
    assert_eq!((count(Side::Blue), count(Side::Green)), (200 - greens, greens));
    assert_eq!(new.sides.blue.errors() + new.sides.green.errors(), 20);
    assert!(new.sides.blue.latency_us.is_empty(), "there is no histogram to be had");
    assert_eq!(seen.sides.blue.replicas.map(|it| (it.ready, it.total)), Some((1, 1)));
}

#[tokio::test]
async fn no_request_is_lost_or_late_in_twenty_switches() {
    if !is_installed("no_request_is_lost_or_late_in_twenty_switches") {
        return;
    }
    let models = Model::both();
    for way in [Way::Map, Way::Weights] {
        let proxy = Proxy::start(way, &models, 0);
        let backend = backend(proxy.spec());
        let stop = Arc::new(AtomicBool::new(false));
        let load: Vec<_> = (0..4)
            .map(|_| {
                let (stop, at) = (Arc::clone(&stop), proxy.listen);
                std::thread::spawn(move || {
                    let mut client = Client::to(at);
                    let (mut sent, mut failed) = (0_u32, 0_u32);
                    while !stop.load(Ordering::Relaxed) && sent < 200_000 {
                        sent += 1;
                        failed += u32::from(client.get("/").is_none_or(|(status, _)| status != 200));
                    }
                    (sent, failed)
                })
            })
            .collect();
        let mut client = Client::to(proxy.listen);
        let mut took = Vec::new();
        for n in 0..20 {
            let (percent, side) = if n % 2 == 0 { (100, "green") } else { (0, "blue") };
            let kind = if n % 2 == 0 { Move::Switch } else { Move::Rollback };
            let toward = if n % 2 == 0 { Side::Green } else { Side::Blue };
            let began = std::time::Instant::now();
            apply(&backend, &Order { kind, toward, ..fresh(green(percent), None) }).await.unwrap();
            took.push(began.elapsed());
            let (status, body) = client.get("/").unwrap();
            assert_eq!((status, body.as_str()), (200, side), "a request after the answer goes to the new side");
            assert_eq!(look(&backend).await.split, green(percent));
        }
        stop.store(true, Ordering::Relaxed);
        let (sent, failed) = load.into_iter().map(|it| it.join().unwrap()).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        assert!(sent > 100, "{sent} requests were sent");
        assert_eq!(failed, 0, "{failed} of {sent} failed with {way:?}");
        took.sort();
        println!("{way:?}: 20 switches of {:?} (median), {sent} requests, {failed} failed", took[10]);
    }
}

#[tokio::test]
async fn a_map_switches_all_or_nothing_and_a_percent_anything() {
    if !is_installed("a_map_switches_all_or_nothing_and_a_percent_anything") {
        return;
    }
    let models = Model::both();
    let map = Proxy::start(Way::Map, &models, 0);
    let switch = backend(map.spec());
    let can = switch.capabilities();
    assert_eq!((can.weights, can.applying, can.survives_restart), (Weights::AllOrNothing, Applying::Atomic, false));
    assert!(matches!(forward(&switch, 10).await, Err(BackendError::Refused(_))));
    assert_eq!(look(&switch).await.split, green(0));
    let percent = Proxy::start(Way::Percent, &models, 0);
    let ramp = backend(percent.spec());
    for share in [0_u8, 30, 100] {
        forward(&ramp, share).await.unwrap();
        let mut client = Client::to(percent.listen);
        let greens = (0..400).filter(|_| client.get("/").unwrap().1 == "green").count();
        let (least, most) = if share == 30 { (60, 190) } else { (usize::from(share) * 4, usize::from(share) * 4) };
        assert!((least..=most).contains(&greens), "{greens} of 400 at {share} %");
    }
}

#[tokio::test]
async fn the_preview_is_what_is_sent() {
    let spec = HaproxySpec {
        nodes: vec![Address::Unix("/run/a.sock".into()), Address::Net("10.0.0.5:9999".into())],
        method: Method::Weights {
            backend: "be_split".into(),
            servers: Pair { blue: vec!["b1".into()], green: vec!["g1".into(), "g2".into()] },
            addresses: Pair::default(),
        },
        save: Save { maps: vec![], states: vec!["/var/lib/haproxy/state".into()] },
    };
    let preview = backend(spec).observer().preview(&fresh(green(10), Some(Revision("x".into()))));
    assert_eq!(preview.target, "/run/a.sock, 10.0.0.5:9999");
    assert_eq!(
        preview.lines,
        [
            "set server be_split/g1 weight 1",
            "set server be_split/g2 weight 1",
            "set server be_split/b1 weight 18",
            "then write /var/lib/haproxy/state"
        ]
    );
}

/// Three nodes of one router.
struct Three {
    nodes: Vec<Proxy>,
    spec: HaproxySpec,
}

impl Three {
    fn start(percent: u8) -> Self {
        let first = Proxy::start(Way::Percent, &Model::both(), percent);
        let others = [Proxy::start_beside(&first, percent), Proxy::start_beside(&first, percent)];
        let nodes: Vec<Proxy> = std::iter::once(first).chain(others).collect();
        let spec = HaproxySpec { nodes: nodes.iter().map(Proxy::node).collect(), ..nodes[0].spec() };
        Self { nodes, spec }
    }
}

#[tokio::test]
async fn a_node_that_is_down_stops_the_way_forward_and_not_the_way_back() {
    if !is_installed("a_node_that_is_down_stops_the_way_forward_and_not_the_way_back") {
        return;
    }
    let mut three = Three::start(0);
    let backend = backend(three.spec.clone());
    forward(&backend, 50).await.unwrap();
    three.nodes[1].kill();
    let down = three.nodes[1].socket().to_string_lossy().into_owned();
    let seen = look(&backend).await;
    assert_eq!((seen.split, &seen.mixed), (green(50), &None), "a process that is gone serves nobody");
    assert!(has_note(&seen, "node is down") && has_note(&seen, &down), "{:?}", seen.notes);
    match forward(&backend, 100).await {
        Err(BackendError::Unreachable(text)) => assert!(text.contains(&down) && text.contains("every node"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(look(&backend).await.split, green(50), "nothing was set anywhere");
    back(&backend).await.unwrap();
    let seen = look(&backend).await;
    assert_eq!((seen.split, &seen.mixed), (green(0), &None));
    assert!(has_note(&seen, &down), "the way back says which did not move: {:?}", seen.notes);
    // It comes back with what its file says, which somebody wrote meanwhile.
    std::fs::write(three.nodes[0].map(), "green_pct 50\n").unwrap();
    assert!(three.nodes[1].run());
    let seen = look(&backend).await;
    assert!(seen.mixed.as_ref().is_some_and(|mixed| mixed.contains(&format!("{down} says 50/50"))), "{:?}", seen.mixed);
    back(&backend).await.unwrap();
    assert_eq!(look(&backend).await.mixed, None, "the next try settles it");
}

#[tokio::test]
async fn a_node_that_is_silent_may_still_serve() {
    if !is_installed("a_node_that_is_silent_may_still_serve") {
        return;
    }
    let three = Three::start(0);
    let backend = backend(three.spec.clone());
    forward(&backend, 50).await.unwrap();
    three.nodes[2].signal_child(Signal::STOP);
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
    three.nodes[2].signal_child(Signal::CONT);
    local::eventually("it answers again", || !three.nodes[2].say("show info").is_empty());
    apply(&backend, &went_back).await.expect("the same order again, to all");
    let seen = look(&backend).await;
    assert_eq!((seen.split, seen.mixed), (green(0), None));
}

#[tokio::test]
async fn an_order_that_is_cut_off_on_one_node_is_unknown_and_shown() {
    if !is_installed("an_order_that_is_cut_off_on_one_node_is_unknown_and_shown") {
        return;
    }
    let three = Three::start(0);
    let mut spec = three.spec.clone();
    let relay = three.nodes[2].dir().join("relay.sock");
    let cuts = Arc::new(AtomicBool::new(true));
    let task = relay_that_cuts(UnixListener::bind(&relay).unwrap(), three.nodes[2].socket(), Arc::clone(&cuts));
    spec.nodes[2] = Address::Unix(relay);
    let backend = backend(spec);
    let result = forward(&backend, 10).await;
    assert!(matches!(&result, Err(BackendError::Unknown(text)) if text.contains("relay.sock")), "{result:?}");
    let seen = look(&backend).await;
    assert!(seen.mixed.as_ref().is_some_and(|mixed| mixed.contains("90/10") && mixed.contains("100/0")), "{seen:?}");
    cuts.store(false, Ordering::Relaxed);
    back(&backend).await.unwrap();
    assert_eq!(look(&backend).await.mixed, None);
    task.abort();
}

/// Passes looks on and ends the connection when something is to be set.
fn relay_that_cuts(
    listener: UnixListener,
    real: std::path::PathBuf,
    cuts: Arc<AtomicBool>,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut line = [0; 4096];
            let n = stream.read(&mut line).await.unwrap_or(0);
            if line[..n].starts_with(b"set ") && cuts.load(Ordering::Relaxed) {
                continue;
            }
            let mut to = UnixStream::connect(&real).await.unwrap();
            to.write_all(&line[..n]).await.unwrap();
            let mut answer = Vec::new();
            to.read_to_end(&mut answer).await.unwrap();
            let _ = stream.write_all(&answer).await;
        }
    })
}

#[tokio::test]
async fn a_reload_takes_back_what_was_not_saved_and_is_told() {
    if !is_installed("a_reload_takes_back_what_was_not_saved_and_is_told") {
        return;
    }
    for way in [Way::Map, Way::Percent, Way::Weights] {
        let proxy = Proxy::start(way, &Model::both(), 0).with_master();
        let backend = backend(proxy.spec());
        assert!(!backend.capabilities().survives_restart);
        let old = look(&backend).await;
        forward(&backend, 100).await.unwrap();
        let seen = look(&backend).await;
        assert!(has_note(&seen, "a reload would bring 100/0"), "{way:?} {:?}", seen.notes);
        proxy.reload();
        let seen = look(&backend).await;
        assert_eq!(seen.split, green(0), "{way:?}: the old side is back");
        assert!(has_note(&seen, "started or reloaded"), "{:?}", seen.notes);
        assert_ne!(seen.revision, old.revision, "another process is another state");
        assert_ne!(seen.traffic.unwrap().epoch, old.traffic.unwrap().epoch);
    }
}

#[tokio::test]
async fn a_reload_keeps_what_was_saved() {
    if !is_installed("a_reload_keeps_what_was_saved") {
        return;
    }
    for way in [Way::Map, Way::Percent, Way::Weights] {
        let proxy = Proxy::start(way, &Model::both(), 0).with_master();
        let backend = backend(proxy.saved());
        assert!(backend.capabilities().survives_restart);
        forward(&backend, 100).await.unwrap();
        assert!(!has_note(&look(&backend).await, "a reload would"), "{way:?}");
        proxy.reload();
        assert_eq!(look(&backend).await.split, green(100), "{way:?}");
        assert_eq!(Client::to(proxy.listen).get("/").unwrap().1, "green", "{way:?}");
        // Somebody's deployment writes the file anew: that is told before a reload makes it so.
        back(&backend).await.unwrap();
        let file = if way == Way::Weights { proxy.state() } else { proxy.map() };
        let text = std::fs::read_to_string(&file).unwrap();
        let other = text.replace(" 100 100 ", " 0 100 ").replace(" 0 0 ", " 100 0 ");
        let other = other.replace("active blue", "active green").replace("green_pct 0", "green_pct 100");
        if way != Way::Weights {
            std::fs::write(&file, other).unwrap();
            assert!(has_note(&look(&backend).await, "a reload would bring 0/100"), "{way:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_saved_goes_back_and_not_forward() {
    if !is_installed("what_cannot_be_saved_goes_back_and_not_forward") {
        return;
    }
    let proxy = Proxy::start(Way::Map, &Model::both(), 0);
    let nowhere = proxy.dir().join("no/such/dir/active.map");
    let spec = HaproxySpec { save: Save { maps: vec![nowhere], states: vec![] }, ..proxy.spec() };
    let unsaved = backend(spec);
    let result = forward(&unsaved, 100).await;
    assert!(matches!(&result, Err(BackendError::Refused(text)) if text.contains("active.map")), "{result:?}");
    assert_eq!(look(&unsaved).await.split, green(0));
    forward(&backend(proxy.spec()), 100).await.unwrap();
    back(&unsaved).await.expect("no file stands in the way back");
    let seen = look(&unsaved).await;
    assert_eq!(seen.split, green(0));
    assert!(has_note(&seen, "is not saved"), "{:?}", seen.notes);
}

#[tokio::test]
async fn other_hands_are_seen() {
    if !is_installed("other_hands_are_seen") {
        return;
    }
    let proxy = Proxy::start(Way::Weights, &Model::both(), 0);
    let (one, two) = (backend(proxy.spec()), backend(proxy.spec()));
    let shown = look(&one).await;
    assert_eq!(shown.revision, look(&two).await.revision, "two consoles see one state");
    proxy.say("set server be_split/green1 weight 25");
    let result = apply(&one, &fresh(green(10), Some(shown.revision))).await;
    assert!(matches!(&result, Err(BackendError::Conflict(text)) if text.contains("80/20")), "{result:?}");
    // Two consoles with one revision: the second is told.
    let shown = look(&one).await.revision;
    apply(&one, &fresh(green(50), Some(shown.clone()))).await.unwrap();
    assert!(matches!(apply(&two, &fresh(green(100), Some(shown))).await, Err(BackendError::Conflict(_))));
    assert_eq!(look(&two).await.split, green(50));
    // At once, HAProxy having no compare-and-set: what came of it is read, and the way back is whole whoever asks.
    let shown = look(&one).await.revision;
    let (a, b) = (fresh(green(100), Some(shown.clone())), fresh(green(75), Some(shown)));
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
    // Maintenance takes a side out of traffic whatever its weight.
    back(&one).await.unwrap();
    forward(&one, 50).await.unwrap();
    proxy.say("set server be_split/green1 state maint");
    let seen = look(&one).await;
    assert_eq!((seen.split, seen.sides.green.replicas.map(|it| it.ready)), (green(0), Some(0)));
    let why = "HAProxy has be_split/green1 in MAINT; type: set server be_split/green1 state ready";
    assert_eq!(seen.sides.map(|_, it| it.unready.clone()), Pair { blue: None, green: Some(why.to_owned()) });
    assert!(has_note(&seen, &format!("green: {why}")), "{:?}", seen.notes);
    proxy.say(
        "set server be_split/green1 state ready;set server be_split/blue1 weight 0;set server be_split/green1 weight 0",
    );
    let error = one.observer().observe().await.unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
    back(&one).await.expect("the way back needs no reading");
    assert_eq!(look(&one).await.split, green(0));
}

#[tokio::test]
async fn open_sessions_of_the_old_side_are_told() {
    if !is_installed("open_sessions_of_the_old_side_are_told") {
        return;
    }
    for way in [Way::Map, Way::Weights] {
        kit::STREAMS_END.store(false, Ordering::Relaxed);
        let proxy = Proxy::start(way, &Model::both(), 0);
        let backend = backend(proxy.spec());
        let mut streams: Vec<Client> = (0..2).map(|_| Client::to(proxy.listen)).collect();
        for stream in &mut streams {
            assert!(stream.get("/stream").unwrap().1.starts_with("data: 1"));
        }
        forward(&backend, 100).await.unwrap();
        assert!(has_note(&look(&backend).await, "blue: 2 sessions still open"), "{way:?}");
        kit::STREAMS_END.store(true, Ordering::Relaxed);
        let mut seen = look(&backend).await;
        while has_note(&seen, "still open") {
            seen = look(&backend).await;
        }
        assert_eq!(seen.traffic.unwrap().sides.blue.in_flight, 0);
    }
}

#[tokio::test]
async fn sockets_that_are_none_and_levels_that_do_not_suffice() {
    if !is_installed("sockets_that_are_none_and_levels_that_do_not_suffice") {
        return;
    }
    let proxy = Proxy::start(Way::Weights, &Model::both(), 0);
    let at = |node: Address| backend(HaproxySpec { nodes: vec![node], ..proxy.spec() });
    // Level user reads, and may set nothing.
    let reader = at(Address::Net(proxy.reader.to_string()));
    assert_eq!(look(&reader).await.split, green(0));
    let result = forward(&reader, 10).await;
    assert!(matches!(&result, Err(BackendError::Denied(text)) if text.contains("level admin")), "{result:?}");
    let file = proxy.dir().join("file");
    std::fs::write(&file, "").unwrap();
    for node in [
        Address::Unix(proxy.dir().join("none.sock")),
        Address::Unix(file),
        Address::Net(local::free_address().to_string()),
    ] {
        let error = at(node).observer().observe().await.unwrap_err();
        assert!(matches!(error, BackendError::Unreachable(_)), "{error}");
    }
    if rustix::process::geteuid().is_root() {
        println!("root opens every socket: permission denied is not shown");
        return;
    }
    std::fs::set_permissions(proxy.socket(), std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let error = at(proxy.node()).observer().observe().await.unwrap_err();
    assert!(matches!(error, BackendError::Denied(_)), "{error}");
}

#[tokio::test]
async fn impostors_are_told_from_haproxy() {
    let dir = tempfile::Builder::new().prefix("ha").tempdir().unwrap();
    let socket = dir.path().join("s");
    let info = "Name: HAProxy\nPid: 1\nUptime_sec: 9000\n\n";
    let long = "x".repeat(5 * 1024 * 1024);
    for (answer, wanted) in [
        ("<html>\u{1b}[2Jhi</html>\n".to_owned(), "garbled"),
        (format!("{info}2\n# something else\n\n# pxname\n\nadmin\n\n"), "garbled"),
        (format!("{info}1\n# be_id be_name\n"), "garbled"),
        (format!("{info}\n\n\n\n\n\n"), "garbled"),
        (format!("{info}1\n# be_id srv_name\n1 blue1\n1 green1\n\n# pxname\n\nadmin\n\n"), "garbled"),
        ("Permission denied\n\n".repeat(4), "denied"),
        (long, "garbled"),
        (String::new(), "unknown"),
    ] {
        drop(std::fs::remove_file(&socket));
        let listener = UnixListener::bind(&socket).unwrap();
        let text = answer.clone();
        let fake = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut line = [0; 4096];
            let _ = stream.read(&mut line).await;
            let _ = stream.write_all(text.as_bytes()).await;
        });
        let method = Method::Weights {
            backend: "be_split".into(),
            servers: Pair { blue: vec!["blue1".into()], green: vec!["green1".into()] },
            addresses: Pair::default(),
        };
        let spec = HaproxySpec { nodes: vec![Address::Unix(socket.clone())], method, save: Save::default() };
        let error = backend(spec).observer().observe().await.unwrap_err();
        let kind = match &error {
            BackendError::Garbled(_) => "garbled",
            BackendError::Denied(_) => "denied",
            BackendError::Unknown(_) => "unknown",
            _ => "other",
        };
        assert_eq!(kind, wanted, "{:?}: {error}", &answer[..answer.len().min(60)]);
        assert!(!error.to_string().contains('\u{1b}'));
        fake.abort();
    }
}

#[tokio::test]
async fn no_name_becomes_a_command() {
    if !is_installed("no_name_becomes_a_command") {
        return;
    }
    let proxy = Proxy::start(Way::Weights, &Model::both(), 0);
    for evil in
        ["be_split;shutdown frontend inference", "be_split\nset server be_split/blue1 weight 0", "be split", "b\\;x"]
    {
        let servers = Pair { blue: vec!["blue1 weight 0;#".into()], green: vec!["green1".into()] };
        let method = Method::Weights { backend: evil.into(), servers, addresses: Pair::default() };
        let result = back(&backend(HaproxySpec { method, ..proxy.spec() })).await;
        assert!(matches!(&result, Err(BackendError::Refused(text)) if text.contains("nothing was sent")), "{result:?}");
    }
    assert_eq!(look(&backend(proxy.spec())).await.split, green(0));
    assert_eq!(Client::to(proxy.listen).get("/").unwrap().0, 200);
}

/// The program itself, as an operator or a pipeline runs it.
struct Operator<'a> {
    proxy: &'a Proxy,
    config: std::path::PathBuf,
}

impl<'a> Operator<'a> {
    fn new(proxy: &'a Proxy, models: &Pair<std::net::SocketAddr>) -> Self {
        let config = proxy.dir().join("cutover.toml");
        let dir = proxy.dir().display();
        let text = format!(
            "[service]\nname = \"digits\"\n[blue]\nurls = [\"http://{}\"]\nversion = \"v41\"\n\
             [green]\nurls = [\"http://{}\"]\nversion = \"v42\"\n\
             [backend]\nkind = \"haproxy\"\nsocket = \"{dir}/admin.sock\"\nmethod = \"percent\"\n\
             map = \"{dir}/split.map\"\nbackends = {{ blue = \"be_blue\", green = \"be_green\" }}\n\
             save_map = \"{dir}/split.map\"\n[state]\ndir = \"{dir}/var\"\n[plan]\nbake = \"0s\"\n",
            models.blue, models.green
        );
        std::fs::write(&config, text).unwrap();
        Self { proxy, config }
    }

    fn run(&self, words: &str) -> (Option<i32>, String) {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.arg("-c").arg(&self.config).args(words.split(' '));
        command.env_clear().env("USER", "op1").env("HOME", self.proxy.dir()).env("LANG", "C.UTF-8");
        let output = child::output(&mut command);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    }
}

#[test]
fn the_program_switches_and_rolls_back_under_load() {
    if !is_installed("the_program_switches_and_rolls_back_under_load") {
        return;
    }
    let models = Model::both();
    let proxy = Proxy::start(Way::Percent, &models, 0);
    let operator = Operator::new(&proxy, &models);
    let stop = Arc::new(AtomicBool::new(false));
    let load = {
        let (stop, at) = (Arc::clone(&stop), proxy.listen);
        std::thread::spawn(move || {
            let mut client = Client::to(at);
            let (mut sent, mut failed) = (0_u32, 0_u32);
            while !stop.load(Ordering::Relaxed) && sent < 1_000_000 {
                sent += 1;
                failed += u32::from(client.get("/").is_none_or(|(status, _)| status != 200));
                std::thread::park_timeout(std::time::Duration::from_millis(1));
            }
            (sent, failed)
        })
    };
    let ends = |words: &str, code: i32, says: &str| {
        let (ended, text) = operator.run(words);
        assert_eq!(ended, Some(code), "{words}: {text}");
        assert!(text.contains(says), "{words}: {text}");
    };
    ends("check", 0, "ok   router");
    ends("switch --dry-run", 0, "green_pct 100");
    ends("promote --yes --wait", 0, "");
    let mut client = Client::to(proxy.listen);
    ends("switch --yes --wait", 0, "");
    assert_eq!(client.get("/").unwrap().1, "green");
    assert_eq!(std::fs::read_to_string(proxy.map()).unwrap(), "green_pct 100\n", "a reload would keep it");
    ends("status", 0, "NOTE      HAProxy was started or reloaded");
    ends("rollback --yes --wait", 0, "");
    assert_eq!(client.get("/").unwrap().1, "blue");
    assert_eq!(std::fs::read_to_string(proxy.map()).unwrap(), "green_pct 0\n");
    let (code, text) = operator.run("status -o json");
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &status["backend"], &status["last_order"]["state"]),
        (Some(0), &"haproxy".into(), &"verified".into())
    );
    assert!(status["notes"].is_array() && status["sides"]["blue"]["samples"].is_u64(), "{text}");
    stop.store(true, Ordering::Relaxed);
    let (sent, failed) = load.join().unwrap();
    assert!(sent > 100, "{sent} requests were sent");
    assert_eq!(failed, 0, "{failed} of {sent} failed");
}
