//! The verbs on a live stage: what they do to traffic, what they say, and with which code they end.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::stage::{Kid, Set, Stage, eventually};

/// Every member of section 9's document with the type it must have: `n`umber, `s`tring, `b`ool, `o`bject, `a`rray; `?` may be null.
const DOCUMENT: &[(&str, &str)] = &[
    ("schema_version", "n"),
    ("time", "s"),
    ("service", "s"),
    ("environment", "s"),
    ("backend", "s"),
    ("phase", "s"),
    ("step/index", "n"),
    ("step/of", "n"),
    ("step/target", "n?"),
    ("step/bake_left_s", "n?"),
    ("digest", "s"),
    ("split/desired", "o?"),
    ("split/observed/blue", "n"),
    ("split/observed/green", "n"),
    ("split/age_s", "n"),
    ("gates/0/name", "s"),
    ("gates/0/kind", "s"),
    ("gates/0/required", "b"),
    ("gates/0/status", "s"),
    ("gates/0/value", "n?"),
    ("gates/0/limit", "n?"),
    ("gates/0/samples", "n"),
    ("gates/0/age_s", "n?"),
    ("gates/0/version_digest", "s?"),
    ("gates/0/note", "s"),
    ("guards/0/metric", "s"),
    ("guards/0/side", "s"),
    ("guards/0/status", "s"),
    ("guards/0/value", "n?"),
    ("guards/0/limit", "n"),
    ("rollback/ready", "b"),
    ("rollback/class", "s"),
    ("rollback/window_left_s", "n?"),
    ("rollback/to", "s"),
    ("blocked", "a"),
    ("last_order", "o?"),
    ("candidate", "s"),
    ("faults", "a"),
    ("fault_kinds", "a"),
];

const SIDE: &[(&str, &str)] = &[
    ("role", "s"),
    ("version/name", "s"),
    ("version/digest", "s"),
    ("ready", "n"),
    ("replicas", "n"),
    ("latency_ms/p50", "n?"),
    ("latency_ms/p95", "n?"),
    ("latency_ms/p99", "n?"),
    ("error_rate", "n?"),
    ("rps", "n?"),
    ("samples", "n"),
    ("age_s", "n"),
];

const GUARD: &str = r#"
[[guard]]
metric = "p99"
limit = "30s"
min_samples = 20
consecutive = 3
then = "rollback"
"#;

fn assert_members(document: &Value, members: &[(&str, &str)]) {
    for (path, kind) in members {
        let value = document.pointer(&format!("/{path}")).unwrap_or_else(|| panic!("no {path} in {document:#}"));
        let is = match value {
            Value::Null => "?",
            Value::Number(_) => "n",
            Value::String(_) => "s",
            Value::Bool(_) => "b",
            Value::Object(_) => "o",
            Value::Array(_) => "a",
        };
        assert!(kind.contains(is), "{path} is {value}, wanted {kind}");
    }
}

#[test]
fn t42_the_status_document_is_whole_and_absent_is_null() {
    let gates: &str = Box::leak(format!("{}{GUARD}", crate::support::stage::GATES).into_boxed_str());
    let stage = Stage::with(&Set { more: gates, ..Set::default() });
    let status = stage.status();
    assert_members(&status, DOCUMENT);
    for side in ["blue", "green"] {
        assert_members(&status["sides"][side], SIDE);
        assert!(
            status["sides"][side]["error_rate"].is_null() || status["sides"][side]["source"] == "probes",
            "{status}"
        );
    }
    assert_eq!(status["gates"][0]["status"], "pending");
    assert!(status["gates"][0]["value"].is_null() && status["last_order"].is_null(), "{status}");
    assert!(status["time"].as_str().unwrap().ends_with('Z'));
    chrono::DateTime::parse_from_rfc3339(status["time"].as_str().unwrap()).unwrap();
    // With traffic the figures come; on a side without, they stay absent.
    let _load = stage.load(50);
    let rate = |status: &Value| status["sides"]["blue"]["rps"].as_f64().is_some_and(|rps| rps > 0.0);
    eventually("rates", || rate(&stage.status()));
    let status = stage.status();
    assert_members(&status, DOCUMENT);
    assert_eq!(status["split"]["observed"], serde_json::json!({"blue": 100, "green": 0}));
}

