//! DNS messages (RFC 1035, 2136, 2782): just the few that a name is read and moved with.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::backend::dns::spec::RecordKind;

const IN: u16 = 1;
const NONE: u16 = 254;
pub(super) const ANY: u16 = 255;
const SOA: u16 = 6;
pub(super) const TSIG: u16 = 250;
/// Records read from one message beyond this are refused.
const MAX_RECORDS: usize = 2000;
/// Pointers followed in one name; a message that needs more is a trap.
const MAX_JUMPS: usize = 64;
/// Bytes of a name's labels, their lengths included (RFC 1035, 2.3.4).
const MAX_NAME: usize = 255;

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Data {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Cname(String),
    Srv {
        priority: u16,
        weight: u16,
        port: u16,
        target: String,
    },
    /// Of no interest here.
    Other,
}

/// A record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(super) ttl: u32,
    pub(super) data: Data,
}

/// A message that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(super) id: u16,
    pub(super) answers_us: bool,
    pub(super) is_authoritative: bool,
    pub(super) rcode: u8,
    pub(crate) answers: Vec<Record>,
    /// Where the record begins that signs it.
    pub(super) signed_at: Option<usize>,
}

/// The number of a record type.
pub(super) const fn number(kind: RecordKind) -> u16 {
    match kind {
        RecordKind::A => 1,
        RecordKind::Cname => 5,
        RecordKind::Aaaa => 28,
        RecordKind::Srv => 33,
    }
}

/// A question for one name.
pub(super) fn query(id: u16, name: &str, kind: RecordKind) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    // Standard query, no recursion: the zone's own servers are asked.
    for word in [id, 0, 1, 0, 0, 0] {
        out.extend(word.to_be_bytes());
    }
    put_name(&mut out, name);
    out.extend(number(kind).to_be_bytes());
    out.extend(IN.to_be_bytes());
    out
}

/// What an update asks for.
#[derive(Debug, Clone)]
pub(super) struct Update<'a> {
    pub(super) zone: &'a str,
    pub(super) name: &'a str,
    pub(super) kind: RecordKind,
    /// The records there must be, all of them and no others, for it to be carried out; `None` asks nothing.
    pub(super) expected: Option<&'a [Data]>,
    pub(super) records: &'a [Data],
    pub(super) ttl: u32,
}

/// An update: one message that is carried out whole or not at all.
pub(super) fn update(id: u16, update: &Update<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let conditions = update.expected.map_or(0, |expected| expected.len().max(1));
    let changes = update.records.len() + 1;
    for word in [id, 5 << 11, 1, conditions as u16, changes as u16, 0] {
        out.extend(word.to_be_bytes());
    }
    put_name(&mut out, update.zone);
    out.extend(SOA.to_be_bytes());
    out.extend(IN.to_be_bytes());
    let kind = number(update.kind);
    match update.expected {
        Some([]) => put_record(&mut out, update.name, (kind, NONE, 0), &[]),
        Some(expected) => {
            for data in expected {
                put_record(&mut out, update.name, (kind, IN, 0), &raw(data));
            }
        }
        None => {}
    }
    put_record(&mut out, update.name, (kind, ANY, 0), &[]);
    for data in update.records {
        put_record(&mut out, update.name, (kind, IN, update.ttl), &raw(data));
    }
    out
}

pub(super) fn put_name(out: &mut Vec<u8>, name: &str) {
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(63)];
        out.push(label.len() as u8);
        out.extend(label.to_ascii_lowercase());
    }
    out.push(0);
}

/// A record: name, (type, class, time to live), data.
pub(super) fn put_record(out: &mut Vec<u8>, name: &str, head: (u16, u16, u32), data: &[u8]) {
    put_name(out, name);
    out.extend(head.0.to_be_bytes());
    out.extend(head.1.to_be_bytes());
    out.extend(head.2.to_be_bytes());
    out.extend((data.len() as u16).to_be_bytes());
    out.extend(data);
}

