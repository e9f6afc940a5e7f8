//! DNS servers as they really are: conditions that fail, keys that may not, records that nobody asked for.

use std::net::SocketAddr;
use std::sync::Arc;

use cutover::testing::backend::dns::DnsSpec;
use cutover::testing::backend::{Backend, BackendError, TrafficBackend, Weights};
use cutover::testing::domain::{Move, RollbackClass, Side, Split};
use cutover::testing::runtime;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::support::dns as server;
use crate::support::driving;

use driving::{apply, look, order};
use server::{API_KEY, Bind, PowerDns, SECRET, WRONG_SECRET, config, find, powerdns_lacks};

/// Whether the programs are there; a test without them says so and is no pass.
fn is_there(test: &str, programs: &[&str]) -> bool {
    let missing = programs.iter().find(|name| find(name).is_none());
    if let Some(missing) = missing {
        println!("SKIPPED {test}: {missing} is not there");
    }
    missing.is_none()
}

const ADDRESSES: &str = "record = \"A\"\nblue = [\"127.0.0.11\"]\ngreen = [\"127.0.0.12\"]\n";

/// The backend that updates `bind`, through `address`.
fn updating(bind: &Bind, address: SocketAddr, more: &str) -> Arc<dyn TrafficBackend> {
    std::fs::write(bind.dir.path().join("secret"), SECRET).unwrap();
    let toml = format!(
        "method = \"update\"\nserver = \"{address}\"\nkey = \"cutover\"\nsecret = {{ file = \"secret\" }}\n{more}"
    );
    runtime::connect(&config(&toml, bind.dir.path()).expect("the config is sound"))
}

fn picking(pdns: &PowerDns) -> Arc<dyn TrafficBackend> {
    std::fs::write(pdns.dir.path().join("key"), API_KEY).unwrap();
    let toml = format!(
        "method = \"powerdns\"\napi = \"http://127.0.0.1:{}\"\napi_key = {{ file = \"key\" }}\nserver = \"127.0.0.1:{}\"\n\
         blue = [\"127.0.0.11\"]\ngreen = [\"127.0.0.12\"]\n",
        pdns.api, pdns.dns
    );
    runtime::connect(&config(&toml, pdns.dir.path()).expect("the config is sound"))
}

/// What a client of its own is told, `times` times, sorted.
fn dig(port: u16, kind: &str, times: usize) -> Vec<String> {
    let mut command = std::process::Command::new(find("dig").unwrap());
    command.args(["+short", "@127.0.0.1", "-p", &port.to_string()]);
    for _ in 0..times {
        command.args(["api.ml.test", kind]);
    }
    let told = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let mut lines: Vec<String> = told.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn an_address_is_switched_whole_and_the_time_of_caches_is_counted() {
    if !is_there("dns_switch", &["named", "dig"]) {
        return;
    }
    let bind = Bind::start("api 45 IN A 127.0.0.11");
    let backend = updating(&bind, bind.address(), ADDRESSES);
    let can = backend.capabilities();
    assert_eq!((can.weights, can.compare_and_set), (Weights::AllOrNothing, true));
    let first = look(&backend).await;
    assert_eq!((first.rollback.class, first.rollback.takes_s), (RollbackClass::AfterTtl, Some(45)));
    assert_eq!((first.split, first.mixed), (Split::all(Side::Blue), None));
    assert_eq!(
        first.notes,
        ["nothing is drained: clients keep an answer for 45 s and connections for as long as they like"]
    );
    let tenth = apply(&backend, &order("a", Move::Promote, 10, Some(first.revision.clone()))).await;
    assert!(matches!(tenth, Err(BackendError::Refused(_))), "{tenth:?}");
    apply(&backend, &order("b", Move::Switch, 100, Some(first.revision))).await.unwrap();
    assert_eq!(dig(bind.port, "A", 1), ["127.0.0.12"]);
    let seen = look(&backend).await;
    assert_eq!((seen.split, seen.mixed), (Split::all(Side::Green), None));
    let left = seen.notes[0].strip_prefix("resolvers may answer the old side for ").expect("a countdown");
    let left: u64 = left.strip_suffix(" s more").unwrap().parse().unwrap();
    assert!((30..=45).contains(&left), "the old record had 45 s: {left}");
    apply(&backend, &order("c", Move::Rollback, 0, None)).await.unwrap();
    assert_eq!(dig(bind.port, "A", 1), ["127.0.0.11"]);
}

#[tokio::test]
async fn the_server_itself_refuses_what_was_made_for_another_state() {
    if !is_there("dns_condition", &["named", "dig"]) {
        return;
    }
    let bind = Bind::start("api 30 IN A 127.0.0.11");
    let more = "record = \"A\"\nblue = [\"127.0.0.11\"]\ngreen = [\"127.0.0.12\", \"127.0.0.13\"]\n";
    let other = updating(&bind, bind.address(), "record = \"A\"\nblue = [\"127.0.0.11\"]\ngreen = [\"127.0.0.99\"]\n");
    // In front of the server: the moment before the update passes, another console switches.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (front, behind) = (listener.local_addr().unwrap(), bind.address());
    let meddler = Arc::clone(&other);
    let proxy = tokio::spawn(async move {
        let mut connections = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            connections += 1;
            if connections == 3 {
                apply(&meddler, &order("x", Move::Abort, 100, None)).await.unwrap();
            }
            let mut server = TcpStream::connect(behind).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut server).await;
        }
    });
    let backend = updating(&bind, front, more);
    let revision = look(&backend).await.revision;
    let stale = apply(&backend, &order("a", Move::Switch, 100, Some(revision))).await;
    assert!(matches!(&stale, Err(BackendError::Conflict(why)) if why.contains("NXRRSET")), "{stale:?}");
    assert_eq!(dig(bind.port, "A", 1), ["127.0.0.99"], "nothing of the update was carried out");
    proxy.abort();
}

