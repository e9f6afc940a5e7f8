//! A streaming endpoint that is asked now and then: what it is asked, and what a row makes of the answer.

use serde::{Deserialize, Serialize};

use super::{Merge, MetricRow, Take, Unit};
use crate::domain::{SecretRef, Transport};

/// How the OpenAI-compatible endpoint of every replica is asked for a few tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamSpec {
    /// Asked with POST on every replica. One that ends in `/chat/completions` gets messages, any other a prompt.
    pub path: String,
    /// The model asked for.
    pub model: String,
    /// What it is asked.
    pub prompt: String,
    /// Tokens asked for at most.
    pub max_tokens: u32,
    /// Milliseconds between two requests to a replica.
    pub interval_ms: u64,
    /// A request is given up after this many milliseconds.
    pub timeout_ms: u64,
    /// The bearer token, where one is needed.
    pub api_key: Option<SecretRef>,
    /// How replicas are reached: as probes reach them.
    #[serde(default, skip_serializing_if = "Transport::is_default")]
    pub transport: Transport,
}

/// What a row takes of a streamed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamFigure {
    /// Milliseconds from the request to the first token, a connection made for it included.
    Ttft,
    /// Milliseconds between tokens, their mean.
    Itl,
    /// Milliseconds between tokens, their 95th percentile.
    Itl95,
    /// Tokens a second after the first token.
    Tokens,
}

impl StreamFigure {
    /// All of them, in the order of their rows.
    pub const ALL: [Self; 4] = [Self::Ttft, Self::Itl, Self::Itl95, Self::Tokens];

    /// The name of its row where the config names no other.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ttft => "ttft",
            Self::Itl => "itl",
            Self::Itl95 => "itl95",
            Self::Tokens => "tokens",
        }
    }

    /// How replicas become a side: of waits the longest counts, means and speeds are over all tokens.
    pub(super) const fn merge(self) -> Option<Merge> {
        match self {
            Self::Ttft | Self::Itl95 => Some(Merge::Max),
            Self::Itl | Self::Tokens => None,
        }
    }
}

/// The rows of a probed stream beside those there are. Where one of their names is taken it means what the server says
/// of all its requests: then all rows of the probe are marked, `p.ttft`, as what one request saw.
pub fn stream_rows(rows: &[MetricRow]) -> Vec<MetricRow> {
    let is_taken = StreamFigure::ALL.iter().any(|figure| rows.iter().any(|row| row.name == figure.name()));
    let row = |figure: StreamFigure| {
        let plain = figure.name();
        let name = if is_taken { format!("p.{plain}") } else { plain.to_owned() };
        let unit = if figure == StreamFigure::Tokens { Unit::PerSecond } else { Unit::Ms };
        MetricRow { name, take: Take::Stream(figure), unit, scale: 1.0 }
    };
    StreamFigure::ALL.into_iter().map(row).collect()
}
