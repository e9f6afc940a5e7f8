//! The calls of Caddy's admin interface: the handler with its entity tag, its change, and the state of the process.

use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::handler::Handler;
use crate::backend::Address;
use crate::backend::BackendError;
use crate::backend::caddy::spec::CaddySpec;
use crate::backend::exchange::{self, exchange_with, with_hint};
use crate::domain::text::clean;
use crate::http::{Client, Reply, Request};

/// The time limit of one reading: the caller gives up after two seconds.
const READ_LIMIT: Duration = Duration::from_millis(1400);
/// The time limit of a change: Caddy answers when the new configuration is active.
pub(super) const WRITE_LIMIT: Duration = Duration::from_secs(9);

/// The pause before a reading without an answer is repeated; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// One admin interface.
#[derive(Debug)]
pub(super) struct Api {
    client: Client,
    base: Url,
    /// Its name in messages.
    pub(super) place: String,
    /// The handler's path.
    pub(super) path: String,
    origin: Option<String>,
}

/// The content of its metrics page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Metrics {
    /// The start time of the process, in milliseconds since 1970.
    pub(super) began_ms: Option<u64>,
    /// Upstreams by their `dial`, and whether Caddy considers them healthy.
    pub(super) healthy: Vec<(String, bool)>,
    /// Whether the last change of the configuration, by anyone, was rejected.
    pub(super) last_reload_failed: bool,
}

/// Caddy's counters of one upstream, over all handlers that use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upstream {
    pub(super) dial: String,
    pub(super) in_flight: u64,
    pub(super) fails: u64,
}

impl Api {
    pub(super) fn new(spec: &CaddySpec) -> Result<Self, BackendError> {
        let (socket, base, place) = match &spec.admin {
            Address::Unix(path) => {
                (Some(path.as_path()), "http://localhost", format!("unix/{}", clean(&path.to_string_lossy(), 120)))
            }
            Address::Net(url) => (None, url.as_str(), clean(url, 120)),
        };
        let not_url = |fault: &dyn std::fmt::Display| BackendError::Refused(format!("{place}: no URL: {fault}"));
        let base = Url::parse(base).map_err(|fault| not_url(&fault))?;
        let client = match socket {
            Some(socket) => exchange::client_by(socket)?,
            None => exchange::client(&spec.transport)?,
        };
        Ok(Self { client, base, place, path: spec.handler.path(), origin: spec.origin.clone() })
    }

