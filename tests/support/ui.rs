//! A rollout as in the drawings of the screen, and a view to look at it with.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use cutover::testing::domain::{
    Actor, Bound, GuardAction, LogLevel, LogLine, Metric, Move, OnDisconnect, OrderId, OrderState, Pair, Point, Role,
    RollbackClass, Side, Split, Version,
};
use cutover::testing::engine::detail::{Detail, GatePoint, GateTrail, ReplicaStatus};
use cutover::testing::engine::snapshot::{
    Blocked, DriverStatus, EventLine, Fault, FaultKind, GateState, GateStatus, GuardState, GuardStatus, History,
    Latency, OrderStatus, RollbackStatus, SideStatus, Source, SplitStatus, Status, Step,
};
use cutover::testing::engine::{Command, Phase, RefusalKind, Snapshot};
use cutover::testing::ui::{Depth, Glyphs, Input, Options, Theme, View};

/// 2026-11-20T14:02:12Z
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_183_332, 0).unwrap()
}

pub fn view(theme: &str, glyphs: Glyphs) -> View {
    let theme = Theme::load(theme).unwrap();
    let theme = if glyphs == Glyphs::Ascii { theme.for_depth(Depth::None) } else { theme };
    View::new(Options {
        theme,
        glyphs,
        me: Actor { name: "op1".into(), via: "console".into() },
        scenarios: vec!["good".into(), "slow-green".into(), "wrong-green".into()],
    })
}

/// A view that was handed `snapshot` at time 0, and the log lines of the drawing.
pub fn seeing(snapshot: Snapshot, theme: &str, glyphs: Glyphs) -> View {
    let mut view = view(theme, glyphs);
    for (ago, level, source, text) in [
        (31, LogLevel::Info, "golden-set", "replay cache warm, 2 000 cases, 12 misses"),
        (19, LogLevel::Info, "shadow-agree", "20 512/50 000 compared, agree 98.7%"),
        (9, LogLevel::Info, "error-rate", "0.09% n=12304 window=5m"),
        (5, LogLevel::Warn, "feature-drift", "psi amount_eur=0.31 baseline=2026-11-13 window=15m"),
        (4, LogLevel::Err, "feature-drift", "FAIL (2 of 2 consecutive)"),
        (1, LogLevel::Info, "feature-drift", "next evaluation in 60s"),
    ] {
        let at = now() - TimeDelta::seconds(ago);
        view.update(Input::Line(LogLine { at, level, source: source.into(), text: text.into() }), 0);
    }
    view.update(Input::Snapshot(Arc::new(snapshot)), 0);
    view
}

fn gate(
    name: &str,
    status: GateState,
    value: Option<(f64, f64)>,
    unit: &str,
    age: Option<f64>,
    note: &str,
) -> GateStatus {
    GateStatus {
        name: name.into(),
        kind: "golden".into(),
        required: true,
        status,
        value: value.map(|(value, _)| value),
        limit: value.map(|(_, limit)| limit),
        at_least: value.is_some_and(|(_, limit)| (0.9..=1.0).contains(&limit)),
        unit: unit.into(),
        samples: 2_000,
        age_s: age,
        version_digest: Some("91d4c07d91d4c07d".into()),
        note: note.into(),
        details: vec!["case 17: expected spam, got ham".into()],
    }
}

fn guard(metric: Metric, side: Side, value: f64, limit: f64) -> GuardStatus {
    GuardStatus {
        metric,
        row: None,
        unit: if metric == Metric::ErrorRate { "ratio".into() } else { "ms".into() },
        soon: None,
        side,
        status: GuardState::Ok,
        value: Some(value),
        bound: Bound::at_most(limit),
        versus: None,
        samples: 3_075,
        breaches: 0,
        consecutive: 3,
        then: GuardAction::Rollback,
    }
}

fn history(p50: f32, p95: f32, p99: f32, errors: f32, rps: f32) -> History {
    let points = (0..900_usize)
        .map(|i| {
            // A pause in the data, so that a gap is on every screen.
            let gap = (860..872).contains(&i) || i < 40;
            let wobble = 1.0 + [0.0, 0.02, -0.04, 0.06, -0.02][i / 10 % 5];
            (!gap).then_some(Point {
                p50: Some(p50 * wobble),
                p95: Some(p95 * wobble),
                p99: Some(p99 * wobble),
                error_rate: errors,
                rps: rps * wobble,
            })
        })
        .collect::<Vec<_>>();
    History { probes: Arc::new(points.clone()), traffic: Arc::new(points), ..History::default() }
}

