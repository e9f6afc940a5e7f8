//! DNS: a name whose records are changed at the zone's own server, by update messages (RFC 2136) or the HTTP
//! interface of PowerDNS.
//!
//! An update names the records that must be there, and the server checks and changes in one step: it refuses a stale
//! forward order itself. PowerDNS has no such condition, so cutover reads the records once more just before. cutover
//! never sends a change that leaves no address: servers accept it, and it is an outage.
//!
//! An observation is what the zone's server says now. Clients ask caches, which keep the old answer for its time to
//! live, and clients keep connections for longer. So nothing is drained, and notes say how many seconds are left.

mod ask;
mod countdown;
#[rustfmt::skip]
mod keys;
pub(crate) mod message;
mod powerdns;
mod read;
mod records;
mod spec;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::{RData, Record, TSigner};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::countdown::Countdown;
use self::message::Update;
use self::powerdns::Api;
use self::records::Weighted;
pub use self::spec::DnsSpec;
pub(crate) use self::spec::{DnsWay, RecordKind, TsigKey};
use super::configured::Spec;
use super::exchange;
use super::kind::{COMMON, Kind};
use super::{
    Accepted, Applying, BackendError, BackendFuture, Capabilities, Observer, Preview, Sending, TrafficBackend,
    TrafficSystem, Weights, already, sequenced,
};
use crate::domain::text::clean;
use crate::domain::{Observation, Order, Revision, RollbackClass, Transport, WayBack};
use crate::http::{Client, any_secret};

/// DNS, in the table of kinds.
pub(super) const KIND: Kind = Kind {
    name: "dns",
    keys: &[&COMMON, &keys::KEYS],
    tables: &[],
    page: include_str!("dns/page.md"),
    keeps_requests: false,
    read: read::read,
};

impl Spec for DnsSpec {
    fn connect(&self) -> Arc<dyn TrafficBackend> {
        sequenced(KIND.name, Dns::new(self.clone()))
    }

    fn weights(&self) -> Weights {
        let is_update = matches!(self.way, DnsWay::Update { .. });
        if is_update && self.record != RecordKind::Srv { Weights::AllOrNothing } else { Weights::Any }
    }
}

/// One name in the DNS. Needs a tokio runtime to be called in.
#[derive(Debug)]
pub(super) struct Dns {
    spec: DnsSpec,
    client: Result<Client, BackendError>,
    countdown: Mutex<Countdown>,
}

/// The records at the zone's server.
struct Found {
    targets: Vec<Weighted>,
    /// The records themselves, where a change can name them as a condition.
    data: Vec<RData>,
    ttl: u32,
    odd: Vec<String>,
    notes: Vec<String>,
}

impl Dns {
    /// The name that `spec` describes.
    pub(super) fn new(spec: DnsSpec) -> Self {
        let transport = match &spec.way {
            DnsWay::PowerDns { transport, .. } => transport.clone(),
            DnsWay::Update { .. } => Transport::default(),
        };
        Self { spec, client: exchange::client(&transport), countdown: Mutex::default() }
    }
}

impl TrafficSystem for Dns {
    fn capabilities(&self) -> Capabilities {
        let is_update = matches!(self.spec.way, DnsWay::Update { .. });
        Capabilities {
            weights: self.spec.weights(),
            applying: Applying::Asynchronous,
            compare_and_set: is_update,
            ..Capabilities::direct()
        }
    }

    fn prepare<'a>(&'a self, order: &'a Order, again: bool) -> BackendFuture<'a, Sending<'a>> {
        Box::pin(self.checked(order, again))
    }
}

