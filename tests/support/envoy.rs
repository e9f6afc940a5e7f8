//! Real Envoy processes for tests: each in a directory of its own, ended with the test.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cutover::testing::backend::envoy::{Address, EnvoySpec, EnvoyWay};
use cutover::testing::domain::Pair;
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{program, signals};

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// The key that carries the split.
pub const KEY: &str = "routing.traffic_shift.green";
/// The layers of a runtime that takes orders.
pub const LAYERS: &str = "[{name: static, static_layer: {}}, {name: admin, admin_layer: {}}]";

/// What an Envoy is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where the clusters' endpoints are.
    pub sides: Pair<SocketAddr>,
    /// `layered_runtime.layers`.
    pub layers: String,
    /// The default of green's route, as its `default_value` is written.
    pub default: String,
    /// The key of green's route.
    pub key: String,
    /// The only paths of the admin interface, where not all are open.
    pub allowed: Option<Vec<&'static str>>,
    /// The file of its routes, where they are not in its own config.
    pub routes: Option<PathBuf>,
}

impl Setup {
    pub fn new(sides: &Pair<SocketAddr>, green: u8) -> Self {
        Self {
            sides: Pair { blue: sides.blue, green: sides.green },
            layers: LAYERS.into(),
            default: format!("{{numerator: {green}, denominator: HUNDRED}}"),
            key: KEY.into(),
            allowed: None,
            routes: None,
        }
    }

    fn text(&self, dir: &Path) -> String {
        let manager = "envoy.filters.network.http_connection_manager";
        let types = "type.googleapis.com/envoy.extensions.filters";
        let mut text = format!("admin:\n  address: {{ pipe: {{ path: {}/admin.sock }} }}\n", dir.display());
        if let Some(allowed) = &self.allowed {
            let paths: Vec<String> = allowed.iter().map(|path| format!("{{ prefix: \"{path}\" }}")).collect();
            let _ = writeln!(text, "  allow_paths: [ {} ]", paths.join(", "));
        }
        let routes = match &self.routes {
            None => format!(
                "route_config: {{ name: models, virtual_hosts: [ {{ name: model, domains: [\"*\"], routes: [\n\
                 {{ match: {{ prefix: \"/\", runtime_fraction: {{ default_value: {}, runtime_key: {} }} }}, \
                 route: {{ cluster: green, timeout: 0s }} }},\n\
                 {{ match: {{ prefix: \"/\" }}, route: {{ cluster: blue, timeout: 0s }} }} ] }} ] }}",
                self.default, self.key
            ),
            Some(file) => format!(
                "rds: {{ route_config_name: models, config_source: {{ path_config_source: {{ path: {}, \
                 watched_directory: {{ path: {} }} }} }} }}",
                file.display(),
                file.parent().unwrap().display()
            ),
        };
        let _ = write!(
            text,
            "layered_runtime: {{ layers: {} }}\n\
             static_resources:\n  listeners:\n  - name: inference\n    \
             address: {{ socket_address: {{ address: 127.0.0.1, port_value: 0 }} }}\n    \
             filter_chains: [ {{ filters: [ {{ name: {manager}, typed_config: {{\n      \
             \"@type\": {types}.network.http_connection_manager.v3.HttpConnectionManager,\n      \
             stat_prefix: inference, stream_idle_timeout: 0s,\n      \
             http_filters: [ {{ name: envoy.filters.http.router, typed_config: {{ \
             \"@type\": {types}.http.router.v3.Router }} }} ],\n      {routes} }} }} ] }} ]\n  clusters:\n",
            self.layers
        );
        for (side, at) in [("blue", self.sides.blue), ("green", self.sides.green)] {
            let _ = writeln!(
                text,
                "  - {{ name: {side}, type: STATIC, connect_timeout: 1s, load_assignment: {{ cluster_name: {side}, \
                 endpoints: [ {{ lb_endpoints: [ {{ endpoint: {{ address: {{ socket_address: {{ address: {}, \
                 port_value: {} }} }} }} }} ] }} ] }} }}",
                at.ip(),
                at.port()
            );
        }
        text
    }
}

/// What a file of routes is made from.
pub const TEMPLATE: &str = r#"{ "version_info": "{{version}}", "resources": [ {
    "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "name": "models",
    "virtual_hosts": [ { "name": "model", "domains": ["*"], "routes": [ { "match": { "prefix": "/" },
        "route": { "timeout": "0s", "weighted_clusters": { "clusters": [
            { "name": "blue", "weight": "{{blue}}" }, { "name": "green", "weight": "{{green}}" } ] } } } ] } ] } ] }"#;

/// A file of routes in a directory of its own below `dir`, with its template above it.
pub fn routes_in(dir: &Path, green: u8) -> PathBuf {
    std::fs::create_dir_all(dir.join("rds")).unwrap();
    std::fs::write(dir.join("template.json"), TEMPLATE).unwrap();
    let file = dir.join("rds/models.json");
    rename_into(&file, &filled("first", 100 - green, green));
    file
}

/// The template with these values.
pub fn filled(version: &str, blue: u8, green: u8) -> String {
    let text = TEMPLATE.replace("{{version}}", version).replace("{{blue}}", &blue.to_string());
    text.replace("{{green}}", &green.to_string())
}

/// Puts `text` in place as Envoy wants it.
pub fn rename_into(file: &Path, text: &str) {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, text).unwrap();
    std::fs::rename(&fresh, file).unwrap();
}

/// One Envoy.
pub struct Proxy {
    dir: tempfile::TempDir,
    child: Option<Child>,
    pub setup: Setup,
    /// Where clients ask; another port after each start.
    pub listen: SocketAddr,
}

