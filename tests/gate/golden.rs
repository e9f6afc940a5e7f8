//! Golden sets in every form, against real servers, good and bad.

use crate::support::gate as bench;
use crate::support::server;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bench::{Bench, gate};
use cutover::testing::domain::{Digest, HeaderValue, LogLevel, SecretRef, Verdict};
use cutover::testing::gate::Target;
use cutover::testing::gate::{CaseFields, GoldenForm, GoldenLimits, GoldenSpec};
use serde_json::{Value, json};
use server::{Answer, Request, Server, dead_url};
use tokio::time::timeout;

fn file(suffix: &str, text: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().prefix("set").suffix(suffix).tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn set(cases: &Path) -> GoldenSpec {
    GoldenSpec { min_cases: 1, ..GoldenSpec::accuracy(cases, "/infer", "/answer", 1.0) }
}

fn lines(number: usize) -> tempfile::NamedTempFile {
    let line = |n: usize| json!({"id": format!("c{n}"), "request": {"n": n}, "expect": n}).to_string() + "\n";
    file(".jsonl", (0..number).map(line).collect::<String>().as_bytes())
}

fn limits() -> GoldenLimits {
    GoldenLimits::default()
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or(Value::Null)
}

/// Answers what it was asked for.
fn echo(request: &Request) -> Answer {
    Answer::json(&json!({"answer": body(request)["n"]}).to_string())
}

// --- what is sent

#[tokio::test]
async fn a_table_fills_the_template() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let server = Server::start(move |request| {
        seen.lock().unwrap().push(body(request));
        Answer::json(&json!({"answer": body(request)["text"].as_str().map_or(0, str::len)}).to_string())
    })
    .await;
    let table = "key,text,age,label\r\na,\"one, \"\"two\"\"\nthree\",41,16\r\nb,{{age}},,7\r\nc,x,007,2\r\n";
    let cases = file(".csv", table.as_bytes());
    let template = r#"{"text":"{{text:text}}","age":["{{age}}"],"note":"aged {{age}}"}"#;
    let spec = GoldenSpec {
        form: GoldenForm::Json { template: Some(template.into()) },
        fields: CaseFields { id: "key".into(), expect: "label".into(), inputs: None },
        concurrency: 1,
        ..set(cases.path())
    };
    let evidence = Bench::new([&server.url]).run(gate(spec)).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Failed, 3), "{evidence:?}");
    assert_eq!(evidence.details, ["case c: expected 2, got 1"]);
    assert_eq!(evidence.note, "1 miss, 66.7 % of 3 (20.8 to 93.9)");
    let expected = [
        json!({"text": "one, \"two\"\nthree", "age": [41], "note": "aged 41"}),
        json!({"text": "{{age}}", "age": [null], "note": "aged "}),
        json!({"text": "x", "age": ["007"], "note": "aged 007"}),
    ];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn open_inference_gets_a_tensor_of_the_inputs() {
    let server = Server::start(|request| {
        let tensor = body(request)["inputs"][0].clone();
        let sum: f64 = tensor["data"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).sum();
        assert_eq!(
            (&tensor["shape"], &tensor["datatype"], &tensor["name"]),
            (&json!([1, 2]), &json!("FP64"), &json!("x"))
        );
        Answer::json(&json!({"outputs": [{"name": "y", "data": [sum]}]}).to_string())
    })
    .await;
    let form = GoldenForm::V2 { tensor: "x".into(), datatype: "FP64".into() };
    let spec = |cases: &Path| GoldenSpec { form: form.clone(), answer: "/outputs/0/data/0".into(), ..set(cases) };
    let table = file(".csv", b"id,a,expect,b\n1,1.5,4,2.5\n2,-1,0,1\n");
    let evidence = Bench::new([&server.url]).run(gate(spec(table.path()))).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 2), "{evidence:?}");
    let lines = file(".jsonl", b"{\"inputs\":[1,2],\"expect\":3}\n");
    let evidence = Bench::new([&server.url]).run(gate(spec(lines.path()))).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 1), "{evidence:?}");
    let broken = file(".csv", b"id,a,expect,b\n1,x,4,2\n2,,4,2\n");
    let evidence = Bench::new([&server.url]).run(gate(spec(broken.path()))).await;
    assert_eq!(evidence.verdict, Verdict::NotYet);
    assert!(evidence.details[0].ends_with(".csv:2: inputs are not a list of FP64: [\"x\",2]"), "{evidence:?}");
    assert!(evidence.details[1].ends_with(".csv:3: inputs are not a list of FP64: [null,2]"), "{evidence:?}");
}

