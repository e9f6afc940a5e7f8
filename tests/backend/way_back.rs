//! The way back is proven before it is needed, and reaches where a part is missing: on the real servers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use cutover::testing::backend::haproxy::{HaproxySpec, Method};
use cutover::testing::backend::{Spec, TrafficBackend};
use cutover::testing::domain::{Move, Pair, Side, Split};
use cutover::testing::runtime;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixStream;

use crate::support::driving;
use crate::support::haproxy as kit;
use crate::support::local;
use crate::support::nginx as server;
use crate::support::program;
use crate::support::reloads;
use crate::support::traefik;

use driving::{apply, back, forward, fresh, green, look, until, verified};
use kit::{Client, Model, Proxy, Way};
use local::{config, eventually};

fn proxy_backend(spec: &HaproxySpec) -> Arc<dyn TrafficBackend> {
    spec.connect()
}

fn who(proxy: &Proxy) -> String {
    Client::to(proxy.listen).get("/").expect("an answer").1
}

#[tokio::test]
async fn haproxy_goes_back_without_a_server_that_is_gone() {
    if !kit::is_installed("haproxy_without_a_server") {
        return;
    }
    let proxy = Proxy::start(Way::Weights, &Model::both(), 0);
    let mut spec = proxy.spec();
    if let Method::Weights { servers, .. } = &mut spec.method {
        servers.green.push("green2".into());
    }
    let backend = proxy_backend(&spec);
    let seen = look(&backend).await;
    let replicas = seen.sides.green.replicas.unwrap();
    assert_eq!((seen.split, replicas.ready, replicas.total), (green(0), 1, 2), "the one that is not there is counted");
    assert_eq!(seen.sides.green.unready.as_deref(), Some("HAProxy has no server be_split/green2"));
    let refused = forward(&backend, 50).await.unwrap_err();
    assert!(refused.to_string().contains("has no server be_split/green2: nothing was set"), "{refused}");
    proxy.say("set server be_split/blue1 weight 50;set server be_split/green1 weight 50");
    back(&backend).await.expect("a server that does not exist takes no traffic");
    assert_eq!((verified(&backend, 0).await.split, who(&proxy).as_str()), (green(0), "blue"));
}

#[tokio::test]
async fn haproxy_gets_the_entry_of_its_map_back() {
    if !kit::is_installed("haproxy_map_entry") {
        return;
    }
    let proxy = Proxy::start(Way::Map, &Model::both(), 100);
    let backend = proxy_backend(&proxy.spec());
    assert_eq!(who(&proxy), "green");
    proxy.say(&format!("clear map {}", proxy.map().display()));
    assert!(backend.observer().observe().await.is_err(), "without the entry nobody knows the split");
    back(&backend).await.expect("the entry is added");
    assert_eq!((verified(&backend, 0).await.split, who(&proxy).as_str()), (green(0), "blue"));
    assert!(proxy.say(&format!("show map {}", proxy.map().display())).contains("active blue"));
}

#[tokio::test]
async fn haproxy_says_that_its_socket_takes_no_weights_and_that_sides_are_swapped() {
    if !kit::is_installed("haproxy_level") {
        return;
    }
    let sides = Model::both();
    let mut proxy = Proxy::start(Way::Weights, &sides, 0);
    let backend = proxy_backend(&proxy.spec());
    assert_eq!(look(&backend).await.rollback.why_not, None);
    let mut spec = proxy.spec();
    if let Method::Weights { addresses, .. } = &mut spec.method {
        *addresses = Pair { blue: vec![sides.green], green: vec![sides.blue] };
    }
    let odd = look(&proxy_backend(&spec)).await.mixed.unwrap();
    assert!(odd.contains("an address of [green]: are the sides swapped?"), "{odd}");
    proxy.kill();
    let file = proxy.dir().join("haproxy.cfg");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("level admin", "level operator")).unwrap();
    assert!(proxy.run());
    let seen = look(&backend).await;
    let why = seen.rollback.why_not.unwrap();
    assert!(why.contains("is at level operator and takes no weights: write `level admin`"), "{why}");
    assert_eq!(seen.can.refusal(Move::Promote), Some(why.as_str()));
}

fn nginx_backend(server: &server::Server) -> Arc<dyn TrafficBackend> {
    runtime::connect(&config(&server.backend(), server.dir.path()))
}

fn is_nginx_there(test: &str) -> bool {
    let found = server::program().is_some();
    if !found {
        println!("SKIPPED {test}: nginx is not there");
    }
    found
}

#[tokio::test]
async fn nginx_says_that_nothing_uses_the_split_or_that_it_is_set_twice() {
    if !is_nginx_there("nginx_no_effect") {
        return;
    }
    let unused: fn(&str) -> String = |conf| conf.replace("proxy_pass http://$cutover_side;", "proxy_pass http://blue;");
    let twice: fn(&str) -> String =
        |conf| conf.replace("server { listen unix", "include twice.conf; server { listen unix");
    let elsewhere: fn(&str) -> String = |conf| conf.replace("split.conf;", "twice.conf;");
    for (change, told) in [
        (unused, "nothing in nginx uses $cutover_side"),
        (twice, "$cutover_side is set once more in"),
        (elsewhere, "nginx does not load"),
    ] {
        let mut server = server::Server::start(Split::all(Side::Blue));
        assert_eq!(look(&nginx_backend(&server)).await.mixed, None);
        let conf = std::fs::read_to_string(server.path("nginx.conf")).unwrap();
        let include = server.path("twice.conf");
        let changed = change(&conf).replacen("include twice.conf;", &format!("include {};", include.display()), 1);
        std::fs::copy(server.path("split.conf"), include).unwrap();
        std::fs::write(server.path("nginx.conf"), changed).unwrap();
        server.stop();
        server.run();
        let mixed = look(&nginx_backend(&server)).await.mixed.unwrap_or_default();
        assert!(mixed.contains(told), "{told}: {mixed}");
    }
}

