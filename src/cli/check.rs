//! `check`: validates the config and checks whether every system in it answers.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::session::FIRST_LOOK;
use super::{Context, appearance};
use crate::config::Config;
use crate::domain::in_unit;
use crate::domain::metric::{Merged, MetricRow, Part, Scrape};
use crate::domain::text::clean;
use crate::domain::{MetricsSpec, Move, RollbackClass, Side};
use crate::engine::snapshot::SCHEMA_VERSION;
use crate::http::{Ask, Client, FetchError, Target, fetch, redirect_note};
use crate::probe::version;
use crate::runtime::connect;

/// The most bytes read of an answer.
const MAX_REPLY: usize = 64 * 1024;
/// The time limit for a system that a gate asks.
const OTHERS: Duration = Duration::from_secs(3);

/// The name of the traffic system in the output.
const ROUTER: &str = "router";

/// The result of one check.
struct Row {
    what: String,
    target: String,
    result: Result<String, String>,
    /// Whether a failure means unreachable (9) instead of a fault of this machine (1).
    is_remote: bool,
}

impl Row {
    fn local(what: &str, target: &Path, result: Result<String, String>) -> Self {
        Self { what: what.into(), target: target.display().to_string(), result, is_remote: false }
    }

    fn remote(what: String, target: &str, result: Result<String, String>) -> Self {
        Self { what, target: hide_password(target), result, is_remote: true }
    }
}

/// Validates the config and tries every connection.
pub(crate) async fn run(context: &mut Context) -> Result<Exit, Failure> {
    let config = load(context)?;
    let file = &config.file;
    let mut rows = vec![Row::local("config", file, Ok("valid".into()))];
    let client = Client::new(&config.service.probe.transport).map_err(Failure::error)?;
    rows.extend(console_files(&config, context));
    rows.extend(replicas(&config, &client).await);
    rows.extend(front(&config).await);
    rows.extend(metrics(&config).await);
    rows.extend(streams(&config).await);
    let (router, way_back, notes) = read_router(&config).await;
    rows.push(Row::remote(ROUTER.into(), "", router));
    rows.extend(way_back.map(|way_back| Row::remote("way back".into(), "", way_back)));
    let state_dir = &config.service.state_dir;
    rows.push(Row::local("state dir", state_dir, writable(state_dir)));
    rows.extend(gate_files(&config).await);
    rows.extend(gate_paths(&config, &client).await);
    rows.extend(others(&config).await);
    print(context, &rows, &notes);
    let failed = rows.iter().filter(|row| row.result.is_err());
    let count = failed.clone().count();
    let exit = match failed.max_by_key(|row| row.is_remote) {
        None => return Ok(Exit::Reached),
        Some(row) if row.is_remote => Exit::Unreachable,
        Some(_) => Exit::Error,
    };
    context.out.failure_text(&Failure::new(exit, format!("{count} of {} checks failed", rows.len())));
    Ok(exit)
}

/// Probes every replica once, one after the other.
async fn replicas(config: &Config, client: &Client) -> Vec<Row> {
    let probe = &config.service.probe;
    let limit = Duration::from_millis(probe.timeout_ms);
    let mut rows = Vec::new();
    for side in Side::BOTH {
        for url in &config.service.sides[side].urls {
            let target = Target::new(url);
            let result = match fetch(client, &target, Ask::get(&probe.path, limit, MAX_REPLY)).await {
                Ok(answer) if answer.is_success() => Ok(format!("{}", answer.status)),
                Ok(answer) => {
                    Err(redirect_note(&answer).unwrap_or_else(|| format!("answered {}, not 2xx", answer.status)))
                }
                Err(error) => Err(error.to_string()),
            };
            rows.push(Row::remote(side.name().into(), &target.url(&probe.path), result));
            let source = &config.service.sides[side].version;
            if let Some(path) = version::path(source) {
                let read = fetch(client, &target, Ask::get(path, limit, MAX_REPLY)).await;
                let result = read.map_err(|error| error.to_string()).and_then(|reply| version::read(source, &reply));
                rows.push(Row::remote(format!("version {side}"), &target.url(path), result.map(|it| it.name)));
            }
        }
    }
    rows
}

/// Asks the users' own address once who answers.
async fn front(config: &Config) -> Option<Row> {
    let spec = config.service.front.as_ref()?;
    let path = version::path(&spec.version).unwrap_or("/");
    let result = crate::probe::ask_front(spec).await.map(|version| format!("answered by {}", version.name));
    Some(Row::remote("front".into(), &Target::new(&spec.url).url(path), result))
}

