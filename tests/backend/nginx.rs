//! nginx as it really is: under load, with a broken configuration, with streams that pin old workers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cutover::testing::backend::{BackendError, TrafficBackend};
use cutover::testing::domain::{Move, Side, Split};
use cutover::testing::runtime;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

use crate::support::driving;
use crate::support::local;
use crate::support::nginx as server;
use crate::support::reloads;

use driving::{apply, look, order, verified};
use local::config;
use reloads::{ask, switches_under_load};
use server::{Server, program};

/// Whether nginx is there; a test without it says so and is no pass.
fn is_there(test: &str) -> bool {
    let found = program().is_some();
    if !found {
        println!("SKIPPED {test}: nginx is not there");
    }
    found
}

fn backend(toml: &str, dir: &Path) -> Arc<dyn TrafficBackend> {
    runtime::connect(&config(toml, dir))
}

/// Waits until `path` exists.
async fn there(path: &Path) {
    let deadline = Instant::now() + local::DEADLINE;
    while !path.exists() {
        assert!(Instant::now() < deadline, "never there: {}", path.display());
        sleep(Duration::from_millis(3)).await;
    }
}

/// Who answers one request on a connection of its own.
async fn who(server: &Server) -> String {
    let mut stream = UnixStream::connect(server.path("in.sock")).await.unwrap();
    ask(&mut stream).await.expect("an answer on a fresh connection")
}

#[tokio::test]
async fn switches_under_load_are_verified_when_no_old_worker_takes_requests() {
    if !is_there("nginx_load") {
        return;
    }
    let server = Server::start(Split::all(Side::Blue));
    let backend = backend(&server.backend(), server.dir.path());
    let met = switches_under_load(&backend, &server.path("in.sock"), async || who(&server).await).await;
    assert_eq!(met.stale, 0, "a request that began after VERIFIED went to the old side");
    assert!(met.asked > 50 && met.closed < met.asked / 4, "{} of {}", met.closed, met.asked);
}

#[tokio::test]
async fn shares_are_what_was_asked() {
    if !is_there("nginx_shares") {
        return;
    }
    let server = Server::start(Split::all(Side::Blue));
    let backend = backend(&server.backend(), server.dir.path());
    apply(&backend, &order("a", Move::Promote, 30, Some(look(&backend).await.revision))).await.unwrap();
    verified(&backend, 30).await;
    let mut green = 0;
    for _ in 0..400 {
        green += u32::from(who(&server).await == "green");
    }
    // Six standard deviations to either side.
    assert!((65..=175).contains(&green), "{green} of 400 at 30 %");
}

#[tokio::test]
async fn a_test_that_fails_brings_the_old_file_back_and_says_why() {
    if !is_there("nginx_test_fails") {
        return;
    }
    let server = Server::start(Split::all(Side::Blue));
    let backend = backend(&server.backend(), server.dir.path());
    let before = std::fs::read_to_string(server.path("split.conf")).unwrap();
    let sound = std::fs::read_to_string(server.path("nginx.conf")).unwrap();
    std::fs::write(server.path("nginx.conf"), sound.replace("access_log off;", "acces_log off;")).unwrap();
    let revision = look(&backend).await.revision;
    let refused = apply(&backend, &order("a", Move::Switch, 100, Some(revision.clone()))).await;
    let Err(BackendError::Refused(why)) = &refused else { panic!("{refused:?}") };
    assert!(why.contains("the old file is back") && why.contains("acces_log"), "{why}");
    assert_eq!(std::fs::read_to_string(server.path("split.conf")).unwrap(), before);
    let seen = look(&backend).await;
    assert_eq!((seen.mixed, seen.revision), (None, revision.clone()), "the old file is in force as before");
    assert_eq!(who(&server).await, "blue");
    // Once it is repaired the same order goes through.
    std::fs::write(server.path("nginx.conf"), sound).unwrap();
    apply(&backend, &order("a", Move::Switch, 100, Some(revision))).await.unwrap();
    verified(&backend, 100).await;
    // A rollback needs no test, and says what nginx makes of it: here it cannot read its configuration.
    std::fs::write(server.path("nginx.conf"), "nonsense").unwrap();
    apply(&backend, &order("b", Move::Rollback, 0, None)).await.unwrap();
    let seen = look(&backend).await;
    assert!(seen.mixed.is_some_and(|why| why.contains("not reloaded since the file was written")));
    assert_eq!(who(&server).await, "green", "nginx keeps what it has");
}

