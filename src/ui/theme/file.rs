//! A theme file: what it says, and every fault of it with its place.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ratatui::style::{Color, Modifier, Style};

use super::roles::{Role, RoleDoc, TABLE};
use super::{Background, Source};
use crate::settings::{ConfigError, Node, Report, Table, quote};

/// How a colour is spelled.
const COLOR_REMEDY: &str =
    "write #rrggbb, a number from 0 to 255, a name such as \"lightcyan\", \"default\", or a name of [palette]";

/// What a file says.
#[derive(Debug)]
pub(super) struct File {
    source: Source,
    /// The theme it starts from, and where that is written.
    pub inherits: Option<(String, usize)>,
    pub background: Option<Background>,
    pub palette: BTreeMap<String, Color>,
    pub roles: BTreeMap<Role, Spec>,
}

/// A role's style as written.
#[derive(Debug, Default)]
pub(super) struct Spec {
    pub fg: Option<Named>,
    pub bg: Option<Named>,
    pub modifiers: Modifier,
}

/// A colour's name or spelling, and where it is written.
#[derive(Debug)]
pub(super) struct Named {
    pub text: String,
    pub at: usize,
}

const ATTRIBUTES: [(&str, Modifier); 4] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

impl File {
    /// Reads the text of one file.
    pub(super) fn parse(source: Source) -> Result<Self, ConfigError> {
        let mut file =
            Self { source, inherits: None, background: None, palette: BTreeMap::new(), roles: BTreeMap::new() };
        let text = file.source.text.clone();
        let report = Report::new(&text, PathBuf::new(), &|_| None);
        if let Some(document) = report.document() {
            let known = ["inherits", "background", "palette", "roles"];
            file.read(&Table::root(&report, document.get_ref(), &known, "key"));
        }
        file.finish(&report)?;
        Ok(file)
    }

    /// A report for faults that are found later.
    pub(super) fn report(&self) -> Report<'_> {
        Report::new(&self.source.text, PathBuf::new(), &|_| None)
    }

    /// The faults of `report`, with the name of this file.
    pub(super) fn finish(&self, report: &Report<'_>) -> Result<(), ConfigError> {
        report.finish(&self.source.file).map_or(Ok(()), Err)
    }

    /// That the theme cannot inherit from what it names at byte `at`.
    pub(super) fn no_parent(&self, at: usize, message: String, remedy: &str) -> Result<(), ConfigError> {
        let report = self.report();
        report.fault(at, "inherits".into(), message, remedy);
        self.finish(&report)
    }

    fn read(&mut self, root: &Table<'_>) {
        self.inherits = root.get("inherits").and_then(|node| Some((node.text()?.to_owned(), node.at)));
        let grounds = [("dark", Background::Dark), ("light", Background::Light)];
        self.background = root.get("background").and_then(|node| node.choice(&grounds));
        if let Some(palette) = root.get("palette").and_then(|node| node.table()) {
            let named = |(name, node): (&str, Node<'_>)| Some((name.to_owned(), paint(&node)?));
            self.palette = palette.entries().into_iter().filter_map(named).collect();
        }
        if let Some(roles) = root.get("roles").and_then(|node| node.table()) {
            roles.refuse_unknown(&TABLE.map(|doc| doc.name), "role");
            let role = |doc: &RoleDoc| Some((doc.role, spec(&roles.get(doc.name)?.table()?)));
            self.roles = TABLE.iter().filter_map(role).collect();
        }
    }
}

impl Spec {
    /// The style, with the colours of `palette`.
    pub(super) fn style(&self, palette: &BTreeMap<&str, Color>, role: &str, report: &Report<'_>) -> Style {
        let color = |named: &Option<Named>| {
            let named = named.as_ref()?;
            let found = palette.get(named.text.as_str()).copied().or_else(|| color(&named.text));
            if found.is_none() {
                let message = format!("{} is neither in a palette nor a colour", quote(&named.text));
                report.fault(named.at, format!("[roles] {role}"), message, COLOR_REMEDY);
            }
            // The terminal's own colour is what a cell has anyway.
            found.filter(|color| *color != Color::Reset)
        };
        let style = Style { fg: color(&self.fg), bg: color(&self.bg), ..Style::new() };
        if self.modifiers.is_empty() { style } else { style.add_modifier(self.modifiers) }
    }
}

fn spec(table: &Table<'_>) -> Spec {
    table.refuse_unknown(&["fg", "bg", "bold", "dim", "underline", "reverse"], "attribute");
    let named = |key| table.get(key).and_then(|node| Some(Named { text: spelled(&node)?, at: node.at }));
    let modifiers = ATTRIBUTES.iter().filter(|(name, _)| table.flag(name, false)).map(|(_, modifier)| *modifier);
    Spec { fg: named("fg"), bg: named("bg"), modifiers: modifiers.collect() }
}

/// A colour of the palette.
fn paint(node: &Node<'_>) -> Option<Color> {
    let text = spelled(node)?;
    let remedy = "write #rrggbb, a number from 0 to 255, a name such as \"lightcyan\", or \"default\"";
    color(&text).or_else(|| node.refuse(format!("{} is not a colour", quote(&text)), remedy))
}

/// A colour's text: numbers may be written without quotes.
fn spelled(node: &Node<'_>) -> Option<String> {
    match node.is_text() {
        true => node.text().map(str::to_owned),
        false if node.is_integer() => node.amount().map(|number| number.to_string()),
        false => node.wrong("a colour", COLOR_REMEDY),
    }
}

/// One colour: `#rrggbb`, a number of xterm's 256, one of the 16 names, or `default` for the terminal's own.
fn color(text: &str) -> Option<Color> {
    if text.eq_ignore_ascii_case("default") { Some(Color::Reset) } else { text.parse().ok() }
}
