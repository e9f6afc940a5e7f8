//! The DNS messages (RFC 1035, 2136) that read a name and change it.

use hickory_proto::op::{Message, MessageType, OpCode, Query, UpdateMessage as _};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use crate::backend::BackendError;
use crate::backend::dns::spec::RecordKind;
use crate::domain::text::clean;

/// What an update asks for.
#[derive(Debug, Clone)]
pub(super) struct Update<'a> {
    pub(super) zone: &'a str,
    pub(super) name: &'a str,
    pub(super) kind: RecordKind,
    /// The server changes nothing unless the name has exactly these records; `None` sets no condition.
    pub(super) expected: Option<&'a [RData]>,
    pub(super) records: &'a [RData],
    pub(super) ttl: u32,
}

/// The type of a record, as DNS numbers it.
const fn number(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
        RecordKind::Cname => RecordType::CNAME,
        RecordKind::Srv => RecordType::SRV,
    }
}

/// `text` as a name that is not relative to another one.
pub(super) fn name(text: &str) -> Result<Name, BackendError> {
    let mut name = Name::from_ascii(text).map_err(|why| BackendError::Refused(format!("{text}: {why}")))?;
    name.set_fqdn(true);
    Ok(name)
}

/// `name` in lower case without the dot at its end; safe to show.
pub(super) fn text(name: &Name) -> String {
    let mut text = name.to_ascii();
    text.make_ascii_lowercase();
    text.truncate(text.strip_suffix('.').unwrap_or(&text).len());
    text
}

/// A question for the records of one name. It asks for no recursion: it goes to the zone's own servers.
pub(super) fn query(id: u16, of: &str, kind: RecordKind) -> Result<Message, BackendError> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(name(of)?, number(kind)));
    Ok(message)
}

/// An update: the server carries out all of it or nothing.
pub(super) fn update(id: u16, update: &Update<'_>) -> Result<Message, BackendError> {
    let (owner, kind) = (name(update.name)?, number(update.kind));
    let with = |ttl, data: &RData| Record::from_rdata(owner.clone(), ttl, data.clone());
    let without_data = |class| {
        let mut record = Record::update0(owner.clone(), 0, kind);
        record.dns_class = class;
        record
    };
    let mut message = Message::new(id, MessageType::Query, OpCode::Update);
    message.add_zone(Query::query(name(update.zone)?, RecordType::SOA));
    match update.expected {
        Some([]) => message.add_pre_requisite(without_data(DNSClass::NONE)),
        expected => message.add_pre_requisites(expected.into_iter().flatten().map(|data| with(0, data))),
    }
    message.add_update(without_data(DNSClass::ANY));
    message.add_updates(update.records.iter().map(|data| with(update.ttl, data)));
    Ok(message)
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn parse(bytes: &[u8]) -> Result<Message, String> {
    Message::from_vec(bytes).map_err(|why| clean(&why.to_string(), 120))
}

/// The names of the answers in a message.
#[doc(hidden)]
pub(crate) fn names(bytes: &[u8]) -> Result<Vec<String>, String> {
    parse(bytes).map(|message| message.answers.iter().map(|record| text(&record.name)).collect())
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::{A, SRV};

    use super::*;

    #[test]
    fn an_update_has_the_bytes_of_the_standard() {
        let expected = [RData::A(A::new(10, 0, 0, 1))];
        let records = [RData::A(A::new(10, 0, 0, 2))];
        let spec = Update {
            zone: "b.c",
            name: "a.d",
            kind: RecordKind::A,
            expected: Some(&expected),
            records: &records,
            ttl: 30,
        };
        let bytes = update(7, &spec).unwrap().to_vec().unwrap();
        let mut want = b"\0\x07\x28\0\0\x01\0\x01\0\x02\0\0\x01b\x01c\0\0\x06\0\x01".to_vec();
        for (name, tail) in [
            (&b"\x01a\x01d\0"[..], &b"\0\x01\0\x01\0\0\0\0\0\x04\x0a\0\0\x01"[..]),
            // A pointer to the first one.
            (b"\xc0\x15", b"\0\x01\0\xff\0\0\0\0\0\0"),
            (b"\xc0\x15", b"\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\0\0\x02"),
        ] {
            want.extend(name);
            want.extend(tail);
        }
        assert_eq!(bytes, want);
        let nothing = update(7, &Update { expected: Some(&[]), ..spec.clone() }).unwrap().to_vec().unwrap();
        assert!(nothing.windows(10).any(|part| part == b"\0\x01\0\xfe\0\0\0\0\0\0"), "{nothing:?}");
        let anyhow = update(7, &Update { expected: None, ..spec }).unwrap();
        assert!(anyhow.prerequisites().is_empty() && anyhow.updates().len() == 2, "{anyhow:?}");
    }

    #[test]
    fn an_answer_is_read_through_its_pointers() {
        let mut bytes = b"\0\x09\x84\0\0\x01\0\x02\0\0\0\0\x02_m\x04_tCp\x01x\0".to_vec();
        bytes.extend(b"\0\x21\0\x01");
        bytes.extend(b"\xc0\x0c\0\x21\0\x01\0\0\0\x1e\0\x0b\0\0\0\x5a\x1f\x90\x02bl\xc0\x14");
        bytes.extend(b"\xc0\x0c\xff\x63\0\x01\0\0\0\x1e\0\x01z");
        let reply = parse(&bytes).unwrap();
        assert!(reply.authoritative && reply.id == 9, "{reply:?}");
        assert_eq!((text(&reply.answers[0].name), reply.answers[0].ttl), ("_m._tcp.x".into(), 30));
        assert_eq!(reply.answers[0].data, RData::SRV(SRV::new(0, 90, 8080, name("bl.x").unwrap())));
        assert!(matches!(reply.answers[1].data, RData::Unknown { .. }), "{reply:?}");
    }

    #[test]
    fn what_is_no_message_is_an_error_and_what_is_no_letter_is_shown_by_its_number() {
        assert!(parse(b"\0\0\x80\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01").is_err(), "a pointer to itself");
        assert!(parse(&[255; 12]).is_err(), "more records than there can be");
        let escape = name("a").unwrap().append_label(&b"\x1b[2J"[..]).unwrap();
        assert!(text(&escape).bytes().all(|byte| byte.is_ascii_graphic()), "{}", text(&escape));
    }
}