/// Reads every replica's metrics. A preset's series that no server exports is reported, but is not a failure.
async fn metrics(config: &Config) -> Vec<Row> {
    let Some(spec) = &config.service.metrics else { return Vec::new() };
    let readings = Side::BOTH.into_iter().flat_map(|side| spec.urls[side].iter().map(move |url| (side, url)));
    let mut rows = Vec::new();
    for (side, url) in readings {
        let result = crate::probe::read_twice(spec, url).await.and_then(|scrape| found(spec, &scrape));
        rows.push(Row::remote(format!("metrics {side}"), &Target::new(url).url(&spec.path), result));
    }
    rows
}

/// Asks every replica's streaming endpoint once, one after the other.
async fn streams(config: &Config) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(spec) = &config.service.metrics else { return rows };
    let Some(stream) = &spec.stream else { return rows };
    for (side, url) in
        Side::BOTH.into_iter().flat_map(|side| config.service.sides[side].urls.iter().map(move |url| (side, url)))
    {
        let result = crate::probe::stream_once(stream, &spec.rows, url).await.map(|scrape| figures(spec, &scrape));
        rows.push(Row::remote(format!("stream {side}"), &Target::new(url).url(&stream.path), result));
    }
    rows
}

/// `ttft 85 ms, itl 30 ms, ..`
fn figures(spec: &MetricsSpec, scrape: &Scrape) -> String {
    let asked = spec.rows.iter().zip(&scrape.parts).filter(|(row, _)| row.take.is_stream());
    let shown = |(row, part): (&MetricRow, &Part)| match row.merge(std::iter::once(part)) {
        Merged::Value(value, _) => format!("{} {}", row.name, in_unit(value, row.unit.name())),
        Merged::Missing | Merged::NotYet => format!("{} -", row.name),
    };
    asked.map(shown).collect::<Vec<_>>().join(", ")
}

/// `5 of 7 rows; not found: gpu (nv_gpu_utilization), ..`
fn found(spec: &MetricsSpec, scrape: &Scrape) -> Result<String, String> {
    let asked = spec.rows.iter().zip(&scrape.parts).filter(|(row, _)| row.take.is_scraped());
    let missing = asked.clone().filter(|(_, part)| **part == Part::Missing);
    let names: Vec<String> = missing.map(|(row, _)| format!("{} ({})", row.name, row.take.names())).collect();
    let all = asked.count();
    match names.len() {
        0 => Ok(format!("{all} of {all} rows")),
        n if n == all && spec.traffic.is_none() => Err(format!("none of the rows: {}", names.join(", "))),
        n => Ok(format!("{} of {all} rows; not found: {}", all - n, names.join(", "))),
    }
}

/// Contacts the other systems that gates use, each origin once. Any answer is good: a gate's real request may change
/// something there.
async fn others(config: &Config) -> Vec<Row> {
    let mut asked: Vec<&str> = Vec::new();
    let mut rows = Vec::new();
    for gate in &config.service.gates {
        let asks = config.checks.get(&gate.name).map(|check| check.asks()).unwrap_or_default();
        for (url, transport) in asks {
            let origin = origin(url);
            if asked.contains(&origin) {
                continue;
            }
            asked.push(origin);
            let target = Target::new(origin);
            let result = match Client::new(transport) {
                Ok(client) => match fetch(&client, &target, Ask::get("/", OTHERS, MAX_REPLY)).await {
                    Ok(answer) => Ok(format!("answers ({})", answer.status)),
                    Err(FetchError::TooLong(_)) => Ok("answers".into()),
                    Err(error) => Err(error.to_string()),
                },
                Err(why) => Err(why),
            };
            rows.push(Row::remote(format!("gate {}", gate.name), origin, result));
        }
    }
    rows
}

/// Asks the path of each gate once on both sides. A path that takes other methods only is there all the same: 404 is
/// not. Nothing is inferred.
async fn gate_paths(config: &Config, client: &Client) -> Vec<Row> {
    let limit = Duration::from_millis(config.service.probe.timeout_ms);
    let mut rows = Vec::new();
    for gate in &config.service.gates {
        let Some(path) = config.checks.get(&gate.name).and_then(|check| check.path()) else { continue };
        for (side, url) in
            Side::BOTH.into_iter().filter_map(|side| Some((side, config.service.sides[side].urls.first()?)))
        {
            let target = Target::new(url);
            let result = match fetch(client, &target, Ask::get(path, limit, MAX_REPLY)).await {
                Ok(answer) if answer.status == 404 => Err("answered 404: is the path right?".to_owned()),
                Ok(answer) => Ok(format!("is there ({})", answer.status)),
                Err(FetchError::TooLong(_)) => Ok("is there".into()),
                Err(error) => Err(error.to_string()),
            };
            rows.push(Row::remote(format!("gate {} {side}", gate.name), &target.url(path), result));
        }
    }
    rows
}

/// What the traffic system said: its split, or why it is unknown; whether its way back is there; its notes.
type Read = (Result<String, String>, Option<Result<String, String>>, Vec<String>);

