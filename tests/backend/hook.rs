//! Hooks against real commands and a real home-made router, well behaved and as bad as they come.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use cutover::testing::backend::{BackendError, TrafficBackend};
use cutover::testing::domain::{Move, Order, Revision, Side, Split};
use cutover::testing::{config, runtime};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::support::driving;

use driving::apply;

const EXEC: &str = include_str!("../../src/backend/hook/exec.md");
const HTTP: &str = include_str!("../../src/backend/hook/http.md");
const TOKEN: &str = "the-routers-own-token";

/// The first block of `language` on a set-up page.
fn block<'a>(page: &'a str, language: &str) -> &'a str {
    page.split(&format!("\n```{language}\n")).nth(1).unwrap().split("\n```").next().unwrap()
}

fn read_config(toml: &str, dir: &Path) -> Result<config::Config, config::ConfigError> {
    let toml = format!("{toml}\n[state]\ndir = \"state\"\n");
    config::parse(&toml, &dir.join("cutover.toml"), &|_| None)
}

fn backend(toml: &str, dir: &Path) -> Arc<dyn TrafficBackend> {
    runtime::connect(&read_config(toml, dir).expect("the config is sound"))
}

/// A backend whose set is a script of one line, and whose answers of read never change.
fn scripted(set: &str, more: &str, dir: &Path) -> Arc<dyn TrafficBackend> {
    std::fs::write(dir.join("set.sh"), set).unwrap();
    let toml = format!(
        "service.name = \"m\"\nblue.urls = [\"http://127.0.0.1:1\"]\ngreen.urls = [\"http://127.0.0.1:2\"]\n\
         [backend]\nkind = \"exec\"\ncompare_and_set = true\n{more}\n\
         read = [\"printf\", '{{\"split\":{{\"green\":0}},\"revision\":\"1\"}}']\n\
         set = [\"sh\", \"set.sh\", \"{{{{green}}}}\", \"{{{{expected}}}}\", \"{{{{order}}}}\"]\n"
    );
    backend(&toml, dir)
}

/// As `read` prints it, a revision is a word.
fn order(id: &str, kind: Move, percent: u8, expected: Option<&str>) -> Order {
    driving::order(id, kind, percent, expected.map(|text| Revision(text.into())))
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the processes whose ids stand in `file` are gone, zombies included.
async fn gone(file: &Path, number: usize) {
    let text = std::fs::read_to_string(file).unwrap();
    let pids: Vec<&str> = text.lines().collect();
    assert_eq!(pids.len(), number, "{text:?}");
    until("the processes are gone", || !pids.iter().any(|pid| Path::new("/proc").join(pid).exists())).await;
}

#[tokio::test]
async fn a_hung_hook_is_unknown_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let hung = "echo $$ >> pids; sleep 600 & echo $! >> pids; wait";
    let backend = scripted(hung, "timeout = \"300ms\"", dir.path());
    let outcome = apply(&backend, &order("a", Move::Promote, 10, Some("1"))).await;
    assert!(matches!(&outcome, Err(BackendError::Unknown(why)) if why.contains("300 ms")), "{outcome:?}");
    gone(&dir.path().join("pids"), 2).await;
}

#[tokio::test]
async fn a_fork_that_holds_the_output_open_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let backend = scripted("sleep 600 & echo $! > pids", "", dir.path());
    let started = Instant::now();
    assert!(apply(&backend, &order("a", Move::Promote, 10, Some("1"))).await.is_ok());
    assert!(started.elapsed() < Duration::from_secs(10));
    gone(&dir.path().join("pids"), 1).await;
}

#[tokio::test]
async fn a_flood_is_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let backend = scripted("echo $$ > pids; exec yes", "", dir.path());
    let outcome = apply(&backend, &order("a", Move::Promote, 10, Some("1"))).await;
    assert!(matches!(&outcome, Err(BackendError::Garbled(why)) if why.contains("without end")), "{outcome:?}");
    gone(&dir.path().join("pids"), 1).await;
}

#[tokio::test]
async fn a_slow_hook_outlives_the_wait_for_it_and_runs_once() {
    let dir = tempfile::tempdir().unwrap();
    let slow = "echo run >> runs; while [ ! -e go ]; do sleep 0.05; done; echo done >> runs";
    let backend = scripted(slow, "", dir.path());
    let forward = order("a", Move::Promote, 10, Some("1"));
    let driver = backend.driver().unwrap();
    assert!(timeout(Duration::from_millis(300), driver.apply(&forward)).await.is_err());
    std::fs::write(dir.path().join("go"), "").unwrap();
    assert!(apply(&backend, &forward).await.is_ok(), "the retry is the same act");
    assert_eq!(std::fs::read_to_string(dir.path().join("runs")).unwrap(), "run\ndone\n");
}