/// Its caller is gone and its test still runs: what it puts back when that fails is not what is in force at the end.
#[tokio::test]
async fn a_test_that_fails_late_does_not_undo_the_way_back() {
    if !is_there("nginx_test_fails_late") {
        return;
    }
    let server = Server::start(Split::toward(Side::Green, 50));
    let (held, go) = (server.path("held"), server.path("go"));
    let script =
        format!("touch {}; until [ -e {} ]; do sleep 0.02; done; echo no >&2; exit 1", held.display(), go.display());
    let toml = server.backend();
    let (before, _) = toml.split_once("test = ").unwrap();
    let backend = backend(&format!("{before}test = [\"sh\", \"-c\", \"{script}\"]\n"), server.dir.path());
    let late = order("a", Move::Switch, 100, Some(look(&backend).await.revision));
    let driver = backend.driver().unwrap();
    tokio::select! {
        result = driver.apply(&late) => panic!("{result:?}"),
        () = there(&held) => {}
    }
    let back = {
        let backend = Arc::clone(&backend);
        tokio::spawn(async move { apply(&backend, &order("b", Move::Rollback, 0, None)).await })
    };
    verified(&backend, 0).await;
    std::fs::write(&go, "").unwrap();
    back.await.unwrap().expect("the way back is taken");
    for _ in 0..20 {
        verified(&backend, 0).await;
    }
    let kept = std::fs::read_to_string(server.path("split.conf")).unwrap();
    assert!(kept.contains("order b"), "{kept}");
    assert_eq!(who(&server).await, "blue");
}

