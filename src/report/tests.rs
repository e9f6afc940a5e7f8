//! Reports of made-up journals: what is told, what is said to be missing, and that no text becomes anything else.

use chrono::{DateTime, Utc};

use super::model::Outcome;
use super::*;
use crate::domain::{
    Actor, Bound, Digest, Evidence, Fact, GuardAction, Metric, Move, Order, OrderId, OrderState, Pair, Side,
    SideSample, Split, Stamp, Verdict, Version,
};

/// What may not become anything but text.
const HOSTILE: &str = "<script>alert(1)</script>\"'&]]>--><b>|`*_@team\u{1b}[31m\u{0}\u{202e}\n# x";

fn at(seconds: f64) -> DateTime<Utc> {
    Stamp::epoch().plus_ms((seconds * 1000.0) as i64).wall
}

fn record(seconds: f64, by: &str, fact: Fact) -> Record {
    Record { at: at(seconds), by: Actor { name: by.into(), via: "console".into() }, fact }
}

fn ordered(seconds: f64, id: &str, kind: Move, from: u8, to: u8) -> Record {
    let order = Order {
        id: OrderId(id.into()),
        kind,
        from: Some(Split::toward(Side::Green, from)),
        target: Split::toward(Side::Green, to),
        toward: if kind.is_forward() { Side::Green } else { Side::Blue },
        expected: None,
    };
    record(seconds, "op1", Fact::Ordered { order, digest: Some(Digest::of(["seen"])), why: None, cause: None })
}

fn is(seconds: f64, id: &str, state: OrderState) -> Record {
    record(
        seconds,
        "op1",
        Fact::OrderIs {
            id: OrderId(id.into()),
            state,
            detail: Some("router says so".into()),
            fault: None,
            accepted: None,
        },
    )
}

fn started(seconds: f64, text: &str) -> Record {
    let versions = Pair { blue: Some(Version::from_text("v41")), green: Some(Version::from_text(text)) };
    record(seconds, "op1", Fact::Started { live: Side::Blue, versions })
}

fn gate(seconds: f64, name: &str, verdict: Verdict, version: &str, text: &str) -> Record {
    let evidence = Evidence {
        gate: name.into(),
        verdict,
        value: Some(0.9),
        limit: Some(0.95),
        unit: "ratio".into(),
        at_least: true,
        samples: 360,
        version: Digest::of([version.trim()]),
        at: at(seconds),
        took_ms: 900,
        note: text.into(),
        details: vec![text.into()],
        load: None,
    };
    record(seconds, "gate", Fact::Gate { evidence })
}

fn guard(seconds: f64, worse_by: Option<f64>) -> Record {
    let (metric, side, action) = (Metric::P99, Side::Green, crate::domain::GuardAction::Rollback);
    record(
        seconds,
        "auto",
        Fact::Guard(crate::domain::Breach {
            row: None,
            unit: None,
            metric,
            side,
            value: 612.0,
            bound: Bound::at_most(250.0),
            samples: 300,
            worse_by,
            action,
        }),
    )
}

/// A guard on a row of which less is worse.
fn too_slow(seconds: f64) -> Record {
    let mut record = guard(seconds, None);
    let Fact::Guard(seen) = &mut record.fact else { unreachable!() };
    (seen.metric, seen.row, seen.unit) = (Metric::Saturation, Some("tokens".into()), Some("per_second".into()));
    (seen.value, seen.bound) = (18.5, Bound { limit: 25.0, at_least: true });
    record
}

fn note(seconds: f64, text: &str) -> Record {
    record(seconds, "op1", Fact::Note { text: text.into() })
}

/// Every two seconds; green is slow from second 40 on.
fn samples(from: i64, to: i64) -> Vec<Sample> {
    let side = |p99| Some(SideSample { n: 500, rps: 50.0, error_rate: 0.002, p50: Some(12.0), p99: Some(p99) });
    let one = |s: i64| Sample {
        at: at(s as f64),
        over_s: 10,
        split: Some(Split::toward(Side::Green, if (1..49).contains(&s) { 10 } else { 0 })),
        sides: Pair {
            blue: side(31.0),
            green: side(if s >= 40 { 612.0 } else { 33.0 }).filter(|_| (1..52).contains(&s)),
        },
    };
    (from..to).step_by(2).map(one).collect()
}

