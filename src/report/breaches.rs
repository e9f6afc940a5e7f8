//! Guards that acted, and how long each breach had gone on by then.

use chrono::{DateTime, Utc};

use super::chapter::Chapter;
use super::model::{Breach, Share};
use super::words::{plain, seconds};
use crate::domain::{Fact, Metric, Sample, Side};
use crate::narrate::breach as told;

/// The breaches of a chapter, oldest first.
pub(super) fn breaches(chapter: &Chapter<'_>, shares: &[Share], samples: &[Sample]) -> Vec<Breach> {
    let acted = chapter.records.iter().filter_map(|record| {
        let Fact::Guard(seen) = &record.fact else { return None };
        let (metric, side) = (seen.metric, seen.side);
        // A comparison has no limit that a single sample could be over: it is counted from the step.
        let first = if seen.worse_by.is_none() {
            first_over(metric, side, seen.bound.limit, record.at, shares, samples)
        } else {
            None
        };
        let since = first.map(|at| (at, "the first sample over the limit".to_owned())).or_else(|| {
            let step = shares.iter().rev().find(|share| share.at <= record.at)?;
            Some((step.at, format!("the step to {} %", step.percent)))
        });
        Some(Breach {
            at: record.at,
            metric,
            side,
            row: seen.row.as_deref().map(plain),
            unit: plain(seen.unit()),
            value: seen.value,
            bound: seen.bound,
            samples: seen.samples,
            worse_by: seen.worse_by,
            action: seen.action,
            text: plain(&told(seen)),
            since: since.as_ref().map(|(at, _)| *at),
            since_by: since.as_ref().map(|(_, by)| by.clone()),
            to_detect: since.map(|(at, _)| seconds(at, record.at)),
        })
    });
    acted.collect()
}

/// The first of the samples over the limit in a row that ends with the guard acting, none older than the step.
fn first_over(
    metric: Metric,
    side: Side,
    limit: f64,
    acted: DateTime<Utc>,
    shares: &[Share],
    samples: &[Sample],
) -> Option<DateTime<Utc>> {
    let step = shares.iter().rev().find(|share| share.at <= acted).map(|share| share.at);
    let seen = samples.iter().filter(|sample| sample.at <= acted && step.is_none_or(|step| sample.at >= step));
    let mut first = None;
    for sample in seen {
        match sample.sides[side].as_ref().and_then(|side| side.value(metric)) {
            Some(value) if value > limit => first = first.or(Some(sample.at)),
            Some(_) => first = None,
            None => {}
        }
    }
    first
}
