use super::*;
use crate::domain::{
    Actor, Bound, Breach, Cause, Closing, Digest, Evidence, Fact, GuardAction, Metric, Move, Order, OrderFault,
    OrderId, OrderState, Pair, Revision, Side, Split, Verdict, Version,
};

fn record(fact: Fact) -> Record {
    Record { at: crate::domain::Stamp::epoch().wall, by: Actor { name: "ann".into(), via: "cli".into() }, fact }
}

fn note(text: &str) -> Record {
    record(Fact::Note { text: text.into() })
}

fn split(green: u8) -> Split {
    serde_json::from_value(serde_json::json!({ "blue": 100 - green, "green": green })).unwrap()
}

fn breach(value: f64) -> Breach {
    Breach {
        metric: Metric::P99,
        row: None,
        unit: None,
        side: Side::Green,
        value,
        bound: Bound::at_most(250.0),
        samples: 300,
        worse_by: None,
        action: GuardAction::Rollback,
    }
}

/// One fact of each kind, with every optional part present once.
fn every_fact() -> Vec<Fact> {
    let order = Order {
        id: OrderId("7f3e".into()),
        kind: Move::Promote,
        from: Some(split(0)),
        target: split(10),
        toward: Side::Green,
        expected: Some(Revision("r9".into())),
    };
    let digest = Digest::of(["x"]);
    let evidence = Evidence {
        gate: "golden".into(),
        verdict: Verdict::Failed,
        value: Some(0.25),
        limit: None,
        unit: "ratio".into(),
        at_least: true,
        samples: 9,
        version: digest.clone(),
        at: crate::domain::Stamp::epoch().wall,
        took_ms: 12,
        note: "12 \"misses\"\n\u{1b}[31m".into(),
        details: vec!["a".into(), "b".into()],
        load: None,
    };
    let versions = Pair { blue: Some(Version::from_text("v1")), green: None };
    vec![
        Fact::Opened { pid: 7, cutover: "0.1.0".into() },
        Fact::Closed { why: Closing::Quit, cause: None },
        Fact::Recovered { bytes: 77 },
        Fact::TookOver { from: "bob".into() },
        Fact::Started { live: Side::Blue, versions },
        Fact::Ordered { order, digest: Some(digest.clone()), why: Some("because".into()), cause: Some(Cause::Guard) },
        Fact::OrderIs {
            id: OrderId("7f3e".into()),
            state: OrderState::Unknown,
            detail: None,
            accepted: None,
            fault: Some(OrderFault::Garbled),
        },
        Fact::Gate { evidence },
        Fact::Overridden { gate: "smoke".into(), version: digest.clone(), reason: "known to be noisy".into() },
        Fact::Approved { gate: "fairness".into(), version: digest, reason: "read the report".into() },
        Fact::Paused { why: None, cause: Some(Cause::Plan) },
        Fact::Resumed,
        Fact::Guard(Breach { worse_by: Some(0.25), ..breach(251.5) }),
        Fact::Guard(Breach {
            row: Some("queue".into()),
            unit: Some("count".into()),
            bound: Bound { limit: 12.0, at_least: true },
            ..breach(12.0)
        }),
        Fact::Drift { desired: split(10), observed: split(50) },
        Fact::Finalized { live: Side::Green },
        Fact::Note { text: ",\"hash\":\"0\"}".into() },
    ]
}

#[test]
fn every_fact_comes_back_as_it_went_in() {
    let (mut writer, mut reader) = (Chain::new(), Chain::new());
    for (at, fact) in every_fact().into_iter().enumerate() {
        let record = record(fact);
        let (line, after) = writer.seal(&record).unwrap();
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let entry = reader.take(line.trim_end().as_bytes()).unwrap();
        assert_eq!(entry, Entry { seq: at as u64 + 1, record });
        assert_eq!(reader, after);
        writer = after;
    }
}

