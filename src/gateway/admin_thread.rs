//! A separate thread for the admin interface, so that an order does not wait behind requests in the traffic loop.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::admin;
use super::listen::AdminListener;
use super::shared::Shared;

/// The running thread. Dropping this ends the thread and frees the listener before it returns.
#[derive(Debug)]
pub(super) struct AdminThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AdminThread {
    /// Starts to accept orders on `listener`.
    ///
    /// # Errors
    /// The thread or its runtime cannot be created.
    pub(super) fn open(listener: AdminListener, shared: Arc<Shared>) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            listener.moved_here()?
        };
        let thread = std::thread::Builder::new().name("admin".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = admin::accept(&listener, &shared) => {}
                }
            });
            drop(listener);
            // Reason: a save that hangs on the disk must not delay the shutdown.
            runtime.shutdown_background();
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for AdminThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The panic hook has reported a panic of that thread.
            let _ = thread.join();
        }
    }
}
