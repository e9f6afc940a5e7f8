//! One exchange with a DNS server: over TCP, signed where a key is configured, bounded in time and size.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hickory_proto::dnssec::DnsSecError;
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::{Record, TSigner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::message::{self, Update};
use crate::backend::BackendError;
use crate::backend::dns::spec::RecordKind;

/// Longest time one exchange may take: an observation asks once, an order twice, within three seconds together.
const LIMIT: Duration = Duration::from_millis(1400);

/// The records of `name` at `server`, which must have the zone itself.
pub(super) async fn read(
    server: SocketAddr,
    key: Option<&TSigner>,
    name: &str,
    kind: RecordKind,
) -> Result<Vec<Record>, BackendError> {
    let deadline = Instant::now() + LIMIT;
    let ask = async || exchange(deadline, server, key, message::query(id(), name, kind)?).await;
    let reply = match ask().await {
        // A busy server resets a connection now and then. A question changes nothing and may be asked once more.
        Err(BackendError::Garbled(_)) => ask().await?,
        other => other?,
    };
    match reply.response_code {
        // A name that does not exist is an answer too.
        ResponseCode::NoError | ResponseCode::NXDomain if reply.authoritative => Ok(reply.answers),
        ResponseCode::NoError | ResponseCode::NXDomain => Err(BackendError::Garbled(format!(
            "the DNS server at {server}: it does not have the zone itself; name the zone's own server"
        ))),
        code => Err(judge(code, server)),
    }
}

/// Sends an update.
pub(super) async fn update(server: SocketAddr, key: Option<&TSigner>, asked: &Update<'_>) -> Result<(), BackendError> {
    let deadline = Instant::now() + LIMIT;
    match exchange(deadline, server, key, message::update(id(), asked)?).await?.response_code {
        ResponseCode::NoError => Ok(()),
        code => Err(judge(code, server)),
    }
}

fn id() -> u16 {
    fastrand::u16(..)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

async fn exchange(
    deadline: Instant,
    server: SocketAddr,
    key: Option<&TSigner>,
    mut message: Message,
) -> Result<Message, BackendError> {
    let text = |what: String| format!("the DNS server at {server}: {what}");
    let unsent = |why| BackendError::Refused(text(format!("the message cannot be written: {why}")));
    if let Some(key) = key {
        message.finalize(key, now()).map_err(unsent)?;
    }
    let bytes = message.to_vec().map_err(unsent)?;
    let connecting = timeout_at(deadline, TcpStream::connect(server)).await;
    let mut stream = connecting
        .map_err(|_| BackendError::Unreachable(text("no connection in time".into())))?
        .map_err(|error| BackendError::Unreachable(text(error.to_string())))?;
    let talk = async {
        let mut framed = (bytes.len() as u16).to_be_bytes().to_vec();
        framed.extend(&bytes);
        stream.write_all(&framed).await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; length.into()];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = timeout_at(deadline, talk)
        .await
        .map_err(|_| BackendError::Unknown(text(format!("no answer within {} ms", LIMIT.as_millis()))))?
        .map_err(|error| BackendError::Garbled(text(format!("the answer broke off: {error}"))))?;
    let reply = message::parse(&answer).map_err(|why| BackendError::Garbled(text(format!("no DNS message: {why}"))))?;
    if reply.message_type != MessageType::Response || reply.id != message.id {
        return Err(BackendError::Garbled(text("it answers something else than was asked".into())));
    }
    // A server that refuses the key (NOTAUTH) cannot sign with it; and an unsigned refusal does nothing.
    let may_be_unsigned = reply.response_code != ResponseCode::NoError;
    let is_signed = reply.signature().is_some() && reply.response_code != ResponseCode::NotAuth;
    if let Some(key) = key.filter(|_| is_signed || !may_be_unsigned) {
        verify(key, &message, &answer, &reply, now()).map_err(|why| BackendError::Garbled(text(why)))?;
    }
    Ok(reply)
}

/// Checks that `answer`, read as `reply`, is signed with `key`, for `request`, about `now` (seconds since 1970).
///
/// # Errors
/// Why it cannot be trusted, in words.
fn verify(key: &TSigner, request: &Message, answer: &[u8], reply: &Message, now: u64) -> Result<(), String> {
    let untrusted = |why: String| format!("its answer cannot be trusted: {why}");
    let (Some(request), Some(signature)) = (request.signature(), reply.signature()) else {
        return Err("its answer is not signed".into());
    };
    let verified = key.verify_message_byte(answer, Some(&request.data.mac), true);
    let (_, time, valid) = verified.map_err(|error| match error {
        DnsSecError::TsigWrongKey => untrusted(format!(
            "it is signed with {} by {}",
            message::text(&signature.name),
            message::text(&signature.data.algorithm.to_name())
        )),
        _ => untrusted("its signature is wrong".into()),
    })?;
    if valid.contains(&now) {
        return Ok(());
    }
    Err(untrusted(format!("it was signed {} s from now: look at both clocks", now.abs_diff(time))))
}

/// What a refusal means for an order.
fn judge(code: ResponseCode, server: SocketAddr) -> BackendError {
    let text = |what: &str| format!("the DNS server at {server}: {what}");
    match code {
        ResponseCode::YXDomain | ResponseCode::YXRRSet => {
            BackendError::Conflict(text("records are there that were not there before"))
        }
        ResponseCode::NXRRSet => BackendError::Conflict(text("the records are others by now (NXRRSET)")),
        ResponseCode::Refused => BackendError::Denied(text("refused (REFUSED): look at allow-update or update-policy")),
        ResponseCode::NotAuth => {
            BackendError::Denied(text("it does not accept the key, or does not have the zone (NOTAUTH)"))
        }
        ResponseCode::ServFail => {
            BackendError::Unknown(text("it failed (SERVFAIL): look at its log; may it write its journal?"))
        }
        ResponseCode::FormErr | ResponseCode::NotImp => {
            BackendError::Refused(text("it does not understand the message (FORMERR, NOTIMP)"))
        }
        ResponseCode::NotZone => BackendError::Refused(text("the name does not lie in the zone (NOTZONE)")),
        code => BackendError::Refused(text(&format!("refused with code {}", u16::from(code)))),
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::OpCode;
    use hickory_proto::rr::rdata::tsig::TsigAlgorithm;

    use super::*;

    /// A server that breaks its first connections off, `broken` of them, and then answers that there are no records.
    async fn server(broken: usize) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for n in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let length = stream.read_u16().await.unwrap();
                let mut message = vec![0; length.into()];
                stream.read_exact(&mut message).await.unwrap();
                if n >= broken {
                    // A response, with authority.
                    message[2] |= 0x84;
                    stream.write_u16(length).await.unwrap();
                    stream.write_all(&message).await.unwrap();
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn a_question_whose_connection_breaks_is_asked_once_more_and_no_oftener() {
        let ask = async |broken| read(server(broken).await, None, "model.example.", RecordKind::A).await;
        assert_eq!(ask(0).await, Ok(Vec::new()));
        assert_eq!(ask(1).await, Ok(Vec::new()));
        assert!(matches!(ask(2).await, Err(BackendError::Garbled(_))));
    }

    #[test]
    fn a_code_means_what_it_means_for_the_order() {
        let of = |code| judge(ResponseCode::from(0, code), "127.0.0.1:53".parse().unwrap());
        assert!(matches!(of(8), BackendError::Conflict(_)));
        assert!(matches!(of(7), BackendError::Conflict(_)));
        assert!(matches!(of(6), BackendError::Conflict(_)));
        assert!(matches!(of(5), BackendError::Denied(_)));
        assert!(matches!(of(9), BackendError::Denied(_)));
        assert!(matches!(of(2), BackendError::Unknown(_)));
        assert!(matches!(of(10), BackendError::Refused(_)));
        assert!(of(11).to_string().ends_with("refused with code 11"), "{}", of(11));
    }

    #[test]
    fn an_answer_counts_only_with_the_signature_of_its_own_key_for_its_own_question_and_time() {
        let key = |name: &str, secret: &[u8]| {
            TSigner::new(secret.to_vec(), TsigAlgorithm::HmacSha256, message::name(name).unwrap(), 300).unwrap()
        };
        let asked = |id| {
            let mut message = message::query(id, "a.b", RecordKind::A).unwrap();
            message.finalize(&key("k", b"secret"), 1_000_000).unwrap();
            message
        };
        let request = asked(7);
        // As a server signs: over the signature of the question too.
        let answer = |by: &TSigner, time| {
            let mut reply = Message::response(7, OpCode::Query);
            let context = hickory_proto::rr::TSigResponseContext::new(
                7,
                time,
                by.clone(),
                request.signature().unwrap().data.mac.clone(),
                None,
            );
            let signature = context.sign(&reply.to_vec().unwrap()).unwrap();
            reply.set_signature(signature);
            reply.to_vec().unwrap()
        };
        let own = key("k", b"secret");
        let told = |request: &Message, bytes: &[u8]| {
            let reply = message::parse(bytes).unwrap();
            verify(&own, request, bytes, &reply, 1_000_000).err().unwrap_or_default()
        };
        let sound = answer(&own, 1_000_100);
        assert_eq!(told(&request, &sound), "");
        assert_eq!(told(&asked(8), &sound), "its answer cannot be trusted: its signature is wrong");
        let other = told(&request, &answer(&key("other", b"secret"), 1_000_000));
        assert_eq!(other, "its answer cannot be trusted: it is signed with other by hmac-sha256");
        let stolen = told(&request, &answer(&key("k", b"guessed"), 1_000_000));
        assert_eq!(stolen, "its answer cannot be trusted: its signature is wrong");
        let late = told(&request, &answer(&own, 1_000_400));
        assert_eq!(late, "its answer cannot be trusted: it was signed 400 s from now: look at both clocks");
        let unsigned = Message::response(7, OpCode::Query).to_vec().unwrap();
        assert_eq!(told(&request, &unsigned), "its answer is not signed");
    }
}
