//! Asks streaming endpoints (OpenAI's API) for a few tokens from time to time: one request per replica, at its own
//! slow interval, never two at once.
//!
//! Everything about the answer has a limit: time, bytes, pieces, length of a line. A fault is reported in words and
//! gives no figure.

mod completion;
pub(crate) mod sse;

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{LOCATION, RETRY_AFTER};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use self::completion::{Completion, error_of};
use self::sse::Sse;
use super::delay::delay_ms;
use super::{MAX_SPREAD_MS, Pollers, ProbeEvent, Teller, spread};
use crate::domain::metric::{MetricRow, MetricsSpec, Scrape, StreamSpec};
use crate::domain::text::clean;
use crate::domain::{Pair, SideSpec};
use crate::http::{Client, Headers, Mask, Response, Target};

/// Longest stream, in bytes.
const MAX_STREAM: usize = 1024 * 1024;
/// Longest body of an error response, in bytes.
const MAX_REFUSAL: usize = 16 * 1024;
/// The longest `retry-after` that is respected, in seconds.
const MAX_RETRY_S: u64 = 3600;

/// Why there are no figures.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StreamError {
    /// In words, cleaned and without secrets.
    why: String,
    /// The `retry-after` of the server, in seconds.
    retry_s: Option<u64>,
}

impl From<String> for StreamError {
    fn from(why: String) -> Self {
        Self { why, retry_s: None }
    }
}

/// Starts to poll the streaming endpoint of each replica of both sides that has one. Must be called within a tokio
/// runtime.
///
/// # Errors
/// No HTTP client can be made on this machine; in words.
pub fn start_streams(
    sides: &Pair<SideSpec>,
    spec: &MetricsSpec,
    sink: &mpsc::Sender<ProbeEvent>,
) -> Result<Pollers, String> {
    let mut pollers = Pollers::default();
    let Some(stream) = &spec.stream else { return Ok(pollers) };
    let client = Client::new(&stream.transport)?;
    for (side, side_spec) in sides.iter() {
        for (replica, url) in side_spec.urls.iter().enumerate() {
            let (client, target) = (client.clone(), Target::new(url));
            let teller = pollers.teller(side, spec.sources(side) + replica, sink);
            let asker = Asker { client, target, spec: stream.clone(), rows: spec.rows.clone(), teller };
            pollers.tasks.spawn(asker.run());
        }
    }
    Ok(pollers)
}

/// Asks one replica's streaming endpoint once and returns a part for each of `rows`. For the check of a config.
///
/// # Errors
/// Why there are no figures, in words.
pub async fn stream_once(spec: &StreamSpec, rows: &[MetricRow], url: &str) -> Result<Scrape, String> {
    ask(&Client::new(&spec.transport)?, &Target::new(url), spec)
        .await
        .map(|answer| scrape(&answer, rows))
        .map_err(|fault| fault.why)
}

struct Asker {
    client: Client,
    target: Target,
    spec: StreamSpec,
    rows: Vec<MetricRow>,
    teller: Teller,
}

impl Asker {
    async fn run(self) {
        let mut failures = 0_u32;
        spread(MAX_SPREAD_MS).await;
        while !self.teller.is_closed() {
            let asked = Instant::now();
            let answer = ask(&self.client, &self.target, &self.spec).await;
            failures = if answer.is_err() { failures.saturating_add(1) } else { 0 };
            let wanted_s = answer.as_ref().err().and_then(|fault| fault.retry_s).unwrap_or(0);
            self.teller.metrics(answer.map(|answer| scrape(&answer, &self.rows)).map_err(|fault| fault.why));
            let pause_ms = pause_ms(self.spec.interval_ms, failures, wanted_s, asked.elapsed().as_millis() as u64);
            sleep(Duration::from_millis(pause_ms)).await;
        }
    }
}

/// How long to wait after a request that took `spent_ms` when the server asked for a pause of `wanted_s`.
fn pause_ms(interval_ms: u64, failures: u32, wanted_s: u64, spent_ms: u64) -> u64 {
    let usual = delay_ms(interval_ms, failures, fastrand::f64()).saturating_sub(spent_ms);
    // Even after a stream that took the whole interval there is a pause.
    usual.max(interval_ms / 10).max(wanted_s.min(MAX_RETRY_S) * 1000).max(1)
}

fn scrape(answer: &Completion, rows: &[MetricRow]) -> Scrape {
    Scrape { parts: answer.parts(rows), is_stream: true, ..Scrape::default() }
}

/// Sends one request and reads its stream, within the time limit of both.
async fn ask(client: &Client, target: &Target, spec: &StreamSpec) -> Result<Completion, StreamError> {
    let headers = spec.api_key.as_ref().map(Headers::bearer).transpose().map_err(|why| format!("no api_key: {why}"))?;
    let headers = headers.unwrap_or_default();
    let mut answer = Completion::default();
    let limit = Duration::from_millis(spec.timeout_ms);
    let result = timeout(limit, exchange(client, target, spec, &headers, &mut answer)).await;
    result.unwrap_or_else(|_| Err(late(&answer, spec.timeout_ms).into()))?;
    Ok(answer)
}

fn late(answer: &Completion, timeout_ms: u64) -> String {
    match answer.pieces_ms.len() {
        0 => format!("no token within {timeout_ms} ms"),
        n => format!("not at its end after {timeout_ms} ms and {n} tokens"),
    }
}