#[tokio::test]
async fn a_rollback_ends_a_forward_act_that_still_runs() {
    let dir = tempfile::tempdir().unwrap();
    let script = "[ $1 = 10 ] || { echo back >> runs; exit 0; }; echo $$ > pids; sleep 600; echo late >> runs";
    let backend = scripted(script, "", dir.path());
    let forward = order("a", Move::Promote, 10, Some("1"));
    let driver = backend.driver().unwrap();
    let pids = dir.path().join("pids");
    tokio::select! {
        outcome = driver.apply(&forward) => panic!("{outcome:?}"),
        () = until("it runs", || std::fs::read_to_string(&pids).is_ok_and(|text| text.ends_with('\n'))) => {}
    }
    let started = Instant::now();
    assert!(apply(&backend, &order("b", Move::Rollback, 0, None)).await.is_ok());
    assert!(started.elapsed() < Duration::from_secs(10));
    gone(&pids, 1).await;
    assert!(matches!(apply(&backend, &forward).await, Err(BackendError::Conflict(_))), "a late retry");
    assert_eq!(std::fs::read_to_string(dir.path().join("runs")).unwrap(), "back\n");
}

#[tokio::test]
async fn exit_codes_are_told_apart() {
    for (script, kind) in [
        ("echo stale >&2; exit 75", "the state changed: sh ended with 75: stale"),
        ("exit 77", "not allowed: sh ended with 77"),
        ("exit 69", "unreachable: sh ended with 69"),
        ("exit 64", "refused: sh ended with 64"),
        ("exit 3", "no answer, it may have happened: sh ended with 3"),
        ("kill -9 $$", "no answer, it may have happened: sh was ended by signal 9"),
        ("printf '\\033[2Jboo\\n' >&2; exit 64", "refused: sh ended with 64: boo"),
        ("echo '<html>'", "the answer makes no sense: it answered HTML: is this the router, or a page in front of it?"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let backend = scripted(script, "", dir.path());
        let outcome = apply(&backend, &order("a", Move::Promote, 10, Some("1"))).await;
        assert_eq!(outcome.unwrap_err().to_string(), kind, "{script}");
    }
}

#[tokio::test]
async fn a_revision_is_never_a_command() {
    let dir = tempfile::tempdir().unwrap();
    let backend = scripted("echo ran > ran", "", dir.path());
    for hostile in ["1; touch x", "$(touch x)", "`touch x`", "1\n2", "--flag", "a b", "\"", "'"] {
        let outcome = apply(&backend, &order("a", Move::Promote, 10, Some(hostile))).await;
        assert!(matches!(outcome, Err(BackendError::Refused(_))), "{hostile}: {outcome:?}");
    }
    let outcome = apply(&backend, &order("a; touch x", Move::Promote, 10, Some("1"))).await;
    assert!(matches!(outcome, Err(BackendError::Refused(_))), "{outcome:?}");
    assert!(!dir.path().join("ran").exists());
}

#[tokio::test]
async fn without_compare_and_set_a_look_before_the_act_finds_what_is_stale() {
    let dir = tempfile::tempdir().unwrap();
    let backend = scripted("echo ran > ran", "", dir.path());
    assert!(backend.capabilities().compare_and_set);
    let looking = std::fs::read_to_string(dir.path().join("set.sh")).unwrap();
    let toml = "service.name = \"m\"\nblue.urls = [\"http://127.0.0.1:1\"]\ngreen.urls = [\"http://127.0.0.1:2\"]\n\
        [backend]\nkind = \"exec\"\nread = [\"printf\", '{\"split\":{\"green\":0},\"revision\":\"2\"}']\n\
        switch = [\"sh\", \"set.sh\"]\n";
    assert_eq!(looking, "echo ran > ran");
    let backend = self::backend(toml, dir.path());
    let can = backend.capabilities();
    assert!(!can.compare_and_set && can.refuses(Split::toward(Side::Green, 10)).is_some());
    let stale = apply(&backend, &order("a", Move::Switch, 100, Some("1"))).await;
    assert!(matches!(stale, Err(BackendError::Conflict(_))), "{stale:?}");
    assert!(!dir.path().join("ran").exists());
    assert!(apply(&backend, &order("b", Move::Switch, 100, Some("2"))).await.is_ok());
    assert!(dir.path().join("ran").exists());
}

#[tokio::test]
async fn two_consoles_at_once_get_one_act() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("router"), block(EXEC, "sh")).unwrap();
    let [one, two] = [(); 2].map(|()| backend(block(EXEC, "toml"), dir.path()));
    let revision = one.observer().observe().await.unwrap().revision.0;
    let (a, b) = (order("a", Move::Promote, 10, Some(&revision)), order("b", Move::Promote, 50, Some(&revision)));
    let (a, b) = tokio::join!(apply(&one, &a), apply(&two, &b));
    let (won, lost): (Vec<_>, Vec<_>) = [a, b].into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(matches!(lost[0], Err(BackendError::Conflict(_))), "{lost:?}");
}

