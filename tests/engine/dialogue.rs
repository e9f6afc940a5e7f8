//! What every front end asks about is what the engine orders, in each phase of a rollout.

use cutover::testing::dialogue::{target, version_word};
use cutover::testing::domain::Side;
use cutover::testing::engine::{Command, Phase};

use crate::sim::Sim;

fn agrees(sim: &mut Sim, phase: Phase, candidate: (Side, &str)) {
    let status = sim.status();
    assert_eq!((status.phase, status.candidate, version_word(&status)), (phase, candidate.0, candidate.1));
    for command in [Command::Promote, Command::Switch, Command::Abort, Command::Rollback, Command::Finalize] {
        let orders = sim.state.order_preview(&command).map(|order| order.target);
        assert_eq!(target(&command, &status), orders, "{phase:?}: {command:?}");
    }
}

fn told(sim: &mut Sim, command: Command) {
    let _ = sim.ask(command);
    sim.seconds(2);
}

#[test]
fn the_questions_name_the_side_and_the_target_that_the_engine_orders() {
    let (green, blue) = ((Side::Green, "v42"), (Side::Blue, "v41"));
    for (end, phase, next) in [
        (Command::Finalize, Phase::Finalized, blue),
        (Command::Rollback, Phase::RolledBack, green),
        (Command::Pause, Phase::Switched, green),
    ] {
        let mut sim = Sim::new();
        sim.seconds(3);
        agrees(&mut sim, Phase::Ready, green);
        told(&mut sim, Command::Promote);
        agrees(&mut sim, Phase::Shifting, green);
        told(&mut sim, Command::Pause);
        agrees(&mut sim, Phase::Paused, green);
        told(&mut sim, Command::Resume);
        told(&mut sim, Command::Switch);
        agrees(&mut sim, Phase::Switched, green);
        told(&mut sim, end);
        agrees(&mut sim, phase, next);
    }
    let mut sim = Sim::new();
    sim.seconds(3);
    told(&mut sim, Command::Promote);
    told(&mut sim, Command::Abort);
    agrees(&mut sim, Phase::Aborted, green);
}
