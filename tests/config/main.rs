//! The config as an operator meets it: files in, meaning or messages out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cutover::testing::backend::Backend;
use cutover::testing::backend::embedded::EmbeddedSpec;
use cutover::testing::backend::hook::HookSpec;
use cutover::testing::config::{self, AdminAddress, Answers, Config, ConfigError, KeyDefault, Secret};
use cutover::testing::domain::load::{Saturation, Selector};
use cutover::testing::domain::{Bound, Call, Expect, HeaderValue, Scalar, SecretRef};
use cutover::testing::domain::{
    Comparison, GateSpec, GuardAction, LogFeed, LogSource, Metric, OnDisconnect, Plan, ProbeSpec, Side, VersionSource,
};
use cutover::testing::gate::kinds::KINDS;
use cutover::testing::gate::{
    CaseFields, Check, Compare, Exec, GoldenForm, GoldenLimits, GoldenSpec, Health, Http, Integration, Load,
    LoadLimits, Prometheus, Smoke, SmokeSource, Stage,
};

type Error = Box<dyn std::error::Error>;

thread_local! {
    /// The fixtures by a short way: a checkout may lie deeper than a socket's path may be long.
    static FIXTURES: tempfile::TempDir = {
        let dir = tempfile::tempdir().unwrap();
        let there = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
        std::os::unix::fs::symlink(there, dir.path().join("f")).unwrap();
        dir
    };
}

fn fixtures() -> PathBuf {
    FIXTURES.with(|dir| dir.path().join("f"))
}

/// The environment of every test: nothing of the machine's own.
fn env(name: &str) -> Option<String> {
    let value = match name {
        "CUTOVER_GATEWAY_TOKEN" => "0123456789abcdef0123",
        "CUTOVER_SHORT_TOKEN" => "hunter2",
        "XDG_STATE_HOME" => "/xdg/state",
        "XDG_CONFIG_HOME" => "/nonexistent/xdg",
        _ => return None,
    };
    Some(value.into())
}

fn valid(name: &str) -> Result<Config, ConfigError> {
    config::load(Some(Path::new(name)), &env, &fixtures().join("valid"))
}

fn files(dir: &str) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(fixtures().join(dir))? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

/// What `file` is refused with, with the directory of the fixtures left out.
fn refusal(file: &Path) -> Result<String, Error> {
    let name = Path::new(file.file_name().ok_or("no name")?);
    match config::load(Some(name), &env, &fixtures().join("invalid")) {
        Ok(_) => Ok("accepted".into()),
        Err(error) => Ok(error.to_string().replace(&fixtures().display().to_string(), "FIXTURES")),
    }
}

#[test]
fn traefik_is_read_with_its_redis() -> Result<(), Error> {
    use cutover::testing::backend::traefik::{RedisSpec, TraefikSpec, TraefikWay};
    use cutover::testing::domain::SecretRef;
    use cutover::testing::domain::call::HeaderValue;
    let config = valid("traefik.toml")?;
    let Some(spec) = config.backend.spec::<TraefikSpec>().cloned() else { return Err("not traefik".into()) };
    assert_eq!(spec.apis, ["http://127.0.0.1:8080", "http://lb2.example/edge"]);
    let headers = ["x-team", "authorization"];
    assert_eq!(spec.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), headers);
    assert!(matches!(spec.headers[1].1, HeaderValue::Bearer(SecretRef::File(_))));
    let names = Side::BOTH.map(|side| spec.full(&spec.names[side]));
    assert_eq!((spec.full_name(), names), ("ml.split@redis".into(), ["blue@docker".into(), "green@redis".into()]));
    let TraefikWay::Redis(RedisSpec { host, port, tls, db, user, password, root }) = spec.way else {
        return Err("not redis".into());
    };
    assert_eq!(
        (host.as_str(), port, tls, db, user.as_deref(), root.as_str()),
        ("::1", 6379, false, 3, Some("cutover"), "edge/traefik")
    );
    assert!(password.is_some());
    Ok(())
}

#[test]
fn haproxy_is_read_with_all_its_nodes() -> Result<(), Error> {
    use cutover::testing::backend::haproxy::{Address, HaproxySpec, MapEntry, Method, Save};
    let config = valid("haproxy.toml")?;
    let dir = fixtures().join("valid");
    let Some(spec) = config.backend.spec::<HaproxySpec>().cloned() else { return Err("another backend".into()) };
    let tcp = |text: &str| Address::Net(text.into());
    let local = Address::Unix(dir.join("run/admin.sock"));
    assert_eq!(spec.nodes, [local, tcp("10.0.0.5:9999"), tcp("[::1]:9999"), tcp("lb2.example:9999")]);
    let entry = MapEntry { map: "/etc/haproxy/active.map".into(), key: "active".into() };
    let values = cutover::testing::domain::Pair { blue: "b".into(), green: "g".into() };
    assert_eq!(spec.method, Method::Switch { entry, values, backends: None });
    let maps = vec!["/etc/haproxy/active.map".into(), dir.join("maps/active.map")];
    assert_eq!(spec.save, Save { maps, states: vec![] });
    Ok(())
}

#[test]
fn envoy_is_read_with_all_its_processes() -> Result<(), Error> {
    use cutover::testing::backend::envoy::{Address, EnvoySpec, EnvoyWay};
    let config = valid("envoy.toml")?;
    let Some(spec) = config.backend.spec::<EnvoySpec>().cloned() else { return Err("another backend".into()) };
    let url = |text: &str| Address::Net(text.into());
    let local = Address::Unix(fixtures().join("valid/run/admin.sock"));
    assert_eq!(spec.admin, [local, url("http://10.0.0.5:9901"), url("http://[::1]:9901")]);
    assert_eq!(spec.way, EnvoyWay::Runtime { key: "routing.traffic_shift.green".into() });
    assert_eq!((spec.clusters.blue.as_str(), spec.clusters.green.as_str()), ("outbound|80||blue.ml.svc", "green"));
    Ok(())
}

