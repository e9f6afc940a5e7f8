//! Shares as weights, and back.
//!
//! Traefik holds changes back (`providersThrottleDuration`), so that a change may come into force after one that
//! was written later looks done: 100/0, then 0/100, then 100/0 again. Weights are therefore the shares times a number
//! that each order has of its own. They share requests as the shares would, and what Traefik shows tells which order
//! it serves by.

use crate::backend::traefik::spec::TraefikSpec;
use crate::domain::text::clean;
use crate::domain::{Digest, OrderId, Pair, Side, Split};

/// Orders have numbers from 1 to this.
const MARKS: u64 = 9_973;
/// A share may be this far from a whole percent.
const ROUNDING: f64 = 0.005;
/// Weights above this are no weights.
const MAX_WEIGHT: u64 = 1_000_000_000;

/// The weights of `order`: the same ones for the same order, and others than `now`.
pub(super) fn weights(split: Split, order: &OrderId, now: Option<Pair<u64>>) -> Pair<u64> {
    let digest = Digest::of([order.0.as_bytes()]);
    let number = digest.as_str().bytes().fold(0_u64, |sum, byte| (sum * 31 + u64::from(byte)) % MARKS);
    let times = |mark: u64| Pair::from_fn(|side| u64::from(split.share(side)) * mark);
    let weights = times(1 + number);
    if now == Some(weights) { times(1 + (number + 1) % MARKS) } else { weights }
}

/// The split that `weights` make, and why it is not one in whole percent.
///
/// # Errors
/// They make none.
pub(super) fn split(weights: Pair<u64>) -> Result<(Split, Option<String>), String> {
    let sum = weights.blue + weights.green;
    if sum == 0 {
        return Err("the weights of both sides are 0: Traefik answers 503 to every request".into());
    }
    let green = 100.0 * weights.green as f64 / sum as f64;
    let odd = ((green - green.round()).abs() > ROUNDING).then(|| format!("green takes {green:.2} %, no whole percent"));
    Ok((Split::toward(Side::Green, green.round() as u8), odd))
}

/// The weight of each side in a list of services and their weights.
///
/// # Errors
/// What the list holds instead.
pub(super) fn of_services(spec: &TraefikSpec, services: &[(String, Option<u64>)]) -> Result<Pair<u64>, String> {
    let mut found: Pair<Option<u64>> = Pair::default();
    for (name, weight) in services {
        let full = spec.full(name);
        let side = Side::BOTH.into_iter().find(|side| spec.full(&spec.names[*side]) == full);
        let Some(side) = side else {
            return Err(format!("it shares to {:?} too, which is no side's service", clean(name, 80)));
        };
        // Traefik's own default.
        let weight = weight.unwrap_or(1);
        if weight > MAX_WEIGHT {
            return Err(format!("a weight of {weight} is none"));
        }
        if found[side].replace(weight).is_some() {
            return Err(format!("{:?} stands in it twice", clean(name, 80)));
        }
    }
    let of = |side: Side| found[side].ok_or_else(|| format!("{:?} does not stand in it", spec.names[side]));
    Ok(Pair { blue: of(Side::Blue)?, green: of(Side::Green)? })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::backend::traefik::spec::{FileFormat, TraefikWay};

    pub(in super::super) fn spec(format: FileFormat) -> TraefikSpec {
        TraefikSpec {
            apis: vec!["http://127.0.0.1:1".into()],
            headers: Vec::new(),
            transport: crate::domain::Transport::default(),
            service: "split".into(),
            names: Pair { blue: "blue".into(), green: "green@docker".into() },
            way: TraefikWay::File { path: "/x/split.yml".into(), format },
        }
    }

    #[test]
    fn weights_share_as_asked_and_tell_the_order() {
        for green in 0..=100 {
            let asked = Split::toward(Side::Green, green);
            let first = weights(asked, &OrderId("a".into()), None);
            assert_eq!(split(first), Ok((asked, None)));
            assert_eq!(weights(asked, &OrderId("a".into()), None), first, "a retry writes the same");
            let other = weights(asked, &OrderId("a".into()), Some(first));
            assert_ne!(other, first, "what is shown now cannot be what is written next");
            assert_eq!(split(other), Ok((asked, None)));
        }
        let of = |id: u32| weights(Split::all(Side::Blue), &OrderId(id.to_string()), None).blue;
        let different: std::collections::BTreeSet<u64> = (0..40).map(of).collect();
        assert!(different.len() > 20, "{different:?}");
    }

    #[test]
    fn weights_of_others_are_understood_or_told() {
        let of = |blue, green| split(Pair { blue, green });
        assert_eq!(of(9, 1), Ok((Split::toward(Side::Green, 10), None)));
        assert_eq!(of(1, 2).unwrap().1.as_deref(), Some("green takes 66.67 %, no whole percent"));
        assert!(of(0, 0).unwrap_err().contains("503"));
        let spec = spec(FileFormat::Yaml);
        let read = |list: &[(&str, Option<u64>)]| {
            let list: Vec<_> = list.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
            of_services(&spec, &list)
        };
        assert_eq!(read(&[("green@docker", Some(3)), ("blue@file", None)]), Ok(Pair { blue: 1, green: 3 }));
        for (list, told) in [
            (&[("blue", Some(1)), ("green", Some(1))][..], "it shares to \"green\" too, which is no side's service"),
            (&[("blue", Some(1))], "\"green@docker\" does not stand in it"),
            (&[("blue", Some(1)), ("blue@file", Some(1))], "\"blue@file\" stands in it twice"),
            (&[("blue", Some(u64::MAX))], "a weight of 18446744073709551615 is none"),
        ] {
            assert_eq!(read(list).unwrap_err(), told);
        }
    }
}
