//! The routes: checks that the key really decides between the clusters of the sides, and finds what applies without
//! it.

use serde_json::Value;

use crate::domain::text::clean;
use crate::domain::{Pair, Side};

/// The paths where a process shows the routes of its own file, and its dynamic routes.
pub(super) const ROUTES: [&str; 2] =
    ["/config_dump?resource=static_route_configs", "/config_dump?resource=dynamic_route_configs"];

/// Green's percent if the key has no value; the error says what the routes lack.
pub(super) fn default_percent(dumps: &[Value], key: &str, clusters: &Pair<String>) -> Result<u8, String> {
    let mut found = None;
    for routes in dumps.iter().flat_map(virtual_hosts).map(routes) {
        for (at, route) in routes.iter().enumerate() {
            let Some(fraction) = route.pointer("/match/runtime_fraction") else { continue };
            if fraction.get("runtime_key").and_then(Value::as_str) != Some(key) {
                continue;
            }
            let percent = of_route(route, fraction, key, &clusters.green)?;
            if !routes.iter().skip(at + 1).any(|later| takes_the_rest(later, route, &clusters.blue)) {
                let blue = clean(&clusters.blue, 60);
                return Err(format!(
                    "no route to cluster {blue:?} follows the one with runtime_key {key}: write one with the same match"
                ));
            }
            if found.is_some_and(|other| other != percent) {
                return Err(format!("routes with runtime_key {key} have different defaults: write one default_value"));
            }
            found = Some(percent);
        }
    }
    found.ok_or_else(|| {
        format!("no route uses the key {key}: write it as runtime_key in the runtime_fraction of green's route")
    })
}

/// Green's percent in the default of a route that uses the key.
fn of_route(route: &Value, fraction: &Value, key: &str, green: &str) -> Result<u8, String> {
    let to = route.pointer("/route/cluster").and_then(Value::as_str);
    if to != Some(green) {
        let to = to.map_or_else(|| "no single cluster".to_owned(), |to| format!("cluster {:?}", clean(to, 60)));
        let green = clean(green, 60);
        return Err(format!("the route with runtime_key {key} goes to {to}, not to green's cluster {green:?}"));
    }
    // Envoy omits values that are 0 or the first of an enum. HUNDRED is the first.
    let denominator = fraction.pointer("/default_value/denominator").map_or(Some("HUNDRED"), Value::as_str);
    if denominator != Some("HUNDRED") {
        let has = clean(denominator.unwrap_or("no name"), 40);
        return Err(format!("the default of runtime_key {key} has denominator {has}: write HUNDRED"));
    }
    let percent = fraction.pointer("/default_value/numerator").map_or(Some(0), Value::as_u64);
    percent
        .and_then(|percent| u8::try_from(percent).ok())
        .filter(|percent| *percent <= 100)
        .ok_or_else(|| format!("the default of runtime_key {key} is no percent: write a numerator of 0 to 100"))
}

/// Whether `later` sends the rest of the traffic of `route` to `blue`.
fn takes_the_rest(later: &Value, route: &Value, blue: &str) -> bool {
    let bare = |route: &Value| {
        let mut matched = route.get("match").cloned().unwrap_or_default();
        if let Some(matched) = matched.as_object_mut() {
            matched.remove("runtime_fraction");
        }
        matched
    };
    let has_fraction = later.pointer("/match/runtime_fraction").is_some();
    let matched = bare(later);
    let is_all = matched.as_object().is_some_and(|it| it.len() == 1)
        && matched.get("prefix").and_then(Value::as_str) == Some("/");
    !has_fraction
        && (is_all || matched == bare(route))
        && later.pointer("/route/cluster").and_then(Value::as_str) == Some(blue)
}

/// A split from weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weighted {
    /// The name of the route configuration.
    pub(super) name: String,
    /// Green's percent.
    pub(super) percent: u8,
    /// Why the split is not the whole truth.
    pub(super) odd: Option<String>,
}

/// The split in route configurations (in the one called `name` if given); the error says what they lack.
pub(super) fn weighted(configs: &[Value], name: Option<&str>, clusters: &Pair<String>) -> Result<Weighted, String> {
    let mut found: Option<Weighted> = None;
    for config in configs {
        let own = config.get("name").and_then(Value::as_str).unwrap_or_default();
        let hosts = config.get("virtual_hosts").and_then(Value::as_array).into_iter().flatten();
        if name.is_some_and(|name| name != own) {
            continue;
        }
        for route in hosts.flat_map(routes) {
            let Some(weights) = weights(route, clusters)? else { continue };
            let (percent, mut odd) = percent(&weights)?;
            match &mut found {
                None => found = Some(Weighted { name: clean(own, 80), percent, odd }),
                Some(found) if found.percent != percent => {
                    odd = Some(format!("its routes share differently: {} % and {percent} %", found.percent));
                    found.odd = found.odd.take().or(odd);
                }
                Some(found) => found.odd = found.odd.take().or(odd),
            }
        }
    }
    found.ok_or_else(|| {
        let (blue, green) = (clean(&clusters.blue, 60), clean(&clusters.green, 60));
        format!("no route with weighted_clusters of {blue:?} and {green:?} is there")
    })
}

