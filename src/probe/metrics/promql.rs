//! Rows that come from a Prometheus server: one instant query per row.
//!
//! One finite number is a value. No series, several series, NaN and infinity give no value, never 0.

use std::time::Duration;

use serde_json::Value;

use super::is_query;
use crate::domain::metric::{MetricsSpec, Part, Scrape, Take};
use crate::domain::text::clean;
use crate::domain::{Side, placeholder};
use crate::http::{Ask, Client, Target, fetch};

/// Longest answer that is read, in bytes. The expected answer is one value.
const MAX_BODY: usize = 256 * 1024;

/// The queries for one side.
pub(super) struct Queries {
    target: Target,
    /// One query per row; `None` for a row that this server does not provide.
    queries: Vec<Option<Result<String, String>>>,
}

impl Queries {
    pub(super) fn new(url: &str, spec: &MetricsSpec, service: &str, side: Side) -> Self {
        let value = |name: &str| match name {
            "side" => Ok(side.name().to_owned()),
            "service" => Ok(service.to_owned()),
            other => Err(format!("{{{{{other}}}}} is not known to a row")),
        };
        let query = |take: &Take| match take {
            Take::Query(text) => Some(placeholder::fill_promql(text, value)),
            _ => None,
        };
        Self { target: Target::new(url), queries: spec.rows.iter().map(|row| query(&row.take)).collect() }
    }

    /// Sends all queries one after the other, within the time limit of one reading each.
    pub(super) async fn read(&self, client: &Client, spec: &MetricsSpec) -> Result<Scrape, String> {
        let mut parts = Vec::with_capacity(self.queries.len());
        for (query, row) in self.queries.iter().zip(&spec.rows) {
            debug_assert!(query.is_some() == is_query(&row.take));
            parts.push(match query {
                None => Part::Missing,
                Some(query) => self.ask(client, query.as_ref().map_err(Clone::clone)?, spec.timeout_ms).await?,
            });
        }
        Ok(Scrape { parts, ..Scrape::default() })
    }

    async fn ask(&self, client: &Client, query: &str, timeout_ms: u64) -> Result<Part, String> {
        let form = format!("query={}", placeholder::escape_url(query));
        let ask = Ask {
            method: reqwest::Method::POST,
            path: "/api/v1/query",
            body: Some(("application/x-www-form-urlencoded", form.into_bytes())),
            timeout: Duration::from_millis(timeout_ms),
            max_body: MAX_BODY,
        };
        let reply = fetch(client, &self.target, ask).await.map_err(|err| format!("prometheus: {err}"))?;
        part(&reply.body).map_err(|why| format!("prometheus: status {}: {why}", reply.status))
    }
}

/// The part that the one number in the answer gives.
fn part(body: &[u8]) -> Result<Part, String> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| "no answer of Prometheus".to_owned())?;
    if answer["status"] != "success" {
        return Err(clean(answer["error"].as_str().unwrap_or("no reason given"), 200));
    }
    let data = &answer["data"];
    let sample = match data["resultType"].as_str() {
        Some("scalar") => &data["result"],
        Some("vector") => match data["result"].as_array().map(Vec::as_slice) {
            Some([]) => return Ok(Part::Missing),
            Some([one]) => &one["value"],
            _ => return Err("several series: aggregate them, e.g. with sum(..)".to_owned()),
        },
        _ => return Err("not one number: write an instant query".to_owned()),
    };
    let value = sample[1].as_str().and_then(|text| text.parse::<f64>().ok());
    let value = value.ok_or_else(|| "a sample that is none".to_owned())?;
    Ok(if value.is_finite() { Part::Gauge { sum: value, max: value, n: 1 } } else { Part::NotYet })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_a_value_and_nothing_else_is() {
        let vector = |result: &str| {
            part(format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}}}}"#).as_bytes())
        };
        let value = |it: f64| Ok(Part::Gauge { sum: it, max: it, n: 1 });
        assert_eq!(vector(r#"[{"metric":{},"value":[1.5,"0.25"]}]"#), value(0.25));
        assert_eq!(part(br#"{"status":"success","data":{"resultType":"scalar","result":[1,"3"]}}"#), value(3.0));
        assert_eq!(vector("[]"), Ok(Part::Missing));
        assert_eq!(vector(r#"[{"metric":{},"value":[1,"NaN"]}]"#), Ok(Part::NotYet));
        for bad in [r#"[{"value":[1,"1"]},{"value":[1,"2"]}]"#, r#"[{"value":[1,2]}]"#, "{}"] {
            assert!(vector(bad).is_err(), "{bad}");
        }
        assert!(part(b"<html>").is_err());
        assert_eq!(part(br#"{"status":"error","error":"parse error"}"#), Err("parse error".into()));
    }
}
