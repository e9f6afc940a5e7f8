//! Reads the metrics that model servers export: one reader per replica, and one reader per side that asks a
//! Prometheus server.
//!
//! As with probes, a reader never has more than one request in flight, and it asks less often while it gets no
//! answer.

mod kept;
mod promql;
pub(crate) mod text;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use self::kept::Kept;
use super::delay::delay_ms;
use super::{Pollers, ProbeEvent, Teller, spread};
use crate::domain::metric::{MetricsSpec, Scrape, Take};
use crate::http::{Ask, Client, Target, fetch, redirect_note};

/// Longest answer that is read, in bytes.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Starts the readers of both sides. `service` fills the placeholder for the service name in queries. Must be called
/// within a tokio runtime.
///
/// # Errors
/// No HTTP client can be made on this machine; in words.
pub fn start_metrics(spec: &MetricsSpec, service: &str, sink: &mpsc::Sender<ProbeEvent>) -> Result<Pollers, String> {
    let client = Client::new(&spec.transport)?;
    let mut pollers = Pollers::default();
    for (side, urls) in spec.urls.iter() {
        let bases = urls.iter().map(|url| Source::Replica(Target::new(url), Box::new(Kept::new(spec))));
        let asked = spec.prometheus.as_ref().map(|url| Source::Server(promql::Queries::new(url, spec, service, side)));
        for (source, what) in bases.chain(asked).enumerate() {
            let (client, spec, teller) = (client.clone(), spec.clone(), pollers.teller(side, source, sink));
            pollers.tasks.spawn(Reader { client, spec, teller }.run(what));
        }
    }
    Ok(pollers)
}

/// Reads one replica's metrics twice, a second apart, and returns the result. For the check of a config.
///
/// # Errors
/// Why the metrics cannot be read, in words.
pub async fn read_twice(spec: &MetricsSpec, url: &str) -> Result<Scrape, String> {
    let (client, target, mut kept) = (Client::new(&spec.transport)?, Target::new(url), Kept::new(spec));
    read(&client, &target, spec, &mut kept, 0).await?;
    sleep(Duration::from_secs(1)).await;
    read(&client, &target, spec, &mut kept, 1000).await
}

/// Where a reader gets its figures.
enum Source {
    Replica(Target, Box<Kept>),
    Server(promql::Queries),
}

struct Reader {
    client: Client,
    spec: MetricsSpec,
    teller: Teller,
}

impl Reader {
    async fn run(self, mut source: Source) {
        let started = Instant::now();
        let mut failures = 0_u32;
        spread(self.spec.interval_ms).await;
        while !self.teller.is_closed() {
            let asked = Instant::now();
            let now_ms = started.elapsed().as_millis() as u64;
            let reading = match &mut source {
                Source::Replica(target, kept) => read(&self.client, target, &self.spec, kept, now_ms).await,
                Source::Server(asked) => asked.read(&self.client, &self.spec).await,
            };
            failures = if reading.is_err() { failures.saturating_add(1) } else { 0 };
            self.teller.metrics(reading);
            let spent_ms = asked.elapsed().as_millis() as u64;
            let pause_ms = delay_ms(self.spec.interval_ms, failures, fastrand::f64());
            let breath_ms = (self.spec.interval_ms / 10).max(1);
            sleep(Duration::from_millis(pause_ms.saturating_sub(spent_ms).max(breath_ms))).await;
        }
    }
}

async fn read(
    client: &Client,
    target: &Target,
    spec: &MetricsSpec,
    kept: &mut Kept,
    now_ms: u64,
) -> Result<Scrape, String> {
    let ask = Ask::get(&spec.path, Duration::from_millis(spec.timeout_ms), MAX_BODY);
    let reply = fetch(client, target, ask).await.map_err(|err| err.to_string())?;
    if !reply.is_success() {
        return Err(redirect_note(&reply).unwrap_or_else(|| format!("status {}", reply.status)));
    }
    kept.take(now_ms, &reply.body)
}

/// Whether a row comes from a query to a Prometheus server.
fn is_query(take: &Take) -> bool {
    matches!(take, Take::Query(_))
}
