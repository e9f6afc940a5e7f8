//! Faults that a screen shows, each with its kind: what acts on a fault reads the kind, people read the text.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The console that drove is gone: no guard acts.
    Driver,
    /// Users get errors now.
    Users,
    /// The journal is broken or cannot be written.
    Journal,
    /// The router cannot be read.
    Router,
    /// The router reports a split that no order asked for.
    Drift,
    /// The router's nodes report different splits.
    Mixed,
    /// The last order may have happened.
    Order,
    /// The replicas of a side serve different versions.
    Version,
    /// A replica is not ready.
    Replica,
    /// A side at 0 % goes on beginning requests.
    Leak,
    /// The config file was changed since it was read.
    Config,
    /// Users get something else than the router says.
    Front,
    /// The recording for a replay has gaps.
    Recording,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it is about.
    pub kind: FaultKind,
    /// One line for people.
    pub text: String,
}

impl Fault {
    /// A fault of `kind`.
    pub fn new(kind: FaultKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// In the status document: `faults` holds the texts, `fault_kinds` the kinds in the same order.
pub(super) mod document {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Fault, FaultKind};

    #[derive(Serialize, Deserialize)]
    struct Document {
        faults: Vec<String>,
        #[serde(default)]
        fault_kinds: Vec<FaultKind>,
    }

    pub(in crate::engine::snapshot) fn serialize<S: Serializer>(faults: &[Fault], to: S) -> Result<S::Ok, S::Error> {
        let (faults, fault_kinds) = faults.iter().map(|fault| (fault.text.clone(), fault.kind)).unzip();
        Document { faults, fault_kinds }.serialize(to)
    }

    pub(in crate::engine::snapshot) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Fault>, D::Error> {
        let Document { faults, fault_kinds } = Document::deserialize(from)?;
        Ok(faults.into_iter().zip(fault_kinds).map(|(text, kind)| Fault { kind, text }).collect())
    }
}
