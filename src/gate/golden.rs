//! The golden gate: predictions against cases whose answers are known.
//!
//! The file is read twice, both times line by line: first to see that every line is a case, before
//! anything is sent, and to count them; then to send them. A case without an answer (no connection,
//! 5xx, 429) is neither right nor wrong. It is counted apart, and where the verdict would hang on such
//! cases, or they are more than one in a hundred, there is no verdict.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::agree::{agree, shown};
use super::lines::Lines;
use super::report::Report;
use super::{Finding, MAX_REPLY, MAX_SILENCE, REQUEST_TIMEOUT, count};
use crate::domain::Verdict;
use crate::domain::text::clean;
use crate::probe::{Ask, FetchError, Reply, Target, fetch, redirect_note};

/// A larger share of cases without an answer leaves no verdict but "failed" or "not yet".
const MAX_UNANSWERED: f64 = 0.01;

/// What is checked.
pub(super) struct Plan<'a> {
    pub(super) file: &'a Path,
    pub(super) path: Arc<str>,
    pub(super) answer: Arc<str>,
    pub(super) min_accuracy: f64,
    pub(super) concurrency: usize,
    pub(super) min_cases: u64,
}

struct Case {
    id: String,
    body: Vec<u8>,
    expect: Value,
}

/// What became of a case.
enum Outcome {
    Right,
    Wrong(String),
    Unanswered(String),
}

#[derive(Default)]
struct Tally {
    right: u64,
    wrong: u64,
    unanswered: u64,
    /// Cases in a row without an answer.
    silence: u32,
}

pub(super) async fn check(client: reqwest::Client, targets: &[Target], plan: Plan<'_>, report: &mut Report) -> Finding {
    report.unit = "ratio";
    report.at_least = true;
    report.limit = Some(plan.min_accuracy);
    match send_all(client, targets, &plan, report).await {
        Ok((tally, total)) => judge(&plan, &tally, total),
        Err(note) => {
            report.fault(&note);
            Finding::new(Verdict::NotYet, note)
        }
    }
}

async fn send_all(
    client: reqwest::Client,
    targets: &[Target],
    plan: &Plan<'_>,
    report: &mut Report,
) -> Result<(Tally, u64), String> {
    let total = count_cases(plan.file).await?;
    if total < plan.min_cases {
        return Err(format!("only {} in the file, {} needed", count(total, "case"), plan.min_cases));
    }
    report.total(total);
    let mut lines = Lines::open(plan.file).await?;
    let mut under_way = JoinSet::new();
    let mut tally = Tally::default();
    let mut replicas = targets.iter().cycle();
    let mut sent = 0;
    loop {
        // A side that has gone silent is sent nothing more.
        while under_way.len() < plan.concurrency && sent < total && tally.silence < MAX_SILENCE {
            let Some((number, line)) = lines.next().await? else { break };
            let case = parse(&line, number).map_err(|what| lines.fault(number, &what))?;
            let Some(target) = replicas.next().cloned() else { break };
            let (client, path, answer) = (client.clone(), Arc::clone(&plan.path), Arc::clone(&plan.answer));
            under_way.spawn(async move { ask(&client, &target, &path, &answer, case).await });
            sent += 1;
        }
        let Some(joined) = under_way.join_next().await else { break };
        let (id, outcome) = joined.map_err(|_| "a request broke off".to_owned())?;
        tally.add(&id, outcome, report);
    }
    if tally.silence >= MAX_SILENCE && tally.answered() + tally.unanswered < total {
        report.info(format!("stopped: {} in a row without an answer", count(tally.silence.into(), "case")));
    }
    Ok((tally, total))
}

impl Tally {
    fn answered(&self) -> u64 {
        self.right + self.wrong
    }

    fn add(&mut self, id: &str, outcome: Outcome, report: &mut Report) {
        match outcome {
            Outcome::Right => self.right += 1,
            Outcome::Wrong(what) => {
                self.wrong += 1;
                report.fault(format!("case {id}: {what}"));
            }
            Outcome::Unanswered(why) => {
                self.unanswered += 1;
                self.silence += 1;
                report.fault(format!("case {id}: {why}"));
                report.step(self.note());
                return;
            }
        }
        self.silence = 0;
        report.samples = self.answered();
        report.value = Some(self.right as f64 / self.answered() as f64);
        report.step(self.note());
    }

    fn note(&self) -> String {
        match (self.wrong, self.unanswered) {
            (wrong, 0) => count(wrong, "miss"),
            (wrong, unanswered) => format!("{}, {unanswered} unanswered", count(wrong, "miss")),
        }
    }
}

/// `total` cases were to be sent; those that were not, count as unanswered.
fn judge(plan: &Plan<'_>, tally: &Tally, total: u64) -> Finding {
    let unanswered = total - tally.answered();
    let share = |cases: u64| cases as f64 / total.max(1) as f64;
    let missing = || format!("only {} of {} answered", tally.answered(), count(total, "case"));
    if tally.answered() < plan.min_cases.max(1) {
        return Finding::new(Verdict::NotYet, missing());
    }
    // Even if every case without an answer were right, it would not be enough.
    if share(tally.right + unanswered) < plan.min_accuracy {
        return Finding::new(Verdict::Failed, tally.note());
    }
    if share(unanswered) > MAX_UNANSWERED {
        return Finding::new(Verdict::NotYet, format!("{}, {}", missing(), count(tally.wrong, "miss")));
    }
    // And not if every one of them were wrong.
    if share(tally.right) < plan.min_accuracy {
        return Finding::new(
            Verdict::NotYet,
            format!("it hangs on {unanswered} unanswered, {}", count(tally.wrong, "miss")),
        );
    }
    Finding::new(Verdict::Passed, tally.note())
}

