//! One suite for every traffic system: what a backend must do, whatever is behind it.
//!
//! A system joins with a [`rig::Rig`] and one line of `conformance!`. What a system cannot show (a
//! single node cannot be half-applied) is printed as `NOT APPLICABLE`; `tests/run` does not count that check as passed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

mod caddy;
mod dns;
mod embedded;
mod envoy;
mod haproxy;
mod hook;
mod nginx;
mod relay;
mod rig;
mod scripted;
mod traefik;

use std::time::Duration;

use cutover::testing::backend::{BackendError, Driver, Observer, TrafficBackend};
use cutover::testing::domain::{Goal, Move, Observation, Order, OrderId, Revision, Side, Split};
use rig::{Rig, Trouble};
use std::sync::Arc;
use tokio::time::{Instant, timeout};

/// No system here takes longer to answer, or to show what it took.
const DEADLINE: Duration = Duration::from_secs(10);

fn order(id: &str, kind: Move, target: Split, expected: Option<Revision>) -> Order {
    let toward = if kind.is_forward() { Side::Green } else { Side::Blue };
    Order { id: OrderId(id.into()), kind, from: None, target, toward, expected }
}

fn green(percent: u8) -> Split {
    Split::toward(Side::Green, percent)
}

struct Operator {
    observer: Arc<dyn Observer>,
    driver: Arc<dyn Driver>,
    settles: Duration,
    every: Duration,
}

impl Operator {
    fn of<R: Rig>(rig: &R) -> Self {
        Self::at::<R>(&rig.backend())
    }

    fn at<R: Rig>(backend: &Arc<dyn TrafficBackend>) -> Self {
        let driver = backend.driver().expect("the rig may drive");
        Self { observer: backend.observer(), driver, settles: R::SETTLES, every: R::EVERY }
    }

    async fn revision(&self) -> Revision {
        self.read().await.revision
    }

    /// One reading. On a busy machine a server may not answer the first in time: the engine reads again, too.
    async fn read(&self) -> Observation {
        let deadline = Instant::now() + self.settles;
        loop {
            match self.observer.observe().await {
                Ok(seen) => return seen,
                Err(error) => assert!(Instant::now() < deadline, "never read: {error}"),
            }
            self.rest().await;
        }
    }

    /// Accepted is not done: reads back until it agrees.
    async fn settles(&self, split: Split) {
        let deadline = Instant::now() + self.settles;
        loop {
            if let Ok(seen) = self.observer.observe().await
                && Goal::Split(split).is_met(&seen)
            {
                return;
            }
            assert!(Instant::now() < deadline, "never read back: {split}");
            self.rest().await;
        }
    }

    async fn rest(&self) {
        if self.every.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(self.every).await;
        }
    }

    async fn apply(&self, order: &Order) -> Result<(), BackendError> {
        timeout(DEADLINE, self.driver.apply(order)).await.expect("an answer in time").map(|_| ())
    }
}

async fn reads<R: Rig>() {
    let rig = R::start(green(0)).await;
    let operator = Operator::of(&rig);
    let seen = operator.read().await;
    assert_eq!((seen.split, seen.mixed), (green(0), None));
    assert_eq!(operator.revision().await, seen.revision, "nothing happened, so the revision stands");
    // A look that nobody waits for leaves nothing behind.
    for _ in 0..3 {
        let _ = timeout(Duration::from_micros(1), operator.observer.observe()).await;
    }
    assert_eq!(operator.revision().await, seen.revision);
}

async fn sets_switches_and_rolls_back<R: Rig>() {
    let rig = R::start(green(0)).await;
    let operator = Operator::of(&rig);
    let mut revision = operator.revision().await;
    for (id, kind, percent) in [("a", Move::Promote, 10), ("b", Move::Promote, 50), ("c", Move::Switch, 100)] {
        operator.apply(&order(id, kind, green(percent), Some(revision.clone()))).await.unwrap();
        operator.settles(green(percent)).await;
        let now = operator.revision().await;
        assert_ne!(now, revision, "a change is seen in the revision");
        revision = now;
    }
    operator.apply(&order("d", Move::Rollback, green(0), None)).await.unwrap();
    operator.settles(green(0)).await;
}