fn side(role: Role, version: &str, latency: [f64; 3], errors: f64, rps: f64) -> SideStatus {
    let [p50, p95, p99] = latency.map(Some);
    SideStatus {
        at_router: None,
        role,
        version: Some(Version::from_text(version)),
        ready: Some(6),
        replicas: 6,
        source: Some(Source::Traffic),
        latency_ms: Latency { p50, p95, p99 },
        error_rate: Some(errors),
        rps: Some(rps),
        samples: 12_304,
        probe_ms: Latency { p50: Some(3.0), p95: Some(4.0), p99: Some(6.0) },
        in_flight: Some(12),
        metrics: std::collections::BTreeMap::default(),
        age_s: Some(0.6),
        faults: Vec::new(),
    }
}

pub fn blocked(command: &str, because: &str, kind: RefusalKind) -> Blocked {
    Blocked { command: named(command), because: because.into(), kind, gate: None }
}

fn named(verb: &str) -> Command {
    Command::BLOCKABLE.into_iter().find(|command| command.verb() == verb).unwrap()
}

fn gates() -> Vec<GateStatus> {
    vec![
        gate("schema-compat", GateState::Passed, None, "", Some(540.0), "contract v7"),
        gate("golden-set", GateState::Passed, Some((0.994, 0.99)), "ratio", Some(480.0), "2 000 cases"),
        gate("error-rate", GateState::Passed, Some((0.0009, 0.005)), "ratio", Some(1.0), "n=12 304"),
        gate("latency-p99", GateState::Passed, Some((243.0, 250.0)), "ms", Some(1.0), "near limit"),
        gate("shadow-agree", GateState::Running, Some((0.987, 0.98)), "ratio", Some(3.0), "41% of 50k"),
        gate("feature-drift", GateState::Failed, Some((0.31, 0.2)), "", Some(12.0), "amount_eur"),
    ]
}

fn guards() -> Vec<GuardStatus> {
    Side::BOTH
        .into_iter()
        .flat_map(|side| {
            [
                guard(Metric::P50, side, 43.0, 60.0),
                guard(Metric::P95, side, 124.0, 150.0),
                guard(Metric::P99, side, 243.0, 250.0),
                guard(Metric::ErrorRate, side, 0.0009, 0.005),
            ]
        })
        .collect()
}

fn step() -> Step {
    Step {
        index: 2,
        of: 5,
        target: Some(10),
        next: Some(25),
        bake_left_s: Some(252.0),
        waits: None,
        steps: vec![5, 10, 25, 50, 100],
        on_disconnect: OnDisconnect::Hold,
        auto: false,
        on_failure: cutover::testing::domain::OnFailure::Abort,
        tried: false,
    }
}

/// A way back of one order.
fn one_order_back() -> RollbackStatus {
    RollbackStatus {
        ready: true,
        class: Some(RollbackClass::Instant),
        until: None,
        takes_s: None,
        window_left_s: Some(3348.0),
        window_s: 86_400.0,
        to: Side::Blue,
        because: None,
        needed: true,
        served_rps: None,
        last_took_s: Some(3.8),
    }
}

/// Step 2 of 5, a failing gate: the state of the drawings.
pub fn shifting() -> Snapshot {
    let at = |ago: i64| now() - TimeDelta::seconds(ago);
    let event = |ago, by: &str, text: &str, warn| EventLine {
        at: at(ago),
        by: by.into(),
        text: text.into(),
        warn,
        ordered: None,
    };
    let split = Some(Split::toward(Side::Green, 10));
    let because = "gate feature-drift FAIL";
    let status = Status {
        schema_version: 1,
        time: now(),
        service: "fraud-scorer".into(),
        environment: "prod".into(),
        backend: "embedded".into(),
        phase: Phase::Shifting,
        step: step(),
        digest: "a1c9".into(),
        split: SplitStatus { desired: split, observed: split, mixed: None, drift: false, age_s: Some(0.4) },
        candidate: Side::Green,
        sides: Pair {
            blue: side(Role::Live, "v41", [41.0, 118.0, 201.0], 0.0008, 1_842.0),
            green: side(Role::Candidate, "v42", [43.0, 124.0, 243.0], 0.0009, 205.0),
        },
        controller: None,
        front: None,
        gates: gates(),
        guards: guards(),
        rollback: one_order_back(),
        blocked: vec![
            blocked("promote", because, RefusalKind::Blocked),
            blocked("switch", because, RefusalKind::Blocked),
        ],
        paused: None,
        last_order: Some(order("promote", OrderState::Verified)),
        driver: DriverStatus { me: "op1".into(), may_drive: true, read_only: false, holder: None },
        faults: Vec::new(),
        notes: Vec::new(),
        data_age_s: Some(0.6),
        stale: false,
        dropped: 0,
        typed: vec![Move::Switch],
    };
    Snapshot {
        status,
        history: Pair {
            blue: history(41.0, 118.0, 201.0, 0.0008, 1_842.0),
            green: history(43.0, 124.0, 243.0, 0.0009, 205.0),
        },
        events: Arc::new(vec![
            event(1270, "op1", "plan start, BLUE pinned", false),
            event(1263, "auto", "step 1  0 > 5  ok", false),
            event(662, "op1", "promote 5% > 10%", false),
            event(648, "auto", "traffic 90/10 verified", false),
            event(4, "auto", "feature-drift FAIL 0.31", true),
            event(2, "op2", "note \"checking fx feed\"", false),
        ]),
        previews: previews(),
        detail: detail(),
    }
}

