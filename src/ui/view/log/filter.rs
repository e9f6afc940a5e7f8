//! What is typed after `/`: a text or a regular expression, `!` in front for the lines that do not match.
//!
//! Small and capital letters are the same. Any expression costs time linear in the text; what is
//! an invalid one is searched as plain text, and its fault is shown.

use regex_lite::{Regex, RegexBuilder};

use crate::domain::{LogLevel, json_line};
use crate::ui::text::contains;

/// The largest program an expression may become, in bytes: what it costs for each byte of text is bounded by this.
const MAX_PROGRAM: usize = 16 << 10;

#[derive(Debug, Clone, Default)]
enum Matcher {
    #[default]
    All,
    Plain(String),
    Regex(Regex),
}

/// A filter, ready for use.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    matcher: Matcher,
    inverse: bool,
    fault: Option<String>,
}

impl Filter {
    /// Reads what was typed.
    pub(super) fn new(typed: &str) -> Self {
        let (inverse, pattern) = typed.strip_prefix('!').map_or((false, typed), |rest| (true, rest));
        if pattern.is_empty() {
            return Self::default();
        }
        let plain = || Matcher::Plain(pattern.to_owned());
        if regex_lite::escape(pattern) == pattern {
            return Self { matcher: plain(), inverse, fault: None };
        }
        match RegexBuilder::new(pattern).case_insensitive(true).size_limit(MAX_PROGRAM).build() {
            Ok(regex) => Self { matcher: Matcher::Regex(regex), inverse, fault: None },
            Err(error) => {
                let fault = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
                Self { matcher: plain(), inverse, fault: Some(fault) }
            }
        }
    }

    /// Whether it lets everything through.
    pub(super) const fn is_none(&self) -> bool {
        matches!(self.matcher, Matcher::All)
    }

    /// What is wrong with the expression, if anything is.
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Whether a line passes. For a JSON line both the shown text and the original count.
    pub(super) fn matches(&self, source: &str, level: LogLevel, text: &str) -> bool {
        let found = match &self.matcher {
            Matcher::All => return true,
            Matcher::Plain(part) => {
                level.title().eq_ignore_ascii_case(part) || Self::found(source, text, |text| contains(text, part))
            }
            Matcher::Regex(regex) => Self::found(source, text, |text| regex.is_match(text)),
        };
        found != self.inverse
    }

    fn found(source: &str, text: &str, finds: impl Fn(&str) -> bool) -> bool {
        let shown = || text.starts_with('{') && json_line::read(text).is_some_and(|line| finds(&line.text));
        finds(text) || finds(source) || shown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(typed: &str) -> Vec<&'static str> {
        let lines =
            ["epoch 3 loss 0.12", "epoch 12 LOSS 0.09 (best)", "cannot read [shard 7", r#"{"msg":"batch","n":3}"#];
        let filter = Filter::new(typed);
        lines.into_iter().filter(|line| filter.matches("golden", LogLevel::Info, line)).collect()
    }

    #[test]
    fn texts_expressions_and_their_inverse() {
        assert_eq!(hits("").len(), 4);
        assert_eq!(hits("!").len(), 4);
        assert_eq!(hits("loss"), hits("LOSS"));
        assert_eq!(hits("loss").len(), 2);
        assert_eq!(hits("epoch [0-9]{2}").len(), 1);
        assert_eq!(hits("^epoch.*best\\)$").len(), 1);
        assert_eq!(hits("!loss").len(), 2);
        assert_eq!(hits("n=3"), [r#"{"msg":"batch","n":3}"#], "what is shown is found");
        assert_eq!(hits("\"n\":3").len(), 1, "and what came in");
        assert_eq!(hits("gold").len(), 4);
        assert_eq!(hits("info").len(), 4);
    }

    #[test]
    fn a_bad_expression_is_told_and_looked_for_as_it_is() {
        assert_eq!(hits("[shard"), ["cannot read [shard 7"]);
        assert!(Filter::new("[shard").fault().is_some());
        assert!(Filter::new("((a{200}){200}){200}").fault().is_some(), "too large is a fault too");
        assert_eq!(hits("!(best").len(), 3);
        assert!(Filter::new("loss|best").fault().is_none());
    }
}
