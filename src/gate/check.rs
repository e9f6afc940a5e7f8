//! What every kind of gate gives: how its table is read, and how its check is carried out.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use super::report::Report;
use super::{Subject, Target};
use crate::domain::{Digest, SampledRequest, Transport, Verdict};
use crate::http::Client;
use crate::settings::{Section, Table};

/// A future of a check; boxed, because the kind is chosen at run time, and because it is large. An error says why it
/// could not be carried out: not yet.
pub(super) type CheckFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// A configured check. It holds what the config says, and carries it out.
pub trait Check: Any + fmt::Debug + Send + Sync {
    /// Carries the check out on `side`, and keeps `report` up to date.
    fn check<'a>(&'a self, side: Checked<'a>, report: &'a mut Report) -> CheckFuture<'a, Finding>;

    /// How many requests of live traffic it wants in `Checked::samples`.
    fn wants_samples(&self) -> usize {
        0
    }

    /// The absolute URLs of other systems that it asks, and how they are reached; URLs may hold placeholders.
    fn asks(&self) -> Vec<(&str, &Transport)> {
        Vec::new()
    }

    /// The path that it asks of every replica, for checks that ask one.
    fn path(&self) -> Option<&str> {
        None
    }

    /// The file it reads, for checks that read one.
    fn file(&self) -> Option<&Path> {
        None
    }

    /// Reads through [`Self::file`] and sends nothing: what the file holds, or its fault.
    fn survey(&self) -> CheckFuture<'_, String> {
        Box::pin(std::future::ready(Ok(String::new())))
    }
}

/// The side under examination.
#[derive(Clone, Copy)]
pub struct Checked<'a> {
    pub(super) targets: &'a [Target],
    pub(super) subject: &'a Subject,
    pub(super) version: &'a Digest,
    pub(super) others: &'a [Target],
    pub(super) other_version: Option<&'a Digest>,
    pub(super) samples: Result<&'a [SampledRequest], &'a str>,
    pub(super) resume: Option<&'a Path>,
    pub(super) valid_for_ms: u64,
    pub(super) transport: &'a Transport,
}

impl Checked<'_> {
    /// Its replicas, of which there is at least one.
    pub(super) fn replicas(&self) -> Result<&[Target], String> {
        if self.targets.is_empty() { Err("the side has no replicas to ask".to_owned()) } else { Ok(self.targets) }
    }

    /// A client for its replicas, of which there is at least one.
    pub(super) fn client(&self) -> Result<Client, String> {
        self.replicas()?;
        Client::new(self.transport)
    }
}

/// The result of a check; its numbers are in the report.
pub struct Finding {
    pub(super) verdict: Verdict,
    pub(super) note: String,
}

impl Finding {
    pub(super) fn new(verdict: Verdict, note: impl Into<String>) -> Self {
        Self { verdict, note: note.into() }
    }

    pub(super) fn passed(note: impl Into<String>) -> Self {
        Self::new(Verdict::Passed, note)
    }

    pub(super) fn failed(note: impl Into<String>) -> Self {
        Self::new(Verdict::Failed, note)
    }
}

/// A kind of gate.
pub struct Kind {
    /// As the config spells it: `health`, `golden`, ...
    pub name: &'static str,
    /// The keys of its table: [`GATE`], its own, and those it shares with other tables.
    pub(crate) keys: &'static [&'static Section],
    /// Tables within its table. The commented config lists the keys of those with an opening line.
    pub(crate) parts: &'static [(&'static str, &'static Section)],
    /// Keys with their values in the commented config; the others are listed with their docs.
    pub(crate) example: &'static [(&'static str, &'static str)],
    /// Reads its table; `None` when the table has a fault, which is noted.
    pub(super) read: fn(&Table<'_>, &Around<'_>) -> Option<Read>,
}

/// What a kind may know of the rest of the config.
pub(crate) struct Around<'a> {
    /// The whole file.
    pub(crate) root: &'a Table<'a>,
    /// The path that probes ask.
    pub(crate) ready_path: &'a str,
    /// Which kinds of backend keep requests of live traffic.
    pub(crate) keeps_requests: fn(&str) -> bool,
    /// The limit of the whole run, in milliseconds.
    pub(crate) timeout_ms: u64,
}

/// What a gate's table means.
#[derive(Debug, Clone)]
pub(crate) enum Read {
    /// A check that runs.
    Runs(Arc<dyn Check>),
    /// A person signs for what this asks.
    Signed(String),
}

impl Read {
    pub(super) fn runs(check: impl Check + 'static) -> Self {
        Self::Runs(Arc::new(check))
    }
}

/// The keys of every gate.
pub(crate) const GATE: Section = Section::new("[[gate]]", include_str!("keys/every.md"));
