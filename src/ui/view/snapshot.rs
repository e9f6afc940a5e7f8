//! What a new state means for the open question, the log and the bell.

use std::sync::Arc;

use tui_input::Input as Line;

use super::prompt::Notice;
use super::{Field, Overlay, View};
use crate::domain::{LogLevel, LogLine, Move, OrderState};
use crate::engine::snapshot::{GateState, Status};
use crate::engine::{Command, Phase, Snapshot};
use crate::ui::input::{Action, Key};

impl View {
    /// The commands whose exact request is on the screen now: of the open question and of the open preview.
    pub fn shown_requests(&self) -> impl Iterator<Item = &Command> {
        let asked = self.prompt.as_ref().and_then(|prompt| prompt.question.command());
        let previewed = match &self.overlay {
            Some(Overlay::Preview(command)) => Some(command),
            _ => None,
        };
        asked.into_iter().chain(previewed)
    }

    pub(super) fn take(&mut self, new: &Arc<Snapshot>, now_ms: u64, out: &mut Vec<Action>) {
        self.touch();
        self.take_events(new);
        self.received_ms = now_ms;
        let old = self.snapshot.replace(Arc::clone(new));
        self.close_if_changed(new);
        if let Some(old) = old {
            self.tell_order(&old.status, &new.status, now_ms);
            if let Some(news) = news(&old.status, &new.status) {
                out.push(Action::Notify(news));
            }
        }
        self.settle_rollback();
        self.ask_for_reason();
    }

    /// New events become lines of the log.
    fn take_events(&mut self, new: &Snapshot) {
        let known = self.snapshot.as_ref().and_then(|old| {
            if Arc::ptr_eq(&old.events, &new.events) {
                return Some(new.events.len());
            }
            let last = old.events.last()?;
            new.events.iter().rposition(|event| event == last).map(|at| at + 1)
        });
        for event in new.events.iter().skip(known.unwrap_or(0)) {
            let level = if event.warn { LogLevel::Warn } else { LogLevel::Info };
            let line = LogLine { at: event.at, level, source: event.by.clone(), text: event.text.clone() };
            self.log.push(line, true);
        }
    }

    /// Consent was for another state: the question closes and nothing is sent.
    fn close_if_changed(&mut self, new: &Snapshot) {
        let Some(prompt) = self.prompt.take() else { return };
        let Some(change) = prompt.question.void(&new.status) else {
            self.prompt = Some(prompt);
            return;
        };
        self.notice = Some(Notice::new(
            vec![
                format!("! STATE CHANGED {} > {}: {}. Cancelled,", change.was, change.now, change.what),
                "  nothing was sent. Press any key to look again.".into(),
            ],
            prompt.question.is_typing(),
        ));
    }

    fn tell_order(&mut self, old: &Status, new: &Status, now_ms: u64) {
        let Some(order) = &new.last_order else { return };
        if old.last_order.as_ref().is_some_and(|before| before.id == order.id && before.state == order.state) {
            return;
        }
        let share = order.target.share(order.toward);
        let what = format!("{} {}: {} {share}%", order.command, order.id, order.toward.title());
        match order.state {
            OrderState::Verified => {
                self.say(&format!("VERIFIED {what} read back from the router in {:.1}s", order.took_s), now_ms);
            }
            OrderState::Failed => {
                let why = order.detail.as_deref().unwrap_or("the traffic system did not carry it out");
                self.warn(&format!("FAILED {what}: {why}"), now_ms);
            }
            _ => {}
        }
    }

    /// When a rollback of this console is read back, the console asks for its reason.
    pub(super) fn settle_rollback(&mut self) {
        let last = self.snapshot.as_ref().and_then(|snapshot| snapshot.status.last_order.as_ref());
        if let Some(id) = self.requests.rolled_back(last) {
            self.reason_due = Some(id);
        }
    }

    /// `R` in the empty reason field asks for a rollback: a field that opens by itself must not block the way back.
    pub(super) fn leave_reason(&mut self, key: Key, now_ms: u64) -> bool {
        let untouched = |field: &Field| matches!(field, Field::Reason(line, _) if line.value().is_empty());
        if key.plain_char() != Some('R') || key.repeat || !self.field.as_ref().is_some_and(untouched) {
            return false;
        }
        if let Some(Field::Reason(_, id)) = self.field.take() {
            self.reason_due = Some(id);
        }
        self.open(Command::Rollback, now_ms);
        self.prompt.iter_mut().for_each(|prompt| prompt.from_reason = true);
        true
    }

    /// The `R` began a reason after all: `Rolled back, because`.
    pub(super) fn back_to_reason(&mut self, key: Key) -> bool {
        let Some(id) = self.reason_due.take() else { return false };
        let text = key.plain_char().map_or_else(String::new, |c| format!("R{c}"));
        self.field = Some(Field::Reason(Line::new(text), id));
        true
    }

    fn ask_for_reason(&mut self) {
        let busy = self.field.is_some() || self.prompt.is_some() || self.notice.is_some();
        if !busy && let Some(id) = self.reason_due.take() {
            self.field = Some(Field::Reason(Line::default(), id));
        }
    }
}

/// What rings the bell: a gate failed, traffic goes back, an order was settled or lost, the bake is over, the router
/// cannot be read or understood any more.
fn news(old: &Status, new: &Status) -> Option<String> {
    let failed = new.gates.iter().find(|gate| {
        gate.status == GateState::Failed
            && old.gates.iter().any(|before| before.name == gate.name && before.status != GateState::Failed)
    });
    let loud = |state| matches!(state, OrderState::Verified | OrderState::Failed | OrderState::Unknown);
    let order = new.last_order.as_ref().filter(|order| {
        let before = old.last_order.as_ref().filter(|before| before.id == order.id);
        let begun = before.is_none() && order.command == Move::Rollback;
        begun || (loud(order.state) && before.is_none_or(|before| before.state != order.state))
    });
    let left = |status: &Status| status.step.bake_left_s.unwrap_or(0.0) > 0.0;
    let news = if let Some(gate) = failed {
        format!("gate {} FAIL", gate.name)
    } else if let Some(order) = order {
        let share = order.target.share(order.toward);
        format!("{} {} {share}% {}", order.command, order.toward.title(), order.state.title())
    } else if left(old) && !left(new) && old.step.index == new.step.index {
        format!("bake of step {} is over", new.step.index)
    } else if new.phase == Phase::Unknown && old.phase != Phase::Unknown {
        "the router cannot be read, or says what nobody asked for".to_owned()
    } else if new.stale && !old.stale {
        "no fresh data any more".to_owned()
    } else {
        return None;
    };
    Some(format!("{} {}: {news}", new.environment.to_uppercase(), new.service))
}
