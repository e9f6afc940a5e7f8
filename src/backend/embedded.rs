//! The embedded gateway as a backend, used through its admin interface.

mod call;
mod read;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use self::call::{Caller, place};
use super::configured::Spec;
use super::kind::{COMMON, Kind};
use super::{
    Accepted, BackendError, BackendFuture, Capabilities, Observer, Preview, Sending, TrafficBackend, TrafficSystem,
    sequenced,
};
use crate::domain::observation::SideSeen;
use crate::domain::text::clean;
use crate::domain::{Observation, Order, OrderId, Revision, RouterStatus, SampledRequest, Split};
pub use crate::settings::AdminAddress;

/// The config of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedSpec {
    /// The address of its admin interface.
    pub admin: AdminAddress,
}

/// The row of the gateway in the table of kinds.
pub(super) const KIND: Kind = Kind {
    name: "embedded",
    keys: &[&COMMON, &read::KEYS],
    tables: &[],
    page: include_str!("embedded/page.md"),
    keeps_requests: true,
    read: read::read,
};

impl Spec for EmbeddedSpec {
    fn connect(&self) -> Arc<dyn TrafficBackend> {
        sequenced(KIND.name, Embedded::with_limit(self.admin.clone(), CALL_LIMIT))
    }
}

/// The time limit of one call. The gateway itself gives its disk 2 s.
const CALL_LIMIT: Duration = Duration::from_secs(4);

/// The embedded gateway as a client sees it. Must be called within a tokio runtime.
#[derive(Debug)]
pub struct Embedded {
    caller: Caller,
}

impl Embedded {
    /// The same with another time limit per call.
    pub fn with_limit(admin: AdminAddress, limit: Duration) -> Self {
        Self { caller: Caller::new(admin, limit) }
    }
}

impl TrafficSystem for Embedded {
    fn capabilities(&self) -> Capabilities {
        Capabilities::direct()
    }

    fn prepare<'a>(&'a self, order: &'a Order, _again: bool) -> BackendFuture<'a, Sending<'a>> {
        // The gateway checks the order itself when it carries it out.
        let sending: Sending<'a> = Box::pin(self.put(order));
        Box::pin(std::future::ready(Ok(sending)))
    }
}

/// The gateway's answer to an accepted order.
#[derive(Debug, Deserialize)]
struct Taken {
    split: Split,
    order: OrderId,
}

/// The requests that the gateway kept.
#[derive(Debug, Deserialize)]
struct Samples {
    samples: Vec<SampledRequest>,
}

impl Observer for Embedded {
    fn observe(&self) -> BackendFuture<'_, Observation> {
        Box::pin(async {
            let status: RouterStatus = parse(&self.caller.get("/v1/status").await?)?;
            Ok(Observation {
                sides: status.replicas.map(|_, it| SideSeen { replicas: Some(*it), ..SideSeen::default() }),
                traffic: Some(status.traffic),
                ..Observation::of(status.split, Revision(status.revision.to_string()))
            })
        })
    }

    fn samples(&self, count: usize) -> BackendFuture<'_, Vec<SampledRequest>> {
        Box::pin(async move {
            let given: Samples = parse(&self.caller.get(&format!("/v1/samples?count={count}")).await?)?;
            Ok(given.samples)
        })
    }

    fn preview(&self, order: &Order) -> Preview {
        let mut lines = vec!["PUT /v1/split".to_owned()];
        if let AdminAddress::Tcp { .. } = self.caller.admin() {
            lines.push("authorization: Bearer ***".into());
        }
        lines.push("content-type: application/json".into());
        lines.push(clean(&wish(order).to_string(), 400));
        Preview { target: place(self.caller.admin()), lines }
    }
}

impl Embedded {
    async fn put(&self, order: &Order) -> Result<Accepted, BackendError> {
        let answer = self.caller.put("/v1/split", wish(order).to_string()).await?;
        let taken: Taken = parse(&answer)?;
        if taken.order != order.id || taken.split != order.target {
            return Err(BackendError::Garbled(format!(
                "the gateway answered for order {} and split {}, not for {} and {}",
                clean(&taken.order.0, 40),
                taken.split,
                order.id,
                order.target
            )));
        }
        Ok(Accepted::as_asked(order))
    }
}

/// The order in the form sent to the gateway.
fn wish(order: &Order) -> Value {
    json!({ "split": order.target, "expected": order.expected, "order": order.id })
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, BackendError> {
    serde_json::from_slice(body).map_err(|fault| {
        let begins = clean(&String::from_utf8_lossy(&body[..body.len().min(120)]), 60);
        BackendError::Garbled(format!("{}; the answer begins with {begins:?}", clean(&fault.to_string(), 120)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Move, Side};

    #[test]
    fn a_preview_shows_the_request_and_no_secret() {
        let admin = AdminAddress::Tcp { addr: "127.0.0.1:9".parse().unwrap(), token: "sesame-open".into() };
        let backend = Embedded::with_limit(admin, CALL_LIMIT);
        let order = Order {
            id: OrderId("7f3e".into()),
            kind: Move::Promote,
            from: None,
            target: Split::toward(Side::Green, 10),
            toward: Side::Green,
            expected: Some(Revision("7".into())),
        };
        let preview = backend.preview(&order);
        assert_eq!(preview.target, "http://127.0.0.1:9");
        assert_eq!(preview.lines[3], r#"{"split":{"blue":90,"green":10},"expected":"7","order":"7f3e"}"#);
        let shown = format!("{backend:?} {preview:?}");
        assert!(!shown.contains("sesame") && shown.contains("***"), "{shown}");
    }
}
