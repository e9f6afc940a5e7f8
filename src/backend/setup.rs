//! The set-up pages of the traffic systems: one page per kind, in the folder of its code.
//!
//! A page has the headings in [`HEADINGS`]. Each fenced `toml` block under `## cutover.toml` is a complete config.
//! The pages do not list what the system supports: the backend that such a config creates is asked.

use super::kinds;

/// The headings of every page, in this order.
pub const HEADINGS: [&str; 4] = ["## Server", "## cutover.toml", "## Permissions", "## Rollback"];

/// A set-up page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The kind, as `[backend] kind` spells it.
    pub kind: &'static str,
    /// The text, in Markdown.
    pub text: &'static str,
}

/// Every page, in the order of the kinds.
pub fn pages() -> impl Iterator<Item = Page> {
    kinds::pages().map(|(kind, text)| Page { kind, text })
}

/// A config on a page: the way of using the system that it shows, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The `###` heading above it; empty if the kind has only one way.
    pub way: String,
    /// The complete config.
    pub toml: String,
}

impl Page {
    /// The text under `heading`, without the heading.
    pub fn part(&self, heading: &str) -> &'static str {
        let below = self.text.split_once(&format!("\n{heading}\n")).map_or("", |(_, below)| below);
        below.split_once("\n## ").map_or(below, |(part, _)| part)
    }

    /// The fenced blocks of `language` under `heading`, each with the `###` heading above it.
    pub fn blocks(&self, heading: &str, language: &str) -> Vec<(String, String)> {
        let (mut way, mut found, mut inside) = (String::new(), Vec::new(), None::<String>);
        for line in self.part(heading).lines() {
            match (&mut inside, line.strip_prefix("```"), line.strip_prefix("### ")) {
                (Some(_), Some(_), _) => found.extend(inside.take().map(|text| (way.clone(), text))),
                (Some(text), None, _) => {
                    text.push_str(line);
                    text.push('\n');
                }
                (None, Some(named), _) if named == language => inside = Some(String::new()),
                (None, _, Some(name)) => name.clone_into(&mut way),
                _ => {}
            }
        }
        found
    }

    /// The complete configs on the page.
    pub fn examples(&self) -> Vec<Example> {
        let blocks = self.blocks("## cutover.toml", "toml");
        blocks.into_iter().map(|(way, toml)| Example { way, toml }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_below_their_headings() {
        let text = "# x\n\n## Server\n```sh\na\n```\n\n## cutover.toml\n### one\n```toml\nb = 1\n```\n### two\n```sh\nno\n```\n```toml\nc = 2\n```\n\n## Permissions\n";
        let page = Page { kind: "x", text };
        assert_eq!(page.blocks("## Server", "sh"), [(String::new(), "a\n".into())]);
        let ways: Vec<_> = page.examples().into_iter().map(|it| (it.way, it.toml)).collect();
        assert_eq!(ways, [("one".into(), "b = 1\n".to_owned()), ("two".into(), "c = 2\n".into())]);
        assert_eq!(page.part("## Nothing"), "");
    }
}
