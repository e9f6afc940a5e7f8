//! Decides which of two simultaneous orders wins. HAProxy has no compare-and-set, so every order reads the result of
//! its commands. The order whose command came last sees everything.
//!
//! A rollback sets its split again until it is in effect. A forward order that finds values of another order accepts
//! the smallest share, among all requested ones, for the side that gains, and returns a conflict. So two such orders
//! agree without knowing each other, and a rollback always wins. The result is always a split that was ordered, never
//! a mixture of two and never all weights at 0.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::fleet::{Outcome, ask_all};
use super::table::Table;
use super::{command, reading, weights};
use crate::backend::BackendError;
use crate::backend::haproxy::spec::{HaproxySpec, Method};
use crate::domain::{Order, Pair, Side, Split};

/// The time limit until all nodes agree, for reads and further changes together.
const LIMIT: Duration = Duration::from_millis(400);
/// How many times a split is set again.
const ROUNDS: u32 = 6;
/// Two orders that collide again each wait for a random time, in milliseconds.
const JITTER_MS: std::ops::Range<u64> = 2..25;

/// The state of a node, compared with the split that was set last.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NodeState {
    /// Exactly that split.
    Ours,
    /// Exactly another split.
    Other(Split),
    /// A mixture: the split that others requested, if it can be recognized.
    Torn(Option<Split>),
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing: our split is in effect.
    Stands,
    /// Nothing: every node has the split of a later order.
    Leave(Split),
    /// Set this split.
    Set(Split),
}

/// Reads whether `order` is in effect on the nodes of `spec`, all of which accepted it, and makes them agree if not.
/// Returns their current split.
///
/// # Errors
/// `Conflict` if another order won, `Unknown` if the nodes never agreed.
pub(super) async fn settle(spec: &HaproxySpec, order: &Order) -> (Split, Result<(), BackendError>) {
    let end = Instant::now() + LIMIT;
    let mut wanted = order.target;
    for round in 0..=ROUNDS {
        let left = end.saturating_duration_since(Instant::now());
        let told = ask_all(spec, vec![command::state(&spec.method)], left).await;
        // Reason: a node that accepted the order but cannot be read is not counted as a failure here; the next
        // reading shows it.
        let states: Vec<NodeState> =
            told.iter().filter_map(|it| Some(node_state(&spec.method, wanted, order, it.1.as_ref().ok()?))).collect();
        let next = next(&states, wanted, order);
        match next {
            Next::Stands if wanted == order.target => return (wanted, Ok(())),
            Next::Stands => {
                let text = format!(
                    "not every node kept it (another order at the same moment, or a reload?): {wanted} was set instead"
                );
                return (wanted, Err(BackendError::Conflict(text)));
            }
            Next::Leave(split) => {
                let text = format!("somebody else set {split} at the same moment: that stands");
                return (split, Err(BackendError::Conflict(text)));
            }
            Next::Set(_) if round == ROUNDS || left.is_zero() => return (wanted, Err(disagree(&told))),
            Next::Set(split) => {
                if round > 0 && order.kind.is_forward() {
                    sleep(Duration::from_millis(fastrand::u64(JITTER_MS))).await;
                }
                wanted = split;
                let toward = if wanted == order.target { order.toward } else { order.toward.other() };
                let commands = command::setting(&spec.method, wanted, toward);
                // The next round reads the result.
                drop(ask_all(spec, commands, end.saturating_duration_since(Instant::now())).await);
            }
        }
    }
    (wanted, Err(disagree(&[])))
}

fn disagree(told: &[Outcome<Vec<String>>]) -> BackendError {
    let nodes: Vec<String> = told.iter().map(|(node, _)| node.to_string()).collect();
    BackendError::Unknown(format!(
        "somebody else sets the split all the time, and what stands is not known: {}",
        nodes.join(", ")
    ))
}

fn next(states: &[NodeState], wanted: Split, order: &Order) -> Next {
    if states.iter().all(|state| *state == NodeState::Ours) {
        return Next::Stands;
    }
    if !order.kind.is_forward() {
        return Next::Set(order.target);
    }
    if let [NodeState::Other(first), rest @ ..] = states
        && rest.iter().all(|state| *state == NodeState::Other(*first))
    {
        return Next::Leave(*first);
    }
    let others = states.iter().filter_map(|state| match state {
        NodeState::Ours => None,
        NodeState::Other(split) => Some(*split),
        NodeState::Torn(split) => *split,
    });
    let gains = |split: &Split| split.share(order.toward);
    Next::Set(others.chain([wanted]).min_by_key(gains).unwrap_or(wanted))
}

