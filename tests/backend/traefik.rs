//! Traefik as it really is: under load, held back, edited by hand, in part down, and with a Redis that does not tell.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cutover::testing::backend::{Accepted, Applying, BackendError, TrafficBackend};
use cutover::testing::domain::{Move, Observation, Pair, Revision};
use cutover::testing::runtime;
use tokio::time::Instant;

use crate::support::child;
use crate::support::driving;
use crate::support::haproxy as kit;
use crate::support::local;
use crate::support::program;
use crate::support::traefik as server;

use driving::{apply, back, forward, green, look, order, until, verified};
use kit::{Client, Model, STREAMS_END};
use local::{eventually, free_address};
use server::{From, PASSWORD, Redis, Traefik, With, config, lay_out, nowhere};

const HEADERS: &str = "headers = { authorization = { file = \"auth\" } }\n";
const REDIS: &str =
    "blue = \"blue@file\"\ngreen = \"green@file\"\nuser = \"cutover\"\npassword = { file = \"password\" }\n";

/// What lies around one Traefik that reads a file.
struct Field {
    dir: tempfile::TempDir,
    traefik: Traefik,
}

impl Field {
    fn start(from: From, with: With, models: &Pair<SocketAddr>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        lay_out(dir.path(), from, green(0), models);
        std::fs::write(dir.path().join("password"), PASSWORD).unwrap();
        let traefik = Traefik::start(dir.path(), from, with);
        Self { dir, traefik }
    }

    /// By the file `split.yml`.
    fn of_file(with: With, models: &Pair<SocketAddr>) -> Self {
        Self::start(From::Yaml, with, models)
    }

    fn backend(&self, way: &str) -> Arc<dyn TrafficBackend> {
        let toml = format!("api = \"{}\"\n{HEADERS}{way}", self.traefik.url());
        runtime::connect(&config(&toml, self.dir.path()))
    }

    fn by_file(&self) -> Arc<dyn TrafficBackend> {
        self.backend("file = \"dyn/split.yml\"\n")
    }

    fn by_redis(&self, redis: &Redis) -> Arc<dyn TrafficBackend> {
        self.backend(&format!("redis = \"127.0.0.1:{}\"\n{REDIS}", redis.port))
    }

    fn split_file(&self) -> std::path::PathBuf {
        self.dir.path().join("dyn/split.yml")
    }
}

fn are_there(test: &str, names: &[&str]) -> bool {
    names.iter().all(|name| program::need(test, name).is_some())
}

fn is_told(seen: &Observation, words: &str) -> bool {
    seen.mixed.iter().chain(&seen.notes).any(|told| told.contains(words))
}

/// Connections that are kept, and ask as fast as they are answered, until it ends: requests and failures.
struct Load {
    over: Arc<AtomicBool>,
    tasks: Vec<std::thread::JoinHandle<(u32, u32)>>,
}