#[test]
fn each_bad_file_has_its_message() -> Result<(), Error> {
    let mut all = String::new();
    let files = files("invalid")?;
    assert!(files.len() >= 30, "{} files", files.len());
    for file in files {
        writeln!(all, "{}\n", refusal(&file)?)?;
    }
    let expected = fixtures().join("messages.txt");
    // To accept changed messages after reading them: UPDATE_MESSAGES=1 cargo test --test config
    if std::env::var_os("UPDATE_MESSAGES").is_some() {
        std::fs::write(&expected, &all)?;
    }
    let expected = std::fs::read_to_string(expected)?;
    for (got, want) in all.split("\n\n").zip(expected.split("\n\n")) {
        assert_eq!(got, want);
    }
    assert_eq!(all, expected);
    assert!(!all.contains("accepted"), "a bad file was accepted");
    assert!(!all.contains("hunter2"), "a secret is repeated");
    assert!(!all.contains('\u{1b}'), "a control sequence is repeated");
    Ok(())
}

#[test]
fn the_smallest_config_has_the_documented_defaults() -> Result<(), Error> {
    let config = valid("minimal.toml")?;
    let service = &config.service;
    assert_eq!((service.name.as_str(), service.environment.as_str()), ("m", ""));
    assert_eq!(service.probe, ProbeSpec::default());
    assert_eq!(service.plan, Plan::default());
    assert_eq!((service.pace.settle_within_ms, service.stale_after_ms), (10_000, 5_000));
    assert_eq!(service.state_dir, Path::new("/xdg/state/cutover/m"));
    assert_eq!(service.sides[Side::Blue].version, VersionSource::Unknown);
    assert!(service.gates.is_empty() && service.guards.is_empty());
    let gateway = config.gateway.as_ref().ok_or("no gateway")?;
    assert_eq!(gateway.admin, AdminAddress::Unix("/xdg/state/cutover/m/gateway.sock".into()));
    assert_eq!(gateway.state, Path::new("/xdg/state/cutover/m/gateway.json"));
    assert_eq!(gateway.ready_path, "/v2/health/ready");
    assert_eq!(config.backend, Backend::new(EmbeddedSpec { admin: gateway.admin.clone() }));
    assert_eq!(config.file, fixtures().join("valid/minimal.toml"));
    Ok(())
}

#[test]
fn every_key_reaches_its_place() -> Result<(), Error> {
    let config = valid("full.toml")?;
    let base = fixtures().join("valid");
    let service = &config.service;
    assert_eq!(service.sides.blue.urls, ["http://10.0.0.11:8080", "http://blue.example/base"]);
    assert_eq!(service.sides.blue.version, VersionSource::Fixed("v41".into()));
    let pointer = VersionSource::Pointer { path: "/v2/models/spam".into(), pointer: "/versions/0".into() };
    assert_eq!(service.sides.green.version, pointer);
    assert_eq!(
        service.probe,
        ProbeSpec { interval_ms: 2000, timeout_ms: 1500, path: "/ready".into(), ..ProbeSpec::default() }
    );
    assert_eq!((service.pace.settle_within_ms, service.stale_after_ms), (20_000, 60_000));
    assert_eq!(service.state_dir, base.join("state"));
    let plan = Plan {
        steps: vec![1, 25, 100],
        bake_ms: 5_400_000,
        data_timeout_ms: 1_200_000,
        rollback_window_ms: 172_800_000,
        on_disconnect: OnDisconnect::Rollback,
        on_failure: cutover::testing::domain::OnFailure::Pause,
        auto: true,
        typed_promote: true,
    };
    assert_eq!(service.plan, plan);
    let gateway = config.gateway.as_ref().ok_or("no gateway")?;
    assert_eq!(gateway.admin, AdminAddress::Unix(base.join("run/gateway.sock")));
    assert_eq!(gateway.ready_path, "/ready");
    Ok(())
}

#[test]
fn gates_and_guards_mean_what_they_say() -> Result<(), Error> {
    let config = valid("full.toml")?;
    let service = &config.service;
    let [health, golden, smoke] = service.gates.as_slice() else { return Err("three gates".into()) };
    let check = Health { path: "/ready".into(), consecutive: 5, max_latency_ms: 250, interval_ms: 200 };
    assert_eq!((health.name.as_str(), health.required), ("health", true));
    assert_eq!(check_of::<Health>(&config, health)?, &check);
    assert_eq!((health.valid_for_ms, health.timeout_ms), (3_600_000, 300_000));
    assert_eq!((golden.name.as_str(), golden.required), ("accuracy", false));
    assert_eq!((golden.valid_for_ms, golden.timeout_ms), (7_200_000, 90_000));
    let set = check_of::<GoldenSpec>(&config, golden)?;
    assert!(set.cases.is_file(), "{:?}", set.cases);
    assert_eq!((set.limits.min_accuracy, set.concurrency, set.min_cases), (Some(0.95), 8, 1));
    let smoke = check_of::<Smoke>(&config, smoke)?;
    assert_eq!((smoke.max_latency_ms, smoke.adversarial), (1000, false));
    let [p99, errors] = service.guards.as_slice() else { return Err("two guards".into()) };
    assert_eq!((p99.metric, p99.side, p99.bound.limit), (Metric::P99, None, 250.0));
    assert_eq!((p99.versus, p99.then), (Some(Comparison { worse_by: 0.2, sure: 0.99 }), GuardAction::Rollback));
    assert_eq!((p99.window_ms, p99.min_samples, p99.consecutive), (60_000, 200, 2));
    assert_eq!((errors.metric, errors.side, errors.bound.limit), (Metric::ErrorRate, Some(Side::Green), 0.02));
    assert_eq!((errors.window_ms, errors.min_samples, errors.consecutive), (30_000, 100, 3));
    assert_eq!((p99.require_data, errors.require_data), (true, false));
    Ok(())
}

/// The check of a gate, which must be of this kind.
fn check_of<'a, C: Check>(config: &'a Config, gate: &GateSpec) -> Result<&'a C, Error> {
    let check = config.checks.get(&gate.name).ok_or("a gate without a check")?;
    let any: &dyn Any = &**check;
    any.downcast_ref().ok_or_else(|| format!("{check:?} is another kind").into())
}

