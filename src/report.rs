//! The report after a rollout: one document from the journal and the series beside it.
//!
//! Pure: records and samples go in ([`Source`]), a [`Report`] comes out, and [`markdown()`] and [`html()`] write it
//! down; as JSON it is its own shape, with a `schema_version`. Nothing is filled in: what was not measured is a
//! gap or `null`, and what is missing is said under "not known" of each rollout.
//!
//! | file | what |
//! |---|---|
//! | `model` | the document |
//! | `chapter` | which records belong to which rollout |
//! | `story`, `orders`, `gates`, `breaches`, `figures` | a chapter becomes a rollout's part of the document |
//! | `words`, `escape` | numbers, spans and times as people read them; text without markup |
//! | `markdown`, `page`, `tables`, `plot`, `series` | the document written down |

mod breaches;
mod chapter;
mod escape;
mod figures;
mod gates;
mod markdown;
mod model;
mod orders;
mod page;
mod plot;
mod series;
mod story;
mod tables;
#[cfg(test)]
mod tests;
mod words;

use chrono::{DateTime, Utc};

pub(crate) use self::markdown::markdown;
pub(crate) use self::model::{Report, Rollout, SCHEMA_VERSION};
pub(crate) use self::page::html;
use crate::domain::{GuardSpec, Record, Sample};

/// Which rollouts are in the report, counted from the first in the journal (1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The one that began last.
    Last,
    /// All of them.
    All,
    /// This one.
    Number(usize),
}

/// What a report is made of.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// The service's name.
    pub service: &'a str,
    /// Where it runs; may be empty.
    pub environment: &'a str,
    /// The journal, oldest first, as far as it can be read.
    pub records: &'a [Record],
    /// The figures kept beside it, oldest first.
    pub samples: &'a [Sample],
    /// The guards as they are configured now, for the lines of their limits.
    pub guards: &'a [GuardSpec],
    /// What could not be read, in words.
    pub faults: Vec<String>,
    /// What of the figures is lost, in words; it may be of any rollout.
    pub lost: Vec<String>,
    /// When the report is made.
    pub made: DateTime<Utc>,
}

/// Makes the report; with `since`, of rollouts that were under way at that time or later.
///
/// # Errors
/// When the rollout asked for is not in the journal, in words.
pub(crate) fn make(source: &Source<'_>, choice: Choice, since: Option<DateTime<Utc>>) -> Result<Report, String> {
    let chapters = chapter::chapters(source.records);
    let of = chapters.len();
    if let Choice::Number(n) = choice
        && !(1..=of).contains(&n)
    {
        return Err(format!("there is no rollout {n}: the journal tells of {of}; --rollout all shows them"));
    }
    let mut rollouts: Vec<Rollout> = chapters
        .iter()
        .filter(|chapter| match choice {
            Choice::Last => chapter.number == of,
            Choice::All => true,
            Choice::Number(n) => chapter.number == n,
        })
        .map(|chapter| story::tell(chapter, source))
        .collect();
    if let Some(since) = since {
        rollouts.retain(|rollout| rollout.ended.is_none_or(|ended| ended >= since));
    }
    Ok(Report {
        schema_version: SCHEMA_VERSION,
        made: source.made,
        cutover: env!("CARGO_PKG_VERSION").into(),
        service: words::plain(source.service),
        environment: words::plain(source.environment),
        records: source.records.len(),
        rollouts_in_journal: of,
        faults: source.faults.iter().map(|fault| words::plain(fault)).collect(),
        rollouts,
    })
}