#[test]
fn a_rollout_in_steps_each_by_a_process_of_its_own() {
    let stage = Stage::with_gates();
    let none = ["-o", "json"];
    stage.run(&["promote", "--yes"]).ends(3).says("gate");
    assert_eq!(stage.share(), Some(0));
    stage.run(&["gates", "run"]).ends(0);
    let digest = stage.digest();
    stage.run(&["promote", "--yes", "--expect", "beef"]).ends(7);
    assert_eq!(stage.share(), Some(0), "nothing was sent");
    stage.run(&["promote"]).ends(2).says("--yes");
    let document = stage.run(&[&["promote", "--yes", "--expect", &digest][..], &none].concat()).ends(0).json();
    assert_eq!(document["status"]["last_order"]["state"], "verified", "{document}");
    assert_eq!(stage.share(), Some(10));
    stage.run(&["promote", "--yes", "--expect", &digest]).ends(7);
    stage.run(&["wait", "--for", "shifting", "--timeout", "20s"]).ends(0);
    stage.run(&["pause", "--yes"]).ends(0);
    stage.run(&["promote", "--yes"]).ends(6);
    stage.run(&["wait", "--for", "paused", "--timeout", "20s"]).ends(0);
    stage.run(&["resume", "--yes"]).ends(0);
    stage.run(&["promote", "--yes", "--to-step", "3"]).ends(0);
    assert_eq!(stage.share(), Some(100));
    stage.run(&["wait", "--for", "switched", "--timeout", "20s"]).ends(0);
    stage.run(&["wait", "--for", "verified", "--timeout", "20s"]).ends(0);
    assert_eq!(stage.status()["phase"], "switched");
    stage.run(&["rollback", "--yes", "--reason", "drill of the month"]).ends(0);
    assert_eq!(stage.share(), Some(0));
    stage.run(&["wait", "--for", "rolled-back", "--timeout", "20s"]).ends(0);
    stage.run(&["wait", "--for", "done", "--timeout", "20s"]).ends(5);
    stage.run(&["rollback", "--yes"]).ends(0);
    let journal = stage.journal();
    assert!(journal.contains("drill of the month") && journal.contains("op1"), "{journal}");
    assert_chain(&stage);
}

/// A pipeline that walks the plan is not alone: guards watch while it bakes, and its exit code says what they did.
#[test]
fn guards_act_while_a_command_walks_the_plan() {
    const GUARD: &str = r#"
[[guard]]
metric = "p99"
limit = "250ms"
window = "10s"
min_samples = 10
consecutive = 2
then = "rollback"
"#;
    let mut stage = Stage::with(&Set { bake: "40s", more: GUARD, ..Set::default() });
    stage.green("slow");
    let _load = stage.load(100);
    stage.run(&["promote", "--yes", "--to-step", "2"]).ends(5);
    assert_eq!(stage.share(), Some(0), "blue takes all traffic");
    assert!(stage.journal().contains("guard p99 on green"), "{}", stage.journal());
}

