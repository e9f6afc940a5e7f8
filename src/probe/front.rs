//! Asks the users' own address who answers there: slowly at rest, faster for a moment after an order.
//!
//! Each request has a connection of its own, without cookies, as a new user has.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep};

use super::{Pollers, ProbeEvent, version};
use crate::domain::{FrontSpec, Side};
use crate::http::{Ask, Client, Target, fetch};

/// Between two requests at rest: two a second.
const AT_REST: Duration = Duration::from_millis(500);
/// The same after an order: twenty a second.
const HURRIED: Duration = Duration::from_millis(50);
/// How long it stays fast after an order.
const HURRY: Duration = Duration::from_secs(2);
/// The longest wait for an answer.
const LIMIT: Duration = Duration::from_secs(2);
/// Longest body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Starts asking. Must be called within a tokio runtime. `hurry` makes it fast for a moment.
///
/// # Errors
/// No HTTP client can be made on this machine; in words.
pub(crate) fn start_front(
    spec: &FrontSpec,
    hurry: Arc<Notify>,
    sink: &mpsc::Sender<ProbeEvent>,
) -> Result<Pollers, String> {
    let client = Client::without_reuse(&spec.transport, None)?;
    let target = target(spec);
    let mut pollers = Pollers::default();
    let (spec, teller) = (spec.clone(), pollers.teller(Side::Blue, 0, sink));
    pollers.tasks.spawn(async move {
        let mut fast_until = None;
        while !teller.is_closed() {
            let asked = Instant::now();
            let answer = ask(&client, &target, &spec).await;
            teller.send(ProbeEvent::Front { answer });
            let pause = if fast_until.is_some_and(|until| Instant::now() < until) { HURRIED } else { AT_REST };
            tokio::select! {
                () = sleep(pause.saturating_sub(asked.elapsed())) => {}
                () = hurry.notified() => fast_until = Some(Instant::now() + HURRY),
            }
        }
    });
    Ok(pollers)
}

/// Asks once.
///
/// # Errors
/// Why it is not known who answers, in words.
pub(crate) async fn ask_front(spec: &FrontSpec) -> Result<crate::domain::Version, String> {
    let client = Client::without_reuse(&spec.transport, None)?;
    ask(&client, &target(spec), spec).await
}

fn target(spec: &FrontSpec) -> Target {
    let mut target = Target::new(&spec.url);
    target.headers.extend(spec.host.iter().map(|host| ("host".to_owned(), host.clone())));
    target
}

async fn ask(client: &Client, target: &Target, spec: &FrontSpec) -> Result<crate::domain::Version, String> {
    let path = version::path(&spec.version).unwrap_or("/");
    let reply = fetch(client, target, Ask::get(path, LIMIT, MAX_BODY)).await.map_err(|error| error.to_string())?;
    version::read(&spec.version, &reply)
}
