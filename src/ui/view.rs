//! The view's state, and the one way to change it.

mod act;
mod ask;
pub(crate) mod command;
mod copy;
pub(crate) mod cursor;
mod evidence;
mod field;
pub(crate) mod help;
pub(crate) mod keys;
pub(crate) mod log;
mod log_keys;
mod parts;
pub(crate) mod prompt;
mod reply;
mod snapshot;
mod theme;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratatui::layout::Rect;

use self::command::CommandLine;
use self::log::LogPane;
pub(crate) use self::parts::{Field, Message, Overlay, Pane};
use self::prompt::{Notice, Prompt};
use super::actions::Act;
use super::glyphs::Glyphs;
use super::input::{Action, Input, Replay};
use super::keymap::Keymap;
use super::theme::Theme;
use crate::dialogue::Requests;
use crate::domain::{Actor, OrderId};
use crate::engine::{Command, Phase, Snapshot};

/// What a view is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Colours and attributes.
    pub theme: Theme,
    /// Drawing characters.
    pub glyphs: Glyphs,
    /// Who sits at the keyboard; every request carries it.
    pub me: Actor,
    /// The scenarios a demo knows, for `:scenario`; empty elsewhere.
    pub scenarios: Vec<String>,
}

/// How long a message stays, in milliseconds.
const MESSAGE_MS: u64 = 8_000;
const WARNING_MS: u64 = 20_000;
/// Within this time a second Ctrl-c leaves, in milliseconds.
const INTERRUPT_MS: u64 = 2_000;

/// Everything the screen is drawn from.
#[derive(Debug, Clone)]
pub struct View {
    pub(super) options: Options,
    pub(super) keymap: Arc<Keymap>,
    pub(super) size: (u16, u16),
    pub(super) snapshot: Option<Arc<Snapshot>>,
    /// When the snapshot came in, in milliseconds.
    pub(super) received_ms: u64,
    /// What the panes show instead, and since when.
    pub(super) frozen: Option<(Arc<Snapshot>, u64)>,
    /// How the recording plays, where one is shown.
    pub(super) replay: Option<Replay>,
    /// The moment the panes show instead of now, while the time cursor is back in the history.
    pub(super) cursor: Option<DateTime<Utc>>,
    pub(super) log: LogPane,
    themes: theme::Themes,
    pub(super) focus: Pane,
    pub(super) gate: usize,
    pub(super) zoom: bool,
    pub(super) overlay: Option<Overlay>,
    pub(super) field: Option<Field>,
    pub(super) prompt: Option<Prompt>,
    pub(super) notice: Option<Notice>,
    pub(super) message: Option<Message>,
    pub(super) commands: CommandLine,
    pub(super) requests: Requests,
    interrupted_ms: Option<u64>,
    /// What acts without asking, and when it was seen last: a held key acts once.
    held: Option<(Act, u64)>,
    /// The rollback of this console whose reason is still to be asked for.
    reason_due: Option<OrderId>,
    revision: u64,
    drawn: Option<u64>,
    redraw_at: Option<u64>,
}

impl View {
    /// A view that has seen nothing yet.
    pub fn new(options: Options) -> Self {
        Self {
            requests: Requests::new(options.me.clone()),
            options,
            keymap: Arc::default(),
            size: (80, 24),
            snapshot: None,
            received_ms: 0,
            frozen: None,
            cursor: None,
            replay: None,
            log: LogPane::default(),
            themes: theme::Themes::default(),
            focus: Pane::Log,
            gate: 0,
            zoom: false,
            overlay: None,
            field: None,
            prompt: None,
            notice: None,
            message: None,
            commands: CommandLine::default(),
            interrupted_ms: None,
            held: None,
            reason_due: None,
            revision: 0,
            drawn: None,
            redraw_at: None,
        }
    }

    /// The same view with other keys than those of the table.
    #[must_use]
    pub fn with_keymap(mut self, keymap: Arc<Keymap>) -> Self {
        self.keymap = keymap;
        self
    }