/// The journal verifies, and no longer once a byte of it was changed.
fn assert_chain(stage: &Stage) {
    stage.run(&["journal", "verify"]).ends(0);
    let file = stage.journal_file();
    let whole = std::fs::read(&file).unwrap();
    let mut edited = whole.clone();
    let at = String::from_utf8_lossy(&whole).find("op1").unwrap();
    edited[at + 2] = b'2';
    std::fs::write(&file, edited).unwrap();
    let ran = stage.run(&["journal", "verify"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    stage.run(&["promote", "--yes"]).ends(1).says("journal");
    stage.run(&["rollback", "--yes"]).ends(0);
    std::fs::write(&file, whole).unwrap();
}

#[test]
fn a_wrong_green_is_blocked_and_can_be_overridden_with_a_reason() {
    let mut stage = Stage::with_gates();
    stage.green("wrong");
    stage.run(&["gates", "run"]).ends(3).says("golden");
    stage.run(&["promote", "--yes"]).ends(3).says("golden");
    stage.run(&["wait", "--for", "ready", "--timeout", "20s"]).ends(3).says("golden");
    assert_eq!(stage.share(), Some(0));
    stage.run(&["override", "golden", "--yes", "--reason", "short"]).ends(2).says("10 characters");
    stage.run(&["override", "golden", "--yes", "--reason", "the labels are known to be late"]).ends(0);
    stage.run(&["promote", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(10));
    stage.run(&["abort", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(0));
    stage.run(&["wait", "--for", "done", "--timeout", "20s"]).ends(4);
    assert!(stage.journal().contains("the labels are known to be late"));
    stage.run(&["logs", "golden"]).ends(0).says("expected");
}

#[test]
fn switch_finalize_and_what_is_already_so() {
    let stage = Stage::new();
    stage.run(&["wait", "--for", "switched", "--timeout", "1s"]).ends(10);
    stage.run(&["finalize", "--yes"]).ends(2);
    stage.run(&["abort", "--yes"]).ends(0).says("no rollout");
    stage.run(&["switch", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(100));
    stage.run(&["switch", "--yes"]).ends(0).says("already");
    stage.run(&["promote", "--yes"]).ends(0).says("already");
    stage.run(&["abort", "--yes"]).ends(2).says("roll back");
    stage.run(&["finalize", "--yes"]).ends(0);
    stage.run(&["wait", "--for", "finalized", "--timeout", "20s"]).ends(0);
    let status = stage.status();
    assert_eq!((&status["phase"], &status["sides"]["green"]["role"]), (&"finalized".into(), &"live".into()));
    assert_eq!(stage.share(), Some(100));
    // The next rollout goes the other way.
    let preview = stage.run(&["promote", "--dry-run"]).ends(0);
    assert!(preview.out.contains("\"blue\":10") || preview.out.contains("blue"), "{preview:?}");
    assert_eq!(stage.share(), Some(100), "a dry run sends nothing");
    stage.run(&["promote", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(90));
    stage.run(&["rollback", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(100));
}

#[test]
fn an_order_without_an_answer_is_unknown_until_the_router_is_read() {
    let stage = Stage::new();
    let gateway = stage.gateway.as_ref().unwrap();
    // Everything is looked at first; the gateway stands still only when the order goes out.
    let mut promote = Kid::of(&mut stage.command(&["promote", "--yes", "--timeout", "4s"]));
    eventually("the order to be written down", || {
        let written = stage.journal().contains("\"ordered\"");
        if written {
            gateway.signal(Signal::STOP);
        }
        written
    });
    let code = promote.wait();
    gateway.signal(Signal::CONT);
    // The gateway may have answered before it stood still; what was said must be so in either case.
    match code {
        Some(0) => assert_eq!(stage.share(), Some(10)),
        Some(10) => eventually("the order to be settled by whoever looks", || {
            let ran = stage.run(&["wait", "--for", "verified", "--timeout", "15s"]);
            matches!(ran.code, Some(0 | 1 | 10)) && stage.share().is_some()
        }),
        other => panic!("{other:?}: {}", stage.journal()),
    }
    eventually("a rollback", || stage.run(&["rollback", "--yes"]).code == Some(0));
    assert_eq!(stage.share(), Some(0));
    assert_eq!(stage.status()["last_order"]["state"], "verified");
}

#[test]
fn what_nobody_asked_for_is_drift_until_it_is_accepted() {
    let stage = Stage::new();
    stage.run(&["promote", "--yes"]).ends(0);
    stage.meddle(33);
    let status = stage.status();
    assert_eq!((&status["phase"], &status["split"]["drift"]), (&"unknown".into(), &true.into()), "{status}");
    stage.run(&["promote", "--yes"]).ends(3).says("drift");
    assert_eq!(stage.share(), Some(33));
    stage.run(&["resume", "--yes"]).ends(0);
    let status = stage.status();
    assert_eq!((&status["phase"], &status["split"]["drift"]), (&"shifting".into(), &false.into()), "{status}");
    stage.run(&["promote", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(50));
    stage.meddle(70);
    stage.run(&["rollback", "--yes"]).ends(0);
    assert_eq!(stage.share(), Some(0), "back from wherever it was");
}

#[test]
fn of_two_promotes_at_one_moment_one_moves_traffic() {
    let stage = Stage::new();
    let digest = stage.digest();
    for round in 0..5 {
        let args = ["promote", "--yes", "--expect", &digest, "--timeout", "20s"];
        let mut both = [Kid::of(&mut stage.command(&args)), Kid::of(&mut stage.command(&args))];
        let both = [both[0].wait(), both[1].wait()];
        assert_eq!(stage.share(), Some(10), "one step, round {round}: {both:?}\n{}", stage.journal());
        let won = both.iter().filter(|code| **code == Some(0)).count();
        assert_eq!(won, 1, "round {round}: {both:?}\n{}", stage.journal());
        assert!(both.iter().all(|code| matches!(code, Some(0 | 7))), "round {round}: {both:?}");
        let status = stage.status();
        assert_eq!(
            (&status["phase"], &status["last_order"]["state"]),
            (&"shifting".into(), &"verified".into()),
            "round {round}: {both:?} {status}\n{}",
            stage.journal()
        );
        stage.run(&["rollback", "--yes"]).ends(0);
        stage.run(&["journal", "verify"]).ends(0);
    }
}

#[test]
fn what_users_get_at_their_own_address_decides_beside_the_routers_word() {
    let stage = Stage::new();
    let file = stage.dir().join("cutover.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let after = |key: &str, of: &str| {
        let at = config.find(of).unwrap();
        let rest = &config[at + config[at..].find(key).unwrap() + key.len()..];
        rest.split('"').nth(1).unwrap().to_owned()
    };
    let (front, blue) = (format!("http://{}", after("listen", "[gateway]")), after("urls", "[blue]"));
    let asking = |url: &str| {
        let version = "version = { path = \"/v2/models/digits\", pointer = \"/versions/0\" }";
        std::fs::write(&file, format!("{config}\n[front]\nurl = \"{url}\"\n{version}\n")).unwrap();
    };
    asking(&front);
    stage.run(&["check"]).ends(0).says("answered by");
    stage.run(&["switch", "--yes"]).ends(0).says("VERIFIED");
    let seen = stage.status()["front"].clone();
    assert!(seen["green"].as_u64() > Some(0) && seen["blue"] == 0, "{seen}");
    // Users' address leads past the gateway: what the router says is not what they get.
    asking(&blue);
    let watch = Kid::of(&mut stage.command(&["watch"]));
    let fault = watch.line("the fault", |line| line.contains("users get something else"));
    assert!(fault.contains("the router says 0/100"), "{fault}");
}

#[test]
fn a_drill_proves_the_way_back_and_moves_nothing() {
    let mut stage = Stage::new();
    stage.run(&["drill"]).ends(0).says("way back proven: order");
    stage.run(&["promote", "--yes"]).ends(0);
    let ran = stage.run(&["-o", "json", "drill"]).ends(0);
    assert_eq!(ran.json()["split"]["green"], 10, "{}", ran.json());
    assert_eq!(stage.share(), Some(10), "no traffic moved");
    assert_eq!(stage.status()["phase"], "shifting", "and the rollout is where it was");
    assert_eq!(stage.journal().matches("way back proven").count(), 2);
    stage.gateway = None;
    stage.run(&["drill"]).ends(9).says("router");
    stage.start_gateway();
    stage.run(&["drill"]).ends(0);
}
