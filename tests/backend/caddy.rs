//! Caddy as it really is: under load, edited behind our back, restarted, answering what it should not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cutover::testing::backend::{BackendError, TrafficBackend};
use cutover::testing::domain::{Move, Observation, Side, Split};
use cutover::testing::runtime;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{Instant, timeout};

use crate::support::caddy as server;
use crate::support::caddy_side as side;
use crate::support::driving;
use crate::support::local;
use crate::support::program;
use crate::support::reloads;

use driving::{apply, look, order, verified};
use local::config;
use reloads::{ask, switches_under_load};
use server::{Server, Start};
use side::Model;

const DEADLINE: Duration = Duration::from_secs(10);

fn backend(toml: &str, dir: &Path) -> Arc<dyn TrafficBackend> {
    runtime::connect(&config(toml, dir))
}

fn of(server: &Server) -> Arc<dyn TrafficBackend> {
    backend(&server.backend(), server.dir.path())
}

async fn forward(backend: &Arc<dyn TrafficBackend>, id: &str, green: u8) {
    let kind = if green == 100 { Move::Switch } else { Move::Promote };
    apply(backend, &order(id, kind, green, Some(look(backend).await.revision))).await.unwrap();
    verified(backend, green).await;
}

/// Who answers one request on a connection of its own; Caddy may reset that too while it reloads.
async fn who(server: &Server) -> String {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Ok(mut stream) = UnixStream::connect(server.path("in.sock")).await
            && let Some(answer) = ask(&mut stream).await
        {
            return answer;
        }
        assert!(Instant::now() < deadline, "nobody answers");
    }
}

/// Both sides behind `server`.
fn models(server: &Server) -> (Model, Model) {
    (Model::start(&server.path("blue.sock"), "blue"), Model::start(&server.path("green.sock"), "green"))
}

/// A running Caddy, or a line that says why `test` was not run.
fn start(test: &str) -> Option<Server> {
    program::need(test, "caddy").map(|program| Server::start(program, Split::all(Side::Blue)))
}