/// Reads the traffic system once.
async fn read_router(config: &Config) -> Read {
    let observer = connect(config).observer();
    match tokio::time::timeout(FIRST_LOOK, observer.observe()).await {
        Ok(Ok(seen)) => {
            let result = match seen.mixed {
                None => Ok(format!("split {}, revision {}", seen.split, seen.revision.0)),
                Some(mixed) => Err(format!("no one split: {mixed}")),
            };
            let way = &seen.rollback;
            let why_not = way.why_not.as_deref().or_else(|| seen.can.refusal(Move::Rollback));
            let way_back = match (way.class, why_not) {
                (RollbackClass::None, None) => Err("the traffic system has no way back".to_owned()),
                (_, Some(why)) => Err(why.to_owned()),
                (_, None) => Ok("the traffic system takes a rollback".to_owned()),
            };
            (result, Some(way_back), seen.notes)
        }
        Ok(Err(error)) => (Err(error.when_reading()), None, Vec::new()),
        Err(_) => (Err(format!("no answer within {} s", FIRST_LOOK.as_secs())), None, Vec::new()),
    }
}

/// Scheme, host and port.
fn origin(url: &str) -> &str {
    let from = url.find("://").map_or(0, |at| at + 3);
    url[from..].find(['/', '?']).map_or(url, |at| &url[..from + at])
}

/// Checks the other files of the console: its keys and its theme.
fn console_files(config: &Config, context: &Context) -> Vec<Row> {
    let told = |failure: Failure| clean(&failure.message, 400);
    let what = |path: &Path| if path.is_file() { "valid" } else { "not there: the standard keys hold" };
    let theme = appearance::plain_view(None, &config.ui, context).map(|_| "valid".into()).map_err(told);
    let file = super::keymap::find(context.keys.as_deref()).map(|found| found.path).unwrap_or_default();
    let keys = super::keymap::load(context).map(|_| what(&file).into()).map_err(told);
    vec![Row::local("keys", &file, keys), Row::local("theme", Path::new(&config.ui.theme), theme)]
}

/// Removes `user:password@`.
fn hide_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{}", &rest[authority.len()..]),
        None => url.to_owned(),
    }
}

/// Whether files can be created in `dir`, or `dir` itself if it does not exist. Leaves nothing behind.
fn writable(dir: &Path) -> Result<String, String> {
    let existing = dir.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("."));
    let note = if existing == dir { "writable" } else { "will be created" };
    let probe = existing.join(format!(".cutover-check-{}", std::process::id()));
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe);
    match made {
        Ok(_) => {
            std::fs::remove_file(&probe).map_err(|error| format!("{}: {error}", probe.display()))?;
            Ok(note.into())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(note.into()),
        Err(error) => Err(format!("{} is not writable: {error}", existing.display())),
    }
}

async fn gate_files(config: &Config) -> Vec<Row> {
    let mut rows = Vec::new();
    for gate in &config.service.gates {
        let Some(check) = config.checks.get(&gate.name) else { continue };
        let Some(file) = check.file() else { continue };
        let result = check.survey().await;
        rows.push(Row::local(&format!("gate {}", gate.name), file, result));
    }
    rows
}

/// Prints one line per check. `notes` come from the traffic system and are not failures, for example a node that is
/// down.
fn print(context: &mut Context, rows: &[Row], notes: &[String]) {
    if context.out.is_json() {
        let checks: Vec<_> = rows
            .iter()
            .map(|row| {
                let (Ok(detail) | Err(detail)) = &row.result;
                json!({"what": row.what, "target": row.target, "ok": row.result.is_ok(), "detail": clean(detail, 400)})
            })
            .collect();
        context
            .out
            .json(&json!({"schema_version": SCHEMA_VERSION, "command": "check", "checks": checks, "notes": notes}));
        return;
    }
    let widest = rows.iter().map(|row| row.what.chars().count()).max().unwrap_or(0);
    for row in rows {
        let (mark, detail) = match &row.result {
            Ok(detail) => ("ok  ", detail),
            Err(detail) => ("FAIL", detail),
        };
        let line = format!("{mark} {:<widest$}  {}  {}", row.what, clean(&row.target, 200), clean(detail, 400));
        context.out.line(&line);
        if row.what == ROUTER {
            for note in notes {
                context.out.line(&format!("note {ROUTER:<widest$}    {}", clean(note, 400)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_printed() {
        assert_eq!(hide_password("http://u:secret@h:1/x@y"), "http://***@h:1/x@y");
        assert_eq!(hide_password("http://h:1/x@y"), "http://h:1/x@y");
    }

    #[test]
    fn a_directory_that_cannot_be_is_told() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(writable(dir.path()), Ok("writable".into()));
        assert_eq!(writable(&dir.path().join("a/b")), Ok("will be created".into()));
        assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none(), "nothing is left behind");
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(writable(&dir.path().join("file/x")).is_err());
    }
}
