//! A service as it may be written to a file that leaves this machine: what may be a secret is `***`.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::service::Service;

/// What is shown in place of a secret.
const MASK: &str = "***";

/// Writes `service` with plain header values, alert URLs, request bodies and arguments of commands masked, and with
/// URLs cut before their query. The result can be read as a [`Service`] again.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(service: &Service, to: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(service).map_err(serde::ser::Error::custom)?;
    mask(&mut value);
    value.serialize(to)
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(members) => members.iter_mut().for_each(|(key, value)| mask_member(key, value)),
        _ => {}
    }
}

fn mask_member(key: &str, value: &mut Value) {
    match (key, &mut *value) {
        ("plain" | "body" | "prompt", Value::String(text)) => *text = MASK.into(),
        // The program stays, its arguments do not.
        ("argv" | "command", Value::Array(words)) => words.iter_mut().skip(1).for_each(|word| *word = MASK.into()),
        ("url" | "prometheus", Value::String(url)) => *url = without_secrets(url),
        ("urls", Value::Array(urls)) => urls.iter_mut().for_each(|url| mask_member("url", url)),
        _ => mask(value),
    }
}

/// A URL without the part before `@` and the part after `?`.
fn without_secrets(url: &str) -> String {
    let (url, query) = url.split_once('?').map_or((url, ""), |(url, _)| (url, "?***"));
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let host = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, host)| format!("{MASK}@{host}"));
    if scheme.is_empty() { format!("{host}{query}") } else { format!("{scheme}://{host}{query}") }
}

#[cfg(test)]
mod tests {
    use super::{mask, without_secrets};

    #[test]
    fn a_password_in_a_list_of_urls_is_masked() {
        let mut value = serde_json::json!({ "sides": { "blue": { "urls": ["http://u:p@h:1/x"] } } });
        mask(&mut value);
        assert_eq!(value["sides"]["blue"]["urls"][0], "http://***@h:1/x");
    }

    #[test]
    fn a_url_keeps_what_is_no_secret() {
        for (url, shown) in [
            ("http://10.0.0.1:9090", "http://10.0.0.1:9090"),
            ("https://u:p@host/a?key=1", "https://***@host/a?***"),
            ("/v1/ready?token=x", "/v1/ready?***"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
