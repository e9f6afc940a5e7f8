//! The little of Redis's protocol (RESP2) that is needed: commands out, replies in, bounded in time and size.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::backend::BackendError;
use crate::domain::text::clean;

/// Longest time from the first byte to the last reply.
const LIMIT: Duration = Duration::from_millis(1100);
/// Most bytes of replies that are held at once: none of ours is longer.
const MAX_REPLIES: usize = 64 * 1024;
/// Lists in lists in lists are no reply to a command of ours.
const MAX_DEPTH: u8 = 3;

/// One reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Simple(String),
    Error(String),
    Number(i64),
    Text(Option<String>),
    List(Option<Vec<Reply>>),
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    ahead: Vec<u8>,
    /// What it is called in an error.
    place: String,
}

impl Connection {
    /// Connects to `address` (`host:port`).
    pub(super) async fn open(address: &str, place: &str) -> Result<Self, BackendError> {
        let place = place.to_owned();
        let no = |why: String| BackendError::Unreachable(format!("{place}: {why}"));
        let stream = timeout(LIMIT, TcpStream::connect(address))
            .await
            .map_err(|_| no(format!("no connection within {} ms", LIMIT.as_millis())))?
            .map_err(|error| no(error.to_string()))?;
        let _ = stream.set_nodelay(true);
        Ok(Self { stream, ahead: Vec::new(), place })
    }

    /// Sends `commands` at once, and waits for the reply to each.
    ///
    /// # Errors
    /// No reply came, or not a valid one; what Redis itself refuses is a [`Reply::Error`].
    pub(super) async fn ask(&mut self, commands: &[Vec<&str>]) -> Result<Vec<Reply>, BackendError> {
        let deadline = Instant::now() + LIMIT;
        let late = format!("{} did not answer within {} ms", self.place, LIMIT.as_millis());
        timeout_at(deadline, self.exchange(commands)).await.map_err(|_| BackendError::Unknown(late))?
    }

    async fn exchange(&mut self, commands: &[Vec<&str>]) -> Result<Vec<Reply>, BackendError> {
        let garbled = |place: &str, why: &str| BackendError::Garbled(format!("{place}: {why}: is this a Redis?"));
        if !self.ahead.is_empty() {
            return Err(garbled(&self.place, "it answers what was not asked"));
        }
        let request: Vec<u8> = commands.iter().flat_map(|words| command(words)).collect();
        self.stream.write_all(&request).await.map_err(|error| self.broke_off(Some(&error)))?;
        let mut replies = Vec::with_capacity(commands.len());
        let mut chunk = [0; 4096];
        while replies.len() < commands.len() {
            match parse(&self.ahead, 0).map_err(|why| garbled(&self.place, &why))? {
                Some((reply, length)) => {
                    self.ahead.drain(..length);
                    replies.push(reply);
                }
                None if self.ahead.len() > MAX_REPLIES => {
                    return Err(garbled(&self.place, &format!("a reply is longer than {MAX_REPLIES} bytes")));
                }
                None => match self.stream.read(&mut chunk).await {
                    Ok(0) => return Err(self.broke_off(None)),
                    Ok(read) => self.ahead.extend_from_slice(&chunk[..read]),
                    Err(error) => return Err(self.broke_off(Some(&error))),
                },
            }
        }
        Ok(replies)
    }

    fn broke_off(&self, error: Option<&io::Error>) -> BackendError {
        let place = &self.place;
        let why = error.map_or_else(String::new, |error| format!(" ({error})"));
        if self.ahead.is_empty() {
            BackendError::Unknown(format!("{place} closed the connection without an answer{why}"))
        } else {
            BackendError::Garbled(format!("{place} closed the connection in the middle of its answer{why}"))
        }
    }
}