#[test]
fn golden_sets_come_in_every_form() -> Result<(), Error> {
    let config = valid("golden.toml")?;
    let [table, tensor, chat, live] = config.service.gates.as_slice() else { return Err("four gates".into()) };
    let set = check_of::<GoldenSpec>(&config, table)?;
    assert_eq!(set.separator(), Some(b','));
    let inputs = Some(vec!["amount".to_owned(), "age".to_owned()]);
    assert_eq!(set.fields, CaseFields { id: "id".into(), expect: "label".into(), inputs });
    let limits = GoldenLimits { max_mean_error: Some(0.5), max_error: Some(2.0), ..GoldenLimits::default() };
    assert_eq!((set.limits, set.tolerance, set.skips_broken), (limits, 0.01, true));
    assert!(matches!(&set.form, GoldenForm::Json { template: Some(text) } if text.contains("{{inputs}}")));
    let set = check_of::<GoldenSpec>(&config, tensor)?;
    assert_eq!(set.form, GoldenForm::V2 { tensor: "rows".into(), datatype: "FP64".into() });
    assert_eq!((set.answer.as_str(), set.compare), ("/outputs/0/data/0", Compare::Exact));
    assert_eq!((set.limits.min_accuracy, set.limits.min_agreement), (Some(1.0), Some(0.99)));
    let set = check_of::<GoldenSpec>(&config, chat)?;
    let (system, prompt) = (Some("Answer in one word.".to_owned()), "Is this spam? {{text}}".to_owned());
    assert_eq!(set.form, GoldenForm::OpenAi { model: "m1".into(), system, prompt });
    assert_eq!((set.path.as_str(), set.answer.as_str()), ("/v1/chat/completions", "/choices/0/message/content"));
    assert_eq!((set.compare, set.timeout_ms, set.headers.len()), (Compare::Loose, 30_000, 2));
    let live = check_of::<Smoke>(&config, live)?;
    assert_eq!((&live.source, live.adversarial), (&SmokeSource::Live { count: 80 }, true));
    Ok(())
}

#[test]
fn logs_are_files_and_commands_and_start_from_the_files_directory() -> Result<(), Error> {
    let text = format!(
        "{MINIMAL}[[log]]\nname = \"blue\"\nfile = \"model.log\"\n\
         [[log]]\nname = \"unit\"\ncommand = [\"journalctl\", \"-fu\", \"model v2\"]\n\
         [[log]]\nname = \"own\"\ncommand = [\"./watch.sh\"]\n"
    );
    let config = config::parse(&text, Path::new("/etc/cutover/m.toml"), &env)?;
    let dir = PathBuf::from("/etc/cutover");
    let command = |argv: &[&str]| LogFeed::Command {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        dir: dir.clone(),
    };
    let feeds = [
        ("blue", LogFeed::File("/etc/cutover/model.log".into())),
        ("unit", command(&["journalctl", "-fu", "model v2"])),
        ("own", command(&["/etc/cutover/./watch.sh"])),
    ];
    let feeds = feeds.map(|(name, feed)| LogSource { name: name.into(), feed });
    assert_eq!(config.logs, feeds);
    Ok(())
}

#[test]
fn alerts_go_where_they_say() -> Result<(), Error> {
    use cutover::testing::domain::{AlertForm, AlertKind, AlertSpec, AlertUrl, AlertWay};
    let text = format!(
        "{MINIMAL}[[alert]]\nkind = \"webhook\"\nurl = \"https://pager.example/in?team=ml\"\n\
         bearer = {{ env = \"CUTOVER_GATEWAY_TOKEN\" }}\n\
         [[alert]]\nkind = \"slack\"\nname = \"ops\"\nurl = {{ env = \"CUTOVER_GATEWAY_TOKEN\" }}\n\
         on = [\"guard\", \"switched\"]\ntimeout = \"2s\"\n\
         [[alert]]\nkind = \"command\"\ncommand = [\"page\", \"--team\", \"ml ops\"]\n"
    );
    let config = config::parse(&text, Path::new("/etc/cutover/m.toml"), &env)?;
    let token = || SecretRef::Env("CUTOVER_GATEWAY_TOKEN".into());
    let spec = |name: &str, way| AlertSpec { name: name.into(), way, on: AlertKind::TROUBLE.into(), timeout_ms: 5_000 };
    let webhook = |url, headers, form| AlertWay::Webhook {
        url,
        headers,
        form,
        transport: cutover::testing::domain::Transport::default(),
    };
    let bearer = vec![("authorization".to_owned(), HeaderValue::Bearer(token()))];
    let expected = [
        spec("webhook", webhook(AlertUrl::Plain("https://pager.example/in?team=ml".into()), bearer, AlertForm::Json)),
        AlertSpec {
            on: vec![AlertKind::Guard, AlertKind::Switched],
            timeout_ms: 2_000,
            ..spec("ops", webhook(AlertUrl::Secret(token()), Vec::new(), AlertForm::Slack))
        },
        spec(
            "command",
            AlertWay::Command {
                argv: vec!["page".into(), "--team".into(), "ml ops".into()],
                dir: "/etc/cutover".into(),
            },
        ),
    ];
    assert_eq!(config.service.alerts, expected);
    Ok(())
}

/// The load gate of kinds.toml.
fn load_of_kinds(base: &Path) -> Load {
    let rise = Stage { from_rps: 0.0, to_rps: 200.0, for_ms: 60_000 };
    Load {
        requests: base.join("../smoke.jsonl"),
        path: "/infer".into(),
        stages: vec![rise, Stage { from_rps: 200.0, for_ms: 120_000, ..rise }],
        connections: 8,
        limits: LoadLimits {
            max_p50_ms: Some(20),
            max_p95_ms: None,
            max_p99_ms: 250,
            max_error_rate: 0.001,
            min_rate: 0.95,
        },
        saturation: Some(Saturation {
            url: "/metrics".into(),
            port: Some(8002),
            metric: Selector { name: "queue".into(), labels: vec![("model".into(), "a".into())] },
            limit: 20.0,
            consecutive: 3,
        }),
    }
}

