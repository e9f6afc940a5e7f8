//! Real HAProxy processes for tests: each in a directory of its own, ended with the test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cutover::testing::backend::haproxy::{Address, HaproxySpec, MapEntry, Method, Save};
use cutover::testing::domain::{Pair, Side};
use rustix::process::{Pid, Signal, kill_process};

use super::local::{DEADLINE, eventually, free_address};
use super::signals;

/// What carries the split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Map,
    Percent,
    Weights,
}

/// One HAProxy.
pub struct Proxy {
    child: Option<Child>,
    /// Whether a master process is above the worker, which a reload needs.
    master: bool,
    dir: tempfile::TempDir,
    way: Way,
    sides: Pair<SocketAddr>,
    /// Where clients ask.
    pub listen: SocketAddr,
    /// Where the runtime API listens on TCP, with level user.
    pub reader: SocketAddr,
}

/// Whether HAProxy is installed; says so where it is not.
pub fn is_installed(test: &str) -> bool {
    let found = program().arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        println!("SKIPPED {test}: haproxy is not installed (apt-get install haproxy)");
    }
    found.is_ok()
}

/// HAProxy, wherever Debian puts it.
pub fn program() -> Command {
    let usual = "/usr/sbin/haproxy";
    Command::new(
        std::env::var("CUTOVER_HAPROXY")
            .unwrap_or_else(|_| if Path::new(usual).exists() { usual.into() } else { "haproxy".into() }),
    )
}

impl Proxy {
    /// Started and answering, with green's share as given (0 or 100 with [`Way::Map`]).
    pub fn start(way: Way, sides: &Pair<SocketAddr>, green: u8) -> Self {
        let dir = tempfile::Builder::new().prefix("ha").tempdir().unwrap();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let sides = Pair { blue: sides.blue, green: sides.green };
        let mut this = Self { child: None, master: false, dir, way, sides, listen: nowhere, reader: nowhere };
        let map = match way {
            Way::Map => format!("active {}\n", if green == 100 { "green" } else { "blue" }),
            Way::Percent | Way::Weights => format!("green_pct {green}\n"),
        };
        std::fs::write(this.map(), map).unwrap();
        for tries in 0.. {
            (this.listen, this.reader) = (free_address(), free_address());
            std::fs::write(this.config(), this.text(green)).unwrap();
            if this.run() {
                break;
            }
            // Another test may have taken a port meanwhile.
            assert!(tries < 5, "HAProxy does not start: {}", this.log());
        }
        this
    }

    /// Another one whose config names the same map as `first`, as the nodes of one router do.
    pub fn start_beside(first: &Self, green: u8) -> Self {
        let mut this = Self::start(first.way, &first.sides, green);
        this.kill();
        let text = std::fs::read_to_string(this.config()).unwrap();
        let (own, shared) = (this.map(), first.map());
        let text = text.replace(&*own.to_string_lossy(), &shared.to_string_lossy());
        std::fs::write(this.config(), text).unwrap();
        assert!(this.run(), "HAProxy does not start: {}", this.log());
        this
    }

    fn text(&self, green: u8) -> String {
        let dir = self.dir.path().display();
        let frontend = match self.way {
            Way::Map => format!("  use_backend be_%[str(active),map({dir}/split.map,blue)]\n"),
            Way::Percent => format!(
                "  http-request set-var(txn.pct) str(green_pct),map({dir}/split.map,0)\n  \
                 use_backend be_green if {{ rand(100),sub(txn.pct) lt 0 }}\n  default_backend be_blue\n"
            ),
            Way::Weights => "  default_backend be_split\n".to_owned(),
        };
        let (blue, sides_green) = (self.sides.blue, self.sides.green);
        let weights = (100 - green, green);
        format!(
            "global\n  stats socket {dir}/admin.sock mode 600 level admin\n  \
             stats socket ipv4@{reader} level user\n  server-state-file {dir}/state\n\
             defaults\n  mode http\n  timeout connect 1s\n  timeout client 30s\n  timeout server 30s\n  \
             load-server-state-from-file global\n\
             frontend inference\n  bind {listen}\n{frontend}\
             backend be_blue\n  server blue1 {blue}\n\
             backend be_green\n  server green1 {sides_green}\n\
             backend be_split\n  balance roundrobin\n  server blue1 {blue} weight {}\n  server green1 {sides_green} weight {}\n",
            weights.0,
            weights.1,
            reader = self.reader,
            listen = self.listen,
        )
    }

