//! One exchange with one process: its own connection, one line of commands, as many answers.
//!
//! Each answer ends with an empty line. A successful set command answers with only that line.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};

use crate::backend::Address;
use crate::backend::BackendError;
use crate::backend::exchange::Failure;
use crate::domain::text::clean;

/// The longest answer, in bytes. A backend with a thousand servers has about 400 KiB of `show stat`.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// A connection to a node.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Sends `commands` and returns one answer for each, without the empty line at its end.
pub(super) async fn ask(node: &Address, commands: &[String], limit: Duration) -> Result<Vec<String>, Failure> {
    if let Some(command) = commands.iter().find(|command| !is_one_command(command)) {
        let text = format!("{:?} is not one command of the runtime API; nothing was sent", clean(command, 120));
        return Err(Failure::of(node, &BackendError::Refused(text)));
    }
    let deadline = Instant::now() + limit;
    let line = format!("{}\n", commands.join(";"));
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {} ms", limit.as_millis()));
    let connect = async {
        Ok::<Box<dyn Stream>, io::Error>(match node {
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Address::Net(address) => Box::new(TcpStream::connect(address).await?),
        })
    };
    let stream = timeout_at(deadline, connect).await.unwrap_or_else(|_| Err(late()));
    let stream = stream.map_err(|error| not_connected(node, &error))?;
    let exchanged = timeout_at(deadline, exchange(stream, line, commands.len())).await;
    let silent = |_| {
        let first = commands.first().map_or_else(String::new, |first| clean(first, 60));
        Err(BackendError::Unknown(format!("no answer within {} ms to {first:?}", limit.as_millis())))
    };
    exchanged.unwrap_or_else(silent).map_err(|error| Failure::of(node, &error))
}

/// A line end, a semicolon or a payload mark would start another command.
fn is_one_command(command: &str) -> bool {
    !command.is_empty() && command.bytes().all(|b| (b' '..=b'~').contains(&b) && !b";\\\"'<#".contains(&b))
}

fn not_connected(node: &Address, error: &io::Error) -> Failure {
    let text = clean(&error.to_string(), 120);
    if error.kind() == io::ErrorKind::PermissionDenied {
        return Failure::of(node, &BackendError::Denied(format!("{text}: this user may not open the socket")));
    }
    let (is_gone, text) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (true, format!("{text}: nobody listens there; does this HAProxy run?")),
        io::ErrorKind::NotFound => {
            (true, format!("{text}: is that the path of `stats socket` in HAProxy's config, and does it run?"))
        }
        _ => (false, text),
    };
    Failure { is_gone, ..Failure::of(node, &BackendError::Unreachable(text)) }
}

/// From the first byte on, everything may have happened.
async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    line: String,
    wanted: usize,
) -> Result<Vec<String>, BackendError> {
    let broken = |error: io::Error| BackendError::Unknown(clean(&error.to_string(), 120));
    stream.write_all(line.as_bytes()).await.map_err(broken)?;
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let n = stream.read(&mut chunk).await.map_err(broken)?;
        bytes.extend_from_slice(&chunk[..n]);
        if bytes.len() > MAX_ANSWER {
            return Err(BackendError::Garbled(format!("the answer is longer than {} MiB", MAX_ANSWER >> 20)));
        }
        // A complete answer is enough: some versions keep the connection open after it.
        if n == 0 || bytes.ends_with(b"\n") {
            let (answers, is_whole) = answers(&String::from_utf8_lossy(&bytes));
            match (n, answers.len()) {
                (_, got) if got == wanted && is_whole => return Ok(answers),
                (0, 0) if bytes.is_empty() => {
                    return Err(BackendError::Unknown("closed the connection without an answer".into()));
                }
                (0, _) => return Err(cut_off(&bytes)),
                (_, got) if got > wanted => {
                    return Err(BackendError::Garbled(format!("{got} answers came to {wanted} commands")));
                }
                _ => {}
            }
        }
    }
}

fn cut_off(bytes: &[u8]) -> BackendError {
    let begins = clean(&String::from_utf8_lossy(&bytes[..bytes.len().min(120)]), 60);
    BackendError::Garbled(format!("closed in the middle of an answer that begins with {begins:?}"))
}

/// The answers in `text`, and whether the last one is complete.
fn answers(text: &str) -> (Vec<String>, bool) {
    let (mut found, mut answer) = (Vec::new(), String::new());
    for line in text.split_inclusive('\n') {
        if line == "\n" {
            found.push(std::mem::take(&mut answer));
        } else {
            answer.push_str(line);
        }
    }
    (found, answer.is_empty())
}

/// Checks the answer to a set command.
pub(super) fn done(command: &str, answer: &str) -> Result<(), BackendError> {
    let text = answer.trim();
    if text.is_empty() {
        return Ok(());
    }
    Err(refusal(text).unwrap_or_else(|| {
        BackendError::Garbled(format!("{:?} was answered with {:?}", clean(command, 80), clean(text, 120)))
    }))
}

/// Whether the answer says that a server or an entry is not there.
pub(super) fn is_missing(answer: &str) -> bool {
    ["No such server", "entry not found"].iter().any(|word| answer.trim_start().starts_with(word))
}

/// HAProxy's error in `text`; `None` if the text is not an error.
pub(super) fn refusal(text: &str) -> Option<BackendError> {
    let first = clean(text.lines().next().unwrap_or_default(), 160);
    let has = |words: &[&str]| words.iter().any(|word| first.starts_with(word));
    if has(&["Permission denied"]) {
        return Some(BackendError::Denied(format!("{first:?}: the socket needs `level admin`")));
    }
    if has(&["Unknown map identifier"]) {
        return Some(BackendError::Refused("it knows no such map: write its name as HAProxy's own config does".into()));
    }
    if has(&["entry not found"]) {
        return Some(BackendError::Refused("the map holds no such key: add the line to the map file".into()));
    }
    if has(&["Unknown command"]) && text.contains("show processes status") {
        let why = "this is the master's socket (-S): name the stats socket of the worker";
        return Some(BackendError::Refused(why.into()));
    }
    if has(&[
        "No such server",
        "No such backend",
        "No such proxy",
        "Can't find backend",
        "Absolute weight",
        "Relative weight",
        "Backend is using a static LB algorithm",
        "Unknown command",
        "Require ",
    ]) {
        return Some(BackendError::Refused(format!("it says {first:?}")));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_one_plain_command_is_sent() {
        for good in ["show info", "set map /etc/haproxy/a.map k v", "set server be_split/blue-1 weight 90"] {
            assert!(is_one_command(good), "{good}");
        }
        for bad in
            ["", "a;b", "a\nb", "a\rb", "set map a k <<", "a\\ b", "a\0", "show 'x'", "\"x\"", "b\u{fc}cher", "#1"]
        {
            assert!(!is_one_command(bad), "{bad:?}");
        }
    }

    #[test]
    fn answers_end_with_an_empty_line() {
        assert_eq!(answers("\n\n"), (vec![String::new(), String::new()], true));
        assert_eq!(answers("No such server.\n\n\n"), (vec!["No such server.\n".into(), String::new()], true));
        assert_eq!(answers("a\nb\n"), (vec![], false));
    }

    #[test]
    fn errors_are_told_apart() {
        assert_eq!(done("x", "\n"), Ok(()));
        assert!(matches!(done("x", "Permission denied\n"), Err(BackendError::Denied(_))));
        assert!(matches!(done("x", "No such server.\n"), Err(BackendError::Refused(_))));
        assert!(matches!(done("x", "<html>"), Err(BackendError::Garbled(_))));
    }
}
