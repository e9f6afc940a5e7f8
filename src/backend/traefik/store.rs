//! Where the weighted service is written: the file, or Redis.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

#[cfg(feature = "traefik-redis")]
use super::redis::{Keys, RedisSpec, Watched};
use super::source::Source;
use super::{include, share};
use crate::backend::BackendError;
use crate::backend::file;
use crate::backend::traefik::spec::{FileFormat, TraefikSpec, TraefikWay};
use crate::domain::text::clean;
use crate::domain::{Order, Pair};
#[cfg(feature = "traefik-redis")]
use crate::http::Tls;

/// How long a forward order waits for the lock of another console.
const LOCK_LIMIT: Duration = Duration::from_secs(1);
/// How long a rollback waits, before it goes on without the lock.
const LOCK_LIMIT_BACK: Duration = Duration::from_millis(200);

/// The place.
#[derive(Debug)]
pub(super) struct Store {
    spec: TraefikSpec,
    /// Held by the thread that writes: a write whose order was given up ends before the next one begins.
    writing: Arc<Mutex<()>>,
    /// For a Redis that is reached by TLS.
    #[cfg(feature = "traefik-redis")]
    tls: Option<Result<Tls, BackendError>>,
}

/// The right to change what is written, if it is still what was read.
pub(super) enum Exclusive<'a> {
    File {
        at: FileAt<'a>,
        _held: file::Lock,
    },
    #[cfg(feature = "traefik-redis")]
    Redis(Watched<'a>),
}

/// The file and how it is written.
#[derive(Clone, Copy)]
pub(super) struct FileAt<'a> {
    store: &'a Store,
    path: &'a Path,
    format: FileFormat,
}

impl Store {
    pub(super) fn new(spec: &TraefikSpec) -> Self {
        #[cfg(feature = "traefik-redis")]
        let tls = match &spec.way {
            TraefikWay::Redis(redis) if redis.tls => {
                Some(Tls::new(&spec.transport).map_err(|cause| BackendError::Refused(format!("{redis}: {cause}"))))
            }
            _ => None,
        };
        Self {
            spec: spec.clone(),
            writing: Arc::default(),
            #[cfg(feature = "traefik-redis")]
            tls,
        }
    }

    #[cfg(feature = "traefik-redis")]
    fn keys<'a>(&'a self, redis: &'a RedisSpec) -> Keys<'a> {
        Keys { spec: &self.spec, redis, tls: self.tls.as_ref() }
    }

    /// Its name in a sentence.
    pub(super) fn place(&self) -> &'static str {
        match self.spec.way {
            TraefikWay::File { .. } => "the file",
            #[cfg(feature = "traefik-redis")]
            TraefikWay::Redis(_) => "Redis",
        }
    }

    /// What the operator may check when Traefik does not apply what is written.
    pub(super) fn remedy(&self) -> &'static str {
        match self.spec.way {
            TraefikWay::File { .. } => "does Traefik watch the file's directory, and what does its log say?",
            #[cfg(feature = "traefik-redis")]
            TraefikWay::Redis(_) => "does Traefik reach this Redis and database, and what does its log say?",
        }
    }

    /// Reads what is written.
    pub(super) async fn read(&self) -> Result<Source, BackendError> {
        match &self.spec.way {
            TraefikWay::File { path, format } => FileAt { store: self, path, format: *format }.read().await,
            #[cfg(feature = "traefik-redis")]
            TraefikWay::Redis(redis) => self.keys(redis).read().await,
        }
    }

    /// Carries out a rollback, which checks nothing first.
    pub(super) async fn write(&self, order: &Order) -> Result<(), BackendError> {
        match &self.spec.way {
            TraefikWay::File { path, format } => {
                let _lock = file::Lock::take(&aside(path), LOCK_LIMIT_BACK).await.unwrap_or(file::Lock::none());
                FileAt { store: self, path, format: *format }.write_back(order).await
            }
            #[cfg(feature = "traefik-redis")]
            TraefikWay::Redis(redis) => self.keys(redis).write(order).await,
        }
    }

    /// Gets the right to write, for a forward order.
    pub(super) async fn exclusive(&self) -> Result<Exclusive<'_>, BackendError> {
        match &self.spec.way {
            TraefikWay::File { path, format } => {
                let held = file::Lock::take(&aside(path), LOCK_LIMIT).await?;
                Ok(Exclusive::File { at: FileAt { store: self, path, format: *format }, _held: held })
            }
            #[cfg(feature = "traefik-redis")]
            TraefikWay::Redis(redis) => Ok(Exclusive::Redis(self.keys(redis).watch().await?)),
        }
    }

    /// Where `order` would be written, and what.
    pub(super) fn preview(&self, order: &Order) -> (String, Vec<String>) {
        let weights = share::weights(order.target, &order.id, None);
        match &self.spec.way {
            TraefikWay::File { path, format } => {
                let text = include::write(&self.spec, *format, weights, order.target, &order.id);
                (file::shown(path), text.lines().skip(1).map(|line| clean(line, 200)).collect())
            }
            #[cfg(feature = "traefik-redis")]
            TraefikWay::Redis(redis) => {
                let keys = self.keys(redis);
                let sets = keys.sets(weights);
                let mut lines: Vec<String> = redis.password.iter().map(|_| "AUTH ***".to_owned()).collect();
                lines.extend((redis.db > 0).then(|| format!("SELECT {}", redis.db)));
                lines.extend(order.expected.iter().map(|_| "WATCH the keys, and look at them".to_owned()));
                lines.push("MULTI".into());
                lines.extend(sets.iter().map(|(key, value)| clean(&format!("SET {key} {value}"), 300)));
                lines.push("EXEC".into());
                lines.push(clean(&format!("PUBLISH {} set", keys.channel()), 300));
                (redis.to_string(), lines)
            }
        }
    }
}

