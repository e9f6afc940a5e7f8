//! The root cause of a failed exchange, in words that say what to do.
//!
//! It is found by the types of the errors. It never repeats a URL, since a URL may hold credentials.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use chrono::DateTime;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError};

use super::client::LookupError;
use crate::domain::text::clean;

/// The most errors looked at in one chain.
const MAX_CHAIN: usize = 32;

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// In words, cleaned.
    pub words: String,
    /// The kind of the operating system's error, if that is the cause.
    pub io: Option<ErrorKind>,
    /// Whether a certificate or a key is the cause.
    pub is_tls: bool,
    /// Whether an answer came that is not HTTP.
    pub is_garbled: bool,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Cause {
    /// The cause at the root of `error`.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let chain = chain(error);
        let io = chain.iter().filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind).next_back();
        let tls = chain.iter().find_map(|error| error.downcast_ref::<rustls::Error>());
        let words = match (tls, chain.iter().rev().find_map(|error| known(*error)), chain.last()) {
            (Some(tls), ..) => in_tls(tls),
            (None, Some(words), _) => words,
            (None, None, Some(root)) => of_root(*root),
            (None, None, None) => error.to_string(),
        };
        let is_garbled = chain.iter().filter_map(|error| error.downcast_ref()).any(hyper::Error::is_parse);
        Self { words: clean(&words, 160), io, is_tls: tls.is_some(), is_garbled }
    }
}

/// `error` and its sources, the root last. The inner error of an I/O error is included, since its `source()` skips
/// it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let (mut chain, mut next) = (Vec::new(), Some(error));
    while let Some(error) = next.filter(|_| chain.len() < MAX_CHAIN) {
        chain.push(error);
        next = match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    chain
}

/// Our own words for an error whose text is unclear.
fn known(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(lookup) = error.downcast_ref::<LookupError>() {
        return Some(lookup.to_string());
    }
    let words = match error.downcast_ref::<io::Error>()?.kind() {
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::ConnectionReset => "connection reset",
        ErrorKind::ConnectionAborted => "connection aborted",
        ErrorKind::BrokenPipe => "connection closed while sending",
        ErrorKind::TimedOut => "connection timed out",
        ErrorKind::HostUnreachable => "no route to the host",
        ErrorKind::NetworkUnreachable => "network unreachable",
        ErrorKind::AddrNotAvailable => "no free local address",
        _ => return None,
    };
    Some(words.to_owned())
}

/// The text of the root error. A request error without a source would show its URL, so it gets other words.
fn of_root(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref::<reqwest::Error>() {
        Some(request) if request.is_builder() => "not a valid request".to_owned(),
        Some(_) => "no cause given".to_owned(),
        None => error.to_string(),
    }
}

fn in_tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(fault) => in_certificate(fault),
        rustls::Error::AlertReceived(alert) => in_alert(*alert),
        rustls::Error::InvalidMessage(_) => {
            "the server does not speak TLS here: name another port, or write the URL without TLS".to_owned()
        }
        other => other.to_string(),
    }
}

fn in_certificate(fault: &CertificateError) -> String {
    match fault {
        CertificateError::ExpiredContext { not_after, .. } => format!("the certificate expired on {}", day(*not_after)),
        CertificateError::Expired => "the certificate has expired".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the certificate is not valid before {}: look at both clocks", day(*not_before))
        }
        CertificateError::NotValidYet => "the certificate is not valid yet: look at both clocks".to_owned(),
        CertificateError::UnknownIssuer => {
            "the issuer of the certificate is not trusted: set ca to the issuer's certificate".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names = presented.iter().map(|name| plain_name(name)).collect::<Vec<_>>().join(", ");
            let names = if names.is_empty() { "no name at all".to_owned() } else { names };
            format!("the certificate does not match the name {}; it is for {names}", expected.to_str())
        }
        CertificateError::NotValidForName => "the certificate does not match the name".to_owned(),
        CertificateError::Revoked => "the certificate was revoked".to_owned(),
        CertificateError::BadSignature => "the certificate's signature is wrong".to_owned(),
        other => format!("the certificate is refused: {other}"),
    }
}

/// `DnsName("a.example")` as `a.example`.
fn plain_name(shown: &str) -> &str {
    shown.split('"').nth(1).unwrap_or(shown)
}

fn in_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            "the server asks for a client certificate: set cert and key".to_owned()
        }
        AlertDescription::HandshakeFailure => {
            "the server refused the handshake: if it asks for a client certificate, set cert and key".to_owned()
        }
        AlertDescription::CertificateExpired => "the server says that the client certificate has expired".to_owned(),
        AlertDescription::CertificateRevoked => "the server says that the client certificate was revoked".to_owned(),
        AlertDescription::UnknownCA => "the server does not trust the issuer of the client certificate".to_owned(),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => {
            format!(
                "the server does not accept the client certificate, or misses one ({alert:?}): look at cert and key"
            )
        }
        AlertDescription::ProtocolVersion => "the server speaks neither TLS 1.2 nor 1.3".to_owned(),
        AlertDescription::UnrecognisedName => "the server does not know the name that it was asked for".to_owned(),
        other => format!("the server ended the TLS handshake ({other:?})"),
    }
}

/// `3 May 2026`.
fn day(time: UnixTime) -> String {
    let at = i64::try_from(time.as_secs()).ok().and_then(|at| DateTime::from_timestamp(at, 0));
    at.map_or_else(|| "a day that no calendar knows".to_owned(), |at| at.format("%-d %B %Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_inside_io_errors_and_told_by_its_type() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let inner = io::Error::new(ErrorKind::InvalidData, tls);
        let cause = Cause::of(&io::Error::other(inner));
        assert!(cause.is_tls && cause.words.ends_with("set ca to the issuer's certificate"), "{cause}");
        let refused = Cause::of(&io::Error::from(ErrorKind::ConnectionRefused));
        assert_eq!((refused.words.as_str(), refused.io), ("connection refused", Some(ErrorKind::ConnectionRefused)));
        assert_eq!(Cause::of(&io::Error::other("plain\u{1b}[2J words")).words, "plain words");
    }

    #[test]
    fn a_day_is_named() {
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_777_800_000));
        assert_eq!(day(at), "3 May 2026");
    }
}
