use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;

/// A replica that answers from a script, each answer after its delay; the last answer stays.
struct Scripted {
    answers: Mutex<VecDeque<(u64, Result<u16, FetchError>)>>,
    asked: Arc<Mutex<Vec<(String, u128)>>>,
    since: Instant,
    under_way: AtomicU64,
}

impl Source for Scripted {
    async fn get(&self, path: &str, timeout: Duration) -> Result<Reply, FetchError> {
        assert_eq!(self.under_way.fetch_add(1, Ordering::SeqCst), 0, "one request at a time");
        self.asked.lock().unwrap().push((path.to_owned(), self.since.elapsed().as_millis()));
        let (delay, answer) = {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
        };
        let took = Duration::from_millis(delay).min(timeout);
        sleep(took).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let body = br#"{"version":"v1"}"#.to_vec();
        answer.map(|status| Reply { status, headers: reqwest::header::HeaderMap::new(), body, took })
    }
}

type Asked = Arc<Mutex<Vec<(String, u128)>>>;

/// Runs a poller for `seconds` of paused time: what it sent, and what it asked when.
async fn watch(
    source: VersionSource,
    capacity: usize,
    seconds: u64,
    answers: Vec<(u64, Result<u16, FetchError>)>,
) -> (Vec<ProbeEvent>, Vec<(String, u128)>, u64) {
    let (sink, mut events) = mpsc::channel(capacity);
    let dropped = Arc::new(AtomicU64::new(0));
    let asked: Asked = Arc::default();
    let poller = Poller {
        side: Side::Green,
        replica: 3,
        spec: ProbeSpec { interval_ms: 1000, timeout_ms: 800, path: "/ready".into() },
        source,
        sink,
        dropped: Arc::clone(&dropped),
    };
    let replica = Scripted {
        answers: Mutex::new(answers.into()),
        asked: Arc::clone(&asked),
        since: Instant::now(),
        under_way: AtomicU64::new(0),
    };
    let task = tokio::spawn(poller.run(replica));
    sleep(Duration::from_secs(seconds)).await;
    assert!(!task.is_finished(), "the poller goes on");
    task.abort();
    let mut seen = Vec::new();
    while let Ok(event) = events.try_recv() {
        seen.push(event);
    }
    let asked = asked.lock().unwrap().clone();
    (seen, asked, dropped.load(Ordering::Relaxed))
}

fn gaps(asked: &[(String, u128)]) -> Vec<u128> {
    asked.windows(2).map(|pair| pair[1].1 - pair[0].1).collect()
}

#[tokio::test(start_paused = true)]
async fn it_asks_once_an_interval_from_a_spread_start() {
    let mut starts = Vec::new();
    for _ in 0..20 {
        let (seen, asked, dropped) = watch(VersionSource::Unknown, 100, 20, vec![(30, Ok(200))]).await;
        assert!((18..=22).contains(&asked.len()), "{asked:?}");
        assert!(gaps(&asked).iter().all(|gap| (900..=1101).contains(gap)), "{asked:?}");
        assert_eq!(dropped, 0);
        let outcome = ProbeOutcome::Ready { latency_us: 30_000 };
        assert_eq!(seen[0], ProbeEvent::Probe { side: Side::Green, replica: 3, outcome });
        starts.push(asked[0].1);
    }
    assert!(starts.iter().any(|&ms| ms < 400) && starts.iter().any(|&ms| ms > 600), "{starts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_replica_is_asked_less_and_less() {
    let down = Err(FetchError::Connect("refused".into()));
    let (seen, asked, _) = watch(VersionSource::Unknown, 100, 60, vec![(0, down)]).await;
    let gaps = gaps(&asked);
    for (gap, middle) in gaps.iter().zip([2000, 4000, 8000, 8000, 8000]) {
        assert!((middle * 9 / 10..=middle * 11 / 10 + 1).contains(gap), "{gaps:?}");
    }
    let reason = "cannot connect: refused".to_owned();
    let outcome = ProbeOutcome::Failed { reason };
    assert_eq!(seen[0], ProbeEvent::Probe { side: Side::Green, replica: 3, outcome });
}

#[tokio::test(start_paused = true)]
async fn answers_slower_than_the_interval_never_pile_up() {
    let script = vec![(5000, Err(FetchError::Timeout(800))), (700, Ok(503)), (700, Ok(200))];
    let (_, asked, _) = watch(VersionSource::Unknown, 100, 20, script).await;
    assert!(gaps(&asked).iter().all(|&gap| gap >= 800), "{asked:?}");
    assert!(asked.len() > 10, "a timeout does not stop it: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn the_version_is_read_at_once_every_five_seconds_and_after_a_return() {
    let source = VersionSource::Pointer { path: "/meta".into(), pointer: "/version".into() };
    let (seen, asked, _) = watch(source.clone(), 100, 12, vec![(1, Ok(200))]).await;
    let paths: Vec<&str> = asked.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths[..3], ["/ready", "/meta", "/ready"]);
    assert_eq!(paths.iter().filter(|path| **path == "/meta").count(), 3, "{asked:?}");
    let version = Ok(Version::from_text("v1"));
    assert_eq!(seen[1], ProbeEvent::Version { side: Side::Green, replica: 3, version });

    let down = Err(FetchError::Timeout(800));
    let script = vec![(1, Ok(200)), (1, Ok(200)), (1, down), (1, Ok(200)), (1, Ok(404)), (1, Ok(200))];
    let (seen, asked, _) = watch(source, 100, 4, script).await;
    let paths: Vec<&str> = asked.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths[..5], ["/ready", "/meta", "/ready", "/ready", "/meta"], "nothing more is asked of a dead one");
    let version = Err("status 404".to_owned());
    assert_eq!(seen[4], ProbeEvent::Version { side: Side::Green, replica: 3, version });
}

#[tokio::test(start_paused = true)]
async fn a_fixed_version_is_told_even_of_a_dead_replica_and_an_unknown_one_never() {
    let down = || vec![(0, Err(FetchError::Timeout(800)))];
    let (seen, asked, _) = watch(VersionSource::Fixed("v9".into()), 100, 2, down()).await;
    let version = Ok(Version::from_text("v9"));
    assert!(seen.contains(&ProbeEvent::Version { side: Side::Green, replica: 3, version }), "{seen:?}");
    assert!(asked.iter().all(|(path, _)| path == "/ready"));
    let (seen, ..) = watch(VersionSource::Unknown, 100, 5, vec![(0, Ok(200))]).await;
    assert!(seen.iter().all(|event| matches!(event, ProbeEvent::Probe { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_and_counts() {
    let (seen, asked, dropped) = watch(VersionSource::Unknown, 4, 20, vec![(0, Ok(200))]).await;
    assert_eq!(seen.len(), 4);
    assert_eq!(dropped as usize, asked.len() - 4);
}
