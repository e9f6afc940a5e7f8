//! A side behind Caddy: a server that says which it is, and holds an answer open where it is asked to.

use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub struct Model {
    accepting: JoinHandle<()>,
    /// Ends every answer that is held open.
    pub release: Arc<Notify>,
}

impl Model {
    pub fn start(socket: &Path, name: &'static str) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let release = Arc::new(Notify::new());
        let held = Arc::clone(&release);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, name, Arc::clone(&held)));
            }
        });
        Self { accepting, release }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: UnixStream, name: &'static str, release: Arc<Notify>) -> Option<()> {
    let mut head = Vec::new();
    loop {
        let mut chunk = [0; 1024];
        while !head.ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
            head.extend_from_slice(&chunk[..read]);
        }
        // Enabled before the first byte goes out: a release that follows that byte is not missed.
        let released = release.notified();
        tokio::pin!(released);
        released.as_mut().enable();
        let is_stream = head.starts_with(b"GET /stream");
        head.clear();
        if is_stream {
            let begin = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{name}\r\n",
                name.len()
            );
            stream.write_all(begin.as_bytes()).await.ok()?;
            released.await;
            stream.write_all(b"3\r\nend\r\n0\r\n\r\n").await.ok()?;
        } else {
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len());
            stream.write_all(answer.as_bytes()).await.ok()?;
        }
    }
}
