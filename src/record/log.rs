//! The diagnostic log: requests, answers and timings, for finding a fault. Off by default and never on the terminal.
//!
//! Lines are `2026-11-30T09:00:00.123Z DEBUG probe: answered status=200 took_ms=3`. The code that logs masks its
//! secrets; here control characters are cleaned.

use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::writer::{Item, Writer};
use crate::domain::text::clean;

/// The size limit of a log file, in bytes. There are at most two files.
const LIMIT: u64 = 16 << 20;
/// The longest line, in characters.
const LONGEST: usize = 2_000;
/// Rules that come before those of the user: libraries log their warnings only.
const LIBRARIES: &str = "hyper=warn,reqwest=warn,rustls=warn,h2=warn,redis=warn,mio=warn";

/// Starts the log in `path`. `filter` is a level (`error`, `warn`, `info`, `debug`, `trace`) or several words with
/// commas: `info,probe=trace` means `trace` for targets that start with `probe`, and `info` for all others.
/// Libraries log only warnings, unless `filter` names them: `debug,hyper=debug`.
///
/// # Errors
/// A word of the filter is unknown, the file cannot be created, or a log exists already.
pub(crate) fn start(path: &Path, filter: &str) -> Result<(), LogError> {
    let filter = Filter::parse(filter).ok_or_else(|| LogError::Filter(clean(filter, 80)))?;
    let writer = Writer::start(path, LIMIT).map_err(LogError::Io)?;
    tracing::subscriber::set_global_default(Log { filter, writer }).map_err(|_| LogError::Twice)
}

/// Why the log cannot start.
#[derive(Debug)]
pub(crate) enum LogError {
    /// A word of the filter is unknown.
    Filter(String),
    /// The file cannot be created.
    Io(io::Error),
    /// A log exists already.
    Twice,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(text) => write!(
                f,
                "CUTOVER_LOG={text} is not understood: write error, warn, info, debug or trace, or info,probe=trace"
            ),
            Self::Io(error) => write!(f, "{error}"),
            Self::Twice => f.write_str("there is a log already"),
        }
    }
}

/// Levels by prefix of the target. The empty prefix applies to all targets.
#[derive(Debug)]
struct Filter(Vec<(String, Level)>);

impl Filter {
    fn parse(text: &str) -> Option<Self> {
        let word = |word: &str| {
            let (target, level) = word.split_once('=').unwrap_or(("", word));
            Some((target.trim().to_owned(), level.trim().parse().ok()?))
        };
        let words = LIBRARIES.split(',').chain(text.split(','));
        words.filter(|text| !text.trim().is_empty()).map(word).collect::<Option<_>>().map(Self)
    }

    /// Whether a line passes. The longest matching prefix decides; of two equal ones, the later.
    fn lets(&self, target: &str, level: Level) -> bool {
        let own = self.0.iter().filter(|(beginning, _)| target.starts_with(beginning.as_str()));
        own.max_by_key(|(beginning, _)| beginning.len()).is_some_and(|(_, most)| level <= *most)
    }
}

struct Log {
    filter: Filter,
    writer: Writer<String>,
}

impl Item for String {
    fn text(&self) -> String {
        clean(self, LONGEST)
    }

    fn can_open_a_file(&self) -> bool {
        true
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.filter.lets(target(metadata), *metadata.level())
    }

    fn event(&self, event: &Event<'_>) {
        let (now, metadata) = (chrono::Utc::now(), event.metadata());
        let mut line = Line(String::new());
        let at = now.format("%Y-%m-%dT%H:%M:%S%.3fZ");
        let _ = write!(line.0, "{at} {:<5} {}:", metadata.level(), target(metadata));
        event.record(&mut line);
        self.writer.put(line.0);
    }

    // There are no spans: they are never enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The target for display and filter: without the name of this crate.
fn target<'a>(metadata: &Metadata<'a>) -> &'a str {
    metadata.target().trim_start_matches("cutover::")
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_of_a_target_decides() {
        let filter = Filter::parse("info, probe=trace,probe::metrics=error,rustls=debug").unwrap();
        for (target, level, lets) in [
            ("backend", Level::INFO, true),
            ("backend", Level::DEBUG, false),
            ("probe::fetch", Level::TRACE, true),
            ("probe::metrics", Level::WARN, false),
            ("hyper_util::client", Level::INFO, false),
            ("hyper_util::client", Level::WARN, true),
            ("rustls::conn", Level::DEBUG, true),
        ] {
            assert_eq!(filter.lets(target, level), lets, "{target} {level}");
        }
        assert!(Filter::parse("loud").is_none());
    }
}
