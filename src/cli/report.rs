//! `report`: reports a rollout, for a ticket, for a script, or as a page to send.
//!
//! Read from the files of the state directory, without the engine and without changing them.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::args::{Format, ReportArgs, ReportFormat};
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::files::shown;
use super::{Context, record, span};
use crate::engine::snapshot::SCHEMA_VERSION;
use crate::report::{self, Choice, Report, Source};

/// Makes the report and prints or writes it. A damaged journal is an error, but what can be read is still reported.
pub(crate) fn run(context: &mut Context, args: &ReportArgs) -> Result<Exit, Failure> {
    let format = format(args, context.out.format)?;
    let service = load(context)?.service;
    let made = Utc::now();
    let since = args.since.as_deref().map(|text| since(text, made)).transpose()?;
    let record = record::record(&service)?;
    let source = Source {
        service: &service.name,
        environment: &service.environment,
        records: &record.records,
        samples: &record.samples,
        guards: &service.guards,
        faults: record.faults,
        lost: record.lost,
        made,
    };
    let choice = args.rollout.unwrap_or(if since.is_some() { Choice::All } else { Choice::Last });
    let report = report::make(&source, choice, since).map_err(Failure::usage)?;
    match &args.to {
        Some(path) if path.as_os_str() != "-" => {
            write(path, &text(&report, format)?)?;
            if context.out.is_json() {
                let document = json!({"schema_version": SCHEMA_VERSION, "command": "report", "file": shown(path)});
                context.out.json(&document);
            } else {
                context.out.line(&shown(path));
            }
        }
        _ if format == ReportFormat::Json => context.out.json(&report),
        _ => context.out.text(&text(&report, format)?),
    }
    if report.faults.is_empty() {
        return Ok(Exit::Reached);
    }
    for fault in &report.faults {
        context.out.message(&format!("cutover: {fault}"));
    }
    context.out.message("cutover: the report holds what can still be read");
    Ok(Exit::Error)
}

/// The requested format: by `--format`, by `-o`, or by the file name.
fn format(args: &ReportArgs, output: Format) -> Result<ReportFormat, Failure> {
    let by_output = (output != Format::Text).then_some(ReportFormat::Json);
    if let (Some(format), Some(ReportFormat::Json)) = (args.format, by_output)
        && format != ReportFormat::Json
        && args.to.is_none()
    {
        return Err(Failure::usage("-o json prints JSON: leave out --format, or write the report to a file with --to"));
    }
    let end = args.to.as_deref().and_then(Path::extension).map(|end| end.to_string_lossy().to_ascii_lowercase());
    let by_name = match end.as_deref() {
        Some("html" | "htm") => Some(ReportFormat::Html),
        Some("json") => Some(ReportFormat::Json),
        Some("md" | "markdown") => Some(ReportFormat::Md),
        _ => None,
    };
    Ok(args.format.or(by_name).or(by_output).unwrap_or(ReportFormat::Md))
}

fn text(report: &Report, format: ReportFormat) -> Result<String, Failure> {
    match format {
        ReportFormat::Md => Ok(report::markdown(report)),
        ReportFormat::Html => Ok(report::html(report)),
        ReportFormat::Json => serde_json::to_string_pretty(report)
            .map(|text| text + "\n")
            .map_err(|error| Failure::error(format!("the report cannot be written as JSON: {error}"))),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::error(format!("{} cannot be written: {error}", shown(path))))
}

/// A moment from `24h` (ago), `2026-11-20` or `2026-11-20T14:00:00Z`.
fn since(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Failure> {
    if let Ok(ago) = span::parse(text) {
        return Ok(now - TimeDelta::from_std(ago).unwrap_or_default());
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let day = text.parse::<chrono::NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    day.map(|at| at.and_utc()).ok_or_else(|| {
        let text = crate::domain::text::clean(text, 60);
        Failure::usage(format!("`{text}` is no time: say e.g. 24h (ago), 2026-11-20 or 2026-11-20T14:00:00Z"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(format: Option<ReportFormat>, to: Option<&str>) -> ReportArgs {
        ReportArgs { format, to: to.map(Into::into), rollout: None, since: None }
    }

    #[test]
    fn the_format_is_the_one_that_was_named_or_the_name_says() {
        use ReportFormat::{Html, Json, Md};
        let of = |named, to, output| format(&args(named, to), output).map_err(|failure| failure.exit);
        assert_eq!(of(None, None, Format::Text), Ok(Md));
        assert_eq!(of(None, None, Format::Json), Ok(Json));
        assert_eq!(of(None, Some("x.HTML"), Format::Text), Ok(Html));
        assert_eq!(of(None, Some("x.html"), Format::Json), Ok(Html), "-o is for what is printed");
        assert_eq!(of(Some(Md), Some("x.html"), Format::Text), Ok(Md));
        assert_eq!(of(Some(Html), None, Format::Json), Err(Exit::Usage));
    }

    #[test]
    fn a_time_is_ago_or_a_day_or_a_moment() {
        let now = crate::domain::Stamp::epoch().wall;
        let of = |text: &str| since(text, now).map(|at| at.to_rfc3339());
        assert_eq!(of("24h").unwrap(), "2025-12-31T00:00:00+00:00");
        assert_eq!(of("2025-11-20").unwrap(), "2025-11-20T00:00:00+00:00");
        assert_eq!(of("2025-11-20T14:00:00+02:00").unwrap(), "2025-11-20T12:00:00+00:00");
        for bad in ["", "yesterday", "2025-13-01", "-1h"] {
            assert_eq!(of(bad).unwrap_err().exit, Exit::Usage, "{bad}");
        }
    }
}