#[tokio::test]
async fn a_stream_keeps_its_old_worker_and_that_is_told() {
    if !is_there("nginx_stream") {
        return;
    }
    let server = Server::start(Split::all(Side::Blue));
    let backend = backend(&server.backend(), server.dir.path());
    // A request whose head never ends holds its worker as a stream does.
    let mut open = UnixStream::connect(server.path("in.sock")).await.unwrap();
    open.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    assert_eq!(who(&server).await, "blue", "a later connection was taken, so the earlier one was");
    apply(&backend, &order("a", Move::Switch, 100, Some(look(&backend).await.revision))).await.unwrap();
    verified(&backend, 100).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while !look(&backend).await.notes.iter().any(|note| note.contains("1 old workers finish open requests")) {
        assert!(Instant::now() < deadline, "{:?}", look(&backend).await.notes);
        sleep(Duration::from_millis(5)).await;
    }
    drop(open);
    while look(&backend).await.notes.iter().any(|note| note.contains("old workers")) {
        assert!(Instant::now() < deadline, "it never ends");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_split_that_is_in_force_is_not_written_again() {
    if !is_there("nginx_coalesced") {
        return;
    }
    let server = Server::start(Split::all(Side::Blue));
    let backend = backend(&server.backend(), server.dir.path());
    let reloads = || server.log().matches("(SIGHUP) received").count();
    apply(&backend, &order("a", Move::Rollback, 0, None)).await.unwrap();
    assert_eq!(reloads(), 0);
    apply(&backend, &order("b", Move::Switch, 100, Some(look(&backend).await.revision))).await.unwrap();
    verified(&backend, 100).await;
    apply(&backend, &order("c", Move::Switch, 100, Some(look(&backend).await.revision))).await.unwrap();
    assert_eq!(reloads(), 1);
}

#[tokio::test]
async fn two_consoles_at_once_get_one_change() {
    if !is_there("nginx_two") {
        return;
    }
    let server = Server::start(Split::all(Side::Blue));
    let [one, two] = [(); 2].map(|()| backend(&server.backend(), server.dir.path()));
    let revision = Some(look(&one).await.revision);
    let (a, b) = (order("a", Move::Promote, 10, revision.clone()), order("b", Move::Promote, 50, revision));
    let (a, b) = tokio::join!(apply(&one, &a), apply(&two, &b));
    let (won, lost): (Vec<_>, Vec<_>) = [a, b].into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "{lost:?}");
    assert!(matches!(lost[0], Err(BackendError::Conflict(_))), "{lost:?}");
}

#[tokio::test]
async fn an_edit_by_hand_is_seen_and_a_broken_file_stops_no_rollback() {
    if !is_there("nginx_edit") {
        return;
    }
    let server = Server::start(Split::all(Side::Blue));
    let backend = backend(&server.backend(), server.dir.path());
    let revision = look(&backend).await.revision;
    let edit = "split_clients $request_id $cutover_side { 25% green; * blue; }";
    let deadline = Instant::now() + Duration::from_secs(10);
    // Right after its start a worker is not to be told from one that has read the edit.
    loop {
        std::fs::write(server.path("split.conf"), edit).unwrap();
        let seen = look(&backend).await;
        assert_eq!(seen.split, Split::toward(Side::Green, 25));
        if seen.mixed.is_some() {
            break;
        }
        assert!(Instant::now() < deadline, "nobody reloaded nginx");
    }
    let stale = apply(&backend, &order("a", Move::Switch, 100, Some(revision))).await;
    assert!(matches!(stale, Err(BackendError::Conflict(_))), "{stale:?}");
    // What another service needs stays as it is, also on a rollback.
    let map = "map $uri $kind { default other; }";
    for (id, foreign) in [("b", format!("{map}\n{edit}\n")), ("b2", format!("# Written by cutover\n{edit}\n{map}\n"))] {
        std::fs::write(server.path("split.conf"), &foreign).unwrap();
        assert!(matches!(backend.observer().observe().await, Err(BackendError::Garbled(_))));
        let refused = apply(&backend, &order(id, Move::Rollback, 0, None)).await;
        assert!(matches!(refused, Err(BackendError::Refused(_))), "{refused:?}");
        assert_eq!(std::fs::read_to_string(server.path("split.conf")).unwrap(), foreign);
    }
    std::fs::write(server.path("split.conf"), "split_clients $request_id $cutover_si").unwrap();
    assert!(matches!(backend.observer().observe().await, Err(BackendError::Garbled(_))));
    apply(&backend, &order("c", Move::Rollback, 0, None)).await.unwrap();
    verified(&backend, 0).await;
}

#[tokio::test]
async fn a_directory_that_may_not_be_written_is_denied() {
    if !is_there("nginx_denied") {
        return;
    }
    let server = Server::start(Split::all(Side::Blue));
    // Nobody may make a file there, root neither.
    let toml =
        server.backend().replace(&format!("{}/split.conf", server.dir.path().display()), "/sys/kernel/split.conf");
    let denied = apply(&backend(&toml, server.dir.path()), &order("a", Move::Rollback, 0, None)).await;
    assert!(matches!(denied, Err(BackendError::Denied(_))), "{denied:?}");
}

#[tokio::test]
async fn a_command_may_reload_where_no_process_is_seen() {
    if !is_there("nginx_command") {
        return;
    }
    let server = Server::start(Split::all(Side::Blue));
    let at = server.dir.path().display();
    let toml = server
        .backend()
        .replace(&format!("pid = \"{at}/pid\""), &format!("reload = [\"sh\", \"-c\", \"kill -HUP $(cat {at}/pid)\"]"));
    let backend = backend(&toml, server.dir.path());
    apply(&backend, &order("a", Move::Switch, 100, Some(look(&backend).await.revision))).await.unwrap();
    let seen = look(&backend).await;
    assert!(seen.notes.iter().any(|note| note.contains("cannot be seen from here")), "{:?}", seen.notes);
    let deadline = Instant::now() + Duration::from_secs(10);
    while who(&server).await != "green" {
        assert!(Instant::now() < deadline, "the command never reloaded it");
    }
}

#[test]
fn no_name_becomes_a_directive() {
    let dir = tempfile::tempdir().unwrap();
    for line in [
        "blue = \"b; }\"",
        "green = \"a b\"",
        "green = \"blue\"",
        "variable = \"x y\"",
        "variable = \"$x;\"",
        "key = \"$request_id\\\" $y { * z; } #\"",
        "key = \"$a;b\"",
        "key = \"${a\"",
        "key = \"constant\"",
        "key = \"$a\\nb\"",
        "include = \"a\\nb\"",
    ] {
        let include = if line.starts_with("include") { "" } else { "include = \"/x/split.conf\"\n" };
        let toml = format!(
            "service.name = \"m\"\nblue.urls = [\"http://b\"]\ngreen.urls = [\"http://g\"]\n\
             [state]\ndir = \"s\"\n[backend]\nkind = \"nginx\"\n{include}{line}\n"
        );
        let read = cutover::testing::config::parse(&toml, &dir.path().join("cutover.toml"), &|_| None);
        assert!(read.is_err(), "{line} was accepted");
    }
}

#[test]
fn the_page_shows_a_configuration_that_nginx_takes() {
    if !is_there("nginx_page") {
        return;
    }
    let page = include_str!("../../src/backend/nginx/page.md");
    let block = |language: &str| {
        page.split(&format!("\n```{language}\n")).nth(1).unwrap().split("\n```").next().unwrap().to_owned()
    };
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().display();
    std::fs::write(dir.path().join("cutover.conf"), block("nginx")).unwrap();
    let main = block("nginx-conf").replace("/etc/nginx/", &format!("{at}/"));
    let main = format!("pid {at}/pid; error_log {at}/log;\n{main}");
    std::fs::write(dir.path().join("nginx.conf"), main).unwrap();
    let tested = std::process::Command::new(program().unwrap())
        .args(["-t", "-c", &format!("{at}/nginx.conf")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tested.stderr);
    // Its own directories are root's.
    assert!(said.contains("syntax is ok"), "{said}");
}

#[tokio::test]
async fn a_clock_that_is_set_makes_no_worker_older_or_younger() {
    if !is_there("a_clock_that_is_set_makes_no_worker_older_or_younger") {
        return;
    }
    let server = Server::start(Split::all(Side::Blue));
    let backend = backend(&server.backend(), server.dir.path());
    let shown = look(&backend).await.revision;
    apply(&backend, &order("a", Move::Promote, 10, Some(shown))).await.unwrap();
    verified(&backend, 10).await;
    let file = server.path("split.conf");
    let written_at = |seconds: i64| {
        let file = std::fs::File::options().write(true).open(&file).unwrap();
        let (now, by) = (std::time::SystemTime::now(), std::time::Duration::from_secs(seconds.unsigned_abs()));
        file.set_modified(if seconds > 0 { now + by } else { now - by }).unwrap();
    };
    // As if the clock had been an hour ahead when the file was written, and then an hour behind.
    for hour in [3_600, -3_600] {
        written_at(hour);
        let seen = look(&backend).await;
        assert_eq!((seen.split, seen.mixed), (Split::toward(Side::Green, 10), None), "{hour}");
    }
    // A file that was not taken in is not, whatever the clock.
    let old = std::fs::read_to_string(&file).unwrap();
    let forgets = self::backend(&format!("{}reload = [\"true\"]\n", server.backend()), server.dir.path());
    let shown = look(&forgets).await.revision;
    apply(&forgets, &order("b", Move::Promote, 50, Some(shown))).await.unwrap();
    written_at(-3_600);
    let seen = look(&backend).await;
    assert!(seen.mixed.as_ref().is_some_and(|mixed| mixed.contains("not reloaded")), "{:?}", seen.mixed);
    let pid: i32 = std::fs::read_to_string(server.path("pid")).unwrap().trim().parse().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::HUP).unwrap();
    verified(&backend, 50).await;
    // Nor is one of ours that somebody put back.
    std::fs::write(&file, old).unwrap();
    let seen = look(&backend).await;
    assert!(seen.mixed.as_ref().is_some_and(|mixed| mixed.contains("not reloaded")), "{:?}", seen.mixed);
}