/// What the screen shows besides: the plan's past, six replicas a side, and how the gates stood.
fn detail() -> Detail {
    let at = |ago: i64| now() - TimeDelta::seconds(ago);
    let replicas = |net: u8, version: &str, ms: f64| {
        (1..=6_u8)
            .map(|n| ReplicaStatus {
                url: format!("http://10.0.{net}.{n}:8080").into(),
                ready: Some(true),
                fault: None,
                version: Some(version.into()),
                latency_ms: Some(ms + f64::from(n) / 10.0),
                age_s: Some(0.6),
            })
            .collect()
    };
    let trail = |gate: &str, points: &[(i64, GateState, Option<f64>, bool)]| GateTrail {
        gate: gate.into(),
        points: points
            .iter()
            .map(|&(ago, state, value, run)| {
                let note = if run { "as seen then".to_owned() } else { String::new() };
                GatePoint { at: at(ago), state, value, samples: 500, note, run }
            })
            .collect(),
    };
    let latency = (0..16).map(|n| (961 - 60 * n, GateState::Passed, Some(200.0 + f64::from(n as u8 % 5) * 12.0), true));
    Detail {
        rows: Vec::new(),
        started: Some(at(1270)),
        reached: vec![(5, at(1263)), (10, at(648))],
        consent: Some("77d0".into()),
        bake_s: 900.0,
        replicas: Pair { blue: replicas(1, "v41", 3.0), green: replicas(2, "v42", 4.0) },
        trails: Arc::new(vec![
            trail("schema-compat", &[(545, GateState::Running, None, false), (540, GateState::Passed, None, true)]),
            trail("golden-set", &[(490, GateState::Running, None, false), (480, GateState::Passed, Some(0.994), true)]),
            trail("latency-p99", &latency.collect::<Vec<_>>()),
            trail(
                "feature-drift",
                &[
                    (600, GateState::Passed, Some(0.12), true),
                    (244, GateState::Passed, Some(0.24), true),
                    (64, GateState::NotYet, Some(0.19), true),
                    (4, GateState::Failed, Some(0.31), true),
                ],
            ),
        ]),
        loads: Vec::new(),
        logs: Arc::new(vec![("feature-drift".into(), "/var/lib/cutover/gates/feature-drift.log".into())]),
    }
}

