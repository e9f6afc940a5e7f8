//! Reads `[[alert]]`: where to send alerts.

use std::collections::HashMap;

use super::keys;
use crate::domain::{AlertForm, AlertKind, AlertSpec, AlertUrl, AlertWay};
use crate::settings::{Node, Section, TRANSPORT, Table, call, quote, transport, values};

const SECOND: u64 = 1000;
/// The most destinations.
const MAX_ALERTS: usize = 16;

/// The destinations, in the order of the file.
pub(super) fn alerts(root: &Table<'_>) -> Vec<AlertSpec> {
    let tables = root.tables("alert", "[[alert]]", MAX_ALERTS);
    let mut seen: HashMap<String, usize> = HashMap::new();
    tables.into_iter().filter_map(|table| alert(table, &mut seen)).collect()
}

fn alert(table: Table<'_>, seen: &mut HashMap<String, usize>) -> Option<AlertSpec> {
    let kinds = [("webhook", AlertForm::Json), ("slack", AlertForm::Slack)];
    let node = table.need("kind", "write kind = \"webhook\", \"slack\" or \"command\"")?;
    let typed = node.text()?;
    let form = kinds.iter().find(|(name, _)| *name == typed).map(|(_, form)| *form);
    let sections: &'static [&'static Section] = match (typed, form) {
        (_, Some(_)) => &[&keys::ALERT, &keys::ALERT_WEBHOOK, &TRANSPORT],
        ("command", None) => &[&keys::ALERT, &keys::ALERT_COMMAND],
        _ => {
            return node.refuse(format!("{} is no way of telling", quote(typed)), "ways: webhook, slack, command");
        }
    };
    let table = table.keys_of(sections);
    let name = match table.get("name") {
        Some(node) => own_name(&node, seen),
        None => Some(typed.to_owned()).filter(|name| unique(&node, name, seen)),
    };
    let on = table.or("on", AlertKind::TROUBLE.to_vec(), on);
    let timeout_ms = table.duration("timeout", 100..=60 * SECOND, 5 * SECOND);
    let way = match form {
        Some(form) => webhook(&table, form),
        None => command(&table),
    };
    Some(AlertSpec { name: name?, way: way?, on: on?, timeout_ms })
}

fn own_name(node: &Node<'_>, seen: &mut HashMap<String, usize>) -> Option<String> {
    let name = values::name(node, 32)?;
    unique(node, &name, seen).then_some(name)
}

fn unique(node: &Node<'_>, name: &str, seen: &mut HashMap<String, usize>) -> bool {
    let line = node.report.line(node.at);
    let before = seen.insert(name.to_owned(), line);
    if let Some(before) = before {
        node.fault(format!("{} is the name of the alert of line {before}", quote(name)), "write another name");
    }
    before.is_none()
}

fn on(node: &Node<'_>) -> Option<Vec<AlertKind>> {
    let choices = AlertKind::ALL.map(|kind| (kind.name(), kind));
    node.several("write e.g. [\"guard\", \"rollback\"]", 1..=choices.len(), |item| item.choice(&choices))
}

fn webhook(table: &Table<'_>, form: AlertForm) -> Option<AlertWay> {
    let example = "write url = \"https://..\", or url = { env = \"NAME\" } where it holds a secret";
    let url = table.need("url", example).and_then(|node| {
        if !node.is_text() {
            return call::secret(&node).map(AlertUrl::Secret);
        }
        let text = node.text()?;
        if text.contains("hooks.slack.com/") {
            return node
                .refuse("a Slack webhook's URL is a secret".into(), "write { env = \"NAME\" } or { file = \"PATH\" }");
        }
        values::url_with_query(&node, text).map(|url| AlertUrl::Plain(url.to_owned()))
    });
    let (headers, transport) = (call::headers(table), transport(table));
    Some(AlertWay::Webhook { url: url?, headers: headers?, form, transport })
}

fn command(table: &Table<'_>) -> Option<AlertWay> {
    let example = "write e.g. command = [\"./page.sh\"]; no shell reads it";
    let argv = table.need("command", example).and_then(|node| values::command(&node, example))?;
    Some(AlertWay::Command { argv, dir: table.base().to_owned() })
}
