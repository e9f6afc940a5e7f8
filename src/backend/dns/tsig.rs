//! Signed messages (TSIG, RFC 8945) with HMAC-SHA256: who may change a name, and that the answer is the server's own.

use sha2::{Digest as _, Sha256};

use super::wire::{self, Reader};

/// How far the two clocks may be apart, in seconds.
const FUDGE: u16 = 300;
const ALGORITHM: &str = "hmac-sha256";
const BLOCK: usize = 64;

/// A key that signs.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) secret: Vec<u8>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("name", &self.name).field("secret", &"***").finish()
    }
}

/// Appends the signature to `message`; `now` is in seconds since 1970. Answers with the signature itself.
pub(super) fn sign(message: &mut Vec<u8>, key: &Key, now: u64) -> [u8; 32] {
    let tail = Tail { time: now, fudge: FUDGE, error: 0, other: &[] };
    let mac = hmac(&key.secret, &[message, &tail.variables(&key.name)]);
    let mut data = Vec::with_capacity(80);
    wire::put_name(&mut data, ALGORITHM);
    data.extend(&now.to_be_bytes()[2..]);
    data.extend(FUDGE.to_be_bytes());
    data.extend((mac.len() as u16).to_be_bytes());
    data.extend(mac);
    data.extend(&message[..2]);
    data.extend([0; 4]);
    wire::put_record(message, &key.name, (wire::TSIG, wire::ANY, 0), &data);
    let count = u16::from_be_bytes([message[10], message[11]]) + 1;
    message[10..12].copy_from_slice(&count.to_be_bytes());
    mac
}

/// Checks the signature at `at` of an answer to a request that was signed with `request`.
///
/// # Errors
/// Why it does not hold, in words.
pub(super) fn verify(message: &[u8], at: usize, key: &Key, request: &[u8; 32], now: u64) -> Result<(), String> {
    let mut reader = Reader { bytes: message, at };
    let name = reader.name()?;
    reader.skip(10)?;
    let algorithm = reader.name()?;
    if name != key.name || algorithm != ALGORITHM {
        return Err(format!("it is signed with {name} by {algorithm}"));
    }
    let time = reader.take(6)?.iter().fold(0_u64, |time, byte| time << 8 | u64::from(*byte));
    let fudge = reader.u16()?;
    let length = reader.u16()?.into();
    let mac = reader.take(length)?;
    let id = reader.take(2)?;
    let error = reader.u16()?;
    let length = reader.u16()?.into();
    let other = reader.take(length)?;
    let mut signed = message[..at].to_vec();
    signed[..2].copy_from_slice(id);
    let count = u16::from_be_bytes([signed[10], signed[11]]).saturating_sub(1);
    signed[10..12].copy_from_slice(&count.to_be_bytes());
    let tail = Tail { time, fudge, error, other };
    let length = (request.len() as u16).to_be_bytes();
    let own = hmac(&key.secret, &[&length, request, &signed, &tail.variables(&key.name)]);
    let differs = own.iter().zip(mac).fold(own.len() ^ mac.len(), |differs, (a, b)| differs | usize::from(a ^ b));
    if differs != 0 {
        return Err("its signature is wrong".into());
    }
    if now.abs_diff(time) > fudge.into() {
        return Err(format!("it was signed {} s from now: look at both clocks", now.abs_diff(time)));
    }
    Ok(())
}

/// What is signed besides the message.
struct Tail<'a> {
    time: u64,
    fudge: u16,
    error: u16,
    other: &'a [u8],
}

impl Tail<'_> {
    fn variables(&self, name: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        wire::put_name(&mut out, name);
        out.extend(wire::ANY.to_be_bytes());
        out.extend([0; 4]);
        wire::put_name(&mut out, ALGORITHM);
        out.extend(&self.time.to_be_bytes()[2..]);
        out.extend(self.fudge.to_be_bytes());
        out.extend(self.error.to_be_bytes());
        out.extend((self.other.len() as u16).to_be_bytes());
        out.extend(self.other);
        out
    }
}

/// HMAC-SHA256 (RFC 2104) over `parts` in a row.
fn hmac(secret: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    if secret.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        block[..secret.len()].copy_from_slice(secret);
    }
    let mut inner = Sha256::new();
    inner.update(block.map(|byte| byte ^ 0x36));
    for part in parts {
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(block.map(|byte| byte ^ 0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    #[test]
    fn hmac_has_the_values_of_rfc_4231() {
        let first = hmac(&[0x0b; 20], &[b"Hi There"]);
        assert_eq!(hex(&first), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        let second = hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(hex(&second), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let long = hmac(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]);
        assert_eq!(hex(&long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn no_secret_is_printed() {
        let key = Key { name: "k".into(), secret: b"hunter2".to_vec() };
        assert_eq!(format!("{key:?}"), "Key { name: \"k\", secret: \"***\" }");
    }
}