/// A command as it is sent: the lengths stand before the words, so that no word can become another command.
fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// The first reply in `bytes` and its length; `None` while it is not whole.
fn parse(bytes: &[u8], depth: u8) -> Result<Option<(Reply, usize)>, String> {
    let begins = || clean(&String::from_utf8_lossy(&bytes[..bytes.len().min(40)]), 40);
    let Some(kind) = bytes.first() else { return Ok(None) };
    if !b"+-:$*".contains(kind) {
        return Err(format!("the answer begins with {:?}", begins()));
    }
    let Some(end) = bytes.windows(2).position(|it| it == b"\r\n") else { return Ok(None) };
    let line = String::from_utf8_lossy(&bytes[1..end]).into_owned();
    let number = || line.parse::<i64>().map_err(|_| format!("{:?} is no number", clean(&line, 40)));
    // -1 is no text and no list; more than can be held is neither.
    let length = || match number()? {
        -1 => Ok(None),
        n => usize::try_from(n).ok().filter(|n| *n <= MAX_REPLIES).map(Some).ok_or(format!("a length of {n}")),
    };
    let mut at = end + 2;
    let reply = match kind {
        b'+' => Reply::Simple(line),
        b'-' => Reply::Error(line),
        b':' => Reply::Number(number()?),
        b'$' => match length()? {
            None => Reply::Text(None),
            Some(length) => {
                let Some(text) = bytes.get(at..at + length) else { return Ok(None) };
                let text = String::from_utf8_lossy(text).into_owned();
                let Some(close) = bytes.get(at + length..at + length + 2) else { return Ok(None) };
                if close != b"\r\n" {
                    return Err("a text is longer than it says".into());
                }
                at += length + 2;
                Reply::Text(Some(text))
            }
        },
        _ if depth >= MAX_DEPTH => return Err("lists in lists".into()),
        _ => match length()? {
            None => Reply::List(None),
            Some(length) => {
                let mut items = Vec::new();
                for _ in 0..length {
                    let Some((item, length)) = parse(&bytes[at..], depth + 1)? else { return Ok(None) };
                    items.push(item);
                    at += length;
                }
                Reply::List(Some(items))
            }
        },
    };
    Ok(Some((reply, at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_and_not_read() {
        assert_eq!(command(&["SET", "a b", "x\r\nDEL y"]), b"*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$8\r\nx\r\nDEL y\r\n");
    }

    #[test]
    fn replies_are_read_whole_or_not_at_all() {
        let text = |text: &str| Reply::Text(Some(text.into()));
        for (bytes, reply) in [
            ("+OK\r\n", Reply::Simple("OK".into())),
            ("-NOAUTH no\r\n", Reply::Error("NOAUTH no".into())),
            (":12\r\n", Reply::Number(12)),
            ("$-1\r\n", Reply::Text(None)),
            ("$2\r\n\r\n\r\n", text("\r\n")),
            ("*-1\r\n", Reply::List(None)),
            (
                "*2\r\n$1\r\na\r\n*1\r\n:1\r\n",
                Reply::List(Some(vec![text("a"), Reply::List(Some(vec![Reply::Number(1)]))])),
            ),
        ] {
            assert_eq!(parse(bytes.as_bytes(), 0), Ok(Some((reply, bytes.len()))), "{bytes}");
            for cut in 0..bytes.len() {
                assert_eq!(parse(&bytes.as_bytes()[..cut], 0), Ok(None), "{bytes} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_reply_is_told() {
        for (bytes, told) in [
            ("HTTP/1.1 400 Bad Request\r\n", "the answer begins with \"HTTP/1.1 400 Bad Request  \""),
            ("$x\r\n", "\"x\" is no number"),
            ("$-2\r\n", "a length of -2"),
            ("*99999999999\r\n", "a length of 99999999999"),
            ("$1\r\nabc\r\n", "a text is longer than it says"),
            ("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "lists in lists"),
        ] {
            assert_eq!(parse(bytes.as_bytes(), 0).unwrap_err(), told);
        }
    }
}