impl Load {
    fn on(at: SocketAddr) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let one = |_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                let mut client = Client::to(at);
                let (mut sent, mut failed) = (0, 0);
                while !over.load(Ordering::Relaxed) && sent < 200_000 {
                    sent += 1;
                    let answer = client.get("/");
                    if answer.is_none() {
                        client = Client::to(at);
                    }
                    failed += u32::from(answer.is_none_or(|(status, _)| status != 200));
                    std::thread::park_timeout(Duration::from_millis(2));
                }
                (sent, failed)
            })
        };
        let tasks = (0..4).map(one).collect();
        Self { over, tasks }
    }

    fn end(self) -> (u32, u32) {
        self.over.store(true, Ordering::Relaxed);
        self.tasks.into_iter().map(|it| it.join().unwrap()).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

async fn switches_under_load(field: &Field, backend: &Arc<dyn TrafficBackend>) {
    assert_eq!(backend.capabilities().applying, Applying::Asynchronous);
    let load = Load::on(field.traefik.listen);
    let mut client = Client::to(field.traefik.listen);
    let (mut stale, mut took) = (0, Vec::new());
    for round in 0..6 {
        let began = Instant::now();
        let (percent, side) = if round % 2 == 0 { (100, "green") } else { (0, "blue") };
        if percent == 100 {
            forward(backend, 100).await.unwrap();
        } else {
            back(backend).await.unwrap();
        }
        verified(backend, percent).await;
        took.push(began.elapsed().as_millis());
        for _ in 0..20 {
            stale += u32::from(client.get("/").is_none_or(|(_, body)| body != side));
        }
    }
    let (sent, failed) = load.end();
    took.sort_unstable();
    println!("order to VERIFIED {took:?} ms; {sent} requests, {failed} failed, {stale} stale");
    assert_eq!((failed, stale), (0, 0), "of {sent}");
    assert!(sent > 100, "{sent}");
}

#[tokio::test]
async fn no_request_is_lost_or_late_by_the_file() {
    if !are_there("no_request_is_lost_or_late_by_the_file", &["traefik"]) {
        return;
    }
    let field = Field::of_file(With::default(), &Model::both());
    switches_under_load(&field, &field.by_file()).await;
    let seen = look(&field.by_file()).await;
    assert_eq!(seen.sides.map(|_, it| it.replicas.map(|it| (it.ready, it.total))), Pair::from_fn(|_| Some((1, 1))));
}

#[tokio::test]
async fn no_request_is_lost_or_late_by_redis() {
    if !are_there("no_request_is_lost_or_late_by_redis", &["traefik", "redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let field = Field::start(From::Redis(redis.port), With::default(), &Model::both());
    let backend = field.by_redis(&redis);
    assert!(backend.capabilities().compare_and_set);
    switches_under_load(&field, &backend).await;
}

/// Asks as a user does, two hundred times a second, and holds every answer against `holds`.
async fn ask_for(client: &mut Client, lasts: Duration, holds: impl Fn(&str) -> bool) {
    let end = Instant::now() + lasts;
    // Traefik needs the processor between two requests to bring a change into force.
    let mut due = tokio::time::interval(Duration::from_millis(5));
    while Instant::now() < end {
        due.tick().await;
        let (status, body) = client.get("/").unwrap();
        assert!(status == 200 && holds(&body), "{status} {body}");
    }
}

#[tokio::test]
async fn a_change_that_is_held_back_is_not_taken_for_a_later_one() {
    if !are_there("a_change_that_is_held_back_is_not_taken_for_a_later_one", &["traefik"]) {
        return;
    }
    let with = With { throttle_ms: 1200, ..With::default() };
    let field = Field::of_file(with, &Model::both());
    let backend = field.by_file();
    // Traefik shows blue when the rollback is written, and may yet bring the switch into force for a while.
    for round in [60, 150] {
        let shown = verified(&backend, 0).await;
        apply(&backend, &order(&format!("a{round}"), Move::Switch, 100, Some(shown.revision))).await.unwrap();
        // Users go on meanwhile: long enough for Traefik to read it, and too short for it to be done.
        let mut client = Client::to(field.traefik.listen);
        ask_for(&mut client, Duration::from_millis(round), |_| true).await;
        back(&backend).await.unwrap();
        verified(&backend, 0).await;
        // The API shows a change a moment before Traefik routes by it.
        ask_for(&mut client, Duration::from_millis(300), |_| true).await;
        ask_for(&mut client, Duration::from_millis(1500), |said| said == "blue").await;
    }
}

#[tokio::test]
async fn a_toml_file_shares_as_asked_and_open_streams_end_where_they_began() {
    if !are_there("a_toml_file_shares_as_asked", &["traefik"]) {
        return;
    }
    let field = Field::start(From::Toml, With::default(), &Model::both());
    let backend = field.backend("file = \"dyn/split.toml\"\n");
    let mut stream = std::net::TcpStream::connect(field.traefik.listen).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"GET /stream HTTP/1.1\r\nhost: model\r\nconnection: close\r\n\r\n").unwrap();
    let mut begin = [0; 16];
    stream.read_exact(&mut begin).unwrap();
    assert!(begin.starts_with(b"HTTP/1.1 200"), "{begin:?}");
    forward(&backend, 30).await.unwrap();
    verified(&backend, 30).await;
    let mut client = Client::to(field.traefik.listen);
    let greens = (0..200).filter(|_| client.get("/").is_some_and(|(_, body)| body == "green")).count();
    assert!((59..=61).contains(&greens), "{greens} of 200 at 30 %");
    back(&backend).await.unwrap();
    verified(&backend, 0).await;
    STREAMS_END.store(true, Ordering::Relaxed);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    let (_, body) = rest.split_once("\r\n\r\n").unwrap();
    assert_eq!((body.len(), &body[..7]), (1000, "data: 1"), "the stream came whole");
}

#[tokio::test]
async fn other_hands_are_seen_and_only_our_own_file_is_written_over() {
    if !are_there("other_hands_are_seen", &["traefik"]) {
        return;
    }
    let field = Field::of_file(With::default(), &nowhere());
    let (backend, file) = (field.by_file(), field.split_file());
    let shown = look(&backend).await.revision;
    apply(&backend, &order("a", Move::Promote, 10, Some(shown))).await.unwrap();
    let revision = verified(&backend, 10).await.revision;
    let ours = std::fs::read_to_string(&file).unwrap();
    assert!(ours.contains("# blue 90 %, green 10 %, by order a:"), "{ours}");

    // In place, and in weights that are a person's.
    std::fs::write(&file, ours.lines().filter(|line| !line.starts_with("  {")).collect::<Vec<_>>().join("\n")).unwrap();
    assert!(matches!(forward_blind(&backend).await, Err(BackendError::Garbled(_))), "half an edit");
    let hand = "{\"http\":{\"services\":{\"split\":{\"weighted\":{\"services\":[{\"name\":\"blue\",\"weight\":3},{\"name\":\"green\",\"weight\":1}]}}}}}";
    std::fs::write(&file, hand).unwrap();
    verified(&backend, 25).await;
    let stale = apply(&backend, &order("b", Move::Switch, 100, Some(revision))).await;
    assert!(matches!(stale, Err(BackendError::Conflict(_))), "{stale:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), hand, "and nothing was written");

    // Broken below our own first line: Traefik keeps what it has, and a rollback writes it anew.
    std::fs::write(&file, ours.replace("weighted", "wei\"ghted")).unwrap();
    assert!(matches!(forward_blind(&backend).await, Err(BackendError::Garbled(_))));
    let seen = until(&backend, |seen| seen.split == green(25)).await;
    assert!(
        is_told(&seen, "what is written cannot be read: ") && is_told(&seen, "not as cutover writes it"),
        "{seen:?}"
    );
    back(&backend).await.unwrap();
    verified(&backend, 0).await;

    // Somebody else's file under our name.
    let foreign = "http:\n  routers:\n    all: { rule: \"PathPrefix(`/`)\", service: blue }\n";
    std::fs::write(&file, foreign).unwrap();
    let refused = back(&backend).await;
    assert!(matches!(&refused, Err(BackendError::Refused(why)) if why.contains("did not write")), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), foreign);
    // And none: Traefik answers nobody any more, until it is there again.
    std::fs::remove_file(&file).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match backend.observer().observe().await {
            Err(BackendError::Refused(why)) if why.contains("no service split@file") => break,
            // It is still what Traefik serves by, and nothing to go forward from.
            seen => assert!(seen.is_err() || is_told(seen.as_ref().unwrap(), "write the first one"), "{seen:?}"),
        }
        assert!(Instant::now() < deadline);
    }
    back(&backend).await.unwrap();
    verified(&backend, 0).await;
}

/// A forward order by somebody who could see nothing.
async fn forward_blind(backend: &Arc<dyn TrafficBackend>) -> Result<Accepted, BackendError> {
    apply(backend, &order("blind", Move::Switch, 100, Some(Revision("x".into())))).await
}

#[tokio::test]
async fn an_instance_that_is_down_stops_the_way_forward_and_not_the_way_back() {
    if !are_there("an_instance_that_is_down", &["traefik"]) {
        return;
    }
    let field = Field::of_file(With::default(), &nowhere());
    let mut second = Traefik::start(field.dir.path(), From::Yaml, With::default());
    let toml =
        format!("api = [\"{}\", \"{}\"]\n{HEADERS}file = \"dyn/split.yml\"\n", field.traefik.url(), second.url());
    let backend = runtime::connect(&config(&toml, field.dir.path()));
    forward(&backend, 50).await.unwrap();
    verified(&backend, 50).await;
    second.kill();
    let seen = look(&backend).await;
    assert!(is_told(&seen, "instance is down") && seen.mixed.is_none(), "{seen:?}");
    let refused = forward(&backend, 100).await;
    assert!(
        matches!(&refused, Err(BackendError::Unreachable(why)) if why.contains("nothing was written")),
        "{refused:?}"
    );
    back(&backend).await.unwrap();
    verified(&backend, 0).await;
    second.run();
    let seen = verified(&backend, 0).await;
    assert!(seen.notes.is_empty(), "{seen:?}");
}

#[tokio::test]
async fn an_instance_that_does_not_watch_is_told_as_behind() {
    if !are_there("an_instance_that_does_not_watch", &["traefik"]) {
        return;
    }
    let mut field = Field::of_file(With { watch: false, ..With::default() }, &nowhere());
    let backend = field.by_file();
    forward(&backend, 100).await.unwrap();
    let seen = look(&backend).await;
    assert_eq!(seen.split, green(0), "what it serves by, not what is written");
    assert!(is_told(&seen, "still serves 100/0; the file says 0/100"), "{seen:?}");
    // A restart in the middle of it: the file is what it starts from.
    field.traefik.kill();
    assert!(matches!(backend.observer().observe().await, Err(BackendError::Unreachable(_))));
    field.traefik.run();
    verified(&backend, 100).await;
}

#[tokio::test]
async fn a_service_that_traefik_does_not_serve_is_told() {
    if !are_there("a_service_that_traefik_does_not_serve", &["traefik"]) {
        return;
    }
    let field = Field::of_file(With::default(), &nowhere());
    let main = field.dir.path().join("dyn/main.yml");
    let text = std::fs::read_to_string(&main).unwrap();
    // Whole: a file that is written in place is half a file for a moment, and Traefik takes it in.
    std::fs::write(field.dir.path().join("fresh"), text.replace("    green:", "    grun:")).unwrap();
    std::fs::rename(field.dir.path().join("fresh"), main).unwrap();
    let backend = field.by_file();
    let seen = until(&backend, |seen| seen.mixed.is_some()).await;
    assert!(is_told(&seen, "Traefik has disabled split@file: ") && is_told(&seen, "green@file"), "{seen:?}");
    let refused = forward(&backend, 10).await;
    assert!(matches!(&refused, Err(BackendError::Refused(why)) if why.contains("disabled")), "{refused:?}");
    back(&backend).await.unwrap();

    let other = field.backend("file = \"dyn/split.yml\"\nservice = \"other\"\n").observer().observe().await;
    assert!(matches!(&other, Err(BackendError::Refused(why)) if why.contains("no service other@file")), "{other:?}");
    std::fs::remove_file(field.split_file()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match backend.observer().observe().await {
            Err(BackendError::Refused(why)) if why.contains("Traefik has no service split@file") => break,
            seen => assert!(Instant::now() < deadline, "{seen:?}"),
        }
    }
}

#[tokio::test]
async fn two_consoles_at_once_get_one_change() {
    if !are_there("two_consoles_at_once", &["traefik", "redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let (file, keys) = (
        Field::of_file(With::default(), &nowhere()),
        Field::start(From::Redis(redis.port), With::default(), &nowhere()),
    );
    for round in 0..5 {
        for [one, two] in [[file.by_file(), file.by_file()], [keys.by_redis(&redis), keys.by_redis(&redis)]] {
            let revision = verified(&one, 0).await.revision;
            let (a, b) = (format!("a{round}"), format!("b{round}"));
            let a = order(&a, Move::Promote, 10, Some(revision.clone()));
            let b = order(&b, Move::Promote, 50, Some(revision));
            let (a, b) = tokio::join!(apply(&one, &a), apply(&two, &b));
            let (won, lost): (Vec<_>, Vec<_>) = [a, b].into_iter().partition(Result::is_ok);
            assert_eq!(won.len(), 1, "{lost:?}");
            assert!(matches!(lost[0], Err(BackendError::Conflict(_))), "{lost:?}");
            back(&one).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_redis_that_tells_nobody_is_told_and_a_rollback_gets_through() {
    if !are_there("a_redis_that_tells_nobody", &["traefik", "redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let field = Field::start(From::Redis(redis.port), With::default(), &nowhere());
    let backend = field.by_redis(&redis);
    forward(&backend, 10).await.unwrap();
    verified(&backend, 10).await;
    assert!(redis.say(&["CONFIG", "SET", "notify-keyspace-events", ""]).starts_with("+OK"));
    assert!(is_told(&look(&backend).await, "redis-cli config set notify-keyspace-events AKE"));
    let keys = ["MGET", "traefik/http/services/split/weighted/services/1/weight"];
    let before = redis.say(&keys);
    let refused = forward(&backend, 50).await;
    assert!(matches!(&refused, Err(BackendError::Refused(why)) if why.contains("nothing was written")), "{refused:?}");
    assert_eq!(redis.say(&keys), before);
    back(&backend).await.unwrap();
    verified(&backend, 0).await;
}

#[tokio::test]
async fn what_redis_refuses_is_told_for_what_it_is() {
    if !are_there("what_redis_refuses", &["traefik", "redis-server"]) {
        return;
    }
    let mut redis = Redis::start();
    let field = Field::start(From::Redis(redis.port), With::default(), &nowhere());
    let backend = field.by_redis(&redis);
    let told = |result: Result<Accepted, BackendError>, words: &str| {
        let error = result.expect_err(words);
        assert!(error.detail().contains(words) && !format!("{error:?}").contains(PASSWORD), "{error}");
        error
    };
    // The service's keys may be read, and not written.
    assert!(redis.say(&["ACL", "SETUSER", "cutover", "-set"]).starts_with("+OK"));
    let error = told(back(&backend).await, "NOPERM");
    assert!(matches!(error, BackendError::Denied(_)), "{error}");
    assert!(redis.say(&["ACL", "SETUSER", "cutover", "+set"]).starts_with("+OK"));
    // No password where one is asked for.
    let nobody =
        field.backend(&format!("redis = \"127.0.0.1:{}\"\nblue = \"blue@file\"\ngreen = \"green@file\"\n", redis.port));
    assert!(redis.say(&["ACL", "SETUSER", "default", "resetpass", ">x"]).starts_with("+OK"));
    assert!(matches!(told(back(&nobody).await, "NOAUTH"), BackendError::Denied(_)));
    let seen = look(&nobody).await;
    assert!(is_told(&seen, "cannot be read: ") && seen.split == green(0), "Traefik shows it all the same: {seen:?}");
    // A database that is not there must not be the first one instead.
    let beyond = field.backend(&format!("redis = \"127.0.0.1:{}\"\ndb = 99\n{REDIS}", redis.port));
    assert!(redis_allows(&redis, "+select"));
    told(back(&beyond).await, "DB index is out of range");
    // A key that somebody took away.
    redis.say(&["AUTH", "x"]);
    redis.kill();
    assert!(matches!(back(&backend).await, Err(BackendError::Unreachable(_))));
    assert!(matches!(forward(&backend, 10).await, Err(BackendError::Unreachable(_))));
}

/// Gives the tests' user one right more.
fn redis_allows(redis: &Redis, right: &str) -> bool {
    // The default user has a password by now.
    redis.say_as(&["AUTH", "x"], &["ACL", "SETUSER", "cutover", right]).contains("+OK\r\n+OK")
}

#[tokio::test]
async fn redis_is_reached_by_tls_with_the_trust_and_the_certificate_of_the_config() {
    if !are_there("redis_is_reached_by_tls", &["traefik", "redis-server"]) {
        return;
    }
    let redis = Redis::start_with_tls();
    let port = redis.tls.unwrap();
    let field = Field::start(From::Redis(redis.port), With::default(), &nowhere());
    let file = |name: &str| redis.dir.path().join(name).display().to_string();
    let ca = format!("ca = \"{}\"\n", file("ca.pem"));
    let identity = format!("cert = \"{}\"\nkey = \"{}\"\n", file("client.pem"), file("client.key"));
    let by = |place: &str, transport: &str| field.backend(&format!("redis = \"{place}\"\n{transport}{REDIS}"));
    let here = format!("rediss://127.0.0.1:{port}");
    let backend = by(&here, &format!("{ca}{identity}"));
    forward(&backend, 10).await.unwrap();
    verified(&backend, 10).await;
    back(&backend).await.unwrap();
    verified(&backend, 0).await;
    let target = backend.observer().preview(&order("o", Move::Rollback, 0, None)).target;
    assert_eq!(target, format!("{here}/0"));

    let elsewhere = format!("rediss://localhost:{port}");
    let without_tls = format!("rediss://127.0.0.1:{}", redis.port);
    for (place, transport, words) in [
        (&here, String::new(), "the issuer of the certificate is not trusted: set ca to the issuer's certificate"),
        (&here, ca.clone(), "set cert and key"),
        (&elsewhere, format!("{ca}{identity}"), "does not match the name localhost"),
        // Redis waits for the end of a line, which a handshake does not have.
        (&without_tls, format!("{ca}{identity}"), "no connection within 1100 ms"),
    ] {
        let error = back(&by(place, &transport)).await.expect_err(words);
        assert!(error.detail().contains(words) && error.detail().starts_with(place.as_str()), "{error}");
    }
    let error = back(&by(&format!("127.0.0.1:{port}"), "")).await.unwrap_err();
    assert!(error.may_have_happened(), "the server of TLS closes: {error}");
    verified(&backend, 0).await;
}

#[tokio::test]
async fn what_is_no_redis_is_told_and_a_reply_without_end_is_not_read_to_its_end() {
    if !are_there("what_is_no_redis", &["traefik"]) {
        return;
    }
    let field = Field::of_file(With::default(), &nowhere());
    for (answer, words) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "is this a Redis?"),
        ("$-2x\r\n", "is this a Redis?"),
        ("+OK\r\n*4\r\n$22\r\nnotify-", "it answers what was not asked: is this a Redis?"),
        ("$22\r\nnotify-", "in the middle of its answer"),
        ("*99999999999\r\n$1\r\na\r\n", "in the middle of its answer"),
        ("+OK\r\n+OK\r\n", "it answers what was not asked: is this a Redis?"),
        ("", "closed the connection without an answer"),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
            // Until the other end closes: what is unread would make this a reset.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let backend = field.backend(&format!("redis = \"127.0.0.1:{port}\"\n{REDIS}"));
        let error = back(&backend).await.unwrap_err();
        assert!(error.detail().contains(words) && error.may_have_happened(), "{answer:?}: {error}");
        served.join().unwrap();
    }
    // As many bytes as are taken.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"$1000000000\r\n").unwrap();
        let (chunk, mut sent) = (vec![b'x'; 65536], 0_u64);
        while let Ok(length) = stream.write(&chunk) {
            sent += length as u64;
        }
        sent
    });
    let backend = field.backend(&format!("redis = \"127.0.0.1:{port}\"\n{REDIS}"));
    let error = back(&backend).await.unwrap_err();
    assert!(error.detail().ends_with("a reply is longer than 65536 bytes: is this a Redis?"), "{error}");
    let sent = served.join().unwrap();
    assert!(sent < 64 * 1024 * 1024, "{sent} bytes");
}

#[tokio::test]
async fn a_replica_is_told_and_names_that_stand_elsewhere_too() {
    if !are_there("a_replica_is_told", &["traefik", "redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let field = Field::start(From::Redis(redis.port), With::default(), &nowhere());
    let backend = field.by_redis(&redis);
    let key = "traefik/http/services/split/weighted/services/1/weight";
    assert!(redis.say(&["DEL", key]).starts_with(":1"));
    let error = backend.observer().observe().await.unwrap_err();
    assert!(error.detail().contains("services/1/weight: write the first ones"), "{error}");
    assert!(redis.say(&["LPUSH", key, "1"]).starts_with(":1"));
    let error = forward_blind(&backend).await.unwrap_err();
    assert!(matches!(error, BackendError::Garbled(_)), "{error}");
    assert!(redis.say(&["DEL", key]).starts_with(":1"));
    back(&backend).await.unwrap();
    verified(&backend, 0).await;
    assert!(redis.say(&["REPLICAOF", "127.0.0.1", "1"]).starts_with("+OK"));
    let error = forward(&backend, 10).await.unwrap_err();
    assert!(matches!(&error, BackendError::Refused(why) if why.contains("name its primary")), "{error}");
}

#[tokio::test]
async fn the_preview_is_what_is_written() {
    if !are_there("the_preview_is_what_is_written", &["traefik", "redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let keys = Field::start(From::Redis(redis.port), With::default(), &nowhere());
    let file = Field::of_file(With::default(), &nowhere());
    let of = |backend: &Arc<dyn TrafficBackend>, revision| {
        let order = order("o", Move::Promote, 10, Some(revision));
        (backend.observer().preview(&order), order)
    };
    let backend = file.by_file();
    let (preview, order) = of(&backend, look(&backend).await.revision);
    apply(&backend, &order).await.unwrap();
    let written = std::fs::read_to_string(file.split_file()).unwrap();
    let lines: Vec<&str> = preview.lines.iter().map(String::as_str).filter(|line| written.contains(line)).collect();
    assert_eq!(lines, written.lines().skip(1).collect::<Vec<_>>(), "{preview:?}");
    let backend = keys.by_redis(&redis);
    let (preview, order) = of(&backend, look(&backend).await.revision);
    apply(&backend, &order).await.unwrap();
    let sets: Vec<&String> = preview.lines.iter().filter(|line| line.starts_with("SET ")).collect();
    assert_eq!(sets.len(), 4, "{preview:?}");
    for set in sets {
        let (key, value) = set.trim_start_matches("SET ").split_once(' ').unwrap();
        assert!(redis.say(&["GET", key]).contains(&format!("\r\n{value}\r\n")), "{set}");
    }
    let text = preview.lines.join("\n");
    assert!(text.contains("EXEC\nPUBLISH __keyspace@0__:traefik/http/services/split/"), "{text}");
    assert!(text.contains("AUTH ***") && !text.contains(PASSWORD), "{text}");
}

/// The configs of the page, with their places moved here.
fn page(way: &str, dir: &Path, listen: SocketAddr, api: SocketAddr, redis: u16) -> Vec<String> {
    let page = cutover::testing::backend::setup::pages().find(|page| page.kind == "traefik").unwrap();
    let here = |text: &str| {
        text.replace("/etc/traefik", &dir.to_string_lossy())
            .replace("127.0.0.1:8000", &listen.to_string())
            .replace("127.0.0.1:8080", &api.to_string())
            .replace("127.0.0.1:6379", &format!("127.0.0.1:{redis}"))
    };
    ["traefik", "main", "split", "redis"]
        .map(|language| {
            let blocks = page.blocks("## Server", language);
            let of = |wanted: &str| blocks.iter().find(|(way, _)| way == wanted).map(|(_, text)| here(text));
            of(way).unwrap_or_default()
        })
        .to_vec()
}

#[tokio::test]
async fn the_page_shows_configurations_that_traefik_and_redis_take() {
    if !are_there("the_page_shows_configurations", &["traefik", "redis-server"]) {
        return;
    }
    let redis = Redis::start();
    let page_of = cutover::testing::backend::setup::pages().find(|page| page.kind == "traefik").unwrap();
    let (_, acl) = page_of.blocks("## Permissions", "acl").remove(0);
    assert!(redis.say(&acl.split_whitespace().collect::<Vec<_>>()).starts_with("+OK"), "{acl}");
    for way in ["file", "redis"] {
        let dir = tempfile::tempdir().unwrap();
        let (listen, api) = (free_address(), free_address());
        let [traefik, main, split, keys] = page(way, dir.path(), listen, api, redis.port).try_into().unwrap();
        std::fs::create_dir(dir.path().join("dynamic")).unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        put("traefik.yml", &traefik);
        put("dynamic/main.yml", &main);
        put("password", "PASSWORD");
        if way == "file" {
            put("dynamic/split.yml", &split);
        } else {
            assert!(redis.say(&keys.split_whitespace().collect::<Vec<_>>()).starts_with("+OK"), "{keys}");
        }
        let _traefik = Traefik::of_config(dir.path(), listen, api);
        let written = match way {
            "file" => "file = \"dynamic/split.yml\"\n".to_owned(),
            _ => format!("redis = \"127.0.0.1:{}\"\n{REDIS}", redis.port),
        };
        let backend = runtime::connect(&config(&format!("api = \"http://{api}\"\n{written}"), dir.path()));
        forward(&backend, 10).await.unwrap();
        let seen = verified(&backend, 10).await;
        assert!(seen.notes.is_empty(), "{seen:?}");
        back(&backend).await.unwrap();
        verified(&backend, 0).await;
    }
}

#[tokio::test]
async fn impostors_are_told_from_traefik() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("split.yml"),
        "{\"http\":{\"services\":{\"split\":{\"weighted\":{\"services\":[{\"name\":\"blue\",\"weight\":1},{\"name\":\"green\",\"weight\":0}]}}}}}",
    )
    .unwrap();
    for (status, body, told) in [
        ("200 OK", "<html>sign in</html>", "is this Traefik's API?"),
        ("200 OK", "{\"name\":\"other@file\"}", "it tells of \"other@file\""),
        ("200 OK", "{\"name\":\"split@file\",\"type\":\"loadbalancer\"}", "no weighted service, but loadbalancer"),
        (
            "200 OK",
            "{\"name\":\"split@file\",\"weighted\":{\"services\":[{\"service\":\"blue\"}]}}",
            "an API of another version",
        ),
        (
            "200 OK",
            "{\"name\":\"split@file\",\"weighted\":{\"services\":[{\"name\":\"blue\",\"weight\":0},{\"name\":\"green\",\"weight\":0}]}}",
            "503",
        ),
        ("404 Not Found", "404 page not found", "is it enabled there"),
        ("302 Found", "", "redirects are not followed"),
        ("403 Forbidden", "no\u{1b}[2J", "status 403: no"),
        ("500 Oops", "", "status 500"),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let backend = runtime::connect(&config(&format!("api = \"http://{at}\"\nfile = \"split.yml\"\n"), dir.path()));
        let error = backend.observer().observe().await.unwrap_err().to_string();
        assert!(error.contains(told) && !error.contains('\u{1b}'), "{status} {body}: {error}");
        let before = std::fs::read_to_string(dir.path().join("split.yml")).unwrap();
        assert!(forward_blind(&backend).await.is_err());
        assert_eq!(std::fs::read_to_string(dir.path().join("split.yml")).unwrap(), before);
        serving.abort();
    }
}

/// The same by a peer that never takes anything in.
#[tokio::test]
async fn the_same_split_of_an_earlier_change_is_not_what_was_written() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let dir = tempfile::tempdir().unwrap();
    let service = |blue: u32| {
        format!("{{\"services\":[{{\"name\":\"blue\",\"weight\":{blue}}},{{\"name\":\"green\",\"weight\":0}}]}}")
    };
    let file = dir.path().join("split.yml");
    std::fs::write(&file, format!("{{\"http\":{{\"services\":{{\"split\":{{\"weighted\":{}}}}}}}}}", service(100)))
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let body = format!("{{\"name\":\"split@file\",\"status\":\"enabled\",\"weighted\":{}}}", service(100));
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let backend = runtime::connect(&config(&format!("api = \"http://{at}\"\nfile = \"split.yml\"\n"), dir.path()));
    assert_eq!(look(&backend).await.mixed, None);
    for _ in 0..2 {
        let before = std::fs::read_to_string(&file).unwrap();
        back(&backend).await.unwrap();
        let seen = look(&backend).await;
        assert!(is_told(&seen, "still serves 100/0 by an earlier change; the file says 100/0"), "{seen:?}");
        assert_ne!(std::fs::read_to_string(&file).unwrap(), before);
    }
    serving.abort();
}

#[test]
fn the_program_switches_and_rolls_back_under_load() {
    if !are_there("the_program_switches_and_rolls_back", &["traefik"]) {
        return;
    }
    let models = Model::both();
    let field = Field::of_file(With::default(), &models);
    let dir = field.dir.path();
    let file = dir.join("cutover.toml");
    let text = format!(
        "[service]\nname = \"digits\"\n[blue]\nurls = [\"http://{}\"]\nversion = \"v41\"\n\
         [green]\nurls = [\"http://{}\"]\nversion = \"v42\"\n[state]\ndir = \"var\"\n[plan]\nbake = \"0s\"\n\
         [backend]\nkind = \"traefik\"\napi = \"{}\"\nfile = \"dyn/split.yml\"\n{HEADERS}",
        models.blue,
        models.green,
        field.traefik.url()
    );
    std::fs::write(&file, text).unwrap();
    let run = |words: &str, code: i32, says: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.arg("-c").arg(&file).args(words.split(' '));
        command.env_clear().env("USER", "op1").env("HOME", dir).env("LANG", "C.UTF-8");
        let output = child::output(&mut command);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        println!("$ cutover {words}\n{text}");
        assert_eq!(output.status.code(), Some(code), "{words}: {text}");
        assert!(text.contains(says), "{words}: {text}");
    };
    let load = Load::on(field.traefik.listen);
    run("check", 0, "ok   router");
    run("switch --dry-run", 0, "\"green\", \"weight\"");
    run("promote --yes --wait", 0, "");
    run("switch --yes --wait", 0, "");
    let mut client = Client::to(field.traefik.listen);
    assert_eq!(client.get("/").unwrap().1, "green");
    run("status", 0, "");
    run("rollback --yes --wait", 0, "");
    assert_eq!(client.get("/").unwrap().1, "blue");
    let (sent, failed) = load.end();
    assert!(sent > 100 && failed == 0, "{failed} of {sent} failed");
    eventually("its log tells of no fault", || !field.traefik.log().contains("ERR"));
}