/// The meaning of one node's answer to [`command::state`] after `wanted` was set.
fn node_state(method: &Method, wanted: Split, order: &Order, answers: &[String]) -> NodeState {
    let text = answers.first().map(String::as_str).unwrap_or_default();
    let Method::Weights { servers, .. } = method else {
        return match reading::of_map(method, text) {
            Ok((split, _)) if split == wanted => NodeState::Ours,
            Ok((split, _)) => NodeState::Other(split),
            Err(_) => NodeState::Torn(None),
        };
    };
    let counts = servers.map(|_, servers| servers.len());
    let ours = weights::for_split(wanted, &counts);
    let Some(found) = Table::servers_state(text).ok().and_then(|state| of_servers(&state, servers, &ours)) else {
        return NodeState::Torn(None);
    };
    if found == ours {
        return NodeState::Ours;
    }
    let all = || (0..=100).map(|percent| Split::toward(order.toward, percent));
    if let Some(split) = all().find(|split| weights::for_split(*split, &counts) == found) {
        return NodeState::Other(split);
    }
    // The smallest share that fits a side with foreign values. If several splits have these weights, only a rollback
    // can be recognized for certain.
    let fits = |side: Side| {
        let mut fitting = all().filter(|split| weights::for_split(*split, &counts)[side] == found[side]);
        let least = fitting.next();
        let is_one = fitting.next().is_none();
        least.filter(|least| is_one || least.share(order.toward) == 0)
    };
    let foreign = Side::BOTH.into_iter().filter(|side| found[*side] != ours[*side]);
    NodeState::Torn(foreign.filter_map(fits).min_by_key(|split| split.share(order.toward)))
}

/// The weights of the servers of each side. A server that is not there has the weight of `ours`: it takes no traffic.
fn of_servers(state: &Table, servers: &Pair<Vec<String>>, ours: &Pair<Vec<u64>>) -> Option<Pair<Vec<u64>>> {
    let one = |(server, ours): (&String, &u64)| match state.rows().find(|row| row.text("srv_name") == server) {
        Some(row) => row.number("srv_uweight"),
        None => Some(*ours),
    };
    let of = |side: Side| servers[side].iter().zip(&ours[side]).map(one).collect::<Option<Vec<u64>>>();
    Some(Pair { blue: of(Side::Blue)?, green: of(Side::Green)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Move, OrderId};

    const HEAD: &str = "1\n# be_id be_name srv_id srv_name srv_uweight\n";

    fn order(kind: Move, percent: u8) -> Order {
        let toward = if kind.is_forward() { Side::Green } else { Side::Blue };
        let target = Split::toward(Side::Green, percent);
        Order { id: OrderId("a".into()), kind, from: None, target, toward, expected: None }
    }

    fn green(percent: u8) -> Split {
        Split::toward(Side::Green, percent)
    }

    /// The state for one server a side with these weights.
    fn pair(order: &Order, blue: u64, green: u64) -> NodeState {
        let servers = Pair { blue: vec!["b".into()], green: vec!["g".into()] };
        let method = Method::Weights { backend: "be".into(), servers, addresses: Pair::default() };
        node_state(&method, order.target, order, &[format!("{HEAD}5 be 1 b {blue}\n5 be 2 g {green}\n")])
    }

    #[test]
    fn whose_weights_they_are_is_told_by_their_sums() {
        let order = order(Move::Promote, 75);
        assert_eq!(pair(&order, 25, 75), NodeState::Ours);
        assert_eq!(pair(&order, 50, 50), NodeState::Other(green(50)));
        assert_eq!(pair(&order, 0, 0), NodeState::Torn(Some(green(0))), "no green: somebody went back");
        assert_eq!(pair(&order, 100, 75), NodeState::Torn(Some(green(0))), "blue as if somebody went back");
        assert_eq!(pair(&order, 25, 100), NodeState::Torn(Some(green(100))));
        assert_eq!(pair(&order, 25, 200), NodeState::Torn(None));
    }

    #[test]
    fn a_side_that_many_splits_share_tells_nothing_but_the_way_back() {
        let servers = Pair { blue: vec!["b".into()], green: vec!["g1".into(), "g2".into()] };
        let method = Method::Weights { backend: "be".into(), servers, addresses: Pair::default() };
        let order = order(Move::Promote, 60);
        let state = |blue: u64, one: u64, two: u64| {
            let text = format!("{HEAD}5 be 1 b {blue}\n5 be 2 g1 {one}\n5 be 3 g2 {two}\n");
            node_state(&method, order.target, &order, &[text])
        };
        assert_eq!(state(4, 3, 3), NodeState::Ours);
        assert_eq!(state(4, 1, 1), NodeState::Torn(None), "10, 20, 25, 40 and 50 % all have a 1 there");
        assert_eq!(state(4, 0, 0), NodeState::Torn(Some(green(0))));
    }

    #[test]
    fn the_least_that_anybody_asked_for_stands_and_the_way_back_always() {
        let forward = order(Move::Promote, 75);
        let of = |states: &[NodeState], order: &Order| next(states, order.target, order);
        assert_eq!(of(&[NodeState::Ours, NodeState::Ours], &forward), Next::Stands);
        assert_eq!(of(&[], &forward), Next::Stands, "nobody can be read: the next look will tell");
        let other = |percent| NodeState::Other(green(percent));
        assert_eq!(of(&[other(100), other(100)], &forward), Next::Leave(green(100)));
        assert_eq!(of(&[other(100), NodeState::Ours], &forward), Next::Set(green(75)));
        assert_eq!(of(&[other(50), NodeState::Ours], &forward), Next::Set(green(50)));
        assert_eq!(of(&[other(50), NodeState::Torn(Some(green(0)))], &forward), Next::Set(green(0)));
        assert_eq!(of(&[NodeState::Torn(None)], &forward), Next::Set(green(75)));
        let back = order(Move::Rollback, 0);
        assert_eq!(of(&[other(75), other(75)], &back), Next::Set(green(0)));
    }
}