async fn refuses_a_stale_forward_order<R: Rig>() {
    let rig = R::start(green(0)).await;
    let operator = Operator::of(&rig);
    let old = operator.revision().await;
    operator.apply(&order("a", Move::Promote, green(10), Some(old.clone()))).await.unwrap();
    operator.settles(green(10)).await;
    let stale = order("b", Move::Promote, green(50), Some(old));
    for time in ["the first time", "sent again, it is no less stale"] {
        let refused = operator.apply(&stale).await;
        assert!(matches!(refused, Err(BackendError::Conflict(_))), "{time}: {refused:?}");
        operator.settles(green(10)).await;
    }
}

async fn takes_a_rollback_whatever_the_revision<R: Rig>() {
    let rig = R::start(green(0)).await;
    let operator = Operator::of(&rig);
    let revision = operator.revision().await;
    operator.apply(&order("a", Move::Switch, green(100), Some(revision))).await.unwrap();
    operator.apply(&order("b", Move::Rollback, green(0), None)).await.unwrap();
    operator.apply(&order("c", Move::Rollback, green(0), None)).await.unwrap();
    operator.settles(green(0)).await;
}

async fn takes_the_same_id_as_the_same_act<R: Rig>() {
    let rig = R::start(green(0)).await;
    let operator = Operator::of(&rig);
    let first = order("a", Move::Promote, green(10), Some(operator.revision().await));
    operator.apply(&first).await.unwrap();
    operator.settles(green(10)).await;
    let revision = operator.revision().await;
    operator.apply(&first).await.expect("a retry answers as the first did, though the revision is old by now");
    assert_eq!(operator.revision().await, revision, "and changes nothing");
}

async fn a_late_retry_does_not_undo_a_rollback<R: Rig>() {
    let rig = R::start(green(0)).await;
    let operator = Operator::of(&rig);
    let forward = order("a", Move::Switch, green(100), Some(operator.revision().await));
    operator.apply(&forward).await.unwrap();
    operator.apply(&order("b", Move::Rollback, green(0), None)).await.unwrap();
    operator.settles(green(0)).await;
    let _ = operator.apply(&forward).await;
    operator.settles(green(0)).await;
}

async fn previews_without_sending<R: Rig>() {
    let rig = R::start(green(0)).await;
    let operator = Operator::of(&rig);
    let revision = operator.revision().await;
    let preview = operator.observer.preview(&order("a", Move::Switch, green(100), Some(revision.clone())));
    assert!(!preview.lines.is_empty());
    let text = format!("{} {}", preview.target, preview.lines.join(" "));
    assert!(!text.contains(rig::TOKEN), "a secret is shown: {text}");
    assert_eq!(operator.revision().await, revision);
}

async fn another_console_sees_what_one_did<R: Rig>() {
    let rig = R::start(green(0)).await;
    let (one, two) = (Operator::of(&rig), Operator::of(&rig));
    let shown = two.revision().await;
    one.apply(&order("a", Move::Promote, green(10), Some(one.revision().await))).await.unwrap();
    // From the system itself, never from the memory of who gave the order.
    two.settles(green(10)).await;
    let stale = two.apply(&order("b", Move::Promote, green(50), Some(shown))).await;
    assert!(matches!(stale, Err(BackendError::Conflict(_))), "{stale:?}");
    two.apply(&order("c", Move::Promote, green(50), Some(two.revision().await))).await.unwrap();
    one.settles(green(50)).await;
    one.apply(&order("d", Move::Rollback, green(0), None)).await.unwrap();
    two.settles(green(0)).await;
}

