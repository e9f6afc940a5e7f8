//! The engine's answer to a request, in one line.

use super::View;
use crate::engine::{Command, Reply};

impl View {
    pub(super) fn reply(&mut self, id: u64, reply: Reply, now_ms: u64) {
        let Some(at) = self.pending.iter().position(|pending| pending.id == id) else { return };
        let command = self.pending.remove(at).command;
        self.touch();
        match reply {
            Reply::Ordered { id } => {
                if command == Command::Rollback {
                    self.rollback = Some(id);
                    self.settle_rollback();
                }
            }
            Reply::Done => {
                let text = match &command {
                    Command::Pause => "paused: the plan stays where it is, traffic does not move".to_owned(),
                    Command::Resume => "resumed".to_owned(),
                    Command::Note { .. } => "noted in the journal".to_owned(),
                    other => format!("{}: done", other.verb()),
                };
                self.say(&text, now_ms);
            }
            Reply::AlreadySo { text } => self.say(&format!("{}: {text}", command.verb()), now_ms),
            Reply::Refused(refusal) => {
                self.warn(&format!("REFUSED {}: {}", command.verb(), refusal.text), now_ms);
            }
        }
    }
}