#[tokio::test]
async fn a_chat_model_is_asked_and_its_manners_are_forgiven() {
    let server = Server::start(|request| {
        let body = body(request);
        assert_eq!(request.headers["authorization"], "Bearer sk-very-secret");
        assert_eq!((&body["model"], &body["temperature"]), (&json!("m1"), &json!(0)));
        let messages = body["messages"].as_array().unwrap();
        assert_eq!(messages[0], json!({"role": "system", "content": "One word."}));
        let said = match messages[1]["content"].as_str().unwrap() {
            "Is this spam? buy!" => " \"Spam\".\n",
            "Is this spam? 42" => "ham",
            _ => "your token is sk-very-secret",
        };
        Answer::json(&json!({"choices": [{"message": {"role": "assistant", "content": said}}]}).to_string())
    })
    .await;
    let token = file(".token", b"sk-very-secret\n");
    let cases = file(".csv", b"id,text,expect\n1,buy!,spam\n2,42,ham\n3,else,ham\n");
    let spec = GoldenSpec {
        form: GoldenForm::OpenAi {
            model: "m1".into(),
            system: Some("One word.".into()),
            prompt: "Is this spam? {{text}}".into(),
        },
        answer: "/choices/0/message/content".into(),
        compare: cutover::testing::gate::Compare::Loose,
        headers: vec![("authorization".into(), HeaderValue::Bearer(SecretRef::File(token.path().into())))],
        ..set(cases.path())
    };
    let mut bench = Bench::new([&server.url]);
    let evidence = bench.run(gate(spec)).await;
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::Failed, "1 miss, 66.7 % of 3 (20.8 to 93.9)"));
    assert_eq!(evidence.details, ["case 3: expected ham, got \"your token is ***\""]);
    assert!(!format!("{:?}", bench.log()).contains("sk-very"), "a secret stays out of the log");
}

// --- what it is held against

