//! Something acts on every field of an observation: where it is overlooked, one of these stories ends otherwise.

use cutover::testing::domain::observation::Replicas;
use cutover::testing::domain::*;
use cutover::testing::engine::{Command, Reply, Status};

use crate::stage::Stage;
use crate::support::scripted::controller::{Pause, Rollouts};

type Rig = Stage<Rollouts>;

/// A field, how to overlook it, and a story that it changes.
type Row = (&'static str, fn(&mut Observation), fn(&mut Rig) -> String);

const ROWS: &[Row] = &[
    ("split", |seen| seen.split = Split::all(Side::Blue), |rig| format!("{:?}", promoted(rig).split.observed)),
    (
        "mixed",
        |seen| seen.mixed = None,
        |rig| {
            rig.model.more = |seen| seen.mixed = Some("node 2 says otherwise".into());
            blocked(rig)
        },
    ),
    (
        "revision",
        |seen| seen.revision = Revision("0".into()),
        |rig| promoted(rig).last_order.unwrap().state.title().into(),
    ),
    (
        "sides.targets",
        |seen| seen.sides.green.targets = None,
        |rig| {
            rig.model.targets.green = Some(Vec::new());
            blocked(rig)
        },
    ),
    (
        "sides.version",
        |seen| seen.sides.green.version = None,
        |rig| {
            rig.model.more = |seen| seen.sides.green.version = Some(Version::from_text("v7"));
            rig.seconds(2);
            format!("{:?}", rig.processes[0].as_ref().unwrap().version_name(Side::Green))
        },
    ),
    (
        "sides.replicas",
        |seen| seen.sides.green.replicas = None,
        |rig| {
            rig.model.more = |seen| seen.sides.green.replicas = Some(Replicas { ready: 0, total: 4 });
            blocked(rig)
        },
    ),
    (
        "sides.unready",
        |seen| seen.sides.green.unready = None,
        |rig| {
            rig.model.more = |seen| {
                seen.sides.green.replicas = Some(Replicas { ready: 0, total: 4 });
                seen.sides.green.unready = Some("g1 is in MAINT".into());
            };
            blocked(rig)
        },
    ),
    (
        "traffic",
        |seen| seen.traffic = None,
        |rig| {
            rig.model.more = |seen| {
                let sides = Pair::default();
                seen.traffic = Some(TrafficCounters { epoch: "1".into(), sides });
            };
            rig.seconds(3);
            format!("{:?}", rig.status().sides.blue.rps)
        },
    ),
    ("controller", |seen| seen.controller = None, |rig| format!("{:?}", rig.status().step.steps)),
    (
        "controller.state",
        |seen| controller(seen).state = ControllerState::Working,
        |rig| {
            promoted(rig);
            rig.model.by_another(Move::Abort);
            rig.seconds(3);
            rig.status().phase.title().into()
        },
    ),
    ("controller.steps", |seen| controller(seen).steps = Vec::new(), |rig| format!("{:?}", rig.status().step.steps)),
    ("controller.reached", |seen| controller(seen).reached = 0, |rig| promoted(rig).step.index.to_string()),
    (
        "controller.message",
        |seen| controller(seen).message = String::new(),
        |rig| {
            rig.ask(Command::Promote);
            rig.seconds(2);
            format!("{:?}", rig.status().last_order.unwrap().progress)
        },
    ),
    (
        "controller.next_change",
        |seen| controller(seen).next_change = None,
        |rig| {
            rig.model.more =
                |seen| controller(seen).next_change = Some(Stamp::epoch().wall + chrono::TimeDelta::hours(1));
            rig.ask(Command::Promote);
            rig.seconds(2);
            format!("{:?}", rig.status().last_order.unwrap().progress)
        },
    ),
    (
        "rollback.class",
        |seen| seen.rollback.class = RollbackClass::Instant,
        |rig| {
            rig.model.more = |seen| seen.rollback.class = RollbackClass::None;
            way_back(rig)
        },
    ),
    (
        "rollback.until",
        |seen| seen.rollback.until = None,
        |rig| {
            rig.model.more = |seen| seen.rollback.until = Some(Stamp::epoch().wall);
            way_back(rig)
        },
    ),
    (
        "rollback.takes_s",
        |seen| seen.rollback.takes_s = None,
        |rig| {
            rig.model.more = |seen| seen.rollback.takes_s = Some(360);
            way_back(rig)
        },
    ),
    (
        "rollback.why_not",
        |seen| seen.rollback.why_not = None,
        |rig| {
            rig.model.more = |seen| seen.rollback.why_not = Some("blue keeps 1 of 4 replicas".into());
            way_back(rig)
        },
    ),
    (
        "can",
        |seen| seen.can = Can::default(),
        |rig| {
            rig.model.unready = Some("2 of 4 pods are ready".into());
            blocked(rig)
        },
    ),
    (
        "notes",
        |seen| seen.notes = Vec::new(),
        |rig| {
            rig.model.more = |seen| seen.notes = vec!["node 2 is down".into()];
            rig.seconds(2);
            rig.status().notes.concat()
        },
    ),
];

/// The fields there are. A new one does not compile until it is named here, and then it needs a row.
fn fields(seen: Observation) -> [&'static str; 20] {
    let Observation { split, mixed, revision, sides, traffic, controller, rollback, can, notes } = seen;
    let SideSeen { targets, version, replicas, unready } = sides.green;
    let Controller { state, steps, reached, message, next_change } = controller.unwrap();
    let WayBack { class, until, takes_s, why_not } = rollback;
    drop((split, mixed, revision, traffic, can, notes, targets, version, replicas, unready));
    drop((state, steps, reached, message, next_change, class, until, takes_s, why_not));
    [
        "split",
        "mixed",
        "revision",
        "sides.targets",
        "sides.version",
        "sides.replicas",
        "sides.unready",
        "traffic",
        "controller",
        "controller.state",
        "controller.steps",
        "controller.reached",
        "controller.message",
        "controller.next_change",
        "rollback.class",
        "rollback.until",
        "rollback.takes_s",
        "rollback.why_not",
        "can",
        "notes",
    ]
}

fn rig(overlooks: fn(&mut Observation)) -> Rig {
    let steps = [(20, Pause::Person), (60, Pause::Person), (100, Pause::Person)];
    let model = Rollouts::new(&steps, Stamp::epoch().wall);
    let mut rig = Stage::reading_no_version(model, Pace::DIRECT);
    rig.overlooks = overlooks;
    rig.seconds(2);
    rig
}

fn controller(seen: &mut Observation) -> &mut Controller {
    seen.controller.as_mut().expect("there is one")
}

fn promoted(rig: &mut Rig) -> Status {
    let reply = rig.ask(Command::Promote);
    assert!(matches!(reply, Reply::Ordered { .. }), "{reply:?}");
    rig.seconds(6);
    rig.status()
}

fn blocked(rig: &mut Rig) -> String {
    rig.seconds(3);
    rig.status().blockers(&Command::Promote).map(|it| it.because.clone()).collect::<Vec<_>>().join("; ")
}

fn way_back(rig: &mut Rig) -> String {
    rig.seconds(2);
    let way = rig.status().rollback;
    format!("{} {:?} {:?}", way.ready, way.because, way.takes_s)
}

#[test]
fn a_field_that_is_overlooked_changes_a_story() {
    let seen = crate::support::scripted::Model::say(&rig(|_| ()).model).unwrap();
    assert_eq!(ROWS.iter().map(|(field, ..)| *field).collect::<Vec<_>>(), fields(seen), "a row for each field");
    for (field, overlook, story) in ROWS {
        let (told, untold) = (story(&mut rig(|_| ())), story(&mut rig(*overlook)));
        assert_ne!(told, untold, "nothing acts on {field}");
    }
}
