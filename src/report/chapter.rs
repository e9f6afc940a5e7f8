//! Which records of the journal belong to which rollout.
//!
//! A rollout begins with its `started` record. What gates and people said after the end of the one before belongs
//! to it as well: that is what let it begin. All else after an end (the reason given afterwards, notes) still
//! belongs to what has ended.

use crate::domain::{Fact, Move, OrderId, OrderState, Record, Side};

/// The records of one rollout.
#[derive(Debug)]
pub(super) struct Chapter<'a> {
    /// From 1.
    pub(super) number: usize,
    /// What was said of the candidate before it began.
    pub(super) before: Vec<&'a Record>,
    /// From `started` on.
    pub(super) records: Vec<&'a Record>,
    /// All of the journal before it.
    pub(super) earlier: &'a [Record],
    /// When the next one began.
    pub(super) next: Option<&'a Record>,
}

/// The chapters of a journal, oldest first.
pub(super) fn chapters(records: &[Record]) -> Vec<Chapter<'_>> {
    let mut chapters: Vec<Chapter<'_>> = Vec::new();
    let mut waiting: Vec<&Record> = Vec::new();
    let mut end = End::default();
    for (index, record) in records.iter().enumerate() {
        if let Fact::Started { live, .. } = &record.fact {
            if let Some(last) = chapters.last_mut() {
                last.next = Some(record);
            }
            chapters.push(Chapter {
                number: chapters.len() + 1,
                before: std::mem::take(&mut waiting),
                records: vec![record],
                earlier: records.get(..index).unwrap_or_default(),
                next: None,
            });
            end = End { live: Some(*live), ..End::default() };
            continue;
        }
        let is_word_on_a_version =
            matches!(record.fact, Fact::Gate { .. } | Fact::Overridden { .. } | Fact::Approved { .. });
        match chapters.last_mut() {
            Some(chapter) if !(end.reached && is_word_on_a_version) => {
                chapter.records.push(record);
                end.take(&record.fact);
            }
            _ => waiting.push(record),
        }
    }
    chapters
}

/// Watches for the end of a rollout.
#[derive(Debug, Default)]
struct End {
    live: Option<Side>,
    reached: bool,
    /// The orders back that are on their way.
    back: Vec<OrderId>,
}

impl End {
    fn take(&mut self, fact: &Fact) {
        match fact {
            Fact::Ordered { order, .. } if matches!(order.kind, Move::Abort | Move::Rollback) => {
                self.back.push(order.id.clone());
            }
            Fact::OrderIs { id, state: OrderState::Verified, .. } => self.reached |= self.back.contains(id),
            Fact::Adopted { split, .. } => self.reached |= self.live.is_some_and(|live| split.share(live) == 100),
            Fact::Finalized { .. } => self.reached = true,
            _ => {}
        }
    }
}
