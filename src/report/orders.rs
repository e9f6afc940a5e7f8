//! Orders with their results, and the candidate's share after each.

use super::chapter::Chapter;
use super::model::{OrderRow, Share};
use super::words::{plain, seconds};
use crate::domain::{Fact, Order, OrderState, Record, Side};

/// The orders of a chapter, oldest first.
pub(super) fn orders(chapter: &Chapter<'_>, candidate: Side) -> Vec<OrderRow> {
    let mut rows: Vec<OrderRow> = Vec::new();
    for record in &chapter.records {
        match &record.fact {
            // Written again by a retry: the same order.
            Fact::Ordered { order, digest, why, .. } if rows.iter().all(|row| row.id != plain(&order.id.0)) => {
                let mut row = row(record, order, candidate);
                row.consent.clone_from(digest);
                row.why = why.as_deref().map(plain);
                rows.push(row);
            }
            Fact::OrderIs { id, state, detail, .. } => {
                let Some(row) = rows.iter_mut().find(|row| row.id == plain(&id.0)) else { continue };
                if row.settled.is_some() {
                    continue;
                }
                row.state = word(*state);
                if let Some(detail) = detail {
                    row.detail = Some(plain(detail));
                }
                if state.is_settled() {
                    row.settled = Some(record.at);
                    row.took = (*state == OrderState::Verified).then(|| seconds(row.at, record.at));
                }
            }
            _ => {}
        }
    }
    rows
}

fn row(record: &Record, order: &Order, candidate: Side) -> OrderRow {
    OrderRow {
        id: plain(&order.id.0),
        verb: order.kind.verb(),
        at: record.at,
        by: plain(&record.by.name),
        via: plain(&record.by.via),
        from: order.from.map(|split| split.share(candidate)),
        target: order.target.share(candidate),
        why: None,
        consent: None,
        state: word(OrderState::Sent),
        detail: None,
        settled: None,
        took: None,
    }
}

const fn word(state: OrderState) -> &'static str {
    match state {
        OrderState::Sent => "sent",
        OrderState::Accepted => "accepted",
        OrderState::Verified => "verified",
        OrderState::Unknown => "unknown",
        OrderState::Failed => "failed",
    }
}

/// The candidate's share over time: where it began, and what was read back or accepted.
pub(super) fn shares(chapter: &Chapter<'_>, orders: &[OrderRow], candidate: Side) -> Vec<Share> {
    let mut shares = Vec::new();
    if let (Some(first), Some(record)) = (orders.first().and_then(|order| order.from), chapter.records.first()) {
        shares.push(Share { at: record.at, percent: first, by: "start" });
    }
    let verified = orders.iter().filter(|order| order.state == "verified");
    shares
        .extend(verified.filter_map(|order| Some(Share { at: order.settled?, percent: order.target, by: "verified" })));
    for record in &chapter.records {
        let (split, by) = match &record.fact {
            Fact::Adopted { split, .. } => (split, "adopted"),
            Fact::Drift { observed, .. } => (observed, "drift"),
            _ => continue,
        };
        shares.push(Share { at: record.at, percent: split.share(candidate), by });
    }
    shares.sort_by_key(|share| share.at);
    shares
}
