//! A real Traefik, and a real Redis for it to read.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cutover::testing::domain::{Pair, Side, Split};

use super::local::{self, DEADLINE, eventually, free_address, in_time};
use super::program;

/// The header that the API asks for: user `cutover` with the right token of the tests' rigs.
pub const RIGHT: &str = "Basic Y3V0b3ZlcjpyaWdodC10b2tlbi1mb3ItdGVzdHM=";
/// The same user with the wrong one.
pub const WRONG: &str = "Basic Y3V0b3Zlcjp3cm9uZy10b2tlbi1mb3ItdGVzdHM=";
/// The password of Redis's user `cutover`.
pub const PASSWORD: &str = "right-token-for-tests";
/// What that user may do: read and write the service's keys, ask for one setting, and no more.
pub const RIGHTS: &str = "~traefik/http/services/split/weighted/* +mget +set +watch +multi +exec +config|get \
                          +publish &__keyspace@0__:traefik/http/services/split/*";

/// Where Traefik reads the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// `split.yml`.
    Yaml,
    /// `split.toml`.
    Toml,
    /// The Redis on this port.
    Redis(u16),
}

/// Ends with the test.
pub struct Traefik {
    dir: PathBuf,
    arguments: Vec<String>,
    pub listen: SocketAddr,
    pub api: SocketAddr,
    child: Option<Child>,
}

/// What is said on the command line besides.
#[derive(Debug, Clone, Copy)]
pub struct With {
    pub watch: bool,
    /// `providersThrottleDuration`.
    pub throttle_ms: u32,
}

impl Default for With {
    fn default() -> Self {
        Self { watch: true, throttle_ms: 50 }
    }
}

/// The directory that Traefik watches, and in it the routers and the services of the sides.
pub fn lay_out(dir: &Path, from: From, split: Split, models: &Pair<SocketAddr>) {
    let watched = dir.join("dyn");
    std::fs::create_dir_all(watched.join(".cutover")).unwrap();
    let provider = if matches!(from, From::Redis(_)) { "redis" } else { "file" };
    let main = format!(
        "http:\n  routers:\n    ml: {{ rule: \"PathPrefix(`/`)\", service: \"split@{provider}\", entryPoints: [web] }}\n    \
         api: {{ rule: \"PathPrefix(`/api`)\", service: \"api@internal\", entryPoints: [admin], middlewares: [auth] }}\n  \
         middlewares:\n    auth: {{ basicAuth: {{ users: [\"cutover:{{SHA}}3ztH2U2SWiahc9ynCc21LT0vwl0=\"] }} }}\n  \
         services:\n    blue: {{ loadBalancer: {{ servers: [ {{ url: \"http://{}\" }} ] }} }}\n    \
         green: {{ loadBalancer: {{ servers: [ {{ url: \"http://{}\" }} ] }} }}\n",
        models.blue, models.green
    );
    std::fs::write(watched.join("main.yml"), main).unwrap();
    let (blue, green) = (split.share(Side::Blue), split.share(Side::Green));
    match from {
        From::Yaml => std::fs::write(
            watched.join("split.yml"),
            format!(
                "{{\"http\":{{\"services\":{{\"split\":{{\"weighted\":{{\"services\":[\
                 {{\"name\":\"blue\",\"weight\":{blue}}},{{\"name\":\"green\",\"weight\":{green}}}]}}}}}}}}}}\n"
            ),
        )
        .unwrap(),
        From::Toml => std::fs::write(
            watched.join("split.toml"),
            format!(
                "[[http.services.split.weighted.services]]\nname = \"blue\"\nweight = {blue}\n\
                 [[http.services.split.weighted.services]]\nname = \"green\"\nweight = {green}\n"
            ),
        )
        .unwrap(),
        From::Redis(port) => {
            for (at, side, share) in [(0, "blue@file", blue), (1, "green@file", green)] {
                let key = format!("traefik/http/services/split/weighted/services/{at}");
                redis(port, &["SET", &format!("{key}/name"), side]);
                redis(port, &["SET", &format!("{key}/weight"), &share.to_string()]);
            }
        }
    }
}

fn arguments(dir: &Path, [listen, api]: [SocketAddr; 2], from: From, with: With) -> Vec<String> {
    let mut arguments = vec![
        format!("--entrypoints.web.address={listen}"),
        format!("--entrypoints.admin.address={api}"),
        "--api=true".into(),
        format!("--providers.file.directory={}", dir.join("dyn").display()),
        format!("--providers.file.watch={}", with.watch),
        format!("--providers.providersthrottleduration={}ms", with.throttle_ms),
        "--global.checknewversion=false".into(),
        "--global.sendanonymoususage=false".into(),
        "--log.nocolor=true".into(),
        format!("--log.filepath={}", dir.join("traefik.log").display()),
    ];
    if let From::Redis(port) = from {
        arguments.push(format!("--providers.redis.endpoints=127.0.0.1:{port}"));
        arguments.push(format!("--providers.redis.password={PASSWORD}-of-traefik"));
        arguments.push("--providers.redis.username=traefik".into());
    }
    arguments
}

impl Traefik {
    /// One that reads what lies in `dir`; it shows the split when this returns.
    pub fn start(dir: &Path, from: From, with: With) -> Self {
        std::fs::write(dir.join("auth"), RIGHT).unwrap();
        for _ in 0..5 {
            let (listen, api) = (free_address(), free_address());
            let arguments = arguments(dir, [listen, api], from, with);
            let mut traefik = Self { dir: dir.to_owned(), arguments, listen, api, child: None };
            // Somebody else may have taken a port meanwhile.
            if traefik.comes_up() {
                return traefik;
            }
        }
        panic!("traefik does not start: {}", std::fs::read_to_string(dir.join("traefik.log")).unwrap_or_default());
    }