async fn two_consoles_at_once_leave_what_one_ordered<R: Rig>() {
    let rig = R::start(green(0)).await;
    let (one, two) = (Operator::of(&rig), Operator::of(&rig));
    let shown = one.revision().await;
    let (first, second) = (
        order("a", Move::Promote, green(10), Some(shown.clone())),
        order("b", Move::Promote, green(50), Some(shown.clone())),
    );
    let (first, second) = tokio::join!(one.apply(&first), two.apply(&second));
    for result in [&first, &second] {
        // A server that two write to at once may fail at it: then it is not known, and either may stand.
        let fits = matches!(result, Ok(()) | Err(BackendError::Conflict(_) | BackendError::Unknown(_)));
        assert!(fits, "{result:?}");
    }
    let may_stand = |result: &Result<(), BackendError>| !matches!(result, Err(BackendError::Conflict(_)));
    let done = [(may_stand(&first), green(10)), (may_stand(&second), green(50))];
    if rig.backend().capabilities().compare_and_set {
        assert!(!(first.is_ok() && second.is_ok()), "one revision, one winner: {first:?} {second:?}");
    }
    let deadline = Instant::now() + DEADLINE;
    loop {
        let seen = one.observer.observe().await;
        // Where one alone was told of a conflict the other's stands; else either, and never a mixture.
        let alone = done[0].0 != done[1].0;
        let fits = |split| done.iter().any(|(may_stand, target)| *target == split && (*may_stand || !alone));
        if seen.as_ref().is_ok_and(|seen| seen.mixed.is_none() && fits(seen.split)) {
            break;
        }
        assert!(Instant::now() < deadline, "what is left is nobody's: {seen:?}; {first:?} {second:?}");
        tokio::task::yield_now().await;
    }
    one.apply(&order("c", Move::Rollback, green(0), None)).await.unwrap();
    two.settles(green(0)).await;
}

async fn an_order_that_was_given_up_does_not_outlive_a_rollback<R: Rig>() {
    let rig = R::start(green(0)).await;
    let operator = Operator::of(&rig);
    let forward = order("a", Move::Promote, green(10), Some(operator.revision().await));
    // Its caller waits no longer; it may be anywhere on its way.
    let _ = timeout(Duration::from_millis(1), operator.driver.apply(&forward)).await;
    let back = order("b", Move::Rollback, green(0), None);
    let deadline = Instant::now() + DEADLINE;
    // A rollback is tried until it is taken, as the engine does; what overtook it is a reason to try again.
    while operator.apply(&back).await.is_err() {
        assert!(Instant::now() < deadline, "the way back is never taken");
    }
    operator.settles(green(0)).await;
    for _ in 0..20 {
        let seen = operator.read().await;
        assert_eq!((seen.split, seen.mixed), (green(0), None), "the order that was given up came after all");
    }
}

/// As a network keeps it: the caller is gone, the change is still to come.
async fn an_order_that_comes_late_does_not_outlive_a_rollback<R: Rig>() {
    // Where the way back changes something, and where the late order finds the very state that it expects.
    for before in [50, 0] {
        let rig = R::start(green(0)).await;
        let Some((relay, backend)) = rig.relayed().await else {
            rig::not_applicable(std::any::type_name::<R>(), "a change that comes late");
            return;
        };
        let operator = Operator::at::<R>(&backend);
        if before > 0 {
            operator.apply(&order("a", Move::Promote, green(before), Some(operator.revision().await))).await.unwrap();
            operator.settles(green(before)).await;
        }
        let late = order("b", Move::Switch, green(100), Some(operator.revision().await));
        relay.arm();
        tokio::select! {
            result = operator.driver.apply(&late) => panic!("it is held back: {result:?}"),
            () = relay.is_held() => {}
        }
        let back = order("c", Move::Rollback, green(0), None);
        let back = operator.apply(&back);
        tokio::pin!(back);
        // The way back waits for nothing. Where it finds its own state it sends none.
        let early = tokio::select! {
            () = relay.has_passed() => None,
            result = &mut back => Some(result),
        };
        relay.let_go().await;
        match early {
            Some(result) => result,
            None => back.await,
        }
        .expect("the way back is taken");
        // The late order may show for a moment; then the way back is set once more.
        let deadline = Instant::now() + DEADLINE;
        let mut in_a_row = 0;
        while in_a_row < 20 {
            let seen = operator.observer.observe().await;
            let is_back = seen.as_ref().is_ok_and(|seen| seen.split == green(0) && seen.mixed.is_none());
            in_a_row = if is_back { in_a_row + 1 } else { 0 };
            assert!(Instant::now() < deadline, "the late order came after all: {seen:?}");
        }
    }
}