#[test]
fn gates_that_ask_others_mean_what_they_say() -> Result<(), Error> {
    let config = valid("kinds.toml")?;
    let service = &config.service;
    let base = fixtures().join("valid");
    let [exec, http, prometheus, manual, integration, load] = service.gates.as_slice() else {
        return Err("six".into());
    };
    let command = ["check-drift", "--strict", ""].map(str::to_owned).to_vec();
    let two_percent = Some(Bound { limit: 0.02, at_least: false });
    let check = Exec { command, dir: base.join(".."), not_yet_code: 7, bound: two_percent };
    assert_eq!(check_of::<Exec>(&config, exec)?, &check);
    let headers = vec![
        ("x-team".into(), HeaderValue::Plain("{{service}}".into())),
        ("x-key".into(), HeaderValue::Secret(SecretRef::Env("CUTOVER_GATEWAY_TOKEN".into()))),
        ("authorization".into(), HeaderValue::Bearer(SecretRef::File(base.join("../golden.jsonl")))),
    ];
    let call = Call {
        method: "POST".into(),
        url: "https://ci.example/runs?v={{version}}".into(),
        headers,
        body: Some("{\"v\": \"{{version}}\"}\n".into()),
        timeout_ms: 3000,
        transport: cutover::testing::domain::Transport::default(),
    };
    let expect = Expect {
        status: Some(201),
        pointer: Some("/status".into()),
        equals: Some(Scalar::Text("passed".into())),
        bound: None,
        contains: Some("run".into()),
        max_latency_ms: Some(2000),
    };
    let pending = vec![Scalar::Text("queued".into()), Scalar::Number(0.0), Scalar::Flag(false)];
    assert_eq!(check_of::<Http>(&config, http)?, &Http { call, expect, pending });
    let check = Prometheus {
        url: "http://prom:9090/base".into(),
        query: "max by () (\n  drift{version=\"{{version}}\"}\n)".into(),
        headers: Vec::new(),
        bound: Bound { limit: -0.5, at_least: true },
        max_age_ms: 60_000,
        timeout_ms: 10_000,
        transport: cutover::testing::domain::Transport::default(),
    };
    assert_eq!(check_of::<Prometheus>(&config, prometheus)?, &check);
    assert_eq!((manual.name.as_str(), manual.valid_for_ms), ("fairness", 43_200_000));
    assert_eq!(manual.ask.as_deref(), Some("Was the report read?"));
    assert!(config.checks.get(&manual.name).is_none() && manual.is_manual());
    let steps = &check_of::<Integration>(&config, integration)?.steps;
    let shown: Vec<_> = steps.iter().map(|step| (step.call.method.as_str(), step.call.url.as_str())).collect();
    assert_eq!(shown, [("GET", "http://features/ready"), ("PUT", "/infer")]);
    assert_eq!(steps[1].expect.bound, Some(Bound { limit: 1.0, at_least: false }));
    assert_eq!(check_of::<Load>(&config, load)?, &load_of_kinds(&base));
    assert!(!format!("{config:?}").contains("0123456789abcdef"), "a secret is where it was found, not here");
    Ok(())
}

#[test]
fn a_console_on_another_machine_names_the_gateway_itself() -> Result<(), Error> {
    let config = valid("console_only.toml")?;
    let token = Secret::new("0123456789abcdef0123");
    assert_eq!(
        config.backend,
        Backend::new(EmbeddedSpec { admin: AdminAddress::Tcp { addr: "127.0.0.1:9000".parse()?, token } })
    );
    assert_eq!((config.gateway.is_none(), config.service.pace.settle_within_ms), (true, 30_000));
    assert!(!format!("{config:?}").contains("0123456789"), "a debug print shows the token");
    Ok(())
}

#[test]
fn https_is_refused_beside_a_gateway_of_this_file_alone() -> Result<(), Error> {
    let text = include_str!("../fixtures/config/valid/console_only.toml").replace("http://", "https://");
    let config = config::parse(&text, Path::new("cutover.toml"), &env)?;
    assert!(config.service.sides[Side::Blue].urls.iter().all(|url| url.starts_with("https://")), "{config:?}");
    Ok(())
}

const MINIMAL: &str = include_str!("../fixtures/config/valid/minimal.toml");

#[test]
fn the_first_of_four_places_wins() -> Result<(), Error> {
    let dir = tempfile::tempdir()?;
    let cwd = dir.path().join("here");
    let user = dir.path().join("xdg/cutover");
    std::fs::create_dir_all(&cwd)?;
    std::fs::create_dir_all(&user)?;
    let xdg = dir.path().join("xdg").display().to_string();
    let named = |named: Option<&str>| {
        let (named, xdg) = (named.map(str::to_owned), xdg.clone());
        move |name: &str| match name {
            "CUTOVER_CONFIG" => named.clone(),
            "XDG_CONFIG_HOME" => Some(xdg.clone()),
            _ => env(name),
        }
    };
    let nothing = config::load(None, &named(None), &cwd).unwrap_err().to_string();
    for part in ["-c FILE", "CUTOVER_CONFIG", "here/cutover.toml", "xdg/cutover/cutover.toml", "cutover init"] {
        assert!(nothing.contains(part), "{part} is not in: {nothing}");
    }
    let write = |path: PathBuf, name: &str| std::fs::write(path, MINIMAL.replace("\"m\"", &format!("\"{name}\"")));
    write(user.join("cutover.toml"), "user")?;
    assert_eq!(config::load(None, &named(None), &cwd)?.service.name, "user");
    write(cwd.join("cutover.toml"), "here")?;
    assert_eq!(config::load(None, &named(Some("")), &cwd)?.service.name, "here");
    write(cwd.join("env.toml"), "env")?;
    assert_eq!(config::load(None, &named(Some("env.toml")), &cwd)?.service.name, "env");
    write(cwd.join("given.toml"), "given")?;
    assert_eq!(config::load(Some(Path::new("given.toml")), &named(Some("env.toml")), &cwd)?.service.name, "given");
    Ok(())
}

