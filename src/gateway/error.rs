//! Why the gateway did not start or had to stop, each with what to do about it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the gateway could not be bound or had to stop.
#[derive(Debug)]
pub enum GatewayError {
    /// A setting cannot be used; the text names the value and the remedy.
    Setting(String),
    /// A TCP address could not be bound.
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// The system's message.
        source: io::Error,
    },
    /// The admin socket cannot be created.
    Socket {
        /// Its path.
        path: PathBuf,
        /// The system's message.
        source: io::Error,
    },
    /// The path of the admin socket is in use: a process answers there, or the file is not a socket.
    SocketTaken {
        /// Its path.
        path: PathBuf,
        /// Whether a running gateway answers there.
        alive: bool,
    },
    /// The state file cannot be read or is invalid.
    State {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another gateway uses the same state file.
    StateLocked(PathBuf),
    /// The thread of the admin interface cannot be created.
    Thread(io::Error),
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(text) => f.write_str(text),
            Self::Thread(source) => write!(f, "the admin interface's thread cannot be started: {source}"),
            Self::Listen { addr, source } if source.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "{addr} is already in use: stop what listens there, or choose another address")
            }
            Self::Listen { addr, source } => write!(f, "cannot listen on {addr}: {source}"),
            Self::Socket { path, source } => {
                write!(
                    f,
                    "cannot make the admin socket {}: {source}; its directory must exist and be writable",
                    path.display()
                )
            }
            Self::SocketTaken { path, alive: true } => {
                write!(f, "a gateway already answers on {}: stop it, or choose another admin socket", path.display())
            }
            Self::SocketTaken { path, alive: false } => {
                write!(f, "{} is in the way and is no socket: move it, or choose another admin socket", path.display())
            }
            Self::State { path, reason } => {
                write!(
                    f,
                    "the state file {} {reason}: mend it, or move it away to start with the configured split",
                    path.display()
                )
            }
            Self::StateLocked(path) => {
                write!(f, "another gateway uses the state file {}: stop it, or choose another file", path.display())
            }
        }
    }
}

impl std::error::Error for GatewayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. } | Self::Socket { source, .. } => Some(source),
            _ => None,
        }
    }
}