    /// The key of an action, as the screen spells it.
    pub fn key_name(&self, act: Act) -> String {
        self.keymap.name(act)
    }

    /// Takes one input at `now_ms` and returns the actions. Nothing else changes the view.
    pub fn update(&mut self, input: Input, now_ms: u64) -> Vec<Action> {
        let mut out = Vec::new();
        self.expire(now_ms);
        match input {
            Input::Key(key) => {
                self.touch();
                self.key(key, now_ms, &mut out);
            }
            Input::Paste(text) => self.paste(&text, now_ms),
            Input::FocusGained => self.touch(),
            Input::FocusLost => self.focus_lost(now_ms),
            Input::LooksLikePaste => self.warn("that looked like a paste: nothing was done", now_ms),
            Input::Resize(width, height) => {
                self.size = (width, height);
                self.touch();
                self.close_if_tiny(now_ms);
            }
            Input::Snapshot(snapshot) => self.take(&snapshot, now_ms, &mut out),
            Input::Line(line) => {
                self.log.push(line, false);
                self.touch();
            }
            Input::Lines { lines, dropped } => {
                for line in lines {
                    self.log.push(line, false);
                }
                self.log.dropped += dropped;
                self.touch();
            }
            Input::Theme { name, theme } => self.theme_read(&name, theme, now_ms),
            Input::Themes(names) => self.themes_known(names),
            Input::Reply { id, reply } => self.reply(id, &reply, now_ms),
            Input::Drawn => {
                self.drawn = Some(self.revision);
                self.redraw_at = self.next_deadline(now_ms);
                self.prompt.iter_mut().for_each(|prompt| prompt.question.shown.drawn());
                self.notice.iter_mut().for_each(|notice| notice.shown.drawn());
            }
            Input::Flushed => {
                self.prompt.iter_mut().for_each(|prompt| prompt.question.shown.flushed(now_ms));
                self.notice.iter_mut().for_each(|notice| notice.shown.flushed(now_ms));
                // Reason: only now it is known when keys begin to count, and the screen says so then.
                self.redraw_at = self.next_deadline(now_ms);
            }
            Input::Told { text, warn: true } => self.warn(&text, now_ms),
            Input::Told { text, warn: false } => self.say(&text, now_ms),
            Input::Replay(replay) => {
                self.replay = Some(replay);
                self.touch();
            }
            Input::Rewound => {
                (self.snapshot, self.cursor) = (None, None);
                self.log = self.log.emptied();
                self.touch();
            }
            Input::Tick => {}
        }
        if self.log.settle(!self.is_wide()) {
            self.touch();
        }
        out.extend(self.theme_action());
        out
    }

    /// Whether a new frame would show something else than the last one.
    pub fn is_dirty(&self) -> bool {
        self.drawn != Some(self.revision)
    }

    /// When something on the screen changes with time; the loop then sends [`Input::Tick`].
    pub fn next_deadline(&self, now_ms: u64) -> Option<u64> {
        let second_after = |from: u64| from + (now_ms.saturating_sub(from) / 1000 + 1) * 1000;
        let prompt = self.prompt.as_ref().map(|prompt| prompt.question.next_change(now_ms));
        let message = self.message.as_ref().map(|message| message.until_ms);
        // Snapshots come about once a second; ages count on by themselves only when they stop coming.
        let age = self.snapshot.as_ref().map(|_| second_after(self.received_ms + 500));
        // A filter is applied to the older lines a piece at a time.
        let looking = self.log.is_looking().then_some(now_ms + 1);
        [prompt, message, age, looking].into_iter().flatten().filter(|&at| at > now_ms).min()
    }

    pub(super) const fn touch(&mut self) {
        self.revision = self.revision.wrapping_add(1);
    }

