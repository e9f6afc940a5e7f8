//! Passes an alert to a command of the user: JSON on standard input, the main facts in the environment.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::Try;
use crate::domain::text::clean;
use crate::domain::{Alert, Severity};
use crate::process::{self, Group};

/// How much of the end of standard error is kept for the report, in bytes.
const KEPT: usize = 4096;

pub(super) async fn run(argv: &[String], dir: &Path, limit: Duration, alert: &Alert) -> Try {
    let program = clean(argv.first().map(String::as_str).unwrap_or_default(), 80);
    let input = match serde_json::to_vec(alert) {
        Ok(input) => input,
        Err(why) => return Try::Refused(format!("it cannot be written as JSON: {why}")),
    };
    let started = process::command(argv, dir).and_then(|mut command| {
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        command.env("CUTOVER_ALERT_ID", &alert.id).env("CUTOVER_ALERT_KIND", alert.kind.name());
        command.env("CUTOVER_ALERT_TITLE", &alert.title).env("CUTOVER_ALERT_SEVERITY", severity(alert.severity));
        command.env("CUTOVER_SERVICE", &alert.service).env("CUTOVER_ENVIRONMENT", &alert.environment);
        command.spawn()
    });
    let mut child = match started {
        Ok(child) => child,
        Err(error) => return Try::Again(format!("cannot start {program}: {error}"), None),
    };
    // Declared after the child, so it is dropped first: the group is killed before its leader is reaped.
    let mut group = Group::of(&child);
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let said = async {
        let (mut kept, mut chunk) = (Vec::new(), [0; 1024]);
        let Some(mut stderr) = stderr else { return kept };
        while let Ok(n @ 1..) = stderr.read(&mut chunk).await {
            kept.extend_from_slice(&chunk[..n]);
            let over = kept.len().saturating_sub(KEPT);
            kept.drain(..over);
        }
        kept
    };
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read its input may close it. Its exit code decides the outcome.
            let _ = stdin.write_all(&input).await;
        }
    };
    let ended = async {
        let status = child.wait().await;
        group.kill();
        status
    };
    match timeout(limit, async { tokio::join!(ended, said, feed) }).await {
        Err(_) => Try::Again(format!("{program} did not end within {} ms and was killed", limit.as_millis()), None),
        Ok((Err(error), ..)) => Try::Again(format!("{program}: its end could not be seen: {error}"), None),
        Ok((Ok(status), ..)) if status.success() => Try::Taken("exit code 0".into()),
        Ok((Ok(status), said, ())) => {
            let said = String::from_utf8_lossy(&said);
            let last = said.lines().rfind(|line| !line.trim().is_empty()).map(|line| format!(": {}", clean(line, 120)));
            Try::Again(format!("{program} ended with {status}{}", last.unwrap_or_default()), None)
        }
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}