#[tokio::test]
async fn agreement_is_with_the_live_side() {
    let candidate = Server::start(|request| match body(request)["n"].as_u64() {
        Some(n) if n % 10 == 0 => Answer::json(r#"{"answer":"NaN"}"#),
        _ => echo(request),
    })
    .await;
    let live = Server::start(|request| match body(request)["n"].as_u64() {
        Some(n) if n % 10 == 0 => Answer::json(r#"{"answer":"NaN"}"#),
        Some(n) => Answer::json(&json!({"answer": n as f64 + 0.001}).to_string()),
        None => Answer::status(400),
    })
    .await;
    let cases = lines(100);
    let agreement = GoldenLimits { min_agreement: Some(0.9), ..limits() };
    let spec = GoldenSpec { limits: agreement, tolerance: 0.01, ..set(cases.path()) };
    let mut bench = Bench::new([&candidate.url]);
    bench.others = vec![Target::new(&live.url)];
    let evidence = bench.run(gate(spec.clone())).await;
    assert_eq!((evidence.verdict, evidence.value, evidence.samples), (Verdict::Passed, Some(0.9), 100), "{evidence:?}");
    assert_eq!(evidence.note, "10 unlike live, 90.0 % of 100 (82.6 to 94.5)");
    assert_eq!(evidence.details[0], "case c0: the other side says \"NaN\", got \"NaN\"", "a NaN agrees with nothing");
    assert_eq!((candidate.served(), live.served()), (100, 100));
    let strict = GoldenSpec { tolerance: 0.0, ..spec.clone() };
    assert_eq!(bench.run(gate(strict)).await.verdict, Verdict::Failed);

    bench.others = vec![Target::new(&dead_url())];
    let evidence = bench.run(gate(spec.clone())).await;
    assert_eq!((evidence.verdict, evidence.value), (Verdict::NotYet, None), "nothing to compare with: {evidence:?}");
    assert!(evidence.details[0].contains("the other side: cannot connect"), "{evidence:?}");
    bench.others.clear();
    let evidence = bench.run(gate(spec)).await;
    assert_eq!(evidence.note, "the other side has no replicas to compare with");
}

#[tokio::test]
async fn numbers_are_held_against_their_distance() {
    let regressor = Server::start(|request| {
        let n = body(request)["n"].as_u64().unwrap();
        Answer::json(&json!({"answer": if n == 7 { 10.0 } else { n as f64 + 0.5 }}).to_string())
    })
    .await;
    let cases = lines(50);
    let run = |mean: Option<f64>, most: Option<f64>| {
        let limits = GoldenLimits { max_mean_error: mean, max_error: most, ..limits() };
        let spec = gate(GoldenSpec { limits, ..set(cases.path()) });
        let mut bench = Bench::new([&regressor.url]);
        async move { bench.run(spec).await }
    };
    let evidence = run(Some(0.6), None).await;
    assert_eq!((evidence.verdict, evidence.limit, evidence.at_least), (Verdict::Passed, Some(0.6), false));
    assert!((evidence.value.unwrap() - 0.55).abs() < 1e-9 && evidence.unit.is_empty(), "{evidence:?}");
    assert_eq!(evidence.note, "mean error 0.550 (0.452 to 0.648) of 50");
    let evidence = run(Some(0.54), None).await;
    assert_eq!(evidence.verdict, Verdict::Failed);
    assert_eq!(evidence.details[0], "case c7: expected 7, got 10.0, off by 3.0000", "the worst first");
    let evidence = run(Some(0.6), Some(2.0)).await;
    assert_eq!((evidence.verdict, evidence.value, evidence.limit), (Verdict::Failed, Some(3.0), Some(2.0)));
    assert_eq!(evidence.note, "largest error 3.00; mean error 0.550 (0.452 to 0.648) of 50");
    assert_eq!(evidence.details, ["case c7: expected 7, got 10.0, off by 3.0000"]);
}

#[tokio::test]
async fn a_nan_is_never_a_pass() {
    for said in [r#"{"answer":NaN}"#, r#"{"answer":"NaN"}"#, r#"{"answer":null}"#, r#"{"answer":1e999}"#, "<html>"] {
        let server = Server::start(move |request| match body(request)["n"].as_u64() {
            Some(3) => Answer::Reply(200, Vec::new(), said.as_bytes().to_vec()),
            _ => echo(request),
        })
        .await;
        let cases = lines(100);
        let limits = GoldenLimits { max_mean_error: Some(1e300), min_accuracy: Some(0.5), ..limits() };
        let evidence = Bench::new([&server.url]).run(gate(GoldenSpec { limits, ..set(cases.path()) })).await;
        assert_eq!(evidence.verdict, Verdict::Failed, "{said}: {evidence:?}");
        assert!(evidence.note.starts_with("1 answer not a number; 1 miss, 99.0 % of 100"), "{evidence:?}");
        assert!(evidence.details[0].ends_with(", which is not a number"), "{evidence:?}");
    }
    let cases = file(".csv", b"n,expect\n1,1\n2,nan\n");
    let template = Some(r#"{"n":"{{n}}"}"#.to_owned());
    let limits = GoldenLimits { max_error: Some(1.0), ..limits() };
    let spec = GoldenSpec { form: GoldenForm::Json { template }, limits, ..set(cases.path()) };
    let evidence = Bench::new([&dead_url()]).run(gate(spec)).await;
    assert!(evidence.note.ends_with(".csv:3: expect is nan, not a number"), "{evidence:?}");
}

// --- broken sets

const BROKEN: &[u8] =
    b"{\"request\":{\"n\":1},\"expect\":1}\n{\"request\":\n\n[]\n{\"request\":{\"n\":2},\"expect\":NaN}\n\
{\"request\":{\"n\":3},\"expect\":3}\n\xff\xfe\n{\"expect\":1}\n";

#[tokio::test]
async fn every_broken_line_is_told_and_one_is_too_many() {
    let server = Server::start(echo).await;
    let cases = file(".jsonl", BROKEN);
    let name = cases.path().file_name().unwrap().to_string_lossy().into_owned();
    let mut bench = Bench::new([&server.url]);
    let evidence = bench.run(gate(set(cases.path()))).await;
    assert_eq!((evidence.verdict, server.served()), (Verdict::NotYet, 0));
    assert_eq!(evidence.note, format!("5 broken lines, {name}:2: not JSON"));
    let said = ["2: not JSON", "4: not an object with request and expect", "5: not JSON, which has no NaN"];
    for (detail, said) in evidence.details.iter().zip(said.into_iter().chain(["7: not JSON", "8: no request"])) {
        assert_eq!(*detail, format!("{name}:{said}"));
    }
    assert_eq!(evidence.details.len(), 5);
}

#[tokio::test]
async fn broken_lines_can_be_left_out_and_the_others_count() {
    let server = Server::start(echo).await;
    let cases = file(".jsonl", BROKEN);
    let spec = GoldenSpec { skips_broken: true, ..set(cases.path()) };
    let mut bench = Bench::new([&server.url]);
    let evidence = bench.run(gate(spec.clone())).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::Passed, 2), "{evidence:?}");
    assert_eq!(evidence.note, "0 misses, 100.0 % of 2 (34.2 to 100.0); 5 broken lines left out");
    assert_eq!(bench.log().iter().filter(|line| line.level == LogLevel::Warn).count(), 5, "each is told");
    let evidence = bench.run(gate(GoldenSpec { min_cases: 3, ..spec })).await;
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::NotYet, "only 2 cases in the file, 3 needed"));
}