#[tokio::test]
async fn two_consoles_at_once_get_one_change() {
    if !is_there("dns_two", &["named"]) {
        return;
    }
    let bind = Bind::start("api 30 IN SRV 0 100 8080 blue.ml.test.");
    let more = "record = \"SRV\"\nblue = [\"blue.ml.test:8080\"]\ngreen = [\"green.ml.test:8080\"]\n";
    let [one, two] = [(); 2].map(|()| updating(&bind, bind.address(), more));
    let revision = Some(look(&one).await.revision);
    let (a, b) = (order("a", Move::Promote, 10, revision.clone()), order("b", Move::Promote, 50, revision));
    let (a, b) = tokio::join!(apply(&one, &a), apply(&two, &b));
    let (won, lost): (Vec<_>, Vec<_>) = [a, b].into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "{lost:?}");
    assert!(matches!(lost[0], Err(BackendError::Conflict(_))), "{lost:?}");
}

#[tokio::test]
async fn srv_weights_are_what_was_asked() {
    if !is_there("dns_srv", &["named", "dig"]) {
        return;
    }
    let bind = Bind::start("api 30 IN SRV 0 100 80 b1.ml.test.\napi 30 IN SRV 0 100 80 b2.ml.test.");
    let more = "record = \"SRV\"\nblue = [\"b1.ml.test:80\", \"b2.ml.test:80\"]\ngreen = [\"g.ml.test:80\"]\n";
    let backend = updating(&bind, bind.address(), more);
    apply(&backend, &order("a", Move::Promote, 10, Some(look(&backend).await.revision))).await.unwrap();
    assert_eq!(dig(bind.port, "SRV", 1), ["0 20 80 g.ml.test.", "0 90 80 b1.ml.test.", "0 90 80 b2.ml.test."]);
    let seen = look(&backend).await;
    assert_eq!((seen.split, seen.mixed), (Split::toward(Side::Green, 10), None));
    apply(&backend, &order("b", Move::Switch, 100, Some(seen.revision))).await.unwrap();
    assert_eq!(dig(bind.port, "SRV", 1), ["0 100 80 g.ml.test."]);
}

