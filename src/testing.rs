//! What tests and benches may use of the inside, under the paths it has inside. The program itself uses nothing of this.

/// Figures and values that only tests ask for.
mod asked {
    use std::path::Path;

    use crate::demo::load::LoadReport;
    use crate::demo::scenario::Scenario;
    use crate::domain::Record;
    use crate::gate::{CaseFields, Compare, GoldenForm, GoldenLimits, GoldenSpec};
    use crate::journal::{Appended, Journal, JournalError, Opened};

    impl GoldenSpec {
        /// A set whose requests are sent as they stand, with one limit: the least share of right answers, 0 to 1.
        pub fn accuracy(cases: &Path, path: &str, answer: &str, min_accuracy: f64) -> Self {
            Self {
                cases: cases.to_owned(),
                fields: CaseFields::default(),
                path: path.to_owned(),
                form: GoldenForm::Json { template: None },
                answer: answer.to_owned(),
                compare: Compare::Exact,
                tolerance: 0.0,
                limits: GoldenLimits { min_accuracy: Some(min_accuracy), ..GoldenLimits::default() },
                concurrency: 4,
                min_cases: 50,
                skips_broken: false,
                headers: Vec::new(),
                timeout_ms: 10_000,
            }
        }
    }

    impl Journal {
        /// Opens the journal in `dir`, creates both if missing, and reads all of it.
        ///
        /// A directory or file that cannot be written is no error: [`Opened::unwritable`] says why, and appends
        /// fail until it can. An error means that an existing journal cannot be *read*.
        pub fn open(dir: &Path) -> Result<(Self, Opened), JournalError> {
            let mut records = Vec::new();
            let (journal, mut opened) = Self::open_each(dir, &mut |record| records.push(record))?;
            opened.records = records;
            Ok((journal, opened))
        }

        /// Writes `record` as the next line. When this returns, it is on disk.
        ///
        /// On an error nothing of it is in the file, with one exception: where the sync failed and the file
        /// could not be shortened either, the line may be there. What others wrote meanwhile is kept for the
        /// next append or poll.
        pub fn append(&mut self, record: &Record) -> Result<Appended, JournalError> {
            self.append_all(std::slice::from_ref(record))
        }
    }

    impl Scenario {
        /// The exit code of a run without a terminal that ends as it should.
        pub const fn expected_exit(self) -> u8 {
            match self {
                Self::Good => 0,
                Self::WrongGreen | Self::SluggishGreen | Self::FragileGreen | Self::NarrowGreen => 3,
                // All traffic has moved, but the rollback window that was asked for could not be kept.
                Self::DeadBlue => 4,
                Self::SlowGreen | Self::FlakyGreen | Self::WorseGreen | Self::DeadGreen => 5,
            }
        }
    }

    impl LoadReport {
        /// Requests that were sent and not answered as they should be: broken, timed out, failed.
        pub const fn lost(&self) -> u64 {
            self.failed + self.broken + self.timed_out
        }
    }
}

/// The engine of the load gate.
pub mod load {
    pub use crate::gate::load::{Job, Prepared, Profile, Running, Tally, Tick, start};
}

/// The parsers of bytes that others send.
pub mod parsers {
    use crate::gate::load::Response;
    use crate::probe::metrics::text;
    use crate::probe::stream::sse::Sse;

    /// What was read of an HTTP response.
    #[derive(Debug, PartialEq, Eq)]
    pub struct HttpResponse {
        /// Its status.
        pub status: u16,
        /// Whether the connection can carry another request.
        pub keep: bool,
        /// Bytes after its end.
        pub left_over: usize,
    }

    /// Reads a response that comes in `pieces`, after which the connection closes; `bare` is one to a HEAD request.
    pub fn http_response(pieces: &[&[u8]], bare: bool) -> Result<HttpResponse, String> {
        let (mut response, mut held) = (Response::new(bare), Vec::new());
        for piece in pieces {
            held.extend_from_slice(piece);
            let used = response.take(&held).map_err(String::from)?;
            held.drain(..used);
        }
        if !response.is_done() {
            response.closed(held.len()).map_err(String::from)?;
        }
        Ok(HttpResponse { status: response.status, keep: response.keep, left_over: held.len() })
    }

    /// The names of the answers in a DNS message.
    #[cfg(feature = "dns")]
    pub fn dns_message(bytes: &[u8]) -> Result<Vec<String>, String> {
        crate::backend::dns::message::names(bytes)
    }

    /// The samples of an export: name and labels' values.
    pub fn metrics_text(body: &[u8]) -> Result<Vec<(String, Vec<String>)>, String> {
        let mut samples = Vec::new();
        text::read(body, |sample| {
            let values = sample.labels.into_iter().map(|(_, value)| value.into_owned()).collect();
            samples.push((sample.name.into_owned(), values));
        })?;
        Ok(samples)
    }

    /// The events of a stream that comes in `pieces`, with what its end leaves; `None` for one that is too long.
    pub fn server_sent_events(pieces: &[&[u8]]) -> Option<Vec<(String, String)>> {
        let (mut parser, mut events) = (Sse::default(), Vec::new());
        for piece in pieces {
            parser.push(piece, &mut events).ok()?;
        }
        events.extend(parser.rest());
        Some(events.into_iter().map(|event| (event.kind, event.data)).collect())
    }
}

