//! Reads a side's version out of an answer.

use crate::domain::text::clean;
use crate::domain::{Version, VersionSource};
use crate::http::{Reply, redirect_note};

/// The path to read the version from; `None` when no request is needed.
pub(crate) fn path(source: &VersionSource) -> Option<&str> {
    match source {
        VersionSource::Unknown | VersionSource::Fixed(_) => None,
        VersionSource::Pointer { path, .. } | VersionSource::Header { path, .. } => Some(path),
    }
}

/// The version in `reply`, or why it cannot be read.
pub(crate) fn read(source: &VersionSource, reply: &Reply) -> Result<Version, String> {
    if !reply.is_success() {
        return Err(redirect_note(reply).unwrap_or_else(|| format!("status {}", reply.status)));
    }
    let text = match source {
        VersionSource::Unknown | VersionSource::Fixed(_) => return Err("no version is read from this side".to_owned()),
        VersionSource::Pointer { pointer, .. } => from_json(pointer, &reply.body)?,
        VersionSource::Header { header, .. } => {
            let value = reply.headers.get(header.as_str()).ok_or_else(|| format!("no header {}", clean(header, 40)))?;
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        }
    };
    if text.trim().is_empty() {
        return Err("the version is empty".to_owned());
    }
    Ok(Version::from_text(&text))
}

fn from_json(pointer: &str, body: &[u8]) -> Result<String, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|_| {
        // The first bytes of gzip.
        let is_packed = body.starts_with(b"\x1f\x8b");
        let why = if is_packed {
            "the answer is compressed (gzip): turn that off for this path"
        } else {
            "the answer is not JSON"
        };
        why.to_owned()
    })?;
    match value.pointer(pointer) {
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(value @ serde_json::Value::Number(_)) => Ok(value.to_string()),
        Some(_) => Err(format!("{} is neither text nor a number", clean(pointer, 60))),
        None => Err(format!("nothing at {} in the answer", clean(pointer, 60))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("x-model-version", "v7".parse().unwrap());
        headers.insert("location", "http://elsewhere/".parse().unwrap());
        Reply {
            status,
            headers,
            body: body.as_bytes().to_vec(),
            took: std::time::Duration::ZERO,
            mask: crate::http::Mask::default(),
        }
    }

    fn pointer(pointer: &str) -> VersionSource {
        VersionSource::Pointer { path: "/v2/models/m".into(), pointer: pointer.into() }
    }

    #[test]
    fn a_version_is_text_or_a_number_where_the_user_says() {
        let body = r#"{"name":"m","versions":["v41","v42"],"build":17,"odd":null,"empty":" "}"#;
        assert_eq!(read(&pointer("/versions/1"), &reply(200, body)), Ok(Version::from_text("v42")));
        assert_eq!(read(&pointer("/build"), &reply(200, body)), Ok(Version::from_text("17")));
        let header = VersionSource::Header { path: "/".into(), header: "x-model-version".into() };
        assert_eq!(read(&header, &reply(200, "<html>")), Ok(Version::from_text("v7")));
    }

    #[test]
    fn what_is_no_version_is_told() {
        let body = r#"{"versions":[],"odd":null,"empty":" "}"#;
        let said = |source: &VersionSource, status, body| read(source, &reply(status, body)).unwrap_err();
        assert_eq!(said(&pointer("/versions/0"), 200, body), "nothing at /versions/0 in the answer");
        assert_eq!(said(&pointer("/odd"), 200, body), "/odd is neither text nor a number");
        assert_eq!(said(&pointer("/empty"), 200, body), "the version is empty");
        assert_eq!(said(&pointer("/x"), 200, "<html>"), "the answer is not JSON");
        assert_eq!(said(&pointer("/x"), 503, body), "status 503");
        assert_eq!(said(&pointer("/x"), 302, body), "redirects to http://elsewhere/");
        let header = VersionSource::Header { path: "/".into(), header: "x-other".into() };
        assert_eq!(said(&header, 200, body), "no header x-other");
    }

    #[test]
    fn a_version_with_control_characters_is_cleaned_and_still_tells_itself_apart() {
        let version = read(&pointer("/v"), &reply(200, r#"{"v":"v1\u001b[2J\u0007\u202e"}"#)).unwrap();
        assert_eq!(version.name, "v1<U+202E>");
        assert_ne!(version.digest, Version::from_text("v1").digest);
    }
}