#[tokio::test]
async fn keys_that_may_not_and_names_that_may_not_be_changed_are_denied() {
    if !is_there("dns_denied", &["named"]) {
        return;
    }
    let bind = Bind::start("api 30 IN A 127.0.0.11\nother 30 IN A 127.0.0.11");
    let rollback = order("a", Move::Rollback, 0, None);
    let toml = format!("method = \"update\"\nserver = \"{}\"\n{ADDRESSES}", bind.address());
    let unsigned = runtime::connect(&config(&toml, bind.dir.path()).unwrap());
    assert_eq!(look(&unsigned).await.split, Split::all(Side::Blue), "anybody may read");
    let denied = apply(&unsigned, &rollback).await;
    assert!(matches!(denied, Err(BackendError::Denied(_))), "{denied:?}");
    let wrong = updating(&bind, bind.address(), ADDRESSES);
    for (secret, told) in [(WRONG_SECRET, "NOTAUTH"), ("not base64!", "no base64"), ("", "empty")] {
        std::fs::write(bind.dir.path().join("secret"), secret).unwrap();
        let denied = apply(&wrong, &rollback).await;
        let Err(BackendError::Denied(why)) = &denied else { panic!("{secret}: {denied:?}") };
        assert!(why.contains(told), "{why}");
        assert!(secret.is_empty() || !why.contains(secret), "a secret is shown: {why}");
    }
    std::fs::write(bind.dir.path().join("secret"), SECRET).unwrap();
    let toml = format!(
        "method = \"update\"\nserver = \"{}\"\nkey = \"cutover\"\nsecret = {{ file = \"secret\" }}\n{ADDRESSES}",
        bind.address()
    );
    let mut elsewhere = config(&toml, bind.dir.path()).unwrap();
    let mut spec = elsewhere.backend.spec::<DnsSpec>().unwrap().clone();
    spec.name = "other.ml.test".into();
    elsewhere.backend = Backend::new(spec);
    let denied = apply(&runtime::connect(&elsewhere), &rollback).await;
    assert!(matches!(&denied, Err(BackendError::Denied(why)) if why.contains("REFUSED")), "{denied:?}");
}

#[tokio::test]
async fn an_answer_that_nobody_signed_is_not_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let liar = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 14];
            if stream.read_exact(&mut request).await.is_ok() {
                // The same id, "done", nothing else.
                let answer = [0, 12, request[2], request[3], 0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                let _ = stream.write_all(&answer).await;
            }
        }
    });
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let toml = format!(
        "method = \"update\"\nserver = \"{address}\"\nkey = \"cutover\"\nsecret = {{ file = \"secret\" }}\n{ADDRESSES}"
    );
    let backend = runtime::connect(&config(&toml, dir.path()).unwrap());
    let believed = apply(&backend, &order("a", Move::Rollback, 0, None)).await;
    assert!(matches!(&believed, Err(BackendError::Garbled(why)) if why.contains("not signed")), "{believed:?}");
    liar.abort();
}

#[tokio::test]
async fn records_that_nobody_asked_for_are_told() {
    if !is_there("dns_strangers", &["named"]) {
        return;
    }
    for (records, told) in [
        ("api 30 IN A 127.0.0.99", Err("neither side's")),
        ("; nothing", Err("has no A record")),
        ("api 30 IN CNAME elsewhere.ml.test.", Err("alias of elsewhere.ml.test")),
        ("api 30 IN A 127.0.0.11\napi 30 IN A 127.0.0.99", Ok("127.0.0.99 answers too")),
        ("api 30 IN A 127.0.0.11\napi 30 IN A 127.0.0.12", Ok("both sides answer")),
    ] {
        let bind = Bind::start(records);
        let backend = updating(&bind, bind.address(), ADDRESSES);
        match (backend.observer().observe().await, told) {
            (Ok(seen), Ok(told)) => assert!(seen.mixed.as_ref().is_some_and(|why| why.contains(told)), "{seen:?}"),
            (Err(BackendError::Garbled(why)), Err(told)) => assert!(why.contains(told), "{why}"),
            other => panic!("{records}: {other:?}"),
        }
        if !records.contains("CNAME") {
            apply(&backend, &order("a", Move::Rollback, 0, None)).await.unwrap();
            let seen = look(&backend).await;
            assert_eq!((seen.split, seen.mixed), (Split::all(Side::Blue), None), "a rollback clears up");
        }
    }
}

#[tokio::test]
async fn powerdns_answers_by_the_weights() {
    if let Some(why) = powerdns_lacks() {
        println!("SKIPPED powerdns_weights: {why}");
        return;
    }
    if !is_there("powerdns_weights", &["dig"]) {
        return;
    }
    let pdns = PowerDns::start("A \"pickwrandom({{100,'127.0.0.11'}})\"", true);
    let backend = picking(&pdns);
    let can = backend.capabilities();
    assert_eq!((can.weights, can.compare_and_set), (Weights::Any, false));
    let first = look(&backend).await;
    apply(&backend, &order("a", Move::Promote, 30, Some(first.revision.clone()))).await.unwrap();
    let seen = look(&backend).await;
    assert_eq!((seen.split, seen.mixed), (Split::toward(Side::Green, 30), None));
    assert!(
        seen.notes.iter().any(|note| note.starts_with("resolvers may answer the old side for ")),
        "{:?}",
        seen.notes
    );
    let told = dig(pdns.dns, "A", 200);
    let green = told.iter().filter(|address| *address == "127.0.0.12").count();
    // Five standard deviations to either side.
    assert!(told.len() == 200 && (28..=92).contains(&green), "{green} of {}", told.len());
    let stale = apply(&backend, &order("b", Move::Switch, 100, Some(first.revision))).await;
    assert!(matches!(stale, Err(BackendError::Conflict(_))), "{stale:?}");
    apply(&backend, &order("c", Move::Rollback, 0, None)).await.unwrap();
    assert_eq!(dig(pdns.dns, "A", 20), vec!["127.0.0.11"; 20]);
}

