//! The set-up pages: their configs are accepted, ours by cutover and the server's by the server itself.

use std::path::Path;

use cutover::testing::backend::setup::{HEADINGS, pages};
use cutover::testing::{cli, config};

fn env(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/operator".into()),
        name if name.starts_with("XDG_") => None,
        _ => Some("0123456789abcdef".into()),
    }
}

#[test]
fn every_kind_has_a_page_with_all_its_parts() {
    let kinds: Vec<&str> = cutover::testing::backend::kinds::names().collect();
    let named: Vec<&str> = pages().map(|page| page.kind).collect();
    assert_eq!(kinds, named);
    for page in pages() {
        let headings: Vec<&str> = page.text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, HEADINGS, "{}", page.kind);
        for heading in HEADINGS {
            assert!(!page.part(heading).trim().is_empty(), "{}: nothing under {heading}", page.kind);
        }
    }
}

#[test]
fn every_config_of_ours_is_accepted_and_says_what_the_system_can() {
    for page in pages() {
        let examples = page.examples();
        assert!(!examples.is_empty(), "{} shows no config", page.kind);
        for example in examples {
            let read = config::parse(&example.toml, Path::new("cutover.toml"), &env);
            let config = read.unwrap_or_else(|error| panic!("{} {}: {error}", page.kind, example.way));
            assert_eq!(cutover::testing::runtime::connect(&config).name(), page.kind);
        }
    }
    let rows = cli::backends::abilities().unwrap();
    assert!(rows.len() >= pages().count());
}

/// The server's configs on HAProxy's page, accepted by HAProxy itself.
#[test]
fn haproxy_accepts_its_configs() {
    let usual = "/usr/sbin/haproxy";
    let program = if Path::new(usual).exists() { usual } else { "haproxy" };
    if std::process::Command::new(program).arg("-v").output().is_err() {
        println!("SKIPPED haproxy_accepts_its_configs: haproxy is not installed (apt-get install haproxy)");
        return;
    }
    let page = pages().find(|page| page.kind == "haproxy").unwrap();
    let configs = page.blocks("## Server", "haproxy");
    let maps = page.blocks("## Server", "map");
    assert_eq!(configs.len(), page.examples().len(), "a config of the server for each of ours");
    for (way, text) in configs {
        let dir = tempfile::tempdir().unwrap();
        let here = |text: &str| {
            let places = ["/etc/haproxy", "/run/haproxy", "/var/lib/haproxy"];
            places.iter().fold(text.to_owned(), |text, place| text.replace(place, &dir.path().to_string_lossy()))
        };
        // Each map file is named in the page by the config that reads it.
        for (_, map) in maps.iter().filter(|(of, _)| *of == way) {
            let name = if map.starts_with("active") { "active.map" } else { "split.map" };
            std::fs::write(dir.path().join(name), map).unwrap();
        }
        let file = dir.path().join("haproxy.cfg");
        std::fs::write(&file, here(&text)).unwrap();
        let checked = std::process::Command::new(program).arg("-c").arg("-f").arg(&file).output().unwrap();
        let told = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success(), "{way}: {told}");
        let odd = told.lines().filter(|line| line.contains("WARNING") && !line.contains("server state file")).count();
        assert_eq!(odd, 0, "{way}: {told}");
    }
}