/// A rollout that a guard takes back; texts are `text`.
fn rolled_back(text: &str) -> Vec<Record> {
    let (reason, version) = (text.to_owned(), Digest::of([text.trim()]));
    vec![
        gate(-90.0, "golden", Verdict::Failed, text, text),
        record(-60.0, "op1", Fact::Overridden { gate: "golden".into(), version, reason: reason.clone() }),
        gate(-50.0, "smoke", Verdict::Passed, text, text),
        started(0.0, text),
        ordered(0.0, "a", Move::Promote, 0, 10),
        is(0.1, "a", OrderState::Accepted),
        is(0.3, "a", OrderState::Verified),
        guard(46.0, None),
        ordered(46.0, "b", Move::Rollback, 10, 0),
        is(46.5, "b", OrderState::Unknown),
        is(48.2, "b", OrderState::Verified),
        note(100.0, text),
        gate(120.0, "golden", Verdict::Passed, text, text),
    ]
}

fn source<'a>(records: &'a [Record], samples: &'a [Sample]) -> Source<'a> {
    Source {
        service: "fraud-scorer",
        environment: "prod",
        records,
        samples,
        guards: &[],
        faults: Vec::new(),
        lost: Vec::new(),
        made: at(4_000.0),
    }
}

fn made(records: &[Record], samples: &[Sample]) -> Report {
    make(&source(records, samples), Choice::Last, None).unwrap()
}

#[test]
fn detection_and_the_way_back_are_timed() {
    let report = made(&rolled_back("v42"), &samples(-20, 120));
    let rollout = &report.rollouts[0];
    assert_eq!((rollout.outcome, rollout.candidate, rollout.highest_share), (Outcome::RolledBack, Side::Green, 10));
    assert_eq!(rollout.ended, Some(at(48.2)));
    let times = &rollout.times;
    assert_eq!(
        (times.to_detect, times.to_detect_from.as_deref()),
        (Some(6.0), Some("the first sample over the limit"))
    );
    assert_eq!((times.to_roll_back, times.bake, times.window), (Some(2.2), Some(47.9), None));
    let states: Vec<_> = rollout.orders.iter().map(|order| (order.verb, order.state, order.took)).collect();
    assert_eq!(states, [("promote", "verified", Some(0.3)), ("rollback", "verified", Some(2.2))]);
    assert!(rollout.unknown.is_empty(), "{:?}", rollout.unknown);
    let golden = &rollout.gates[0];
    assert_eq!(
        (golden.gate.as_str(), golden.runs, golden.failed, golden.let_pass),
        ("golden", 1, 1, Some("overridden"))
    );
    let decided: Vec<_> = rollout.decisions.iter().map(|decision| decision.what).collect();
    assert_eq!(decided, ["override", "note"], "what is said afterwards belongs to what has ended");
    let baked = rollout.steps.iter().find(|step| step.percent == 10).and_then(|step| step.sides.green).unwrap();
    assert_eq!((baked.p99, baked.p99_worst), (Some(33.0), Some(612.0)));
}

#[test]
fn without_a_sample_over_the_limit_it_is_timed_from_the_step() {
    for (records, kept) in [(guard(46.0, None), Vec::new()), (guard(46.0, Some(0.21)), samples(-20, 120))] {
        let mut all = rolled_back("v42");
        all[7] = records;
        let report = made(&all, &kept);
        let times = &report.rollouts[0].times;
        assert_eq!((times.to_detect, times.to_detect_from.as_deref()), (Some(45.7), Some("the step to 10 %")));
    }
}

#[test]
fn records_go_to_the_rollout_they_belong_to() {
    let mut records = rolled_back("v42");
    records.push(gate(130.0, "golden", Verdict::Passed, "v43", ""));
    records.extend([
        started(200.0, "v43"),
        ordered(200.0, "c", Move::Switch, 0, 100),
        is(201.0, "c", OrderState::Verified),
    ]);
    let source = source(&records, &[]);
    let all = make(&source, Choice::All, None).unwrap();
    let told: Vec<_> = all.rollouts.iter().map(|rollout| (rollout.number, rollout.outcome)).collect();
    assert_eq!(told, [(1, Outcome::RolledBack), (2, Outcome::Switched)]);
    let second = &all.rollouts[1];
    assert_eq!(
        (second.gates.len(), second.gates[0].runs),
        (1, 1),
        "the run after the end of the first is of the second"
    );
    assert!(second.unknown.iter().any(|line| line.contains("1 gate results are of other versions")), "{second:?}");
    assert_eq!(make(&source, Choice::Last, None).unwrap().rollouts, std::slice::from_ref(second));
    assert_eq!(make(&source, Choice::Number(1), None).unwrap().rollouts[0].number, 1);
    assert!(make(&source, Choice::Number(3), None).unwrap_err().contains("tells of 2"));
    let since = |s: f64| make(&source, Choice::All, Some(at(s))).unwrap().rollouts.len();
    assert_eq!((since(0.0), since(100.0)), (2, 1), "the second goes on");
    let none = make(&super::tests::source(&[], &[]), Choice::Last, None).unwrap();
    assert!(
        none.rollouts.is_empty()
            && html(&none).contains("tells of no rollout")
            && markdown(&none).contains("no rollout")
    );
}

