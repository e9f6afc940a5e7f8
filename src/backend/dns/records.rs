//! From a split to records, and from records to a split.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::{CNAME, SRV};

use super::message;
use crate::backend::BackendError;
use crate::backend::dns::spec::{DnsSpec, RecordKind, Target};
use crate::domain::{Digest, Revision, Side, Split};

/// A share may differ from a whole percent by this much, in percent: weights are rounded.
const ROUNDING: f64 = 0.01;

/// A target and its weight.
pub(super) type Weighted = (Target, u32);

/// What records say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) split: Split,
    /// What the split does not say, in words.
    pub(super) odd: Option<String>,
}

/// The targets that take traffic at `split`, each with a weight that makes the sides' shares exact.
///
/// # Errors
/// No target would be left: an empty answer is an outage.
pub(super) fn weighted(spec: &DnsSpec, split: Split) -> Result<Vec<Weighted>, BackendError> {
    let mut found = Vec::new();
    for side in Side::BOTH {
        let share = u32::from(split.share(side));
        // A record of weight 0 still gets some requests, so a side without traffic has no record.
        if share > 0 {
            // Times the number of the other side's targets: a side of three then weighs as much as a side of one.
            let others = spec.targets[side.other()].len() as u32;
            let weight = if split.share(side) == 100 { 100 } else { share * others };
            found.extend(spec.targets[side].iter().map(|target| (target.clone(), weight)));
        }
    }
    not_empty(&found)?;
    Ok(found)
}

/// Refuses targets without any weight.
pub(super) fn not_empty(targets: &[Weighted]) -> Result<(), BackendError> {
    if targets.iter().all(|(_, weight)| *weight == 0) {
        return Err(BackendError::Refused("no target would have a weight: an empty answer is an outage".into()));
    }
    Ok(())
}

/// The records themselves.
pub(super) fn data(targets: &[Weighted]) -> Result<Vec<RData>, BackendError> {
    let one = |(target, weight): &Weighted| {
        Ok(match target {
            Target::Address(IpAddr::V4(address)) => RData::A((*address).into()),
            Target::Address(IpAddr::V6(address)) => RData::AAAA((*address).into()),
            Target::Name(name) => RData::CNAME(CNAME(message::name(name)?)),
            Target::Service(name, port) => {
                let weight = u16::try_from(*weight).unwrap_or(u16::MAX);
                RData::SRV(SRV::new(0, weight, *port, message::name(name)?))
            }
        })
    };
    targets.iter().map(one).collect()
}

/// The targets of records. A server answers only records of `kind`, unless the name is an alias.
///
/// # Errors
/// What they are instead, in words.
pub(super) fn targets(kind: RecordKind, records: &[RData]) -> Result<Vec<Weighted>, String> {
    let one = |data: &RData| match (kind, data) {
        (RecordKind::A, RData::A(address)) => Ok((Target::Address(address.0.into()), 1)),
        (RecordKind::Aaaa, RData::AAAA(address)) => Ok((Target::Address(address.0.into()), 1)),
        (RecordKind::Cname, RData::CNAME(name)) => Ok((Target::Name(message::text(name)), 1)),
        (RecordKind::Srv, RData::SRV(to)) => {
            Ok((Target::Service(message::text(&to.target), to.port), u32::from(to.weight)))
        }
        (_, RData::CNAME(name)) => Err(format!("it is an alias of {}, no {}", message::text(name), kind.name())),
        _ => Err(format!("it has other records than {}", kind.name())),
    };
    records.iter().map(one).collect()
}

/// The split that targets make.
///
/// # Errors
/// There are no targets, or none of either side.
pub(super) fn reading(spec: &DnsSpec, found: &[Weighted]) -> Result<Reading, BackendError> {
    let (mut weights, mut strangers) = ([0_u64, 0], Vec::new());
    for (target, weight) in found {
        match Side::BOTH.into_iter().position(|side| spec.targets[side].contains(target)) {
            Some(at) => weights[at] += u64::from(*weight),
            None => strangers.push(target.to_string()),
        }
    }
    let all = weights[0] + weights[1];
    let (name, kind) = (&spec.name, spec.record.name());
    if all == 0 {
        return Err(BackendError::Garbled(match strangers.first() {
            Some(stranger) => format!("{name} {kind} is {stranger}, which is neither side's"),
            None if found.is_empty() => format!("{name} has no {kind} record: no side can be found"),
            None => format!("every {kind} record of {name} has weight 0"),
        }));
    }
    let percent = weights[1] as f64 * 100.0 / all as f64;
    let mut odd = Vec::new();
    if (percent - percent.round()).abs() > ROUNDING {
        odd.push(format!("green takes {percent:.2} %, no whole percent"));
    }
    if let Some(stranger) = strangers.first() {
        odd.push(format!("{stranger} answers too, and is neither side's"));
    }
    let has_weights = spec.record == RecordKind::Srv || all > found.len() as u64;
    let incomplete = Side::BOTH.into_iter().enumerate().any(|(at, side)| {
        weights[at] > 0 && spec.targets[side].iter().any(|target| !found.iter().any(|(there, _)| there == target))
    });
    if incomplete {
        odd.push("not all targets of a side are there".into());
    } else if !has_weights && weights[0] > 0 && weights[1] > 0 {
        odd.push("the targets of both sides answer".into());
    }
    let split = Split::toward(Side::Green, percent.round() as u8);
    Ok(Reading { split, odd: (!odd.is_empty()).then(|| odd.join("; ")) })
}

