//! The replicas of a side, as our probes see them. They come and go where the traffic system says where they are.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::detail::ReplicaStatus;
use crate::domain::{SideSpec, Stamp, Target, Version, VersionSource};

/// One replica.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Replica {
    /// Never used again for another one.
    id: u32,
    target: Target,
    /// Its address, shared by all snapshots.
    url: Arc<str>,
    /// When the last probe ended, and why it was no success (`None` when it was).
    probed: Option<(Stamp, Option<String>)>,
    version: Option<Result<Version, String>>,
    /// Since when it gives this version.
    since: Option<Stamp>,
    /// The version before it, and when that was seen last.
    before: Option<(Version, Stamp)>,
    /// Another version that this address gives in turn with it.
    other: Option<Version>,
    /// How long the last probe took, microseconds.
    latency_us: Option<u64>,
}

/// A version that comes back, or another one, within this time is given by another process behind the same address:
/// milliseconds. No server is replaced that fast.
const BACK_WITHIN_MS: u64 = 60_000;
const AT_ONCE_MS: u64 = 500;

impl Replica {
    fn version_read(&mut self, now: Stamp, version: Result<Version, String>) {
        match (&self.version, &version) {
            (Some(Ok(last)), Ok(new)) if last.digest == new.digest => {
                if self.since.is_none_or(|since| now.since_ms(since) >= BACK_WITHIN_MS) {
                    self.other = None;
                }
            }
            (Some(Ok(last)), Ok(new)) => {
                let is_new = |(version, at): &(Version, Stamp)| {
                    version.digest != new.digest || now.since_ms(*at) >= BACK_WITHIN_MS
                };
                let comes_back = !self.before.as_ref().is_none_or(is_new);
                let at_once = self.since.is_some_and(|since| now.since_ms(since) < AT_ONCE_MS);
                if comes_back || at_once {
                    self.other = Some(last.clone());
                }
                self.before = Some((last.clone(), now));
                self.since = Some(now);
            }
            (_, Ok(_)) => self.since = Some(now),
            (_, Err(_)) => {}
        }
        self.version = Some(version);
    }
}

/// What a side serves, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Serves {
    /// All replicas that answered serve the same version.
    Known(Version),
    /// The config does not say where to read it.
    Unsaid,
    /// No replica has answered yet, or its answer holds no version; holds why.
    Pending(String),
    /// Replicas serve different versions.
    Disagree(String),
}

/// The replicas of one side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Replicas {
    /// By id, rising.
    list: Vec<Replica>,
    next_id: u32,
    source: VersionSource,
    /// Whether the traffic system said where they are.
    is_told: bool,
}

impl Replicas {
    /// The replicas of the config, not yet probed.
    pub(super) fn new(spec: &SideSpec) -> Self {
        let mut replicas = Self { list: Vec::new(), next_id: 0, source: spec.version.clone(), is_told: false };
        for url in &spec.urls {
            replicas.add(&Target::plain(url.clone()));
        }
        replicas
    }

    fn add(&mut self, target: &Target) {
        let version = match &self.source {
            VersionSource::Fixed(name) => Some(Ok(Version::from_text(name))),
            _ => None,
        };
        let (id, url) = (self.next_id, Arc::from(target.url.as_str()));
        let target = target.clone();
        let (probed, since, before, other, latency_us) = (None, None, None, None, None);
        self.list.push(Replica { id, target, url, probed, version, since, before, other, latency_us });
        self.next_id += 1;
    }

    /// Takes what the traffic system says of where they are; where it says nothing, the URLs of the config hold. Returns
    /// whether any came or went.
    pub(super) fn follow(&mut self, told: Option<&[Target]>, spec: &SideSpec) -> bool {
        match told {
            Some(targets) => {
                self.is_told = true;
                self.set(targets)
            }
            None if !self.is_told => false,
            None => {
                self.is_told = false;
                self.set(&spec.urls.iter().cloned().map(Target::plain).collect::<Vec<_>>())
            }
        }
    }

    /// Replaces the replicas. Those that stay keep what is known of them. Returns whether any came or went.
    fn set(&mut self, targets: &[Target]) -> bool {
        if self.list.iter().map(|replica| &replica.target).eq(targets) {
            return false;
        }
        let mut wanted: HashSet<&Target> = targets.iter().collect();
        let before = self.list.len();
        self.list.retain(|replica| wanted.remove(&replica.target));
        let kept = self.list.len();
        for target in targets {
            if wanted.remove(target) {
                self.add(target);
            }
        }
        kept != before || self.list.len() != kept
    }

    /// Where each is asked, with its id.
    pub(super) fn targets(&self) -> Vec<(u32, Target)> {
        self.list.iter().map(|replica| (replica.id, replica.target.clone())).collect()
    }

    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn has(&self, id: u32) -> bool {
        self.list.binary_search_by_key(&id, |replica| replica.id).is_ok()
    }

