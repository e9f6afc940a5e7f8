//! A real BIND and a real PowerDNS, each in a directory of its own on ports of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::local;

/// The secret of the key that may update, in base64.
pub const SECRET: &str = "cmlnaHQtdG9rZW4tZm9yLXRlc3RzLTAxMjM0NTY3ODk=";
/// A key of the same name that may not.
pub const WRONG_SECRET: &str = "d3JvbmctdG9rZW4tZm9yLXRlc3RzLTAxMjM0NTY3ODk=";
pub const API_KEY: &str = "right-token-for-tests";

/// A program on this machine, also where only root's PATH has it.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    dirs.map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// A port that was free a moment ago, for TCP and UDP.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A server process that ends with its owner.
pub struct Process(Option<Child>);

impl Process {
    /// Starts `command` and waits until `port` is open; `None` when it ended before, as it does when the port is taken.
    fn start(mut command: Command, log: &Path, port: u16) -> Option<Self> {
        let file = std::fs::File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let mut process = Self(Some(command.spawn().unwrap()));
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if listens(port) {
                return Some(process);
            }
            if process.0.as_mut().unwrap().try_wait().unwrap().is_some() {
                return None;
            }
            local::pause();
        }
        panic!("it does not start: {}", std::fs::read_to_string(log).unwrap_or_default());
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A BIND with the zone `ml.test`, which holds `record` for `api.ml.test`.
pub struct Bind {
    pub dir: tempfile::TempDir,
    pub port: u16,
    process: Option<Process>,
}

impl Bind {
    /// `records` are lines of the zone file.
    pub fn start(records: &str) -> Self {
        let mut dir = tempfile::tempdir().unwrap();
        let zone = format!(
            "$TTL 60\n@ IN SOA ns.ml.test. admin.ml.test. 1 3600 600 86400 60\n@ IN NS ns.ml.test.\n\
             ns IN A 127.0.0.1\n{records}\n"
        );
        std::fs::write(dir.path().join("zone.db"), zone).unwrap();
        for _ in 0..5 {
            let mut server = Self { dir, port: free_port(), process: None };
            if server.run() {
                return server;
            }
            dir = server.dir;
        }
        panic!(
            "no port is free, or named does not start: {}",
            std::fs::read_to_string(dir.path().join("log")).unwrap()
        );
    }

    /// Starts it with the zone as it is on disk, journal included.
    pub fn run(&mut self) -> bool {
        let at = self.dir.path().display();
        let conf = format!(
            "options {{ directory \"{at}\"; listen-on port {} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no;\n\
             pid-file none; session-keyfile none; managed-keys-directory \"{at}\"; dnssec-validation no;\n\
             allow-transfer {{ none; }}; notify no; }};\n\
             controls {{ }};\n\
             key \"cutover\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
             zone \"ml.test\" {{ type primary; file \"{at}/zone.db\";\n\
             update-policy {{ grant cutover name api.ml.test A AAAA CNAME SRV; }}; }};\n",
            self.port
        );
        std::fs::write(self.dir.path().join("named.conf"), conf).unwrap();
        let mut command = Command::new(find("named").unwrap());
        command.args(["-g", "-n", "1", "-c"]).arg(self.dir.path().join("named.conf"));
        self.process = Process::start(command, &self.dir.path().join("log"), self.port);
        self.process.is_some()
    }

    pub fn stop(&mut self) {
        self.process = None;
    }

    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }
}

/// A PowerDNS with the zone `ml.test`.
pub struct PowerDns {
    pub dir: tempfile::TempDir,
    pub dns: u16,
    pub api: u16,
    process: Option<Process>,
}

const SCHEMAS: [&str; 2] = [
    "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql",
    "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql",
];

/// What this machine lacks to run PowerDNS.
pub fn powerdns_lacks() -> Option<String> {
    let missing = ["pdns_server", "pdnsutil", "sqlite3"].into_iter().find(|name| find(name).is_none());
    let no_schema = || (!SCHEMAS.iter().any(|path| Path::new(path).is_file())).then_some("the schema for SQLite");
    missing.or_else(no_schema).map(|what| format!("{what} is not there"))
}

impl PowerDns {
    /// `content` is the LUA record of `api.ml.test`.
    pub fn start(content: &str, lua: bool) -> Self {
        let mut dir = tempfile::tempdir().unwrap();
        let schema = SCHEMAS.iter().find(|path| Path::new(path).is_file()).unwrap();
        let database = dir.path().join("pdns.sqlite3");
        let made = Command::new("sqlite3").arg(&database).arg(format!(".read {schema}")).status().unwrap();
        assert!(made.success());
        for _ in 0..5 {
            let mut server = Self { dir, dns: free_port(), api: free_port(), process: None };
            server.configure(lua);
            server.util(&["create-zone", "ml.test", "ns.ml.test"]);
            server.util(&["replace-rrset", "ml.test", "api", "LUA", "30", content]);
            if server.run() {
                return server;
            }
            dir = server.dir;
            let _ = Command::new("sqlite3").arg(&database).arg("delete from records; delete from domains;").status();
        }
        panic!(
            "no port is free, or pdns_server does not start: {}",
            std::fs::read_to_string(dir.path().join("log")).unwrap()
        );
    }

    fn configure(&self, lua: bool) {
        let at = self.dir.path().display();
        let conf = format!(
            "launch=gsqlite3\ngsqlite3-database={at}/pdns.sqlite3\nlocal-address=127.0.0.1\nlocal-port={}\n\
             socket-dir={at}\nwebserver=yes\nwebserver-address=127.0.0.1\nwebserver-port={}\napi=yes\napi-key={API_KEY}\n\
             enable-lua-records={}\ndaemon=no\nguardian=no\nsecurity-poll-suffix=\nquery-cache-ttl=0\nconsistent-backends=yes\n",
            self.dns,
            self.api,
            if lua { "yes" } else { "no" },
        );
        std::fs::write(self.dir.path().join("pdns.conf"), conf).unwrap();
    }

    fn util(&self, arguments: &[&str]) {
        let mut command = Command::new(find("pdnsutil").unwrap());
        let made = command.arg(format!("--config-dir={}", self.dir.path().display())).args(arguments).output().unwrap();
        assert!(made.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&made.stderr));
    }

    pub fn run(&mut self) -> bool {
        let mut command = Command::new(find("pdns_server").unwrap());
        command.arg(format!("--config-dir={}", self.dir.path().display()));
        self.process = Process::start(command, &self.dir.path().join("log"), self.api);
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.process.is_some() && !listens(self.dns) {
            assert!(Instant::now() < deadline, "it does not answer");
            local::pause();
        }
        self.process.is_some()
    }

    pub fn stop(&mut self) {
        self.process = None;
    }
}

/// A whole config around a `[backend]`.
pub fn config(
    backend: &str,
    dir: &Path,
) -> Result<cutover::testing::config::Config, cutover::testing::config::ConfigError> {
    let named = "[backend]\nkind = \"dns\"\nname = \"api.ml.test\"\nzone = \"ml.test\"\n";
    local::read_config(&format!("{named}{backend}"), dir)
}
