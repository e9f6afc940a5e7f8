//! Requests and replicas in the form in which they are sent. All bytes that can be made before the load starts are
//! made here.

use std::net::SocketAddr;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING, USER_AGENT,
};
use hyper::{Method, Uri};

use crate::domain::Transport;
use crate::http::{Client, Target};

/// One request, ready to be sent to any replica.
pub struct Prepared {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
    /// `content-length` and the end of the head.
    end: Vec<u8>,
    /// The expected status; 2xx if not given.
    status: Option<u16>,
}

impl Prepared {
    /// A request to `path`, or what is wrong with the path.
    pub fn new(method: Method, path: String, body: Option<Vec<u8>>, status: Option<u16>) -> Result<Self, &'static str> {
        // Characters that would end the request line early are refused.
        let fits = path.starts_with('/') && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'#');
        if !fits || path.parse::<Uri>().is_err() {
            return Err("no valid path");
        }
        let mut end = Vec::new();
        if let Some(body) = &body {
            end.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        } else if method != Method::GET && method != Method::HEAD {
            end.extend_from_slice(b"content-length: 0\r\n");
        }
        end.extend_from_slice(b"\r\n");
        Ok(Self { method, path, body, end, status })
    }

    /// Whether `status` is the expected one.
    pub(super) fn accepts(&self, status: u16) -> bool {
        self.status.map_or((200..300).contains(&status), |right| right == status)
    }

    /// Whether the answer never has a body.
    pub(super) fn is_bare(&self) -> bool {
        self.method == Method::HEAD
    }

    pub(super) fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    /// Method, path and body, for a client that writes them itself.
    pub(super) fn parts(&self) -> (&Method, &str, Option<&[u8]>) {
        (&self.method, &self.path, self.body.as_deref())
    }
}

/// The address and prepared bytes of a replica.
pub(super) struct Place {
    /// `host:port`.
    pub(super) authority: String,
    /// The addresses; looked up once, when the load starts.
    pub(super) addresses: Vec<SocketAddr>,
    /// The prefix of every path.
    base: String,
    /// The head lines that are the same for all requests.
    head: Vec<u8>,
    content_type: Vec<u8>,
    /// The client for a replica behind TLS.
    pub(super) tls: Option<Secure>,
}

/// A replica behind TLS.
pub(super) struct Secure {
    pub(super) client: Client,
    pub(super) base: String,
    pub(super) headers: HeaderMap,
}

impl Place {
    /// The replica, or why it cannot be used.
    pub(super) fn new(target: &Target, transport: &Transport) -> Result<Self, String> {
        let fault = || format!("{} cannot be sent to: no valid URL", target.label());
        let uri: Uri = target.base.parse().map_err(|_| fault())?;
        let authority = uri.authority().ok_or_else(fault)?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(fault()),
        };
        let mut headers = HeaderMap::new();
        // A name and password before the host are not part of the host.
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| fault())?);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cutover/", env!("CARGO_PKG_VERSION"))));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &target.headers {
            let bad = || format!("{} cannot be sent to: no valid header {name:?}", target.label());
            let name = HeaderName::try_from(name.as_str()).map_err(|_| bad())?;
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| bad())?);
        }
        // The request itself says where it ends.
        for name in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION] {
            headers.remove(name);
        }
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let content_type = headers.remove(CONTENT_TYPE);
        let mut place = Self {
            authority: format!("{}:{port}", authority.host()),
            addresses: Vec::new(),
            base: uri.path().trim_end_matches('/').to_owned(),
            head: lines(headers.iter().map(|(name, value)| (name.as_str(), value))),
            content_type: lines(content_type.iter().map(|value| ("content-type", value))),
            tls: None,
        };
        if secure {
            headers.remove(HOST);
            headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
            let base = target.base.trim_end_matches('/').to_owned();
            place.tls = Some(Secure { client: Client::new(transport)?, base, headers });
        }
        Ok(place)
    }

    /// Writes the head of `request` to `out`.
    pub(super) fn write_head(&self, request: &Prepared, out: &mut Vec<u8>) {
        out.extend_from_slice(request.method.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.base.as_bytes());
        out.extend_from_slice(request.path.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        out.extend_from_slice(&self.head);
        if request.body.is_some() {
            out.extend_from_slice(&self.content_type);
        }
        out.extend_from_slice(&request.end);
    }
}

fn lines<'a>(headers: impl Iterator<Item = (&'a str, &'a HeaderValue)>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in headers {
        for part in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            out.extend_from_slice(part);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_it_must_be_and_nothing_slips_into_it() {
        let mut target = Target::new("http://bob:pw@host:81/base/");
        target.headers = [("X-Side", "green"), ("content-length", "9"), ("content-type", "text/plain")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let place = Place::new(&target, &Transport::default()).unwrap();
        let written = |method, body: Option<&str>| {
            let mut out = Vec::new();
            let body = body.map(|text| text.as_bytes().to_vec());
            place.write_head(&Prepared::new(method, "/x?a=1".into(), body, None).unwrap(), &mut out);
            String::from_utf8(out).unwrap()
        };
        let agent = concat!("user-agent: cutover/", env!("CARGO_PKG_VERSION"));
        let head = format!("/base/x?a=1 HTTP/1.1\r\nhost: host:81\r\n{agent}\r\nx-side: green\r\n");
        assert_eq!(written(Method::GET, None), format!("GET {head}\r\n"));
        assert_eq!(
            written(Method::POST, Some("{}")),
            format!("POST {head}content-type: text/plain\r\ncontent-length: 2\r\n\r\n")
        );
        assert_eq!(written(Method::POST, None), format!("POST {head}content-length: 0\r\n\r\n"));
        assert_eq!(place.authority, "host:81");
        for path in ["x", "/a b", "/a\r\nx: y", "/a#b", "/\u{e4}", ""] {
            assert!(Prepared::new(Method::GET, path.into(), None, None).is_err(), "{path:?}");
        }
        target.headers = vec![("x".into(), "a\r\nb: c".into())];
        assert!(
            Place::new(&target, &Transport::default())
                .is_err_and(|why| why == "host:81/base cannot be sent to: no valid header \"x\"")
        );
        assert!(Place::new(&Target::new("host:81"), &Transport::default()).is_err());
    }
}
