//! Reads `[backend] kind = "exec"` and `kind = "http"`: the user's own commands and calls.

use super::spec::{Act, AnswerAt, HookCan, HookSpec, PLACEHOLDERS};
use crate::backend::configured::Backend;
use crate::backend::kind::Around;
use crate::domain::capabilities::Weights;
use crate::domain::{Transport, placeholder};
use crate::settings::{Node, Section, Table, call, quote, transport, values};

pub(super) const EXEC: Section = Section::new("[backend] kind = \"exec\"", include_str!("keys.md"));
pub(super) const HTTP: Section = Section::new("[backend] kind = \"http\"", include_str!("keys.md"));
pub(super) const BOTH: Section = Section::new("[backend] kind = \"exec\" or \"http\"", include_str!("keys.md"));
pub(super) const CALL: Section = Section::new("[backend.read], [backend.set], ...", include_str!("keys.md"));

const MINUTE: u64 = 60_000;

/// The acts for reading and changing.
struct Acts {
    read: Act,
    set: Option<Act>,
    switch: Option<Act>,
    rollback: Option<Act>,
}

/// A system driven by commands.
pub(super) fn exec(table: &Table<'_>, around: &Around<'_>) -> Option<Backend> {
    let example = "write e.g. [\"./router\", \"set\", \"{{green}}\", \"{{expected}}\"]";
    let acts = acts(table, |node, _| command(node, example));
    let dir = values::dir(table);
    let conflict_code = u8::try_from(table.number("conflict_code", 1..=255, 75)).ok()?;
    if let Some(node) = table.get("conflict_code").filter(|_| [64, 69, 77].contains(&conflict_code)) {
        node.fault(format!("{conflict_code} has a meaning already"), "write another code");
    }
    let spec = spec(table, around, acts)?;
    Some(Backend::new(HookSpec { dir: dir?, conflict_code, ..spec }))
}

/// A system driven by HTTP calls.
pub(super) fn http(table: &Table<'_>, around: &Around<'_>) -> Option<Backend> {
    let acts = acts(table, call);
    let header = table.maybe("revision_header", values::header);
    let (spec, transport) = (spec(table, around, acts), transport(table));
    let (spec, revision_header) = (spec?, header?);
    let answer = AnswerAt { revision_header, ..spec.answer };
    Some(Backend::new(HookSpec { answer, transport, ..spec }))
}

fn acts<'a>(table: &Table<'a>, act: impl Fn(&Node<'a>, bool) -> Option<Act>) -> Option<Acts> {
    let read = table.need("read", "without it nobody knows where traffic goes").and_then(|node| act(&node, true));
    let mut is_whole = true;
    let mut change = |key| {
        let written = table.get(key)?;
        let act = act(&written, false);
        is_whole &= act.is_some();
        act
    };
    let (set, switch, rollback) = (change("set"), change("switch"), change("rollback"));
    if set.is_none() && switch.is_none() && is_whole {
        return table.refuse("neither set nor switch is written".into(), "write set, or switch where only that exists");
    }
    is_whole.then_some(())?;
    Some(Acts { read: read?, set, switch, rollback })
}

fn command(node: &Node<'_>, example: &str) -> Option<Act> {
    if let Some(program) = node.list(example)?.first().filter(|first| first.is_text())
        && program.text()?.contains("{{")
    {
        return program.refuse("a placeholder cannot stand for the program".into(), example);
    }
    let words = values::command(node, example)?;
    for (word, item) in words.iter().zip(node.list(example)?) {
        if let Err(why) = placeholder::check_of(&PLACEHOLDERS, word) {
            return item.refuse(why, "correct the name");
        }
    }
    Some(Act::Run(words))
}

fn call(node: &Node<'_>, is_read: bool) -> Option<Act> {
    let table = node.table()?.keys_of(&[&CALL]);
    let call = call::call_of(&table, false, &PLACEHOLDERS);
    if !is_read && table.get("method").is_none() && table.get("body").is_none() {
        return table
            .refuse("neither method nor body is written".into(), "write e.g. method = \"PUT\": a GET changes nothing");
    }
    Some(Act::Call(call?))
}

/// Reads what both kinds have in common.
fn spec(table: &Table<'_>, around: &Around<'_>, acts: Option<Acts>) -> Option<HookSpec> {
    let pointer = |key, usual: &str| table.or(key, usual.to_owned(), values::pointer);
    let (green, revision) = (pointer("green", "/split/green"), pointer("revision", "/revision"));
    let blue = table.maybe("blue", values::pointer);
    // If the acts have faults, rules about them are not checked.
    let has_set = acts.as_ref().is_none_or(|acts| acts.set.is_some());
    let weights = match table.get("weights") {
        Some(node) => weights(&node, has_set),
        None if has_set => Some(Weights::Any),
        None => Some(Weights::AllOrNothing),
    };
    let (asynchronous, survives_restart) = (table.flag("async", false), table.flag("survives_restart", false));
    let compare_and_set = table.flag("compare_and_set", false);
    let timeout_ms = table.duration("timeout", 100..=10 * MINUTE, 10_000);
    let acts = acts?;
    let can = HookCan { weights: weights?, asynchronous, survives_restart, compare_and_set };
    Some(HookSpec {
        service: around.service.to_owned(),
        read: acts.read,
        set: acts.set,
        switch: acts.switch,
        rollback: acts.rollback,
        answer: AnswerAt { green: green?, blue: blue?, revision: revision?, revision_header: None },
        can,
        dir: table.base().to_owned(),
        transport: Transport::default(),
        timeout_ms,
        conflict_code: 75,
    })
}

fn weights(node: &Node<'_>, has_set: bool) -> Option<Weights> {
    let example = "write \"any\", \"all_or_nothing\", or the shares of green there are: [10, 50]";
    let weights = if node.is_text() {
        match node.text()? {
            "any" => Weights::Any,
            "all_or_nothing" => Weights::AllOrNothing,
            other => return node.refuse(format!("{} is not known here", quote(other)), example),
        }
    } else {
        let listed: Option<Vec<u8>> =
            node.list(example)?.iter().map(|item| u8::try_from(item.number(1..=99)?).ok()).collect();
        let listed = listed?;
        if listed.is_empty() {
            return node.refuse("the list is empty".into(), example);
        }
        Weights::Listed(listed)
    };
    if weights != Weights::AllOrNothing && !has_set {
        return node.refuse("without set only all_or_nothing is possible".into(), "write set, or remove weights");
    }
    Some(weights)
}
