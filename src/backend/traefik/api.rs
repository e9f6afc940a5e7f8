//! What Traefik shows: the weighted service as it is in force, and whether its sides are up.

use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::Value as Json;
use tokio::task::JoinSet;

use super::{include, share};
use crate::backend::BackendError;
use crate::backend::exchange::{exchange_with, place};
use crate::backend::traefik::spec::TraefikSpec;
use crate::domain::observation::Replicas;
use crate::domain::text::clean;
use crate::domain::{Pair, Side};
use crate::http::{Client, Headers};

/// Longest time one reading may take. With what is written it stays below the 3 s that an order is given.
const LIMIT: Duration = Duration::from_millis(1200);

/// What one instance serves by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) weights: Pair<u64>,
    /// Why it does not serve by them at all.
    pub(super) disabled: Option<String>,
    /// Servers of each side, and which of them are not UP; `None` where it does not tell.
    pub(super) replicas: Pair<Option<(Replicas, Option<String>)>>,
}

/// One instance, and what it answered.
#[derive(Debug)]
pub(super) struct Instance {
    /// Its address.
    pub(super) place: String,
    pub(super) answer: Result<Shown, BackendError>,
}

/// Reads every instance, all at once; in their order. With `sides` the services of the sides too.
pub(super) async fn read_all(client: &Client, spec: &TraefikSpec, sides: bool) -> Vec<Instance> {
    let mut tasks = JoinSet::new();
    for (at, api) in spec.apis.iter().enumerate() {
        let (client, spec, api) = (client.clone(), spec.clone(), api.clone());
        tasks.spawn(async move {
            let place = Url::parse(&api).map_or_else(|_| clean(&api, 120), |url| place(&url));
            let answer = read(&client, &spec, &api, sides).await;
            (at, Instance { place, answer })
        });
    }
    let mut found = tasks.join_all().await;
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, instance)| instance).collect()
}

async fn read(client: &Client, spec: &TraefikSpec, api: &str, sides: bool) -> Result<Shown, BackendError> {
    let headers = Headers::read_any(&spec.headers, |text| Ok::<_, BackendError>(text.to_owned()))?;
    let get = |name: String| service(client, &headers, api, name);
    let blue = async { if sides { get(spec.full(&spec.names.blue)).await.ok() } else { None } };
    let green = async { if sides { get(spec.full(&spec.names.green)).await.ok() } else { None } };
    let (split, blue, green) = tokio::join!(get(spec.full_name()), blue, green);
    let (split, place) = split?;
    let (weights, mut disabled) =
        weights(spec, &split).map_err(|why| BackendError::Garbled(format!("{place}: {}: {why}", spec.full_name())))?;
    if disabled.is_none() && !has_user(&split) && !is_nested(client, &headers, api, spec).await {
        disabled =
            Some(format!("no router of Traefik uses {}: name it as the service of your router", spec.full_name()));
    }
    let replicas = Pair { blue: blue.and_then(|it| replicas(&it.0)), green: green.and_then(|it| replicas(&it.0)) };
    Ok(Shown { weights, disabled, replicas })
}

/// One service as the API tells it, and where it was asked.
async fn service(client: &Client, headers: &Headers, api: &str, name: String) -> Result<(Json, String), BackendError> {
    let url = format!("{api}/api/http/services/{name}");
    let parsed = Url::parse(&url).map_err(|error| BackendError::Refused(format!("not a URL: {error}")))?;
    let place = place(&parsed);
    // Traefik's own 404 is JSON; one of others is that of another server, or of a Traefik without its API.
    let missing = |status: u16, body: &[u8]| {
        (status == 404).then(|| match serde_json::from_slice::<Json>(body) {
            Ok(_) => BackendError::Refused(format!(
                "{place}: Traefik has no service {name}: is the file in the directory it watches, or the key below its \
                 rootKey?"
            )),
            Err(_) => BackendError::Refused(format!(
                "{place}: status 404: is this Traefik's API, and is it enabled there (api: {{}})?"
            )),
        })
    };
    let answer = exchange_with(client.request(Method::GET, &url).headers(headers), &place, LIMIT, missing).await?;
    let value: Json = serde_json::from_slice(&answer.body).map_err(|fault| {
        let begins = clean(&String::from_utf8_lossy(&answer.body[..answer.body.len().min(120)]), 60);
        let fault = clean(&fault.to_string(), 100);
        BackendError::Garbled(format!("{place}: {fault}; the answer begins with {begins:?}: is this Traefik's API?"))
    })?;
    let told = value.get("name").and_then(Json::as_str).unwrap_or_default();
    if told != name {
        let told = clean(told, 80);
        return Err(BackendError::Garbled(format!("{place}: it tells of {told:?} where {name} was asked for")));
    }
    Ok((value, place))
}

/// Whether a router names the service, as far as Traefik says.
fn has_user(value: &Json) -> bool {
    value.get("usedBy").and_then(Json::as_array).is_some_and(|routers| !routers.is_empty())
}

/// Whether another service (a mirror, a failover) holds the one that cutover writes; also where that cannot be read.
async fn is_nested(client: &Client, headers: &Headers, api: &str, spec: &TraefikSpec) -> bool {
    let url = format!("{api}/api/http/services?per_page=1000");
    let request = client.request(Method::GET, &url).headers(headers);
    let Ok(answer) = exchange_with(request, "Traefik", LIMIT, |_, _| None).await else { return true };
    let Ok(Json::Array(services)) = serde_json::from_slice::<Json>(&answer.body) else { return true };
    let (own, short) = (spec.full_name(), spec.full_name());
    let short = short.split('@').next().unwrap_or(&own);
    services.iter().any(|service| {
        let is_own = service.get("name").and_then(Json::as_str) == Some(own.as_str());
        let names = |value: &Json| value.as_str().is_some_and(|name| name == own || name == short);
        !is_own && any_value(service, &names)
    })
}