impl Observer for Dns {
    fn observe(&self) -> BackendFuture<'_, Observation> {
        Box::pin(self.look())
    }

    fn preview(&self, order: &Order) -> Preview {
        let spec = &self.spec;
        let targets = match records::weighted(spec, order.target) {
            Ok(targets) => targets,
            Err(error) => return Preview { target: spec.name.clone(), lines: vec![error.to_string()] },
        };
        let (name, kind, ttl) = (&spec.name, spec.record.name(), spec.ttl_s);
        match &spec.way {
            DnsWay::Update { server, key, .. } => {
                let mut lines = vec![format!("zone {}", spec.zone)];
                if let Some(expected) = &order.expected {
                    lines.push(format!(
                        "prereq yxrrset {name} {kind}: the records of revision {}",
                        clean(&expected.0, 40)
                    ));
                }
                lines.push(format!("update delete {name} {kind}"));
                lines.extend(targets.iter().map(|(target, weight)| match spec.record {
                    RecordKind::Srv => format!("update add {name} {ttl} {kind} 0 {weight} {target}"),
                    _ => format!("update add {name} {ttl} {kind} {target}"),
                }));
                lines.extend(key.as_ref().map(|key| format!("key hmac-sha256:{} ***", key.name)));
                Preview { target: format!("tcp:{server}"), lines }
            }
            DnsWay::PowerDns { url, server_id, .. } => {
                let mut lines = vec![format!("PATCH /api/v1/servers/{server_id}/zones/{}.", spec.zone)];
                lines.push("x-api-key: ***".into());
                lines.extend(powerdns::body(spec, &targets).map(|body| clean(&body.to_string(), 600)));
                Preview { target: url.clone(), lines }
            }
        }
    }
}

impl Dns {
    async fn look(&self) -> Result<Observation, BackendError> {
        let found = self.find(true).await?;
        let reading = records::reading(&self.spec, &found.targets)?;
        let revision = records::revision(&found.targets);
        let left = self.see(&revision, found.ttl);
        let mut notes = found.notes;
        notes.extend(left.map(|left| format!("resolvers may answer the old side for {left} s more")));
        notes.push(format!(
            "nothing is drained: clients keep an answer for {} s and connections for as long as they like",
            found.ttl
        ));
        let odd: Vec<String> = reading.odd.into_iter().chain(found.odd).collect();
        let rollback =
            WayBack { class: RollbackClass::AfterTtl, takes_s: Some(found.ttl.into()), ..WayBack::default() };
        Ok(Observation {
            mixed: (!odd.is_empty()).then(|| odd.join("; ")),
            notes,
            rollback,
            ..Observation::of(reading.split, revision)
        })
    }

    /// Reads the records; `everywhere`: at the other servers too, and compares.
    async fn find(&self, everywhere: bool) -> Result<Found, BackendError> {
        let (name, kind) = (self.spec.name.as_str(), self.spec.record);
        let mut found = match &self.spec.way {
            DnsWay::Update { server, secondaries, key } => {
                let key = key.as_ref().map(usable).transpose()?;
                // At the same time: a server that does not answer must not delay the others.
                let mut others = JoinSet::new();
                for &server in secondaries.iter().filter(|_| everywhere) {
                    let (key, name) = (key.clone(), name.to_owned());
                    others.spawn(async move { (server, ask::read(server, key.as_ref(), &name, kind).await) });
                }
                let mut found = self.of_records(ask::read(*server, key.as_ref(), name, kind).await?)?;
                while let Some(Ok((server, read))) = others.join_next().await {
                    self.compare(&mut found, server, read);
                }
                found
            }
            DnsWay::PowerDns { url, server_id, key, server, .. } => {
                let client = self.client.as_ref().map_err(Clone::clone)?;
                let record = Api { client, url, server_id, key }.read(&self.spec).await?;
                let mut odd = Vec::new();
                if record.is_double {
                    odd.push(format!("{} records stand beside the LUA record", kind.name()));
                }
                let (data, notes) = (Vec::new(), Vec::new());
                let mut found = Found { targets: record.targets, data, ttl: record.ttl, odd, notes };
                if let Some(server) = server.filter(|_| everywhere) {
                    check_answer(&mut found, server, ask::read(server, None, name, kind).await, kind);
                }
                found
            }
        };
        found.odd.sort();
        Ok(found)
    }

    fn of_records(&self, records: Vec<Record>) -> Result<Found, BackendError> {
        let own: Vec<Record> =
            records.into_iter().filter(|record| message::text(&record.name) == self.spec.name).collect();
        let ttl = own.iter().map(|record| record.ttl).max().unwrap_or(self.spec.ttl_s);
        let data: Vec<RData> = own.into_iter().map(|record| record.data).collect();
        let targets = records::targets(self.spec.record, &data)
            .map_err(|why| BackendError::Garbled(format!("{}: {why}", self.spec.name)))?;
        Ok(Found { targets, data, ttl, odd: Vec::new(), notes: Vec::new() })
    }

