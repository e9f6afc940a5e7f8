//! Placeholders such as `{{version}}` in texts of the config. A value that is filled in stays a value: it cannot become
//! another part of a URL or of a query.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The names that may be written between the braces.
pub(crate) const NAMES: [&str; 5] = ["version", "version_digest", "side", "service", "environment"];

/// Whether every placeholder of `text` is one of `names`.
///
/// # Errors
/// The first other one, in words.
pub(crate) fn check_of(names: &[&str], text: &str) -> Result<(), String> {
    fill_of(names, text, |name| Ok(name.to_owned())).map(drop)
}

/// `text` with each placeholder replaced by what `value` makes of its name.
///
/// # Errors
/// What `value` says, or that a placeholder is not known.
pub(crate) fn fill(text: &str, value: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    fill_of(&NAMES, text, value)
}

/// The same with other names than [`NAMES`].
///
/// # Errors
/// The error of `value`, or that a placeholder is not in `names`.
pub(crate) fn fill_of(
    names: &[&str],
    text: &str,
    value: impl Fn(&str) -> Result<String, String>,
) -> Result<String, String> {
    fill_any(text, |name| value(one_of(names, name)?))
}

/// The same with any name: `value` gets it without the blanks around it, or `None` where a placeholder has no end.
///
/// # Errors
/// What `value` says.
pub(crate) fn fill_any(text: &str, value: impl Fn(Option<&str>) -> Result<String, String>) -> Result<String, String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("{{") {
        let (name, after) = first(&rest[at..]).unzip();
        out.push_str(&rest[..at]);
        out.push_str(&value(name)?);
        rest = after.unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

/// The name of the placeholder at the beginning of `text`, and what comes after it; `None` where there is no whole one.
pub(crate) fn first(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix("{{")?.split_once("}}")?;
    Some((name.trim(), after))
}

fn one_of<'a>(names: &[&str], name: Option<&'a str>) -> Result<&'a str, String> {
    name.filter(|name| names.contains(name)).ok_or_else(|| {
        let names: Vec<String> = names.iter().map(|name| format!("{{{{{name}}}}}")).collect();
        format!("a placeholder is one of {}", names.join(", "))
    })
}

/// A PromQL query with its placeholders filled in; each must be inside quotes, where its value is escaped
/// as the quotes ask for, and as a literal where the text is a regular expression.
///
/// # Errors
/// A placeholder outside quotes, one that is not known, or a value that the quotes around it cannot hold.
pub(crate) fn fill_promql(query: &str, value: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let mut out = String::with_capacity(query.len());
    let (mut quote, mut is_regex) = (None, false);
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("{{") {
            let (name, after) = first(rest).unzip();
            let name = one_of(&NAMES, name)?;
            let Some(quote) = quote else { return Err(format!("{{{{{name}}}}} must stand within quotes")) };
            let value = value(name)?;
            let literal = if is_regex { regex_lite::escape(&value) } else { value };
            out.push_str(&escape_quoted(&literal, quote)?);
            rest = after.unwrap_or_default();
            continue;
        }
        let mut taken = c.len_utf8();
        match (quote, c) {
            (None, '#') => taken = rest.find('\n').unwrap_or(rest.len()),
            (None, '"' | '\'' | '`') => {
                quote = Some(c);
                let before = out.trim_end();
                is_regex = before.ends_with("=~") || before.ends_with("!~");
            }
            (Some('"' | '\''), '\\') => taken += rest[1..].chars().next().map_or(0, char::len_utf8),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    Ok(out)
}

fn escape_quoted(text: &str, quote: char) -> Result<String, String> {
    if quote == '`' {
        let fits = !text.contains(['`', '\n']);
        return if fits { Ok(text.to_owned()) } else { Err("a value with ` cannot stand within `..`".to_owned()) };
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            c if c == quote || c == '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// A value as part of a URL's path or query.
pub(crate) fn escape_url(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promql(query: &str, value: &str) -> Result<String, String> {
        fill_promql(query, |_| Ok(value.to_owned()))
    }

    #[test]
    fn a_value_stays_within_its_quotes() {
        let hostile = "v1\"} or vector(0) # \\";
        assert_eq!(promql(r#"score{v="{{version}}"}"#, hostile).unwrap(), r#"score{v="v1\"} or vector(0) # \\"}"#);
        assert_eq!(promql("score{v='{{ version }}'}", "a'b").unwrap(), r"score{v='a\'b'}");
        assert_eq!(promql("score{v=`{{version}}`}", r"a\b").unwrap(), r"score{v=`a\b`}");
        assert!(promql("score{v=`{{version}}`}", "a`b").is_err());
    }

    #[test]
    fn in_a_regular_expression_it_is_a_literal() {
        assert_eq!(promql(r#"s{v=~"{{version}}.*"}"#, "1.2+x").unwrap(), r#"s{v=~"1\\.2\\+x.*"}"#);
        assert_eq!(promql("s{v !~ `{{version}}`}", "1.2").unwrap(), r"s{v !~ `1\.2`}");
        assert_eq!(promql(r#"s{v=~"a",w="{{version}}"}"#, "1.2").unwrap(), r#"s{v=~"a",w="1.2"}"#);
    }

    #[test]
    fn quotes_and_comments_are_read_as_promql_reads_them() {
        assert_eq!(promql(r#"s{a="\"",v="{{version}}"}"#, "x").unwrap(), r#"s{a="\"",v="x"}"#);
        assert_eq!(promql("s # \"it's\n{v=\"{{version}}\"}", "x").unwrap(), "s # \"it's\n{v=\"x\"}");
        for outside in ["s{{version}}", r#"s{a="\\"{{version}}"}"#, "s{a='b' {{version}}}"] {
            assert!(promql(outside, "x").unwrap_err().contains("must stand within quotes"), "{outside}");
        }
        for unknown in [r#"s{v="{{vesrion}}"}"#, r#"s{v="{{version"}"#] {
            assert!(promql(unknown, "x").unwrap_err().starts_with("a placeholder is one of {{version}}, "));
        }
    }

    #[test]
    fn urls_take_no_more_than_a_value() {
        let url = fill("http://h/x?v={{version}}&s={{side}}", |_| Ok(escape_url("a&b=/é"))).unwrap();
        assert_eq!(url, "http://h/x?v=a%26b%3D%2F%C3%A9&s=a%26b%3D%2F%C3%A9");
        let check = |text: &str| check_of(&NAMES, text);
        assert!(check("{{nothing}}").is_err() && check("{}").is_ok() && check("{\"a\":{}}").is_ok());
    }
}