async fn exchange(
    client: &Client,
    target: &Target,
    spec: &StreamSpec,
    headers: &Headers,
    answer: &mut Completion,
) -> Result<(), StreamError> {
    let request = client.request(Method::POST, &target.url(&spec.path)).headers(headers);
    let request = request.header("content-type", "application/json").header("accept", "text/event-stream");
    let started = Instant::now();
    let mut response = request.body(body(spec)).open().await.map_err(|error| error.to_string())?;
    if !(200..300).contains(&response.status()) {
        return Err(refusal(response).await);
    }
    let kind = response.content_type();
    if kind != "text/event-stream" {
        let told = json_error(&mut response).await.map(|why| format!(": {why}")).unwrap_or_default();
        let kind = if kind.is_empty() { "no content type".to_owned() } else { kind };
        return Err(format!("not a stream of events but {kind}{told}").into());
    }
    let (mut sse, mut events, mut read) = (Sse::default(), Vec::new(), 0_usize);
    // A token may come in two pieces. More pieces than this were not asked for.
    let most = 4 * spec.max_tokens as usize + 16;
    while let Some(bytes) = response.chunk().await.map_err(|error| cut(answer, &error.to_string()))? {
        let at_ms = started.elapsed().as_secs_f64() * 1000.0;
        read += bytes.len();
        let is_whole = sse.push(&bytes, &mut events).is_ok();
        for mut event in events.drain(..) {
            event.data = headers.mask.text(&event.data);
            answer.take(at_ms, &event)?;
            if answer.is_done {
                return ended(answer);
            }
            if answer.pieces_ms.len() > most {
                return Err(format!("more than {most} tokens where {} were asked for", spec.max_tokens).into());
            }
        }
        if !is_whole {
            return Err("an event longer than 64 KiB".to_owned().into());
        }
        if read > MAX_STREAM {
            return Err(format!("a stream longer than {} KiB", MAX_STREAM / 1024).into());
        }
    }
    answer.is_done |= sse.rest().is_some_and(|event| event.data.trim() == "[DONE]");
    ended(answer)
}

/// Checks that a stream has ended properly: with `[DONE]`, or closed after a finish reason.
fn ended(answer: &Completion) -> Result<(), StreamError> {
    if !answer.is_done && !answer.is_finished {
        return Err(cut(answer, "it ends without [DONE]"));
    }
    if answer.pieces_ms.is_empty() {
        return Err("it ended without a token".to_owned().into());
    }
    Ok(())
}

fn cut(answer: &Completion, why: &str) -> StreamError {
    format!("cut off after {} tokens: {why}", answer.pieces_ms.len()).into()
}

fn body(spec: &StreamSpec) -> Vec<u8> {
    let mut body = json!({ "model": spec.model, "stream": true, "max_tokens": spec.max_tokens, "temperature": 0 });
    if spec.path.trim_end_matches('/').ends_with("/chat/completions") {
        body["messages"] = json!([{ "role": "user", "content": spec.prompt }]);
    } else {
        body["prompt"] = Value::from(spec.prompt.as_str());
    }
    body.to_string().into_bytes()
}

/// The fault for a response with another status than 2xx.
async fn refusal(mut response: Response) -> StreamError {
    let (status, mask): (u16, Mask) = (response.status(), response.mask().clone());
    let retry = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let location = response.headers().get(LOCATION).filter(|_| (300..400).contains(&status));
    let location = location.map(|to| clean(&mask.text(&String::from_utf8_lossy(to.as_bytes())), 100));
    let told = match location {
        Some(to) => Some(format!("redirects to {to}")),
        None => json_error(&mut response).await,
    };
    let hint = match status {
        401 | 403 => " (is api_key right?)",
        404 => " (are path and model right?)",
        _ => "",
    };
    let told = told.map(|why| format!(": {why}")).unwrap_or_default();
    StreamError { why: format!("status {status}{hint}{told}"), retry_s: retry.filter(|_| matches!(status, 429 | 503)) }
}

/// The error message in a short JSON body.
async fn json_error(response: &mut Response) -> Option<String> {
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        if body.len() + bytes.len() > MAX_REFUSAL {
            return None;
        }
        body.extend_from_slice(&bytes);
    }
    let text = response.mask().text(&String::from_utf8_lossy(&body));
    let value: Value = serde_json::from_str(&text).ok()?;
    let detail = || value.get("detail").map(|detail| clean(detail.as_str().unwrap_or(&detail.to_string()), 160));
    error_of(&value).or_else(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_asks_to_be_left_alone_is() {
        assert!((54_000..=66_000).contains(&pause_ms(60_000, 0, 0, 0)));
        assert_eq!(pause_ms(60_000, 1, 300, 0), 300_000);
        assert_eq!(pause_ms(60_000, 1, u64::MAX, 0), MAX_RETRY_S * 1000);
        assert_eq!(pause_ms(10_000, 0, 0, 20_000), 1000, "never a volley");
    }

    #[test]
    fn the_path_says_which_form_is_meant() {
        let mut spec = StreamSpec {
            path: "/v1/chat/completions".into(),
            model: "m\"x".into(),
            prompt: "hi".into(),
            max_tokens: 16,
            interval_ms: 60_000,
            timeout_ms: 1000,
            api_key: None,
            transport: crate::domain::Transport::default(),
        };
        let of = |spec: &StreamSpec| serde_json::from_slice::<Value>(&body(spec)).unwrap();
        assert_eq!((&of(&spec)["messages"][0]["content"], &of(&spec)["model"]), (&json!("hi"), &json!("m\"x")));
        assert_eq!((&of(&spec)["max_tokens"], &of(&spec)["stream"]), (&json!(16), &json!(true)));
        spec.path = "/v1/completions".into();
        assert_eq!((&of(&spec)["prompt"], of(&spec).get("messages")), (&json!("hi"), None));
    }
}