    /// One whose static configuration is `traefik.yml`.
    pub fn of_config(dir: &Path, listen: SocketAddr, api: SocketAddr) -> Self {
        let arguments = vec![format!("--configfile={}", dir.join("traefik.yml").display())];
        let mut traefik = Self { dir: dir.to_owned(), arguments, listen, api, child: None };
        traefik.run();
        traefik
    }

    /// Starts it, and waits until it shows the split.
    pub fn run(&mut self) {
        assert!(self.comes_up(), "traefik ended: {}", self.log());
    }

    /// `false` where it ended before it showed the split.
    fn comes_up(&mut self) -> bool {
        let mut command = Command::new(program::program("traefik").unwrap());
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (mut ended, mut seen) = (false, None);
        let is_up = in_time(|| {
            ended = child.try_wait().unwrap().is_some();
            seen = ask(self.api, "/api/http/services");
            ended || seen.as_ref().is_some_and(|it| it.contains("\"split@") && it.contains("\"blue@file\""))
        });
        self.child = Some(child);
        assert!(is_up, "traefik does not show the split: {seen:?}\n{}", self.log());
        !ended
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.api)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("traefik.log")).unwrap_or_default()
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Traefik {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A Redis with users `traefik` and `cutover` beside the default one. Ends with the test.
pub struct Redis {
    pub dir: tempfile::TempDir,
    pub port: u16,
    /// The port that speaks TLS and asks for a client certificate. Its certificate is for 127.0.0.1 alone.
    pub tls: Option<u16>,
    child: Option<Child>,
}

impl Redis {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut redis = Self { dir, port: free_address().port(), tls: None, child: None };
        redis.run();
        redis
    }

    /// One with a TLS port too; its directory has `ca.pem`, and `client.pem` with `client.key`.
    pub fn start_with_tls() -> Self {
        let dir = tempfile::tempdir().unwrap();
        certify(dir.path());
        let (port, tls) = (free_address().port(), Some(free_address().port()));
        let mut redis = Self { dir, port, tls, child: None };
        redis.run();
        redis
    }

    pub fn run(&mut self) {
        let mut command = Command::new(program::program("redis-server").unwrap());
        let mut conf = format!(
            "bind 127.0.0.1\nport {}\nsave \"\"\nappendonly yes\nappendfsync always\ndir {}\n\
             user traefik on >{PASSWORD}-of-traefik ~* &* +@all\nuser cutover on >{PASSWORD} {RIGHTS}\n",
            self.port,
            self.dir.path().display()
        );
        if let Some(port) = self.tls {
            let file = |name: &str| self.dir.path().join(name).display().to_string();
            let _ = write!(
                conf,
                "tls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ntls-auth-clients yes\n",
                file("server.pem"),
                file("server.key"),
                file("ca.pem")
            );
        }
        let file = self.dir.path().join("redis.conf");
        std::fs::write(&file, conf).unwrap();
        command.arg(file);
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        eventually("redis answers", || redis_says(self.port, &["PING"]).is_some_and(|it| it.starts_with("+PONG")));
    }

    /// The answer to one command, as it stands on the wire.
    pub fn say(&self, words: &[&str]) -> String {
        redis(self.port, words)
    }

    /// The same on a connection that said `first` before.
    pub fn say_as(&self, first: &[&str], words: &[&str]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all((wire(first) + &wire(words)).as_bytes()).unwrap();
        let mut text = String::new();
        let mut answer = [0; 4096];
        while text.matches("\r\n").count() < 2 {
            let read = stream.read(&mut answer).unwrap();
            assert!(read > 0, "redis closed: {text}");
            text.push_str(&String::from_utf8_lossy(&answer[..read]));
        }
        text
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Writes a CA, and a certificate by it for a server at 127.0.0.1 and for a client.
fn certify(dir: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    let put = |name: &str, text: String| std::fs::write(dir.join(name), text).unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "CA of the tests");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    put("ca.pem", ca.pem());
    for (file, name) in [("server", "127.0.0.1"), ("client", "cutover.test")] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        put(&format!("{file}.pem"), params.signed_by(&key, &ca).unwrap().pem());
        put(&format!("{file}.key"), key.serialize_pem());
    }
}

fn redis(port: u16, words: &[&str]) -> String {
    redis_says(port, words).unwrap_or_else(|| panic!("redis does not answer {words:?}"))
}

fn wire(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{}", words.len(), words.concat())
}

fn redis_says(port: u16, words: &[&str]) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    stream.write_all(wire(words).as_bytes()).ok()?;
    let mut answer = [0; 4096];
    let read = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..read]).into_owned())
}

/// The body of an answer with status 200 of the API, by its own user; `None` for any other answer.
fn ask(at: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(at).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: {RIGHT}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// A whole config around a `[backend]`.
pub fn config(backend: &str, dir: &Path) -> cutover::testing::config::Config {
    local::config(
        &format!(
            "[backend]
kind = \"traefik\"
{backend}"
        ),
        dir,
    )
}

/// Where no model needs to answer.
pub fn nowhere() -> Pair<SocketAddr> {
    Pair { blue: ([127, 0, 0, 1], 9).into(), green: ([127, 0, 0, 1], 9).into() }
}
