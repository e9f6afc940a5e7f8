//! `backends`: how to set up each traffic system, and what it supports.
//!
//! The pages are texts. What a system supports comes from the backend that the page's own config creates.

use std::path::Path;

use serde_json::json;

use super::Context;
use super::exit::Exit;
use super::failure::Failure;
use crate::backend::setup::{Page, pages};
use crate::backend::{Applying, Capabilities, Weights};
use crate::engine::snapshot::SCHEMA_VERSION;
use crate::{config, runtime};

/// What one way of using a kind supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ability {
    /// The kind, as `[backend] kind` spells it.
    pub kind: &'static str,
    /// The way of using it; empty if there is only one.
    pub way: String,
    /// What it supports.
    pub can: Capabilities,
}

/// Every way of using every kind, in the order of the pages.
///
/// # Errors
/// The faults of a page's config.
pub fn abilities() -> Result<Vec<Ability>, String> {
    let mut rows = Vec::new();
    for page in pages() {
        rows.extend(of(&page)?);
    }
    Ok(rows)
}

fn of(page: &Page) -> Result<Vec<Ability>, String> {
    let ability = |example: crate::backend::setup::Example| {
        let read = config::parse(&example.toml, Path::new("cutover.toml"), &stand_in);
        let config = read.map_err(|error| format!("the page of {}: {error}", page.kind))?;
        Ok(Ability { kind: page.kind, way: example.way, can: runtime::connect(&config).capabilities() })
    };
    page.examples().into_iter().map(ability).collect()
}

/// An environment that has every secret of a page. Nothing is contacted with these secrets.
fn stand_in(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/operator".into()),
        name if name.starts_with("XDG_") => None,
        _ => Some("a-stand-in-for-a-secret".into()),
    }
}

pub(crate) fn shares(weights: &Weights) -> String {
    match weights {
        Weights::Any => "any percent".into(),
        Weights::AllOrNothing => "0 and 100".into(),
        Weights::Listed(listed) => {
            format!("0, {} and 100", listed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}

pub(crate) const fn applied(applying: Applying) -> &'static str {
    match applying {
        Applying::Atomic => "atomic",
        Applying::Asynchronous => "step by step, read back until it is so",
        Applying::ReloadsListeners => "a reload: clients that keep connections open may see resets",
    }
}

/// What it supports and what not, line by line.
fn ability_lines(can: &Capabilities) -> Vec<String> {
    let mark = |can: bool, text: &str| format!("{} {text}", if can { "can   " } else { "cannot" });
    vec![
        format!("       shares: {}", shares(&can.weights)),
        format!("       a change is {}", applied(can.applying)),
        mark(can.survives_restart, "keep the split over a restart or reload of its own"),
        mark(can.compare_and_set, "refuse an order that was made for another state by itself"),
    ]
}

/// Prints the page of `kind`, or the table of all.
pub(crate) fn run(context: &mut Context, kind: Option<&str>) -> Result<Exit, Failure> {
    let fault = |text: String| Failure::error(text);
    let Some(kind) = kind else {
        table(context, &abilities().map_err(fault)?);
        return Ok(Exit::Reached);
    };
    let Some(page) = pages().find(|page| page.kind == kind) else {
        let kinds: Vec<&str> = pages().map(|page| page.kind).collect();
        let kind = crate::domain::text::clean(kind, 40);
        return Err(Failure::usage(format!("{kind:?} is not a kind of backend; kinds: {}", kinds.join(", "))));
    };
    let abilities = of(&page).map_err(fault)?;
    if context.out.is_json() {
        let ways: Vec<_> = abilities.iter().map(|it| json!({"way": it.way, "capabilities": it.can})).collect();
        context.out.json(&json!({
            "schema_version": SCHEMA_VERSION, "kind": page.kind, "page": page.text, "ways": ways,
        }));
        return Ok(Exit::Reached);
    }
    context.out.text(page.text);
    context.out.text("\n## What it can and cannot\n");
    for Ability { way, can, .. } in &abilities {
        context.out.text(&if way.is_empty() { "\n".to_owned() } else { format!("\n### {way}\n\n") });
        for line in ability_lines(can) {
            context.out.line(&format!("    {line}"));
        }
    }
    Ok(Exit::Reached)
}

fn table(context: &mut Context, rows: &[Ability]) {
    if context.out.is_json() {
        let rows: Vec<_> =
            rows.iter().map(|it| json!({"kind": it.kind, "way": it.way, "capabilities": it.can})).collect();
        context.out.json(&json!({"schema_version": SCHEMA_VERSION, "backends": rows}));
        return;
    }
    let name = |it: &Ability| if it.way.is_empty() { it.kind.to_owned() } else { format!("{}: {}", it.kind, it.way) };
    let widest = rows.iter().map(|it| name(it).chars().count()).max().unwrap_or(0);
    for it in rows {
        let can = &it.can;
        let restart = if can.survives_restart { "survives its restart" } else { "lost at its restart" };
        let line = format!("{:<widest$}  {}; {}; {restart}", name(it), shares(&can.weights), applied(can.applying));
        context.out.line(&line);
    }
    context.out.say("set-up, with configs that work: cutover backends KIND");
}