async fn a_strange_revision_is_refused_and_nothing_more<R: Rig>() {
    let rig = R::start(green(0)).await;
    let operator = Operator::of(&rig);
    let revision = operator.revision().await;
    for strange in
        ["", "0", "x y", "a;b", "$(touch x)", "\"}'", "a\r\nX-Evil: 1\r\n\r\n", "../../x", "\u{1b}[2J", "%00"]
    {
        let forward = order(strange, Move::Promote, green(10), Some(Revision(strange.into())));
        let result = operator.apply(&forward).await;
        let is_refused = matches!(result, Err(BackendError::Conflict(_) | BackendError::Refused(_)));
        assert!(is_refused, "{strange:?}: {result:?}");
        let text = format!("{result:?}");
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text:?}");
    }
    assert_eq!(operator.revision().await, revision, "nothing was done");
    operator.settles(green(0)).await;
}

async fn tells_that_it_is_down<R: Rig>() {
    tells_trouble_apart::<R>(Trouble::Down).await;
}

async fn tells_that_it_is_silent<R: Rig>() {
    tells_trouble_apart::<R>(Trouble::Silent).await;
}

async fn tells_html_from_an_answer<R: Rig>() {
    tells_trouble_apart::<R>(Trouble::Html).await;
}

async fn tells_an_answer_that_is_cut_off<R: Rig>() {
    tells_trouble_apart::<R>(Trouble::CutOff).await;
}

async fn tells_wrong_credentials<R: Rig>() {
    tells_trouble_apart::<R>(Trouble::WrongCredentials).await;
}

async fn tells_what_is_applied_by_half<R: Rig>() {
    tells_trouble_apart::<R>(Trouble::HalfApplied).await;
}

/// In this trouble reading fails with the right kind of error, an order fails or is unknown, and nothing hangs.
async fn tells_trouble_apart<R: Rig>(trouble: Trouble) {
    let mut rig = R::start(green(0)).await;
    let before = Operator::of(&rig).revision().await;
    if !rig.trouble(trouble).await {
        rig::not_applicable(std::any::type_name::<R>(), trouble);
        return;
    }
    let operator = Operator::of(&rig);
    // What is on the screen is what can be read now, if anything can.
    let seen = timeout(Duration::from_secs(1), operator.observer.observe()).await;
    let revision = seen.ok().and_then(Result::ok).map_or(before, |seen| seen.revision);
    let forward = order("a", Move::Promote, green(10), Some(revision));
    // A backend may leave the deadline to its caller; then silence is what the caller makes of it.
    let applied = match timeout(DEADLINE, operator.driver.apply(&forward)).await {
        Ok(result) => result.map(|_| ()),
        Err(_) => Err(BackendError::Unknown("deadline".into())),
    };
    match trouble {
        Trouble::Down => assert!(matches!(applied, Err(BackendError::Unreachable(_))), "{trouble:?}: {applied:?}"),
        Trouble::Silent => assert!(matches!(applied, Err(BackendError::Unknown(_))), "{trouble:?}: {applied:?}"),
        Trouble::Html | Trouble::CutOff => {
            let error = applied.expect_err("no answer is no success");
            assert!(error.may_have_happened(), "{trouble:?}: {error}");
            assert!(operator.observer.observe().await.is_err());
        }
        Trouble::WrongCredentials => {
            assert!(matches!(applied, Err(BackendError::Denied(_))), "{trouble:?}: {applied:?}");
            let text = format!("{applied:?}");
            assert!(!text.contains(rig::WRONG_TOKEN), "a secret is shown: {text}");
        }
        Trouble::HalfApplied => {
            let seen = operator.read().await;
            // Told as mixed; or taken back, and told as no success.
            let is_back = applied.is_err() && seen.split == green(0);
            assert!(seen.mixed.is_some() || is_back, "half is not done: {applied:?} {seen:?}");
        }
    }
}

