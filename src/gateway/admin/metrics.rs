//! The counters in the Prometheus text format.

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

use crate::domain::SideTraffic;
use crate::gateway::shared::Shared;
use crate::gateway::side::Place;

/// Upper bounds of the latency buckets, microseconds.
const BOUNDS_US: [u64; 15] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 60_000_000,
];
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// All counters as one text.
pub(super) fn text(shared: &Shared) -> String {
    let mut page = Page(String::with_capacity(8 * 1024));
    let (split, revision, _) = shared.control.read();
    let sides: Vec<(&Place, SideTraffic, u64)> = shared
        .sides
        .iter()
        .map(|(_, place)| {
            let (traffic, sum_us) = place.stats.read();
            (&**place, traffic, sum_us)
        })
        .collect();

    page.family("requests_total", "counter", "Requests by side and status class; none: the side gave no answer.");
    for (place, traffic, _) in &sides {
        for (class, count) in CLASSES.iter().zip(traffic.by_class) {
            page.line("requests_total", &format!("side=\"{}\",class=\"{class}\"", place.side), count);
        }
    }
    page.family("request_duration_seconds", "histogram", "From the head of the request to the head of the answer.");
    for (place, traffic, sum_us) in &sides {
        page.histogram(place, traffic, *sum_us);
    }
    let mut per_side = |name, kind, help, value: &dyn Fn(&Place, &SideTraffic) -> u64| {
        page.family(name, kind, help);
        for (place, traffic, _) in &sides {
            page.line(name, &format!("side=\"{}\"", place.side), value(place, traffic));
        }
    };
    let counter = "counter";
    per_side("in_flight", "gauge", "Requests under way.", &|_, traffic| traffic.in_flight);
    per_side("split_percent", "gauge", "Share of traffic.", &|place, _| split.share(place.side).into());
    per_side("replicas_ready", "gauge", "Replicas that are ready.", &|place, _| place.replicas().ready.into());
    per_side("replicas", "gauge", "Replicas that are configured.", &|place, _| place.replicas().total.into());
    let (retries, left) =
        ("Requests tried again, nothing having been sent.", "Requests whose client left before the answer began.");
    per_side("retries_total", counter, retries, &|place, _| place.stats.retries.load(Relaxed));
    per_side("abandoned_total", counter, left, &|place, _| place.stats.abandoned.load(Relaxed));
    per_side("cut_off_total", counter, "Answers that broke off in the middle.", &|place, _| {
        place.stats.cut_off.load(Relaxed)
    });
    page.family("revision", "gauge", "Rises with every accepted change of the split.");
    page.line("revision", "", revision);
    page.family("state_persisted", "gauge", "1 if the split in force is on disk.");
    page.line("state_persisted", "", u8::from(shared.control.is_persisted()));
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP cutover_gateway_{name} {help}\n# TYPE cutover_gateway_{name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let (open, close) = if labels.is_empty() { ("", "") } else { ("{", "}") };
        let _ = writeln!(self.0, "cutover_gateway_{name}{open}{labels}{close} {value}");
    }

    fn histogram(&mut self, place: &Place, traffic: &SideTraffic, sum_us: u64) {
        let name = "request_duration_seconds";
        let mut cells = traffic.latency_us.iter().peekable();
        let mut count = 0;
        for bound in BOUNDS_US {
            while let Some((_, n)) = cells.next_if(|(us, _)| *us <= bound) {
                count += n;
            }
            let labels = format!("side=\"{}\",le=\"{}\"", place.side, bound as f64 / 1e6);
            self.line(&format!("{name}_bucket"), &labels, count);
        }
        count += cells.map(|(_, n)| n).sum::<u64>();
        let side = format!("side=\"{}\"", place.side);
        self.line(&format!("{name}_bucket"), &format!("{side},le=\"+Inf\""), count);
        self.line(&format!("{name}_sum"), &side, sum_us as f64 / 1e6);
        self.line(&format!("{name}_count"), &side, count);
    }
}
