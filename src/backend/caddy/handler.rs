//! The handler that carries the split: reading it and changing it.
//!
//! Only the order's own fields change: the selection policy, and upstreams that are missing after a manual edit.
//! Every other field stays as it is. The policy's `"@id"`, which Caddy keeps and ignores, names the order that wrote
//! it. So an order that another process sends again is recognized.

use serde_json::{Map, Value, json};

use super::weights;
use crate::backend::BackendError;
use crate::backend::caddy::spec::HandlerAt;
use crate::domain::text::clean;
use crate::domain::{OrderId, Pair, Side, Split};

/// Caddy's policy with weights.
const POLICY: &str = "weighted_round_robin";

/// The handler as read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Handler {
    /// Its entity tag for `If-Match`, without the quotes.
    pub(super) etag: String,
    fields: Map<String, Value>,
}

/// The split that a handler shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) split: Split,
    /// Why its upstreams differ from those of the config.
    pub(super) odd: Option<String>,
    /// The weights, if they do not make a whole percent.
    pub(super) note: Option<String>,
}

impl Handler {
    /// Reads the answer of the admin interface; the error says what is wrong.
    pub(super) fn read(body: &[u8], etag: Option<String>) -> Result<Self, BackendError> {
        let value: Value = serde_json::from_slice(body).map_err(|fault| {
            let begins = clean(&String::from_utf8_lossy(&body[..body.len().min(120)]), 60);
            let fault = clean(&fault.to_string(), 120);
            BackendError::Garbled(format!(
                "{fault}; the answer begins with {begins:?}: is this Caddy's admin interface?"
            ))
        })?;
        let Value::Object(fields) = value else {
            return Err(BackendError::Garbled("no object, but a value stands there: name the handler".into()));
        };
        match fields.get("handler").and_then(Value::as_str) {
            Some("reverse_proxy") => {}
            Some(other) => {
                let other = clean(other, 60);
                return Err(BackendError::Refused(format!("a handler {other:?}, not a reverse_proxy: name that one")));
            }
            None => {
                return Err(BackendError::Refused(
                    "no handler: name the object with \"handler\": \"reverse_proxy\"".into(),
                ));
            }
        }
        if fields.get("dynamic_upstreams").is_some_and(|it| !it.is_null()) {
            let text = "it has dynamic_upstreams, which go before upstreams: no weight would count; remove them";
            return Err(BackendError::Refused(text.into()));
        }
        let etag = etag.filter(|etag| etag.split(' ').count() == 2).ok_or_else(|| {
            BackendError::Garbled(
                "no Etag as Caddy 2.7 and later send it: is this an older one, or a proxy before it?".into(),
            )
        })?;
        Ok(Self { etag, fields })
    }

    /// The hash of its content.
    pub(super) fn hash(&self) -> String {
        clean(self.etag.rsplit(' ').next().unwrap_or_default(), 40)
    }

    /// The `"@id"` of the policy.
    pub(super) fn tag(&self) -> Option<&str> {
        self.policy()?.get("@id")?.as_str()
    }

    fn policy(&self) -> Option<&Map<String, Value>> {
        self.fields.get("load_balancing")?.get("selection_policy")?.as_object()
    }

    /// The `dial` of each upstream, in order; `None` if one has none.
    fn dials(&self) -> Option<Vec<&str>> {
        let list = self.fields.get("upstreams").and_then(Value::as_array)?;
        list.iter().map(|upstream| upstream.get("dial")?.as_str()).collect()
    }

    /// The weight of each of `count` upstreams.
    fn weights(&self, count: usize) -> Result<Vec<u64>, BackendError> {
        let policy = self.policy();
        let name = policy.and_then(|policy| policy.get("policy")).and_then(Value::as_str).unwrap_or("random");
        if name != POLICY {
            return Err(BackendError::Refused(format!(
                "its selection policy is {}, which has no weights: write {POLICY} with a weight for each upstream",
                clean(name, 60)
            )));
        }
        let list = policy.and_then(|policy| policy.get("weights")).and_then(Value::as_array);
        let weights: Option<Vec<u64>> = list.and_then(|list| list.iter().map(Value::as_u64).collect());
        let Some(weights) = weights else {
            return Err(BackendError::Refused(format!("its {POLICY} has no weights of 0 and more")));
        };
        if weights.len() != count {
            return Err(BackendError::Refused(format!(
                "it has {} weights for {count} upstreams: write one for each, in their order",
                weights.len()
            )));
        }
        Ok(weights)
    }

