//! The Markdown of the manual: into lines for a terminal, and into a man page.
//!
//! Only what the pages use is known: headings, paragraphs, lists, fenced code, tables, links. Code spans keep their
//! backticks, images and comments are left out.

use std::fmt::Write as _;

/// One part of a page.
enum Block<'a> {
    /// A heading and its level, 1 to 6.
    Heading(usize, String),
    /// A paragraph on one line.
    Text(String),
    /// An item of a list, with its mark: `-` or `1.`.
    Item(&'a str, String),
    /// Lines that stay as they are.
    Code(Vec<&'a str>),
    /// Rows of cells; the first has the headings of the columns.
    Table(Vec<Vec<String>>),
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut code = None::<Vec<&str>>;
    // Whether the next line goes on with the last block.
    let mut open = false;
    for line in page.lines() {
        match (&mut code, line.trim_start().starts_with("```")) {
            (Some(_), true) => found.extend(code.take().map(Block::Code)),
            (Some(lines), false) => lines.push(line),
            (None, true) => (code, open) = (Some(Vec::new()), false),
            (None, false) => open = prose(&mut found, line.trim(), open),
        }
    }
    found
}

/// Takes in a line outside of code; whether the next one may go on with it.
fn prose<'a>(found: &mut Vec<Block<'a>>, line: &'a str, open: bool) -> bool {
    if line.is_empty() || line.starts_with("<!--") || line.starts_with("![") {
        return false;
    }
    let text = line.trim_start_matches('#');
    if text.len() < line.len() {
        found.push(Block::Heading(line.len() - text.len(), inline(text.trim())));
        return false;
    }
    if let Some(row) = line.strip_prefix('|') {
        let cells: Vec<String> = row.trim_end_matches('|').split('|').map(|cell| inline(cell.trim())).collect();
        match found.last_mut() {
            Some(Block::Table(_)) if row.starts_with("---") => {}
            Some(Block::Table(rows)) if open => rows.push(cells),
            _ => found.push(Block::Table(vec![cells])),
        }
        return true;
    }
    let mark = line.split(' ').next().filter(|mark| *mark == "-" || is_number(mark));
    match (mark, found.last_mut()) {
        (Some(mark), _) => found.push(Block::Item(mark, inline(line[mark.len()..].trim()))),
        (None, Some(Block::Text(text) | Block::Item(_, text))) if open => {
            let _ = write!(text, " {}", inline(line));
        }
        _ => found.push(Block::Text(inline(line))),
    }
    true
}

