//! Watches the config file: a walk goes on by what it read, and says so when the file is another one by now.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::domain::Digest;
use crate::domain::text::clean;

/// The pause between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// The file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    path: PathBuf,
    content: Option<Digest>,
}

impl ConfigFile {
    /// The file at `path`, as it is now.
    pub fn now(path: &Path) -> Self {
        Self { path: path.to_owned(), content: content(path) }
    }

    /// Looks until the receiver is gone; tells what is wrong while the file is another one.
    pub(super) async fn watch(self, tell: watch::Sender<Option<String>>) {
        while !tell.is_closed() {
            tokio::time::sleep(EVERY).await;
            let path = self.path.clone();
            let Ok(now) = spawn_blocking(move || content(&path)).await else { return };
            let fault = (now != self.content).then(|| changed(&self.path, now.is_some()));
            tell.send_if_modified(|told| {
                let is_news = *told != fault;
                *told = fault;
                is_news
            });
        }
    }
}

fn content(path: &Path) -> Option<Digest> {
    std::fs::read_to_string(path).ok().map(|text| Digest::of([text]))
}

fn changed(path: &Path, is_there: bool) -> String {
    let path = clean(&path.to_string_lossy(), 120);
    let what = if is_there { "was changed" } else { "cannot be read any more" };
    format!("the config {path} {what}: this process goes on by what it read at its start; start it again to use it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn another_content_is_told_and_the_same_one_again_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cutover.toml");
        std::fs::write(&path, "a = 1").unwrap();
        let (tell, mut told) = watch::channel(None);
        let watching = tokio::spawn(ConfigFile::now(&path).watch(tell));
        std::fs::write(&path, "a = 2").unwrap();
        told.changed().await.unwrap();
        assert!(told.borrow_and_update().as_ref().is_some_and(|text| text.contains("was changed")));
        std::fs::write(&path, "a = 1").unwrap();
        told.changed().await.unwrap();
        assert_eq!(*told.borrow_and_update(), None);
        drop(told);
        watching.await.unwrap();
    }
}
