//! The prometheus gate: the value of an instant query against a limit.
//!
//! Only one number that Prometheus stands by now counts. No series, NaN, an infinity, several series, an old
//! answer, a server that is down or answers something else: all of these are "not yet", never 0.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::ask::{headers, value, what_it_is};
use super::check::{Around, Check, CheckFuture, Checked, Finding, GATE, Kind, Read};
use super::report::Report;
use super::{count, expect};
use crate::domain::text::clean;
use crate::domain::{Bound, HeaderValue, Transport, placeholder};
use crate::http::{Ask, Client, Reply, Target, fetch, redirect_note};
use crate::settings::{Section, TRANSPORT, Table, call, transport, values};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;

/// Longest answer that is read, in bytes: one value is meant.
const MAX_BODY: usize = 1024 * 1024;
/// Series that are named when there are too many.
const MAX_NAMED: usize = 5;

pub(super) const KIND: Kind = Kind {
    name: "prometheus",
    keys: &[&GATE, &KEYS, &TRANSPORT],
    parts: &[],
    example: &[
        ("url", "\"http://127.0.0.1:9090\""),
        ("query", r#"'max(feature_drift{version="{{version}}"})'"#),
        ("max", "0.1"),
    ],
    read,
};

const KEYS: Section = Section::new("[[gate]] kind = \"prometheus\"", include_str!("keys/prometheus.md"));

/// The value of a PromQL query.
#[derive(Debug, Clone, PartialEq)]
pub struct Prometheus {
    /// The base of its API: absolute, without `/api/v1`.
    pub url: String,
    /// An instant query of one value; may hold placeholders within quotes.
    pub query: String,
    /// Sent with it.
    pub headers: Vec<(String, HeaderValue)>,
    /// What the value must keep to.
    pub bound: Bound,
    /// An older sample does not count, in milliseconds.
    pub max_age_ms: u64,
    /// The limit of the request, in milliseconds.
    pub timeout_ms: u64,
    /// How the server is reached.
    pub transport: Transport,
}

fn read(table: &Table<'_>, _: &Around<'_>) -> Option<Read> {
    let url = table.need("url", "write e.g. url = \"http://127.0.0.1:9090\"").and_then(|node| values::base_url(&node));
    let url = url.map(|url| url.to_string());
    let example = "write e.g. query = 'max(feature_drift{version=\"{{version}}\"})'";
    let query = table.need("query", example).and_then(|node| {
        let text = node.lines()?.trim();
        if text.is_empty() {
            return node.refuse("is empty".into(), example);
        }
        match placeholder::fill_promql(text, |_| Ok("x".into())) {
            Ok(_) => Some(text.to_owned()),
            Err(why) => node.refuse(why, example),
        }
    });
    let bound = expect::bound(table);
    let max_age_ms = table.duration("max_age", SECOND..=24 * HOUR, 300 * SECOND);
    let headers = call::headers(table);
    let timeout_ms = table.duration("request_timeout", 10..=300 * SECOND, 10 * SECOND);
    let Some(bound) = bound? else {
        return table.refuse("neither min nor max is written".into(), "write e.g. max = 0.1");
    };
    let (url, query, headers, transport) = (url?, query?, headers?, transport(table));
    Some(Read::runs(Prometheus { url, query, headers, bound, max_age_ms, timeout_ms, transport }))
}

impl Check for Prometheus {
    fn check<'a>(&'a self, side: Checked<'a>, report: &'a mut Report) -> CheckFuture<'a, Finding> {
        Box::pin(check(side, self, report))
    }

    fn asks(&self) -> Vec<(&str, &Transport)> {
        vec![(&self.url, &self.transport)]
    }
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

async fn check(side: Checked<'_>, plan: &Prometheus, report: &mut Report) -> Result<Finding, String> {
    let client = Client::new(&plan.transport)?;
    report.total(1);
    (report.limit, report.at_least) = (Some(plan.bound.limit), plan.bound.at_least);
    let found = find(&client, side, plan, report).await;
    report.step("");
    let value = found?;
    report.samples = 1;
    if report.measure(value, Some(plan.bound)) {
        let warnings = report.details_so_far() as u64;
        return Ok(Finding::passed(if warnings == 0 { String::new() } else { count(warnings, "warning") }));
    }
    let side = if plan.bound.at_least { "below" } else { "above" };
    let note = format!("{value} is {side} {}", plan.bound.limit);
    report.detail(&note);
    Ok(Finding::failed(note))
}