async fn count_cases(file: &Path) -> Result<u64, String> {
    let mut lines = Lines::open(file).await?;
    let mut cases = 0;
    while let Some((number, line)) = lines.next().await? {
        parse(&line, number).map_err(|what| lines.fault(number, &what))?;
        cases += 1;
    }
    Ok(cases)
}

/// A case from its line; other keys than the three are for the user's own notes.
fn parse(line: &[u8], number: u64) -> Result<Case, String> {
    let value: Value = serde_json::from_slice(line).map_err(|_| "not JSON".to_owned())?;
    let Value::Object(mut case) = value else {
        return Err("not an object with request and expect".to_owned());
    };
    let id = match case.get("id") {
        Some(Value::String(id)) => clean(id, 40),
        Some(Value::Number(id)) => id.to_string(),
        None => number.to_string(),
        Some(_) => return Err("id is neither text nor a number".to_owned()),
    };
    let request = case.get("request").ok_or("no request")?;
    let body = serde_json::to_vec(request).map_err(|err| err.to_string())?;
    let expect = case.remove("expect").ok_or("no expect")?;
    Ok(Case { id, body, expect })
}

async fn ask(client: &reqwest::Client, target: &Target, path: &str, answer: &str, case: Case) -> (String, Outcome) {
    let reply = fetch(client, target, Ask::post_json(path, case.body, REQUEST_TIMEOUT, MAX_REPLY)).await;
    (case.id, compare(reply, answer, &case.expect))
}

fn compare(reply: Result<Reply, FetchError>, answer: &str, expect: &Value) -> Outcome {
    let wrong = |got: &str| Outcome::Wrong(format!("expected {}, got {got}", shown(expect)));
    let reply = match reply {
        Ok(reply) => reply,
        Err(err @ FetchError::TooLong(_)) => return wrong(&format!("an {err}")),
        Err(err) => return Outcome::Unanswered(err.to_string()),
    };
    match reply.status {
        200..300 => {}
        429 | 500.. => return Outcome::Unanswered(format!("status {}", reply.status)),
        status => return wrong(&redirect_note(&reply).unwrap_or_else(|| format!("status {status}"))),
    }
    let Ok(body) = serde_json::from_slice::<Value>(&reply.body) else {
        return wrong("an answer that is not JSON");
    };
    match body.pointer(answer) {
        Some(got) if agree(expect, got) => Outcome::Right,
        Some(got) => wrong(&shown(got)),
        None => wrong(&format!("nothing at {}", clean(answer, 60))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(right: u64, wrong: u64, unanswered: u64) -> (Verdict, String) {
        let plan = Plan {
            file: Path::new("x"),
            path: "/".into(),
            answer: "/a".into(),
            min_accuracy: 0.95,
            concurrency: 1,
            min_cases: 50,
        };
        let finding = judge(&plan, &Tally { right, wrong, unanswered, silence: 0 }, right + wrong + unanswered);
        (finding.verdict, finding.note)
    }

    #[test]
    fn cases_without_an_answer_are_neither_right_nor_wrong() {
        use Verdict::{Failed, NotYet, Passed};
        assert_eq!(verdict(95, 5, 0), (Passed, "5 misses".into()));
        assert_eq!(verdict(94, 6, 0), (Failed, "6 misses".into()));
        assert_eq!(verdict(96, 3, 1), (Passed, "3 misses, 1 unanswered".into()));
        assert_eq!(verdict(12, 0, 38), (NotYet, "only 12 of 50 cases answered".into()));
        assert_eq!(verdict(0, 0, 100).0, NotYet);
        assert_eq!(verdict(98, 0, 2), (NotYet, "only 98 of 100 cases answered, 0 misses".into()));
        assert_eq!(verdict(94, 5, 1), (NotYet, "it hangs on 1 unanswered, 5 misses".into()));
        assert_eq!(verdict(80, 10, 10).0, Failed, "ten more right ones would not be enough");
    }

    #[test]
    fn a_line_is_a_case_or_a_fault() {
        let case = parse(br#"{"id":17,"request":{"b":1.0,"a":[2]},"expect":"spam","comment":"x"}"#, 3).unwrap();
        assert_eq!((case.id.as_str(), case.body.as_slice()), ("17", &br#"{"b":1.0,"a":[2]}"#[..]));
        assert_eq!(parse(br#"{"request":1,"expect":null}"#, 3).unwrap().id, "3");
        for (line, said) in [
            ("{", "not JSON"),
            ("[1]", "not an object with request and expect"),
            (r#"{"expect":1}"#, "no request"),
            (r#"{"request":1}"#, "no expect"),
            (r#"{"id":[],"request":1,"expect":1}"#, "id is neither text nor a number"),
        ] {
            assert_eq!(parse(line.as_bytes(), 1).err().unwrap(), said);
        }
    }
}