fn raw(data: &Data) -> Vec<u8> {
    let mut out = Vec::new();
    match data {
        Data::A(address) => out.extend(address.octets()),
        Data::Aaaa(address) => out.extend(address.octets()),
        Data::Cname(name) => put_name(&mut out, name),
        Data::Srv { priority, weight, port, target } => {
            for word in [priority, weight, port] {
                out.extend(word.to_be_bytes());
            }
            put_name(&mut out, target);
        }
        Data::Other => {}
    }
    out
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn parse(bytes: &[u8]) -> Result<Reply, String> {
    let mut at = Reader { bytes, at: 0 };
    let (id, flags) = (at.u16()?, at.u16()?);
    let counts = [at.u16()?, at.u16()?, at.u16()?, at.u16()?].map(usize::from);
    if counts.iter().sum::<usize>() > MAX_RECORDS {
        return Err(format!("it says it holds {} records", counts.iter().sum::<usize>()));
    }
    for _ in 0..counts[0] {
        at.name()?;
        at.skip(4)?;
    }
    let (mut answers, mut signed_at) = (Vec::new(), None);
    let records = counts[1] + counts[2] + counts[3];
    for index in 0..records {
        let begins = at.at;
        let (kind, record) = at.record()?;
        if kind == TSIG && index + 1 == records && counts[3] > 0 {
            signed_at = Some(begins);
        } else if index < counts[1] {
            answers.push(record);
        }
    }
    Ok(Reply {
        id,
        answers_us: flags & 0x8000 != 0,
        is_authoritative: flags & 0x0400 != 0,
        rcode: (flags & 15) as u8,
        answers,
        signed_at,
    })
}

/// Reads on in a message; nothing is read beyond its end.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("it ends after {} bytes, in the middle", self.bytes.len()))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub(super) fn skip(&mut self, length: usize) -> Result<(), String> {
        self.take(length).map(drop)
    }

    pub(super) fn u16(&mut self) -> Result<u16, String> {
        self.take(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from(self.u16()?) << 16 | u32::from(self.u16()?))
    }

    /// A name in lower case without the dot at its end; what is no letter, digit, `-` or `_` is shown by its number.
    pub(super) fn name(&mut self) -> Result<String, String> {
        let (mut name, mut length_of_all, mut jumps, mut back) = (String::new(), 0, 0, None);
        loop {
            let length = self.take(1)?[0];
            match length {
                0 => break,
                1..=63 => {
                    length_of_all += usize::from(length) + 1;
                    if length_of_all > MAX_NAME {
                        return Err("a name in it is too long".into());
                    }
                    if !name.is_empty() {
                        name.push('.');
                    }
                    for &byte in self.take(length.into())? {
                        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
                            name.push(byte.to_ascii_lowercase().into());
                        } else {
                            let _ = write!(name, "\\{byte:03}");
                        }
                    }
                }
                192.. => {
                    let low = self.take(1)?[0];
                    back.get_or_insert(self.at);
                    self.at = usize::from(u16::from_be_bytes([length & 63, low]));
                    jumps += 1;
                    if jumps > MAX_JUMPS {
                        return Err("a name in it goes round in circles".into());
                    }
                }
                _ => return Err("a name in it is no name".into()),
            }
        }
        self.at = back.unwrap_or(self.at);
        Ok(name)
    }

    fn record(&mut self) -> Result<(u16, Record), String> {
        let name = self.name()?;
        let (kind, class, ttl, length) = (self.u16()?, self.u16()?, self.u32()?, usize::from(self.u16()?));
        let begins = self.at;
        self.skip(length)?;
        let mut inside = Reader { bytes: &self.bytes[..self.at], at: begins };
        let data = match (kind, class) {
            (1, IN) => {
                let raw: [u8; 4] = inside.take(4)?.try_into().map_err(|_| "no address")?;
                Data::A(raw.into())
            }
            (28, IN) => {
                let raw: [u8; 16] = inside.take(16)?.try_into().map_err(|_| "no address")?;
                Data::Aaaa(raw.into())
            }
            (5, IN) => Data::Cname(inside.name()?),
            (33, IN) => Data::Srv {
                priority: inside.u16()?,
                weight: inside.u16()?,
                port: inside.u16()?,
                target: inside.name()?,
            },
            _ => Data::Other,
        };
        Ok((kind, Record { name, ttl, data }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_has_the_bytes_of_the_standard() {
        let expected = [Data::A([10, 0, 0, 1].into())];
        let records = [Data::A([10, 0, 0, 2].into())];
        let spec = Update {
            zone: "b.c",
            name: "A.b.c",
            kind: RecordKind::A,
            expected: Some(&expected),
            records: &records,
            ttl: 30,
        };
        let bytes = update(7, &spec);
        let name = b"\x01a\x01b\x01c\0";
        let mut want = b"\0\x07\x28\0\0\x01\0\x01\0\x02\0\0\x01b\x01c\0\0\x06\0\x01".to_vec();
        for tail in [
            &b"\0\x01\0\x01\0\0\0\0\0\x04\x0a\0\0\x01"[..],
            b"\0\x01\0\xff\0\0\0\0\0\0",
            b"\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\0\0\x02",
        ] {
            want.extend(name);
            want.extend(tail);
        }
        assert_eq!(bytes, want);
        let nothing = update(7, &Update { expected: Some(&[]), ..spec });
        assert!(nothing.windows(10).any(|part| part == b"\0\x01\0\xfe\0\0\0\0\0\0"), "{nothing:?}");
    }

    #[test]
    fn an_answer_is_read_through_its_pointers() {
        let mut bytes = b"\0\x09\x84\0\0\x01\0\x02\0\0\0\0".to_vec();
        put_name(&mut bytes, "_m._tcp.x");
        bytes.extend(b"\0\x21\0\x01");
        bytes.extend(b"\xc0\x0c\0\x21\0\x01\0\0\0\x1e\0\x0b\0\0\0\x5a\x1f\x90\x02bl\xc0\x14");
        bytes.extend(b"\xc0\x0c\0\x63\0\x01\0\0\0\x1e\0\x01z");
        let reply = parse(&bytes).unwrap();
        assert!(reply.answers_us && reply.is_authoritative && reply.rcode == 0 && reply.id == 9);
        let srv = Data::Srv { priority: 0, weight: 90, port: 8080, target: "bl.x".into() };
        assert_eq!(reply.answers[0], Record { name: "_m._tcp.x".into(), ttl: 30, data: srv });
        assert_eq!(reply.answers[1].data, Data::Other);
    }

    #[test]
    fn no_bytes_do_harm() {
        let mut rng = fastrand::Rng::with_seed(11);
        let mut seed = query(1, "a.b", RecordKind::A);
        seed.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\0\0\x01");
        seed[7] = 1;
        assert_eq!(parse(&seed).unwrap().answers.len(), 1);
        for _ in 0..20_000 {
            let mut bytes = seed.clone();
            for _ in 0..rng.usize(1..6) {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
            bytes.truncate(rng.usize(..=bytes.len()));
            let _ = parse(&bytes);
        }
        assert!(parse(b"\0\0\x80\0\0\x01\0\0\0\0\0\0\xc0\x0c").is_err(), "a pointer to itself");
        assert!(parse(&[255; 12]).is_err(), "more records than there can be");
    }
}
