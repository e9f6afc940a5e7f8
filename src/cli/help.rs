//! `help`: the manual in the terminal, as JSON, or as Markdown files.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::args::{self, HelpArgs};
use super::exit::Exit;
use super::failure::Failure;
use super::files::shown;
use super::{Context, once};
use crate::domain::text::clean;
use crate::engine::snapshot::SCHEMA_VERSION;
use crate::manual::{Topic, markdown, topic, topics};

/// Prints the requested part, or writes it into a directory.
pub(crate) fn run(context: &mut Context, args: &HelpArgs) -> Result<Exit, Failure> {
    if let Some(dir) = &args.dir {
        let index = topics().map(|topic| format!("- [{0}]({0}.md): {1}\n", topic.name, topic.summary));
        let index = ("index.md".to_owned(), format!("# cutover\n\n{}", index.collect::<String>()));
        let pages = topics().map(|topic| (format!("{}.md", topic.name), topic.text.clone()));
        return write(context, dir, std::iter::once(index).chain(pages));
    }
    match (&args.topic, &args.search) {
        (Some(name), _) => page(context, name),
        (None, Some(word)) => search(context, word),
        (None, None) if args.all => {
            let pages: Vec<&str> = topics().map(|topic| topic.text.as_str()).collect();
            context.out.text(&pages.join("\n"));
            Ok(Exit::Reached)
        }
        (None, None) => Ok(list(context)),
    }
}

/// Writes `files`, pairs of name and text, into `dir`. Creates `dir` if it is missing.
///
/// # Errors
/// The file that cannot be written, and why.
pub(super) fn write(
    context: &mut Context,
    dir: &Path,
    files: impl Iterator<Item = (String, String)>,
) -> Result<Exit, Failure> {
    let fault = |path: &Path, error| Failure::error(format!("{} cannot be written: {error}", shown(path)));
    fs::create_dir_all(dir).map_err(|error| fault(dir, error))?;
    let mut count = 0;
    for (name, text) in files {
        let path = dir.join(name);
        fs::write(&path, text).map_err(|error| fault(&path, error))?;
        count += 1;
    }
    if context.out.is_json() {
        context.out.json(&json!({"schema_version": SCHEMA_VERSION, "dir": shown(dir), "files": count}));
    } else {
        context.out.line(&format!("{count} files in {}", shown(dir)));
    }
    Ok(Exit::Reached)
}

fn list(context: &mut Context) -> Exit {
    if context.out.is_json() {
        let rows: Vec<Value> = topics().map(|it| json!({"name": it.name, "summary": it.summary})).collect();
        context.out.json(&json!({"schema_version": SCHEMA_VERSION, "topics": rows}));
        return Exit::Reached;
    }
    for Topic { name, summary, .. } in topics() {
        context.out.line(&format!("{name:<12} {summary}"));
    }
    context.out.say("one topic: cutover help TOPIC; a word: cutover help --search WORD; options: cutover VERB --help");
    Exit::Reached
}

fn page(context: &mut Context, name: &str) -> Result<Exit, Failure> {
    let found = match topic(name) {
        Ok(found) => found,
        Err(near) => return verb(context, name, near),
    };
    if context.out.is_json() {
        let (name, summary) = (found.name, found.summary);
        context
            .out
            .json(&json!({"schema_version": SCHEMA_VERSION, "name": name, "summary": summary, "text": found.text}));
        return Ok(Exit::Reached);
    }
    for line in markdown::plain(&found.text, once::columns().clamp(40, 100).into()) {
        let line = if line.starts_with('#') { context.out.style.bold(&line) } else { line };
        context.out.line(&line);
    }
    Ok(Exit::Reached)
}

/// If no topic has this name, a verb may have it: then prints its options.
fn verb(context: &mut Context, name: &str, near: Option<&str>) -> Result<Exit, Failure> {
    let mut definition = args::definition();
    definition.build();
    if let Some(verb) = definition.get_subcommands_mut().find(|verb| verb.get_name() == name && !verb.is_hide_set()) {
        context.out.text(&verb.render_long_help().to_string());
        return Ok(Exit::Reached);
    }
    let remedy = near.map_or("`cutover help` lists the topics".to_owned(), |near| format!("did you mean {near}?"));
    Err(Failure::usage(format!("the manual has no topic {:?}; {remedy}", clean(name, 40))))
}

fn search(context: &mut Context, word: &str) -> Result<Exit, Failure> {
    let found: Vec<_> =
        topics().flat_map(|it| it.find(word).into_iter().map(move |at| (it.name, at.0, at.1))).collect();
    if context.out.is_json() {
        let row =
            |(name, heading, line): &(&str, String, String)| json!({"topic": name, "heading": heading, "line": line});
        let rows: Vec<Value> = found.iter().map(row).collect();
        context.out.json(&json!({"schema_version": SCHEMA_VERSION, "found": rows}));
    } else {
        for (name, heading, line) in &found {
            context.out.line(&format!("{}: {line}", context.out.style.bold(&format!("{name}, {heading}"))));
        }
    }
    match found.len() {
        0 => Err(Failure::error(format!("no line of the manual contains {:?}", clean(word, 40)))),
        _ => Ok(Exit::Reached),
    }
}
