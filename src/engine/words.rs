//! Guards and the traffic system in an operator's words, for the screen and the command line alike.

mod system;

pub(crate) use self::system::{controller, front, lasts, way_back};
use super::snapshot::{GuardState, GuardStatus, Soon, VersusStatus};
use crate::domain::{Measure, in_unit};

/// What a guard watches: `p99`, `errors`, `queue`.
pub(crate) fn subject(guard: &GuardStatus) -> &str {
    guard.row.as_deref().unwrap_or_else(|| guard.metric.title())
}

/// What a broken guard's value is: `OVER` the limit, or `LOW`.
pub(crate) const fn broken(guard: &GuardStatus) -> &'static str {
    if guard.bound.at_least || matches!(guard.metric.measure(), Measure::Drop) { "LOW" } else { "OVER" }
}

/// What the limit of a guard is: `at least`, or `limit`.
pub(crate) const fn bound(guard: &GuardStatus) -> &'static str {
    if guard.bound.at_least { "at least" } else { "limit" }
}

/// A guard's state in words: `p99 +21 %, sure at 99 % it is worse than +5 %`, `errors: not enough data, about 4 min at this
/// rate`, `queue 3 of 20`.
pub(crate) fn guard(guard: &GuardStatus) -> String {
    let what = subject(guard);
    if guard.status == GuardState::Off {
        return format!("{what}: not on watch");
    }
    let Some(value) = guard.value.filter(|_| guard.status != GuardState::NotYet) else {
        return format!("{what}: {}", lacking(guard));
    };
    let (value, limit) = (in_unit(value, &guard.unit), in_unit(guard.bound.limit, &guard.unit));
    let seen = match guard.metric.measure() {
        Measure::Drop if guard.value.is_some_and(|drop| drop < 0.005) => format!("{what} as expected"),
        Measure::Drop => format!("{what} {value} below what is expected, limit {limit}"),
        _ if guard.bound.at_least => format!("{what} {value}, at least {limit}"),
        _ => format!("{what} {value} of {limit}"),
    };
    match &guard.versus {
        None => seen,
        Some(versus) => match (versus.seen, versus.at_least) {
            (Some(by), Some(at_least)) => format!("{what} {}", compared(by, at_least, versus)),
            (Some(by), None) => format!("{what} {}, not sure yet", percent(by)),
            (None, Some(at_least)) if at_least > 0.0 => {
                format!("{what} {value}, sure at {} it is worse than {}", sure(versus), percent(at_least))
            }
            (None, _) => format!("{seen}; to compare: {}", wait("not enough data", versus.soon)),
        },
    }
}

fn compared(seen: f64, at_least: f64, versus: &VersusStatus) -> String {
    if at_least > 0.0 {
        format!("{}, sure at {} it is worse than {}", percent(seen), sure(versus), percent(at_least))
    } else {
        format!("{}, not sure that it is worse", percent(seen))
    }
}

/// Why a guard cannot judge.
fn lacking(guard: &GuardStatus) -> String {
    let has_data = guard.samples > 0 && (guard.value.is_some() || guard.soon.is_some());
    wait(if has_data { "not enough data" } else { "no data" }, guard.soon)
}

fn wait(what: &str, soon: Option<Soon>) -> String {
    match soon {
        None => what.to_owned(),
        Some(Soon::In { s }) if s < 1.0 => what.to_owned(),
        Some(Soon::In { s }) => format!("{what}, about {} at this rate", span(s)),
        Some(Soon::Never { per_s }) => format!("{what}, never at {} in its window", in_unit(per_s, "per_second")),
    }
}

/// A positive number means worse.
fn percent(by: f64) -> String {
    format!("{:+.0} %", by * 100.0)
}

fn sure(versus: &VersusStatus) -> String {
    format!("{} %", (versus.sure * 10_000.0).round() / 100.0)
}

/// A span of time, roughly: `40 s`, `12 min`, `2 h`.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Bound, GuardAction, Metric, Side};

    fn status(metric: Metric, unit: &str, value: Option<f64>, limit: f64) -> GuardStatus {
        GuardStatus {
            metric,
            row: None,
            unit: unit.into(),
            soon: None,
            side: Side::Green,
            status: GuardState::Ok,
            value,
            bound: Bound::at_most(limit),
            versus: None,
            samples: 100,
            breaches: 0,
            consecutive: 3,
            then: GuardAction::Rollback,
        }
    }

    #[test]
    fn guards_speak_as_operators_do() {
        let versus = VersusStatus { seen: Some(0.21), at_least: Some(0.05), allowed: 0.2, sure: 0.99, soon: None };
        let p99 = status(Metric::P99, "ms", Some(243.0), 250.0);
        assert_eq!(guard(&p99), "p99 243 ms of 250 ms");
        let it = GuardStatus { versus: Some(versus), ..p99.clone() };
        assert_eq!(guard(&it), "p99 +21 %, sure at 99 % it is worse than +5 %");
        let it = GuardStatus { versus: Some(VersusStatus { at_least: Some(-0.1), ..versus }), ..p99.clone() };
        assert_eq!(guard(&it), "p99 +21 %, not sure that it is worse");
        let none = VersusStatus { seen: None, at_least: None, soon: Some(Soon::In { s: 42.0 }), ..versus };
        let it = GuardStatus { versus: Some(none), ..p99 };
        assert_eq!(guard(&it), "p99 243 ms of 250 ms; to compare: not enough data, about 42 s at this rate");

        let errors = status(Metric::ErrorRate, "ratio", Some(0.0), 0.02);
        let few = GuardStatus { status: GuardState::NotYet, soon: Some(Soon::In { s: 240.0 }), ..errors.clone() };
        assert_eq!(guard(&few), "errors: not enough data, about 4 min at this rate");
        let never =
            GuardStatus { status: GuardState::NotYet, soon: Some(Soon::Never { per_s: 0.5 }), ..errors.clone() };
        assert_eq!(guard(&never), "errors: not enough data, never at 0.5/s in its window");
        let none = GuardStatus { status: GuardState::NotYet, value: None, samples: 0, ..errors };
        assert_eq!(guard(&none), "errors: no data");

        let queue = GuardStatus { row: Some("queue".into()), ..status(Metric::Saturation, "count", Some(3.0), 20.0) };
        assert_eq!(guard(&queue), "queue 3 of 20");
        let gpu = GuardStatus { row: Some("gpu".into()), ..status(Metric::Saturation, "share", Some(0.614), 0.85) };
        assert_eq!(guard(&gpu), "gpu 61% of 85%");
        let rate = status(Metric::Throughput, "ratio", Some(0.4), 0.3);
        assert_eq!(guard(&rate), "throughput 40.00% below what is expected, limit 30.00%");
        let tokens = GuardStatus {
            row: Some("tokens".into()),
            bound: Bound { limit: 25.0, at_least: true },
            ..status(Metric::Saturation, "per_second", Some(31.5), 25.0)
        };
        assert_eq!(guard(&tokens), "tokens 31.5/s, at least 25/s");
    }
}