#[tokio::test]
async fn a_table_whose_header_does_not_fit_is_refused() {
    for (table, said) in [
        (&b""[..], ":1: holds no header row"),
        (b"a,b\n1,2\n", ":1: there is no column expect; the header has a, b"),
        (b"a,expect\n1,2\n", ":1: there is no column b; the header has a, expect"),
        (b"a,b,a,expect\n1,2,3,4\n", ":1: two columns are named a"),
        (b"a,b,expect,\n1,2,3,4\n", ":1: a column has no name: name it, or write inputs = [..] in the config"),
        (b"a,b,expect\n1,2,3,4\n", ":2: 4 cells, the header has 3"),
        (b"a,b,expect\n1,2,\n", ":2: expect is empty"),
        (b"a,b,expect\n1,\"2,3\n", ":2: a quote is opened and not closed"),
    ] {
        let cases = file(".csv", table);
        let template = Some(r#"{"b":"{{b}}","all":"{{inputs}}"}"#.to_owned());
        let spec = GoldenSpec { form: GoldenForm::Json { template }, ..set(cases.path()) };
        let evidence = Bench::new([&dead_url()]).run(gate(spec)).await;
        assert_eq!(evidence.verdict, Verdict::NotYet);
        assert!(evidence.note.ends_with(said), "{said}: {evidence:?}");
    }
}

// --- going on where it was

/// Runs until so many cases were answered, then cancels.
async fn stopped(bench: &mut Bench, spec: GoldenSpec, at: u64) -> cutover::testing::domain::Evidence {
    let cancel = Arc::clone(&bench.cancel);
    let mut progress = bench.watch_progress();
    let run = bench.run(gate(spec));
    tokio::pin!(run);
    let reached = progress.wait_for(|progress| progress.done >= at);
    tokio::select! {
        evidence = &mut run => panic!("ended by itself: {evidence:?}"),
        reached = timeout(Duration::from_secs(20), reached) => drop(reached.expect("it gets there").unwrap()),
    }
    cancel.send_replace(true);
    let evidence = timeout(Duration::from_secs(20), run).await.expect("it ends");
    cancel.send_replace(false);
    evidence
}

#[tokio::test]
async fn a_run_that_was_stopped_goes_on_with_the_cases_that_are_left() {
    let server = Server::start(|request| match body(request)["n"].as_u64() {
        Some(150) => Answer::Hang,
        Some(5) => Answer::json(r#"{"answer":"five"}"#),
        _ => echo(request),
    })
    .await;
    let well = Server::start(echo).await;
    let dir = tempfile::tempdir().unwrap();
    let cases = lines(200);
    let spec = GoldenSpec {
        concurrency: 1,
        limits: GoldenLimits { min_accuracy: Some(0.9), ..limits() },
        ..set(cases.path())
    };
    let mut bench = Bench::new([&server.url]);
    bench.resume = Some(dir.path().join("gates/golden.progress"));
    let evidence = stopped(&mut bench, spec.clone(), 150).await;
    assert_eq!((evidence.verdict, evidence.note.as_str()), (Verdict::NotYet, "cancelled, 150 of 200 done"));

    bench.set_targets([&well.url]);
    let evidence = bench.run(gate(spec.clone())).await;
    assert_eq!((evidence.verdict, evidence.samples, well.served()), (Verdict::Passed, 200, 50), "{evidence:?}");
    assert_eq!(evidence.note, "1 miss, 99.5 % of 200 (97.2 to 99.9)");
    assert_eq!(evidence.details, ["case c5: expected 5, got \"five\""], "what was missed before is told again");
    assert!(bench.log().iter().any(|line| line.text == "resumed at 150 of 200"), "{:?}", bench.log());
    assert!(!bench.resume.as_ref().unwrap().exists(), "a verdict ends it");
    let evidence = bench.run(gate(spec)).await;
    assert_eq!((evidence.samples, well.served()), (200, 250), "and the next run begins anew");
}

#[tokio::test]
async fn another_version_or_another_set_begins_anew() {
    let server = Server::start(|request| match body(request)["n"].as_u64() {
        Some(20) => Answer::Hang,
        _ => echo(request),
    })
    .await;
    let well = Server::start(echo).await;
    let dir = tempfile::tempdir().unwrap();
    let cases = lines(40);
    let spec = GoldenSpec { concurrency: 1, ..set(cases.path()) };
    let mut bench = Bench::new([&server.url]);
    bench.resume = Some(dir.path().join("golden.progress"));
    stopped(&mut bench, spec.clone(), 20).await;
    bench.set_targets([&well.url]);
    bench.version = Digest::of(["v3"]);
    bench.run(gate(spec.clone())).await;
    assert_eq!(well.served(), 40, "evidence belongs to a version");

    bench.set_targets([&server.url]);
    stopped(&mut bench, spec.clone(), 20).await;
    let text = std::fs::read_to_string(cases.path()).unwrap();
    std::fs::write(cases.path(), text.replacen("c30", "d30", 1)).unwrap();
    bench.set_targets([&well.url]);
    bench.run(gate(spec)).await;
    assert_eq!(well.served(), 80, "and to a set");
}

#[tokio::test]
async fn cases_without_an_answer_are_asked_again_by_the_next_run() {
    let weak = Server::start(|request| if request.number % 2 == 0 { Answer::status(503) } else { echo(request) }).await;
    let well = Server::start(echo).await;
    let dir = tempfile::tempdir().unwrap();
    let cases = lines(60);
    let spec = GoldenSpec { concurrency: 1, ..set(cases.path()) };
    let mut bench = Bench::new([&weak.url]);
    bench.resume = Some(dir.path().join("golden.progress"));
    let evidence = bench.run(gate(spec.clone())).await;
    assert_eq!((evidence.verdict, evidence.samples), (Verdict::NotYet, 30), "{evidence:?}");
    bench.set_targets([&well.url]);
    let evidence = bench.run(gate(spec)).await;
    assert_eq!((evidence.verdict, evidence.samples, well.served()), (Verdict::Passed, 60, 30), "{evidence:?}");
}
