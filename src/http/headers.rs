//! The headers of a request. Their secrets are read here and remembered for masking.

use std::fmt;

use super::{Mask, any_secret, secret};
use crate::domain::{HeaderValue, SecretRef};

/// Headers, ready to be sent.
#[derive(Clone, Default)]
pub struct Headers {
    /// Names (lower case) and values.
    pub list: Vec<(String, String)>,
    /// The secrets among the values.
    pub mask: Mask,
}

impl fmt::Debug for Headers {
    /// Shows only the names: values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list.iter().map(|(name, _)| name)).finish()
    }
}

/// A secret that cannot be used, and why: `no secret for x-api-key: ..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSecret(pub String);

impl From<NoSecret> for String {
    fn from(NoSecret(why): NoSecret) -> Self {
        why
    }
}

impl Headers {
    /// Reads the secrets of `given`. `fill` fills in the placeholders of plain values.
    ///
    /// # Errors
    /// A secret that cannot be used, or the error of `fill`.
    pub fn read<E: From<NoSecret>>(
        given: &[(String, HeaderValue)],
        fill: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Self, E> {
        Self::read_with(given, secret, fill)
    }

    /// As [`Self::read`], but accepts secrets of any length. For a traffic system.
    ///
    /// # Errors
    /// A secret that cannot be used, or the error of `fill`.
    pub fn read_any<E: From<NoSecret>>(
        given: &[(String, HeaderValue)],
        fill: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Self, E> {
        Self::read_with(given, any_secret, fill)
    }

    /// Only `authorization`, with a bearer token.
    ///
    /// # Errors
    /// Why the token cannot be used.
    pub fn bearer(from: &SecretRef) -> Result<Self, String> {
        let mut headers = Self::default();
        let value = format!("Bearer {}", headers.hide(secret(from)?));
        headers.list.push(("authorization".to_owned(), value));
        Ok(headers)
    }

    fn read_with<E: From<NoSecret>>(
        given: &[(String, HeaderValue)],
        secret: fn(&SecretRef) -> Result<String, String>,
        mut fill: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Self, E> {
        let mut headers = Self::default();
        for (name, from) in given {
            let secret = |from| secret(from).map_err(|why| NoSecret(format!("no secret for {name}: {why}")));
            let value = match from {
                HeaderValue::Plain(text) => fill(text)?,
                HeaderValue::Secret(from) => headers.hide(secret(from)?),
                HeaderValue::Bearer(from) => format!("Bearer {}", headers.hide(secret(from)?)),
            };
            headers.list.push((name.clone(), value));
        }
        Ok(headers)
    }

    fn hide(&mut self, secret: String) -> String {
        self.mask.add(&secret);
        secret
    }
}