    /// Compares what a secondary says with the primary.
    fn compare(&self, found: &mut Found, server: SocketAddr, read: Result<Vec<Record>, BackendError>) {
        match read.and_then(|records| self.of_records(records)) {
            Ok(other) if records::revision(&other.targets) == records::revision(&found.targets) => {}
            Ok(other) => {
                let says = records::reading(&self.spec, &other.targets)
                    .map_or_else(|error| error.detail().to_owned(), |reading| reading.split.to_string());
                found.odd.push(format!("the secondary at {server} says {says}"));
            }
            Err(error) => found.notes.push(clean(&format!("secondary not read: {error}"), 160)),
        }
    }

    fn see(&self, revision: &Revision, ttl: u32) -> Option<u64> {
        let mut countdown = self.countdown.lock().unwrap_or_else(PoisonError::into_inner);
        countdown.see(revision, ttl, Instant::now());
        countdown.left_s(Instant::now())
    }

    /// Checks whether `order` may be sent, and notes the records that it expects.
    async fn checked<'a>(&'a self, order: &'a Order, again: bool) -> Result<Sending<'a>, BackendError> {
        let targets = records::weighted(&self.spec, order.target)?;
        let revision = records::revision(&targets);
        let mut expected = None;
        // A rollback has no condition.
        if let Some(shown) = &order.expected {
            let found = self.find(false).await?;
            let now = records::revision(&found.targets);
            self.see(&now, found.ttl);
            if again && now == revision {
                return Ok(already(order));
            }
            if now != *shown {
                let shown = clean(&shown.0, 40);
                return Err(BackendError::Conflict(format!("the records are {} by now, not {shown}", now.0)));
            }
            expected = Some(found.data);
        }
        Ok(Box::pin(async move {
            self.write(&targets, expected.as_deref()).await?;
            self.see(&revision, self.spec.ttl_s);
            Ok(Accepted::as_asked(order))
        }))
    }

    /// Writes `targets`; where `expected` is given, only if the name has exactly these records.
    async fn write(&self, targets: &[Weighted], expected: Option<&[RData]>) -> Result<(), BackendError> {
        match &self.spec.way {
            DnsWay::Update { server, key, .. } => {
                let key = key.as_ref().map(usable).transpose()?;
                let (spec, records) = (&self.spec, records::data(targets)?);
                let update = Update {
                    zone: &spec.zone,
                    name: &spec.name,
                    kind: spec.record,
                    expected,
                    records: &records,
                    ttl: spec.ttl_s,
                };
                ask::update(*server, key.as_ref(), &update).await
            }
            DnsWay::PowerDns { url, server_id, key, .. } => {
                let client = self.client.as_ref().map_err(Clone::clone)?;
                Api { client, url, server_id, key }.write(&self.spec, targets).await
            }
        }
    }
}

/// Checks that the PowerDNS server answers as its interface says.
fn check_answer(found: &mut Found, server: SocketAddr, read: Result<Vec<Record>, BackendError>, kind: RecordKind) {
    let answers = read.map(|records| {
        let data: Vec<RData> = records.into_iter().map(|record| record.data).collect();
        records::targets(kind, &data)
    });
    match answers {
        Ok(Ok(answers)) if answers.is_empty() => {
            found.odd.push(format!("the server at {server} answers nothing: is enable-lua-records on?"));
        }
        Ok(Ok(answers)) => {
            let known = |target| found.targets.iter().any(|(there, weight)| there == target && *weight > 0);
            if let Some((stranger, _)) = answers.iter().find(|(target, _)| !known(target)) {
                found.odd.push(format!("the server at {server} still answers {stranger}"));
            }
        }
        Ok(Err(why)) => found.odd.push(clean(&format!("the server at {server}: {why}"), 160)),
        Err(error) => found.notes.push(clean(&format!("not asked whether it answers so: {error}"), 160)),
    }
}

/// How far the server's clock and this one may be apart, in seconds.
const FUDGE: u16 = 300;

/// The key with its secret, which is read anew each time.
fn usable(key: &TsigKey) -> Result<TSigner, BackendError> {
    let text = any_secret(&key.secret);
    let text = text.map_err(|why| BackendError::Denied(format!("no secret for the TSIG key: {why}")))?;
    let secret = STANDARD.decode(text.as_bytes()).ok().filter(|secret| !secret.is_empty());
    let secret = secret.ok_or_else(|| BackendError::Denied("the secret of the TSIG key is no base64".into()))?;
    TSigner::new(secret, TsigAlgorithm::HmacSha256, message::name(&key.name)?, FUDGE)
        .map_err(|why| BackendError::Refused(format!("the TSIG key cannot be used: {why}")))
}
