//! Reads the sections around a rollout: the service, its sides, probes, the traffic system, the plan.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{GatewaySpec, keys};
use crate::backend::Weights;
use crate::domain::{FrontSpec, OnDisconnect, OnFailure, Pair, Plan, ProbeSpec, Side, SideSpec, VersionSource};
use crate::settings::{self, AdminAddress, BaseUrl, Node, TRANSPORT, Table, quote, transport, values};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The most replicas of one side. More come from a faulty generator, not from a real fleet.
const MAX_REPLICAS: usize = 10_000;

/// Name and environment.
pub(super) fn service(root: &Table<'_>) -> (String, String) {
    let Some(table) = root.need("service", "write [service] with a name").and_then(|node| node.table()) else {
        return Default::default();
    };
    let table = table.keys_of(&[&keys::SERVICE]);
    let name = table.need("name", "write e.g. name = \"fraud-scorer\"").and_then(|node| values::name(&node, 64));
    let environment = table.get("environment").and_then(|node| match node.text()? {
        "" => Some(String::new()),
        _ => values::name(&node, 32),
    });
    (name.unwrap_or_default(), environment.unwrap_or_default())
}

/// An accepted URL and its place in the file.
pub(super) struct Replica<'a> {
    node: Node<'a>,
    url: BaseUrl,
}

/// Both sides, and their URLs for the rules across sections.
pub(super) fn sides<'a>(root: &Table<'a>) -> (Pair<SideSpec>, Vec<Replica<'a>>) {
    let mut replicas: Vec<Replica<'a>> = Vec::new();
    let sides = Pair::from_fn(|side| {
        let remedy = format!("write [{side}] with urls = [\"http://10.0.0.11:8080\"]");
        let Some(table) = root.need(side.name(), &remedy).and_then(|node| node.table()) else {
            return SideSpec::default();
        };
        let table = table.keys_of(&[&keys::SIDE]);
        let found = urls(&table);
        let urls = found.iter().map(|replica| replica.url.to_string()).collect();
        replicas.extend(found);
        SideSpec { urls, version: table.get("version").and_then(|node| version(&node)).unwrap_or_default() }
    });
    refuse_twins(&replicas);
    (sides, replicas)
}

fn urls<'a>(table: &Table<'a>) -> Vec<Replica<'a>> {
    let example = "write e.g. urls = [\"http://10.0.0.11:8080\"]";
    let Some(node) = table.need("urls", example) else { return Vec::new() };
    let Some(items) = node.list(example) else { return Vec::new() };
    if items.is_empty() {
        node.fault("a side needs at least one URL".into(), example);
    }
    if items.len() > MAX_REPLICAS {
        node.fault(format!("{} URLs are too many", items.len()), format!("list at most {MAX_REPLICAS}"));
        return Vec::new();
    }
    let read = |node: Node<'a>| Some(Replica { url: values::base_url(&node)?, node });
    items.into_iter().filter_map(read).collect()
}

