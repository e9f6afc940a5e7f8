//! `alert`: sends a test alert to every configured destination, or to the named ones.

use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::Context;
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use crate::alert::{Ended, Places};
use crate::domain::alert::SCHEMA_VERSION;
use crate::domain::{Alert, AlertKind, Digest, Pair};

/// Sends a test alert and reports the result at each destination.
pub(crate) async fn run(context: &mut Context, names: &[String], limit: Duration) -> Result<Exit, Failure> {
    let config = load(context)?;
    let service = &config.service;
    let all: Vec<String> = service.alerts.iter().map(|place| place.name.clone()).collect();
    if all.is_empty() {
        let file = config.file.display();
        return Err(Failure::usage(format!("{file} has no [[alert]]: nobody would be told; write one")));
    }
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(Failure::usage(format!("no alert is named {unknown}; there are: {}", all.join(", "))));
    }
    let to = if names.is_empty() { all } else { names.to_vec() };
    let now = chrono::Utc::now();
    let alert = Alert {
        schema_version: SCHEMA_VERSION,
        id: Digest::of(["test", &now.to_rfc3339(), &service.name]).as_str().chars().take(12).collect(),
        kind: AlertKind::Test,
        severity: AlertKind::Test.severity(),
        time: now,
        service: service.name.clone(),
        environment: service.environment.clone(),
        title: format!("{} {}: a test; nothing happened", service.name, service.environment),
        side: None,
        value: None,
        limit: None,
        at_least: false,
        unit: String::new(),
        samples: None,
        evidence: Vec::new(),
        by: super::operator::me("cli").name,
        versions: Pair::default(),
        split: None,
        done: "nothing".into(),
        way_back: "not needed".into(),
        log: Vec::new(),
    };
    let (ended_in, mut ended) = mpsc::channel(to.len());
    let mut places = Places::new(&service.alerts, ended_in).map_err(Failure::error)?;
    places.tell(&alert, &to);
    let deadline = Instant::now() + limit;
    let mut came: Vec<Ended> = Vec::new();
    while came.len() < to.len() {
        let Ok(Some(one)) = timeout_at(deadline, ended.recv()).await else { break };
        came.push(one);
    }
    print(context, &alert, &to, (&came, &places));
    let lost = to.len() - came.iter().filter(|one| one.delivered).count();
    if lost == 0 {
        return Ok(Exit::Reached);
    }
    let late = came.len() < to.len();
    let exit = if late { Exit::TimedOut } else { Exit::Error };
    context.out.failure_text(&Failure::new(exit, format!("{lost} of {} places did not take it", to.len())));
    Ok(exit)
}

fn print(context: &mut Context, alert: &Alert, to: &[String], (came, places): (&[Ended], &Places)) {
    let still = |name: &str| match places.lately(name) {
        Some(why) => format!("still being tried: {why}"),
        None => "still being tried".to_owned(),
    };
    let of = |name: &String| came.iter().find(|one| one.to == *name);
    if context.out.is_json() {
        let places: Vec<_> = to
            .iter()
            .map(|name| match of(name) {
                Some(one) => json!({"to": name, "delivered": one.delivered, "tries": one.tries, "detail": one.detail}),
                None => json!({"to": name, "delivered": false, "tries": null, "detail": still(name)}),
            })
            .collect();
        let document = json!({"schema_version": SCHEMA_VERSION, "command": "alert", "id": alert.id, "places": places});
        context.out.json(&document);
        return;
    }
    let widest = to.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for name in to {
        let line = match of(name) {
            Some(one) if one.delivered => format!("ok   {name:<widest$}  {}", one.detail),
            Some(one) => format!("FAIL {name:<widest$}  {} (tries: {})", one.detail, one.tries),
            None => format!("FAIL {name:<widest$}  {}", still(name)),
        };
        context.out.line(&line);
    }
}