fn any_value(value: &Json, holds: &impl Fn(&Json) -> bool) -> bool {
    match value {
        Json::Array(list) => list.iter().any(|it| any_value(it, holds)),
        Json::Object(members) => members.iter().any(|(key, it)| key != "usedBy" && any_value(it, holds)),
        other => holds(other),
    }
}

/// The weights in an answer, and why they are not in force.
fn weights(spec: &TraefikSpec, value: &Json) -> Result<(Pair<u64>, Option<String>), String> {
    let Some(list) = value.pointer("/weighted/services").and_then(Json::as_array) else {
        let kind = value.get("type").and_then(Json::as_str).unwrap_or("another");
        return Err(match kind {
            "weighted" => "it shares to no service at all".into(),
            _ => format!("no weighted service, but {}", clean(kind, 40)),
        });
    };
    let services: Option<Vec<_>> = list.iter().map(include::service).collect();
    let services = services.ok_or("services without names and weights: is this an API of another version?")?;
    let weights = share::of_services(spec, &services)?;
    let is_enabled = value.get("status").and_then(Json::as_str).is_none_or(|status| status != "disabled");
    let why = || {
        let first = value.pointer("/error/0").and_then(Json::as_str).unwrap_or("no reason given");
        format!("Traefik has disabled {}: {}", spec.full_name(), clean(first, 160))
    };
    Ok((weights, (!is_enabled).then(why)))
}

/// How many servers of a side Traefik sends requests to, and the others with their state.
fn replicas(value: &Json) -> Option<(Replicas, Option<String>)> {
    let servers = value.get("serverStatus")?.as_object()?;
    let others: Vec<String> = servers
        .iter()
        .filter(|(_, status)| status.as_str() != Some("UP"))
        .map(|(url, status)| clean(&format!("Traefik has {url} {}", status.as_str().unwrap_or("in no state")), 120))
        .collect();
    let replicas = Replicas { ready: (servers.len() - others.len()) as u32, total: servers.len() as u32 };
    Some((replicas, (!others.is_empty()).then(|| others.join("; "))))
}

/// The worst of what instances said, with every one's words; `None` where all of them answered.
pub(super) fn worst(instances: &[Instance]) -> Option<BackendError> {
    let faults: Vec<&BackendError> = instances.iter().filter_map(|it| it.answer.as_ref().err()).collect();
    let told = faults.iter().map(|fault| fault.detail()).collect::<Vec<_>>().join("; ");
    let kind = faults.iter().find(|fault| fault.may_have_happened()).or(faults.first())?;
    Some(match kind {
        BackendError::Unreachable(_) => BackendError::Unreachable(told),
        BackendError::Unknown(_) => BackendError::Unknown(told),
        BackendError::Conflict(_) => BackendError::Conflict(told),
        BackendError::Denied(_) => BackendError::Denied(told),
        BackendError::Refused(_) => BackendError::Refused(told),
        BackendError::Busy(_) => BackendError::Busy(told),
        BackendError::Garbled(_) => BackendError::Garbled(told),
    })
}

/// What the instances show, for the revision.
pub(super) fn token(instances: &[Instance]) -> String {
    let part = |it: &Instance| match &it.answer {
        Ok(shown) => {
            format!("{}={}:{} {}", it.place, shown.weights.blue, shown.weights.green, shown.disabled.is_some())
        }
        Err(_) => format!("{}=-", it.place),
    };
    instances.iter().map(part).collect::<Vec<_>>().join(" ")
}

/// Servers ready, by the instance that sees the fewest.
pub(super) fn fewest(instances: &[Instance], side: Side) -> Option<(Replicas, Option<String>)> {
    let shown = instances.iter().filter_map(|it| it.answer.as_ref().ok());
    shown.filter_map(|it| it.replicas[side].clone()).min_by_key(|(replicas, _)| replicas.ready)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::share::tests::spec;
    use super::*;
    use crate::backend::traefik::spec::FileFormat;

    #[test]
    fn an_answer_is_read_strictly() {
        let spec = spec(FileFormat::Yaml);
        let sound = json!({"weighted":{"services":[{"name":"blue","weight":90},{"name":"green@docker","weight":10}]},
            "status":"enabled","name":"split@file","provider":"file","type":"weighted"});
        assert_eq!(weights(&spec, &sound), Ok((Pair { blue: 90, green: 10 }, None)));
        let mut disabled = sound.clone();
        disabled["status"] = "disabled".into();
        disabled["error"] = json!(["the service \"green@docker\" does not exist\u{1b}[2J"]);
        let why = weights(&spec, &disabled).unwrap().1.unwrap();
        assert_eq!(why, "Traefik has disabled split@file: the service \"green@docker\" does not exist");
        for odd in [
            json!({"loadBalancer":{},"type":"loadbalancer"}),
            json!({"weighted":{"services":[{"name":"blue","weight":"90"}]}}),
            json!({"weighted":{"services":[{"service":"blue"}]}}),
            json!({"weighted":{"services":{}}}),
            json!([]),
        ] {
            assert!(weights(&spec, &odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn servers_are_counted() {
        let value = json!({"serverStatus":{"http://a":"UP","http://b":"DOWN"}});
        let (counted, others) = replicas(&value).unwrap();
        assert_eq!(counted, Replicas { ready: 1, total: 2 });
        assert_eq!(others.as_deref().map(|it| it.starts_with("Traefik has ")), Some(true), "{others:?}");
        assert_eq!(replicas(&json!({})), None);
    }
}