#[test]
fn what_is_no_readable_text_is_told_apart() -> Result<(), Error> {
    let dir = tempfile::tempdir()?;
    let message = |name: &str| config::load(Some(Path::new(name)), &env, dir.path()).unwrap_err().to_string();
    std::fs::create_dir(dir.path().join("folder"))?;
    std::fs::write(dir.path().join("latin1.toml"), b"[service]\nname = \"caf\xe9\"\n")?;
    std::fs::write(dir.path().join("large.toml"), vec![b'#'; 10_000_000])?;
    assert!(message("folder").contains("folder: is a directory"), "{}", message("folder"));
    assert!(message("gone.toml").contains("gone.toml: there is no such file"));
    assert!(message("latin1.toml").contains("latin1.toml:2:12: byte 0xe9 is not UTF-8"), "{}", message("latin1.toml"));
    assert!(message("large.toml").contains("larger than 1 MB"));
    std::fs::write(dir.path().join("bom.toml"), format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n")))?;
    assert!(config::load(Some(Path::new("bom.toml")), &env, dir.path()).is_ok(), "a byte order mark and CRLF are fine");
    Ok(())
}

#[test]
fn a_secret_file_is_read_and_trimmed() -> Result<(), Error> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("token"), "abcdefghijklmnopqrst\n")?;
    let text = include_str!("../fixtures/config/valid/console_only.toml")
        .replace("{ env = \"CUTOVER_GATEWAY_TOKEN\" }", "{ file = \"token\" }");
    let config = config::parse(&text, &dir.path().join("cutover.toml"), &env)?;
    let Some(EmbeddedSpec { admin: AdminAddress::Tcp { token, .. } }) = config.backend.spec() else {
        return Err("tcp".into());
    };
    assert_eq!(token.expose(), "abcdefghijklmnopqrst");
    Ok(())
}

/// The template with every `#key` line switched on; of the alternatives for `version` none.
fn uncommented(text: &str) -> String {
    let on = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') && !is_version(line) => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    text.lines().map(on).collect::<Vec<_>>().join("\n")
}

fn is_version(line: &str) -> bool {
    // The one of [front] is no choice among several.
    line.starts_with("#version = ") && !line.contains("path = \"/\"")
}

#[test]
fn each_version_of_the_template_is_one_that_only_needs_its_mark_removed() -> Result<(), Error> {
    let text = config::template(&Answers::default());
    let examples: Vec<&str> = text.lines().filter(|line| is_version(line)).collect();
    assert!(text.lines().all(|line| !line.starts_with("#  ")), "an example that is indented: {text}");
    let mut read = Vec::new();
    for example in &examples {
        let text = text.replace(example, &example[1..]);
        read.push(config::parse(&text, Path::new("cutover.toml"), &env)?.service.sides[Side::Blue].version.clone());
    }
    let [VersionSource::Fixed(name), VersionSource::Pointer { pointer, .. }, VersionSource::Header { header, .. }] =
        read.as_slice()
    else {
        return Err(format!("{examples:?}: {read:?}").into());
    };
    assert_eq!([name, pointer, header], ["v41", "/versions/0", "x-model-version"]);
    Ok(())
}

#[test]
fn the_template_is_valid_and_its_comments_are_the_defaults() -> Result<(), Error> {
    let dir = tempfile::tempdir()?;
    for file in ["golden.jsonl", "smoke.jsonl"] {
        std::fs::write(dir.path().join(file), "{}\n")?;
    }
    let file = dir.path().join("cutover.toml");
    let answers = Answers::default();
    let plain = config::parse(&config::template(&answers), &file, &env)?;
    assert!(plain.service.gates.is_empty() && plain.service.guards.is_empty());
    let mut full = config::parse(&uncommented(&config::template(&answers)), &file, &env)?;
    assert_eq!((full.service.gates.len(), full.service.guards.len()), (KINDS.len(), 2));
    full.service.gates.clear();
    full.service.guards.clear();
    assert_eq!(full.service.alerts.len(), 2);
    full.service.alerts.clear();
    assert_eq!(full.logs.len(), 2);
    full.logs.clear();
    assert_eq!(full.service.metrics.take().map(|metrics| metrics.interval_ms), Some(1000));
    assert_eq!(full.service.front.take().map(|front| front.url), Some("https://scores.example.com".to_owned()));
    full.checks = plain.checks.clone();
    assert_eq!(format!("{full:?}"), format!("{plain:?}"), "a default in a comment is not the default in force");
    for kind in KINDS {
        assert!(config::template(&answers).contains(&format!("#kind = \"{}\"", kind.name)));
    }
    // Another traffic system than the template's own has a set-up page instead: `cutover backends KIND`.
    let has_page = |section: &str| {
        section.starts_with("[backend] kind") && !section.contains("embedded") || HAPROXY_TABLES.contains(&section)
    };
    for (section, doc) in config::reference().iter().filter(|(section, _)| !has_page(section)) {
        let written = config::template(&answers).contains(doc.key);
        assert!(written, "{} {} is not in the template", section, doc.key);
    }
    Ok(())
}

#[test]
fn the_defaults_of_checks_are_the_documented_ones() -> Result<(), Error> {
    let dir = tempfile::tempdir()?;
    for file in ["golden.jsonl", "smoke.jsonl"] {
        std::fs::write(dir.path().join(file), "{}\n")?;
    }
    let file = dir.path().join("cutover.toml");
    let full = uncommented(&config::template(&Answers::default()));
    // The same gates and guards, once with every default written and once without.
    let defaults: Vec<String> = config::reference()
        .iter()
        .filter(|(section, _)| section.starts_with("[["))
        .filter_map(|(_, doc)| match doc.default {
            KeyDefault::Is(value) => Some(format!("{} = {value}", doc.key)),
            _ => None,
        })
        .collect();
    let bare: Vec<&str> = full.lines().filter(|line| !defaults.iter().any(|default| default == line)).collect();
    assert!(bare.len() + 8 < full.lines().count(), "nothing was taken out");
    let [bare, full] = [&bare.join("\n"), &full].map(|text| config::parse(text, &file, &env));
    assert_eq!(format!("{:?}", bare?), format!("{:?}", full?));
    Ok(())
}