impl Proxy {
    /// Started and live.
    pub fn start(setup: Setup) -> Self {
        // A socket's path must be short, wherever the tests run.
        let dir = tempfile::Builder::new().prefix("envoy").tempdir_in("/tmp").unwrap();
        let mut proxy = Self { dir, child: None, setup, listen: ([127, 0, 0, 1], 0).into() };
        proxy.run();
        proxy
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn socket(&self) -> PathBuf {
        self.dir().join("admin.sock")
    }

    pub fn place(&self) -> Address {
        Address::Unix(self.socket())
    }

    /// This process alone, by its runtime.
    pub fn spec(&self) -> EnvoySpec {
        EnvoySpec {
            admin: vec![self.place()],
            clusters: Pair { blue: "blue".into(), green: "green".into() },
            way: EnvoyWay::Runtime { key: KEY.into() },
        }
    }

    /// This process alone, by the file of its routes.
    pub fn spec_of_routes(&self) -> EnvoySpec {
        let file = self.setup.routes.clone().expect("routes in a file");
        let template = file.parent().unwrap().parent().unwrap().join("template.json");
        EnvoySpec { way: EnvoyWay::Routes { file, template }, ..self.spec() }
    }

    /// Starts the process with its setup as it is now.
    pub fn run(&mut self) {
        drop(std::fs::remove_file(self.socket()));
        let config = self.dir().join("envoy.yaml");
        std::fs::write(&config, self.setup.text(self.dir())).unwrap();
        let log = std::fs::File::create(self.dir().join("log")).unwrap();
        let mut command = Command::new(program::program("envoy").unwrap());
        // Without hot restart several run beside each other on one machine.
        command.arg("-c").arg(&config).args(["--disable-hot-restart", "--concurrency", "1", "-l", "warning"]);
        command.args(["--service-node", "test", "--service-cluster", "test"]);
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let end = Instant::now() + DEADLINE;
        while !self.try_say("GET", "/ready").is_some_and(|text| text.contains("LIVE")) {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap().is_some();
            let log = || std::fs::read_to_string(self.dir().join("log")).unwrap_or_default();
            assert!(!ended && Instant::now() < end, "Envoy does not start: {}", log());
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let listeners = self.say("GET", "/listeners?format=json");
        let port = listeners.split("\"port_value\":").nth(1).expect("a listener");
        let port: String = port.trim_start().chars().take_while(char::is_ascii_digit).collect();
        self.listen.set_port(port.parse().unwrap());
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn signal(&self, signal: Signal) {
        signals::send(Pid::from_child(self.child.as_ref().unwrap()), signal);
    }

    /// What the admin interface answers, head and body.
    pub fn say(&self, method: &str, path: &str) -> String {
        self.try_say(method, path).expect("Envoy answers")
    }

    fn try_say(&self, method: &str, path: &str) -> Option<String> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).ok()?;
        let request = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// Sets the key behind our back.
    pub fn set(&self, value: &str) {
        assert!(self.say("POST", &format!("/runtime_modify?{KEY}={value}")).contains("OK"));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What stands between us and a process; gone when dropped.
pub struct Between(JoinHandle<()>);

impl Drop for Between {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Something else answers where the admin interface was; without an answer it is silent.
pub fn impostor(socket: &Path, answer: Option<String>) -> Between {
    drop(std::fs::remove_file(socket));
    let listener = UnixListener::bind(socket).unwrap();
    Between(tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if let Some(answer) = &answer {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            } else {
                held.push(stream);
            }
        }
    }))
}

/// A relay to `proxy` that gives `answer` to every change and passes none on; an empty one ends the connection.
pub fn swallows_changes(proxy: &Proxy, answer: &'static str) -> (Address, Between) {
    let path = proxy.dir().join("relay.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let real = proxy.socket();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let real = real.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let n = stream.read(&mut request).await.unwrap_or(0);
                if request[..n].starts_with(b"POST") {
                    let _ = stream.write_all(answer.as_bytes()).await;
                } else if let Ok(mut to) = tokio::net::UnixStream::connect(&real).await {
                    let _ = to.write_all(&request[..n]).await;
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut to).await;
                }
            });
        }
    });
    (Address::Unix(path), Between(task))
}

/// A relay to `proxy` that keeps the first change until it is let go, and passes it on then, whoever is still there.
pub struct Holding {
    pub place: Address,
    /// Given when the change is here.
    pub held: Arc<Semaphore>,
    /// Given to let it go on.
    pub go: Arc<Semaphore>,
    _relay: Between,
}

impl Holding {
    pub fn before(proxy: &Proxy) -> Self {
        let path = proxy.dir().join("hold.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let (held, go, real) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)), proxy.socket());
        let (given, taken, is_first) = (Arc::clone(&held), Arc::clone(&go), Arc::new(AtomicBool::new(true)));
        let relay = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (given, taken, is_first) = (Arc::clone(&given), Arc::clone(&taken), Arc::clone(&is_first));
                let real = real.clone();
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let n = stream.read(&mut request).await.unwrap_or(0);
                    if request[..n].starts_with(b"POST") && is_first.swap(false, Ordering::SeqCst) {
                        given.add_permits(1);
                        taken.acquire().await.unwrap().forget();
                    }
                    let mut to = tokio::net::UnixStream::connect(&real).await.unwrap();
                    to.write_all(&request[..n]).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut to).await;
                });
            }
        });
        Self { place: Address::Unix(path), held, go, _relay: Between(relay) }
    }
}

/// A whole answer with `body`.
pub fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