/// The value of the query, if its samples are young enough.
async fn find(client: &Client, side: Checked<'_>, plan: &Prometheus, report: &mut Report) -> Result<f64, String> {
    let max_age = Duration::from_millis(plan.max_age_ms);
    let query = placeholder::fill_promql(&plan.query, |name| value(side, name))?;
    report.info(format!("query {query}"));
    let reply = ask(client, side, plan, &query, report).await?;
    let value = answered(&reply, report.now(), Some(report), max_age)?;
    // A server that does not know the look-back it was asked for tells the time of a plain series' sample this way;
    // of an expression it tells now, and of a scalar it complains.
    let reply = ask(client, side, plan, &format!("timestamp({query}\n)"), report).await?;
    if let Ok(at) = answered(&reply, report.now(), None, max_age) {
        let age = report.now().timestamp_millis() as f64 / 1000.0 - at;
        if age > max_age.as_secs_f64() {
            return Err(format!("its newest sample is {age:.0} s old"));
        }
    }
    Ok(value)
}

async fn ask(
    client: &Client,
    side: Checked<'_>,
    plan: &Prometheus,
    query: &str,
    report: &mut Report,
) -> Result<Reply, String> {
    let headers = headers(side, &plan.headers, report)?;
    let escaped = placeholder::escape_url(query);
    // The look-back is how far Prometheus itself goes into the past for a sample: what is older is no sample.
    let form = format!("query={escaped}&lookback_delta={}ms", plan.max_age_ms);
    let ask = Ask {
        method: reqwest::Method::POST,
        path: "/api/v1/query",
        body: Some(("application/x-www-form-urlencoded", form.into_bytes())),
        timeout: Duration::from_millis(plan.timeout_ms),
        max_body: MAX_BODY,
    };
    fetch(client, &Target::new(&plan.url).with(&headers), ask).await.map_err(|err| err.to_string())
}

/// The one number of the answer, or why the answer has no single number.
fn answered(
    reply: &Reply,
    now: DateTime<Utc>,
    mut report: Option<&mut Report>,
    max_age: Duration,
) -> Result<f64, String> {
    let Ok(answer) = serde_json::from_slice::<Answer>(&reply.body) else {
        let got = redirect_note(reply).unwrap_or_else(|| format!("status {}", reply.status));
        return Err(format!("{got}: {} instead of an answer of Prometheus", what_it_is(reply)));
    };
    for text in answer.warnings.iter().chain(&answer.infos) {
        if let Some(report) = &mut report {
            report.fault(format!("prometheus: {text}"));
        }
    }
    if answer.status != "success" {
        let why = answer.error.unwrap_or_else(|| format!("status {}", reply.status));
        return Err(format!("prometheus: {}", clean(&why, 200)));
    }
    let Some(Data { result_type, result }) = answer.data else { return Err("an answer without data".to_owned()) };
    match (result_type.as_str(), &result) {
        ("scalar", sample) => number(sample, now, max_age),
        ("vector", Value::Array(series)) => match series.as_slice() {
            [] => Err("no series: nothing matches the query now".to_owned()),
            [one] => match one.get("value") {
                Some(sample) => number(sample, now, max_age),
                None => Err("a histogram, not a number".to_owned()),
            },
            many => {
                let labels = many.iter().take(MAX_NAMED).filter_map(|one| one.get("metric"));
                labels.for_each(|labels| report.iter_mut().for_each(|report| report.detail(&labels.to_string())));
                let number = count(many.len() as u64, "series").replace("seriess", "series");
                Err(format!("{number}: aggregate them, e.g. with sum(..) or max(..)"))
            }
        },
        (other, _) => Err(format!("a {} is not one number: write an instant query", clean(other, 20))),
    }
}

/// A sample: `[1700000000.123, "0.97"]`.
fn number(sample: &Value, now: DateTime<Utc>, max_age: Duration) -> Result<f64, String> {
    let at = sample.get(0).and_then(Value::as_f64);
    let value = sample.get(1).and_then(Value::as_str).and_then(|text| text.parse::<f64>().ok());
    let (Some(at), Some(value)) = (at, value) else { return Err("a sample that is none".to_owned()) };
    let age = (now.timestamp_millis() as f64 / 1000.0 - at).abs();
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
