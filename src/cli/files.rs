//! The verbs that need no engine: init, journal verify, completions, man.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use clap_complete::Shell;
use serde_json::json;

use super::args::{self, InitArgs};
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::paths::journal_file;
use super::{Context, exit};
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

/// `man`: one page with every verb.
pub(crate) fn man(context: &mut Context) -> Result<Exit, Failure> {
    let page = man_page().map_err(|error| Failure::error(format!("the man page cannot be made: {error}")))?;
    context.out.text(&String::from_utf8_lossy(&page));
    Ok(Exit::Reached)
}

fn man_page() -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let definition = args::definition().after_long_help("");
    let man = clap_mangen::Man::new(definition.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    writeln!(page, ".SH VERBS")?;
    verbs(&mut page, &definition, "cutover")?;
    writeln!(page, ".SH EXIT STATUS")?;
    for (exit, meaning) in exit::TABLE {
        writeln!(page, ".TP\n.B {}\n{}", exit.code(), roff(meaning))?;
    }
    writeln!(page, ".SH VERSION\nv{}", env!("CARGO_PKG_VERSION"))?;
    Ok(page)
}

/// Every visible verb with its own options, and those below it.
fn verbs(page: &mut Vec<u8>, command: &clap::Command, path: &str) -> std::io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let path = format!("{path} {}", verb.get_name());
        let mut words = vec![path.clone()];
        words.extend(verb.get_positionals().map(|arg| format!("[{}]", arg.get_id())));
        writeln!(page, ".SS \"{}\"", roff(&words.join(" ")))?;
        writeln!(page, "{}", roff(&verb.get_about().map(ToString::to_string).unwrap_or_default()))?;
        let aliases: Vec<&str> = verb.get_visible_aliases().collect();
        if !aliases.is_empty() {
            writeln!(page, "(also: {})", roff(&aliases.join(", ")))?;
        }
        for arg in verb.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_long().is_some()) {
            let long = arg.get_long().unwrap_or_default();
            let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
            let takes = arg.get_action().takes_values();
            let value = arg.get_value_names().filter(|_| takes).and_then(|names| names.first());
            let value = value.map(|name| format!(" {name}")).unwrap_or_default();
            writeln!(page, ".TP\n.B {}", roff(&format!("{short}--{long}{value}")))?;
            writeln!(page, "{}", roff(&arg.get_help().map(ToString::to_string).unwrap_or_default()))?;
        }
        verbs(page, verb, &path)?;
    }
    Ok(())
}

/// Text that roff takes as it is.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

pub(super) fn shown(path: &Path) -> String {
    clean(&path.display().to_string(), 4096)
}
