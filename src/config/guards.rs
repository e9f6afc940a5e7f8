//! Reads `[[guard]]`. No limit has a default (law 12): the user must choose each limit.

use std::collections::HashMap;

use super::keys;
use super::sections::side;
use crate::domain::guard::IN_FLIGHT;
use crate::domain::window::SPAN_S;
use crate::domain::{Bound, Comparison, GuardAction, GuardSpec, Measure, Metric, MetricsSpec};
use crate::settings::{Node, Table, quote};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;

/// The guards, in the order of the file.
pub(super) fn guards(root: &Table<'_>, metrics: Option<&MetricsSpec>) -> Vec<GuardSpec> {
    let mut lines: HashMap<_, usize> = HashMap::new();
    let mut guards = Vec::new();
    for table in root.tables("guard", keys::GUARD.name, 100) {
        let Some(spec) = guard(&table.clone().keys_of(&[&keys::GUARD]), metrics) else { continue };
        let what = (spec.metric, spec.row.clone(), spec.side, spec.bound.at_least);
        if let Some(line) = lines.get(&what) {
            table.fault(
                format!("a guard on line {line} watches {} of the same side already", spec.metric.name()),
                "merge the two, or give one another side",
            );
        } else {
            lines.insert(what, table.line());
            guards.push(spec);
        }
    }
    guards
}

fn guard(table: &Table<'_>, metrics: Option<&MetricsSpec>) -> Option<GuardSpec> {
    let known: Vec<_> = Metric::all().map(|metric| (metric.name(), metric)).collect();
    let actions = [("warn", GuardAction::Warn), ("pause", GuardAction::Pause), ("rollback", GuardAction::Rollback)];
    let metric = table
        .need("metric", "write metric = \"error_rate\", \"p50\", \"p95\" or \"p99\"")
        .and_then(|node| node.choice(&known));
    let bound = bound(table, metric);
    let then =
        table.need("then", "write then = \"warn\", \"pause\" or \"rollback\"").and_then(|node| node.choice(&actions));
    let side = table.maybe("side", side);
    let row = saturated(table, metric, metrics);
    let versus = table.maybe("versus", |node| comparison(node, metric));
    let window_ms = guard_window(table);
    let is_level = metric.is_some_and(|metric| metric.measure() == Measure::Level);
    let usual = if is_level { 3 } else { 100 };
    let min_samples = table.number("min_samples", 1..=1_000_000_000, usual);
    let consecutive = u32::try_from(table.number("consecutive", 1..=3600, 3)).ok()?;
    let require_data = table.flag("require_data", true);
    Some(GuardSpec {
        metric: metric?,
        row: row?,
        side: side?,
        bound: bound?,
        versus: versus?,
        window_ms,
        min_samples,
        consecutive,
        then: then?,
        require_data,
    })
}

/// The row that a guard on saturation watches; nothing for other guards.
#[expect(clippy::option_option, reason = "a fault, nothing, or a row: as of every part of a guard")]
fn saturated(table: &Table<'_>, metric: Option<Metric>, metrics: Option<&MetricsSpec>) -> Option<Option<String>> {
    let node = table.get("row");
    if let Some(metric) = metric.filter(|metric| metric.measure() != Measure::Level) {
        return match node {
            Some(node) => node.refuse(format!("{} is not of a row", metric.name()), "remove it, or watch saturation"),
            None => Some(None),
        };
    }
    let rows = || metrics.into_iter().flat_map(|metrics| &metrics.rows).map(|row| row.name.as_str());
    let known = || std::iter::once(IN_FLIGHT).chain(rows()).collect::<Vec<_>>().join(", ");
    let Some(node) = node else {
        // A fault in the metric was already reported.
        metric?;
        table.fault("row is missing: saturation of what?".into(), format!("write row = one of {}", known()));
        return None;
    };
    let name = node.text()?;
    if name == IN_FLIGHT || rows().any(|row| row == name) {
        return Some(Some(name.to_owned()));
    }
    if metrics.is_some_and(|metrics| metrics.rows.is_empty()) {
        // The rows have a fault that was already reported.
        return None;
    }
    node.refuse(format!("{} is no row", quote(name)), format!("rows: {}", known()))
}

/// `limit`, or `least` of a row.
fn bound(table: &Table<'_>, metric: Option<Metric>) -> Option<Bound> {
    let Some(node) = table.get("least") else {
        let node = table.need("limit", "write limit = \"250ms\" for a latency, \"2%\" for error_rate")?;
        return Some(Bound { limit: limit(&node, metric?)?, at_least: false });
    };
    if metric?.measure() != Measure::Level {
        return node
            .refuse(format!("{} has no least value", metric?.name()), "write limit, or watch a row of [metrics]");
    }
    if table.get("limit").is_some() {
        return node.refuse("beside limit".into(), "write one of the two");
    }
    Some(Bound { limit: limit(&node, metric?)?, at_least: true })
}

fn limit(node: &Node<'_>, metric: Metric) -> Option<f64> {
    match metric.measure() {
        Measure::Errors => {}
        Measure::Drop => {
            let example = "write the drop that is too much, e.g. \"30%\"";
            let share = node.share(example)?;
            let fits = share > 0.0 && share < 1.0;
            return node.fitting(share, fits, format!("a drop of {share} is not between 0 and 1"), example);
        }
        Measure::Level => {
            let limit = node.amount()?;
            return node.fitting(limit, limit >= 0.0, format!("{limit} is below 0"), "write e.g. 20");
        }
        Measure::Latency(_) => return node.duration(1..=HOUR).map(|ms| ms as f64),
    }
    let example = "write e.g. 0.02 or \"2%\"";
    let share = node.share(example)?;
    let fits = (0.0..1.0).contains(&share);
    node.fitting(share, fits, format!("an error rate of {share} is not from 0 to below 1"), example)
}

fn comparison(node: &Node<'_>, metric: Option<Metric>) -> Option<Comparison> {
    if let Some(metric) = metric.filter(|metric| !metric.is_compared()) {
        return node.refuse(format!("{} is not compared with the other side", metric.name()), "remove versus");
    }
    let table = node.table()?.keys_of(&[&keys::VERSUS]);
    let example = "write versus = { side = \"live\", worse_by = \"20%\" }";
    let side = table.need("side", example).and_then(|node| node.choice(&[("live", ())]));
    let worse_by = table.need("worse_by", example).and_then(|node| {
        let share = node.share(example)?;
        let fits = share > 0.0 && share <= 10.0;
        node.fitting(share, fits, format!("{share} is not above 0 and at most 10 (1000 %)"), example)
    });
    let sure = table.or("sure", 0.99, |node| {
        let share = node.share("write e.g. sure = \"99%\"")?;
        let fits = (0.5..=0.999_999).contains(&share);
        node.fitting(share, fits, format!("{share} is not from 0.5 to 0.999999"), "write e.g. sure = \"99%\"")
    });
    side?;
    Some(Comparison { worse_by: worse_by?, sure: sure? })
}

fn guard_window(table: &Table<'_>) -> u64 {
    let window_ms = table.duration("window", SECOND..=SPAN_S as u64 * SECOND, 30 * SECOND);
    if let Some(node) = table.get("window").filter(|_| !window_ms.is_multiple_of(SECOND)) {
        node.fault("is not a whole number of seconds".into(), "write e.g. \"30s\"");
    }
    window_ms
}