async fn keeps_the_split_over_a_restart<R: Rig>() {
    let mut rig = R::start(green(0)).await;
    let operator = Operator::of(&rig);
    let revision = operator.revision().await;
    operator.apply(&order("a", Move::Promote, green(50), Some(revision.clone()))).await.unwrap();
    operator.settles(green(50)).await;
    if !rig.restart().await {
        rig::not_applicable(std::any::type_name::<R>(), "restart");
        return;
    }
    let survives = rig.backend().capabilities().survives_restart;
    let operator = Operator::of(&rig);
    operator.settles(if survives { green(50) } else { green(0) }).await;
    let refused = operator.apply(&order("b", Move::Switch, green(100), Some(revision))).await;
    assert!(matches!(refused, Err(BackendError::Conflict(_))), "a revision from before the restart: {refused:?}");
    operator.apply(&order("c", Move::Rollback, green(0), None)).await.unwrap();
    operator.settles(green(0)).await;
}

macro_rules! conformance {
    ($name:ident, $rig:ty: $($check:ident),* $(,)?) => {
        mod $name {
            $(
                #[tokio::test]
                async fn $check() {
                    if <$rig as super::rig::Rig>::is_there(concat!(stringify!($name), "::", stringify!($check))) {
                        super::$check::<$rig>().await;
                    }
                }
            )*
        }
    };
    ($name:ident, $rig:ty) => {
        conformance!(
            $name, $rig: reads, sets_switches_and_rolls_back, refuses_a_stale_forward_order,
            takes_a_rollback_whatever_the_revision, takes_the_same_id_as_the_same_act,
            a_late_retry_does_not_undo_a_rollback, previews_without_sending,
            tells_that_it_is_down, tells_that_it_is_silent, tells_html_from_an_answer,
            tells_an_answer_that_is_cut_off, tells_wrong_credentials, tells_what_is_applied_by_half,
            keeps_the_split_over_a_restart, another_console_sees_what_one_did,
            two_consoles_at_once_leave_what_one_ordered, an_order_that_was_given_up_does_not_outlive_a_rollback,
            an_order_that_comes_late_does_not_outlive_a_rollback,
            a_strange_revision_is_refused_and_nothing_more,
        );
    };
}

conformance!(scripted_memory, crate::scripted::Memory);
conformance!(
    scripted_controller, crate::scripted::ByController: reads, sets_switches_and_rolls_back, refuses_a_stale_forward_order,
    takes_a_rollback_whatever_the_revision, takes_the_same_id_as_the_same_act, a_late_retry_does_not_undo_a_rollback,
    previews_without_sending, another_console_sees_what_one_did, a_strange_revision_is_refused_and_nothing_more,
);
conformance!(
    scripted_slow, crate::scripted::Slow: reads, sets_switches_and_rolls_back, refuses_a_stale_forward_order,
    takes_the_same_id_as_the_same_act, previews_without_sending, a_strange_revision_is_refused_and_nothing_more,
);
conformance!(embedded_gateway, crate::embedded::EmbeddedGateway);
conformance!(haproxy_two_nodes, crate::haproxy::TwoNodes);
conformance!(haproxy_saved_weights, crate::haproxy::SavedWeights);
conformance!(envoy_runtime, crate::envoy::TwoProcesses);
conformance!(envoy_routes, crate::envoy::OneFile);
conformance!(hook_exec, crate::hook::Script);
conformance!(hook_http, crate::hook::Calls);
conformance!(caddy_admin, crate::caddy::Patched);
conformance!(traefik_file, crate::traefik::FileOf);
conformance!(traefik_redis, crate::traefik::RedisOf);
conformance!(nginx_file, crate::nginx::Reloaded);
conformance!(dns_bind, crate::dns::Updated);
conformance!(dns_powerdns, crate::dns::Picked);