#[test]
fn what_is_wrong_in_the_config_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let head = "service.name = \"m\"\nblue.urls = [\"http://b\"]\ngreen.urls = [\"http://g\"]\n[backend]\n";
    for (written, told) in [
        ("kind = \"exec\"\nread = [\"get\"]", "neither set nor switch"),
        ("kind = \"exec\"\nset = [\"set\"]", "read is missing"),
        ("kind = \"exec\"\nread = [\"get\"]\nset = [\"set\", \"{{grene}}\"]", "a placeholder is one of {{blue}}"),
        ("kind = \"exec\"\nread = [\"get\"]\nset = [\"{{order}}\"]", "cannot stand for the program"),
        ("kind = \"exec\"\nread = [\"get\"]\nset = [\"a\\nb\"]", "control or invisible character"),
        ("kind = \"exec\"\nread = [\"./nowhere\"]\nset = [\"set\"]", "there is no file"),
        ("kind = \"exec\"\nread = [\"get\"]\nswitch = [\"s\"]\nweights = \"any\"", "only all_or_nothing"),
        ("kind = \"exec\"\nread = [\"get\"]\nset = [\"s\"]\nconflict_code = 77", "has a meaning already"),
        ("kind = \"http\"\nread = { url = \"http://r\" }\nset = { url = \"http://r\" }", "a GET changes nothing"),
        (
            "kind = \"http\"\nread = { url = \"http://u:p@r\" }\nset = { url = \"http://r\", method = \"PUT\" }",
            "user name",
        ),
        (
            "kind = \"http\"\nread = { url = \"http://r\", headers = { authorization = \"x\" } }\nset = { url = \"http://r\", method = \"PUT\" }",
            "a secret must not stand",
        ),
    ] {
        let error = read_config(&format!("{head}{written}"), dir.path()).expect_err(written).to_string();
        assert!(error.contains(told), "{written}: {error}");
    }
}

/// Answers every request with `name`, as long as the test runs.
async fn side(name: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 2048];
            let _ = stream.read(&mut request).await;
            let answer =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{name}", name.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    base
}

/// How many of `number` requests each side answers.
async fn shares(port: &str, number: usize) -> (usize, usize) {
    let (mut blue, mut green) = (0, 0);
    for _ in 0..number {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
        stream.write_all(b"GET /infer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        match answer.rsplit("\r\n\r\n").next() {
            Some("blue") => blue += 1,
            Some("green") => green += 1,
            _ => panic!("{answer}"),
        }
    }
    (blue, green)
}

#[tokio::test]
async fn the_home_made_router_of_the_page_is_driven() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        println!("SKIPPED home_made_router: python3 is not there");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("router.py"), block(HTTP, "python")).unwrap();
    std::fs::write(dir.path().join("token"), TOKEN).unwrap();
    let (blue, green) = (side("blue").await, side("green").await);
    let mut router = tokio::process::Command::new("python3")
        .args(["router.py", "0", &blue, &green])
        .current_dir(dir.path())
        .env("ROUTER_TOKEN", TOKEN)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(router.stdout.take().unwrap()).lines();
    let said = timeout(Duration::from_secs(20), lines.next_line()).await.expect("it starts").unwrap().unwrap();
    let port = said.rsplit(' ').next().unwrap().to_owned();
    let toml = block(HTTP, "toml").replace("8080", &port).replace("{ env = \"ROUTER_TOKEN\" }", "{ file = \"token\" }");
    let backend = backend(&toml, dir.path());
    let observer = backend.observer();
    let first = observer.observe().await.unwrap();
    assert_eq!(first.split, Split::all(Side::Blue));
    assert_eq!(shares(&port, 20).await, (20, 0));
    let shown = format!("{:?}", observer.preview(&order("a", Move::Promote, 50, Some("1"))));
    assert!(shown.contains("\\\"green\\\": 50") && !shown.contains(TOKEN), "{shown}");
    apply(&backend, &order("a", Move::Promote, 50, Some(&first.revision.0))).await.unwrap();
    let (blue_got, green_got) = shares(&port, 100).await;
    assert!(blue_got > 20 && green_got > 20, "{blue_got}/{green_got}");
    let stale = apply(&backend, &order("b", Move::Switch, 100, Some(&first.revision.0))).await;
    assert!(matches!(stale, Err(BackendError::Conflict(_))), "{stale:?}");
    let now = observer.observe().await.unwrap().revision.0;
    apply(&backend, &order("c", Move::Switch, 100, Some(&now))).await.unwrap();
    assert_eq!(shares(&port, 20).await, (0, 20));
    apply(&backend, &order("d", Move::Rollback, 0, None)).await.unwrap();
    assert_eq!(observer.observe().await.unwrap().split, Split::all(Side::Blue));
    assert_eq!(shares(&port, 20).await, (20, 0));
    router.kill().await.unwrap();
    let down = apply(&backend, &order("e", Move::Rollback, 0, None)).await;
    assert!(matches!(down, Err(BackendError::Unreachable(_))), "{down:?}");
}