pub mod alert {
    pub use crate::alert::{Ended, Places};
}
pub mod backend {
    pub use crate::backend::{
        Accepted, Applying, Backend, BackendError, BackendFuture, Capabilities, Driver, Observer, Preview, Spec,
        TrafficBackend, Weights, sequenced,
    };
    pub mod caddy {
        pub use crate::backend::Address;
        pub use crate::backend::caddy::{CaddySpec, HandlerAt};
    }
    #[cfg(feature = "dns")]
    pub mod dns {
        pub use crate::backend::dns::DnsSpec;
    }
    pub mod embedded {
        pub use crate::backend::embedded::{AdminAddress, Embedded, EmbeddedSpec};
    }
    pub mod envoy {
        pub use crate::backend::Address;
        pub use crate::backend::envoy::{EnvoySpec, EnvoyWay};
    }
    pub mod haproxy {
        pub use crate::backend::Address;
        pub use crate::backend::haproxy::{HaproxySpec, MapEntry, Method, Save};
    }
    pub mod hook {
        pub use crate::backend::hook::HookSpec;
    }
    pub mod kinds {
        pub use crate::backend::kinds::names;
    }
    pub mod setup {
        pub use crate::backend::setup::{HEADINGS, pages};
    }
    pub mod traefik {
        #[cfg(feature = "traefik-redis")]
        pub use crate::backend::traefik::RedisSpec;
        pub use crate::backend::traefik::{TraefikSpec, TraefikWay};
    }
}
pub mod cli {
    pub mod args {
        pub use crate::cli::args::definition;
    }
    pub mod backends {
        use std::fmt::Write as _;

        pub use crate::cli::backends::abilities;
        use crate::cli::backends::{Ability, applied, shares};
        use crate::domain::Capabilities;

        /// The table of all kinds, as the README shows it.
        ///
        /// # Errors
        /// The faults of a page's config.
        pub fn markdown() -> Result<String, String> {
            let mut out = String::from(
                "| `[backend] kind` | shares | a change is | survives its restart | a stale order is refused |\n|---|---|---|---|---|\n",
            );
            for Ability { kind, way, can } in abilities()? {
                let name = if way.is_empty() { format!("`{kind}`") } else { format!("`{kind}`: {way}") };
                let cells = [
                    name,
                    shares(&can.weights),
                    applied(can.applying).into(),
                    if can.survives_restart { "yes" } else { "no" }.into(),
                    stale(&can).into(),
                ];
                let _ = writeln!(out, "| {} |", cells.join(" | "));
            }
            Ok(out)
        }

