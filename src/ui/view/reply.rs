//! The engine's answer to a request, in one line.

use super::View;
use crate::dialogue::Answered;
use crate::engine::Reply;

impl View {
    pub(super) fn reply(&mut self, id: u64, reply: &Reply, now_ms: u64) {
        let Some(answered) = self.requests.answered(id, reply) else { return };
        self.touch();
        match answered {
            Answered::Sent(_) => self.settle_rollback(),
            Answered::Done(text) => self.say(&text, now_ms),
            Answered::Refused(text) => self.warn(&text, now_ms),
        }
    }
}