#[test]
fn hostile_answers_stay_inside_their_quotes() {
    let hostile = "x\"\n[state]\ndir = \"/\\\u{7}".to_owned();
    let answers = Answers { service: hostile.clone(), blue: vec![hostile], ..Answers::default() };
    let error = config::parse(&config::template(&answers), Path::new("cutover.toml"), &env).unwrap_err();
    assert_eq!(error.faults.len(), 2, "{error}");
    assert!(error.faults.iter().all(|fault| fault.message.contains("control")), "{error}");
}

/// The tables of HAProxy's keys.
const HAPROXY_TABLES: [&str; 3] = ["values = { .. }", "backends = { .. }", "servers = { .. }"];

/// A config whose only interesting line is `key = value` in `section`.
fn with_key(section: &str, line: &str) -> String {
    let base = MINIMAL.to_owned();
    let after = |header: &str| base.replace(&format!("{header}\n"), &format!("{header}\n{line}\n"));
    match section {
        "[gateway]" if line.starts_with("admin_token") => {
            after(section).replace(line, &format!("admin = \"127.0.0.1:9\"\n{line}"))
        }
        section if section.contains("\"haproxy\"") || HAPROXY_TABLES.contains(&section) => {
            let table = section.strip_suffix("{ .. }").map(|name| format!("{name}{{ {line} }}"));
            let line = table.unwrap_or_else(|| line.to_owned());
            let of_weights = ["backend =", "servers", "save_state"].iter().any(|key| line.starts_with(key));
            let way = if of_weights { "method = \"weights\"\n" } else { "" };
            base.replace("kind = \"embedded\"", &format!("kind = \"haproxy\"\n{way}{line}"))
        }
        "upstreams = { .. }" => {
            base.replace("kind = \"embedded\"", &format!("kind = \"caddy\"\nupstreams = {{ {line} }}"))
        }
        "[backend] kind = \"exec\" or \"http\"" => {
            base.replace("kind = \"embedded\"", &format!("kind = \"exec\"\n{line}"))
        }
        section if section.starts_with("[backend.read]") => {
            base.replace("kind = \"embedded\"", &format!("kind = \"http\"\nread = {{ {line} }}"))
        }
        section if section.contains("\"envoy\"") && line.starts_with("template") => {
            base.replace("kind = \"embedded\"", &format!("kind = \"envoy\"\nroutes = \"r.json\"\n{line}"))
        }
        section if section.contains("\"dns\"") && !line.starts_with("method") => {
            let of_powerdns = ["api", "server_id", "ca", "proxy"].iter().any(|key| line.starts_with(key));
            let method = if of_powerdns { "powerdns" } else { "update" };
            base.replace("kind = \"embedded\"", &format!("kind = \"dns\"\nmethod = \"{method}\"\n{line}"))
        }
        section
            if section.contains("\"traefik\"")
                && ["db", "user", "password", "root_key"].iter().any(|key| line.starts_with(key)) =>
        {
            base.replace("kind = \"embedded\"", &format!("kind = \"traefik\"\nredis = \"h:6379\"\n{line}"))
        }
        section if section.starts_with("[backend] kind") => {
            let kind = section.trim_start_matches("[backend] ");
            let admin = if line.starts_with("admin_token") { "admin = \"127.0.0.1:9\"\n" } else { "" };
            base.replace("kind = \"embedded\"", &format!("{kind}\n{admin}{line}"))
        }
        "any table that makes requests" => format!("{base}[probe]\n{line}\n"),
        "[blue], [green]" => after("[blue]"),
        "[service]" | "[backend]" | "[gateway]" => after(section),
        "version = { .. }" => after("[blue]").replace(line, &format!("version = {{ {line} }}")),
        "admin_token = { .. }" => format!("{base}admin = \"127.0.0.1:9\"\nadmin_token = {{ {line} }}\n"),
        "versus = { .. }" => format!("{base}[[guard]]\nmetric = \"p99\"\nversus = {{ {line} }}\n"),
        "[[guard]]" if line.starts_with("least") => {
            format!("{base}[[guard]]\nmetric = \"saturation\"\nrow = \"in_flight\"\n{line}\n")
        }
        "[[guard]]" if line.starts_with("limit") => format!("{base}[[guard]]\nmetric = \"p99\"\n{line}\n"),
        "[[metrics.row]]" if !["name", "metric", "query"].iter().any(|key| line.starts_with(key)) => {
            let kind = if line.starts_with("kind") { "" } else { "kind = \"counter\"\n" };
            format!("{base}[[metrics.row]]\nname = \"n\"\nmetric = \"m\"\n{kind}{line}\n")
        }
        "[metrics.traffic]" if !line.starts_with("requests") => {
            let two = ["failures = \"f\"", "latency = \"l\""].map(|o| if line.starts_with(&o[..9]) { "" } else { o });
            format!("{base}[metrics.traffic]\nrequests = \"r\"\n{}\n{line}\n", two.join("\n"))
        }
        "[[gate.steps]]" => format!("{base}[[gate]]\nkind = \"integration\"\n[[gate.steps]]\n{line}\n"),
        "saturation = { .. }" => format!("{base}[[gate]]\nkind = \"load\"\nsaturation = {{ {line} }}\n"),
        "[[gate.stages]]" => format!("{base}[[gate]]\nkind = \"load\"\n[[gate.stages]]\n{line}\n"),
        section if section.contains("kind =") => {
            format!("{base}{}\n{line}\n", section.replace(' ', "\n").replace("\n=\n", " = "))
        }
        "[[gate]]" if !line.starts_with("kind") => format!("{base}[[gate]]\nkind = \"health\"\n{line}\n"),
        "[[alert]]" if line.starts_with("kind") => format!("{base}[[alert]]\n{line}\n"),
        "[[alert]]" => format!("{base}[[alert]]\nkind = \"command\"\n{line}\n"),
        section => format!("{base}{section}\n{line}\n"),
    }
}

#[test]
fn every_documented_key_is_read() {
    for (section, doc) in config::reference() {
        // No key takes a date: whoever reads it must say so.
        let line = format!("{} = 1979-05-27", doc.key);
        let mut text = with_key(section, &line);
        let old = MINIMAL.lines().find(|old| old.starts_with(&format!("{} =", doc.key)));
        if let Some(old) = old.filter(|_| !section.contains("[[")) {
            text = text.replacen(&format!("{old}\n"), "", if doc.key == "urls" { 1 } else { 9 });
        }
        let error = config::parse(&text, Path::new("cutover.toml"), &env).unwrap_err();
        let told = error.faults.iter().any(|f| f.key.ends_with(doc.key) && f.message.contains("not a date"));
        assert!(told, "{} {}: {error}\n{text}", section, doc.key);
    }
}

