//! Lines of text at the bottom: commands, filters, the reason after a rollback; and what a paste may do.

use tui_input::Input as Line;

use super::prompt::{TEXT_MAX, edit};
use super::{Field, View};
use crate::domain::text::clean;
use crate::engine::Command;
use crate::ui::input::{Action, Code, Key};

impl View {
    pub(super) fn field_key(&mut self, key: Key, now_ms: u64, out: &mut Vec<Action>) {
        let Some(mut field) = self.field.take() else { return };
        match (key.code, &mut field) {
            (Code::Esc, Field::Filter(_)) => self.log.filter.clear(),
            (Code::Enter, _) if key.repeat => self.field = Some(field),
            (Code::Enter, Field::Filter(_)) => self.log.search = false,
            (Code::Esc, _) => {}
            (Code::Enter, Field::Command(line)) => {
                self.commands.keep(line.value());
                self.run(line.value(), now_ms, out);
            }
            (Code::Enter, Field::Reason(line, id)) => {
                let reason = clean(line.value().trim(), TEXT_MAX);
                if !reason.is_empty() {
                    let text = format!("reason for rollback {id}: {reason}");
                    self.ask(Command::Note { text }, None, now_ms, out);
                }
            }
            (Code::Tab | Code::BackTab | Code::Up | Code::Down, Field::Command(line)) => {
                self.browse(key.code, line);
                self.field = Some(field);
            }
            (_, Field::Command(line) | Field::Filter(line) | Field::Reason(line, _)) => {
                edit(line, key);
                self.commands.typed();
                if let Field::Filter(line) = &field {
                    line.value().clone_into(&mut self.log.filter);
                }
                self.field = Some(field);
            }
        }
    }

    pub(super) fn paste(&mut self, pasted: &str, now_ms: u64) {
        if self.prompt.as_ref().is_some_and(|prompt| prompt.question.is_typing()) {
            return self.warn("paste refused: type it, so that it is read", now_ms);
        }
        let insert = |line: &mut Line| {
            for c in clean(pasted, TEXT_MAX).chars() {
                edit(line, Key::char(c));
            }
        };
        match &mut self.field {
            Some(Field::Command(line) | Field::Reason(line, _)) if self.prompt.is_none() => insert(line),
            Some(Field::Filter(line)) if self.prompt.is_none() => {
                insert(line);
                line.value().clone_into(&mut self.log.filter);
            }
            _ => return self.warn("a paste does nothing here", now_ms),
        }
        self.touch();
    }
}