/// The digest of the records; their order does not matter.
pub(super) fn revision(found: &[Weighted]) -> Revision {
    let sorted: BTreeMap<String, u32> = found.iter().map(|(target, weight)| (target.to_string(), *weight)).collect();
    let digest = Digest::of(sorted.iter().map(|(target, weight)| format!("{target} {weight}")));
    Revision(digest.as_str().chars().take(16).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::backend::dns::spec::DnsWay;
    use crate::domain::Pair;

    pub(in super::super) fn spec(record: RecordKind, blue: &[&str], green: &[&str]) -> DnsSpec {
        let target = |text: &&str| match record {
            RecordKind::A | RecordKind::Aaaa => Target::Address(text.parse().unwrap()),
            RecordKind::Cname => Target::Name((*text).to_owned()),
            RecordKind::Srv => {
                let (name, port) = text.split_once(':').unwrap();
                Target::Service(name.into(), port.parse().unwrap())
            }
        };
        let server: SocketAddr = "127.0.0.1:53".parse().unwrap();
        DnsSpec {
            name: "api.ml.test".into(),
            zone: "ml.test".into(),
            record,
            targets: Pair { blue: blue.iter().map(target).collect(), green: green.iter().map(target).collect() },
            ttl_s: 30,
            way: DnsWay::Update { server, secondaries: Vec::new(), key: None },
        }
    }

    #[test]
    fn every_split_that_weights_can_say_is_read_back() {
        let spec = spec(RecordKind::Srv, &["b1:80", "b2:80", "b3:80"], &["g1:80"]);
        for green in 0..=100 {
            let split = Split::toward(Side::Green, green);
            let found = targets(spec.record, &data(&weighted(&spec, split).unwrap()).unwrap()).unwrap();
            assert_eq!(reading(&spec, &found).unwrap(), Reading { split, odd: None }, "{found:?}");
        }
    }

    #[test]
    fn addresses_are_all_or_nothing() {
        let spec = spec(RecordKind::A, &["10.0.0.1", "10.0.0.2"], &["10.0.0.3"]);
        let of = |addresses: &[&str]| {
            let data: Vec<RData> = addresses.iter().map(|text| RData::A(text.parse().unwrap())).collect();
            reading(&spec, &targets(spec.record, &data).unwrap())
        };
        assert_eq!(of(&["10.0.0.2", "10.0.0.1"]).unwrap(), Reading { split: Split::all(Side::Blue), odd: None });
        assert_eq!(of(&["10.0.0.3"]).unwrap(), Reading { split: Split::all(Side::Green), odd: None });
        assert_eq!(of(&["10.0.0.1"]).unwrap().odd.as_deref(), Some("not all targets of a side are there"));
        let both = of(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]).unwrap().odd.unwrap();
        assert!(both.contains("both sides answer"), "{both}");
        let stranger = of(&["10.0.0.3", "10.9.9.9"]).unwrap().odd;
        assert_eq!(stranger.as_deref(), Some("10.9.9.9 answers too, and is neither side's"));
        for (addresses, told) in [(&["10.9.9.9"][..], "neither side's"), (&[], "has no A record")] {
            assert!(of(addresses).unwrap_err().to_string().contains(told));
        }
        assert!(
            targets(RecordKind::A, &[RData::CNAME(CNAME(message::name("x").unwrap()))])
                .unwrap_err()
                .contains("alias of x")
        );
    }

    #[test]
    fn an_answer_of_nothing_is_never_sent() {
        assert!(not_empty(&[]).is_err());
        let zero = (Target::Address("10.0.0.1".parse().unwrap()), 0);
        assert!(matches!(not_empty(&[zero]), Err(BackendError::Refused(_))));
    }

    #[test]
    fn the_order_of_records_is_no_revision() {
        let [a, b] = ["10.0.0.1", "10.0.0.2"].map(|text| (Target::Address(text.parse().unwrap()), 1));
        assert_eq!(revision(&[a.clone(), b.clone()]), revision(&[b, a.clone()]));
        let heavier = [(a.0.clone(), 2)];
        assert_ne!(revision(&[a]), revision(&heavier));
    }
}