#[tokio::test]
async fn an_outage_in_powerdns_is_told() {
    if let Some(why) = powerdns_lacks() {
        println!("SKIPPED powerdns_outage: {why}");
        return;
    }
    let zero = PowerDns::start("A \"pickwrandom({{0,'127.0.0.11'},{0,'127.0.0.12'}})\"", true);
    let seen = picking(&zero).observer().observe().await;
    assert!(matches!(&seen, Err(BackendError::Garbled(why)) if why.contains("weight 0")), "{seen:?}");
    drop(zero);
    let off = PowerDns::start("A \"pickwrandom({{100,'127.0.0.11'}})\"", false);
    let seen = look(&picking(&off)).await;
    assert!(seen.mixed.as_ref().is_some_and(|why| why.contains("enable-lua-records")), "{seen:?}");
}

#[test]
fn no_name_becomes_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let head = "method = \"update\"\nserver = \"127.0.0.1:53\"\n";
    let pdns = "method = \"powerdns\"\napi = \"http://127.0.0.1:1\"\n";
    for (written, told) in [
        (format!("{head}blue = [\"10.0.0.1; x\"]\ngreen = [\"10.0.0.2\"]"), "no target of A records"),
        (format!("{head}blue = [\"10.0.0.1\"]\ngreen = [\"10.0.0.1\"]"), "stands for both sides"),
        (format!("{head}blue = [\"10.0.0.1\"]\ngreen = []"), "holds 0 items"),
        (format!("{head}blue = [\"::1\"]\ngreen = [\"10.0.0.1\"]"), "no target of A records"),
        (format!("{head}record = \"SRV\"\nblue = [\"a b:1\"]\ngreen = [\"g:1\"]"), "no target of SRV"),
        (format!("{head}record = \"SRV\"\nblue = [\"b:0\"]\ngreen = [\"g:1\"]"), "no target of SRV"),
        (format!("{head}record = \"CNAME\"\nblue = [\"b.x\\ny\"]\ngreen = [\"g.x\"]"), "control or invisible"),
        (format!("{head}record = \"CNAME\"\nblue = [\"b x\"]\ngreen = [\"g.x\"]"), "not a domain name"),
        (format!("{head}ttl = \"1500ms\"\nblue = [\"10.0.0.1\"]\ngreen = [\"10.0.0.2\"]"), "whole number of seconds"),
        (format!("{head}key = \"k\"\nblue = [\"10.0.0.1\"]\ngreen = [\"10.0.0.2\"]"), "belong together"),
        (
            format!("{head}key = \"k\"\nsecret = \"c2VjcmV0\"\nblue = [\"10.0.0.1\"]\ngreen = [\"10.0.0.2\"]"),
            "must not stand in",
        ),
        (
            format!("{pdns}api_key = {{ env = \"NOT_SET\" }}\nblue = [\"10.0.0.1\"]\ngreen = [\"10.0.0.2\"]"),
            "is not set",
        ),
        (format!("{pdns}record = \"SRV\"\nblue = [\"b:1\"]\ngreen = [\"g:1\"]"), "LUA records are A or AAAA"),
    ] {
        let error = config(&written, dir.path()).expect_err(&written).to_string();
        assert!(error.contains(told), "{written}: {error}");
        assert!(!error.contains("c2VjcmV0"), "a secret is shown: {error}");
    }
}

#[test]
fn the_page_shows_a_configuration_that_bind_takes() {
    if !is_there("dns_page", &["named-checkconf"]) {
        return;
    }
    let page = include_str!("../../src/backend/dns/page.md");
    let block = page.split("\n```named\n").nth(1).unwrap().split("\n```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("named.conf"), block).unwrap();
    let mut command = std::process::Command::new(find("named-checkconf").unwrap());
    let checked = command.arg(dir.path().join("named.conf")).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