    /// Its split, by the upstreams of the config.
    pub(super) fn reading(&self, upstreams: &Pair<Vec<String>>) -> Result<Reading, BackendError> {
        let dials = self.dials().filter(|dials| !dials.is_empty());
        let dials = dials.ok_or_else(|| BackendError::Refused("it has no upstreams, each with a dial".into()))?;
        let weights = self.weights(dials.len())?;
        let mut sums = Pair { blue: 0_u64, green: 0 };
        let mut odd = Vec::new();
        for (at, (dial, weight)) in dials.iter().zip(&weights).enumerate() {
            let side = Side::BOTH.into_iter().find(|side| upstreams[*side].iter().any(|own| own == dial));
            match side {
                Some(side) => sums[side] = sums[side].saturating_add(*weight),
                None if *weight > 0 => {
                    odd.push(format!("upstream {} belongs to no side and takes traffic", clean(dial, 60)));
                }
                None => odd.push(format!("upstream {} belongs to no side", clean(dial, 60))),
            }
            if dials[..at].contains(dial) {
                odd.push(format!("upstream {} is listed twice", clean(dial, 60)));
            }
        }
        for side in Side::BOTH {
            let missing = upstreams[side].iter().filter(|own| !dials.contains(&own.as_str()));
            odd.extend(missing.map(|dial| format!("{side}'s upstream {} is not in its list", clean(dial, 60))));
        }
        let Some((split, is_whole)) = weights::to_split(&sums) else {
            let told = odd.first().map(|odd| format!(": {odd}")).unwrap_or_default();
            return Err(BackendError::Refused(format!("no upstream of either side has a weight{told}")));
        };
        let shown = || dials.iter().zip(&weights).map(|(dial, weight)| format!("{}={weight}", clean(dial, 60)));
        let note =
            (!is_whole).then(|| format!("weights make no whole percent: {}", shown().collect::<Vec<_>>().join(" ")));
        odd.truncate(4);
        Ok(Reading { split, odd: (!odd.is_empty()).then(|| odd.join("; ")), note })
    }

    /// Whether it has an upstream of the config, whatever else somebody changed in it. One with upstreams of others alone
    /// belongs to another service; one without any belongs to nobody else.
    pub(super) fn is_ours(&self, upstreams: &Pair<Vec<String>>) -> bool {
        let own = |dial: &&str| upstreams.iter().any(|(_, own)| own.iter().any(|own| own == dial));
        self.dials().is_none_or(|dials| dials.is_empty() || dials.iter().any(own))
    }

    /// The whole handler for `split`: only the upstreams of the config, in their current order.
    pub(super) fn changed(&self, upstreams: &Pair<Vec<String>>, split: Split, tag: &str) -> Value {
        let own = || upstreams.blue.iter().chain(&upstreams.green);
        let mut list: Vec<Value> = Vec::new();
        let mut dials: Vec<String> = Vec::new();
        for upstream in self.fields.get("upstreams").and_then(Value::as_array).into_iter().flatten() {
            let Some(dial) = upstream.get("dial").and_then(Value::as_str) else { continue };
            if own().any(|own| own == dial) && !dials.iter().any(|there| there == dial) {
                dials.push(dial.to_owned());
                list.push(upstream.clone());
            }
        }
        for dial in own() {
            if !dials.contains(dial) {
                dials.push(dial.clone());
                list.push(json!({ "dial": dial }));
            }
        }
        let mut fields = self.fields.clone();
        fields.insert("upstreams".into(), Value::Array(list));
        let balancing = fields.entry("load_balancing").or_insert_with(|| json!({}));
        if !balancing.is_object() {
            *balancing = json!({});
        }
        if let Value::Object(balancing) = balancing {
            balancing.insert("selection_policy".into(), policy(upstreams, &dials, split, tag));
        }
        Value::Object(fields)
    }
}

/// The paths in Caddy's whole config of the reverse proxies that have an upstream of ours, at most four.
pub(super) fn places(config: &Value, upstreams: &Pair<Vec<String>>) -> Vec<String> {
    let mut found = Vec::new();
    walk(config, "/config", upstreams, &mut found);
    found
}

fn walk(value: &Value, at: &str, upstreams: &Pair<Vec<String>>, found: &mut Vec<String>) {
    const MOST: usize = 4;
    let is_proxy = value.get("handler").and_then(Value::as_str) == Some("reverse_proxy");
    if let Some(fields) = value.as_object().filter(|_| is_proxy) {
        let handler = Handler { etag: String::new(), fields: fields.clone() };
        let has_any = handler.dials().is_some_and(|dials| !dials.is_empty());
        if has_any && handler.is_ours(upstreams) && found.len() < MOST {
            found.push(clean(at, 160));
        }
        return;
    }
    let parts: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
        _ => return,
    };
    for (key, value) in parts {
        walk(value, &format!("{at}/{key}"), upstreams, found);
    }
}

/// The selection policy for `split`, with a weight for each of `dials`.
pub(super) fn policy(upstreams: &Pair<Vec<String>>, dials: &[String], split: Split, tag: &str) -> Value {
    let each = weights::for_split(split, &Pair::from_fn(|side| upstreams[side].len()));
    let weight = |dial: &String| if upstreams.blue.contains(dial) { each.blue } else { each.green };
    let weights: Vec<u64> = dials.iter().map(weight).collect();
    json!({ "@id": tag, "policy": POLICY, "weights": weights })
}

/// The id for the policy that `order` writes: one word in a path, different for every order.
pub(super) fn tag_of(handler: &HandlerAt, order: &OrderId) -> String {
    let plain = |text: &str| -> String {
        text.bytes()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("_{b:02x}") })
            .collect()
    };
    let handler = match handler {
        HandlerAt::Id(id) => plain(id),
        HandlerAt::Path(path) => path.bytes().filter(u8::is_ascii_digit).map(char::from).collect(),
    };
    format!("cutover-{handler}-{}", plain(&order.0))
}

#[cfg(test)]
mod tests;
