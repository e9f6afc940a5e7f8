//! The terminal contract where there is no terminal: completions, paths, documents, exit codes.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap_complete::Shell;
use cutover::testing::cli::{args, exit};
use serde_json::Value;

use crate::support::child;

fn cutover(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(words).current_dir(dir).env_clear().env("HOME", dir).env("USER", "op1").stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn t47_completions_come_from_the_one_definition_and_real_shells_take_them() {
    let dir = tempfile::tempdir().unwrap();
    let shells = [
        ("bash", Shell::Bash, Some("-n")),
        ("zsh", Shell::Zsh, Some("-n")),
        ("fish", Shell::Fish, Some("--no-execute")),
        ("powershell", Shell::PowerShell, None),
        ("elvish", Shell::Elvish, None),
    ];
    for (name, shell, check) in shells {
        let printed = child::output(&mut cutover(dir.path(), &["completions", name]));
        assert_eq!(printed.status.code(), Some(0), "{name}");
        let mut defined = Vec::new();
        clap_complete::generate(shell, &mut args::definition(), "cutover", &mut defined);
        assert_eq!(text(&printed.stdout), text(&defined), "{name}");
        let file = dir.path().join(name);
        std::fs::write(&file, &printed.stdout).unwrap();
        let Some(check) = check else { continue };
        match Command::new(name).arg(check).arg(&file).output() {
            Ok(output) => assert!(output.status.success(), "{name}: {}", text(&output.stderr)),
            Err(error) => println!("SKIPPED {name}-completions: no {name} on this machine ({error})"),
        }
    }
}

#[test]
fn t47_the_man_page_has_every_verb_and_every_option() {
    let dir = tempfile::tempdir().unwrap();
    let page = text(&child::output(&mut cutover(dir.path(), &["man"])).stdout).replace("\\-", "-");
    for verb in args::definition().get_subcommands().filter(|verb| !verb.is_hide_set()) {
        assert!(page.contains(&format!("cutover {}", verb.get_name())), "{}", verb.get_name());
        for long in verb.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("--{long}")), "{} --{long}", verb.get_name());
        }
    }
    for long in ["--once", "--width", "--linear"] {
        assert!(page.contains(long), "{long}");
    }
}

#[test]
fn t44_info_tells_paths_and_follows_xdg_flags_and_variables() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let info = |command: &mut Command| json(&child::output(command));
    let plain = info(&mut cutover(home, &["info", "-o", "json"]));
    let under = |document: &Value, name: &str, place: &Path| {
        let path = document[name].as_str().unwrap_or_else(|| panic!("{name} in {document}"));
        assert!(Path::new(path).starts_with(place), "{name}: {path} is not under {}", place.display());
    };
    for name in ["config_dir", "cache_dir", "crash_dir", "state_dir", "themes", "keys"] {
        under(&plain, name, home);
    }
    assert!(plain["config"].is_null() && plain["version"].is_string(), "{plain}");
    let xdg = home.join("xdg");
    let moved = info(
        cutover(home, &["info", "-o", "json"])
            .env("XDG_CONFIG_HOME", xdg.join("config"))
            .env("XDG_STATE_HOME", xdg.join("state"))
            .env("XDG_CACHE_HOME", xdg.join("cache")),
    );
    for (name, leaf) in [
        ("config_dir", "config"),
        ("keys", "config"),
        ("cache_dir", "cache"),
        ("crash_dir", "state"),
        ("state_dir", "state"),
    ] {
        under(&moved, name, &xdg.join(leaf));
    }
    assert!(child::output(&mut cutover(home, &["init", "--name", "a", "a.toml"])).status.success());
    assert!(child::output(&mut cutover(home, &["init", "--name", "b", "b.toml"])).status.success());
    let by_variable = info(cutover(home, &["info", "-o", "json"]).env("CUTOVER_CONFIG", "a.toml"));
    assert!(by_variable["config"].as_str().unwrap().ends_with("a.toml"), "{by_variable}");
    assert_eq!(by_variable["in_effect"]["CUTOVER_CONFIG"], "a.toml");
    let by_flag = info(
        cutover(home, &["info", "-o", "json", "-c", "b.toml"])
            .env("CUTOVER_CONFIG", "a.toml")
            .env("CUTOVER_LINEAR", "1"),
    );
    assert!(by_flag["config"].as_str().unwrap().ends_with("b.toml"), "{by_flag}");
    assert!(by_flag["journal"].as_str().unwrap().ends_with("journal.jsonl"), "{by_flag}");
    assert_eq!(by_flag["in_effect"]["console"], "lines");
    let words = text(&child::output(&mut cutover(home, &["info", "-c", "b.toml"])).stdout);
    for name in ["config", "state_dir", "cache_dir", "journal", "crash_dir", "gate_logs", "themes", "keys", "color"] {
        assert!(words.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name} in {words}");
    }
}

#[test]
fn t49_help_lists_every_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let help = text(&child::output(&mut cutover(dir.path(), &["--help"])).stdout);
    for (exit, meaning) in exit::TABLE {
        assert!(help.contains(&format!("{:>3}  {meaning}", exit.code())), "{}", exit.code());
    }
    let codes: Vec<u8> = exit::TABLE.iter().map(|(exit, _)| exit.code()).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 78, 101, 129, 130, 143]);
}

/// Numbers are numbers wherever a name says that something is counted or measured.
#[test]
fn t42_numbers_are_numbers_and_times_are_utc() {
    let dir = tempfile::tempdir().unwrap();
    assert!(child::output(&mut cutover(dir.path(), &["init"])).status.success());
    let status = json(&child::output(&mut cutover(dir.path(), &["status", "-o", "json"])));
    let mut seen = 0;
    walk(&status, "", &mut |name, value| {
        let figures = ["p50", "p95", "p99", "rps", "samples", "index", "of", "replicas", "schema_version"];
        let measured = name.ends_with("_s") || name.ends_with("_ms") || figures.contains(&name);
        if measured && !value.is_object() {
            seen += 1;
            assert!(value.is_number() || value.is_null(), "{name} is {value}");
        }
        if matches!(name, "time" | "at") {
            let time = value.as_str().unwrap_or_else(|| panic!("{name} is {value}"));
            assert!(time.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
        }
    });
    assert!(seen > 15, "only {seen} figures found in {status}");
    assert_eq!(status["schema_version"], 1);
}

fn walk<'a>(value: &'a Value, name: &'a str, see: &mut impl FnMut(&str, &Value)) {
    see(name, value);
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| walk(value, name, see)),
        Value::Array(items) => items.iter().for_each(|value| walk(value, name, see)),
        _ => {}
    }
}
