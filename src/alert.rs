//! Delivers alerts. Each destination is tried until it accepts the alert or the tries are used up. Nothing waits for
//! the delivery.
//!
//! A try that ends without an answer may still have arrived. It is repeated anyway: a lost page is worse than a
//! duplicate, which the receiver can recognize by the id (`Idempotency-Key`, and `id` in the body). An accepted alert
//! is never sent again.

mod command;
mod slack;
mod webhook;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::domain::text::clean;
use crate::domain::{Alert, AlertSpec, AlertWay};
use crate::http::Client;

/// The tries for one alert at one destination.
const TRIES: u32 = 6;
/// The pause after the first failed try. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that a destination may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The most alerts in flight to one destination. Further ones are dropped and recorded as not delivered.
const AT_ONCE: usize = 16;

/// The outcome of an alert at one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The alert's id.
    pub alert: String,
    /// The name of the destination.
    pub to: String,
    /// Whether the destination accepted it.
    pub delivered: bool,
    /// The number of tries.
    pub tries: u32,
    /// The result of the last try, cleaned; without URLs and secrets.
    pub detail: String,
}

/// The result of one try.
enum Try {
    /// The alert was accepted.
    Taken(String),
    /// Failed for now. Try again, after this pause if the destination asked for one.
    Again(String, Option<Duration>),
    /// Failed for good.
    Refused(String),
}

/// One destination of alerts.
struct Place {
    spec: AlertSpec,
    /// Only for a webhook.
    client: Option<Client>,
    /// How many more alerts may be in flight to it.
    free: Arc<Semaphore>,
    /// Why the last try failed that is tried again.
    lately: Arc<Mutex<Option<String>>>,
}

/// The destinations of alerts, and the alerts in flight.
pub struct Places {
    known: HashMap<String, Place>,
    first_pause: Duration,
    ended: mpsc::Sender<Ended>,
    tasks: JoinSet<()>,
}

impl Places {
    /// The destinations of a config. The outcome of each alert goes to `ended`. Nothing is contacted yet.
    ///
    /// # Errors
    /// No HTTP client can be made, in words.
    pub fn new(specs: &[AlertSpec], ended: mpsc::Sender<Ended>) -> Result<Self, String> {
        let place = |spec: &AlertSpec| {
            let client = match &spec.way {
                AlertWay::Webhook { transport, .. } => Some(Client::new(transport)?),
                AlertWay::Command { .. } => None,
            };
            Ok((
                spec.name.clone(),
                Place { spec: spec.clone(), client, free: Arc::new(Semaphore::new(AT_ONCE)), lately: Arc::default() },
            ))
        };
        let known = specs.iter().map(place).collect::<Result<_, String>>()?;
        Ok(Self { known, first_pause: FIRST_PAUSE, ended, tasks: JoinSet::new() })
    }

    /// Sets another pause after the first failed try.
    #[must_use]
    pub fn with_first_pause(self, first_pause: Duration) -> Self {
        Self { first_pause, ..self }
    }

    /// Sends `alert` to the destinations named `to`. Must be called within a tokio runtime.
    pub fn tell(&mut self, alert: &Alert, to: &[String]) {
        while self.tasks.try_join_next().is_some() {}
        let alert = Arc::new(alert.clone());
        for name in to {
            let Some(Place { spec, client, free, lately }) = self.known.get(name) else { continue };
            let lately = Arc::clone(lately);
            let (spec, ended, client, alert) = (spec.clone(), self.ended.clone(), client.clone(), Arc::clone(&alert));
            let pause = self.first_pause;
            let permit = Arc::clone(free).try_acquire_owned();
            self.tasks.spawn(async move {
                let end = match permit {
                    Ok(_held) => deliver(&spec, client.as_ref(), &alert, (pause, &lately)).await,
                    Err(_) => end(&spec, &alert, false, 0, format!("{AT_ONCE} others are on their way there")),
                };
                let _ = ended.send(end).await;
            });
        }
    }

    /// Why the last try at `name` failed, while it is tried again.
    pub fn lately(&self, name: &str) -> Option<String> {
        self.known.get(name)?.lately.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until all deliveries have ended, at most `limit`; returns the number still in flight.
    pub async fn finish(&mut self, limit: Duration) -> usize {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout(limit, all).await;
        self.tasks.len()
    }
}

async fn deliver(
    spec: &AlertSpec,
    client: Option<&Client>,
    alert: &Alert,
    (first, lately): (Duration, &Mutex<Option<String>>),
) -> Ended {
    let mut pause = first;
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(spec, client, alert).await {
            Try::Taken(detail) => return end(spec, alert, true, tries, detail),
            Try::Refused(detail) => return end(spec, alert, false, tries, detail),
            Try::Again(detail, _) if tries == TRIES => return end(spec, alert, false, tries, detail),
            Try::Again(detail, asked) => {
                *lately.lock().unwrap_or_else(PoisonError::into_inner) = Some(detail);
                sleep(asked.unwrap_or(pause).clamp(first, LONGEST_PAUSE)).await;
            }
        }
        pause *= 2;
    }
}

async fn attempt(spec: &AlertSpec, client: Option<&Client>, alert: &Alert) -> Try {
    let limit = Duration::from_millis(spec.timeout_ms);
    match (&spec.way, client) {
        (AlertWay::Webhook { url, headers, form, .. }, Some(client)) => {
            webhook::post(client, &webhook::Webhook { url, headers, form: *form, limit }, alert).await
        }
        (AlertWay::Webhook { .. }, None) => Try::Refused("there is no HTTP client".into()),
        (AlertWay::Command { argv, dir }, _) => command::run(argv, dir, limit, alert).await,
    }
}

fn end(spec: &AlertSpec, alert: &Alert, delivered: bool, tries: u32, detail: impl AsRef<str>) -> Ended {
    let detail = clean(detail.as_ref(), 200);
    Ended { alert: alert.id.clone(), to: spec.name.clone(), delivered, tries, detail }
}
