//! A connection to Redis, bounded in time and size. The crate `redis` writes the commands and reads the replies.

use std::io;
use std::time::Duration;

use redis::{ErrorKind, Parser, Pipeline, RedisResult, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::spec::RedisSpec;
use crate::backend::BackendError;
use crate::domain::text::clean;
use crate::http::{Cause, Stream, Tls, connect};

/// Longest time to connect, and longest time for the replies to the commands that are sent at once.
const LIMIT: Duration = Duration::from_millis(1100);
/// Most bytes of the replies to these commands: replies to ours are far shorter.
const MAX_REPLIES: usize = 64 * 1024;

/// A connection.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    /// What an error calls it.
    place: String,
}

impl Connection {
    /// Connects, and sends nothing.
    pub(super) async fn open(redis: &RedisSpec, tls: Option<&Tls>) -> Result<Self, BackendError> {
        let place = redis.to_string();
        let no = |why: String| BackendError::Unreachable(format!("{place}: {why}"));
        let stream = timeout(LIMIT, connect(&redis.host, redis.port, tls))
            .await
            .map_err(|_| no(format!("no connection within {} ms", LIMIT.as_millis())))?
            .map_err(|cause| no(cause.words))?;
        Ok(Self { stream, place })
    }

    /// Sends `commands` at once, and waits for the reply to each. What Redis refuses is a [`Value::ServerError`].
    ///
    /// # Errors
    /// A reply did not come, or cannot be read.
    pub(super) async fn ask(&mut self, commands: &Pipeline) -> Result<Vec<Value>, BackendError> {
        let late = format!("{} did not answer within {} ms", self.place, LIMIT.as_millis());
        timeout(LIMIT, self.exchange(commands)).await.map_err(|_| BackendError::Unknown(late))?
    }

    async fn exchange(&mut self, commands: &Pipeline) -> Result<Vec<Value>, BackendError> {
        let mut held = Vec::new();
        let sent = async {
            self.stream.write_all(&commands.get_packed_pipeline()).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error| self.broke_off(&held, Some(&error)))?;
        loop {
            match self.stream.read_buf(&mut held).await {
                Ok(0) => return Err(self.broke_off(&held, None)),
                Ok(_) if held.len() > MAX_REPLIES => {
                    return Err(self.garbled(&format!("a reply is longer than {MAX_REPLIES} bytes")));
                }
                Ok(_) => {}
                Err(error) => return Err(self.broke_off(&held, Some(&error))),
            }
            if let Some(replies) = self.replies(&held, commands.len())? {
                return Ok(replies);
            }
        }
    }

    /// The `count` replies in `bytes`; `None` while they are not whole.
    fn replies(&self, bytes: &[u8], count: usize) -> Result<Option<Vec<Value>>, BackendError> {
        let read = |mut bytes: &[u8]| {
            let mut parser = Parser::new();
            (0..count).map(|_| parser.parse_value(&mut bytes)).collect::<RedisResult<Vec<_>>>()
        };
        match read(bytes) {
            // They end before the last byte.
            Ok(_) if bytes.split_last().is_some_and(|(_, before)| read(before).is_ok()) => {
                Err(self.garbled("it answers what was not asked"))
            }
            Ok(replies) => Ok(Some(replies)),
            Err(error) if error.kind() == ErrorKind::Io => Ok(None),
            Err(error) => Err(self.garbled(&format!("the answer cannot be read ({})", clean(&error.to_string(), 120)))),
        }
    }

    fn garbled(&self, why: &str) -> BackendError {
        BackendError::Garbled(format!("{}: {why}: is this a Redis?", self.place))
    }

    fn broke_off(&self, held: &[u8], error: Option<&io::Error>) -> BackendError {
        let place = &self.place;
        let why = error.map_or_else(String::new, |error| format!(" ({})", Cause::of(error)));
        if held.is_empty() {
            BackendError::Unknown(format!("{place} closed the connection without an answer{why}"))
        } else {
            BackendError::Garbled(format!("{place} closed the connection in the middle of its answer{why}"))
        }
    }
}
