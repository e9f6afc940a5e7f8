//! Guards on throughput and saturation, and servers that count what the router does not.

use cutover::testing::domain::guard::IN_FLIGHT;
use cutover::testing::domain::metric::{
    Fed, Merge, MetricRow, MetricsSpec, Part, Scrape, Series, StreamSpec, Take, Unit, stream_rows,
};
use cutover::testing::domain::*;
use cutover::testing::engine::snapshot::{GuardState, Source};
use cutover::testing::engine::{Command, Event, Phase};
use cutover::testing::narrate::short;

use super::sim::{Sim, service};

fn guarded(metric: Metric, row: Option<&str>, limit: f64) -> Service {
    let mut service = service();
    let of = Series { names: vec!["queue".into()], labels: Vec::new() };
    let take = Take::Gauge { of, merge: Merge::Sum };
    let urls = Pair { blue: vec!["http://127.0.0.1:1".into()], green: vec!["http://127.0.0.1:2".into()] };
    service.metrics = Some(MetricsSpec {
        preset: String::new(),
        interval_ms: 1000,
        timeout_ms: 1000,
        path: "/metrics".into(),
        urls,
        prometheus: None,
        rows: vec![MetricRow { name: "queue".into(), take, unit: Unit::Count, scale: 1.0 }],
        traffic: None,
        stream: None,
        transport: cutover::testing::domain::Transport::default(),
    });
    let row = row.map(str::to_owned);
    service.guards[0] =
        GuardSpec { metric, row, bound: Bound::at_most(limit), min_samples: 3, ..service.guards[0].clone() };
    service
}

fn scrape(sim: &mut Sim, side: Side, part: Part, fed: Option<Fed>) {
    let reading = Ok(Box::new(Scrape { parts: vec![part], fed, dropped: 0, is_stream: false }));
    sim.feed(Event::Scraped { side, source: 0, reading });
}

fn gauge(value: f64) -> Part {
    Part::Gauge { sum: value, max: value, n: 1 }
}

/// Both sides' requests of one second, counted by the router.
fn count(sim: &mut Sim, blue: u64, green: u64) {
    for (side, n) in [(Side::Blue, blue), (Side::Green, green)] {
        let counters = &mut sim.traffic.sides[side];
        counters.by_class[2] += n;
        match counters.latency_us.first_mut() {
            Some(cell) => cell.1 += n,
            None => counters.latency_us.push((20_000, n)),
        }
    }
    sim.seconds(1);
}

fn shifting(service: &Service) -> Sim {
    let mut sim = Sim::with(service);
    sim.seconds(3);
    sim.ask(Command::Promote);
    sim.seconds(1);
    assert_eq!(sim.status().phase, Phase::Shifting);
    sim
}

#[test]
fn a_candidate_that_gets_less_than_its_share_is_rolled_back() {
    let service = guarded(Metric::Throughput, None, 0.3);
    let mut sim = shifting(&service);
    (0..20).for_each(|_| count(&mut sim, 90, 9));
    let guard = sim.status().guards[0].clone();
    assert_eq!((guard.status, sim.status().phase), (GuardState::Ok, Phase::Shifting), "{guard:?}");

    let mut sim = shifting(&service);
    (0..20).for_each(|_| count(&mut sim, 90, 5));
    assert_eq!(sim.status().phase, Phase::RolledBack, "{:?}", sim.status().guards);
    // Answers nothing at all: that is data, for the other side's requests were counted.
    let mut sim = shifting(&service);
    (0..20).for_each(|_| count(&mut sim, 90, 0));
    assert_eq!(sim.status().phase, Phase::RolledBack);
}

#[test]
fn a_rate_that_falls_with_the_step_is_seen_and_no_data_is_no_breach() {
    let mut sim = Sim::with(&guarded(Metric::Throughput, None, 0.3));
    sim.seconds(3);
    (0..40).for_each(|_| count(&mut sim, 100, 0));
    sim.ask(Command::Promote);
    // In step with one another, but half of what there was.
    (0..20).for_each(|_| count(&mut sim, 45, 5));
    assert_eq!(sim.status().phase, Phase::RolledBack, "{:?}", sim.status().guards);

    let mut sim = shifting(&guarded(Metric::Throughput, None, 0.3));
    (0..30).for_each(|_| count(&mut sim, 0, 0));
    let guard = sim.status().guards[0].clone();
    assert_eq!((guard.status, guard.value), (GuardState::NotYet, None));
    sim.counts = false;
    sim.seconds(30);
    assert_eq!((sim.status().guards[0].status, sim.status().phase), (GuardState::NotYet, Phase::Shifting));
}