/// What an embedded gateway would be sent.
fn previews() -> std::collections::BTreeMap<String, Vec<String>> {
    [("promote", 75, true), ("switch", 0, true), ("abort", 100, false), ("rollback", 100, false)]
        .into_iter()
        .map(|(verb, blue, forward)| {
            let green = 100 - blue;
            let expected = if forward { "\"7\"" } else { "null" };
            let body =
                format!(r#"{{"split":{{"blue":{blue},"green":{green}}},"expected":{expected},"order":"9c41d2e0"}}"#);
            let target = "unix:/run/cutover/gateway.sock".to_owned();
            (verb.into(), vec![target, "PUT /v1/split".into(), "content-type: application/json".into(), body])
        })
        .collect()
}

pub fn order(verb: &str, state: OrderState) -> OrderStatus {
    let command = named(verb).as_move().unwrap();
    let back = !command.is_forward();
    OrderStatus {
        id: OrderId("7f3e".into()),
        command,
        state,
        by: "op1".into(),
        from: Some(Split::toward(Side::Green, if back { 10 } else { 5 })),
        target: if back { Split::all(Side::Blue) } else { Split::toward(Side::Green, 10) },
        toward: if back { Side::Blue } else { Side::Green },
        at: now() - TimeDelta::milliseconds(2_100),
        took_s: 2.1,
        progress: None,
        retries: 0,
        late: false,
        detail: None,
        fault: None,
        cause: None,
        why: None,
    }
}

/// Every gate passed: nothing blocks.
pub fn free() -> Snapshot {
    let mut snapshot = shifting();
    snapshot.status.blocked.clear();
    for gate in &mut snapshot.status.gates {
        gate.status = GateState::Passed;
    }
    snapshot
}

pub fn ready() -> Snapshot {
    let mut snapshot = free();
    let status = &mut snapshot.status;
    status.phase = Phase::Ready;
    status.step = Step { index: 0, target: None, next: Some(5), bake_left_s: None, ..status.step.clone() };
    let split = Some(Split::all(Side::Blue));
    status.split = SplitStatus { desired: None, observed: split, ..status.split.clone() };
    status.rollback.needed = false;
    status.rollback.window_left_s = None;
    status.rollback.because = Some("blue takes all traffic".into());
    status.last_order = None;
    let green = &mut status.sides.green;
    green.source = Some(Source::Probes);
    green.rps = None;
    snapshot
}

pub fn switched() -> Snapshot {
    let mut snapshot = free();
    let status = &mut snapshot.status;
    status.phase = Phase::Switched;
    status.step = Step { index: 5, target: Some(100), next: None, bake_left_s: None, ..status.step.clone() };
    let split = Some(Split::all(Side::Green));
    status.split = SplitStatus { desired: split, observed: split, ..status.split.clone() };
    status.sides.blue.role = Role::Standby;
    status.sides.green.role = Role::Live;
    status.sides.blue.source = Some(Source::Probes);
    status.sides.blue.rps = None;
    status.rollback.window_left_s = Some(86_100.0);
    let because = "all traffic is on green: finalize or roll back";
    status.blocked =
        vec![blocked("promote", because, RefusalKind::Usage), blocked("switch", because, RefusalKind::Usage)];
    snapshot
}

pub fn paused() -> Snapshot {
    let mut snapshot = shifting();
    let because = "the plan is paused by op1: H resumes";
    snapshot.status.phase = Phase::Paused;
    snapshot.status.blocked =
        vec![blocked("promote", because, RefusalKind::Paused), blocked("switch", because, RefusalKind::Paused)];
    snapshot
}

pub fn in_flight() -> Snapshot {
    let mut snapshot = free();
    let status = &mut snapshot.status;
    status.last_order = Some(OrderStatus { state: OrderState::Accepted, ..order("rollback", OrderState::Accepted) });
    status.split.desired = Some(Split::all(Side::Blue));
    status.split.observed = Some(Split::toward(Side::Blue, 96));
    let because = "order 7f3e is on its way";
    status.blocked =
        vec![blocked("promote", because, RefusalKind::Busy), blocked("switch", because, RefusalKind::Busy)];
    snapshot
}

pub fn unknown_order() -> Snapshot {
    let mut snapshot = in_flight();
    let order = snapshot.status.last_order.as_mut().unwrap();
    order.state = OrderState::Unknown;
    order.late = true;
    order.retries = 1;
    order.detail = Some("no answer within 2s".into());
    snapshot
}

/// The traffic system tells of itself, and nothing is at fault.
pub fn noted() -> Snapshot {
    let mut snapshot = free();
    snapshot.status.backend = "haproxy".into();
    snapshot.status.notes = vec![
        "node is down: 10.0.0.6:9999: no process there".into(),
        "blue: 2 sessions still open".into(),
        "a reload would bring 100/0: /etc/haproxy/active.map says so".into(),
    ];
    snapshot
}

pub fn drift() -> Snapshot {
    let mut snapshot = shifting();
    let status = &mut snapshot.status;
    status.phase = Phase::Unknown;
    status.split.observed = Some(Split::toward(Side::Green, 50));
    status.split.drift = true;
    let because = "drift: the router says 50/50, asked 90/10; H resumes with it, R goes back";
    status.faults = vec![Fault::new(FaultKind::Drift, "drift: the router says 50/50, asked was 90/10")];
    status.blocked =
        vec![blocked("promote", because, RefusalKind::Blocked), blocked("switch", because, RefusalKind::Blocked)];
    snapshot
}

pub fn stale() -> Snapshot {
    let mut snapshot = shifting();
    let status = &mut snapshot.status;
    status.stale = true;
    status.data_age_s = Some(42.0);
    status.sides.green.age_s = Some(42.0);
    status.faults = ["green has not answered for 42s", "probes of green are backing off"]
        .map(|text| Fault::new(FaultKind::Replica, text))
        .into();
    let because = "data is 42s old, the limit is 10s";
    status.blocked =
        vec![blocked("promote", because, RefusalKind::Stale), blocked("switch", because, RefusalKind::Stale)];
    snapshot
}

pub fn unreachable() -> Snapshot {
    let mut snapshot = stale();
    let status = &mut snapshot.status;
    status.phase = Phase::Unknown;
    status.split.age_s = Some(42.0);
    let text = "the router cannot be read: connection refused (/run/cutover/gateway.sock)";
    status.faults = vec![Fault::new(FaultKind::Router, text)];
    status.rollback.ready = false;
    status.rollback.because = Some("the router cannot be read; R y tries all the same".into());
    snapshot
}

pub fn journal_fault() -> Snapshot {
    let mut snapshot = free();
    let because = "the journal cannot be written: no space left on device";
    snapshot.status.faults = vec![Fault::new(FaultKind::Journal, because)];
    snapshot.status.blocked =
        vec![blocked("promote", because, RefusalKind::Journal), blocked("switch", because, RefusalKind::Journal)];
    snapshot
}

pub fn read_only() -> Snapshot {
    let mut snapshot = shifting();
    let because = "op2@bastion drives; W takes over";
    snapshot.status.driver =
        DriverStatus { me: "op1".into(), may_drive: false, read_only: false, holder: Some("op2".into()) };
    snapshot.status.blocked =
        vec![blocked("promote", because, RefusalKind::ReadOnly), blocked("switch", because, RefusalKind::ReadOnly)];
    snapshot
}

pub fn hard_read_only() -> Snapshot {
    let mut snapshot = read_only();
    snapshot.status.driver.read_only = true;
    snapshot
}

pub fn rolled_back() -> Snapshot {
    let mut snapshot = ready();
    snapshot.status.phase = Phase::RolledBack;
    snapshot.status.last_order = Some(order("rollback", OrderState::Verified));
    snapshot
}

pub fn one_down() -> Snapshot {
    let mut snapshot = shifting();
    let status = &mut snapshot.status;
    status.sides.blue.ready = Some(0);
    status.sides.green.ready = Some(4);
    status.sides.green.latency_ms = Latency::default();
    status.sides.green.error_rate = None;
    status.sides.green.rps = None;
    status.sides.green.source = None;
    status.rollback.ready = false;
    status.rollback.because = Some("blue: 0 of 6 replicas answer".into());
    status.faults = vec![Fault::new(FaultKind::Replica, "blue: connection refused (6 of 6 replicas)")];
    snapshot
}

pub fn long_names() -> Snapshot {
    let mut snapshot = shifting();
    let status = &mut snapshot.status;
    status.environment = "production-eu-central".into();
    status.service = "不正検知スコアリング-service-with-a-long-name".into();
    status.sides.blue.version = Some(Version::from_text("模型-版本-四十一-2026-11-06-build-8841"));
    status.sides.green.version = Some(Version::from_text("v42-e\u{301}\u{302}-😀👍🏽-rc.1+long.build.metadata"));
    status.gates[5].name = "特徴量ドリフト監視ゲートの長い名前です".into();
    status.gates[5].note = "金額_ユーロ: 分布が基準から大きく外れています".into();
    status.blocked[0].because = "gate 特徴量ドリフト監視ゲートの長い名前です FAIL".into();
    status.blocked[1] = Blocked { command: Command::Switch, ..status.blocked[0].clone() };
    status.driver.me = "オペレーター".into();
    snapshot.events = Arc::new(vec![EventLine {
        at: now(),
        by: "オペ".into(),
        text: "メモ「確認中」 😀".into(),
        warn: true,
        ordered: None,
    }]);
    snapshot
}

/// Every state with its name.
pub fn states() -> Vec<(&'static str, Snapshot)> {
    vec![
        ("ready", ready()),
        ("shifting", shifting()),
        ("free", free()),
        ("switched", switched()),
        ("paused", paused()),
        ("in_flight", in_flight()),
        ("unknown_order", unknown_order()),
        ("drift", drift()),
        ("noted", noted()),
        ("stale", stale()),
        ("unreachable", unreachable()),
        ("journal_fault", journal_fault()),
        ("read_only", read_only()),
        ("hard_read_only", hard_read_only()),
        ("rolled_back", rolled_back()),
        ("one_down", one_down()),
        ("long_names", long_names()),
    ]
}

/// A frame went out and reached the terminal.
pub fn flush(view: &mut View, now_ms: u64) {
    view.update(Input::Drawn, now_ms);
    view.update(Input::Flushed, now_ms);
}
