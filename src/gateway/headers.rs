//! Changes a message's head as a proxy must: removes hop-by-hop fields and adds forwarding fields.

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, Entry, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use hyper::{Method, Request, StatusCode, Uri, Version};

use super::replica::Target;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHENTICATE: HeaderName = HeaderName::from_static("proxy-authenticate");
const PROXY_AUTHORIZATION: HeaderName = HeaderName::from_static("proxy-authorization");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// A request that the gateway refuses, with the status and the reason.
pub(super) type Refusal = (StatusCode, &'static str);

/// The protocol that the client asks to upgrade to, if the request follows the rules.
pub(super) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = headers.get(UPGRADE)?;
    let named = headers.get_all(CONNECTION).iter().any(|value| {
        value.to_str().is_ok_and(|value| value.split(',').any(|name| name.trim().eq_ignore_ascii_case("upgrade")))
    });
    named.then(|| wanted.clone())
}

/// Refuses requests that cannot be proxied by the rules.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), Refusal> {
    if request.method() == Method::CONNECT {
        return Err((StatusCode::NOT_IMPLEMENTED, "CONNECT is not supported"));
    }
    let headers = request.headers();
    let mut hosts = headers.get_all(HOST).iter();
    let has_host = hosts.next().is_some() || request.uri().authority().is_some();
    if hosts.next().is_some() || (!has_host && request.version() >= Version::HTTP_11) {
        return Err((StatusCode::BAD_REQUEST, "exactly one Host is needed"));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err((StatusCode::NOT_IMPLEMENTED, "of transfer codings only chunked is supported")),
    }
}

/// Rewrites a client's request for `target`.
pub(super) fn forward<B>(request: &mut Request<B>, target: &Target, peer: &HeaderValue, upgrade: Option<&HeaderValue>) {
    readdress(request, target);
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    if headers.contains_key(TRANSFER_ENCODING) {
        // Chunked wins over a length. A message with both must never be passed on.
        headers.remove(CONTENT_LENGTH);
    }
    strip(headers);
    let host = headers.entry(HOST).or_insert_with(|| target.authority.clone()).clone();
    append(headers, FORWARDED_FOR, peer);
    headers.entry(FORWARDED_PROTO).or_insert(const { HeaderValue::from_static("http") });
    headers.entry(FORWARDED_HOST).or_insert(host);
    if let Some(protocol) = upgrade {
        headers.insert(UPGRADE, protocol.clone());
        headers.insert(CONNECTION, const { HeaderValue::from_static("upgrade") });
    }
}

/// Removes every field meant for one hop only, and those that Connection names.
pub(super) fn strip(headers: &mut HeaderMap) {
    if let Entry::Occupied(entry) = headers.entry(CONNECTION) {
        let (_, values) = entry.remove_entry_mult();
        let named: Vec<HeaderName> = values
            .filter(|value| !value.as_bytes().eq_ignore_ascii_case(b"keep-alive"))
            .flat_map(|value| named(&value))
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in
        [KEEP_ALIVE, PROXY_CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE]
    {
        headers.remove(name);
    }
}

/// The fields that a Connection value names. Framing and addressing fields are never removed this way.
fn named(value: &HeaderValue) -> Vec<HeaderName> {
    let names =
        value.as_bytes().split(|byte| *byte == b',').filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
    names.filter(|name| *name != HOST && *name != CONTENT_LENGTH).collect()
}

/// Sets the path for the replica (with its base in front), and Host if the target was absolute.
pub(super) fn readdress<B>(request: &mut Request<B>, target: &Target) {
    if let Some(authority) = request.uri().authority() {
        if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
            request.headers_mut().insert(HOST, host);
        }
    } else if target.base.is_empty() {
        return;
    }
    if request.uri().path() == "*" {
        return;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = format!("{}{}{path}", target.base, if path.starts_with('/') { "" } else { "/" });
    // Both parts are valid, so the whole is too. If not, the replica gets the path unchanged.
    if let Ok(uri) = Uri::try_from(path) {
        *request.uri_mut() = uri;
    }
}

fn append(headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue) {
    match headers.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(value.clone());
        }
        Entry::Occupied(mut entry) => {
            let mut list = Vec::new();
            for part in entry.iter() {
                list.extend_from_slice(part.as_bytes());
                list.extend_from_slice(b", ");
            }
            list.extend_from_slice(value.as_bytes());
            if let Ok(list) = HeaderValue::from_bytes(&list) {
                entry.insert(list);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&str, &str)]) -> Request<()> {
        let mut builder = Request::builder().uri("/a?b=c");
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap()
    }

    #[test]
    fn one_hop_fields_go_and_the_rest_stays() {
        let mut sent = request(&[
            ("host", "models"),
            ("connection", "close, X-Secret-Hop, host, content-length"),
            ("connection", "x-other"),
            ("x-secret-hop", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("proxy-authorization", "Basic x"),
            ("proxy-connection", "keep-alive"),
            ("upgrade", "h2c"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("authorization", "Bearer t"),
            ("x-kept", "3"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
        ]);
        let target = Target::parse("http://10.0.0.1:81/base").unwrap();
        forward(&mut sent, &target, &HeaderValue::from_static("9.9.9.9"), None);
        let mut left: Vec<String> =
            sent.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        left.sort();
        assert_eq!(
            left,
            [
                "authorization: Bearer t",
                "host: models",
                "x-forwarded-for: 1.1.1.1, 2.2.2.2, 9.9.9.9",
                "x-forwarded-host: models",
                "x-forwarded-proto: http",
                "x-kept: 3"
            ]
        );
        assert_eq!(sent.uri(), "/base/a?b=c");
    }

    #[test]
    fn an_absolute_target_sets_host_and_goes_on_as_a_path() {
        let mut sent = request(&[("host", "other")]);
        *sent.uri_mut() = "http://models:8/x".parse().unwrap();
        forward(&mut sent, &Target::parse("http://h").unwrap(), &HeaderValue::from_static("9.9.9.9"), None);
        assert_eq!((sent.uri().to_string().as_str(), sent.headers()[HOST].to_str().unwrap()), ("/x", "models:8"));
    }

    #[test]
    fn what_cannot_be_proxied_is_refused() {
        assert!(check(&request(&[("host", "a")])).is_ok());
        assert!(check(&request(&[("host", "a"), ("transfer-encoding", "Chunked")])).is_ok());
        assert_eq!(check(&request(&[])).unwrap_err().0, StatusCode::BAD_REQUEST);
        assert_eq!(check(&request(&[("host", "a"), ("host", "b")])).unwrap_err().0, StatusCode::BAD_REQUEST);
        let gzip = request(&[("host", "a"), ("transfer-encoding", "gzip, chunked")]);
        assert_eq!(check(&gzip).unwrap_err().0, StatusCode::NOT_IMPLEMENTED);
    }

    #[test]
    fn an_upgrade_counts_only_if_connection_names_it() {
        assert!(wanted_upgrade(request(&[("upgrade", "websocket")]).headers()).is_none());
        let asked = request(&[("upgrade", "websocket"), ("connection", "keep-alive, Upgrade")]);
        assert_eq!(wanted_upgrade(asked.headers()).unwrap(), "websocket");
    }
}