#[test]
fn a_full_queue_trips_by_readings_and_an_absent_one_never() {
    let service = guarded(Metric::Saturation, Some("queue"), 20.0);
    let mut sim = shifting(&service);
    scrape(&mut sim, Side::Green, gauge(50.0), None);
    // One reading, looked at often, is one breach at most.
    sim.seconds(3);
    assert_eq!((sim.status().phase, sim.status().guards[0].status), (Phase::Shifting, GuardState::NotYet));
    for _ in 0..3 {
        scrape(&mut sim, Side::Green, gauge(3.0), None);
        sim.seconds(1);
    }
    let guard = sim.status().guards[0].clone();
    assert_eq!((guard.status, guard.value), (GuardState::Ok, Some(3.0)));
    assert_eq!(sim.status().sides.green.metrics["queue"].value, Some(3.0));
    // It is not exported any more: neither a pass nor a breach.
    for _ in 0..10 {
        scrape(&mut sim, Side::Green, Part::Missing, None);
        sim.seconds(1);
    }
    let guard = sim.status().guards[0].clone();
    assert_eq!((guard.status, guard.value), (GuardState::NotYet, None));
    assert!(sim.status().sides.green.metrics["queue"].missing);
    for _ in 0..3 {
        scrape(&mut sim, Side::Green, gauge(50.0), None);
        sim.seconds(1);
    }
    sim.seconds(1);
    assert_eq!(sim.status().phase, Phase::RolledBack);
    let told = |record: &Record| matches!(&record.fact, Fact::Ordered { why: Some(why), .. } if why.contains("queue on green: 50 over 20"));
    assert!(sim.journal.iter().any(told), "{:?}", sim.journal.last());
}

#[test]
fn tokens_that_come_too_slowly_trip_and_the_journal_says_of_what() {
    let mut service = guarded(Metric::Saturation, Some("queue"), 25.0);
    service.guards[0].bound.at_least = true;
    service.metrics.as_mut().unwrap().rows[0].unit = Unit::PerSecond;
    let mut sim = shifting(&service);
    let readings = |sim: &mut Sim, value: f64| {
        for _ in 0..4 {
            scrape(sim, Side::Green, gauge(value), None);
            sim.seconds(1);
        }
    };
    for value in [25.0, 300.0] {
        readings(&mut sim, value);
        assert_eq!(sim.status().guards[0].status, GuardState::Ok, "{value}");
    }
    assert!(sim.status().guards[0].bound.at_least);
    readings(&mut sim, 24.5);
    sim.seconds(1);
    assert_eq!(sim.status().phase, Phase::RolledBack);
    let told = "guard queue on green: 24.5/s under 25/s (n=10) -> rollback";
    let lines: Vec<_> = sim.facts().into_iter().filter_map(short).map(|(line, _)| line).collect();
    assert!(lines.iter().any(|line| line == told), "{lines:?}");
    // What the journal keeps is enough to say it again.
    let kept = sim.facts().into_iter().find(|fact| matches!(fact, Fact::Guard(_))).unwrap();
    let json = serde_json::to_value(kept).unwrap();
    assert_eq!((&json["row"], &json["unit"], &json["at_least"]), (&"queue".into(), &"per_second".into(), &true.into()));
}

#[test]
fn requests_in_flight_are_a_saturation_too() {
    let mut sim = shifting(&guarded(Metric::Saturation, Some(IN_FLIGHT), 64.0));
    sim.traffic.sides.green.in_flight = 100;
    sim.seconds(10);
    assert_eq!(sim.status().phase, Phase::RolledBack);
}

#[test]
fn servers_time_what_the_router_only_counts() {
    let mut sim = shifting(&guarded(Metric::P99, None, 250.0));
    let slow = Fed { span_ms: 1000, count: 40, errors: Some(0), cells: vec![(250_000, 500_000, 40)] };
    for _ in 0..2 {
        for side in Side::BOTH {
            sim.traffic.sides[side].by_class[2] += 50;
            scrape(&mut sim, side, Part::Missing, Some(slow.clone()));
        }
        sim.seconds(1);
    }
    let green = sim.status().sides.green;
    assert_eq!(green.source, Some(Source::Metrics));
    let p99 = green.latency_ms.p99.unwrap();
    assert!((250.0..=500.0).contains(&p99), "{p99}");
    assert_eq!(green.error_rate, Some(0.0), "the router counts errors");
    for _ in 0..8 {
        sim.traffic.sides.green.by_class[2] += 50;
        scrape(&mut sim, Side::Green, Part::Missing, Some(slow.clone()));
        sim.seconds(1);
    }
    assert_eq!(sim.status().phase, Phase::RolledBack, "{:?}", sim.status().guards);
}

