//! `man`: one man page with every verb, and one for each topic of the manual.

use std::io::Write;
use std::path::Path;

use super::exit::Exit;
use super::failure::Failure;
use super::{Context, args, exit, help};
use crate::manual::markdown::{self, roff};
use crate::manual::{Topic, topics};

/// Prints the page of the program, or writes it and one page for each topic into `dir`.
pub(crate) fn run(context: &mut Context, dir: Option<&Path>) -> Result<Exit, Failure> {
    let page = program().map_err(|error| Failure::error(format!("the man page cannot be made: {error}")))?;
    let page = String::from_utf8_lossy(&page).into_owned();
    let Some(dir) = dir else {
        context.out.text(&page);
        return Ok(Exit::Reached);
    };
    let chapters = topics().map(|topic| (format!("cutover-{}.7", topic.name), chapter(topic)));
    help::write(context, dir, std::iter::once(("cutover.1".to_owned(), page)).chain(chapters))
}

/// A topic as a page of section 7.
fn chapter(topic: &Topic) -> String {
    let (name, title) = (format!("cutover-{}", topic.name), format!("CUTOVER-{}", topic.name.to_uppercase()));
    format!(
        ".TH {} 7 \"\" \"cutover {}\"\n.SH NAME\n{} \\- {}\n.SH DESCRIPTION\n{}.SH SEE ALSO\n.BR cutover (1)\n",
        roff(&title),
        env!("CARGO_PKG_VERSION"),
        roff(&name),
        roff(topic.summary),
        markdown::man(&topic.text),
    )
}

/// The page of the program, of section 1.
fn program() -> std::io::Result<Vec<u8>> {
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
    writeln!(page, ".SH SEE ALSO")?;
    for topic in topics() {
        writeln!(page, ".BR {} (7)", roff(&format!("cutover-{}", topic.name)))?;
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
