//! A theme file: what it says, and every fault of it with its place.
//!
//! The parsed document is walked by hand, as a config is: a derive stops at the first fault.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier};
use toml::de::{DeTable, DeValue};

use super::depth::NAMES;
use super::fault::{Fault, ThemeError};
use super::roles::{Role, TABLE};
use super::{Background, Source};
use crate::domain::text::clean;

/// Larger theme files are refused, in bytes.
pub(crate) const MAX_BYTES: usize = 64 * 1024;
/// Most faults that are listed.
const MAX_FAULTS: usize = 20;
/// How a colour is spelled.
pub(super) const COLOR_REMEDY: &str =
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

type Key<'a> = toml::Spanned<std::borrow::Cow<'a, str>>;
type Value<'a> = toml::Spanned<DeValue<'a>>;

impl File {
    /// Reads the text of one file.
    pub(super) fn parse(source: Source) -> Result<Self, ThemeError> {
        if source.text.len() > MAX_BYTES {
            let remedy = "a theme is a few lines; is this the right file?";
            return Err(ThemeError::whole(&source.file, format!("is larger than {} KB", MAX_BYTES / 1024), remedy));
        }
        let text = source.text.clone();
        let mut file =
            Self { source, inherits: None, background: None, palette: BTreeMap::new(), roles: BTreeMap::new() };
        let (document, syntax) = DeTable::parse_recoverable(&text);
        let mut faults: Vec<ThemeError> = Vec::new();
        for error in syntax.iter().take(MAX_FAULTS) {
            let at = error.span().map_or(0, |span| span.start);
            faults.push(file.fault(at, format!("not valid TOML: {}", clean(error.message(), 200)), ""));
        }
        if faults.is_empty() {
            for (key, value) in document.get_ref() {
                file.top(key, value, &mut faults);
            }
        }
        faults.sort_by_key(|error| error.faults().first().and_then(|fault| fault.place));
        faults.truncate(MAX_FAULTS);
        ThemeError::join(faults).map_or(Ok(file), Err)
    }

    /// A fault at byte `at`.
    pub(super) fn fault(&self, at: usize, message: String, remedy: &str) -> ThemeError {
        let text = self.source.text.get(..at).unwrap_or_default();
        let line = text.matches('\n').count() + 1;
        let column = text.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        let file = self.source.file.clone();
        ThemeError::new(Fault { file, place: Some((line, column)), message, remedy: remedy.into() })
    }

    fn top(&mut self, key: &Key<'_>, value: &Value<'_>, faults: &mut Vec<ThemeError>) {
        let at = value.span().start;
        let name = key.get_ref().as_ref();
        let wrong = match (name, value.get_ref()) {
            ("inherits", DeValue::String(parent)) => {
                self.inherits = Some((parent.to_string(), at));
                return;
            }
            ("background", DeValue::String(word)) if word == "dark" => {
                self.background = Some(Background::Dark);
                return;
            }
            ("background", DeValue::String(word)) if word == "light" => {
                self.background = Some(Background::Light);
                return;
            }
            ("palette", DeValue::Table(table)) => return self.read_palette(table, faults),
            ("roles", DeValue::Table(table)) => return self.read_roles(table, faults),
            ("inherits", value) => self.fault(at, kind("inherits", "a text", value), "write e.g. inherits = \"dark\""),
            ("background", _) => {
                self.fault(at, "background is dark or light".into(), "write background = \"dark\" or \"light\"")
            }
            ("palette" | "roles", value) => {
                self.fault(at, kind(name, "a table", value), &format!("write [{name}] on a line of its own"))
            }
            _ => self.fault(
                key.span().start,
                format!("unknown key {:?}", clean(name, 40)),
                "a theme has inherits, background, [palette] and [roles]",
            ),
        };
        faults.push(wrong);
    }

    fn read_palette(&mut self, table: &DeTable<'_>, faults: &mut Vec<ThemeError>) {
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let at = value.span().start;
            let Some(text) = spelled(value.get_ref()) else {
                faults.push(self.fault(at, kind(&clean(&name, 40), "a colour", value.get_ref()), COLOR_REMEDY));
                continue;
            };
            if let Some(color) = color(&text) {
                self.palette.insert(name, color);
                continue;
            }
            let remedy = "write #rrggbb, a number from 0 to 255, a name such as \"lightcyan\", or \"default\"";
            faults.push(self.fault(at, format!("{:?} is no colour", clean(&text, 40)), remedy));
        }
    }

    fn read_roles(&mut self, table: &DeTable<'_>, faults: &mut Vec<ThemeError>) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let Some(doc) = TABLE.iter().find(|doc| doc.name == name) else {
                let known: Vec<_> = TABLE.iter().map(|doc| doc.name).collect();
                let remedy = format!("roles: {}", known.join(", "));
                faults.push(self.fault(key.span().start, format!("unknown role {:?}", clean(name, 40)), &remedy));
                continue;
            };
            let DeValue::Table(attributes) = value.get_ref() else {
                let remedy = format!("write e.g. {name} = {{ bold = true }}");
                faults.push(self.fault(value.span().start, kind(name, "a table", value.get_ref()), &remedy));
                continue;
            };
            let mut spec = Spec::default();
            for (key, value) in attributes {
                if let Err(fault) = self.attribute(&mut spec, doc.name, key, value) {
                    faults.push(fault);
                }
            }
            self.roles.insert(doc.role, spec);
        }
    }

    fn attribute(&self, spec: &mut Spec, role: &str, key: &Key<'_>, value: &Value<'_>) -> Result<(), ThemeError> {
        let name = key.get_ref().as_ref();
        let at = value.span().start;
        if let Some((_, modifier)) = ATTRIBUTES.iter().find(|(known, _)| *known == name) {
            let Some(on) = value.get_ref().as_bool() else {
                let text = kind(&format!("{role}: {name}"), "true or false", value.get_ref());
                return Err(self.fault(at, text, "without quotes"));
            };
            spec.modifiers.set(*modifier, on);
            return Ok(());
        }
        let slot = match name {
            "fg" => &mut spec.fg,
            "bg" => &mut spec.bg,
            _ => {
                let text = format!("{role}: unknown attribute {:?}", clean(name, 40));
                let remedy = "a role has fg, bg, bold, dim, underline and reverse";
                return Err(self.fault(key.span().start, text, remedy));
            }
        };
        let Some(text) = spelled(value.get_ref()) else {
            return Err(self.fault(at, kind(&format!("{role}: {name}"), "a colour", value.get_ref()), COLOR_REMEDY));
        };
        *slot = Some(Named { text, at });
        Ok(())
    }
}

/// A colour's text: numbers may be written without quotes.
fn spelled(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

fn kind(name: &str, wanted: &str, value: &DeValue<'_>) -> String {
    let found = match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    format!("{name} must be {wanted}, not {found}")
}

/// One colour: `#rrggbb`, a number of xterm's 256, one of the 16 names, or `default` for the terminal's own.
pub(super) fn color(text: &str) -> Option<Color> {
    if let Some(hex) = text.strip_prefix('#') {
        let digits = hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        let n = digits.then(|| u32::from_str_radix(hex, 16).ok()).flatten()?;
        return Some(Color::Rgb((n >> 16) as u8, (n >> 8) as u8, n as u8));
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Color::Indexed);
    }
    let name = text.to_ascii_lowercase().replace(['-', '_', ' '], "").replace("grey", "gray");
    if name == "default" {
        return Some(Color::Reset);
    }
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, color)| *color)
}