#[test]
fn a_router_that_times_is_believed_and_errors_nobody_counts_are_not_none() {
    let fed = |errors| Fed { span_ms: 2000, count: 40, errors, cells: vec![(250_000, 500_000, 40)] };
    let mut sim = shifting(&guarded(Metric::P99, None, 250.0));
    for _ in 0..10 {
        scrape(&mut sim, Side::Green, Part::Missing, Some(fed(Some(40))));
        count(&mut sim, 90, 10);
    }
    let green = sim.status().sides.green;
    assert_eq!((green.source, green.error_rate), (Some(Source::Traffic), Some(0.0)));

    let mut sim = shifting(&guarded(Metric::ErrorRate, None, 0.02));
    sim.counts = false;
    sim.seconds(2);
    for _ in 0..15 {
        scrape(&mut sim, Side::Green, Part::Missing, Some(fed(None)));
        sim.seconds(2);
    }
    let status = sim.status();
    assert_eq!((status.sides.green.error_rate, status.guards[0].status), (None, GuardState::NotYet));
    assert!((15.0..=25.0).contains(&status.sides.green.rps.unwrap()), "{:?}", status.sides.green.rps);
    for _ in 0..15 {
        scrape(&mut sim, Side::Green, Part::Missing, Some(fed(Some(10))));
        sim.seconds(2);
    }
    assert_eq!(sim.status().phase, Phase::RolledBack, "{:?}", sim.status().guards);
}

/// What a probed stream says, after the row of the replica's own metrics.
fn streamed(sim: &mut Sim, ttft_ms: f64) {
    let itl = Part::Ratio { of: 300.0, per: 10.0 };
    let parts = vec![Part::Missing, gauge(ttft_ms), itl, gauge(40.0), Part::Ratio { of: 10.0, per: 0.3 }];
    let reading = Ok(Box::new(Scrape { parts, is_stream: true, ..Scrape::default() }));
    sim.feed(Event::Scraped { side: Side::Green, source: 1, reading });
}

fn streaming(row: &str, limit: f64) -> Service {
    let mut service = guarded(Metric::Saturation, Some(row), limit);
    let spec = service.metrics.as_mut().unwrap();
    spec.rows.extend(stream_rows(&spec.rows));
    spec.stream = Some(StreamSpec {
        path: "/v1/chat/completions".into(),
        model: "small".into(),
        prompt: "Count.".into(),
        max_tokens: 16,
        interval_ms: 10_000,
        timeout_ms: 5000,
        api_key: None,
        transport: cutover::testing::domain::Transport::default(),
    });
    service
}

#[test]
fn a_probed_stream_has_an_interval_and_faults_of_its_own() {
    let mut sim = shifting(&streaming("queue", 20.0));
    scrape(&mut sim, Side::Green, gauge(3.0), None);
    streamed(&mut sim, 80.0);
    sim.seconds(8);
    let rows = sim.status().sides.green.metrics;
    let value = |name: &str| rows[name].value.map(f64::round);
    assert_eq!(value("queue"), None, "no reading of a second's interval for eight: old is not now");
    assert_eq!(["ttft", "itl", "itl95", "tokens"].map(value), [80.0, 30.0, 40.0, 33.0].map(Some));
    assert_eq!(rows["ttft"].age_s.map(f64::round), Some(8.0));
    assert!(!rows["queue"].missing && !rows["ttft"].missing, "what cannot be read is not said to be missing");
    sim.feed(Event::Scraped { side: Side::Green, source: 0, reading: Err("status 500".into()) });
    sim.feed(Event::Scraped { side: Side::Green, source: 1, reading: Err("cut off".into()) });
    let faults = sim.status().sides.green.faults;
    assert_eq!(faults, ["metrics of 1: status 500", "stream of 1: cut off"]);
    sim.seconds(30);
    assert_eq!(sim.status().sides.green.metrics["ttft"].value, None, "three intervals and a timeout");
}

#[test]
fn a_guard_on_a_probed_stream_goes_by_its_requests() {
    let mut sim = shifting(&streaming("ttft", 500.0));
    for _ in 0..2 {
        streamed(&mut sim, 900.0);
        for _ in 0..10 {
            scrape(&mut sim, Side::Green, gauge(1.0), None);
            sim.seconds(1);
        }
    }
    let guard = sim.status().guards[0].clone();
    assert_eq!(
        (sim.status().phase, guard.status),
        (Phase::Shifting, GuardState::NotYet),
        "two requests are no verdict"
    );
    for _ in 0..4 {
        streamed(&mut sim, 900.0);
        sim.seconds(10);
    }
    assert_eq!(sim.status().phase, Phase::RolledBack, "{:?}", sim.status().guards);
}
