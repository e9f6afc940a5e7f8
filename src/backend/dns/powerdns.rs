//! PowerDNS by its HTTP interface: a LUA record that picks an address by weight for every answer.

use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::records::{self, Weighted};
use crate::backend::BackendError;
use crate::backend::dns::spec::{DnsSpec, Target};
use crate::backend::exchange::{exchange, place};
use crate::domain::text::clean;
use crate::domain::{HeaderValue, SecretRef};
use crate::http::{Client, Headers, Request};

/// Longest time one call may take: an order makes two, within three seconds together.
const LIMIT: Duration = Duration::from_millis(1400);

/// Where the interface is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Api<'a> {
    pub(super) client: &'a Client,
    pub(super) url: &'a str,
    pub(super) server_id: &'a str,
    pub(super) key: &'a SecretRef,
}

/// What the interface says about the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LuaRecord {
    pub(super) targets: Vec<Weighted>,
    pub(super) ttl: u32,
    /// Records of the plain type stand beside the LUA record.
    pub(super) is_double: bool,
}

impl Api<'_> {
    /// The zone's path in the interface.
    fn path(&self, spec: &DnsSpec) -> String {
        format!("/api/v1/servers/{}/zones/{}.", self.server_id, spec.zone)
    }

    fn request(&self, method: Method, path: &str) -> Result<(Request, String), BackendError> {
        let url = format!("{}{path}", self.url);
        let parsed = Url::parse(&url).map_err(|error| BackendError::Refused(format!("not a URL: {error}")))?;
        let key = [("x-api-key".to_owned(), HeaderValue::Secret(self.key.clone()))];
        let headers = Headers::read_any(&key, |text| Ok::<_, BackendError>(text.to_owned()))?;
        Ok((self.client.request(method, &url).headers(&headers), place(&parsed)))
    }

    pub(super) async fn read(&self, spec: &DnsSpec) -> Result<LuaRecord, BackendError> {
        // Versions without this filter answer the whole zone.
        let path = format!("{}?rrset_name={}.", self.path(spec), spec.name);
        let (request, place) = self.request(Method::GET, &path)?;
        let answer = exchange(request, &place, LIMIT).await?;
        let zone: Value = serde_json::from_slice(&answer.body).map_err(|fault| {
            let begins = clean(&String::from_utf8_lossy(&answer.body[..answer.body.len().min(120)]), 60);
            BackendError::Garbled(format!(
                "{place}: {}; the answer begins with {begins:?}",
                clean(&fault.to_string(), 120)
            ))
        })?;
        read_record(spec, &zone).map_err(|why| BackendError::Garbled(format!("{place}: {why}")))
    }

    pub(super) async fn write(&self, spec: &DnsSpec, targets: &[Weighted]) -> Result<(), BackendError> {
        let (request, place) = self.request(Method::PATCH, &self.path(spec))?;
        let body = body(spec, targets)?.to_string();
        let request = request.header("content-type", "application/json").body(body);
        let answer = exchange(request, &place, LIMIT).await?;
        let text = answer.body.trim_ascii();
        if text.is_empty() || serde_json::from_slice::<Value>(text).is_ok() {
            return Ok(());
        }
        Err(BackendError::Garbled(format!("{place}: it answered no JSON: is this the PowerDNS interface?")))
    }
}

/// The change as it is sent: it writes the LUA record, and removes a record of the plain type.
pub(super) fn body(spec: &DnsSpec, targets: &[Weighted]) -> Result<Value, BackendError> {
    records::not_empty(targets)?;
    let kind = spec.record.name();
    let name = format!("{}.", spec.name);
    let picks: Vec<String> = targets
        .iter()
        .filter(|(_, weight)| *weight > 0)
        .map(|(target, weight)| format!("{{{weight},'{target}'}}"))
        .collect();
    let content = format!("{kind} \"pickwrandom({{{}}})\"", picks.join(","));
    Ok(json!({ "rrsets": [
        { "name": name, "type": kind, "changetype": "DELETE" },
        { "name": name, "type": "LUA", "ttl": spec.ttl_s, "changetype": "REPLACE",
          "records": [{ "content": content, "disabled": false }] },
    ] }))
}

fn read_record(spec: &DnsSpec, zone: &Value) -> Result<LuaRecord, String> {
    let sets = zone.get("rrsets").and_then(Value::as_array).ok_or("no rrsets in the answer: is this a zone?")?;
    let (name, kind) = (format!("{}.", spec.name), spec.record.name());
    let of = |wanted: &str| {
        sets.iter().find(|set| {
            let text = |key| set.get(key).and_then(Value::as_str).unwrap_or_default();
            text("name").eq_ignore_ascii_case(&name) && text("type") == wanted
        })
    };
    let (lua, plain) = (of("LUA"), of(kind));
    let Some(set) = lua.or(plain) else {
        return Ok(LuaRecord { targets: Vec::new(), ttl: spec.ttl_s, is_double: false });
    };
    let ttl = set.get("ttl").and_then(Value::as_u64).and_then(|ttl| u32::try_from(ttl).ok()).unwrap_or(spec.ttl_s);
    let mut targets = Vec::new();
    for record in set.get("records").and_then(Value::as_array).into_iter().flatten() {
        if record.get("disabled").and_then(Value::as_bool) == Some(true) {
            continue;
        }
        let content = record.get("content").and_then(Value::as_str).unwrap_or_default();
        if lua.is_some() {
            targets.extend(picks(kind, content)?);
        } else {
            targets.push((address(content)?, 1));
        }
    }
    Ok(LuaRecord { targets, ttl, is_double: lua.is_some() && plain.is_some() })
}

