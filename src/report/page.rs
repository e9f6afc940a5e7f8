//! The report as one HTML page: no scripts, nothing loaded from anywhere, for light and dark and for paper.

use std::fmt::Write as _;

use super::escape::html as escape;
use super::model::{Outcome, Report, Rollout};
use super::series;
use super::tables::tables;
use super::words::{self, moment, nothing, on_record, or_dash, plain, span, span_or};

const HEAD: &str = include_str!("page/head.html");
const STYLE: &str = include_str!("page/style.css");

/// The report as a page.
pub(crate) fn html(report: &Report) -> String {
    let mut out = String::with_capacity(64 << 10);
    let title = match report.rollouts.as_slice() {
        [one] => format!(
            "{} {}: rollout {}, {}",
            report.service,
            report.environment,
            one.number,
            words::outcome(one.outcome)
        ),
        _ => format!("{} {}: rollouts", report.service, report.environment),
    };
    out.push_str(&HEAD.replace("{style}", STYLE).replace("{title}", &escape(&title)));
    faults(report, &mut out);
    if report.rollouts.len() > 1 {
        contents(report, &mut out);
    }
    for rollout in &report.rollouts {
        article(report, rollout, &mut out);
    }
    if report.rollouts.is_empty() {
        let _ = writeln!(
            out,
            "<h1>{}</h1><p class=\"lede\">Nothing to tell: {}.</p>",
            escape(&plain(&report.service)),
            nothing(report)
        );
    }
    let _ = writeln!(
        out,
        "<footer>Made {} by cutover {} from {} journal records; {}.</footer>\n</main>\n</body>\n</html>",
        moment(report.made),
        escape(&report.cutover),
        report.records,
        on_record(report)
    );
    out
}

fn faults(report: &Report, out: &mut String) {
    if report.faults.is_empty() {
        return;
    }
    out.push_str("<section class=\"faults\"><h2>The record is damaged</h2><ul>");
    for fault in &report.faults {
        let _ = write!(out, "<li>{}</li>", escape(&plain(fault)));
    }
    out.push_str("</ul><p>This report holds what can still be read.</p></section>\n");
}

fn contents(report: &Report, out: &mut String) {
    let _ = write!(out, "<nav aria-label=\"Rollouts\"><h1>{}</h1><ol>", escape(&plain(&report.service)));
    for rollout in &report.rollouts {
        let _ = write!(
            out,
            "<li value=\"{n}\"><a href=\"#r{n}\">{} to {} on {}</a>, {}: {}</li>",
            escape(&words::version(&rollout.versions, rollout.live)),
            escape(&words::version(&rollout.versions, rollout.candidate)),
            rollout.candidate,
            moment(rollout.began),
            words::outcome(rollout.outcome),
            n = rollout.number,
        );
    }
    out.push_str("</ol></nav>\n");
}

fn article(report: &Report, rollout: &Rollout, out: &mut String) {
    let _ = writeln!(out, "<article id=\"r{}\">", rollout.number);
    head(report, rollout, out);
    tiles(rollout, out);
    if !rollout.unknown.is_empty() {
        out.push_str("<section class=\"unknown\"><h2>Not known</h2><ul>");
        for line in &rollout.unknown {
            let _ = write!(out, "<li>{}</li>", escape(line));
        }
        out.push_str("</ul></section>\n");
    }
    plots(report, rollout, out);
    for table in tables(rollout) {
        table.page(out);
    }
    out.push_str("</article>\n");
}

fn head(report: &Report, rollout: &Rollout, out: &mut String) {
    let kind = match rollout.outcome {
        Outcome::RolledBack | Outcome::Aborted => "bad",
        Outcome::Paused | Outcome::EndedElsewhere | Outcome::NotBegun => "mind",
        Outcome::Shifting | Outcome::Switched | Outcome::Finalized => "calm",
    };
    let place =
        if report.environment.is_empty() { String::new() } else { format!(" · {}", plain(&report.environment)) };
    let ended = rollout.ended.map_or_else(|| "goes on".into(), moment);
    let (live, side) = (rollout.live, rollout.candidate);
    let _ = writeln!(
        out,
        "<header><p class=\"where\">{}{}</p>\
         <h1>Rollout {}: {} to {} <span class=\"badge {kind}\">{}</span></h1>\
         <p class=\"when\"><span class=\"side {live}\">{live}</span> was live, \
         <span class=\"side {side}\">{side}</span> the candidate; begun by {} at <time>{}</time>, ended: <time>{ended}</time></p>\
         <p class=\"lede\">{}</p></header>",
        escape(&plain(&report.service)),
        escape(&place),
        rollout.number,
        escape(&words::version(&rollout.versions, live)),
        escape(&words::version(&rollout.versions, side)),
        words::outcome(rollout.outcome),
        escape(&rollout.by),
        moment(rollout.began),
        escape(&rollout.summary),
    );
}

fn tiles(rollout: &Rollout, out: &mut String) {
    let times = &rollout.times;
    let has_breach = !rollout.breaches.is_empty();
    let went_back = matches!(rollout.outcome, Outcome::RolledBack | Outcome::Aborted);
    let detect = if has_breach { span_or(times.to_detect) } else { "no breach".into() };
    let from = times.to_detect_from.as_ref().map_or_else(|| "until a guard acts".into(), |from| format!("from {from}"));
    let back = if went_back { span_or(times.to_roll_back) } else { "not needed".into() };
    let cells = [
        ("Time to detect", detect, from),
        ("Time to roll back", back, "from the decision until read back".into()),
        ("Highest share", format!("{} %", rollout.highest_share), format!("of traffic on {}", rollout.candidate)),
        ("Bake", or_dash(times.bake.map(span)), "with part of the traffic".into()),
        ("At 100 %", or_dash(times.window.map(span)), "of the rollback window".into()),
        ("In all", span(times.total), paused(times.paused)),
    ];
    out.push_str("<dl class=\"tiles\">");
    for (name, value, note) in cells {
        let _ = write!(
            out,
            "<div><dt>{name}</dt><dd class=\"value\">{}</dd><dd class=\"note\">{}</dd></div>",
            escape(&value),
            escape(&note)
        );
    }
    out.push_str("</dl>\n");
}

fn paused(seconds: f64) -> String {
    if seconds > 0.0 { format!("{} of it paused", span(seconds)) } else { "never paused".into() }
}

fn plots(report: &Report, rollout: &Rollout, out: &mut String) {
    let marks = series::marks(rollout);
    out.push_str("<section class=\"plots\"><h2>Over time</h2>");
    if !marks.is_empty() {
        out.push_str(
            "<p class=\"note\">The numbers are those of the timeline below; red ones are guards and orders back.</p>",
        );
    }
    for (n, view) in series::views(rollout, report.made).into_iter().enumerate() {
        if !view.title.is_empty() {
            let _ = write!(out, "<h3>{}</h3>", view.title);
        }
        let prefix = format!("r{}v{n}", rollout.number);
        for plot in series::plots(rollout, view, &prefix, &marks) {
            let scale = if plot.bottom().is_some() { " (logarithmic)" } else { "" };
            let _ =
                write!(out, "<figure><figcaption>{}{scale}</figcaption>{}</figure>", escape(plot.title), plot.svg());
        }
    }
    out.push_str("</section>\n");
}
