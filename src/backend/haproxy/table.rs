//! Tables that HAProxy prints. Columns are found by their names: new versions add columns.

use crate::backend::BackendError;
use crate::domain::text::clean;

/// A table with named columns.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A row of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'a Table,
    cells: &'a [String],
}

impl Table {
    /// Parses `show stat`: `# pxname,svname,...` and lines of comma-separated values.
    pub(super) fn stat(text: &str) -> Result<Self, BackendError> {
        Self::read(text, "show stat", "pxname", commas)
    }

    /// Parses `show servers state`: a line with the version of the format, `# be_id be_name ...`, and lines of words.
    pub(super) fn servers_state(text: &str) -> Result<Self, BackendError> {
        let words = |line: &str| line.split_ascii_whitespace().map(str::to_owned).collect();
        match text.split_once('\n') {
            Some(("1", rest)) => Self::read(rest, "show servers state", "be_id", words),
            _ => Err(super::wire::refusal(text).unwrap_or_else(|| foreign("show servers state", text))),
        }
    }

    fn read(text: &str, what: &str, first: &str, cut: fn(&str) -> Vec<String>) -> Result<Self, BackendError> {
        let mut lines = text.lines();
        let columns = lines.next().and_then(|line| line.strip_prefix("# ")).map(cut).unwrap_or_default();
        if columns.first().is_none_or(|name| name != first) {
            return Err(super::wire::refusal(text).unwrap_or_else(|| foreign(what, text)));
        }
        Ok(Self { columns, rows: lines.map(cut).collect() })
    }

    /// Every row.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { table: self, cells })
    }
}

impl<'a> Row<'a> {
    /// The cell of a column; empty if the column is missing.
    pub(super) fn text(&self, column: &str) -> &'a str {
        let at = self.table.columns.iter().position(|name| name == column);
        at.and_then(|at| self.cells.get(at)).map_or("", String::as_str)
    }

    /// The number in a column; `None` if it is missing.
    pub(super) fn number(&self, column: &str) -> Option<u64> {
        self.text(column).parse().ok()
    }
}

/// The error for a format of another version.
pub(super) fn foreign(what: &str, text: &str) -> BackendError {
    let begins = clean(&text.chars().take(80).collect::<String>(), 60);
    BackendError::Garbled(format!("the answer to {what:?} has another format, it begins with {begins:?}"))
}

/// Splits comma-separated values. Values with commas are quoted.
fn commas(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_wherever_they_stand() {
        let table = Table::stat("# pxname,svname,new,scur,last_chk,\nbe,b1,?,3,\"a,b\",\nbe,BACKEND,,,,\n").unwrap();
        let rows: Vec<_> = table.rows().collect();
        assert_eq!((rows[0].number("scur"), rows[0].text("last_chk")), (Some(3), "a,b"));
        assert_eq!((rows[1].number("scur"), rows[1].text("absent")), (None, ""));
    }

    #[test]
    fn another_format_is_no_table() {
        assert!(matches!(Table::stat("<html>"), Err(BackendError::Garbled(_))));
        assert!(matches!(Table::stat("No such proxy.\n"), Err(BackendError::Refused(_))));
        assert!(matches!(Table::servers_state("2\n# be_id\n"), Err(BackendError::Garbled(_))));
        assert!(matches!(Table::servers_state("Can't find backend.\n"), Err(BackendError::Refused(_))));
    }
}