/// The weights of a route to the sides; an error if it also leads elsewhere.
fn weights(route: &Value, clusters: &Pair<String>) -> Result<Option<Pair<u64>>, String> {
    let Some(list) = route.pointer("/route/weighted_clusters/clusters").and_then(Value::as_array) else {
        return Ok(None);
    };
    let name = |entry: &Value| entry.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut found = Pair { blue: None, green: None };
    let mut others = Vec::new();
    for entry in list {
        let own = name(entry);
        let Some(side) = Side::BOTH.into_iter().find(|side| clusters[*side] == own) else {
            others.push(clean(&own, 60));
            continue;
        };
        let weight = match entry.get("weight") {
            None => Some(0),
            // Protocol buffers write numbers in JSON in both ways.
            Some(weight) => weight.as_u64().or_else(|| weight.as_str()?.parse().ok()),
        };
        let weight = weight.filter(|weight| u32::try_from(*weight).is_ok());
        if found[side].replace(weight.ok_or_else(|| format!("the weight of {own:?} is no number"))?).is_some() {
            return Err(format!("cluster {own:?} stands twice in one route"));
        }
    }
    match (found.blue, found.green) {
        (None, None) => Ok(None),
        (Some(blue), Some(green)) if others.is_empty() => Ok(Some(Pair { blue, green })),
        _ => Err(format!(
            "a route's weighted_clusters must be {:?} and {:?} and no other ({})",
            clusters.blue,
            clusters.green,
            if others.is_empty() { "one is missing".to_owned() } else { others.join(", ") }
        )),
    }
}

/// Green's percent, and a note if it is not whole.
fn percent(weights: &Pair<u64>) -> Result<(u8, Option<String>), String> {
    let all = weights.blue + weights.green;
    if all == 0 {
        return Err("all weights of a route are 0: Envoy rejects that".into());
    }
    let exact = weights.green as f64 * 100.0 / all as f64;
    let mut percent = exact.round() as u8;
    // A side with any traffic is never shown with 0 %.
    if weights.blue > 0 && weights.green > 0 {
        percent = percent.clamp(1, 99);
    }
    let odd = (weights.green * 100 != u64::from(percent) * all)
        .then(|| format!("weights {} and {} make no whole percent", weights.blue, weights.green));
    Ok((percent, odd))
}

/// The route configurations in a dump of routes.
pub(super) fn configs(dump: &Value) -> Vec<Value> {
    let configs = dump.get("configs").and_then(Value::as_array).into_iter().flatten();
    configs.filter_map(|it| it.get("route_config").cloned()).collect()
}

/// The virtual hosts in a dump of routes.
fn virtual_hosts(dump: &Value) -> impl Iterator<Item = &Value> {
    let configs = dump.get("configs").and_then(Value::as_array).into_iter().flatten();
    configs.filter_map(|it| it.pointer("/route_config/virtual_hosts")?.as_array()).flatten()
}

/// The routes of a virtual host.
fn routes(host: &Value) -> &[Value] {
    host.get("routes").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dump(routes: &Value) -> Vec<Value> {
        vec![json!({}), json!({"configs": [{"route_config": {"virtual_hosts": [{"name": "m", "routes": routes}]}}]})]
    }

    fn read(routes: &Value) -> Result<u8, String> {
        let clusters = Pair { blue: "be_b".to_owned(), green: "be_g".to_owned() };
        default_percent(&dump(routes), "k", &clusters)
    }

    fn green(default: &Value) -> Value {
        json!({"match": {"prefix": "/", "runtime_fraction": {"default_value": default, "runtime_key": "k"}},
               "route": {"cluster": "be_g"}})
    }

    fn blue(prefix: &str) -> Value {
        json!({"match": {"prefix": prefix}, "route": {"cluster": "be_b"}})
    }

    #[test]
    fn the_default_is_what_the_route_says() {
        assert_eq!(read(&json!([green(&json!({})), blue("/")])), Ok(0));
        assert_eq!(read(&json!([green(&json!({"numerator": 40})), blue("/")])), Ok(40));
        assert_eq!(read(&json!([green(&json!({"numerator": 4, "denominator": "HUNDRED"})), blue("/")])), Ok(4));
    }

    #[test]
    fn routes_that_do_not_split_are_told() {
        let fault = |routes: &Value, words: &str| {
            let told = read(routes).expect_err(words);
            assert!(told.contains(words), "{told}");
        };
        fault(&json!([blue("/")]), "no route uses the key k");
        fault(&json!([green(&json!({}))]), "no route to cluster \"be_b\"");
        fault(&json!([blue("/"), green(&json!({}))]), "no route to cluster \"be_b\"");
        fault(&json!([green(&json!({})), blue("/other")]), "no route to cluster \"be_b\"");
        fault(&json!([green(&json!({"denominator": "MILLION"})), blue("/")]), "write HUNDRED");
        fault(&json!([green(&json!({"numerator": 101})), blue("/")]), "no percent");
        let mut turned = green(&json!({}));
        turned["route"]["cluster"] = json!("be_b");
        fault(&json!([turned, blue("/")]), "not to green's cluster");
        let two = json!([green(&json!({"numerator": 1})), green(&json!({})), blue("/")]);
        fault(&two, "different defaults");
    }
}
