//! Reads `[backend] kind = "nginx"`.

use super::spec::NginxSpec;
use crate::backend::configured::Backend;
use crate::backend::kind::Around;
use crate::domain::Pair;
use crate::settings::{Node, Section, Table, quote, values};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"nginx\"", include_str!("keys.md"));

/// Reads the config of nginx.
pub(super) fn read(table: &Table<'_>, _: &Around<'_>) -> Option<Backend> {
    let include = table.need("include", "write e.g. include = \"/etc/nginx/cutover.conf\"").and_then(|node| {
        let path = values::path(&node)?;
        let is_dir = path.is_dir();
        if is_dir { node.refuse("is a directory".into(), "name the file that nginx includes") } else { Some(path) }
    });
    let variable = table.get("variable").map_or_else(|| Some("cutover_side".to_owned()), |node| variable(&node));
    let key = table.get("key").map_or_else(|| Some("${request_id}".to_owned()), |node| key(&node));
    let name = |key: &str| table.or(key, key.to_owned(), |node| values::name(node, 64));
    let (blue, green) = (name("blue"), name("green"));
    if let Some(node) = table.get("green").filter(|_| blue.is_some() && blue == green) {
        node.fault("both sides have the same name".into(), "name an upstream of its own for each side");
    }
    let command = |node: &Node<'_>| values::command(node, "write e.g. [\"nginx\", \"-s\", \"reload\"]");
    let test = table.or("test", vec!["nginx".into(), "-t".into()], command);
    let reload = table.maybe("reload", command);
    let pid = match (table.get("pid"), table.get("reload")) {
        (Some(node), _) => values::path(&node).map(Some),
        // A user with a reload command may not be able to see nginx's processes.
        (None, Some(_)) => Some(None),
        (None, None) => Some(Some("/run/nginx.pid".into())),
    };
    let shares = table.maybe("shares", values::shares);
    Some(Backend::new(NginxSpec {
        include: include?,
        variable: variable?,
        key: key?,
        names: Pair { blue: blue?, green: green? },
        test: test?,
        pid: pid?,
        reload: reload?,
        shares: shares?,
    }))
}

fn variable(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let name = text.strip_prefix('$').unwrap_or(text);
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fits {
        return Some(name.to_owned());
    }
    node.refuse(format!("{} is not the name of a variable", quote(text)), "write e.g. \"$cutover_side\"")
}

/// Variables of nginx, and characters without a meaning in nginx's language.
fn key(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"$_-.:/".contains(&b);
    let bare = text.replace("${", "$").replace('}', "");
    let braces = text.matches("${").count();
    let is_sound = text.matches('{').count() == braces && text.matches('}').count() == braces;
    if is_sound && text.contains('$') && text.len() <= 200 && bare.bytes().all(fits) {
        return Some(text.to_owned());
    }
    node.refuse(format!("{} is not made of variables", quote(text)), "write e.g. \"${request_id}\" or \"$remote_addr\"")
}