    fn get_mut(&mut self, id: u32) -> Option<&mut Replica> {
        let at = self.list.binary_search_by_key(&id, |replica| replica.id).ok()?;
        self.list.get_mut(at)
    }

    pub(super) fn probed(&mut self, id: u32, now: Stamp, latency_us: Option<u64>, fault: Option<String>) {
        if let Some(replica) = self.get_mut(id) {
            replica.probed = Some((now, fault));
            replica.latency_us = latency_us;
        }
    }

    pub(super) fn version_read(&mut self, id: u32, now: Stamp, version: Result<Version, String>) {
        if let Some(replica) = self.get_mut(id) {
            replica.version_read(now, version);
        }
    }

    /// Replicas whose last probe succeeded; `None` before every replica was probed once.
    pub(super) fn ready(&self) -> Option<u32> {
        let probed: Vec<_> = self.list.iter().filter_map(|replica| replica.probed.as_ref()).collect();
        (probed.len() == self.list.len() || probed.iter().any(|(_, fault)| fault.is_none()))
            .then(|| probed.iter().filter(|(_, fault)| fault.is_none()).count() as u32)
    }

    /// Milliseconds since the newest probe ended, with or without success.
    pub(super) fn probe_age_ms(&self, now: Stamp) -> Option<u64> {
        self.list.iter().filter_map(|replica| replica.probed.as_ref()).map(|(at, _)| now.since_ms(*at)).min()
    }

    /// Whether every replica has been probed and (where configured) asked for its version once.
    pub(super) fn is_met(&self) -> bool {
        let versions = !matches!(self.source, VersionSource::Unknown);
        self.list.iter().all(|replica| replica.probed.is_some() && (!versions || replica.version.is_some()))
    }

    pub(super) fn serves(&self) -> Serves {
        if self.source == VersionSource::Unknown {
            return Serves::Unsaid;
        }
        let mut known: Vec<(usize, &Version)> = Vec::new();
        let mut fault = None;
        for (index, replica) in self.list.iter().enumerate() {
            match &replica.version {
                Some(Ok(version)) => known.push((index, version)),
                Some(Err(text)) => fault = fault.or(Some(text.clone())),
                None => {}
            }
        }
        let Some(&(_, first)) = known.first() else {
            return Serves::Pending(fault.unwrap_or_else(|| "not read yet".into()));
        };
        let turns = self
            .list
            .iter()
            .enumerate()
            .find_map(|(index, it)| Some((index, it.version.as_ref()?, it.other.as_ref()?)));
        if let Some((index, Ok(one), other)) = turns {
            let (index, one, other) = (index + 1, &one.name, &other.name);
            return Serves::Disagree(format!(
                "replica {index} gives two versions in turn, {one} and {other}: one address for several servers?"
            ));
        }
        match known.iter().find(|(_, version)| version.digest != first.digest) {
            None => Serves::Known(first.clone()),
            Some((index, other)) => Serves::Disagree(format!(
                "replicas disagree: {} on replica {}, {} on replica {}",
                first.name,
                known.first().map_or(0, |(index, _)| *index) + 1,
                other.name,
                index + 1
            )),
        }
    }

    /// Each replica for the screen.
    pub(super) fn statuses(&self, now: Stamp) -> Vec<ReplicaStatus> {
        let status = |replica: &Replica| ReplicaStatus {
            url: Arc::clone(&replica.url),
            ready: replica.probed.as_ref().map(|(_, fault)| fault.is_none()),
            fault: replica.probed.as_ref().and_then(|(_, fault)| fault.clone()),
            version: replica.version.as_ref().and_then(|version| version.as_ref().ok()).map(|v| v.name.clone()),
            latency_ms: replica.latency_us.map(|us| us as f64 / 1000.0),
            age_s: replica.probed.as_ref().map(|(at, _)| now.since_ms(*at) as f64 / 1000.0),
        };
        self.list.iter().map(status).collect()
    }

    /// Why the first replica that is not ready is not.
    pub(super) fn first_fault(&self) -> Option<&str> {
        self.list.iter().find_map(|replica| replica.probed.as_ref()?.1.as_deref())
    }

    /// Why replicas are not ready, one line, `None` when all are.
    pub(super) fn probe_fault(&self) -> Option<String> {
        let failing: Vec<(usize, &String)> = self
            .list
            .iter()
            .enumerate()
            .filter_map(|(index, replica)| match &replica.probed {
                Some((_, Some(fault))) => Some((index, fault)),
                _ => None,
            })
            .collect();
        let (index, fault) = failing.first()?;
        let more = if failing.len() > 1 { format!(" (+{} more)", failing.len() - 1) } else { String::new() };
        Some(format!("replica {} not ready: {fault}{more}", index + 1))
    }
}