impl Exclusive<'_> {
    /// Reads what is written, for [`Self::write`].
    pub(super) async fn read(&mut self) -> Result<Source, BackendError> {
        match self {
            Self::File { at, .. } => at.read().await,
            #[cfg(feature = "traefik-redis")]
            Self::Redis(watched) => watched.read().await,
        }
    }

    /// Writes what `order` asks for in the place of `source`.
    pub(super) async fn write(&mut self, order: &Order, source: &Source) -> Result<(), BackendError> {
        match self {
            Self::File { at, .. } => at.write(order, Some(source.weights)).await,
            #[cfg(feature = "traefik-redis")]
            Self::Redis(watched) => watched.write(order, source).await,
        }
    }
}

impl FileAt<'_> {
    async fn text(self) -> Result<String, BackendError> {
        let path = self.path.to_owned();
        blocking(move || file::read(&path)).await.map(|before| before.text)
    }

    async fn read(self) -> Result<Source, BackendError> {
        let raw = self.text().await?;
        let weights = include::read(&self.store.spec, self.format, &raw)
            .map_err(|why| BackendError::Garbled(format!("{}: {why}", file::shown(self.path))))?;
        Ok(Source { weights, raw, notes: Vec::new() })
    }

    /// For a rollback: a broken file is written over, but not a file that cutover never wrote.
    async fn write_back(self, order: &Order) -> Result<(), BackendError> {
        let now = match self.text().await {
            Ok(text) => match include::read(&self.store.spec, self.format, &text) {
                Ok(weights) => Some(weights),
                Err(_) if include::is_ours(&text) => None,
                Err(why) => {
                    return Err(BackendError::Refused(format!(
                        "{}: {why}; cutover writes over no file that it did not write: move it away, and do it again",
                        file::shown(self.path)
                    )));
                }
            },
            Err(_) => None,
        };
        self.write(order, now).await
    }

    async fn write(self, order: &Order, now: Option<Pair<u64>>) -> Result<(), BackendError> {
        let weights = share::weights(order.target, &order.id, now);
        let text = include::write(&self.store.spec, self.format, weights, order.target, &order.id);
        let path: PathBuf = self.path.to_owned();
        let writing = Arc::clone(&self.store.writing).lock_owned().await;
        blocking(move || {
            let _held = writing;
            put(&path, &text)
        })
        .await
    }
}

/// Where the files lie that Traefik must not read. Traefik takes every event in the directory that it watches for a
/// change, and holds the next change back for `providersThrottleDuration`. It does not watch directories below.
fn aside(path: &Path) -> PathBuf {
    let dir = path.parent().unwrap_or(Path::new("/")).join(".cutover");
    if dir.is_dir() || std::fs::create_dir(&dir).is_ok() {
        return dir.join(path.file_name().unwrap_or_default());
    }
    path.to_owned()
}

/// Writes the file in one step that Traefik sees.
fn put(path: &Path, text: &str) -> Result<(), BackendError> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut fresh = aside(&path).into_os_string();
    fresh.push(".new");
    // The directory may lie on another file system. Then the file is written as any other is.
    file::write_by(&path, Path::new(&fresh), text, None).or_else(|_| file::write(&path, text, None))
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, BackendError> + Send + 'static,
) -> Result<T, BackendError> {
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or_else(|error| Err(BackendError::Unreachable(format!("it was given up: {error}"))))
}