#[test]
fn evidence_from_before_still_counts_for_the_same_version() {
    let mut records = rolled_back("v42");
    records.truncate(12);
    records.push(started(200.0, "v42"));
    let report = made(&records, &[]);
    let told: Vec<_> =
        report.rollouts[0].gates.iter().map(|row| (row.gate.as_str(), row.runs, row.from_before)).collect();
    assert_eq!(told, [("golden", 0, true), ("smoke", 0, true)]);
}

#[test]
fn an_order_nobody_knows_the_end_of_is_said_to_be_that() {
    let mut records = rolled_back("v42");
    records.truncate(10);
    let report = made(&records, &[]);
    let rollout = &report.rollouts[0];
    assert_eq!((rollout.outcome, rollout.ended, rollout.times.to_roll_back), (Outcome::Shifting, None, None));
    assert!(
        rollout.unknown.iter().any(|line| line.contains("order b (rollback) is not on record: it stands at unknown"))
    );
    assert!(rollout.unknown.iter().any(|line| line.contains("no figures were kept")));
    let page = html(&report);
    assert_eq!(
        page.matches("no figures were kept</text>").count(),
        6,
        "in each plot of both views but that of the split"
    );
    assert!(page.contains("goes on") && !page.contains("NaN") && !page.contains("inf"));
}

#[test]
fn a_gap_is_a_gap() {
    let mut kept = samples(-20, 10);
    kept.extend(samples(40, 120));
    let report = made(&rolled_back("v42"), &kept);
    let rollout = &report.rollouts[0];
    assert!(
        rollout.unknown.iter().any(|line| line.starts_with("no figures from 00:00:08.0 to 00:00:40.0 (32 s)")),
        "{:?}",
        rollout.unknown
    );
    let view = series::views(rollout, report.made)[0];
    let plots = series::plots(rollout, view, "x", &[]);
    let blue = plots[1].lines.iter().find(|line| line.label == "blue p99").unwrap();
    assert_eq!(blue.pieces.len(), 2, "two pieces, not a line across what was not seen");
    let green = plots[1].lines.iter().find(|line| line.label == "green p99").unwrap();
    let first = green.pieces.iter().flatten().next().unwrap();
    assert_eq!(first.0, at(2.0), "before the step green had no traffic, and has no zero either");
}

#[test]
fn a_long_window_is_drawn_twice_and_peaks_survive_thinning() {
    let records = vec![
        started(0.0, "v42"),
        ordered(0.0, "a", Move::Switch, 0, 100),
        is(1.0, "a", OrderState::Verified),
        record(86_400.0, "op1", Fact::Finalized { live: Side::Green }),
    ];
    let mut kept = samples(-20, 86_400);
    let peak = kept.len() / 2;
    kept[peak].sides.blue.as_mut().unwrap().p99 = Some(9_000.0);
    let mut source = source(&records, &kept);
    source.made = at(90_000.0);
    let report = make(&source, Choice::Last, None).unwrap();
    let rollout = &report.rollouts[0];
    assert_eq!((rollout.outcome, rollout.times.window), (Outcome::Finalized, Some(86_399.0)));
    let views = series::views(rollout, report.made);
    assert_eq!(views.iter().map(|view| view.title).collect::<Vec<_>>(), ["While traffic moved", "The whole time"]);
    let plots = series::plots(rollout, views[1], "x", &[]);
    let blue: Vec<f64> = plots[1].lines[0].pieces.iter().flatten().map(|(_, value)| *value).collect();
    assert!(blue.len() <= 400 && blue.contains(&9_000.0), "{} points", blue.len());
    assert!(html(&report).len() < 400_000, "{} bytes", html(&report).len());
}