#[test]
fn the_reference_names_each_key_once_and_defaults_no_limit() {
    let mut seen = BTreeSet::new();
    for (section, doc) in config::reference() {
        assert!(seen.insert((section, doc.key)), "{} {} twice", section, doc.key);
        // A call may be slow where nobody says otherwise; what is expected of it must be said anyhow.
        let is_call = section == "[[gate.steps]]" || section.contains("\"http\"");
        if ["limit", "then", "max_latency", "worse_by"].contains(&doc.key) && !is_call {
            assert_eq!(doc.default, KeyDefault::Required, "{}", doc.key);
        }
        // One of them must be written, none is by itself.
        if section.contains("\"golden\"") && ["min_a", "max_"].iter().any(|limit| doc.key.starts_with(limit)) {
            assert_eq!(doc.default, KeyDefault::Nothing, "{}", doc.key);
        }
    }
    let markdown = config::reference_markdown();
    assert_eq!(markdown.lines().filter(|line| line.starts_with("| `")).count(), seen.len());
    assert!(markdown.lines().all(|line| !line.starts_with("| `") || line.matches('|').count() == 5), "{markdown}");
}

#[test]
fn no_mutation_panics_and_every_fault_is_inside_the_file() -> Result<(), Error> {
    let mut rng = fastrand::Rng::with_seed(11);
    let file = fixtures().join("valid/full.toml");
    let original = std::fs::read_to_string(&file)?;
    let pieces =
        ["\"", "[", "]", "=", "{", "}", "\n", "'''", "\u{1b}", "é", "0", "-1", "nan", "#", ".", "1979-05-27", "@"];
    let mut refused = 0;
    for _ in 0..1500 {
        let mut chars: Vec<char> = original.chars().collect();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(0..chars.len());
            match rng.u8(0..3) {
                0 => drop(chars.remove(at)),
                1 => drop(chars.splice(at..at, rng.choice(pieces).unwrap_or("x").chars())),
                _ => {
                    let end = (at + rng.usize(0..60)).min(chars.len());
                    drop(chars.drain(at..end));
                }
            }
        }
        let text: String = chars.into_iter().collect();
        let Err(error) = config::parse(&text, &file, &env) else { continue };
        refused += 1;
        let lines = text.lines().count().max(1);
        for fault in &error.faults {
            let place = fault.place.ok_or("a fault without a place")?;
            assert!((1..=lines).contains(&place.line) && place.column >= 1, "{place:?} of {lines}: {fault}");
        }
        assert!(error.faults.is_sorted_by_key(|fault| fault.place), "{error}");
        assert!(!error.to_string().replace('\n', "").chars().any(char::is_control), "{error:?}");
    }
    assert!(refused > 1000, "only {refused} of the mutations were refused: they do not bite");
    Ok(())
}

#[test]
fn a_megabyte_of_anything_comes_to_an_end() {
    for piece in ["[", "a.", "=\n", "{", "\"", "[[gate]]\n", "a=[", "\u{1b}", "x = 1\n", "'''"] {
        let text = piece.repeat(1_000_000 / piece.len());
        let error = config::parse(&text, Path::new("cutover.toml"), &env).unwrap_err();
        assert!((1..=100).contains(&error.faults.len()), "{piece:?}: {}", error.faults.len());
    }
}

#[test]
fn faults_are_bounded_and_the_rest_is_counted() {
    let mut text = MINIMAL.to_owned();
    text.push_str("[probe]\n");
    for i in 0..5000 {
        let _ = writeln!(text, "k{i} = 1");
    }
    let error = config::parse(&text, Path::new("cutover.toml"), &env).unwrap_err();
    assert_eq!((error.faults.len(), error.dropped), (100, 4900));
    assert!(error.to_string().ends_with("4900 more faults are not shown"));
}

#[test]
fn metrics_are_read_where_the_preset_says_unless_the_file_says_otherwise() -> Result<(), Error> {
    let service = valid("metrics.toml")?.service;
    let spec = service.metrics.ok_or("no metrics")?;
    assert_eq!(spec.urls.blue, ["http://10.0.0.11:8002", "http://10.0.0.12:8002"]);
    assert_eq!(spec.urls.green, ["http://10.0.0.99:9100"]);
    let names: Vec<&str> = spec.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["queue", "gpu", "vram", "batch", "queued", "comp", "mean", "lag"]);
    assert_eq!(spec.rows[0].take.names(), "pending_now or pending", "the file's row stands in place of the preset's");
    let rows = service
        .guards
        .iter()
        .map(|guard| (guard.metric, guard.row.as_deref(), guard.bound.limit, guard.bound.at_least));
    let (full, drop) = (Metric::Saturation, Metric::Throughput);
    let expected = [
        (drop, None, 0.3, false),
        (full, Some("gpu"), 0.85, false),
        (full, Some("gpu"), 0.05, true),
        (full, Some("in_flight"), 64.0, false),
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
    Ok(())
}

