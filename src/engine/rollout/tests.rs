use super::*;

fn record(fact: Fact) -> Record {
    Record { at: chrono::Utc::now(), by: Actor { name: "op1".into(), via: "cli".into() }, fact }
}

fn ordered(id: &str) -> Record {
    let order = Order {
        id: OrderId(id.into()),
        kind: Move::Promote,
        from: Some(Split::all(Side::Blue)),
        target: Split::toward(Side::Green, 10),
        toward: Side::Green,
        expected: None,
    };
    record(Fact::Ordered { order, digest: None, why: None, cause: None })
}

fn is(id: &str, state: OrderState) -> Record {
    record(Fact::OrderIs { id: OrderId(id.into()), state, detail: None, fault: None, accepted: None })
}

fn folded(records: &[Record]) -> Rollout {
    let mut rollout = Rollout::default();
    let started = record(Fact::Started { live: Side::Blue, versions: Pair { blue: None, green: None } });
    for record in std::iter::once(&started).chain(records) {
        rollout.fold(record, Stamp { wall: chrono::Utc::now(), mono_ms: 0 });
    }
    rollout
}

#[test]
fn of_two_orders_of_one_moment_the_one_that_was_taken_counts() {
    use OrderState::{Accepted, Failed, Verified};
    let (a, b) = (|| ordered("a"), || ordered("b"));
    let tellings = [
        vec![a(), b(), is("a", Accepted), is("b", Failed), is("a", Verified)],
        vec![a(), b(), is("a", Accepted), is("a", Verified), is("b", Failed)],
        vec![a(), b(), is("b", Failed), is("a", Accepted), is("a", Verified)],
        vec![b(), a(), is("a", Accepted), is("b", Failed), is("a", Verified)],
        vec![b(), is("b", Failed), a(), is("a", Accepted), is("a", Verified)],
        vec![a(), is("a", Accepted), is("a", Verified), b(), is("b", Failed)],
    ];
    for (n, records) in tellings.iter().enumerate() {
        let rollout = folded(records);
        assert_eq!(rollout.last.as_ref().map(|last| last.order.id.0.as_str()), Some("a"), "{n}");
        assert_eq!(rollout.desired, Some(Split::toward(Side::Green, 10)), "{n}");
        assert_eq!(rollout.stage, Stage::Moving, "{n}");
        assert!(rollout.step_since.is_some() && rollout.unsettled().is_none(), "{n}");
        assert_eq!(rollout.reached_at.iter().map(|it| it.0).collect::<Vec<_>>(), [10], "{n}");
    }
}

#[test]
fn an_order_that_knew_of_the_one_before_takes_itself_back_alone() {
    use OrderState::{Failed, Verified};
    let mut next = ordered("b");
    if let Fact::Ordered { order, .. } = &mut next.fact {
        (order.from, order.target) = (Some(Split::toward(Side::Green, 10)), Split::toward(Side::Green, 50));
    }
    let rollout = folded(&[ordered("a"), is("a", Verified), next, is("b", Failed)]);
    let last = rollout.last.as_ref().map(|last| (last.order.id.0.as_str(), last.state));
    assert_eq!(last, Some(("b", Failed)), "what became of it is still told");
    assert_eq!((rollout.desired, rollout.stage), (Some(Split::toward(Side::Green, 10)), Stage::Moving));
}

#[test]
fn when_both_failed_nothing_was_asked() {
    let records = [ordered("a"), ordered("b"), is("a", OrderState::Failed), is("b", OrderState::Failed)];
    let rollout = folded(&records);
    assert_eq!((rollout.desired, rollout.stage), (Some(Split::all(Side::Blue)), Stage::Idle));
}
