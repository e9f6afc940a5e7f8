//! The commands of the runtime API that read and set the split.

use super::weights;
use crate::backend::haproxy::spec::{MapEntry, Method};
use crate::domain::{Pair, Side, Split};

/// Selects the backend's own row and those of its servers.
const BACKEND_AND_SERVERS: &str = "6 -1";

/// The commands that read everything about one process. The first answer is that of `show info`.
pub(super) fn reading(method: &Method) -> Vec<String> {
    let stat = |backend: &String| format!("show stat {backend} {BACKEND_AND_SERVERS}");
    let mut commands = vec!["show info".to_owned()];
    match method {
        Method::Switch { backends, .. } | Method::Percent { backends, .. } => {
            commands.push(state(method));
            commands.extend(backends.iter().flat_map(|it| [stat(&it.blue), stat(&it.green)]));
        }
        Method::Weights { backend, .. } => {
            commands.push(state(method));
            commands.push(stat(backend));
            // Weights can be set at this level only.
            commands.push("show cli level".to_owned());
        }
    }
    commands
}

/// The command that reads only what carries the split.
pub(super) fn state(method: &Method) -> String {
    match method {
        Method::Switch { entry, .. } | Method::Percent { entry, .. } => format!("show map {}", entry.map),
        Method::Weights { backend, .. } => format!("show servers state {backend}"),
    }
}

/// The commands that set `split`, in order. `toward` is the side that gains traffic; it gains before the other loses.
pub(super) fn setting(method: &Method, split: Split, toward: Side) -> Vec<String> {
    match method {
        Method::Switch { entry, .. } | Method::Percent { entry, .. } => {
            let value = value(method, split).unwrap_or_default();
            vec![format!("set map {} {} {value}", entry.map, entry.key)]
        }
        Method::Weights { backend, servers, .. } => {
            let weights = weights::for_split(split, &servers.map(|_, servers| servers.len()));
            let side = |side: Side| {
                let pairs = servers[side].iter().zip(&weights[side]);
                pairs.map(|(server, weight)| format!("set server {backend}/{server} weight {weight}"))
            };
            side(toward).chain(side(toward.other())).collect()
        }
    }
}

/// The command that adds the map's entry for `split`, where HAProxy has none.
pub(super) fn adding(method: &Method, split: Split) -> Option<String> {
    let (entry, value) = (entry(method)?, value(method, split)?);
    Some(format!("add map {} {} {value}", entry.map, entry.key))
}

/// The value of the map's entry for `split`; `None` if there is no such value.
pub(super) fn value(method: &Method, split: Split) -> Option<String> {
    match method {
        Method::Switch { values, .. } => {
            Side::BOTH.into_iter().find(|side| split == Split::all(*side)).map(|side| values[side].clone())
        }
        Method::Percent { .. } => Some(split.share(Side::Green).to_string()),
        Method::Weights { .. } => None,
    }
}

/// The split for a value of the map's entry; `None` for an unknown value.
pub(super) fn split_of(method: &Method, value: &str) -> Option<Split> {
    match method {
        Method::Switch { values, .. } => Side::BOTH.into_iter().find(|side| values[*side] == value).map(Split::all),
        Method::Percent { .. } => {
            let percent = value.parse::<u8>().ok().filter(|percent| *percent <= 100)?;
            Some(Split::toward(Side::Green, percent))
        }
        Method::Weights { .. } => None,
    }
}

/// The entry of a map that carries the split.
pub(super) fn entry(method: &Method) -> Option<&MapEntry> {
    match method {
        Method::Switch { entry, .. } | Method::Percent { entry, .. } => Some(entry),
        Method::Weights { .. } => None,
    }
}

/// The backend whose rows belong to a side.
pub(super) fn backends(method: &Method) -> Option<&Pair<String>> {
    match method {
        Method::Switch { backends, .. } | Method::Percent { backends, .. } => backends.as_ref(),
        Method::Weights { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_that_gains_is_raised_first() {
        let servers = Pair { blue: vec!["b1".into(), "b2".into()], green: vec!["g1".into(), "g2".into()] };
        let method = Method::Weights { backend: "be".into(), servers, addresses: Pair::default() };
        let ten = Split::toward(Side::Green, 10);
        assert_eq!(
            setting(&method, ten, Side::Green),
            [
                "set server be/g1 weight 10",
                "set server be/g2 weight 10",
                "set server be/b1 weight 90",
                "set server be/b2 weight 90"
            ]
        );
        assert!(setting(&method, Split::all(Side::Blue), Side::Blue)[0].ends_with("be/b1 weight 100"));
    }

    #[test]
    fn a_value_that_means_nothing_is_no_split() {
        let entry = MapEntry { map: "m".into(), key: "k".into() };
        let percent = Method::Percent { entry, backends: None };
        assert_eq!(split_of(&percent, "25"), Some(Split::toward(Side::Green, 25)));
        for bad in ["", "101", "-1", "25%", "abc", "256"] {
            assert_eq!(split_of(&percent, bad), None, "{bad}");
        }
    }
}