#[test]
fn no_text_becomes_anything_else() {
    let records = rolled_back(HOSTILE);
    let mut source = source(&records, &[]);
    (source.service, source.environment) = (HOSTILE, HOSTILE);
    (source.faults, source.lost) = (vec![HOSTILE.into()], vec!["some".into()]);
    let report = make(&source, Choice::Last, None).unwrap();
    let page = html(&report);
    for bad in ["<script", "<b>", "]]>--", "\u{1b}", "\u{0}", "\u{202e}"] {
        assert!(!page.contains(bad), "{bad:?}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
    balanced(&page);
    let text = markdown(&report);
    let told = text.replace("> **The", "").replace("> - ", "");
    for bad in ["<", ">", "@team", "\u{1b}", "\u{202e}", "\n# x"] {
        assert!(!told.contains(bad), "{bad:?} in {text}");
    }
    for block in text.split("\n\n").filter(|block| block.starts_with("| ")) {
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        let first = columns(block.lines().next().unwrap());
        assert!(block.lines().all(|line| columns(line) == first), "a cell breaks its table:\n{block}");
    }
}

/// Fails unless every element that is opened is closed, in order.
fn balanced(page: &str) {
    const VOID: [&str; 4] = ["meta", "link", "br", "!DOCTYPE"];
    let body = page.split("<style>").next().unwrap().to_owned() + page.split("</style>").nth(1).unwrap();
    let mut open: Vec<String> = Vec::new();
    for tag in body.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let name = tag.trim_end_matches('/').split(' ').next().unwrap();
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(closed));
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = html(&made(&rolled_back("v42"), &samples(-20, 120)));
    for bad in ["http://", "https://", "src=", "url(", "@import", "<script", "onload", "<iframe", "<img"] {
        assert!(!page.contains(bad), "{bad}");
    }
    balanced(&page);
}

#[test]
fn what_is_too_much_is_left_out_and_said_to_be() {
    let mut records = rolled_back("v42");
    let more = (0..5_000).map(|n| gate(1.0, &format!("g{n}"), Verdict::Passed, "v42", &"x".repeat(5_000)));
    records.splice(7..7, more);
    let report = made(&records, &[]);
    let rollout = &report.rollouts[0];
    assert!(rollout.gates.len() <= 100 && rollout.timeline.len() < 420);
    for left in ["gate results are left out", "lines of the timeline are left out"] {
        assert!(rollout.unknown.iter().any(|line| line.contains(left)), "{left}");
    }
    assert!(rollout.orders.len() == 2 && rollout.timeline.iter().any(|line| line.text.contains("ROLLBACK")));
    assert!(html(&report).len() < 1_000_000);
}

#[test]
fn a_breach_names_its_row_its_unit_and_which_way_it_went() {
    let mut records = rolled_back("v42");
    let at = records.iter().position(|record| matches!(record.fact, Fact::Guard(_))).unwrap();
    records[at] = too_slow(46.0);
    let report = made(&records, &[]);
    for page in [markdown(&report), html(&report)] {
        for said in ["tokens on ", "18.5/s", "at least 25/s", "tokens on green: 18.5/s under 25/s"] {
            assert!(page.contains(said), "{said}: {page}");
        }
    }
}

#[test]
fn the_document_says_null_for_what_is_not_known() {
    let mut records = rolled_back("v42");
    records.truncate(7);
    let spec = GuardSpec {
        metric: Metric::P99,
        side: None,
        bound: Bound::at_most(250.0),
        versus: None,
        row: None,
        window_ms: 10_000,
        min_samples: 20,
        consecutive: 2,
        then: GuardAction::Rollback,
        require_data: true,
    };
    let mut source = source(&records, &[]);
    source.guards = std::slice::from_ref(&spec);
    let json = serde_json::to_value(make(&source, Choice::Last, None).unwrap()).unwrap();
    assert_eq!(json["schema_version"], 1);
    let rollout = &json["rollouts"][0];
    assert_eq!(rollout["outcome"], "shifting");
    assert_eq!(rollout["limits"], serde_json::json!([["p99", 250.0]]));
    for path in ["/ended", "/times/to_detect", "/times/to_roll_back", "/times/window", "/steps/0/sides/blue"] {
        assert_eq!(rollout.pointer(path), Some(&serde_json::Value::Null), "{path}");
    }
}
