//! Sends orders: first to the journal, then to the backend, each with a deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::journal_writer::JournalWriter;
use crate::backend::{BackendError, Driver};
use crate::domain::{Order, Record};
use crate::engine::{Event, WriteRule};

/// How long a rollback waits for the disk. Then it is sent without it.
const PATIENCE: Duration = Duration::from_millis(20);
/// Writes the records as `rule` says, sends the order and reports the backend's answer.
pub(super) async fn send(
    order: Order,
    records: Vec<Record>,
    rule: WriteRule,
    writer: JournalWriter,
    (driver, answer_within): (Option<Arc<dyn Driver>>, Duration),
    urgent: mpsc::Sender<Event>,
) {
    let id = order.id.clone();
    if !records.is_empty() {
        let written = writer.write(records, rule == WriteRule::BeforeSending);
        match rule {
            WriteRule::BeforeSending => {
                if let Err(text) = flat(written.await) {
                    let _ = urgent.send(Event::JournalFailed { order: Some(id), ticket: None, text }).await;
                    return;
                }
                let _ = urgent.send(Event::Written { ticket: None }).await;
            }
            WriteRule::NeverInTheWay => wait_a_little(written, &urgent).await,
        }
    }
    tracing::info!(order = %id, verb = order.kind.verb(), target = %order.target, "sent");
    let sent = tokio::time::Instant::now();
    let result = match driver {
        None => Err(BackendError::Denied("this process holds no driver".into())),
        Some(driver) => match timeout(answer_within, driver.apply(&order)).await {
            Ok(result) => result,
            Err(_) => Err(BackendError::Unknown(format!("no answer within {} s", answer_within.as_secs()))),
        },
    };
    tracing::info!(order = %id, took_ms = sent.elapsed().as_millis() as u64, ?result, "answered");
    let _ = urgent.send(Event::Answered { id, result }).await;
}

type Written = tokio::sync::oneshot::Receiver<Result<(), String>>;

async fn wait_a_little(mut written: Written, urgent: &mpsc::Sender<Event>) {
    if let Ok(result) = timeout(PATIENCE, &mut written).await {
        report(flat(result), urgent).await;
    } else {
        let urgent = urgent.clone();
        tokio::spawn(async move { report(flat(written.await), &urgent).await });
    }
}

async fn report(result: Result<(), String>, urgent: &mpsc::Sender<Event>) {
    let event = match result {
        Ok(()) => Event::Written { ticket: None },
        Err(text) => Event::JournalFailed { order: None, ticket: None, text },
    };
    let _ = urgent.send(event).await;
}

/// The result of a write; an error when the journal's thread has ended.
pub(super) fn flat<E>(result: Result<Result<(), String>, E>) -> Result<(), String> {
    result.unwrap_or_else(|_| Err("the journal's thread has ended".into()))
}