fn handler(server: &Server) -> Value {
    let (status, body) = server.call("GET", "/id/rp", &Value::Null);
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn switches_under_load_are_verified_when_nothing_stale_is_served() {
    let Some(server) = start("caddy_load") else { return };
    let (_blue, _green) = models(&server);
    let backend = of(&server);
    assert!(look(&backend).await.notes.iter().any(|note| note.contains("may see resets")));
    let met = switches_under_load(&backend, &server.path("in.sock"), async || who(&server).await).await;
    assert_eq!(met.stale, 0, "a request that began after VERIFIED went to the old side");
    assert!(met.asked > met.closed + 20, "{} of {}", met.closed, met.asked);
}

#[tokio::test]
async fn shares_are_what_was_asked_and_no_other_field_changes() {
    let Some(server) = start("caddy_shares") else { return };
    let (_blue, _green) = models(&server);
    let backend = of(&server);
    let before = handler(&server);
    forward(&backend, "a", 30).await;
    let mut green = 0;
    for _ in 0..100 {
        green += u32::from(who(&server).await == "green");
    }
    // One after the other the round is exact.
    assert_eq!(green, 30);
    let mut after = handler(&server);
    let policy = &after["load_balancing"]["selection_policy"];
    assert_eq!((&policy["weights"], &policy["@id"]), (&json!([7, 3]), &json!("cutover-rp-a")));
    after["load_balancing"]["selection_policy"] = before["load_balancing"]["selection_policy"].clone();
    assert_eq!(after, before);
}

#[tokio::test]
async fn what_is_under_way_ends_where_it_began_and_is_counted() {
    let Some(server) = start("caddy_stream") else { return };
    let (blue, _green) = models(&server);
    let backend = of(&server);
    let mut stream = UnixStream::connect(server.path("in.sock")).await.unwrap();
    stream.write_all(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut got = String::new();
    let mut chunk = [0; 1024];
    while !got.contains("blue") {
        let read = timeout(DEADLINE, stream.read(&mut chunk)).await.unwrap().unwrap();
        assert!(read > 0, "{got}");
        got.push_str(&String::from_utf8_lossy(&chunk[..read]));
    }
    forward(&backend, "a", 100).await;
    assert_eq!(who(&server).await, "green");
    let told = |seen: &Observation| seen.notes.iter().any(|note| note == "1 request or stream under way ends on blue");
    let seen = look(&backend).await;
    assert!(told(&seen), "{:?}", seen.notes);
    blue.release.notify_waiters();
    while !got.ends_with("0\r\n\r\n") {
        let read = timeout(DEADLINE, stream.read(&mut chunk)).await.unwrap().unwrap();
        assert!(read > 0, "the stream was cut: {got}");
        got.push_str(&String::from_utf8_lossy(&chunk[..read]));
    }
    assert!(got.contains("end"), "{got}");
    let deadline = Instant::now() + DEADLINE;
    while told(&look(&backend).await) {
        assert!(Instant::now() < deadline, "it never ends");
    }
}

#[tokio::test]
async fn an_edit_by_somebody_else_is_seen_and_stops_a_forward_order_alone() {
    let Some(server) = start("caddy_edit") else { return };
    let backend = of(&server);
    let shown = look(&backend).await.revision;
    let weights = "/id/rp/load_balancing/selection_policy/weights";
    assert_eq!(server.call("PATCH", weights, &json!([3, 1])).0, 200);
    let seen = look(&backend).await;
    assert_eq!((seen.split, seen.mixed.clone()), (Split::toward(Side::Green, 25), None));
    let stale = apply(&backend, &order("a", Move::Switch, 100, Some(shown))).await;
    assert!(matches!(stale, Err(BackendError::Conflict(_))), "{stale:?}");
    // An upstream of no side is shown, and stops a forward order.
    let mut edited = handler(&server);
    edited["upstreams"].as_array_mut().unwrap().push(json!({ "dial": "127.0.0.1:9" }));
    edited["load_balancing"]["selection_policy"]["weights"] = json!([3, 1, 1]);
    assert_eq!(server.call("PATCH", "/id/rp", &edited).0, 200);
    let seen = look(&backend).await;
    assert!(seen.mixed.as_ref().is_some_and(|why| why.contains("127.0.0.1:9 belongs to no side")), "{seen:?}");
    let refused = apply(&backend, &order("b", Move::Promote, 50, Some(seen.revision))).await;
    assert!(matches!(refused, Err(BackendError::Refused(_))), "{refused:?}");
    // Weights that are too few pass Caddy; here they are told. The way back is open all the time.
    assert_eq!(server.call("PATCH", weights, &json!([1])).0, 200);
    let unread = backend.observer().observe().await;
    assert!(matches!(&unread, Err(BackendError::Refused(why)) if why.contains("1 weights for 3")), "{unread:?}");
    apply(&backend, &order("c", Move::Rollback, 0, None)).await.unwrap();
    verified(&backend, 0).await;
    let policy = json!({ "policy": "first" });
    assert_eq!(server.call("PATCH", "/id/rp/load_balancing/selection_policy", &policy).0, 200);
    let unread = backend.observer().observe().await;
    assert!(matches!(&unread, Err(BackendError::Refused(why)) if why.contains("first, which has no")), "{unread:?}");
    apply(&backend, &order("d", Move::Rollback, 0, None)).await.unwrap();
    verified(&backend, 0).await;
}

#[tokio::test]
async fn a_rollback_goes_on_when_its_precondition_is_lost_and_keeps_the_edit() {
    let Some(server) = start("caddy_lost") else { return };
    let backend = of(&server);
    forward(&backend, "a", 100).await;
    // Read last: what the rollback is made from. Then somebody else changes another field.
    look(&backend).await;
    assert_eq!(server.call("PATCH", "/id/rp/load_balancing/retries", &json!(5)).0, 200);
    apply(&backend, &order("b", Move::Rollback, 0, None)).await.unwrap();
    verified(&backend, 0).await;
    assert_eq!(handler(&server)["load_balancing"]["retries"], json!(5));
    // What was read last may say that nothing is to be done, and be wrong by now.
    look(&backend).await;
    forward(&of(&server), "c", 100).await;
    apply(&backend, &order("d", Move::Rollback, 0, None)).await.unwrap();
    assert_eq!(look(&of(&server)).await.split, Split::all(Side::Blue));
}

#[tokio::test]
async fn a_handler_of_another_service_at_our_place_is_left_alone_also_by_a_rollback() {
    let Some(server) = start("caddy_foreign") else { return };
    let backend = of(&server);
    forward(&backend, "a", 50).await;
    look(&backend).await;
    // The name moves to a handler of another service, and ours goes elsewhere.
    let mut foreign = handler(&server);
    foreign["upstreams"] = json!([{ "dial": "127.0.0.1:9" }]);
    foreign["load_balancing"] = json!({ "retries": 1 });
    assert_eq!(server.call("PATCH", "/id/rp", &foreign).0, 200);
    let refused = apply(&backend, &order("b", Move::Rollback, 0, None)).await;
    let says = |why: &String| why.contains("belongs to another service; nothing was written");
    assert!(matches!(&refused, Err(BackendError::Refused(why)) if says(why)), "{refused:?}");
    let now = handler(&server);
    assert_eq!((&now["upstreams"], &now["load_balancing"]), (&foreign["upstreams"], &foreign["load_balancing"]));
}

#[tokio::test]
async fn a_split_that_is_in_force_is_not_written_again() {
    let Some(server) = start("caddy_coalesced") else { return };
    let backend = of(&server);
    let shown = look(&backend).await.revision;
    for id in ["a", "b"] {
        apply(&backend, &order(id, Move::Rollback, 0, None)).await.unwrap();
    }
    assert_eq!(look(&backend).await.revision, shown);
    forward(&backend, "c", 100).await;
    let shown = look(&backend).await.revision;
    apply(&backend, &order("d", Move::Switch, 100, Some(shown.clone()))).await.unwrap();
    assert_eq!(look(&backend).await.revision, shown);
    // Not even when what was read last is old: it is read again first.
    look(&backend).await;
    apply(&of(&server), &order("e", Move::Rollback, 0, None)).await.unwrap();
    let shown = verified(&of(&server), 0).await.revision;
    apply(&backend, &order("f", Move::Rollback, 0, None)).await.unwrap();
    assert_eq!(look(&backend).await.revision, shown);
}

#[tokio::test]
async fn two_consoles_at_once_get_one_change() {
    let Some(server) = start("caddy_two") else { return };
    for round in 0..5_u8 {
        let [one, two] = [(); 2].map(|()| of(&server));
        let revision = Some(look(&one).await.revision);
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        let (a, b) = (order(&a, Move::Promote, 10, revision.clone()), order(&b, Move::Promote, 50, revision));
        let (a, b) = tokio::join!(apply(&one, &a), apply(&two, &b));
        let (won, lost): (Vec<_>, Vec<_>) = [a, b].into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{lost:?}");
        assert!(matches!(lost[0], Err(BackendError::Conflict(_))), "{lost:?}");
        apply(&one, &order(&format!("c{round}"), Move::Rollback, 0, None)).await.unwrap();
    }
}

#[tokio::test]
async fn a_restart_goes_back_to_the_file_or_on_from_what_was_saved() {
    let Some(mut server) = start("caddy_restart") else { return };
    let backend = of(&server);
    let at_first = look(&backend).await.revision;
    assert!(!backend.capabilities().survives_restart);
    forward(&backend, "a", 10).await;
    server.kill();
    let gone = apply(&backend, &order("b", Move::Promote, 50, Some(at_first.clone()))).await;
    assert!(matches!(&gone, Err(BackendError::Unreachable(why)) if why.contains("whether Caddy runs")), "{gone:?}");
    server.run();
    let seen = verified(&backend, 0).await;
    assert!(seen.notes.iter().any(|note| note.contains("was restarted while")), "{:?}", seen.notes);
    // The same content, the same hash, and another state all the same.
    assert_ne!(seen.revision, at_first);
    let stale = apply(&backend, &order("c", Move::Promote, 50, Some(at_first))).await;
    assert!(matches!(stale, Err(BackendError::Conflict(_))), "{stale:?}");

    forward(&backend, "d", 50).await;
    let shown = look(&backend).await.revision;
    server.kill();
    server.set_start(Start { resume: true, ..Start::default() });
    server.run();
    let seen = verified(&backend, 50).await;
    assert_ne!(seen.revision, shown);
    // Another process knows the order by its name.
    let again = apply(&of(&server), &order("d", Move::Promote, 50, Some(shown))).await;
    again.unwrap();
    assert_eq!(look(&backend).await.revision, seen.revision);
    assert_eq!(look(&backend).await.revision, seen.revision);
    let told = backend_that_survives(&server);
    assert!(told.capabilities().survives_restart);
    assert!(!look(&told).await.notes.iter().any(|note| note.contains("goes back to its file")));
}

fn backend_that_survives(server: &Server) -> Arc<dyn TrafficBackend> {
    backend(&format!("{}survives_restart = true\n", server.backend()), server.dir.path())
}

#[tokio::test]
async fn an_order_that_nobody_waited_for_happens_once() {
    let Some(server) = start("caddy_frozen") else { return };
    let backend = of(&server);
    forward(&backend, "a", 100).await;
    look(&backend).await;
    server.freeze();
    let back = order("b", Move::Rollback, 0, None);
    let driver = backend.driver().unwrap();
    assert!(timeout(Duration::from_millis(200), driver.apply(&back)).await.is_err(), "it cannot answer");
    let unread = backend.observer().observe().await;
    assert!(matches!(unread, Err(BackendError::Unknown(_))), "{unread:?}");
    server.thaw();
    apply(&backend, &back).await.unwrap();
    let seen = verified(&backend, 0).await;
    apply(&backend, &back).await.unwrap();
    assert_eq!(look(&backend).await.revision, seen.revision);
    assert_eq!(handler(&server)["load_balancing"]["selection_policy"]["@id"], json!("cutover-rp-b"));
}

#[tokio::test]
async fn an_address_with_an_origin_is_reached_and_told_apart() {
    let Some(program) = program::need("caddy_origin", "caddy") else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let admin = format!("127.0.0.1:{port}");
    let start = Start { origin: Some(admin.clone()), admin: Some(admin.clone()), ..Start::default() };
    let server = Server::start_as(program, Split::all(Side::Blue), start);
    let with = |origin: &str| backend(&format!("{}{origin}", server.backend()), server.dir.path());
    let own = with(&format!("origin = \"http://{admin}\"\n"));
    forward(&own, "a", 10).await;
    for other in ["", "origin = \"http://elsewhere\"\n"] {
        let denied = with(other).observer().observe().await;
        assert!(matches!(&denied, Err(BackendError::Denied(why)) if why.contains("write origin =")), "{denied:?}");
    }
    // By its place the same handler is found.
    let place = server.backend().replace("\"rp\"", "\"/config/apps/http/servers/s/routes/0/handle/0\"");
    let placed = backend(&format!("{place}origin = \"http://{admin}\"\n"), server.dir.path());
    forward(&placed, "b", 100).await;
    assert_eq!(look(&own).await.split, Split::all(Side::Green));
}

#[tokio::test]
async fn a_handler_that_is_none_is_told_with_what_to_write() {
    let Some(server) = start("caddy_handler") else { return };
    let of = |handler: &str| {
        backend(&server.backend().replace("handler = \"rp\"", &format!("handler = \"{handler}\"")), server.dir.path())
    };
    for (name, why) in [
        ("other", "write \"@id\" into the handler"),
        ("/config/apps/http/servers/s", "no handler: name the object"),
        ("/config/apps/http/servers/s/listen", "no object, but a value"),
        ("/config/apps/http/nothing/here", "nothing stands there"),
    ] {
        let told = of(name).observer().observe().await.expect_err("it is no handler");
        assert!(told.to_string().contains(why), "{name}: {told}");
    }
}

/// Whether an error is the right one.
type Is = fn(&BackendError) -> bool;

/// What answers of somebody else's mean for an order.
#[tokio::test]
async fn answers_of_another_are_errors_that_say_what_happened() {
    let dir = tempfile::Builder::new().prefix("cdy").tempdir_in("/tmp").unwrap();
    let toml = |socket: &str| {
        format!(
            "[backend]\nkind = \"caddy\"\nadmin = \"{}/{socket}\"\nhandler = \"rp\"\n\
             upstreams = {{ blue = [\"b:1\"], green = [\"g:1\"] }}\n",
            dir.path().display()
        )
    };
    let sound = "HTTP/1.1 200 OK\r\netag: \"/config/a 1\"\r\nconnection: close\r\n\r\n\
                 {\"handler\":\"reverse_proxy\",\"upstreams\":[{\"dial\":\"b:1\"},{\"dial\":\"g:1\"}],\"load_balancing\":\
                 {\"selection_policy\":{\"policy\":\"weighted_round_robin\",\"weights\":[1,0]}}}";
    let old = "HTTP/1.1 500 Oh\r\nconnection: close\r\n\r\n{\"error\":\"loading new config: unknown module: \
               http.reverse_proxy.selection_policies.weighted_round_robin\"}";
    let cases: [(&str, String, &str, Is, &str); 7] = [
        ("old", sound.into(), old, |it| matches!(it, BackendError::Refused(_)), "knows weights since 2.7"),
        (
            "html",
            sound.into(),
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<html>",
            |it| it.may_have_happened(),
            "no JSON",
        ),
        (
            "cut",
            sound.into(),
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
            |it| it.may_have_happened(),
            "broke off",
        ),
        ("closed", sound.into(), "", |it| it.may_have_happened(), "unix/"),
        ("proxy", sound.into(), "HTTP/1.1 502 Oh\r\nconnection: close\r\n\r\n", |it| it.may_have_happened(), "502"),
        ("untagged", sound.replace("etag", "x-tag"), "", |it| matches!(it, BackendError::Garbled(_)), "no Etag"),
        (
            "controls",
            "HTTP/1.1 404 No\r\nconnection: close\r\n\r\n{\"error\":\"\\u001b[2Junknown object ID 'rp'\"}".into(),
            "",
            |it| matches!(it, BackendError::Refused(why) if !why.contains("[2J")),
            "write \"@id\"",
        ),
    ];
    for (name, read, written, is, why) in cases {
        let listener = UnixListener::bind(dir.path().join(name)).unwrap();
        let written = written.to_owned();
        let peer = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let read_bytes = stream.read(&mut request).await.unwrap_or(0);
                let answer = if request[..read_bytes].starts_with(b"PATCH") { &written } else { &read };
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let backend = backend(&toml(name), dir.path());
        let told = apply(&backend, &order("a", Move::Rollback, 100, None)).await.expect_err(name);
        assert!(is(&told) && told.to_string().contains(why), "{name}: {told}");
        peer.abort();
    }
    let nowhere = backend(&toml("nowhere"), dir.path()).observer().observe().await;
    assert!(matches!(&nowhere, Err(BackendError::Unreachable(why)) if why.contains("admin.listen")), "{nowhere:?}");
}

#[tokio::test]
async fn a_socket_that_may_not_be_used_is_denied() {
    use std::os::unix::fs::PermissionsExt;
    if rustix::process::geteuid().is_root() {
        println!("NOT APPLICABLE caddy_denied: root may use every socket");
        return;
    }
    let dir = tempfile::Builder::new().prefix("cdy").tempdir_in("/tmp").unwrap();
    let socket = dir.path().join("admin.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o000)).unwrap();
    let toml = format!("[backend]\nkind = \"caddy\"\nadmin = \"{}\"\nhandler = \"rp\"\n", socket.display());
    let denied = backend(&toml, dir.path()).observer().observe().await;
    assert!(matches!(denied, Err(BackendError::Denied(_))), "{denied:?}");
}

#[test]
fn no_name_becomes_another_call() {
    let dir = tempfile::tempdir().unwrap();
    for line in [
        "handler = \"rp/../../load\"",
        "handler = \"..\"",
        "handler = \"/load\"",
        "handler = \"/config/apps/../../stop\"",
        "handler = \"/config/apps//x\"",
        "handler = \"/config/apps/a b\"",
        "handler = \"a?b\"",
        "handler = \"a\\nb\"",
        "handler = \"\"",
        "admin = \"http://h:1/path\"",
        "admin = \"http://user:pw@h:1\"",
        "admin = \"h:99999\"",
        "admin = \"\"",
        "origin = \"a\\r\\nx: y\"",
        "upstreams = { blue = [\"b 1:80\"], green = [\"g:80\"] }",
        "upstreams = { blue = [\"b:80\"], green = [\"b:80\"] }",
        "upstreams = { blue = [], green = [\"g:80\"] }",
        "upstreams = { blue = [\"b;:80\"], green = [\"g\\\":80\"] }",
        "upstreams = { blue = [\"http://b:80\"], green = [\"g:80\"] }",
        "shares = [0, 101]",
    ] {
        let fixed = ["admin = \"127.0.0.1:2019\"", "handler = \"rp\""];
        let others: Vec<&str> = fixed.into_iter().filter(|it| it[..5] != line[..5]).collect();
        let others = others.join("\n");
        let toml = format!(
            "service.name = \"m\"\nblue.urls = [\"http://b\"]\ngreen.urls = [\"http://g\"]\n\
             [state]\ndir = \"s\"\n[backend]\nkind = \"caddy\"\n{others}\n{line}\n"
        );
        let read = cutover::testing::config::parse(&toml, &dir.path().join("cutover.toml"), &|_| None);
        assert!(read.is_err(), "{line} was accepted");
    }
}

#[test]
fn the_page_shows_a_configuration_that_caddy_takes() {
    let Some(program) = program::need("caddy_page", "caddy") else { return };
    let page = include_str!("../../src/backend/caddy/page.md");
    let json = page.split("\n```json\n").nth(1).unwrap().split("\n```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("caddy.json"), json).unwrap();
    let mut command = std::process::Command::new(program);
    command.args(["validate", "--config"]).arg(dir.path().join("caddy.json"));
    for home in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(home, dir.path());
    }
    let checked = command.output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    // And the handler in it is the one that the page's config of ours drives.
    let handler = serde_json::from_str::<Value>(json).unwrap();
    let handler = &handler["apps"]["http"]["servers"]["inference"]["routes"][0]["handle"][0];
    assert_eq!((&handler["@id"], &handler["handler"]), (&json!("rp"), &json!("reverse_proxy")));
}

#[test]
fn the_config_means_what_it_says() {
    use cutover::testing::backend::caddy::{Address, CaddySpec, HandlerAt};
    use cutover::testing::config::load;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config/valid/caddy.toml");
    let home = |name: &str| (name == "HOME").then(|| "/home/operator".to_owned());
    let config = load(Some(&file), &home, Path::new("/")).unwrap();
    let Some(spec) = config.backend.spec::<CaddySpec>() else { panic!("{:?}", config.backend) };
    assert_eq!(spec.admin, Address::Unix("/run/caddy/admin.sock".into()));
    assert_eq!(spec.handler, HandlerAt::Path("/config/apps/http/servers/srv0/routes/0/handle/0".into()));
    // A port that a URL leaves out is one that Caddy needs.
    assert_eq!(spec.upstreams.blue, ["10.0.0.11:8080", "[::1]:80"]);
    assert_eq!(spec.upstreams.green, ["green.example:443"]);
    assert_eq!((spec.shares.as_deref(), spec.survives_restart), (Some(&[10, 50][..]), false));
    assert_eq!(spec.origin, None);
}