#[tokio::test]
async fn nginx_names_why_a_reload_would_fail_before_and_after_the_way_back() {
    if !is_nginx_there("nginx_cannot_load") {
        return;
    }
    let server = server::Server::start(Split::all(Side::Green));
    let conf = std::fs::read_to_string(server.path("nginx.conf")).unwrap();
    std::fs::write(server.path("nginx.conf"), conf.replace("access_log off;", "acces_log off;")).unwrap();
    let backend = nginx_backend(&server);
    let why = look(&backend).await.rollback.why_not.unwrap();
    assert!(why.contains("nginx cannot load its configuration") && why.contains("acces_log"), "{why}");
    back(&backend).await.expect("it is written all the same");
    // It is mended, and the order counts.
    std::fs::write(server.path("nginx.conf"), conf).unwrap();
    back(&backend).await.unwrap();
    verified(&backend, 0).await;
    until(&backend, |seen| seen.rollback.why_not.is_none()).await;
}

#[tokio::test]
async fn nginx_with_two_masters_goes_back_on_both_and_forward_on_none() {
    if !is_nginx_there("nginx_two_masters") {
        return;
    }
    let mut server = server::Server::start(Split::all(Side::Green));
    server.stop();
    let _ends = Masters::start(&server);
    let backend = nginx_backend(&server);
    let old = pid(&server.path("pid")).unwrap();
    kill_process(Pid::from_raw(old).unwrap(), Signal::USR2).unwrap();
    let is_new = || pid(&server.path("pid")).is_some_and(|pid| pid != old) && server.path("pid.oldbin").exists();
    eventually("a second master", is_new);
    let told = until(&backend, |seen| seen.mixed.as_ref().is_some_and(|why| why.contains("two masters"))).await;
    assert!(told.mixed.unwrap().contains(&format!("the old one is process {old}")));
    let refused = apply(&backend, &fresh(green(50), Some(told.revision))).await.unwrap_err();
    assert!(refused.to_string().contains("two masters"), "{refused}");
    back(&backend).await.unwrap();
    let is_back = until(&backend, |seen| {
        seen.split == green(0) && seen.mixed.as_ref().is_some_and(|why| why.contains("two masters"))
    });
    is_back.await;
    for _ in 0..40 {
        let mut stream = UnixStream::connect(server.path("in.sock")).await.unwrap();
        assert_eq!(reloads::ask(&mut stream).await.as_deref(), Some("blue"), "the old master's workers are gone");
    }
    kill_process(Pid::from_raw(old).unwrap(), Signal::QUIT).unwrap();
    verified(&backend, 0).await;
}

fn pid(file: &Path) -> Option<i32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// An nginx in the background: only such a one replaces its program.
struct Masters([PathBuf; 2]);

impl Masters {
    fn start(server: &server::Server) -> Self {
        for name in ["in.sock", "blue.sock", "green.sock", "pid"] {
            let _ = std::fs::remove_file(server.path(name));
        }
        let conf = server.path("nginx.conf");
        let text = std::fs::read_to_string(&conf).unwrap();
        std::fs::write(&conf, text.replace("daemon off;", "")).unwrap();
        let started = Command::new(server::program().unwrap()).arg("-c").arg(conf).status();
        assert!(started.unwrap().success());
        let this = Self([server.path("pid"), server.path("pid.oldbin")]);
        eventually("nginx", || pid(&this.0[0]).is_some());
        this
    }
}

impl Drop for Masters {
    fn drop(&mut self) {
        for pid in self.0.iter().filter_map(|file| pid(file)).filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

#[tokio::test]
async fn traefik_says_that_no_router_uses_the_split() {
    if program::need("traefik_no_router", "traefik").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    traefik::lay_out(dir.path(), traefik::From::Yaml, green(0), &Model::both());
    let running = traefik::Traefik::start(dir.path(), traefik::From::Yaml, traefik::With::default());
    let (headers, api) = ("headers = { authorization = { file = \"auth\" } }", running.url());
    let toml = format!("api = \"{api}\"\n{headers}\nfile = \"dyn/split.yml\"\n");
    let backend = runtime::connect(&traefik::config(&toml, dir.path()));
    assert_eq!(look(&backend).await.mixed, None);
    let main = dir.path().join("dyn/main.yml");
    let text = std::fs::read_to_string(&main).unwrap();
    std::fs::write(&main, text.replace("service: \"split@file\"", "service: \"blue@file\"")).unwrap();
    let seen = until(&backend, |seen| seen.mixed.is_some()).await;
    let mixed = seen.mixed.unwrap();
    assert!(mixed.contains("no router of Traefik uses split@file"), "{mixed}");
}
