//! The prometheus gate: the value of an instant query against a limit.
//!
//! Only one number that Prometheus stands by now counts. No series, NaN, an infinity, several series, an old
//! answer, a server that is down or answers something else: all of these are "not yet", never 0.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::ask::{headers, value, what_it_is};
use super::report::Report;
use super::{Checked, Finding, count};
use crate::domain::gate::Bound;
use crate::domain::text::clean;
use crate::domain::{HeaderValue, LogLevel, Transport, Verdict, placeholder};
use crate::http::{Ask, Client, Reply, Target, fetch, redirect_note};

/// Longest answer that is read, in bytes: one value is meant.
const MAX_BODY: usize = 1024 * 1024;
/// Series that are named when there are too many.
const MAX_NAMED: usize = 5;

/// What is asked.
pub(super) struct Plan<'a> {
    pub(super) url: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a [(String, HeaderValue)],
    pub(super) bound: Bound,
    pub(super) max_age: Duration,
    pub(super) timeout: Duration,
    pub(super) transport: &'a Transport,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Option<Data>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

pub(super) async fn check(side: Checked<'_>, plan: Plan<'_>, report: &mut Report) -> Finding {
    report.total(1);
    (report.limit, report.at_least) = (Some(plan.bound.limit), plan.bound.at_least);
    let found = match Client::new(plan.transport) {
        Ok(client) => find(&client, side, &plan, report).await,
        Err(why) => Err(why),
    };
    report.step("");
    let value = match found {
        Ok(value) => value,
        Err(why) => return Finding::new(Verdict::NotYet, why),
    };
    report.samples = 1;
    if report.measure(value, Some(plan.bound)) {
        return Finding::new(Verdict::Passed, report.warned());
    }
    let side = if plan.bound.at_least { "below" } else { "above" };
    let note = format!("{value} is {side} {}", plan.bound.limit);
    report.detail(&note);
    Finding::new(Verdict::Failed, note)
}

/// The value of the query, if its samples are young enough.
async fn find(client: &Client, side: Checked<'_>, plan: &Plan<'_>, report: &mut Report) -> Result<f64, String> {
    let query = placeholder::fill_promql(plan.query, |name| value(side, name))?;
    report.info(format!("query {query}"));
    let reply = ask(client, side, plan, &query, report).await?;
    let value = read(&reply, report, plan.max_age)?;
    // A server that does not know the look-back it was asked for tells the time of a plain series' sample this way;
    // of an expression it tells now, and of a scalar it complains.
    let reply = ask(client, side, plan, &format!("timestamp({query}\n)"), report).await?;
    if let Ok(at) = read(&reply, &mut Aside(report.now()), plan.max_age) {
        let age = report.now().timestamp_millis() as f64 / 1000.0 - at;
        if age > plan.max_age.as_secs_f64() {
            return Err(format!("its newest sample is {age:.0} s old"));
        }
    }
    Ok(value)
}

async fn ask(
    client: &Client,
    side: Checked<'_>,
    plan: &Plan<'_>,
    query: &str,
    report: &mut Report,
) -> Result<Reply, String> {
    let headers = headers(side, plan.headers, report)?;
    let escaped = placeholder::escape_url(query);
    // The look-back is how far Prometheus itself goes into the past for a sample: what is older is no sample.
    let form = format!("query={escaped}&lookback_delta={}ms", plan.max_age.as_millis());
    let ask = Ask {
        method: reqwest::Method::POST,
        path: "/api/v1/query",
        body: Some(("application/x-www-form-urlencoded", form.into_bytes())),
        timeout: plan.timeout,
        max_body: MAX_BODY,
    };
    fetch(client, &Target::new(plan.url).with(&headers), ask).await.map_err(|err| err.to_string())
}

/// The one number of the answer, or why there is none.
fn read(reply: &Reply, report: &mut impl Told, max_age: Duration) -> Result<f64, String> {
    let Ok(answer) = serde_json::from_slice::<Answer>(&reply.body) else {
        let got = redirect_note(reply).unwrap_or_else(|| format!("status {}", reply.status));
        return Err(format!("{got}: {} instead of an answer of Prometheus", what_it_is(reply)));
    };
    for text in answer.warnings.iter().chain(&answer.infos) {
        report.warn(&format!("prometheus: {text}"));
    }
    if answer.status != "success" {
        let why = answer.error.unwrap_or_else(|| format!("status {}", reply.status));
        return Err(format!("prometheus: {}", clean(&why, 200)));
    }
    let Some(Data { result_type, result }) = answer.data else { return Err("an answer without data".to_owned()) };
    match (result_type.as_str(), &result) {
        ("scalar", sample) => number(sample, report, max_age),
        ("vector", Value::Array(series)) => match series.as_slice() {
            [] => Err("no series: nothing matches the query now".to_owned()),
            [one] => match one.get("value") {
                Some(sample) => number(sample, report, max_age),
                None => Err("a histogram, not a number".to_owned()),
            },
            many => {
                let labels = many.iter().take(MAX_NAMED).filter_map(|one| one.get("metric"));
                labels.for_each(|labels| report.detail(&labels.to_string()));
                let number = count(many.len() as u64, "series").replace("seriess", "series");
                Err(format!("{number}: aggregate them, e.g. with sum(..) or max(..)"))
            }
        },
        (other, _) => Err(format!("a {} is not one number: write an instant query", clean(other, 20))),
    }
}

/// A sample: `[1700000000.123, "0.97"]`.
fn number(sample: &Value, report: &impl Told, max_age: Duration) -> Result<f64, String> {
    let at = sample.get(0).and_then(Value::as_f64);
    let value = sample.get(1).and_then(Value::as_str).and_then(|text| text.parse::<f64>().ok());
    let (Some(at), Some(value)) = (at, value) else { return Err("a sample that is none".to_owned()) };
    let age = (report.now().timestamp_millis() as f64 / 1000.0 - at).abs();
    if age > max_age.as_secs_f64() {
        return Err(format!("its answer is of {age:.0} s from now: an old one, or the clocks differ"));
    }
    if value.is_nan() {
        return Err("NaN: there was nothing to count".to_owned());
    }
    if value.is_infinite() {
        return Err(format!("{value}: a division by nothing"));
    }
    Ok(value)
}

/// Who is told what an answer says besides its number.
trait Told {
    fn warn(&mut self, text: &str);
    fn detail(&mut self, text: &str);
    fn now(&self) -> DateTime<Utc>;
}

impl Told for Report {
    fn warn(&mut self, text: &str) {
        self.line(LogLevel::Warn, text);
        Report::detail(self, text);
    }

    fn detail(&mut self, text: &str) {
        Report::detail(self, text);
    }

    fn now(&self) -> DateTime<Utc> {
        Report::now(self)
    }
}

/// Nobody: a second question about the same thing.
struct Aside(DateTime<Utc>);

impl Told for Aside {
    fn warn(&mut self, _: &str) {}

    fn detail(&mut self, _: &str) {}

    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

impl Report {
    /// `2 warnings`, or nothing.
    fn warned(&self) -> String {
        let number = self.details_so_far() as u64;
        if number == 0 { String::new() } else { count(number, "warning") }
    }
}