    /// Removes what has ended by `now_ms`.
    fn expire(&mut self, now_ms: u64) {
        if self.redraw_at.is_some_and(|at| at <= now_ms) {
            self.redraw_at = None;
            self.touch();
        }
        if self.message.as_ref().is_some_and(|message| message.until_ms <= now_ms) {
            self.message = None;
            self.touch();
        }
        if let Some(prompt) = self.prompt.take_if(|prompt| prompt.question.until_ms() <= now_ms) {
            let text = format!("{}: no answer in time, nothing was sent", prompt.name());
            self.close_with(&prompt, vec![text], now_ms);
        }
    }

    fn focus_lost(&mut self, now_ms: u64) {
        if let Some(prompt) = self.prompt.take_if(|prompt| prompt.question.is_heavy()) {
            let text = format!("{}: the terminal lost the focus. Cancelled, nothing was sent.", prompt.name());
            self.close_with(&prompt, vec![text, "Press any key to look again.".into()], now_ms);
        }
    }

    /// Closes a box that no longer fits: it could not be read.
    fn close_if_tiny(&mut self, now_ms: u64) {
        let (width, height) = self.size;
        if width >= keys::BOX_MIN.0 && height >= keys::BOX_MIN.1 {
            return;
        }
        if let Some(prompt) = self.prompt.take_if(|prompt| prompt.question.is_heavy()) {
            let text = format!("{}: cancelled, nothing sent: the screen is too small to read it", prompt.name());
            self.close_with(&prompt, vec![text], now_ms);
        }
    }

    /// Says why a question closed by itself. After a heavy question that is a box which stays until a key is pressed, so
    /// that text that was being typed does not become keys of the main screen.
    fn close_with(&mut self, prompt: &Prompt, text: Vec<String>, now_ms: u64) {
        if prompt.question.is_heavy() {
            self.notice = Some(Notice::new(text, prompt.takes_text()));
            self.touch();
        } else {
            self.warn(&text.join(" "), now_ms);
        }
    }

    pub(super) fn say(&mut self, text: &str, now_ms: u64) {
        self.message = Some(Message { text: text.to_owned(), warn: false, until_ms: now_ms + MESSAGE_MS });
        self.touch();
    }

    pub(super) fn warn(&mut self, text: &str, now_ms: u64) {
        self.message = Some(Message { text: text.to_owned(), warn: true, until_ms: now_ms + WARNING_MS });
        self.touch();
    }

    /// Makes a request; `expect` is the digest that was shown where consent was given.
    fn ask(&mut self, command: Command, expect: Option<String>, now_ms: u64, out: &mut Vec<Action>) {
        out.push(Action::Ask(self.requests.make(command, expect, now_ms)));
        self.touch();
    }

    /// What the panes show: the frozen state, or the newest.
    pub(super) fn shown(&self) -> Option<&Arc<Snapshot>> {
        self.frozen.as_ref().map(|(snapshot, _)| snapshot).or(self.snapshot.as_ref())
    }

    /// Seconds since the newest snapshot came in.
    pub(super) fn elapsed_s(&self, now_ms: u64) -> f64 {
        now_ms.saturating_sub(self.received_ms) as f64 / 1000.0
    }

    /// The age in seconds of what the panes show; it does not grow while they are frozen.
    pub(super) fn pane_elapsed_s(&self, now_ms: u64) -> f64 {
        if self.frozen.is_some() { 0.0 } else { self.elapsed_s(now_ms) }
    }

    /// Whether this console was started read-only.
    pub(super) fn may_only_look(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|s| s.status.driver.read_only)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|s| s.status.phase == Phase::Paused || s.status.split.drift)
    }

    /// Whether an order of anyone is on its way.
    pub(super) fn order_in_flight(&self) -> bool {
        self.requests.waiting_for().is_some()
            || self
                .snapshot
                .as_ref()
                .and_then(|s| s.status.last_order.as_ref())
                .is_some_and(|order| !order.state.is_settled())
    }

    /// Whether the pane with the events is on the screen besides the log.
    pub(super) const fn is_wide(&self) -> bool {
        self.size.0 >= 100 && self.size.1 >= 30
    }

    /// The same for the area a frame is made for.
    pub(super) const fn shows_events(area: Rect) -> bool {
        area.width >= 100 && area.height >= 30
    }
}