/// Causes and faults of orders were added later; the action of a breach was a text before.
#[test]
fn records_of_earlier_versions_are_read() {
    let order = r#"{"id":"7f3e","move":"rollback","from":null,"target":{"blue":100,"green":0},"toward":"blue","expected":null}"#;
    let split = r#"{"blue":90,"green":10}"#;
    let table = [
        (
            format!(r#""fact":"ordered","order":{order},"digest":null,"why":"guard p99""#),
            r#"Ordered { order: Order { id: OrderId("7f3e")"#,
        ),
        (
            r#""fact":"order_is","id":"7f3e","state":"failed","detail":"superseded by a newer order""#.into(),
            r#"OrderIs { id: OrderId("7f3e"), state: Failed, detail: Some("superseded by a newer order"), fault: None, accepted: None }"#,
        ),
        (r#""fact":"paused","why":"plan: x""#.into(), r#"Paused { why: Some("plan: x"), cause: None }"#),
        (r#""fact":"closed","why":"quit""#.into(), r"Closed { why: Quit, cause: None }"),
        (format!(r#""fact":"adopted","split":{split}"#), "Adopted { split: Split { green: 10 }, origin: None }"),
        (
            r#""fact":"guard","metric":"p99","side":"green","value":612.0,"limit":250.0,"at_least":false,"samples":9,"action":"rollback""#.into(),
            "Guard(Breach { metric: P99",
        ),
    ];
    for (members, fact) in table {
        let text = format!(r#"{{"at":"2026-01-01T00:00:00Z","by":{{"name":"ann","via":"cli"}},{members}}}"#);
        let record: Record = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let read = format!("{:?}", record.fact);
        assert!(read.starts_with(fact), "{read}");
        if let Fact::Guard(breach) = record.fact {
            assert_eq!(breach.action, GuardAction::Rollback);
        }
    }
}

#[test]
fn a_line_has_the_documented_shape_and_hash() {
    let (line, after) = Chain::new().seal(&note("hi")).unwrap();
    assert!(
        line.starts_with(&format!("{{\"v\":1,\"seq\":1,\"prev\":\"{GENESIS}\",\"at\":\"2026-01-01T00:00:00Z\"")),
        "{line}"
    );
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["hash"], after.hash.as_str());
    assert_eq!((value["fact"].as_str(), value["text"].as_str()), (Some("note"), Some("hi")));
    let mut without = value.as_object().unwrap().clone();
    without.shift_remove("hash");
    assert_eq!(hex(&Sha256::digest(serde_json::to_string(&without).unwrap())), after.hash);
}

#[test]
fn any_changed_byte_is_seen() {
    let (line, _) = Chain::new().seal(&note("hello")).unwrap();
    let line = line.trim_end().as_bytes();
    for at in 0..line.len() {
        let mut changed = line.to_vec();
        changed[at] ^= 1;
        assert!(Chain::new().take(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn lines_out_of_place_are_told_and_the_rest_goes_on() {
    let mut chain = Chain::new();
    let lines: Vec<String> = (0..5)
        .map(|n| {
            let (line, after) = chain.seal(&note(&n.to_string())).unwrap();
            chain = after;
            line.trim_end().to_owned()
        })
        .collect();
    let faults = |order: &[usize]| {
        let mut chain = Chain::new();
        order.iter().map(|at| chain.take(lines[*at].as_bytes()).err().map(|bad| bad.what)).collect::<Vec<_>>()
    };
    assert_eq!(faults(&[0, 1, 2, 3, 4]), [None, None, None, None, None]);
    let deleted = faults(&[0, 2, 3, 4]);
    assert_eq!(deleted[1].as_deref(), Some("1 line(s) are missing before it: number 2 expected, 3 found"));
    assert_eq!((&deleted[2], &deleted[3]), (&None, &None));
    let inserted = faults(&[0, 1, 0, 2, 3]);
    assert_eq!(inserted.iter().filter(|f| f.is_some()).count(), 1, "{inserted:?}");
    assert!(inserted[2].is_some());
    let swapped = faults(&[0, 2, 1, 3, 4]);
    assert!(swapped[1].is_some() && swapped[2].is_some() && swapped[3].is_none(), "{swapped:?}");
    let (other, _) = Chain::new().seal(&note("another first line")).unwrap();
    let mut chain = Chain::new();
    chain.take(other.trim_end().as_bytes()).unwrap();
    let bad = chain.take(lines[1].as_bytes()).unwrap_err();
    assert!(bad.what.contains("not the one it was written after") && bad.entry.is_some(), "{bad:?}");
}

#[test]
fn a_record_that_would_not_read_back_is_refused() {
    assert!(Chain::new().seal(&record(Fact::Guard(breach(f64::NAN)))).unwrap_err().contains("read back"));
    assert!(Chain::new().seal(&note(&"x".repeat(MAX_LINE))).unwrap_err().contains("bytes"));
}

#[test]
fn a_newer_format_and_an_unknown_fact_are_told_not_skipped() {
    let seal = |text: String| {
        let hash = hex(&Sha256::digest(text.as_bytes()));
        format!("{},\"hash\":\"{hash}\"}}", text.trim_end_matches('}'))
    };
    let newer = seal(format!("{{\"v\":2,\"seq\":1,\"prev\":\"{GENESIS}\"}}"));
    let bad = Chain::new().take(newer.as_bytes()).unwrap_err();
    assert!(bad.what.contains("format 2"), "{bad:?}");
    let by = r#"{"name":"ann","via":"cli"}"#;
    let fact = format!(r#"{{"v":1,"seq":1,"prev":"{GENESIS}","at":"2026-01-01T00:00:00Z","by":{by},"fact":"sang"}}"#);
    let hash = hex(&Sha256::digest(fact.as_bytes()));
    let line = format!("{},\"hash\":\"{hash}\"}}", fact.strip_suffix('}').unwrap());
    let bad = Chain::new().take(line.as_bytes()).unwrap_err();
    assert!(bad.what.contains("not understood") && bad.remedy.contains("newer"), "{bad:?}");
}