fn is_number(mark: &str) -> bool {
    mark.strip_suffix('.').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Links as their text, those to the web with their address; no marks for bold text.
fn inline(text: &str) -> String {
    let text = text.replace("**", "").replace("&lt;", "<");
    let (mut out, mut rest) = (String::new(), text.as_str());
    while let Some((before, (target, after))) =
        rest.split_once("](").and_then(|(b, rest)| Some((b, rest.split_once(')')?)))
    {
        out.push_str(&before.replacen('[', "", 1));
        if target.contains("://") {
            let _ = write!(out, " ({target})");
        }
        rest = after;
    }
    out + rest
}

/// `page` as lines of at most `width` columns; code and single words may be longer. Headings keep their `#`.
pub fn plain(page: &str, width: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut in_list = false;
    for block in blocks(page) {
        let is_item = matches!(block, Block::Item(..));
        let follows_closely = out.is_empty() || (in_list && is_item);
        if !follows_closely {
            out.push(String::new());
        }
        in_list = is_item;
        match block {
            Block::Heading(level, text) => out.push(format!("{} {text}", "#".repeat(level))),
            Block::Text(text) => out.extend(wrap(&text, "", "", width)),
            Block::Item(mark, text) => out.extend(wrap(&text, &format!("{mark} "), &" ".repeat(mark.len() + 1), width)),
            Block::Code(lines) => out.extend(lines.iter().map(|line| format!("    {line}"))),
            Block::Table(rows) => out.extend(table(&rows, width)),
        }
    }
    out
}

/// Columns where they fit; else the first cell on a line of its own and the others below it.
fn table(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).filter_map(widest).collect();
    let fits = widths.iter().map(|wide| wide + 2).sum::<usize>() <= width;
    if !fits {
        return records(rows)
            .flat_map(|(first, rest)| [vec![first], wrap(&rest, "    ", "    ", width)].concat())
            .collect();
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, wide)| format!("{cell:<wide$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Each row below the first as its first cell, and the others with the headings of their columns. `-` is left out.
fn records(rows: &[Vec<String>]) -> impl Iterator<Item = (String, String)> {
    let headings = rows.first();
    rows.iter().skip(1).map(move |row| {
        let mut rest = String::new();
        for (column, cell) in row.iter().enumerate().skip(1).filter(|(_, cell)| !matches!(cell.as_str(), "" | "-")) {
            let heading = headings.and_then(|row| row.get(column)).filter(|name| !name.is_empty() && row.len() > 2);
            if !rest.is_empty() {
                rest.push_str(if heading.is_some() { "; " } else { ". " });
            }
            let _ = match heading {
                Some(heading) => write!(rest, "{heading}: {cell}"),
                None => write!(rest, "{cell}"),
            };
        }
        (row.first().cloned().unwrap_or_default(), rest)
    })
}

/// `text` in lines of at most `width` columns; the first begins with `lead`, the others with `indent`.
pub(crate) fn wrap(text: &str, lead: &str, indent: &str, width: usize) -> Vec<String> {
    let mut lines = vec![lead.to_owned()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        let begun = lines.last().is_some_and(|line| !line.ends_with(' ') && !line.is_empty());
        if begun && line + 1 + word.chars().count() > width {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if begun && !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// `page` as the body of a man page.
pub(crate) fn man(page: &str) -> String {
    let mut out = String::new();
    for block in blocks(page) {
        let _ = match block {
            Block::Heading(1, _) => Ok(()),
            Block::Heading(2, text) => writeln!(out, ".SH \"{}\"", roff(&text.replace('"', "'"))),
            Block::Heading(_, text) => writeln!(out, ".SS \"{}\"", roff(&text.replace('"', "'"))),
            Block::Text(text) => writeln!(out, ".PP\n{}", roff(&text)),
            Block::Item(mark, text) => writeln!(out, ".IP \"{mark}\" 4\n{}", roff(&text)),
            Block::Code(lines) => {
                let lines: Vec<String> = lines.iter().map(|line| roff(line)).collect();
                writeln!(out, ".PP\n.RS 4\n.nf\n{}\n.fi\n.RE", lines.join("\n"))
            }
            Block::Table(rows) => {
                records(&rows).try_for_each(|(first, rest)| writeln!(out, ".TP\n{}\n{}", roff(&first), roff(&rest)))
            }
        };
    }
    out
}

/// Text that roff takes as it is.
pub(crate) fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Title\n\nOne [two](x.md)\nthree **four** [web](https://a.b).\n\n- first item\n  goes on\n- second\n\n\
                        ```sh\n-x  # y\n```\n\n| key | is | |\n|---|---|---|\n| `a` | b | c d |\n\n<!-- gone -->\n";

    #[test]
    fn a_page_reads_as_plain_lines() {
        let lines = plain(PAGE, 60);
        let expected = [
            "# Title",
            "",
            "One two three four web (https://a.b).",
            "",
            "- first item goes on",
            "- second",
            "",
            "    -x  # y",
            "",
            "key  is",
            "`a`  b   c d",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_is_too_wide_is_wrapped_and_a_table_becomes_a_list() {
        let lines = plain(PAGE, 14);
        assert_eq!(lines[2..5], ["One two three", "four web", "(https://a.b)."]);
        assert_eq!(lines[6..8], ["- first item", "  goes on"]);
        assert_eq!(plain("| key | is | |\n|---|---|---|\n| `a` | b | c d |\n", 12), ["`a`", "    is: b. c", "    d"]);
    }

    #[test]
    fn a_man_page_hides_nothing_from_roff() {
        let page = man("# T\n\n## Part\n\n.not a request\n\n```\n'nor this \\n\n```\n");
        assert_eq!(page, ".SH \"Part\"\n.PP\n\\&.not a request\n.PP\n.RS 4\n.nf\n\\&'nor this \\en\n.fi\n.RE\n");
    }
}
