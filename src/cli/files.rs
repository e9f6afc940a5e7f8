//! The verbs that need no engine: init, journal verify, completions.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use clap_complete::Shell;
use serde_json::json;

use super::Context;
use super::args::{self, InitArgs};
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::paths::journal_file;
use crate::domain::text::clean;
use crate::engine::snapshot::SCHEMA_VERSION;
use crate::{config, journal};

/// `init`: writes a commented config. Never asks.
pub(crate) fn init(context: &mut Context, args: &InitArgs) -> Result<Exit, Failure> {
    let text = config::template(&config::Answers {
        service: args.name.clone(),
        environment: args.environment.clone(),
        blue: vec![args.blue.clone()],
        green: vec![args.green.clone()],
        listen: args.listen.clone(),
    });
    if args.file.as_os_str() == "-" {
        context.out.text(&text);
        return Ok(Exit::Reached);
    }
    let shown = shown(&args.file);
    let mut options = OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut file = options.open(&args.file).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{shown} is there already; --force replaces it, or name another file"))
        }
        _ => Failure::error(format!("{shown} cannot be written: {error}")),
    })?;
    file.write_all(text.as_bytes()).map_err(|error| Failure::error(format!("{shown} cannot be written: {error}")))?;
    if context.out.is_json() {
        context.out.json(&json!({"schema_version": SCHEMA_VERSION, "command": "init", "file": shown}));
    } else {
        context.out.line(&shown);
    }
    context.out.say(&format!("edit it, then: cutover check -c {shown}"));
    Ok(Exit::Reached)
}

/// `journal verify`: the hash chain.
pub(crate) fn verify(context: &mut Context, expect_head: Option<&str>) -> Result<Exit, Failure> {
    let file = journal_file(&load(context)?.service);
    let verified = match expect_head {
        Some(head) => journal::verify_expecting(&file, head),
        None => journal::verify(&file),
    };
    let verified = verified.map_err(|fault| Failure::error(fault.to_string()))?;
    if context.out.is_json() {
        context.out.json(&json!({
            "schema_version": SCHEMA_VERSION, "file": shown(&file), "lines": verified.lines, "head": verified.head,
        }));
    } else {
        context.out.line(&format!("{}: {} lines, sound, head {}", shown(&file), verified.lines, verified.head));
    }
    Ok(Exit::Reached)
}

/// `completions`: for one shell.
pub(crate) fn completions(context: &mut Context, shell: Shell) -> Exit {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut args::definition(), "cutover", &mut bytes);
    context.out.text(&String::from_utf8_lossy(&bytes));
    Exit::Reached
}

pub(super) fn shown(path: &Path) -> String {
    clean(&path.display().to_string(), 4096)
}
