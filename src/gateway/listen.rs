//! The two kinds of listener of the admin interface.
//!
//! The unix socket is created inside a private directory (0700), gets mode 0600 there, and is then moved to its
//! place. So another user can never connect to it.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener};

use super::Admin;
use super::error::GatewayError;

/// A listener for orders.
#[derive(Debug)]
pub(super) enum AdminListener {
    Unix { listener: UnixListener, _file: SocketFile },
    Tcp { listener: TcpListener, token: String },
}

/// The file of the socket; removed at the end if it is still the gateway's own.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            // The next start detects a socket file that stays behind.
            drop(fs::remove_file(&self.path));
        }
    }
}

impl AdminListener {
    /// Registers the listener with the current runtime.
    pub(super) fn moved_here(self) -> io::Result<Self> {
        Ok(match self {
            Self::Unix { listener, _file: file } => {
                Self::Unix { listener: UnixListener::from_std(listener.into_std()?)?, _file: file }
            }
            Self::Tcp { listener, token } => {
                Self::Tcp { listener: TcpListener::from_std(listener.into_std()?)?, token }
            }
        })
    }

    pub(super) async fn bind(admin: &Admin) -> Result<Self, GatewayError> {
        match admin {
            Admin::Unix(path) => unix(path),
            Admin::Tcp { addr, token } => {
                if !addr.ip().is_loopback() {
                    return Err(GatewayError::Setting(format!(
                        "the admin address {addr} can be reached from outside: use a loopback address such as 127.0.0.1, or a unix socket"
                    )));
                }
                if token.len() < 8 {
                    return Err(GatewayError::Setting(
                        "the admin token is shorter than 8 characters: use a longer one".into(),
                    ));
                }
                Ok(Self::Tcp { listener: tcp(*addr).await?, token: token.clone() })
            }
        }
    }
}

/// Binds a TCP address.
pub(super) async fn tcp(addr: SocketAddr) -> Result<TcpListener, GatewayError> {
    TcpListener::bind(addr).await.map_err(|source| GatewayError::Listen { addr, source })
}

fn unix(path: &Path) -> Result<AdminListener, GatewayError> {
    let fault = |source| GatewayError::Socket { path: path.to_owned(), source };
    let taken = |alive| GatewayError::SocketTaken { path: path.to_owned(), alive };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(taken(false)),
        Ok(_) => match StdStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Ok(_) => return Err(taken(true)),
            // Not ours to replace: it may belong to another user, or to a process that is too busy to answer.
            Err(error) => return Err(fault(error)),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(fault(error)),
    }
    let (listener, file) = place(path).map_err(fault)?;
    Ok(AdminListener::Unix { listener, _file: file })
}

fn place(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // Short names: a socket's path has a limit of about 100 bytes.
    let private = parent.join(format!(".c{}", std::process::id()));
    match fs::remove_dir_all(&private) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(&private)?;
    let placed = (|| {
        let inside = private.join("s");
        let listener = UnixListener::bind(&inside)?;
        fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
        let inode = fs::symlink_metadata(&inside)?.ino();
        fs::rename(&inside, path)?;
        Ok((listener, SocketFile { path: path.to_owned(), inode }))
    })();
    // Empty or useless now.
    drop(fs::remove_dir_all(&private));
    placed
}
