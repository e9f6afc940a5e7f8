//! A real Caddy in a directory of its own, in front of two servers that say which they are.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cutover::testing::domain::{Side, Split};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use super::local::in_time;
use super::signals;

/// How Caddy is started.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// From what it saved last.
    pub resume: bool,
    /// With an admin interface that asks for this origin.
    pub origin: Option<String>,
    /// On this address instead of a socket.
    pub admin: Option<String>,
}

pub struct Server {
    pub dir: tempfile::TempDir,
    program: PathBuf,
    child: Option<Child>,
    start: Start,
}

impl Server {
    /// A running Caddy with `split` in force; the sides listen on `blue.sock` and `green.sock`.
    pub fn start(program: PathBuf, split: Split) -> Self {
        Self::start_as(program, split, Start::default())
    }

    pub fn start_as(program: PathBuf, split: Split, start: Start) -> Self {
        // A socket's path must be short, wherever the tests run.
        let dir = tempfile::Builder::new().prefix("cdy").tempdir_in("/tmp").unwrap();
        let mut server = Self { dir, program, child: None, start };
        server.write(&server.handler(split));
        server.run();
        server
    }

    /// The handler of the file, with fields that must stay as they are.
    pub fn handler(&self, split: Split) -> Value {
        json!({
            "@id": "rp", "handler": "reverse_proxy", "flush_interval": -1,
            "headers": { "request": { "set": { "X-Proxy": ["caddy <b>"] } } },
            "transport": { "protocol": "http", "dial_timeout": 3_000_000_000_u64 },
            "load_balancing": { "retries": 1, "selection_policy": {
                "policy": "weighted_round_robin", "weights": [split.share(Side::Blue), split.share(Side::Green)] } },
            "upstreams": [{ "dial": self.dial(Side::Blue), "max_requests": 1000 }, { "dial": self.dial(Side::Green) }],
        })
    }

    pub fn dial(&self, side: Side) -> String {
        format!("unix/{}/{side}.sock", self.dir.path().display())
    }

    /// The configuration that Caddy starts from.
    pub fn write(&self, handler: &Value) {
        let at = self.dir.path().display();
        let mut admin = json!({ "listen": self.start.admin.clone().unwrap_or(format!("unix/{at}/admin.sock|0600")) });
        if let Some(origin) = &self.start.origin {
            admin["enforce_origin"] = json!(true);
            admin["origins"] = json!([origin]);
        }
        let config = json!({ "admin": admin, "apps": { "http": { "servers": { "s": {
            "listen": [format!("unix/{at}/in.sock|0600")], "automatic_https": { "disable": true },
            "routes": [{ "handle": [handler] }] } } } } });
        std::fs::write(self.path("caddy.json"), config.to_string()).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The `[backend]` that drives it.
    pub fn backend(&self) -> String {
        let at = self.dir.path().display();
        let admin = self.start.admin.clone().unwrap_or(format!("{at}/admin.sock"));
        format!(
            "[backend]\nkind = \"caddy\"\nadmin = \"{admin}\"\nhandler = \"rp\"\n\
             upstreams = {{ blue = [\"{}\"], green = [\"{}\"] }}\n",
            self.dial(Side::Blue),
            self.dial(Side::Green)
        )
    }

    pub fn set_start(&mut self, start: Start) {
        self.start = start;
    }

    pub fn run(&mut self) {
        for name in ["in.sock", "admin.sock"] {
            let _ = std::fs::remove_file(self.path(name));
        }
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut command = Command::new(&self.program);
        command.arg("run").arg("--config").arg(self.path("caddy.json"));
        if self.start.resume {
            command.arg("--resume");
        }
        for home in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env(home, self.dir.path());
        }
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let is_up = || self.answers("in.sock") && (self.start.admin.is_some() || self.answers("admin.sock"));
        assert!(in_time(is_up), "caddy does not start: {}", self.log());
    }

    fn answers(&self, socket: &str) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.path(socket)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let sent = stream.write_all(b"GET /ready HTTP/1.0\r\n\r\n");
        sent.is_ok() && stream.read(&mut [0; 16]).is_ok_and(|read| read > 0)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// How often its configuration was replaced.
    pub fn reloads(&self) -> usize {
        self.log().matches("load complete").count()
    }

    /// One call of the admin interface: status and body.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let mut stream = UnixStream::connect(self.path("admin.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Stops the process until it is ended or let go on: it takes connections and answers nothing.
    pub fn freeze(&self) {
        signals::send(Pid::from_child(self.child.as_ref().unwrap()), Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        signals::send(Pid::from_child(self.child.as_ref().unwrap()), Signal::CONT);
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
