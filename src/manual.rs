//! The manual: one row a topic, one Markdown file beside this one a row, and the set-up page of each backend.
//!
//! The texts are compiled in. [`markdown`] turns them into lines for a terminal or into a man page.

pub(crate) mod markdown;

use std::sync::LazyLock;

use crate::domain::nearest::nearest;
use crate::{backend, config};

/// The line of `config.md` below which the tables of keys go.
const REFERENCE: &str = "<!-- reference -->";

/// One page of the manual.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    /// What follows `cutover help`.
    pub name: &'static str,
    /// What the page is about, on one line.
    pub summary: &'static str,
    /// The page as Markdown, without pictures: they are not compiled in.
    pub text: String,
}

/// Every page but those of the backends, in reading order: name, summary, text.
#[rustfmt::skip]
const WRITTEN: &[(&str, &str, &str)] = &[
    ("start", "install, the demo, and from nothing to the first switch", include_str!("manual/start.md")),
    ("console", "the full screen: rules, panes, time cursor", include_str!("manual/console.md")),
    ("keys", "every key, and how to change them", include_str!("manual/keys.md")),
    ("linear", "the console in lines, for screen readers", include_str!("manual/linear.md")),
    ("themes", "themes, colours, line characters", include_str!("manual/themes.md")),
    ("ssh", "over SSH, in tmux, on a slow line: copy, notices, titles", include_str!("manual/ssh.md")),
    ("logs", "your own log files and commands in the log pane", include_str!("manual/logs.md")),
    ("cli", "every verb of the command line", include_str!("manual/cli.md")),
    ("ci", "pipelines, and rollouts without a person", include_str!("manual/ci.md")),
    ("exit-codes", "what each exit code means", include_str!("manual/exit-codes.md")),
    ("incidents", "what happens when something fails", include_str!("manual/incidents.md")),
    ("gates", "checks that must pass before traffic moves", include_str!("manual/gates.md")),
    ("guards", "checks that go on while traffic moves", include_str!("manual/guards.md")),
    ("metrics", "what the model servers export, and time to first token", include_str!("manual/metrics.md")),
    ("alerts", "webhooks, Slack and commands that tell you what happened", include_str!("manual/alerts.md")),
    ("journal", "the record of who did what and why", include_str!("manual/journal.md")),
    (
        "replay",
        "recordings and their replay, crash reports, the diagnostic log",
        include_str!("manual/replay.md"),
    ),
    ("report", "a rollout as Markdown, JSON or a page with plots", include_str!("manual/report.md")),
    ("gateway", "the reverse proxy that comes with cutover", include_str!("manual/gateway.md")),
    ("backends", "the traffic systems, what each can, and what users see of a switch", include_str!("manual/backends.md")),
    ("security", "sockets, tokens, secrets, permissions", include_str!("manual/security.md")),
    ("limits", "what this version cannot do, and how to measure it", include_str!("manual/limits.md")),
    ("contract", "words, laws and the terminal contract", include_str!("manual/contract.md")),
    ("config", "every key of the config file", include_str!("manual/config.md")),
];

static TOPICS: LazyLock<Vec<Topic>> = LazyLock::new(|| {
    let set_up = backend::setup::pages().map(|page| {
        let summary = page.text.lines().next().unwrap_or_default().trim_start_matches("# ");
        Topic { name: page.kind, summary, text: page.text.to_owned() }
    });
    let written = WRITTEN.iter().map(|&(name, summary, page)| Topic { name, summary, text: whole(page) });
    written.chain(set_up).collect()
});

/// A page without its pictures, and with the config reference where it goes.
fn whole(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    for line in page.split_inclusive('\n').filter(|line| !line.starts_with("![")) {
        text.push_str(line);
        if line.trim_end() == REFERENCE {
            text.push_str(&config::reference_markdown());
        }
    }
    text
}

/// Every page, those of the backends last.
pub fn topics() -> impl Iterator<Item = &'static Topic> {
    TOPICS.iter()
}

/// The page called `name`.
///
/// # Errors
/// The name that is most like it, if one is.
pub(crate) fn topic(name: &str) -> Result<&'static Topic, Option<&'static str>> {
    topics().find(|topic| topic.name == name).ok_or_else(|| nearest(name, topics().map(|topic| topic.name)))
}

impl Topic {
    /// Each line that contains `word` in any case, with the heading above it. Both as plain text.
    pub fn find(&self, word: &str) -> Vec<(String, String)> {
        let word = word.to_lowercase();
        let (mut heading, mut found) = (String::new(), Vec::new());
        for line in markdown::plain(&self.text, usize::MAX) {
            if let Some(text) = line.strip_prefix('#') {
                text.trim_start_matches('#').trim().clone_into(&mut heading);
            }
            if line.to_lowercase().contains(&word) {
                // Columns are padded; one space tells as much.
                found.push((heading.clone(), line.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_by_its_name_and_a_typing_error_names_it() {
        assert_eq!(topic("gates").map(|topic| topic.name), Ok("gates"));
        assert_eq!(topic("gaets"), Err(Some("gates")));
        assert_eq!(topic("haproxy").map(|topic| topic.summary), Ok("HAProxy"));
    }

    #[test]
    fn a_word_is_found_with_the_heading_above_it() {
        let found = topic("guards").unwrap().find("VILLE");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "A guard that compares");
        assert!(found[0].1.contains("Ville's inequality"));
    }

    #[test]
    fn the_config_page_has_every_key() {
        let page = &topic("config").unwrap().text;
        for (section, doc) in config::reference() {
            assert!(page.contains(&format!("| `{}` |", doc.key)), "{} of {section}", doc.key);
        }
    }
}