    fn request(&self, method: Method, path: &str) -> Result<Request, BackendError> {
        let url = self.base.join(path);
        let url = url.map_err(|fault| BackendError::Refused(format!("{}: no path: {fault}", self.place)))?;
        let request = self.client.request(method, url.as_str());
        Ok(match &self.origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        })
    }

    /// Reads a path. After a new configuration Caddy starts a new admin server, and the old one closes its
    /// connections. So a request without an answer is repeated while there is time.
    async fn get(&self, path: &str) -> Result<Reply, BackendError> {
        let until = Instant::now() + READ_LIMIT;
        let mut pause = FIRST_PAUSE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let answer = self.ask(self.request(Method::GET, path)?, left).await;
            let is_lost = matches!(answer, Err(BackendError::Unknown(_)));
            if !is_lost || Instant::now() + pause * 2 > until {
                return answer;
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn ask(&self, request: Request, limit: Duration) -> Result<Reply, BackendError> {
        let hint = "see whether Caddy runs, and listens here (admin.listen)";
        let answer = exchange_with(request, &self.place, limit, |status, body| self.own_error(status, body)).await;
        answer.map_err(|error| with_hint(error, hint))
    }

    /// The current handler.
    pub(super) async fn handler(&self) -> Result<Handler, BackendError> {
        let answer = self.get(&self.path).await?;
        let place = format!("{}{}", self.place, clean(&self.path, 120));
        Handler::read(&answer.body, answer.header("etag")).map_err(|error| match error {
            BackendError::Garbled(why) => BackendError::Garbled(format!("{place}: {why}")),
            other => BackendError::Refused(format!("{place}: {}", other.detail())),
        })
    }

    /// Caddy's whole config.
    pub(super) async fn config(&self) -> Result<Value, BackendError> {
        let answer = self.get("/config/").await?;
        serde_json::from_slice(&answer.body).map_err(|fault| BackendError::Garbled(clean(&fault.to_string(), 120)))
    }

    /// Replaces the current handler by `handler`; with `etag` only if that is still its entity tag.
    pub(super) async fn write(&self, handler: &Value, etag: Option<&str>) -> Result<(), BackendError> {
        let mut request = self.request(Method::PATCH, &self.path)?;
        if let Some(etag) = etag {
            request = request.header("if-match", format!("\"{etag}\""));
        }
        let request = request.header("content-type", "application/json").body(handler.to_string());
        let body = self.ask(request, WRITE_LIMIT).await?.body;
        let text = body.trim_ascii();
        if text.is_empty() || serde_json::from_slice::<Value>(text).is_ok() {
            return Ok(());
        }
        Err(BackendError::Garbled(format!("{}: it answered no JSON: is this Caddy's admin interface?", self.place)))
    }

    /// Caddy's own error; `None` if another server answered.
    fn own_error(&self, status: u16, body: &[u8]) -> Option<BackendError> {
        let answer = (status >= 400).then(|| serde_json::from_slice::<Value>(body).ok()).flatten()?;
        let why = answer.get("error").and_then(Value::as_str)?;
        // The cause is at the end, after the place in the configuration.
        let end: String = why.chars().skip(why.chars().count().saturating_sub(240)).collect();
        let with = |remedy: &str| format!("{}: {}{remedy}", self.place, clean(&end, 240));
        Some(match status {
            401 | 403 if why.contains("host not allowed") => {
                BackendError::Denied(with("; write it into Caddy's admin.origins"))
            }
            401 | 403 => BackendError::Denied(with("; write origin = one of those in Caddy's admin.origins")),
            404 => BackendError::Refused(with("; write \"@id\" into the handler, and handler = its name here")),
            409 | 412 => BackendError::Conflict(with("")),
            400 if why.contains("invalid traversal path") => {
                BackendError::Refused(with("; nothing stands there: GET /config/ shows where the handler is"))
            }
            // A configuration that Caddy rejects.
            400 | 500 if why.contains("unknown module") && why.contains("weighted_round_robin") => {
                BackendError::Refused(with("; Caddy knows weights since 2.7"))
            }
            400 | 500 => BackendError::Refused(with("; the configuration before is in force")),
            _ => return None,
        })
    }

    /// The metrics of the process.
    pub(super) async fn metrics(&self) -> Result<Metrics, BackendError> {
        let answer = self.get("/metrics").await?;
        Ok(metrics(&String::from_utf8_lossy(&answer.body)))
    }

    /// The requests in flight of every upstream.
    pub(super) async fn upstreams(&self) -> Result<Vec<Upstream>, BackendError> {
        let answer = self.get("/reverse_proxy/upstreams").await?;
        let list: Option<Vec<Value>> = serde_json::from_slice(&answer.body).ok();
        let list = list.ok_or_else(|| BackendError::Garbled(format!("{}: no list of upstreams", self.place)))?;
        let number = |upstream: &Value, key: &str| upstream.get(key).and_then(Value::as_u64).unwrap_or(0);
        let read = |upstream: &Value| {
            Some(Upstream {
                dial: upstream.get("address")?.as_str()?.to_owned(),
                in_flight: number(upstream, "num_requests"),
                fails: number(upstream, "fails"),
            })
        };
        Ok(list.iter().filter_map(read).collect())
    }
}

fn metrics(page: &str) -> Metrics {
    let mut found = Metrics::default();
    for line in page.lines() {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Ok(value) = value.parse::<f64>() else { continue };
        if series == "process_start_time_seconds" {
            let ms = (value * 1000.0).round();
            found.began_ms = (ms.is_finite() && ms > 0.0).then_some(ms as u64);
        } else if series == "caddy_config_last_reload_successful" {
            found.last_reload_failed = value == 0.0;
        } else if let Some(rest) = series.strip_prefix("caddy_reverse_proxy_upstreams_healthy{upstream=\"") {
            found.healthy.extend(rest.strip_suffix("\"}").map(|dial| (dial.to_owned(), value > 0.0)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_metrics_tells_when_the_process_began() {
        let page = "# TYPE x gauge\nprocess_start_time_seconds 1.79525532756e+09\n\
                    caddy_config_last_reload_successful 0\n\
                    caddy_reverse_proxy_upstreams_healthy{upstream=\"127.0.0.1:9001\"} 1\n\
                    caddy_reverse_proxy_upstreams_healthy{upstream=\"127.0.0.1:9002\"} 0\nbroken\n";
        let found = metrics(page);
        assert_eq!(found.began_ms, Some(1_795_255_327_560));
        assert_eq!(found.healthy, [("127.0.0.1:9001".into(), true), ("127.0.0.1:9002".into(), false)]);
        assert!(found.last_reload_failed);
        assert_eq!(metrics("process_start_time_seconds NaN\n").began_ms, None);
        assert_eq!(metrics("<html>"), Metrics::default());
    }
}
