//! Simulated seconds of a load: when it must stop, and whose fault that is.

use super::*;
use crate::domain::GateSpec;

const LIMITS: LoadLimits =
    LoadLimits { max_p50_ms: None, max_p95_ms: None, max_p99_ms: 100, max_error_rate: 0.01, min_rate: 0.95 };

fn report() -> Report {
    let (name, kind) = ("load".to_owned(), "load".to_owned());
    let spec = GateSpec { name, kind, required: true, valid_for_ms: 1, timeout_ms: 1, ask: None };
    let (log, progress) = (tokio::sync::mpsc::channel(9).0, tokio::sync::watch::Sender::default());
    Report::new(&spec, log, progress, || crate::domain::Stamp::epoch().wall)
}

fn account(seconds: u64) -> Account {
    let length = Duration::from_secs(seconds);
    Account::new(Asked { limits: LIMITS, total: seconds * 100, length, connections: 8 })
}

/// Second number `n`: `finished` answers that took `ms` each.
fn second(n: u64, finished: u64, ms: u64, busy: f64) -> Tick {
    let mut part = Tally::default();
    (0..finished).for_each(|_| part.add(Some(Duration::from_millis(ms)), None, Duration::from_millis(100)));
    let behind = Duration::ZERO;
    Tick {
        elapsed: Duration::from_secs(n),
        part,
        behind,
        due: n * 100,
        sent: n * 100,
        in_flight: 3,
        busy,
        ended: false,
    }
}

#[test]
fn what_the_sender_cannot_send_is_not_held_against_the_side() {
    for (busy, said) in [(0.2, "server-limited"), (0.97, "client-limited")] {
        let (mut account, mut report) = (account(60), report());
        let mut stop = None;
        for n in 1..=4 {
            let mut tick = second(n, 40, 20, busy);
            (tick.behind, tick.sent) = (Duration::from_secs(n), n * 40);
            assert_eq!(stop, None, "second {n}");
            stop = account.take(&tick, &mut report);
            let run = report.load.clone().unwrap();
            assert_eq!((run.limited.map(LimitedBy::title), run.unsent), (Some(said), n * 60));
            assert_eq!((run.asked_rps, run.reached_rps, run.in_flight, run.connections), (100.0, 40.0, 3, 8));
        }
        let finding = account.stopped(stop.unwrap(), &mut report);
        let verdict = if said == "client-limited" { Verdict::NotYet } else { Verdict::Failed };
        assert_eq!(finding.verdict, verdict, "{}", finding.note);
        assert!(finding.note.starts_with("stopped after 4 s: ") && finding.note.contains(said), "{}", finding.note);
        assert!(finding.note.contains("it is 4.0 s behind what is due"), "{}", finding.note);
    }
}

#[test]
fn slow_answers_of_a_sender_without_time_left_give_no_verdict() {
    for (busy, verdict) in [(0.5, Verdict::Failed), (0.95, Verdict::NotYet)] {
        let (mut first, mut report) = (account(60), report());
        let stop = (1..=5).find_map(|n| first.take(&second(n, 100, 300, busy), &mut report)).unwrap();
        assert_eq!(first.stopped(stop, &mut report).verdict, verdict);
        // Too few for an early stop, enough at the end: two of forty seconds are over the limit.
        let mut second_run = account(40);
        for n in 1..=40 {
            let slow = n > 37;
            let mut tick =
                second(n, if slow { 3 } else { 100 }, if slow { 300 } else { 20 }, if slow { busy } else { 0.1 });
            tick.ended = n == 40;
            (0..if slow { 97 } else { 0 })
                .for_each(|_| tick.part.add(Some(Duration::from_millis(20)), None, Duration::from_secs(1)));
            assert_eq!(second_run.take(&tick, &mut report), None, "second {n}");
        }
        assert_eq!(second_run.judge(&mut report).verdict, Verdict::Passed, "9 of 4000 are no p99");
    }
}

#[test]
fn errors_and_silence_are_the_sides_own_whoever_is_busy() {
    let (mut first, mut report) = (account(60), report());
    let mut tick = second(1, 0, 0, 1.0);
    (0..50).for_each(|_| tick.part.add(None, Some("status 500"), Duration::from_secs(1)));
    assert_eq!(first.take(&tick, &mut report), Some(Stop::Broken("50 of the last 50 failed".into())));
    // The same at the end of a load that is too short for an early stop.
    let mut short = account(1);
    tick.ended = true;
    assert_eq!(short.take(&tick, &mut report), None);
    let finding = short.judge(&mut report);
    assert_eq!((finding.verdict, report.value), (Verdict::Failed, None), "{}", finding.note);
    assert!(finding.note.starts_with("none of "), "{}", finding.note);
    let mut nothing = second(1, 0, 0, 0.0);
    nothing.ended = true;
    let mut unheard = account(1);
    unheard.take(&nothing, &mut report);
    assert_eq!(unheard.judge(&mut report).verdict, Verdict::NotYet);
    let mut silent = account(60);
    let stop = (1..=9).find_map(|n| silent.take(&second(n, 0, 0, 0.0), &mut report));
    assert_eq!(stop, Some(Stop::Broken("no answer for 5 s".into())));
}

#[test]
fn a_long_run_is_told_in_a_bounded_number_of_points() {
    let (mut account, mut report) = (account(900), report());
    for n in 1..=909 {
        let mut tick = second(n, 100, if n == 450 { 90 } else { 20 }, 0.1);
        tick.ended = n == 909;
        assert_eq!(account.take(&tick, &mut report), None, "second {n}");
    }
    let run = report.load.clone().unwrap();
    assert_eq!((run.step_s, run.limit_ms, run.length_s, run.finished), (8.0, 100.0, 900.0, 90_900));
    assert!((113..=MAX_POINTS).contains(&run.points.len()), "{}", run.points.len());
    let slow: Vec<usize> = (0..run.points.len()).filter(|&at| run.points[at].p99_ms > Some(80.0)).collect();
    assert_eq!(slow, [449 / 8], "one slow second of eight is seen, where it was");
    assert!(run.points.iter().all(|point| point.p50_ms.is_some_and(|ms| (19.0..21.0).contains(&ms))));
    let bytes = serde_json::to_vec(&*run).unwrap().len();
    assert!(bytes < 16 * 1024, "the journal keeps it: {bytes} bytes");
}
