//! The tables of a rollout: each is made once, and is written for the page and as Markdown.

use std::fmt::Write as _;

use super::escape::{html as escape, markdown as text};
use super::model::{Breach, Decision, GateRow, Milestone, OrderRow, Rollout, StepSide};
use super::words::{clock, measured, moment, ms, or_dash, rate, seconds, span, who};
use crate::domain::{Side, Verdict};

/// A table. A column that begins with `#` holds numbers; one without a name is only on the page.
pub(super) struct Table {
    pub(super) title: &'static str,
    caption: String,
    columns: &'static [&'static str],
    rows: Vec<Row>,
    /// The text for a table without rows.
    none: &'static str,
}

/// The class of a row on the page, and its cells.
struct Row(&'static str, Vec<Cell>);

/// A cell: an element of the page, or nothing where the one above or before it reaches here, and Markdown.
struct Cell {
    page: String,
    text: String,
}

impl Table {
    /// Writes it for the page.
    pub(super) fn page(&self, out: &mut String) {
        let Self { title, caption, none, .. } = self;
        if self.rows.is_empty() {
            let _ = writeln!(out, "<section><h2>{title}</h2><p class=\"note\">{none}</p></section>");
            return;
        }
        let _ = write!(
            out,
            "<section><h2>{title}</h2><div class=\"scroll\"><table><caption>{caption}</caption><thead><tr>"
        );
        for column in self.columns {
            let (class, name) = column.strip_prefix('#').map_or(("", *column), |name| (" class=\"n\"", name));
            let _ = write!(out, "<th scope=\"col\"{class}>{name}</th>");
        }
        out.push_str("</tr></thead><tbody>");
        for Row(class, cells) in &self.rows {
            let _ = write!(out, "<tr{class}>");
            out.extend(cells.iter().map(|cell| cell.page.as_str()));
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div></section>\n");
    }

    /// Writes it as Markdown.
    pub(super) fn markdown(&self, out: &mut String) {
        let Self { title, caption, none, .. } = self;
        if self.rows.is_empty() {
            let _ = writeln!(out, "## {title}\n\n{none}\n");
            return;
        }
        let named = || self.columns.iter().filter(|column| !column.is_empty());
        let heads: Vec<&str> = named().map(|column| column.trim_start_matches('#')).collect();
        let rules: Vec<&str> = named().map(|column| if column.starts_with('#') { "--:" } else { "---" }).collect();
        let _ = writeln!(out, "## {title}\n\n{caption}\n\n| {} |\n| {} |", heads.join(" | "), rules.join(" | "));
        for Row(_, cells) in &self.rows {
            let cells = self.columns.iter().zip(cells).filter(|(column, _)| !column.is_empty());
            let cells: Vec<&str> = cells.map(|(_, cell)| cell.text.as_str()).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        out.push('\n');
    }
}

/// All tables of `rollout`, in their order.
pub(super) fn tables(rollout: &Rollout) -> [Table; 6] {
    let time = |at| {
        let text = clock(at, rollout.began);
        Cell { page: format!("<td class=\"t\"><time>{text}</time></td>"), text }
    };
    [
        Table {
            title: "Timeline",
            caption: format!("Times in UTC, {}", rollout.began.format("%Y-%m-%d")),
            columns: &["Time", "", "Who", "What"],
            rows: rollout.timeline.iter().map(|line| milestone(line, time(line.at))).collect(),
            none: "Nothing is on record.",
        },
        Table {
            title: "Step by step",
            caption: "Middle values over each step; the worst p99 is that of a single sample".into(),
            columns: &["#Candidate", "#From", "#For", "Side", "#p50", "#p99", "#Worst p99", "#Failed", "#Requests/s"],
            rows: steps(rollout),
            none: "No step is on record.",
        },
        Table {
            title: "Orders",
            caption: "Shares are the candidate's; an order counts once the traffic system was read back".into(),
            columns: &["Time", "Who", "Order", "#Share", "State", "#Took", "Why, and what came of it"],
            rows: rollout.orders.iter().map(|row| order(row, time(row.at))).collect(),
            none: "No order is on record.",
        },
        Table {
            title: "Guards",
            caption: "What they saw when they acted".into(),
            columns: &["Time", "Guard", "#Value", "#Limit", "#Requests", "Did", "#Detected after", "Counted from"],
            rows: rollout.breaches.iter().map(|row| breach(row, time(row.at))).collect(),
            none: "No guard acted.",
        },
        Table {
            title: "Gates",
            caption: "Results for this candidate alone; a failure that was passed later is kept".into(),
            columns: &["Gate", "Last result", "#Measured", "#Samples", "#Runs", "When", "Evidence"],
            rows: rollout.gates.iter().map(gate).collect(),
            none: "No gate result is on record for this candidate.",
        },
        Table {
            title: "Decisions and notes",
            caption: "Overrides, signatures, pauses and notes".into(),
            columns: &["Time", "Who", "What", "Reason"],
            rows: rollout.decisions.iter().map(|row| decision(row, time(row.at))).collect(),
            none: "None besides the orders.",
        },
    ]
}

fn cell(told: &str) -> Cell {
    Cell { page: format!("<td>{}</td>", escape(told)), text: text(told) }
}

fn number(told: &str) -> Cell {
    Cell { page: format!("<td class=\"n\">{}</td>", escape(told)), text: text(told) }
}

fn side(side: Side) -> String {
    format!("<span class=\"side {side}\">{side}</span>")
}

fn milestone(line: &Milestone, time: Cell) -> Row {
    let mark = line.mark.map(|n| format!("<span class=\"mark\">{n}</span>")).unwrap_or_default();
    let mark = Cell { page: format!("<td>{mark}</td>"), text: String::new() };
    let mut told = cell(&line.text);
    if line.warn {
        told.text = format!("**{}**", told.text);
    }
    Row(if line.warn { " class=\"warn\"" } else { "" }, vec![time, mark, cell(&line.by), told])
}

fn steps(rollout: &Rollout) -> Vec<Row> {
    let mut rows = Vec::new();
    for step in &rollout.steps {
        let long = span(seconds(step.from, step.to));
        let heads = [
            ("th scope=\"rowgroup\"", format!("{} %", step.percent)),
            ("td", clock(step.from, rollout.began)),
            ("td", long),
        ];
        for (n, at) in Side::BOTH.into_iter().enumerate() {
            let head = |(element, text): &(&str, String)| {
                let page = format!("<{element} rowspan=\"2\" class=\"n\">{text}</{}>", &element[..2]);
                Cell { page: if n == 0 { page } else { String::new() }, text: text.clone() }
            };
            let mut cells: Vec<Cell> = heads.iter().map(head).collect();
            cells.push(Cell { page: format!("<td>{}</td>", side(at)), text: at.to_string() });
            cells.extend(measures(step.sides[at].as_ref()));
            rows.push(Row(if n == 0 { " class=\"first\"" } else { "" }, cells));
        }
    }
    rows
}

fn measures(side: Option<&StepSide>) -> [Cell; 5] {
    let Some(side) = side else {
        let wide = "<td class=\"none\" colspan=\"5\">nothing measured</td>";
        return [wide, "", "", "", ""].map(|page| Cell { page: page.into(), text: "–".into() });
    };
    let latency = |value: Option<f64>| or_dash(value.map(ms));
    let rps = format!("{:.1}", side.rps);
    [latency(side.p50), latency(side.p99), latency(side.p99_worst), rate(side.error_rate), rps]
        .map(|told| number(&told))
}

fn order(order: &OrderRow, time: Cell) -> Row {
    let from = order.from.map_or_else(|| "?".into(), |from| from.to_string());
    let class = if order.state == "verified" { "state" } else { "state warn" };
    let told = [order.why.as_deref(), order.detail.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("; ");
    let consent = order.consent.as_ref().map(|digest| format!(" <code>{}</code>", escape(digest.short())));
    let verb = format!("<td><strong>{}</strong>{}</td>", order.verb, consent.unwrap_or_default());
    let state = order.state.to_uppercase();
    let cells = vec![
        time,
        cell(&who(&order.by, &order.via)),
        Cell { page: verb, text: order.verb.into() },
        number(&format!("{from} → {} %", order.target)),
        Cell { page: format!("<td><span class=\"{class}\">{state}</span></td>"), text: state },
        number(&or_dash(order.took.map(span))),
        cell(&or_dash(Some(told).filter(|told| !told.is_empty()))),
    ];
    Row("", cells)
}

fn breach(breach: &Breach, time: Cell) -> Row {
    let (subject, on) = (breach.subject(), breach.side);
    let guard = Cell {
        page: format!("<td>{} on {}</td>", escape(subject), side(on)),
        text: format!("{} on {on}", text(subject)),
    };
    let cells = vec![
        time,
        guard,
        number(&breach.seen()),
        number(&breach.allowed()),
        number(&breach.samples.to_string()),
        cell(breach.action.name()),
        number(&or_dash(breach.to_detect.map(span))),
        cell(&or_dash(breach.since_by.clone())),
    ];
    Row(" class=\"warn\"", cells)
}

fn gate(row: &GateRow) -> Row {
    let last = row.last.as_ref();
    let (class, verdict) = match last.map(|last| last.verdict) {
        Some(Verdict::Passed) => ("state", "PASS"),
        Some(Verdict::Failed) => ("state warn", "FAIL"),
        Some(Verdict::NotYet) => ("state warn", "NOT YET"),
        None => ("state", "no run"),
    };
    let mut result = Cell { page: format!("<span class=\"{class}\">{verdict}</span>"), text: verdict.into() };
    if let Some(how) = row.let_pass {
        let _ = write!(result.page, " <span class=\"state warn\">{how}</span>");
        let _ = write!(result.text, ", **{how}**");
    }
    result.page = format!("<td>{}</td>", result.page);
    let mut runs = row.runs.to_string();
    for (n, word) in [(row.failed, "failed"), (row.not_yet, "not yet")] {
        if n > 0 {
            let _ = write!(runs, ", {n} {word}");
        }
    }
    let cells = vec![
        Cell { page: format!("<th scope=\"row\">{}</th>", escape(&row.gate)), text: text(&row.gate) },
        result,
        number(&or_dash(last.map(measured))),
        number(&or_dash(last.map(|last| last.samples.to_string()))),
        number(&runs),
        cell(&or_dash(last.map(|last| moment(last.at)))),
        evidence(row),
    ];
    Row("", cells)
}

/// What the last run found, and the last failure. The details are in the cell on the page, and below the tables in
/// Markdown.
fn evidence(row: &GateRow) -> Cell {
    let last = row.last.as_ref();
    let mut told = or_dash(last.map(|last| last.note.clone()).filter(|note| !note.is_empty()));
    let mut page = format!("<td>{}", escape(&told));
    if row.from_before {
        page.push_str("<br>from before this rollout, still counted");
        told.push_str("; from before this rollout, still counted");
    }
    for evidence in last.into_iter().chain(&row.last_failure).filter(|evidence| !evidence.details.is_empty()) {
        let word = if evidence.verdict == Verdict::Failed { "what failed" } else { "details" };
        let _ = write!(page, "<details><summary>{} {word}</summary><ul>", evidence.details.len());
        for line in &evidence.details {
            let _ = write!(page, "<li>{}</li>", escape(line));
        }
        page.push_str("</ul></details>");
    }
    if let Some(failure) = &row.last_failure {
        let failed = format!("failed at {}: {}", moment(failure.at), failure.note);
        let _ = write!(page, "<br>{}", escape(&failed));
        let _ = write!(told, "; {failed}");
    }
    page.push_str("</td>");
    Cell { page, text: text(&told) }
}

fn decision(decision: &Decision, time: Cell) -> Row {
    let about = decision.about.as_ref().map(|about| format!(" {about}")).unwrap_or_default();
    let what = Cell {
        page: format!("<td><strong>{}</strong>{}</td>", decision.what, escape(&about)),
        text: text(&format!("{}{about}", decision.what)),
    };
    Row("", vec![time, cell(&who(&decision.by, &decision.via)), what, cell(&or_dash(decision.reason.clone()))])
}