/// Refuses a URL that is used for two replicas or for both sides.
fn refuse_twins(replicas: &[Replica<'_>]) {
    let mut seen: std::collections::HashMap<String, &Node<'_>> = std::collections::HashMap::new();
    for Replica { node, url } in replicas {
        let text = url.to_string();
        if let Some(first) = seen.get(&text) {
            let line = node.report.line(first.at);
            let remedy = if first.label == node.label {
                "remove one of the two"
            } else {
                "give each side a URL of its own: one that reaches both cannot be told apart"
            };
            node.fault(format!("{} stands in {} on line {line} already", quote(&text), first.label), remedy);
        } else {
            seen.insert(text, node);
        }
    }
}

fn version(node: &Node<'_>) -> Option<VersionSource> {
    if node.is_text() {
        let text = node.text()?.trim();
        if text.is_empty() || text.chars().count() > 40 {
            return node.refuse("a version has 1 to 40 characters".into(), "write e.g. \"v41\", or remove the key");
        }
        return Some(VersionSource::Fixed(text.to_owned()));
    }
    let remedy = "write \"v41\", or { path = \"/v2/models/spam\", pointer = \"/versions/0\" }, or { path = \"/\", header = \"x-version\" }";
    let table = node.table()?.keys_of(&[&keys::VERSION]);
    let path = table.need("path", remedy).and_then(|node| values::http_path(&node));
    match (table.get("pointer"), table.get("header")) {
        (Some(at), None) => {
            let pointer = values::pointer(&at);
            Some(VersionSource::Pointer { path: path?, pointer: pointer? })
        }
        (None, Some(name)) => {
            let header = values::header(&name);
            Some(VersionSource::Header { path: path?, header: header? })
        }
        _ => node.refuse("must name either pointer or header".into(), remedy),
    }
}

/// The users' own address, where it is asked.
pub(super) fn front(root: &Table<'_>) -> Option<FrontSpec> {
    let table = root.get("front")?.table()?.keys_of(&[&keys::FRONT, &TRANSPORT]);
    let url = table.need("url", "write the address that users have: url = \"https://scores.example.com\"");
    let url = url.and_then(|node| values::base_url(&node)).map(|url| url.to_string());
    let example = "write e.g. version = { path = \"/\", header = \"x-model-version\" }";
    let version = table.need("version", example).and_then(|node| match version(&node)? {
        VersionSource::Fixed(_) => node.refuse("a fixed name does not say who answers".into(), example),
        source => Some(source),
    });
    let host = table.maybe("host", |node| {
        let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-.:".contains(&b);
        node.word(200, is_host, "is not a host name", "write e.g. host = \"scores.example.com\"")
    });
    let transport = transport(&table);
    Some(FrontSpec { url: url?, host: host?, version: version?, transport })
}

/// How replicas are polled, and after how many milliseconds data is stale.
pub(super) fn probe(root: &Table<'_>) -> (ProbeSpec, u64) {
    let standard = ProbeSpec::default();
    let Some(table) = root.get("probe").and_then(|node| node.table()) else { return (standard, 5 * SECOND) };
    let table = table.keys_of(&[&keys::PROBE, &TRANSPORT]);
    let interval_ms = table.duration("interval", 100..=HOUR, standard.interval_ms);
    let timeout_ms = table.duration("timeout", 1..=10 * MINUTE, standard.timeout_ms);
    if let Some(node) = table.get("timeout").filter(|_| timeout_ms > interval_ms.saturating_mul(10)) {
        node.fault(
            "is more than ten intervals: most probes would be left out".into(),
            "raise interval, or lower timeout",
        );
    }
    let path = table.get("path").and_then(|node| values::http_path(&node)).unwrap_or(standard.path);
    let usual = (3 * interval_ms + timeout_ms).max(5 * SECOND);
    let stale_ms = table.duration("stale_after", SECOND..=DAY, usual);
    if let Some(node) = table.get("stale_after").filter(|_| stale_ms < interval_ms + timeout_ms) {
        node.fault(
            "is shorter than one interval and a timeout: data would always be stale".into(),
            "raise it, or poll more often",
        );
    }
    (ProbeSpec { interval_ms, timeout_ms, path, transport: transport(&table) }, stale_ms)
}

/// The directory for journal, lease and logs; `None` if it has a fault.
pub(super) fn state_dir(root: &Table<'_>, base: Option<PathBuf>, name: &str, environment: &str) -> Option<PathBuf> {
    if let Some(node) = root.get("state") {
        let table = node.table()?.keys_of(&[&keys::STATE]);
        if let Some(dir) = table.get("dir") {
            let dir_path = values::path(&dir)?;
            if dir_path.is_file() && !root.is_for_rollback() {
                return dir.refuse("is a file, not a directory".into(), "name a directory");
            }
            return Some(dir_path);
        }
    }
    let leaf = if environment.is_empty() { name.to_owned() } else { format!("{name}-{environment}") };
    if base.is_none() {
        root.fault(
            "no state directory is known: neither XDG_STATE_HOME nor HOME is set".into(),
            "write [state] with a dir",
        );
    }
    Some(base?.join(leaf))
}

/// The embedded proxy, if this file describes one.
pub(super) fn gateway(
    root: &Table<'_>,
    state_dir: &Path,
    ready_path: &str,
    replicas: &[Replica<'_>],
) -> Option<GatewaySpec> {
    let header = root.get("gateway")?;
    let table = header.table()?.keys_of(&[&keys::GATEWAY]);
    refuse_https(replicas);
    let listen_node = table.need("listen", "write e.g. listen = \"127.0.0.1:8080\"");
    let listen = listen_node.as_ref().and_then(values::address);
    let own = settings::admin(&table);
    let admin = if table.get("admin").is_some() {
        own
    } else {
        values::socket(&header, state_dir.join("gateway.sock")).map(AdminAddress::Unix)
    };
    let state = table.or("state", state_dir.join("gateway.json"), values::path);
    let sample = table.flag("sample", false);
    let (listen, admin, state) = (listen?, admin?, state?);
    refuse_loops(&listen_node?, listen, replicas);
    if let AdminAddress::Tcp { addr, .. } = &admin
        && addr.port() == listen.port()
        && (addr.ip() == listen.ip() || listen.ip().is_unspecified())
    {
        table.fault("admin and listen are the same address".into(), "give admin a port of its own");
    }
    Some(GatewaySpec { listen, admin, state, ready_path: ready_path.to_owned(), sample })
}

/// Refuses https replicas behind the gateway: it has no TLS, so no request would succeed.
fn refuse_https(replicas: &[Replica<'_>]) {
    for Replica { node, url } in replicas.iter().filter(|replica| replica.url.is_https()) {
        node.fault(
            format!("{} is https, and [gateway] speaks http to its replicas", quote(&url.to_string())),
            "name a port that speaks http: the model server's, or that of a proxy in front of it",
        );
    }
}

/// Refuses a gateway that is its own replica: every request would go in circles.
fn refuse_loops(listen_node: &Node<'_>, listen: SocketAddr, replicas: &[Replica<'_>]) {
    for Replica { node, url } in replicas {
        if url.reaches(listen) {
            let line = node.report.line(listen_node.at);
            node.fault(
                format!("{} is the gateway's own listen address on line {line}: a loop", quote(&url.to_string())),
                "name the port of the model server",
            );
        }
    }
}

/// The steps of a rollout, and how they are confirmed.
///
/// `weights` are the shares that the traffic system can set.
pub(super) fn plan(root: &Table<'_>, weights: &Weights) -> Plan {
    let typed_promote = super::prompts::typed_promote(root);
    let standard = Plan { typed_promote, steps: possible(weights, &Plan::default().steps), ..Plan::default() };
    let Some(table) = root.get("plan").and_then(|node| node.table()) else { return standard };
    let table = table.keys_of(&[&keys::PLAN]);
    let choices = [("hold", OnDisconnect::Hold), ("rollback", OnDisconnect::Rollback)];
    let failures = [("pause", OnFailure::Pause), ("abort", OnFailure::Abort), ("rollback", OnFailure::Rollback)];
    Plan {
        steps: table.get("steps").and_then(|node| steps(&node, weights)).unwrap_or(standard.steps),
        bake_ms: table.duration("bake", 0..=7 * DAY, standard.bake_ms),
        data_timeout_ms: table.duration("data_timeout", 0..=7 * DAY, standard.data_timeout_ms),
        rollback_window_ms: table.duration("rollback_window", 0..=90 * DAY, standard.rollback_window_ms),
        on_disconnect: table.choice("on_disconnect", &choices, standard.on_disconnect),
        on_failure: table.choice("on_failure", &failures, standard.on_failure),
        auto: table.flag("auto", standard.auto),
        typed_promote,
    }
}

/// Those of `steps` that can be set.
fn possible(weights: &Weights, steps: &[u8]) -> Vec<u8> {
    steps.iter().copied().filter(|step| weights.has(*step)).collect()
}

fn steps(node: &Node<'_>, weights: &Weights) -> Option<Vec<u8>> {
    let example = "write e.g. [10, 50, 100]";
    let mut steps: Vec<u8> = Vec::new();
    for item in node.list(example)? {
        let step = u8::try_from(item.number(1..=100)?).ok()?;
        if let Some(before) = steps.last().filter(|before| step <= **before) {
            return item.refuse(format!("{step} does not rise above {before}"), example);
        }
        steps.push(step);
    }
    if steps.last() != Some(&100) {
        return node.refuse("the last step is not 100".into(), example);
    }
    if let Some(step) = steps.iter().find(|step| !weights.has(**step)) {
        let fault = match weights {
            Weights::AllOrNothing => format!("this traffic system moves all traffic at once: {step} % is not possible"),
            Weights::Any | Weights::Listed(_) => format!("this traffic system cannot set {step} %"),
        };
        let possible: Vec<String> = possible(weights, &steps).iter().map(ToString::to_string).collect();
        return node.refuse(fault, format!("write steps = [{}]", possible.join(", ")));
    }
    Some(steps)
}

/// The side named by `node`.
pub(super) fn side(node: &Node<'_>) -> Option<Side> {
    node.choice(&Side::BOTH.map(|side| (side.name(), side)))
}