    /// Starts the process; `false` where it ended at once.
    pub fn run(&mut self) -> bool {
        let log = std::fs::File::create(self.dir.path().join("log")).unwrap();
        let mut command = program();
        command.args(if self.master { ["-W", "-db", "-f"] } else { ["-db", "-q", "-f"] }).arg(self.config());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let end = Instant::now() + DEADLINE;
        loop {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                self.child = None;
                return false;
            }
            if self.try_say("show info").is_some_and(|info| info.contains("Pid: ")) {
                return true;
            }
            assert!(Instant::now() < end, "HAProxy does not answer: {}", self.log());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// The new configuration takes over: another worker, and what was set at run time is gone unless it was saved.
    pub fn reload(&self) {
        let old = self.pid();
        let end = Instant::now() + DEADLINE;
        for looks in 0.. {
            // A master that has just begun may not listen for signals yet.
            if looks % 100 == 0 {
                self.signal_child(Signal::USR2);
            }
            if self.try_pid().is_some_and(|pid| pid != old) {
                return;
            }
            assert!(Instant::now() < end, "no other worker than {old} answers: {}", self.log());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Started again with a master process above it, so that it can be reloaded.
    pub fn with_master(mut self) -> Self {
        self.kill();
        self.master = true;
        assert!(self.run(), "HAProxy does not start: {}", self.log());
        self
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // The worker of a master that is killed finishes what it has: it is ended by its own id.
        let worker = if self.master { self.try_pid().and_then(|pid| Pid::from_raw(pid.parse().ok()?)) } else { None };
        let _ = child.kill();
        let _ = child.wait();
        if let Some(worker) = worker {
            let _ = kill_process(worker, Signal::KILL);
            eventually("the worker ended", || UnixStream::connect(self.socket()).is_err());
        }
    }

    fn try_pid(&self) -> Option<String> {
        let info = self.try_say("show info")?;
        Some(info.lines().find_map(|line| line.strip_prefix("Pid: "))?.to_owned())
    }

    /// The process id of the worker that answers.
    pub fn pid(&self) -> String {
        self.try_pid().expect("HAProxy answers")
    }

    /// Sends the process this test started a signal; of one without a master that is the worker itself.
    pub fn signal_child(&self, signal: Signal) {
        signals::send(Pid::from_child(self.child.as_ref().unwrap()), signal);
    }

    /// One command to the runtime API, behind the backend's back.
    pub fn say(&self, command: &str) -> String {
        self.try_say(command).expect("HAProxy answers")
    }

    fn try_say(&self, command: &str) -> Option<String> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        stream.write_all(format!("{command}\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        (!answer.is_empty()).then_some(answer)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("haproxy.cfg")
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("admin.sock")
    }

    pub fn map(&self) -> PathBuf {
        self.dir.path().join("split.map")
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub fn node(&self) -> Address {
        Address::Unix(self.socket())
    }

    /// How a backend drives it; nothing is saved.
    pub fn method(&self) -> Method {
        let map = self.map().to_string_lossy().into_owned();
        let backends = Some(Pair { blue: "be_blue".into(), green: "be_green".into() });
        match self.way {
            Way::Map => Method::Switch {
                entry: MapEntry { map, key: "active".into() },
                values: Pair { blue: "blue".into(), green: "green".into() },
                backends,
            },
            Way::Percent => Method::Percent { entry: MapEntry { map, key: "green_pct".into() }, backends },
            Way::Weights => Method::Weights {
                backend: "be_split".into(),
                servers: Pair { blue: vec!["blue1".into()], green: vec!["green1".into()] },
                addresses: Pair::default(),
            },
        }
    }

    /// This process alone, with nothing saved.
    pub fn spec(&self) -> HaproxySpec {
        HaproxySpec { nodes: vec![self.node()], method: self.method(), save: Save::default() }
    }

    /// This process alone, with everything saved that a reload reads.
    pub fn saved(&self) -> HaproxySpec {
        let save = match self.way {
            Way::Weights => Save { maps: vec![], states: vec![self.state()] },
            Way::Map | Way::Percent => Save { maps: vec![self.map()], states: vec![] },
        };
        HaproxySpec { save, ..self.spec() }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Ends the streams of every model of this test process.
pub static STREAMS_END: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// A model server of one side: answers its side's name, keeps connections, and streams at `/stream` until it is told.
pub struct Model {
    pub at: SocketAddr,
}

impl Model {
    pub fn start(side: Side) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            // Ends with the test's process.
            for stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || serve(stream, side));
            }
        });
        Self { at }
    }

    /// One a side.
    pub fn both() -> Pair<SocketAddr> {
        Pair::from_fn(|side| Self::start(side).at)
    }
}

fn serve(mut stream: std::net::TcpStream, side: Side) {
    let mut ahead = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        while let Some(end) = ahead.windows(4).position(|it| it == b"\r\n\r\n") {
            let head: Vec<u8> = ahead.drain(..end + 4).collect();
            if head.starts_with(b"GET /stream") {
                // Headers and one event; the rest comes when it is told to.
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\ndata: 1\n\n");
                eventually("the streams end", || STREAMS_END.load(std::sync::atomic::Ordering::Relaxed));
                let _ = stream.write_all(&[b' '; 991]);
                continue;
            }
            let code = if head.starts_with(b"GET /fail") { "500 Oops" } else { "200 OK" };
            let name = side.name();
            let answer = format!("HTTP/1.1 {code}\r\ncontent-length: {}\r\n\r\n{name}", name.len());
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(n) => ahead.extend_from_slice(&chunk[..n]),
        }
    }
}

/// A client that keeps its connection; asks again on a new one only when it is told to.
pub struct Client {
    stream: std::net::TcpStream,
}

impl Client {
    pub fn to(at: SocketAddr) -> Self {
        let stream = std::net::TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Status and body of one request; `None` where the connection broke.
    pub fn get(&mut self, path: &str) -> Option<(u16, String)> {
        self.stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: model\r\n\r\n").as_bytes()).ok()?;
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            if let Some(end) = bytes.windows(4).position(|it: &[u8]| it == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
                if path == "/stream" || bytes.len() >= end + 4 + length {
                    let status = head.get(9..12)?.parse().ok()?;
                    return Some((status, String::from_utf8_lossy(&bytes[end + 4..]).into_owned()));
                }
            }
            match self.stream.read(&mut chunk) {
                Ok(0) | Err(_) => return None,
                Ok(n) => bytes.extend_from_slice(&chunk[..n]),
            }
        }
    }
}
