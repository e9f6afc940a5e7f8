//! Random sequences before systems that act by themselves, with two processes and crashes: an order is never VERIFIED
//! while users get something else, nothing goes forward without data, and the way back always ends, truthfully.
//!
//! `PROPTEST_CASES=1000 cargo test --test engine at_random` tries that many cases instead of 10.

use cutover::testing::domain::*;
use cutover::testing::engine::{Access, Command, Reply};
use proptest::prelude::*;

use crate::stage::Stage;
use crate::support::scripted::Model;
use crate::support::scripted::controller::{Pause, Rollouts};
use crate::support::scripted::slow::{Fate, PACE, Platform};

/// Something that happens.
#[derive(Debug, Clone)]
enum Happens {
    /// Time passes: seconds.
    Time(u64),
    /// The process that drives is asked.
    Asked(Command),
    /// The other one is asked to go back: it always may.
    Back,
    /// The process that drives crashes; the other one drives, and a new one looks on.
    Crash,
    /// The system does something by itself: what, is up to the system.
    Itself(u8),
}

fn happens() -> impl Strategy<Value = Happens> {
    let command = prop_oneof![
        4 => Just(Command::Promote),
        2 => Just(Command::Switch),
        1 => Just(Command::Abort),
        2 => Just(Command::Rollback),
        1 => Just(Command::Pause),
        2 => Just(Command::Resume),
        1 => Just(Command::Retry),
        1 => Just(Command::Finalize),
    ];
    prop_oneof![
        6 => (1..40_u64).prop_map(Happens::Time),
        1 => (300..3_000_u64).prop_map(Happens::Time),
        8 => command.prop_map(Happens::Asked),
        1 => Just(Happens::Back),
        1 => Just(Happens::Crash),
        3 => any::<u8>().prop_map(Happens::Itself),
    ]
}

/// The longest time that a change may take, in seconds.
const LONGEST: u64 = 2 * 45 * 60;

fn play<M: Model>(mut stage: Stage<M>, sequence: &[Happens], itself: impl Fn(&mut M, u8)) {
    let mut driver = 0;
    let mut other = stage.start(Access::Console);
    for event in sequence {
        match event {
            Happens::Time(seconds) => stage.seconds(*seconds),
            Happens::Asked(command) => drop(stage.ask_of(driver, command.clone())),
            Happens::Back => drop(stage.ask_of(other, Command::Rollback)),
            Happens::Crash => {
                stage.crash(driver, other);
                driver = other;
                other = stage.start(Access::Console);
            }
            Happens::Itself(what) => itself(&mut stage.model, *what),
        }
        assert!(stage.wrong.is_empty(), "{:?}", stage.wrong);
    }
    // What somebody did in this very second is not read yet.
    stage.seconds(20);
    let before = stage.status_of(driver).last_order.is_some_and(|order| !order.state.is_settled());
    let reply = stage.ask_of(driver, Command::Rollback);
    let origin = stage.status_of(driver).rollback.to;
    let mut waited = 0;
    let is_open =
        |stage: &mut Stage<M>| stage.status_of(driver).last_order.is_some_and(|order| !order.state.is_settled());
    while is_open(&mut stage) {
        assert!(waited < LONGEST, "the way back does not end: {:#?}", stage.status_of(driver));
        stage.seconds(10);
        waited += 10;
    }
    assert!(stage.wrong.is_empty(), "{:?}", stage.wrong);
    let status = stage.status_of(driver);
    let back = Split::all(origin);
    match reply {
        // Also one that was under way already.
        Reply::Ordered { .. } | Reply::AlreadySo { .. } if before || matches!(reply, Reply::Ordered { .. }) => {
            let order = status.last_order.unwrap();
            if order.state == OrderState::Verified {
                assert_eq!(stage.model.users(), back, "{order:?}");
            } else {
                assert!(order.detail.is_some_and(|why| !why.is_empty()), "a failure has a reason");
            }
        }
        Reply::AlreadySo { .. } => assert_eq!(stage.model.users(), back),
        other => panic!("{other:?}"),
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(10)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_controller(sequence in prop::collection::vec(happens(), 1..40), kept in any::<bool>()) {
        let steps = [(10, Pause::Person), (30, Pause::For(20_000)), (50, Pause::Judge(10_000, true)), (100, Pause::Person)];
        let mut model = Rollouts::new(&steps, Stamp::epoch().wall);
        model.keeps_old_ms = (!kept).then_some(120_000);
        play(Stage::new(model, Pace::DIRECT), &sequence, |model, what| match what % 6 {
            0 => model.by_another(Move::Promote),
            1 => model.by_another(Move::Switch),
            2 => model.by_another(Move::Abort),
            3 => model.unready = if model.unready.is_none() { Some("2 of 4 pods are ready".into()) } else { None },
            4 => model.edited(what % 50),
            _ => model.redeploys = !model.redeploys,
        });
    }

    #[test]
    fn a_slow_platform(sequence in prop::collection::vec(happens(), 1..16)) {
        play(Stage::new(Platform::new(Split::all(Side::Blue)), PACE), &sequence, |model, what| {
            model.fate = [Fate::Lands, Fate::RollsBack, Fate::Lost][usize::from(what % 3)];
        });
    }
}
