//! `logs` and `events`: the output of the gates, and the journal. Read from their files, without the engine.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{Format, TailArgs};
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::tail::Tail;
use super::{Context, event_text, paths};
use crate::domain::text::clean;
use crate::journal;

/// The time between two looks at a followed file.
const LOOK: Duration = Duration::from_millis(200);
/// The longest line shown.
const LONGEST: usize = 4000;

/// Formats a line of a file: for people, and as JSON.
type Shape = fn(&str) -> (String, Value);

/// Prints gate logs.
pub(crate) async fn gates(context: &mut Context, gate: Option<&str>, args: &TailArgs) -> Result<Exit, Failure> {
    let service = load(context)?.service;
    if let Some(gate) = gate
        && !service.gates.iter().any(|known| known.name == gate)
    {
        let there: Vec<&str> = service.gates.iter().map(|gate| gate.name.as_str()).collect();
        return Err(Failure::usage(format!("no gate is named {gate}; there are: {}", there.join(", "))));
    }
    let names =
        service.gates.iter().map(|spec| spec.name.as_str()).filter(|name| gate.is_none_or(|gate| gate == *name));
    let files: Vec<PathBuf> = names.map(|name| journal::log_path(&service.state_dir, name)).collect();
    show(context, &files, args, log_line).await
}

/// Prints the journal.
pub(crate) async fn events(context: &mut Context, args: &TailArgs) -> Result<Exit, Failure> {
    let service = load(context)?.service;
    show(context, &[paths::journal_file(&service)], args, event_text::line).await
}

async fn show(context: &mut Context, files: &[PathBuf], args: &TailArgs, shape: Shape) -> Result<Exit, Failure> {
    let mut tails = Vec::new();
    let mut lines = Vec::new();
    for file in files {
        let fault = |error| Failure::error(format!("{}: {error}", file.display()));
        let (tail, last) = Tail::open(file, args.lines).map_err(fault)?;
        lines.extend(last);
        tails.push(tail);
    }
    // Lines of gate logs begin with their time; the journal is one file and stays in its own order.
    if files.len() > 1 {
        lines.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
        lines.drain(..lines.len().saturating_sub(args.lines));
    }
    if !args.follow {
        print(context, &lines, false, shape).await;
        return Ok(Exit::Reached);
    }
    let mut interrupts = Interrupts::new()?;
    let following = async {
        print(context, &lines, true, shape).await;
        follow(context, &mut tails, files, shape).await
    };
    tokio::select! {
        biased;
        exit = interrupts.wait() => Ok(exit),
        result = following => result,
    }
}

/// Prints new lines until the reader is gone.
async fn follow(context: &mut Context, tails: &mut [Tail], files: &[PathBuf], shape: Shape) -> Result<Exit, Failure> {
    while !context.out.closed() {
        tokio::time::sleep(LOOK).await;
        for (tail, file) in tails.iter_mut().zip(files) {
            let lines = tail.more().map_err(|error| Failure::error(format!("{}: {error}", file.display())))?;
            print(context, &lines, true, shape).await;
        }
    }
    Ok(Exit::Reached)
}

async fn print(context: &mut Context, lines: &[String], is_stream: bool, shape: Shape) {
    if context.out.format == Format::Json && !is_stream {
        return context.out.json(&lines.iter().map(|line| shape(line).1).collect::<Vec<_>>());
    }
    for line in lines {
        context.out.ready().await;
        match context.out.format {
            Format::Text => context.out.line(&shape(line).0),
            Format::Json | Format::Ndjson => context.out.json_line(&shape(line).1),
        }
    }
}

/// A line of a gate's log: `2026-01-01T00:00:00.000Z WARN golden: text`.
fn log_line(line: &str) -> (String, Value) {
    let line = clean(line, LONGEST);
    let mut words = line.splitn(3, ' ');
    let (at, level, rest) = (words.next(), words.next(), words.next().unwrap_or_default());
    let json = match (at, level, rest.split_once(": ")) {
        (Some(at), Some(level @ ("INFO" | "WARN" | "ERR")), Some((source, text))) => {
            let level = if level == "ERR" { "error".to_owned() } else { level.to_ascii_lowercase() };
            json!({"at": at, "level": level, "source": source, "text": text})
        }
        _ => json!({"at": null, "level": null, "source": null, "text": line}),
    };
    (line, json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_is_taken_apart_and_a_strange_one_is_kept() {
        let (text, json) = log_line("2026-01-01T00:00:00.000Z ERR golden: 12 misses: \u{1b}[31mred");
        assert_eq!(text, "2026-01-01T00:00:00.000Z ERR golden: 12 misses: red");
        assert_eq!(json["level"], "error");
        assert_eq!(json["text"], "12 misses: red");
        assert_eq!(log_line("garbage").1["text"], "garbage");
    }
}
