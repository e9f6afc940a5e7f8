//! One exchange with a DNS server: over TCP, signed where a key is configured, bounded in time and size.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::tsig::{self, Key};
use super::wire::{self, Record, Reply, Update};
use crate::backend::BackendError;
use crate::backend::dns::spec::RecordKind;

/// Longest time one exchange may take: a look asks once, an order twice, and three seconds are all there is.
const LIMIT: Duration = Duration::from_millis(1400);

/// The records of `name` at `server`, which must have the zone itself.
pub(super) async fn read(
    server: SocketAddr,
    key: Option<&Key>,
    name: &str,
    kind: RecordKind,
) -> Result<Vec<Record>, BackendError> {
    let reply = exchange(server, key, wire::query(id(), name, kind)).await?;
    let text = |what: &str| format!("the DNS server at {server}: {what}");
    match reply.rcode {
        // A name that does not exist is an answer too.
        0 | 3 if reply.is_authoritative => Ok(reply.answers),
        0 | 3 => Err(BackendError::Garbled(text("it does not have the zone itself; name the zone's own server"))),
        rcode => Err(judge(rcode, server)),
    }
}

/// Sends an update.
pub(super) async fn update(server: SocketAddr, key: Option<&Key>, asked: &Update<'_>) -> Result<(), BackendError> {
    let reply = exchange(server, key, wire::update(id(), asked)).await?;
    if reply.rcode == 0 { Ok(()) } else { Err(judge(reply.rcode, server)) }
}

fn id() -> u16 {
    fastrand::u16(..)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

async fn exchange(server: SocketAddr, key: Option<&Key>, mut message: Vec<u8>) -> Result<Reply, BackendError> {
    let deadline = Instant::now() + LIMIT;
    let text = |what: String| format!("the DNS server at {server}: {what}");
    let mac = key.map(|key| tsig::sign(&mut message, key, now()));
    let connecting = timeout_at(deadline, TcpStream::connect(server)).await;
    let mut stream = connecting
        .map_err(|_| BackendError::Unreachable(text("no connection in time".into())))?
        .map_err(|error| BackendError::Unreachable(text(error.to_string())))?;
    let talk = async {
        let mut framed = (message.len() as u16).to_be_bytes().to_vec();
        framed.extend(&message);
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
    let reply = wire::parse(&answer).map_err(|why| BackendError::Garbled(text(format!("no DNS message: {why}"))))?;
    if !reply.answers_us || answer[..2] != message[..2] {
        return Err(BackendError::Garbled(text("it answers something else than was asked".into())));
    }
    if let (Some(key), Some(mac)) = (key, mac) {
        match reply.signed_at {
            Some(at) if !is_unsigned(&reply) => tsig::verify(&answer, at, key, &mac, now())
                .map_err(|why| BackendError::Garbled(text(format!("its answer cannot be trusted: {why}"))))?,
            // A refusal of the key itself cannot be signed with it, and does nothing.
            _ if reply.rcode != 0 => {}
            _ => return Err(BackendError::Garbled(text("its answer is not signed".into()))),
        }
    }
    Ok(reply)
}

/// Whether the key itself was refused: NOTAUTH, without a valid signature.
const fn is_unsigned(reply: &Reply) -> bool {
    reply.rcode == 9
}

/// What a refusal means for an order.
fn judge(rcode: u8, server: SocketAddr) -> BackendError {
    let text = |what: &str| format!("the DNS server at {server}: {what}");
    match rcode {
        6 | 7 => BackendError::Conflict(text("records are there that were not there before")),
        8 => BackendError::Conflict(text("the records are others by now (NXRRSET)")),
        5 => BackendError::Denied(text("refused (REFUSED): look at allow-update or update-policy")),
        9 => BackendError::Denied(text("it does not accept the key, or does not have the zone (NOTAUTH)")),
        2 => BackendError::Unknown(text("it failed (SERVFAIL): look at its log; may it write its journal?")),
        1 | 4 => BackendError::Refused(text("it does not understand the message (FORMERR, NOTIMP)")),
        10 => BackendError::Refused(text("the name does not lie in the zone (NOTZONE)")),
        code => BackendError::Refused(text(&format!("refused with code {code}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_means_what_it_means_for_the_order() {
        let of = |code| judge(code, "127.0.0.1:53".parse().unwrap());
        assert!(matches!(of(8), BackendError::Conflict(_)));
        assert!(matches!(of(7), BackendError::Conflict(_)));
        assert!(matches!(of(5), BackendError::Denied(_)));
        assert!(matches!(of(9), BackendError::Denied(_)));
        assert!(matches!(of(2), BackendError::Unknown(_)));
        assert!(matches!(of(10), BackendError::Refused(_)));
    }
}