#[test]
fn a_streaming_endpoint_has_rows_beside_those_of_a_preset() -> Result<(), Error> {
    let service = valid("openai.toml")?.service;
    let spec = service.metrics.ok_or("no metrics")?;
    let stream = spec.stream.as_ref().ok_or("no endpoint")?;
    assert_eq!((stream.path.as_str(), stream.model.as_str()), ("/v1/chat/completions", "small"));
    assert_eq!((stream.max_tokens, stream.interval_ms, stream.timeout_ms), (16, 30_000, 20_000));
    assert!(stream.api_key.is_some() && !stream.prompt.is_empty());
    let names: Vec<&str> = spec.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["queue", "batch", "tokens", "ttft", "itl", "kv", "p.ttft", "p.itl", "p.itl95", "p.tokens"]);
    let alone =
        std::fs::read_to_string(fixtures().join("valid/openai.toml"))?.replace("[metrics]\npreset = \"vllm\"\n", "");
    let alone = alone.replace("p.ttft", "ttft");
    let spec = config::parse(&alone, Path::new("cutover.toml"), &env)?.service.metrics.ok_or("no metrics")?;
    let names: Vec<&str> = spec.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["ttft", "itl", "itl95", "tokens"]);
    assert!(spec.urls.blue.is_empty() && spec.urls.green.is_empty() && spec.traffic.is_none(), "nothing is scraped");
    let off = alone.replace(
        "[probe.openai]\nmodel = \"small\"\ninterval = \"30s\"\napi_key = { env = \"CUTOVER_GATEWAY_TOKEN\" }\n",
        "",
    );
    let off = off.split("[[guard]]").next().unwrap_or_default();
    assert!(config::parse(off, Path::new("cutover.toml"), &env)?.service.metrics.is_none(), "off unless written");
    Ok(())
}

/// A config that says in every table how its server is reached.
const REACHED: &str = r#"
[service]
name = "m"
[blue]
urls = ["https://10.0.0.1:9001"]
[green]
urls = ["https://10.0.0.1:9002"]
[probe]
ca = "tls/cert.pem"
[probe.openai]
model = "m"
[metrics]
preset = "vllm"
proxy = "env"
[backend]
kind = "http"
ca = "tls/cert.pem"
cert = "tls/cert.pem"
key = "tls/cert.key"
proxy = "HTTP://Proxy.internal:3128/"
read = { url = "https://router.internal/split" }
set = { url = "https://router.internal/split", method = "PUT" }
[[gate]]
name = "ci"
kind = "http"
url = "https://ci.internal/x"
status = 200
proxy = "none"
[[alert]]
kind = "webhook"
url = "https://pager.internal/x"
ca = "tls/cert.pem"
"#;

#[test]
fn every_table_that_makes_requests_says_how() -> Result<(), Error> {
    use cutover::testing::domain::AlertWay;
    use cutover::testing::domain::transport::{Identity, Proxy, Transport};
    let dir = tempfile::tempdir()?;
    let file = |name: &str| dir.path().join("tls").join(name);
    std::fs::create_dir(dir.path().join("tls"))?;
    let pair = rcgen::generate_simple_self_signed(["cutover".to_owned()])?;
    std::fs::write(file("cert.pem"), pair.cert.pem())?;
    std::fs::write(file("cert.key"), pair.signing_key.serialize_pem())?;
    let config = config::parse(REACHED, &dir.path().join("cutover.toml"), &|_| None)?;
    assert!(check_of::<Http>(&config, &config.service.gates[0])?.call.transport.is_default());
    let trusting = Transport { ca: Some(file("cert.pem")), ..Transport::default() };
    let metrics = config.service.metrics.ok_or("no metrics")?;
    assert_eq!(config.service.probe.transport, trusting);
    assert_eq!(metrics.transport, Transport { proxy: Proxy::Env, ..Transport::default() });
    assert_eq!(metrics.stream.ok_or("no stream")?.transport, trusting, "streams are asked for as probes are");
    let Some(spec) = config.backend.spec::<HookSpec>() else { return Err("another backend".into()) };
    let identity = Some(Identity { cert: file("cert.pem"), key: file("cert.key") });
    let proxy = Proxy::Url("http://proxy.internal:3128".into());
    assert_eq!(spec.transport, Transport { identity, proxy, ..trusting.clone() });
    let AlertWay::Webhook { transport, .. } = &config.service.alerts[0].way else { return Err("no webhook".into()) };
    assert_eq!(*transport, trusting);
    Ok(())
}

#[test]
fn a_rollback_goes_on_without_files_of_certificates() -> Result<(), Error> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("cutover.toml");
    std::fs::write(&file, REACHED)?;
    let error = config::load(Some(&file), &|_| None, dir.path()).err().ok_or("accepted")?.to_string();
    for place in ["[probe] ca", "[backend] ca", "[backend] cert", "[[alert]] ca"] {
        assert!(error.contains(&format!("{place}: ")), "{place}: {error}");
    }
    let config = config::load_to_go_back(Some(&file), &|_| None, dir.path())?;
    assert!(config.service.probe.transport.ca.is_some());
    Ok(())
}

#[test]
fn a_rollback_warns_of_what_is_missing_for_other_parts() -> Result<(), Error> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("cutover.toml");
    let missing = r#"
[[alert]]
kind = "slack"
name = "ops"
url = { file = "no/url" }

[[alert]]
kind = "command"
command = ["./no-page.sh"]

[[alert]]
kind = "webhook"
name = "page"
url = "https://alerts.internal/page"
bearer = { env = "NO_TOKEN" }
"#;
    std::fs::write(&file, format!("{REACHED}{missing}"))?;
    let error = config::load(Some(&file), &|_| None, dir.path()).err().ok_or("accepted")?.to_string();
    let config = config::load_to_go_back(Some(&file), &|_| None, dir.path())?;
    assert_eq!(config.service.alerts.len(), 4);
    assert_eq!(config.warnings.len(), 3, "{:?}", config.warnings);
    for (warning, what) in config.warnings.iter().zip(["no/url", "no-page.sh", "NO_TOKEN"]) {
        assert!(warning.contains(what) && warning.contains("cutover.toml:"), "{what}: {warning}");
        assert!(error.contains(what), "{what}: {error}");
    }
    Ok(())
}

#[test]
fn what_a_config_means_can_be_written_into_a_recording_and_read_back() -> Result<(), Error> {
    for entry in std::fs::read_dir(fixtures().join("valid"))? {
        let name = entry?.file_name().into_string().map_err(|name| format!("{}", name.display()))?;
        let service = valid(&name)?.service;
        let read: cutover::testing::domain::Service = serde_json::from_str(&serde_json::to_string(&service)?)?;
        assert_eq!(read, service, "{name}");
        let masked = cutover::testing::domain::masked::serialize(&service, serde_json::value::Serializer)?;
        let read: cutover::testing::domain::Service = serde_json::from_value(masked)?;
        assert_eq!(read.gates.len(), service.gates.len(), "{name}");
    }
    Ok(())
}