/// Reads `A "pickwrandom({{90,'10.0.0.11'},{10,'10.0.0.12'}})"`.
fn picks(kind: &str, content: &str) -> Result<Vec<Weighted>, String> {
    let no = || format!("the LUA record is not {kind} with pickwrandom: {:?}", clean(content, 80));
    let (found, code) = content.trim().split_once(char::is_whitespace).ok_or_else(no)?;
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    let code = code.trim_start_matches(';').trim_start_matches("return");
    let inner = code.strip_prefix("pickwrandom({").and_then(|rest| rest.strip_suffix("})"));
    let inner = inner.filter(|_| found == kind).ok_or_else(no)?;
    let pairs = inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(no)?;
    pairs
        .split("},{")
        .map(|pair| {
            let (weight, target) = pair.split_once(',').ok_or_else(no)?;
            let target = target.trim_matches('\'');
            Ok((address(target)?, weight.parse().map_err(|_| no())?))
        })
        .collect()
}

fn address(text: &str) -> Result<Target, String> {
    text.trim().parse().map(Target::Address).map_err(|_| format!("{:?} is no address", clean(text, 60)))
}

#[cfg(test)]
mod tests {
    use super::super::records::tests::spec;
    use super::*;
    use crate::backend::dns::spec::RecordKind;
    use crate::domain::{Side, Split};

    fn zone(kind: &str, content: &str) -> Value {
        json!({"rrsets": [
            {"name": "other.ml.test.", "type": "LUA", "ttl": 5, "records": [{"content": "A \"x\""}]},
            {"name": "API.ml.test.", "type": kind, "ttl": 30, "records": [{"content": content, "disabled": false}]},
        ]})
    }

    #[test]
    fn what_is_sent_is_what_is_read_back() {
        let spec = spec(RecordKind::A, &["10.0.0.1", "10.0.0.2"], &["10.0.0.3"]);
        for green in 0..=100 {
            let split = Split::toward(Side::Green, green);
            let body = body(&spec, &records::weighted(&spec, split).unwrap()).unwrap();
            let content = body["rrsets"][1]["records"][0]["content"].as_str().unwrap();
            let record = read_record(&spec, &zone("LUA", content)).unwrap();
            assert_eq!(
                records::reading(&spec, &record.targets).unwrap(),
                records::Reading { split, odd: None },
                "{content}"
            );
            assert!(!content.contains("{0,"), "{content}");
        }
    }

    #[test]
    fn an_all_zero_answer_is_neither_sent_nor_taken_for_a_split() {
        let spec = spec(RecordKind::A, &["10.0.0.1"], &["10.0.0.3"]);
        let zero: Vec<Weighted> = vec![(Target::Address("10.0.0.1".parse().unwrap()), 0)];
        assert!(matches!(body(&spec, &zero), Err(BackendError::Refused(_))));
        let record = read_record(&spec, &zone("LUA", "A \"pickwrandom({{0,'10.0.0.1'},{0,'10.0.0.3'}})\"")).unwrap();
        assert!(records::reading(&spec, &record.targets).unwrap_err().to_string().contains("weight 0"));
    }

    #[test]
    fn other_forms_are_read_or_told() {
        let spec = spec(RecordKind::A, &["10.0.0.1"], &["10.0.0.3"]);
        let spaced =
            read_record(&spec, &zone("LUA", "A \";return pickwrandom({ {90, '10.0.0.1'}, {10, '10.0.0.3'} })\""));
        assert_eq!(records::reading(&spec, &spaced.unwrap().targets).unwrap().split, Split::toward(Side::Green, 10));
        let plain = read_record(&spec, &zone("A", "10.0.0.3")).unwrap();
        assert_eq!(records::reading(&spec, &plain.targets).unwrap().split, Split::all(Side::Green));
        for content in [
            "A \"ifportup(443, {'10.0.0.1'})\"",
            "AAAA \"pickwrandom({{1,'10.0.0.1'}})\"",
            "",
            "A \"pickwrandom({{x,'y'}})\"",
        ] {
            assert!(read_record(&spec, &zone("LUA", content)).is_err(), "{content}");
        }
        assert!(read_record(&spec, &json!({"error": "Not Found"})).is_err());
        assert!(read_record(&spec, &json!({"rrsets": []})).unwrap().targets.is_empty());
    }
}
