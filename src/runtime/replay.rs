//! A recording as the console's source: it plays at a speed, pauses, and seeks. Nothing is contacted.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::console::ConsoleSource;
use super::core::{Incoming, Outcome, gate_logs};
use crate::domain::LogLine;
use crate::engine::{Event, Refusal, RefusalKind, Reply, Request, Snapshot};
use crate::record::Player;
use crate::ui::{self, Seek};

/// The most entries that are played at once, so that keys do not wait.
const AT_ONCE: usize = 5_000;
/// Seeking moves by a twentieth of the recording, but at least by this much, in milliseconds.
const LEAST_SEEK_MS: i64 = 10_000;

/// A recording that is being played.
#[derive(Debug)]
pub(crate) struct Replay {
    player: Player,
    speed: f64,
    /// When playing last started, and the recorded time at that moment.
    went: (Instant, i64),
    is_paused: bool,
    logs: Arc<Vec<(String, String)>>,
    /// Earlier lines that were not shown yet.
    backlog: Vec<LogLine>,
}

impl Replay {
    /// Plays from the position of `player` at `speed` times the real speed. `backlog` holds the log lines up to
    /// there.
    pub(crate) fn new(player: Player, speed: f64, backlog: Vec<LogLine>) -> Self {
        let went = (Instant::now(), player.now().mono_ms);
        let logs = Arc::new(gate_logs(player.service()));
        Self { player, speed, went, is_paused: false, logs, backlog }
    }

    /// The current position: recorded time in milliseconds.
    fn position(&self) -> i64 {
        let (since, from) = self.went;
        let gone = if self.is_paused { 0.0 } else { since.elapsed().as_secs_f64() * 1000.0 * self.speed };
        (from + gone as i64).min(self.player.span().1.mono_ms)
    }

    fn go_from(&mut self, mono_ms: i64) {
        self.went = (Instant::now(), mono_ms);
    }
}

impl ConsoleSource for Replay {
    async fn next(&mut self) -> Incoming {
        match self.player.next_at() {
            Some(at) if !self.is_paused => {
                let (since, from) = self.went;
                let wait = (at.mono_ms - from).max(0) as f64 / 1000.0 / self.speed;
                tokio::time::sleep_until(since + Duration::from_secs_f64(wait)).await;
            }
            _ => std::future::pending().await,
        }
        Incoming::Event(Event::Tick)
    }

    fn take(&mut self, _: Incoming) -> Vec<Outcome> {
        let mut out: Vec<Outcome> = self.backlog.drain(..).map(Outcome::Line).collect();
        let now = self.position();
        for _ in 0..AT_ONCE {
            if self.player.next_at().is_none_or(|at| at.mono_ms > now) {
                break;
            }
            out.extend(self.player.step().into_iter().flat_map(|step| step.lines).map(Outcome::Line));
        }
        out
    }

    fn ask(&mut self, request: Request) -> Vec<Outcome> {
        let text = "a replay moves nothing".into();
        vec![Outcome::Reply { id: request.id, reply: Reply::Refused(Refusal { kind: RefusalKind::ReadOnly, text }) }]
    }

    fn snapshot(&mut self) -> Snapshot {
        let mut snapshot = self.player.snapshot();
        snapshot.detail.logs = Arc::clone(&self.logs);
        (snapshot.status.driver.read_only, snapshot.status.driver.may_drive) = (true, false);
        snapshot
    }

    fn elapsed_ms(&self) -> u64 {
        self.position().max(0).unsigned_abs()
    }

    fn replay(&self) -> Option<ui::Replay> {
        Some(ui::Replay { speed: self.speed, is_paused: self.is_paused, is_over: self.player.next_at().is_none() })
    }

    fn seek(&mut self, seek: Seek) -> Vec<ui::Input> {
        let (now, (first, last)) = (self.position(), self.player.span());
        let far = ((last.mono_ms - first.mono_ms) / 20).max(LEAST_SEEK_MS);
        let far = if self.is_paused { 1_000 } else { far };
        let to = match seek {
            Seek::PauseOrGo => {
                self.is_paused = !self.is_paused;
                self.go_from(now);
                return Vec::new();
            }
            Seek::Back => now - far,
            Seek::Forward => now + far,
        };
        let to = to.clamp(first.mono_ms, last.mono_ms);
        let lines = self.player.seek(to);
        self.go_from(to);
        let rewound = (to < now).then_some(ui::Input::Rewound);
        rewound.into_iter().chain([ui::Input::Lines { lines, dropped: 0 }]).collect()
    }
}