        const fn stale(can: &Capabilities) -> &'static str {
            if can.compare_and_set { "by the system itself" } else { "by a look just before it is sent" }
        }
    }
    pub mod exit {
        pub use crate::cli::exit::{ONCE, TABLE};
    }
}
pub mod config {
    pub use crate::config::{
        AdminAddress, Answers, Config, ConfigError, KeyDefault, Secret, load, load_to_go_back, parse, reference,
        reference_markdown, template,
    };
    pub mod presets {
        pub use crate::config::metrics::preset;
        pub use crate::config::presets::PRESETS;
    }
}
pub mod demo {
    pub mod accelerator {
        pub use crate::demo::accelerator::{Accelerator, Pace};
    }
    pub mod behaviour {
        pub use crate::demo::behaviour::{Behaviour, Mode};
    }
    pub mod child {
        pub use crate::demo::child::{Pipes, Report, run_load, run_model_server};
    }
    pub mod data {
        pub use crate::demo::data::{Case, GOLDEN, SMOKE, golden_cases, write_to};
    }
    pub mod linear {
        pub use crate::demo::linear::figures;
    }
    pub mod load {
        pub use crate::demo::load::{DEFAULT_RPS, Load, LoadReport};
    }
    pub mod model {
        pub use crate::demo::model::{Image, Model, transposed};
    }
    pub mod scenario {
        pub use crate::demo::scenario::Scenario;
    }
    pub mod server {
        pub use crate::demo::server::{MAX_BODY, Server, serve};
    }
    pub mod settings {
        pub use crate::demo::settings::{Addresses, CONFIG_FILE, demo_config};
    }
}
pub mod dialogue {
    pub use crate::dialogue::{target, version_word};
}
pub mod domain {
    pub use crate::domain::{
        Accepted, Actor, Alert, AlertForm, AlertKind, AlertSpec, AlertUrl, AlertWay, BackendError, Bound, Breach, Call,
        Can, Capabilities, Cause, Closing, Comparison, Controller, ControllerState, Digest, Evidence, Expect, Fact,
        FrontSpec, GateSpec, Goal, GuardAction, GuardSpec, HeaderValue, LoadPoint, LoadRun, LogFeed, LogLevel, LogLine,
        LogSource, Metric, MetricsSpec, Move, Observation, OnDisconnect, OnFailure, Order, OrderFault, OrderId,
        OrderState, Pace, Pair, Plan, Point, ProbeSpec, Reached, Record, Revision, Role, RollbackClass, RouterStatus,
        Sample, SampledRequest, Scalar, SecretRef, Service, Severity, Side, SideSample, SideSeen, SideSpec, Split,
        Stamp, Step, Target, TrafficCounters, Transport, Verdict, Version, VersionSource, WayBack,
    };
    pub mod call {
        pub use crate::domain::call::HeaderValue;
    }
    pub mod observation {
        pub use crate::domain::observation::Replicas;
    }
    pub mod guard {
        pub use crate::domain::guard::IN_FLIGHT;
    }
    pub mod json_line {
        pub use crate::domain::json_line::log_line;
    }
    pub mod load {
        pub use crate::domain::load::{LimitedBy, Saturation, Selector};
    }
    pub mod masked {
        pub use crate::domain::masked::serialize;
    }
    pub mod metric {
        pub use crate::domain::metric::{
            Fed, Merge, Merged, MetricRow, MetricsSpec, Part, Scrape, Series, StreamSpec, Take, Unit, stream_rows,
        };
    }
    pub mod sequential {
        pub use crate::domain::sequential::{ErrorRatio, quantile_excess};
    }
    pub mod text {
        pub use crate::domain::text::clean;
    }
    pub mod transport {
        pub use crate::domain::transport::{Identity, Proxy, Transport};
    }
}
pub mod engine {
    pub use crate::engine::{
        Access, Command, Driver, Effect, Event, Phase, Refusal, RefusalKind, Reply, Request, Snapshot, State, Status,
        WriteRule,
    };
    pub mod detail {
        pub use crate::engine::detail::{Detail, GateLoad, GatePoint, GateTrail, ReplicaStatus};
    }
    pub mod snapshot {
        pub use crate::engine::snapshot::{
            Blocked, DriverStatus, EventLine, Fault, FaultKind, GateState, GateStatus, GuardState, GuardStatus,
            History, Latency, MetricStatus, OrderStatus, RollbackStatus, SideStatus, Source, SplitStatus, Status, Step,
        };
    }
}
pub mod gate {
    pub use crate::gate::{
        CaseFields, Check, Checks, Compare, Exec, GateProgress, GoldenForm, GoldenLimits, GoldenSpec, Health, Http,
        Integration, Load, LoadLimits, Prometheus, RunContext, Smoke, SmokeSource, Stage, Subject, Target, run,
    };
    pub mod kinds {
        pub use crate::gate::kinds::KINDS;
    }
}
pub mod gateway {
    pub use crate::gateway::{Admin, Gateway, GatewayError, Settings};
}
pub mod http {
    pub use crate::http::{Ask, Client, FetchError, Target, fetch};
}
pub mod journal {
    pub use crate::journal::{
        FILE_NAME, Holder, Journal, Lease, LeaseState, MAX_LINE, Problem, ROTATE_AT, SERIES_NAME, SeriesFile, Standing,
        log_file, log_path, read, verify, verify_expecting,
    };
}
pub mod logs {
    pub use crate::logs::Followers;
}
pub mod manual {
    pub use crate::manual::topics;
    pub mod markdown {
        pub use crate::manual::markdown::plain;
    }
}
pub mod narrate {
    pub use crate::narrate::short;
}
pub mod probe {
    pub use crate::probe::{
        ProbeEvent, ProbeOutcome, ReplicaPollers, read_twice, start, start_metrics, start_streams, stream_once,
    };
}
pub mod record {
    pub use crate::record::{Entry, Player, Recorder, Recording, read};
}
pub mod runtime {
    pub use crate::runtime::{Core, Systems, connect};
    pub mod console {
        pub use crate::runtime::console::{ConsoleOptions, ConsoleTerminal, Exit, Inputs, run};
    }
}
pub mod terminal {
    pub use crate::terminal::{
        Code, Depth, DrawOutcome, Guard, Input, Key, Modes, Notices, Options, Screen, ScreenOptions, Session, Signal,
        Signals,
    };
    pub mod crash {
        pub use crate::terminal::crash::{install, last_event, note};
    }
    pub mod guard {
        pub use crate::terminal::guard::Step;
    }
    pub mod input {
        pub use crate::terminal::input::Filters;
        pub mod framing {
            pub use crate::terminal::input::framing::{Framer, PASTE_MAX};
        }
    }
    pub mod screen {
        pub use crate::terminal::screen::{DrawOutcome, Notices, Screen, ScreenOptions};
    }
}
pub mod ui {
    pub use crate::ui::{Action, Code, Depth, Glyphs, Input, Key, Keymap, Options, Theme, View, draw};
    pub mod actions {
        pub use crate::ui::actions::{Act, Danger, Row, parse, table};
    }
    pub mod input {
        pub use crate::ui::input::{Code, Key};
    }
    pub mod keymap {
        pub mod spelling {
            pub use crate::ui::keymap::spelling::spell;
        }
    }
    pub mod theme {
        pub use crate::ui::theme::TABLE;
    }
    pub mod view {
        pub mod log {
            pub use crate::ui::view::log::LogPane;
        }
    }
}
